from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.desk import OPENED, bar_seen, decided, filled_store, open_store, records
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import JournalDivergence, StoreError
from tuiconsole.domain.records import BarSeen, Opened, Record
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.chain import Chain
from tuiconsole.store.readers import journal_rows
from tuiconsole.store.recovery import CatchUp, RowDivergence


def same(one: Record | None, two: Record) -> bool:
    return one is not None and encode_record(one) == encode_record(two)


@settings(max_examples=15)
@given(stop=st.integers(1, 60), checkpoint=st.integers(0, 60))
def test_a_restart_reproduces_the_tail_and_goes_on(
    tmp_path_factory: pytest.TempPathFactory, stop: int, checkpoint: int
) -> None:
    path = tmp_path_factory.mktemp("restart") / "state.db"
    session = list(records(20))
    store = open_store(path)
    for count, record in enumerate(session[:stop], start=1):
        store.append(record)
        if count == checkpoint:
            store.checkpoint({"rows": count})
    store.close()
    store = open_store(path)
    found = store.last_checkpoint()
    begin = found.seq if found else 0
    sink = CatchUp(store, store.tail(begin))
    assert sink.remaining == stop - begin
    assert sink.rows == begin
    assert sink.replaying == (stop > begin)
    chain = Chain()
    for record in session[:begin]:
        chain.push(encode_record(record))
    for record in session[begin:]:
        assert sink.head == chain.head
        assert sink.rows == chain.rows
        assert same(sink.peek(), record) if sink.replaying else sink.peek() is None
        sink.append(record)
        chain.push(encode_record(record))
        sink.commit()
    assert not sink.replaying
    assert (sink.rows, sink.head) == (chain.rows, chain.head)
    sink.close()
    report = verify_chain(path, projections=True)
    assert report.ok
    assert report.rows == len(session)


def test_a_difference_names_row_kind_and_field_and_stops_everything(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = open_store(path)
    for record in (OPENED, bar_seen(0), decided(0)):
        store.append(record)
    store.commit()
    sink = CatchUp(store, store.tail(0))
    sink.append(OPENED)
    with pytest.raises(RowDivergence, match=r"another BarSeen .*equity was \d+, now 5.*at row 2") as caught:
        sink.append(bar_seen(0, equity=5))
    assert isinstance(caught.value, JournalDivergence)
    assert caught.value.row == 2
    with pytest.raises(RowDivergence):
        sink.append(bar_seen(0))
    other = CatchUp(store, store.tail(1))
    with pytest.raises(RowDivergence, match="made Decided where BarSeen was stored"):
        other.append(decided(0))
    arrays = CatchUp(store, store.tail(2))
    with pytest.raises(RowDivergence, match="number was"):
        arrays.append(decided(0, (2, 0)))
    store.close()
    assert verify_chain(path).rows == 3


def test_nothing_to_reproduce(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state.db")
    sink = CatchUp(store, store.tail(0))
    assert (sink.replaying, sink.remaining, sink.rows, sink.peek()) == (False, 0, 0, None)
    sink.append(OPENED)
    sink.commit()
    assert store.durable_rows == 1
    sink.close()


def test_an_empty_journal_takes_the_rows_it_reproduces(tmp_path: Path) -> None:
    """How ``verify`` replays a session: against the stored rows, into a journal that keeps the hash alone."""
    path = tmp_path / "state.db"
    rows, head = filled_store(path, 10)
    stored = journal_rows(path)
    sink = CatchUp(BatchJournal(None), stored)
    assert sink.remaining == rows
    first = sink.peek()
    assert isinstance(first, Opened)
    for record in records(10):
        sink.append(record)
    assert (sink.rows, sink.head, sink.remaining) == (rows, head, 0)


def test_a_plain_iterator_starts_at_row_one() -> None:
    def stored() -> Iterator[tuple[int, bytes]]:
        yield 1, encode_record(OPENED)
        yield 2, encode_record(bar_seen(0))

    sink = CatchUp(BatchJournal(None), stored())
    sink.append(OPENED)
    assert isinstance(sink.peek(), BarSeen)
    sink.append(bar_seen(0))
    assert not sink.replaying
    assert sink.rows == 2


def test_a_gap_in_the_stored_rows(tmp_path: Path) -> None:
    store = open_store(tmp_path / "state.db")
    for record in (OPENED, bar_seen(0), bar_seen(1)):
        store.append(record)
    store.commit()
    store._connection.execute("DELETE FROM journal WHERE seq = 2")
    with pytest.raises(StoreError, match=r"Row 2 .* missing"):
        list(store.tail(0))
    with pytest.raises(StoreError, match=r"Row 2 .* missing"):
        store.tail(2)
    store.close()


def test_a_tail_behind_a_store_that_went_elsewhere(tmp_path: Path) -> None:
    one, two = open_store(tmp_path / "one.db"), open_store(tmp_path / "two.db")
    for store, equity in ((one, 1), (two, 2)):
        store.append(OPENED)
        store.append(bar_seen(0, equity))
        store.commit()
    sink = CatchUp(one, two.tail(0))
    sink.append(OPENED)
    with pytest.raises(StoreError, match="do not end in the head"):
        sink.append(bar_seen(0, 2))
    one.close()
    two.close()
