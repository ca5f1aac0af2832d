"""What a stream of one book's events was like: its span and its spread."""

from __future__ import annotations

from tuiconsole.domain.books import BookBroken, BookEvent, DepthUpdate, TopQuote
from tuiconsole.domain.order_book import OrderBook

_BPS = 1e4


class SpreadStatistics:
    """Spread of one book over its messages, in basis points of the middle; NaN while it never had two sides.

    Where the feed tells no levels, of its best quotes.

    Attributes
    ----------
    first, last
        Times of the first and last event, ns UTC; 0 before any.
    least, most
        Smallest and largest spread after any message.
    """

    def __init__(self) -> None:
        self.first = 0
        self.last = 0
        self.least = float("nan")
        self.most = float("nan")
        self._book = OrderBook()
        self._deep = False
        self._now = float("nan")
        self._since = 0
        self._area = 0.0
        self._time = 0

    def take(self, event: BookEvent) -> None:
        """Take in the next event."""
        self.first = self.first or event.ts
        self.last = event.ts
        if isinstance(event, DepthUpdate):
            self._pass_to(event.ts)
            self._book.apply(event)
            self._look()
            self._deep = True
        elif isinstance(event, TopQuote) and not self._deep:
            self._pass_to(event.ts)
            self._book.replace([(event.bid, event.bid_size)], [(event.ask, event.ask_size)])
            self._look()
        elif isinstance(event, BookBroken):
            self._pass_to(event.ts)
            self._book.replace((), ())
            self._now = float("nan")

    def _pass_to(self, ts: int) -> None:
        if self._now == self._now and ts > self._since:
            self._area += self._now * (ts - self._since)
            self._time += ts - self._since
        self._since = ts

    def _look(self) -> None:
        bid, _, ask, _ = self._book.touch()
        if not bid or not ask:
            self._now = float("nan")
            return
        self._now = spread = 2.0 * _BPS * (ask - bid) / (ask + bid)
        self.least = spread if not self.least <= spread else self.least
        self.most = spread if not self.most >= spread else self.most

    @property
    def mean(self) -> float:
        """Mean spread, each weighted with the time for which it stood."""
        return self._area / self._time if self._time else self._now
