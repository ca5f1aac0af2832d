"""The paper venue on order books keeps the broker's contract; depth, queues, latency, halts, auctions and borrow."""

from __future__ import annotations

from tests.execution.conformance import BrokerConformance
from tuiconsole.domain.books import DepthUpdate
from tuiconsole.domain.instruments import Universe
from tuiconsole.execution.book_venue import BookVenue

P = 10**6


class TestBookVenueConformance(BrokerConformance):
    def make(self):
        self.ts = 100
        self.venue = BookVenue(Universe.of(["AAA", "BBB", "CCC"]))
        self.trade(self.venue)
        return self.venue

    def trade(self, broker):
        self.ts += 1
        for symbol in ("AAA", "BBB", "CCC"):
            found = broker.on_book(DepthUpdate(self.ts, symbol, [(99 * P, 50)], [(101 * P, 50)], True))
            if found.fills is not None:
                return found.fills
        return None
