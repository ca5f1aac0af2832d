"""The sink of a backtest: stretches leave what their records leave."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.stretches import Size, in_columns, stretch_records
from tuiconsole.domain.codec import encode_record
from tuiconsole.engine.backtest import OrderHash
from tuiconsole.research.tripwires import Trace
from tuiconsole.store.batch_journal import BatchJournal

pytest.importorskip("numba")

sizes = st.lists(st.builds(Size, st.integers(0, 2), st.integers(0, 9), st.integers(0, 9)), max_size=5)


def same(one: OrderHash, other: OrderHash) -> None:
    assert one.head == other.head
    assert one.rows == other.rows
    assert one.hexdigest() == other.hexdigest()
    assert (one.orders, one.order_bars) == (other.orders, other.order_bars)
    assert [encode_record(r) for r in one.booked.records()] == [
        encode_record(r) for r in other.booked.records()
    ]

    assert kept(one) == kept(other)


def kept(sink: OrderHash) -> list[tuple[object, ...]]:
    """What the sink keeps of every decision."""
    return [(bar, ts, *(c.tolist() for c in columns)) for bar, ts, *columns in sink.kept.rows().decided]


@settings(max_examples=60)
@given(st.lists(st.tuples(sizes, st.booleans()), max_size=4), st.integers(0, 99))
def test_stretches_and_records_leave_the_same(parts: list[tuple[list[Size], bool]], seed: int) -> None:
    one, other, seq = OrderHash(BatchJournal(None)), OrderHash(BatchJournal(None)), 0
    for number, (some, together) in enumerate(parts):
        records = stretch_records(some, seed + number, seq)
        seq += len(some)
        for record in records:
            one.append(record)
        if together:
            other.extend(in_columns(records))
        else:
            for record in records:
                other.append(record)
        if number == 1:
            same(one, other)
    same(one, other)
    assert len(other.booked.records()) == sum(size.fills > 0 for some, _ in parts for size in some)


def test_a_trace_remembers_what_a_stretch_holds() -> None:
    records = stretch_records([Size(0, 2, 3), Size(), Size(0, 1, 1)], 5)
    one, other = Trace(), Trace()
    for record in records:
        one.append(record)
    other.extend(in_columns(records))
    assert len(one.decisions) == 2
    assert (one.decisions, one.decided_ts, one.executions) == (
        other.decisions,
        other.decided_ts,
        other.executions,
    )
    same(one, other)
