"""Trade reconciliation: the desk's executions against a broker's statement, line by line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One execution, exact.

    Attributes
    ----------
    execution
        Number of the execution, 0 where it is not told.
    order
        The desk's order number, 0 where it is not told.
    quantity
        Signed.
    fee
        None where it is not told.
    """

    execution: int
    order: int
    symbol: str
    quantity: Decimal
    price: Decimal
    fee: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TradeReport:
    """What agrees and what does not.

    Attributes
    ----------
    matched
        Executions that are on both sides and say the same.
    differing
        Pairs of ours and theirs, and the names of what differs.
    only_ours, only_theirs
        Executions of one side alone.
    """

    matched: int
    differing: tuple[tuple[Trade, Trade, tuple[str, ...]], ...]
    only_ours: tuple[Trade, ...]
    only_theirs: tuple[Trade, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not (self.differing or self.only_ours or self.only_theirs)


def match_trades(ours: Iterable[Trade], theirs: Iterable[Trade]) -> TradeReport:
    """Pair executions by their number; what has none by symbol, quantity, price and order.

    >>> one = Trade(7, 1, "AAPL", Decimal(10), Decimal("99.5"), Decimal(1))
    >>> match_trades([one], [one]).agrees
    True
    """
    left: dict[int, list[Trade]] = defaultdict(list)
    unnumbered: list[Trade] = []
    for trade in ours:
        left[trade.execution].append(trade)
    matched, differing, only_theirs = 0, [], []
    for trade in theirs:
        candidates = left.get(trade.execution) if trade.execution else None
        if not candidates:
            unnumbered.append(trade)
            continue
        mate = candidates.pop()
        wrong = _wrong(mate, trade)
        matched += not wrong
        if wrong:
            differing.append((mate, trade, wrong))
    rest = [trade for group in left.values() for trade in group]
    for trade in unnumbered:
        found = None if trade.execution else next((one for one in rest if not _wrong(one, trade)), None)
        if found is None:
            only_theirs.append(trade)
        else:
            rest.remove(found)
            matched += 1
    return TradeReport(matched, tuple(differing), tuple(rest), tuple(only_theirs))


def _wrong(ours: Trade, theirs: Trade) -> tuple[str, ...]:
    names = [name for name in ("symbol", "quantity", "price") if getattr(ours, name) != getattr(theirs, name)]
    if theirs.order and theirs.order != ours.order:
        names.append("order")
    if theirs.fee is not None and theirs.fee != ours.fee:
        names.append("fee")
    return tuple(names)
