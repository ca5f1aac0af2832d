"""Reconciliation as a pure function: the desk's view of an account and the broker's, to differences and what to do.

An order's missed fills explain a part of what its position differs by; a position is only told to differ by what they
leave unexplained. So everything that is adopted is adopted once.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.accounts import AccountView, DifferenceKind, Differences
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import to_float

Row = tuple[int, int, int, int, int, int, str]

ACTIONS: dict[DifferenceKind, str] = {
    DifferenceKind.POSITION: "adopt: the position is corrected at the last good price",
    DifferenceKind.CASH: "adopt: cash is corrected",
    DifferenceKind.FILLED: "adopt: the missing fills are booked",
    DifferenceKind.QUANTITY: "adopt: the order gets the broker's quantity",
    DifferenceKind.ENDED: "adopt: the order is ended here too",
    DifferenceKind.FOREIGN: "cancel it at the broker, or ignore it: the desk cannot work an order that is not its own",
}
"""What adopting each kind does."""


def reconcile(ours: AccountView, theirs: AccountView, cash_tolerance: int = 0) -> Differences:
    """How the broker's view differs from ours; empty exactly when both say the same.

    Neither the order of the orders nor of the symbols' orders matters.

    Parameters
    ----------
    cash_tolerance
        Money up to which cash may differ; brokers round.
    """
    here = {order.number: order for order in ours.orders}
    there = {order.number: order for order in theirs.orders if order.number}
    rows: list[Row] = []
    explained = np.zeros(len(ours.positions), dtype=np.int64)
    for number, order in here.items():
        found = there.get(number)
        if found is None:
            rows.append((DifferenceKind.ENDED, order.symbol, number, order.quantity - order.filled, 0, 0, ""))
            continue
        if found.filled != order.filled:
            explained[order.symbol] += found.filled - order.filled
            rows.append(
                (DifferenceKind.FILLED, order.symbol, number, order.filled, found.filled, found.price, "")
            )
        if found.quantity != order.quantity:
            rows.append(
                (DifferenceKind.QUANTITY, order.symbol, number, order.quantity, found.quantity, 0, "")
            )
    foreign = [order for order in theirs.orders if order.number not in here]
    rows += [
        (DifferenceKind.FOREIGN, one.symbol, one.number, 0, one.quantity - one.filled, 0, one.name)
        for one in foreign
    ]
    left = theirs.positions - ours.positions - explained
    rows += [
        (
            DifferenceKind.POSITION,
            column,
            0,
            int(theirs.positions[column]) - int(left[column]),
            int(theirs.positions[column]),
            0,
            "",
        )
        for column in np.flatnonzero(left).tolist()
    ]
    if ours.cash is not None and theirs.cash is not None and abs(theirs.cash - ours.cash) > cash_tolerance:
        rows.append((DifferenceKind.CASH, -1, 0, ours.cash, theirs.cash, 0, ""))
    return _columns(sorted(rows))


def _columns(rows: list[Row]) -> Differences:
    names = tuple(row[-1] for row in rows)
    table = np.array([row[:-1] for row in rows], dtype=np.int64).reshape(-1, 6).T.copy()
    return Differences.of([table[0].astype(np.int8), *table[1:]], names)


def adopted(ours: AccountView, differences: Differences) -> AccountView:
    """Our view once everything that can be adopted was: what is left to differ are orders that are not the desk's."""
    orders = {order.number: order for order in ours.orders}
    positions, cash = ours.positions.copy(), ours.cash
    for kind, symbol, number, before, after, price, _ in _rows(differences):
        if kind == DifferenceKind.POSITION:
            positions[symbol] += after - before
        elif kind == DifferenceKind.CASH:
            cash = after
        elif kind == DifferenceKind.FILLED:
            positions[symbol] += after - before
            orders[number] = replace(orders[number], filled=after, price=price)
        elif kind == DifferenceKind.QUANTITY:
            orders[number] = replace(orders[number], quantity=after)
        elif kind == DifferenceKind.ENDED:
            del orders[number]
    return AccountView(positions, tuple(orders.values()), cash)


def _rows(differences: Differences) -> Iterable[Row]:
    return zip(*(column.tolist() for column in differences.columns()), differences.names, strict=True)


def kinds(differences: Differences) -> list[str]:
    """The kind of each difference as a word."""
    return [DifferenceKind(kind).name.lower() for kind in differences.kind.tolist()]


def sentences(differences: Differences, universe: Universe) -> list[str]:
    """Each difference in words: what differs, our figure, the broker's, and what adopting it would do."""
    told = []
    for kind, symbol, number, before, after, _, name in _rows(differences):
        if symbol < 0:
            what = f"Cash: {to_float(before):,.2f} here, {to_float(after):,.2f} at the broker"
        else:
            instrument = universe.instruments[symbol]
            here, there = (to_float(value, instrument.quantity_decimals) for value in (before, after))
            what = {
                DifferenceKind.POSITION: f"{instrument.symbol}: {here:,g} held here, {there:,g} at the broker",
                DifferenceKind.FILLED: f"Order {number} ({instrument.symbol}): {here:,g} filled here, {there:,g} there",
                DifferenceKind.QUANTITY: f"Order {number} ({instrument.symbol}): for {here:,g} here, {there:,g} there",
                DifferenceKind.ENDED: f"Order {number} ({instrument.symbol}): {here:,g} open here, unknown there",
                DifferenceKind.FOREIGN: f"An order for {there:,g} {instrument.symbol} is there ({name or number}), not here",
            }[DifferenceKind(kind)]
        told.append(f"{what} ({ACTIONS[DifferenceKind(kind)]}).")
    return told
