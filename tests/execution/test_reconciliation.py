"""Reconciliation as a pure function: empty exactly when equal, blind to order, and settled by adopting once."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tuiconsole.domain.accounts import AccountView, DifferenceKind, Differences, OpenOrder
from tuiconsole.domain.instruments import Universe
from tuiconsole.execution.reconciliation import ACTIONS, adopted, kinds, reconcile, sentences
from tuiconsole.execution.trade_matching import Trade, match_trades

N = 3
UNIVERSE = Universe.of(("AAPL", "MSFT", "XOM"))
quantities = st.integers(-500, 500)


@st.composite
def orders(draw: st.DrawFn) -> tuple[OpenOrder, ...]:
    numbers = draw(st.lists(st.integers(1, 6), unique=True, max_size=5))
    made = []
    for number in numbers:
        size = draw(st.integers(1, 50)) * draw(st.sampled_from((1, -1)))
        filled = draw(st.integers(0, abs(size))) * (1 if size > 0 else -1)
        made.append(OpenOrder(number, number % N, size, filled, draw(st.integers(0, 9)) if filled else 0))
    return tuple(made)


@st.composite
def accounts(draw: st.DrawFn) -> AccountView:
    held = np.array(draw(st.lists(quantities, min_size=N, max_size=N)), dtype=np.int64)
    return AccountView(held, draw(orders()), draw(st.none() | st.integers(0, 10**12)))


def same(left: AccountView, right: AccountView) -> bool:
    """Equal in everything that both tell."""

    def told(view: AccountView) -> set[tuple[int, ...]]:
        return {(one.number, one.symbol, one.quantity, one.filled) for one in view.orders}

    cash = left.cash is None or right.cash is None or left.cash == right.cash
    return np.array_equal(left.positions, right.positions) and told(left) == told(right) and cash


@given(accounts(), accounts())
def test_empty_exactly_when_equal(ours: AccountView, theirs: AccountView) -> None:
    assert (len(reconcile(ours, theirs)) == 0) == same(ours, theirs)
    assert len(reconcile(ours, ours)) == 0


@given(accounts(), accounts(), st.randoms(use_true_random=False))
def test_the_order_of_orders_does_not_matter(ours: AccountView, theirs: AccountView, rng: object) -> None:
    mixed = [replace(view, orders=tuple(reversed(view.orders))) for view in (ours, theirs)]
    straight, other = reconcile(ours, theirs), reconcile(*mixed)
    assert straight.rows() == other.rows()
    assert straight.names == other.names


@given(accounts(), accounts())
def test_adopting_leaves_nothing_but_orders_that_are_not_ours(ours: AccountView, theirs: AccountView) -> None:
    found = reconcile(ours, theirs)
    again = reconcile(adopted(ours, found), theirs)
    assert set(again.kind.tolist()) <= {DifferenceKind.FOREIGN}
    assert again.kind.tolist() == [kind for kind in found.kind.tolist() if kind == DifferenceKind.FOREIGN]
    once_more = adopted(adopted(ours, found), again)
    assert reconcile(once_more, theirs).rows() == again.rows()


@given(accounts(), accounts(), st.permutations(range(N)))
def test_symbols_may_change_places(ours: AccountView, theirs: AccountView, places: list[int]) -> None:
    def moved(view: AccountView) -> AccountView:
        held = np.empty_like(view.positions)
        held[places] = view.positions
        return replace(
            view, positions=held, orders=tuple(replace(one, symbol=places[one.symbol]) for one in view.orders)
        )

    def keyed(found: Differences) -> list[tuple[int, ...]]:
        return sorted(found.rows())

    straight = [
        (kind, places[symbol] if symbol >= 0 else -1, *rest)
        for kind, symbol, *rest in reconcile(ours, theirs).rows()
    ]
    assert keyed(reconcile(moved(ours), moved(theirs))) == sorted(straight)


def view(*held: int, orders: tuple[OpenOrder, ...] = (), cash: int | None = None) -> AccountView:
    return AccountView(np.array(held, dtype=np.int64), orders, cash)


def test_each_kind_and_its_sentence() -> None:
    ours = view(
        10,
        0,
        5,
        orders=(OpenOrder(1, 0, 100, 40), OpenOrder(2, 1, -5, 0), OpenOrder(3, 2, 7, 0)),
        cash=10**10,
    )
    theirs = view(
        20,
        3,
        5,
        orders=(
            OpenOrder(1, 0, 100, 50, 99_000_000),
            OpenOrder(3, 2, 9, 0),
            OpenOrder(0, 1, 4, 1, 0, "b-77"),
        ),
        cash=10**10 - 10**8,
    )
    found = reconcile(ours, theirs)
    assert kinds(found) == ["position", "cash", "filled", "quantity", "ended", "foreign"]
    told = sentences(found, UNIVERSE)
    assert told[0].startswith("MSFT: 0 held here, 3 at the broker (adopt: the position is corrected")
    assert told[1].startswith("Cash: 100.00 here, 99.00 at the broker")
    assert told[2].startswith("Order 1 (AAPL): 40 filled here, 50 there (adopt: the missing fills")
    assert told[3].startswith("Order 3 (XOM): for 7 here, 9 there")
    assert told[4].startswith("Order 2 (MSFT): -5 open here, unknown there")
    assert told[5].startswith("An order for 3 MSFT is there (b-77), not here (cancel it at the broker")
    assert set(ACTIONS) == set(DifferenceKind)


def test_missed_fills_explain_a_position() -> None:
    ours = view(10, 0, 0, orders=(OpenOrder(1, 0, 100, 10),))
    theirs = view(60, 0, 0, orders=(OpenOrder(1, 0, 100, 60, 5),))
    assert kinds(reconcile(ours, theirs)) == ["filled"]


@pytest.mark.parametrize(
    ("difference", "tolerance", "empty"), [(5, 4, False), (5, 5, True), (-5, 5, True), (-6, 5, False)]
)
def test_cash_may_be_rounded(difference: int, tolerance: int, empty: bool) -> None:
    found = reconcile(view(0, 0, 0, cash=100), view(0, 0, 0, cash=100 + difference), tolerance)
    assert (len(found) == 0) == empty


def trade(
    execution: int, quantity: int = 10, price: str = "99.5", order: int = 1, fee: str | None = "1"
) -> Trade:
    return Trade(
        execution, order, "AAPL", Decimal(quantity), Decimal(price), None if fee is None else Decimal(fee)
    )


def test_trades_are_matched_whatever_their_order() -> None:
    ours = [trade(1), trade(2, -5), trade(3, 7)]
    for mixed in permutations(ours):
        assert match_trades(ours, mixed).matched == 3
        assert match_trades(ours, mixed).agrees


def test_what_differs_between_trades_is_named() -> None:
    ours = [trade(1), trade(2), trade(3), trade(4)]
    theirs = [trade(1, price="99.51"), trade(2, fee="2", order=8), trade(0, fee=None, order=0), trade(9)]
    report = match_trades(ours, theirs)
    assert [what for _, _, what in report.differing] == [("price",), ("order", "fee")]
    assert report.matched == 1
    assert [one.execution for one in report.only_ours] == [4]
    assert [one.execution for one in report.only_theirs] == [9]
    assert not report.agrees
    assert match_trades([trade(1)], [trade(1), trade(1)]).only_theirs == (trade(1),)
