"""The order book against a plain dictionary that is sorted afresh."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.books import DepthUpdate
from tuiconsole.domain.order_book import ASK, BID, Ladder, OrderBook

LEVELS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 4)), max_size=25)


@given(st.sampled_from((BID, ASK)), LEVELS, st.lists(LEVELS, max_size=6), st.integers(1, 8))
def test_a_side_is_a_sorted_dictionary(
    side: int, first: list[tuple[int, int]], later: list[list[tuple[int, int]]], depth: int
) -> None:
    ladder = Ladder(side)
    ladder.replace(first)
    plain = {price: size for price, size in first if size}
    for levels in later:
        ladder.change(levels)
        for price, size in levels:
            plain[price] = size
        plain = {price: size for price, size in plain.items() if size}
    order = sorted(plain, reverse=side == BID)
    assert list(ladder.levels()) == [(price, plain[price]) for price in order]
    assert list(ladder.levels(depth)) == [(price, plain[price]) for price in order[:depth]]
    assert (ladder.best, ladder.worst, len(ladder)) == (
        (order[0], order[-1], len(order)) if order else (0, 0, 0)
    )
    assert ladder.depth(depth) == sum(plain[price] for price in order[:depth])
    for limit in (1, 15, 30):
        meets = any((price >= limit) if side == BID else (price <= limit) for price in order)
        assert ladder.reaches(limit) is meets
    assert ladder.truncate(depth) == order[depth:][::-1]
    assert list(ladder.levels()) == [(price, plain[price]) for price in order[:depth]]


def test_both_sides_take_updates_and_snapshots() -> None:
    book = OrderBook()
    assert (book.two_sided, book.crossed, book.touch()) == (False, False, (0, 0, 0, 0))
    book.apply(DepthUpdate(1, "X", [(100, 5), (99, 1)], [(101, 2)], True))
    book.apply(DepthUpdate(2, "X", [(100, 0), (98, 4)], [(102, 7), (200, 0)]))
    assert book.touch() == (99, 1, 101, 2)
    assert (book.side(BID), book.side(ASK)) == (book.bids, book.asks)
    before = book.digest()
    book.change([(101, 3)], [])
    assert book.crossed
    assert book.digest() != before
    book.change([(101, 0)], [])
    assert book.digest() == before
    book.apply(DepthUpdate(3, "X", [(10, 1)], [], True))
    assert (book.touch(), book.two_sided) == ((10, 1, 0, 0), False)


def test_equal_books_have_equal_digests_however_they_were_made() -> None:
    one, other, mirror = OrderBook(), OrderBook(), OrderBook()
    one.replace([(5, 1), (4, 2)], [(6, 3)])
    other.change([(4, 9), (5, 1), (3, 1)], [(6, 3)])
    other.change([(4, 2), (3, 0)], [])
    mirror.replace([(6, 3)], [(5, 1), (4, 2)])
    assert one.digest() == other.digest() != mirror.digest()
    assert one.digest().hex().startswith("7a77de97")
