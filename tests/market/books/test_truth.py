"""Whatever is lost, repeated or late: a book that says it is live is the true one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.market.books.messages import diff, snapshot
from tuiconsole.domain.books import DepthUpdate
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.market.books.binance import BinanceFeed

CHANGE = st.tuples(st.integers(1, 8), st.integers(0, 3), st.integers(1, 3))
"""Price, size (0 takes it away), and how many update numbers the message covers."""
FATE = st.sampled_from(("sent", "sent", "sent", "lost", "twice", "late"))
SNAPSHOT = st.sampled_from((None, None, 0, 1, 2))
"""Steps until the answer comes that was asked for at this one; None: none was."""


def _rows(book: OrderBook, side: int) -> list[tuple[str, str]]:
    return [(f"{price // 100}.00", f"{size // 10}.0") for price, size in book.side(side).levels()]


@given(st.booleans(), st.lists(st.tuples(CHANGE, FATE, SNAPSHOT), min_size=4, max_size=30))
def test_a_live_book_is_the_true_book(
    futures: bool, changes: list[tuple[tuple[int, int, int], str, int | None]]
) -> None:
    """Changes of one true book reach the feed by their fate, snapshots when they were asked for and some steps later."""
    truth, feed, beside, number = OrderBook(), BinanceFeed(symbol="AAA"), OrderBook(), 100
    truth.replace([(100, 10)], [(900, 10)])
    shown: dict[int, bytes] = {}
    answers: list[tuple[int, str]] = []
    held = ""

    def give(payload: str) -> None:
        for event in feed.read(1, payload):
            if isinstance(event, DepthUpdate):
                beside.apply(event)

    for step, ((price, size, covered), fate, delay) in enumerate(changes):
        before = number
        number += covered
        level = [(f"{price}.00", f"{size}.0")]
        sides = (level, []) if price <= 4 else ([], level)
        truth.change([(price * 100, size * 10)] * (price <= 4), [(price * 100, size * 10)] * (price > 4))
        shown[number] = truth.digest()
        message = diff(before + 1, number, *sides, before=before if futures else None)
        if fate not in ("lost", "late"):
            give(message)
        if fate == "twice":
            give(message)
        if held:
            give(held)
        held = message if fate == "late" else ""
        if delay is not None:
            answers.append((step + delay, snapshot(number, _rows(truth, 1), _rows(truth, -1))))
        for due, answer in answers:
            if due == step:
                give(answer)
        book = feed.books.get("AAA")
        if book is not None and book.live:
            assert book.book.digest() == shown[book.last_id]
            assert beside.digest() == book.book.digest()
