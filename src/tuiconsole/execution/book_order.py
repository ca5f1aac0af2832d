"""One order of the desk as it stands at a venue of order books."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.order_terms import PLAIN, TRAIL_PARTS, OrderType, Peg, Terms, TimeInForce, TrailUnit

UNKNOWN_FRONT = -1.0
"""What stands before an order whose level the feed does not show: it counts from when the level is shown."""
NEVER = 2**63 - 1
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)
_AUCTION = (TimeInForce.OPG, TimeInForce.CLS)
_UNTIL_CANCELLED = (TimeInForce.GTC, *_AT_ONCE)


class BookOrder(msgspec.Struct):
    """An order at the venue, changed in place.

    Attributes
    ----------
    number, symbol
        Of the desk; universe column.
    side
        :data:`~tuiconsole.domain.order_book.BID` buys, ``ASK`` sells.
    total, filled
        Scaled quantity ordered and filled, both positive; ``cut`` of it was taken by orders of the same group.
    limit
        The scaled price that counts now: a pegged order's moves; 0 is none.
    level
        The stop price that counts now, moved by a trail; 0 is none.
    released
        Of what is left the part that its parent's fills allow; -1 without a parent.
    shown
        Of the part that an iceberg shows now, everything for others.
    front
        Quantity of the market before it in its queue, :data:`UNKNOWN_FRONT` where that is not known.
    resting
        It is in the market; else it waits for its stop, its parent or a quote to follow.
    until
        ns UTC at which its time is over.
    """

    number: int
    symbol: int
    side: int
    total: int
    terms: Terms = PLAIN
    filled: int = 0
    cut: int = 0
    limit: int = 0
    level: int = 0
    released: int = -1
    shown: int = 0
    front: float = UNKNOWN_FRONT
    triggered: bool = False
    resting: bool = False
    until: int = NEVER

    @classmethod
    def of(cls, number: int, symbol: int, quantity: int, terms: Terms) -> BookOrder:
        """An order of ``quantity``, signed and scaled, before it arrives."""
        made = cls(number, symbol, 1 if quantity > 0 else -1, abs(quantity), terms)
        made.limit = 0 if terms.type == OrderType.PEGGED else terms.limit
        made.level = terms.stop
        made.released = 0 if terms.parent else -1
        return made

    @property
    def left(self) -> int:
        """What may still fill, whatever it waits for."""
        return max(self.total - self.filled - self.cut, 0)

    @property
    def active(self) -> int:
        """What may fill now."""
        return self.left if self.released < 0 else min(self.left, self.released)

    @property
    def waits_for_stop(self) -> bool:
        """Whether its stop price has yet to be reached."""
        return not self.triggered and self.terms.type in _STOPS

    @property
    def at_once(self) -> bool:
        """What cannot be filled on arrival is given up."""
        return self.terms.tif in _AT_ONCE

    @property
    def whole(self) -> bool:
        """All of it must be filled on arrival."""
        return self.terms.tif == TimeInForce.FOK

    @property
    def for_auction(self) -> bool:
        """It is for the next auction alone."""
        return self.terms.tif in _AUCTION

    def begin(self, ts: int) -> None:
        """It arrives at ``ts`` (ns UTC): its time runs from here. A day is one of UTC."""
        if self.terms.tif == TimeInForce.GTD:
            self.until = self.terms.expiry
        elif self.terms.tif not in _UNTIL_CANCELLED:
            self.until = (ts // NANOSECONDS_PER_DAY + 1) * NANOSECONDS_PER_DAY

    def trail(self, price: int) -> None:
        """Let a trailing stop follow ``price``; it never moves away from the market."""
        if self.terms.type != OrderType.TRAILING_STOP or self.triggered:
            return
        distance = self.terms.trail
        if self.terms.trail_unit == TrailUnit.PERCENT:
            distance = price * distance // TRAIL_PARTS
        found = max(price + self.side * distance, 1)
        nearer = self.side * (self.level - found) > 0
        self.level = found if nearer or not self.level else self.level

    def pegged(self, bid: int, ask: int, tick: int) -> int:
        """The price that a pegged order stands at, on the tick behind it; 0 without quotes on both sides."""
        if not 0 < bid <= ask:
            return 0
        side, terms = self.side, self.terms
        own, other = (bid, ask) if side > 0 else (ask, bid)
        twice = {Peg.PRIMARY: 2 * own, Peg.MARKET: 2 * other, Peg.MID: bid + ask}[Peg(terms.peg)]
        twice -= 2 * side * terms.peg_offset
        price = max(twice * side // (2 * tick) * side, 1) * tick
        if not terms.limit:
            return price
        return min(price, terms.limit) if side > 0 else max(price, terms.limit)

    def row(self) -> list[float]:
        """Everything as plain numbers."""
        fields = (name for name in self.__struct_fields__ if name != "terms")
        return [*(getattr(self, name) for name in fields), *msgspec.structs.astuple(self.terms)]

    @classmethod
    def of_row(cls, row: Sequence[float]) -> BookOrder:
        """The order that :meth:`row` told of."""
        names = [name for name in cls.__struct_fields__ if name != "terms"]
        values = dict(zip(names, row[: len(names)], strict=True))
        values["triggered"], values["resting"] = bool(values["triggered"]), bool(values["resting"])
        return cls(**values, terms=Terms(*row[len(names) :]))  # type: ignore[arg-type]
