"""Rows laid down together: the bytes, the chain and the file are those of the records one by one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.stretches import NUMBERS, Size, in_columns, stretch_records
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.records import BarSeen, Decided, Filled, Record
from tuiconsole.store.batch_journal import BatchJournal, read_batch_journal
from tuiconsole.store.stretch_rows import RowEncoder, StretchRows, order_list

pytest.importorskip("numba")

amounts = st.integers(0, 40) | st.just(0)
sizes = st.lists(st.builds(Size, st.integers(0, 7) | st.just(0), amounts, amounts), min_size=1, max_size=6)
shapes = st.tuples(st.integers(0, 6), st.integers(0, 33))


def payloads(rows: StretchRows) -> list[bytes]:
    """The rows as the compiled pass lays them down, their lengths checked."""
    buffer, row_end = RowEncoder().encode(rows)
    data, found, start = buffer.tobytes(), [], 0
    for end in row_end.tolist():
        assert int.from_bytes(data[start : start + 4], "little") == end - start - 4
        found.append(data[start + 4 : end])
        start = end
    assert start == len(data)
    return found


@settings(max_examples=300)
@given(sizes, st.integers(0, 2**32), st.sampled_from([0, 127, 128, 255, 65_535, 2**32]), shapes)
def test_the_bytes_are_those_of_the_records(
    sizes: list[Size], seed: int, seq: int, shape: tuple[int, int]
) -> None:
    records = stretch_records(sizes, seed, seq, seq + 1, shape)
    rows = in_columns(records, shape)
    expected = [encode_record(record) for record in records]
    assert payloads(rows) == expected
    assert [encode_record(record) for record in rows.records()] == expected


@pytest.mark.parametrize("count", [1, 6, 15, 30, 31, 245, 246, 8_190, 8_191, 9_000])
def test_every_form_of_an_array_s_head(count: int) -> None:
    records = stretch_records([Size(count, count, count), Size(), Size(0, 0, count)], count)
    assert payloads(in_columns(records)) == [encode_record(record) for record in records]


@pytest.mark.parametrize("name", ["ts", "equity", "cash", "realised", "fees"])
def test_every_width_of_an_integer(name: str) -> None:
    rows = in_columns(stretch_records([Size()] * len(NUMBERS), 1))
    rows = replace(rows, **{name: NUMBERS})
    assert payloads(rows) == [encode_record(record) for record in rows.records()]


def test_a_stretch_without_bars() -> None:
    rows = in_columns([])
    assert payloads(rows) == [] == list(rows.records())
    assert len(order_list(rows)) == 0


def test_frozen_and_strided_columns() -> None:
    records = stretch_records([Size(2, 5, 7), Size(0, 1, 2)], 3)
    rows = in_columns(records)
    for name in ("ts", "number", "fill_price", "quality"):
        getattr(rows, name).flags.writeable = False
    twice = np.repeat(rows.target, 2)
    rows = replace(rows, target=twice[::2], sheet=np.asfortranarray(rows.sheet))
    assert payloads(rows) == [encode_record(record) for record in records]


@settings(max_examples=60)
@given(st.lists(st.tuples(sizes, st.booleans()), min_size=1, max_size=4), st.integers(0, 99))
def test_the_chain_goes_on_whichever_way_rows_come(parts: list[tuple[list[Size], bool]], seed: int) -> None:
    encoder = RowEncoder()
    one, other, seq = BatchJournal(None), BatchJournal(None), 0
    for number, (some, together) in enumerate(parts):
        records = stretch_records(some, seed + number, seq)
        seq += len(some)
        for record in records:
            one.append(record)
        if together:
            other.append_encoded(*encoder.encode(in_columns(records)))
        else:
            for record in records:
                other.append(record)
        assert other.rows == one.rows
    assert other.head == one.head


def test_the_file_is_the_same_and_can_be_read(tmp_path: Path) -> None:
    sizes = [Size(1, 3, 5), Size(), Size(0, 40, 40), Size(0, 0, 2)] * 300
    parts = [stretch_records(sizes, seed, seed * len(sizes)) for seed in range(4)]
    encoder = RowEncoder()
    one, other = BatchJournal(tmp_path / "one"), BatchJournal(tmp_path / "other")
    for number, records in enumerate(parts):
        for record in records:
            one.append(record)
            if number % 2:
                other.append(record)
        if number % 2 == 0:
            other.append_encoded(*encoder.encode(in_columns(records)))
    assert (tmp_path / "other").stat().st_size > 2_000_000, "written before it is closed"
    one.close()
    other.close()
    assert (tmp_path / "other").read_bytes() == (tmp_path / "one").read_bytes()
    assert sum(1 for _ in read_batch_journal(tmp_path / "other")) == sum(map(len, parts))
    with pytest.raises(StoreError, match="closed"):
        other.append_encoded(*encoder.encode(in_columns(parts[0])))


def test_the_last_decisions() -> None:
    records = stretch_records([Size(0, 2, 3), Size(), Size(0, 0, 1), Size(0, 0, 4)], 5)
    rows = in_columns(records)
    decisions = [encode_record(record) for record in records if isinstance(record, Decided)]
    for last in range(5):
        found = [encode_record(record) for record in rows.decided(last)]
        assert found == decisions[max(0, 3 - last) :]
    assert rows.order_bars().tolist() == [0, 2, 3]


def test_fills_outlive_the_columns_they_came_in() -> None:
    records = stretch_records([Size(0, 2, 0), Size(0, 0, 3), Size(0, 4, 0)], 6)
    rows = in_columns(records)
    expected = [encode_record(record) for record in records if isinstance(record, Filled)]
    fills = rows.fills()
    rows.fill_costs[...] = 0
    rows.fill_price[...] = 0
    assert [encode_record(record) for record in fills.records()] == expected
    assert fills.record(1) is None


def wrong(records: list[Record]) -> list[tuple[str, Any]]:
    rows = in_columns(records)
    return [
        ("cash", rows.cash[1:]),
        ("digest", rows.digest[:, :15]),
        ("quality", rows.quality.astype(np.int64)),
        ("fill_costs", rows.fill_costs[:, 1:]),
        ("number", rows.number.astype(np.int32)),
        ("sheet", rows.sheet[:, 1:]),
        ("fill_end", rows.fill_end + 1),
        ("order_end", np.array([9, 3, 3], dtype=np.int64)),
        ("order_end", np.array([-1, 3, 3], dtype=np.int64)),
        ("scalars", rows.scalars[1:]),
    ]


@pytest.mark.parametrize("place", range(10))
def test_columns_that_do_not_fit_are_refused(place: int) -> None:
    records = stretch_records([Size(1, 2, 2), Size(), Size(0, 1, 1)], 8)
    name, value = wrong(records)[place]
    with pytest.raises(ValueError, match=r"expected a column|cannot fall"):
        replace(in_columns(records), **{name: value})


def test_nothing_but_bars_is_one_row_each() -> None:
    records = stretch_records([Size()] * 40, 9)
    assert all(isinstance(record, BarSeen) for record in records)
    assert len(payloads(in_columns(records))) == 40
