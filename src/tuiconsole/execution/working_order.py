"""One order with terms as it rests at the paper venue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tuiconsole.domain.order_terms import OrderType, Terms

_FIELDS = ("number", "symbol", "total", "filled", "bar", "arrival", "level", "released", "day")


@dataclass(slots=True)
class WorkingOrder:
    """An order at the venue; changed in place as bars pass.

    Attributes
    ----------
    number, symbol
        Order number and universe column.
    total, filled
        Signed scaled quantity ordered, and filled; ``cut`` of it was taken by orders of the same group.
    bar, arrival
        Count of the bar after which it was handed over, and when it arrives (ns UTC).
    level
        The stop price that counts now, moved by a trail; scaled.
    released
        How much of it, unsigned, its parent's fills allow so far; -1 without a parent.
    day
        Session in which it could first trade, -1 before.
    triggered
        Its stop price was reached.
    fresh
        No bar has passed it by since it arrived.
    within_bar
        It came into the market within the bar at hand, by its parent's fill.
    """

    number: int
    symbol: int
    total: int
    filled: int
    bar: int
    arrival: int
    level: int
    released: int
    day: int
    terms: Terms
    cut: int = 0
    triggered: bool = False
    fresh: bool = True
    within_bar: bool = False

    @property
    def side(self) -> int:
        """1 for a purchase, -1 for a sale."""
        return 1 if self.total > 0 else -1

    @property
    def left(self) -> int:
        """Unsigned quantity that may still fill, whatever it waits for."""
        return max(abs(self.total) - abs(self.filled) - self.cut, 0)

    @property
    def active(self) -> int:
        """Unsigned quantity that may fill now."""
        return self.left if self.released < 0 else min(self.left, self.released)

    @property
    def waits_for_stop(self) -> bool:
        """Whether its stop price has yet to be reached."""
        return not self.triggered and self.terms.type in (
            OrderType.STOP,
            OrderType.STOP_LIMIT,
            OrderType.TRAILING_STOP,
        )

    def row(self) -> list[int]:
        """Everything as plain numbers."""
        head = [getattr(self, name) for name in _FIELDS]
        flags = [self.cut, int(self.triggered), int(self.fresh)]
        return [*head, *flags, *(getattr(self.terms, name) for name in Terms.__struct_fields__)]

    @classmethod
    def of(cls, row: Sequence[int]) -> WorkingOrder:
        """The order that :meth:`row` told of."""
        n = len(_FIELDS)
        number, symbol, total, filled, bar, arrival, level, released, day = row[:n]
        cut, triggered, fresh = row[n : n + 3]
        terms = Terms(*row[n + 3 :])
        made = cls(number, symbol, total, filled, bar, arrival, level, released, day, terms, cut)
        made.triggered, made.fresh = bool(triggered), bool(fresh)
        return made
