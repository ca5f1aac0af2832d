"""Canonical bytes: equal values have equal bytes, every record and state comes back, nothing vague gets in."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tuiconsole.domain import codec
from tuiconsole.domain.codec import canonical, decode_record, decode_state, encode_record, encode_state
from tuiconsole.domain.records import (
    RECORD_TYPES,
    BarSeen,
    Charged,
    Decided,
    Filled,
    LevelChanged,
    Opened,
    Parented,
    Record,
    Rewarded,
    Sliced,
    Styled,
    Updated,
)

arrays = st.one_of(
    *(
        hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
        for dtype in ("<f8", "<i8", "i1", "?")
    )
)
leaves = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
    st.booleans(),
    arrays,
)
states = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(left: Any, right: Any) -> bool:
    """Equality that looks into arrays, with dtype and shape."""
    if isinstance(left, np.ndarray):
        return (
            isinstance(right, np.ndarray)
            and left.dtype == right.dtype
            and left.shape == right.shape
            and canonical(left).tobytes() == canonical(right).tobytes()
        )
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


@settings(max_examples=150, deadline=None)
@given(states)
def test_state_comes_back(state: Any) -> None:
    data = encode_state(state)
    assert same(state, decode_state(data))
    assert encode_state(decode_state(data)) == data


def test_tuples_come_back_as_lists() -> None:
    assert decode_state(encode_state({"a": (1, (2, 3))})) == {"a": [1, [2, 3]]}


def test_every_nan_and_zero_has_one_form() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF4000000000000], dtype=np.uint64).view(
        np.float64
    )
    assert encode_state(odd) == encode_state(np.full(3, np.nan))
    assert encode_state(np.array([-0.0])) == encode_state(np.array([0.0]))
    assert np.signbit(odd).tolist() == [False, True, False], "the input is left as it was"


def test_layout_does_not_matter() -> None:
    table = np.arange(12, dtype=np.float64).reshape(3, 4)
    assert encode_state(table.T) == encode_state(np.ascontiguousarray(table.T))
    assert encode_state(table[:, ::2]) == encode_state(table[:, ::2].copy())
    assert encode_state(table.astype(">f8")) == encode_state(table)


def test_decoded_arrays_can_be_written() -> None:
    back = decode_state(encode_state(np.zeros(3)))
    back[0] = 1.0
    assert back.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("dtype", ["f4", "i4", "u8", "c16", "O"])
def test_other_dtypes_are_refused(dtype: str) -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        encode_state(np.zeros(2, dtype=dtype))


def test_other_objects_are_refused() -> None:
    for value in (object(), 1j):
        with pytest.raises(TypeError, match="no canonical form"):
            encode_state({"a": value})


ints = np.array([1, -2, 2**62], dtype=np.int64)
codes = np.array([0, 1, 2], dtype=np.int8)
floats = np.array([1.5, np.nan, -0.0])
RECORDS: list[Record] = [
    Opened(1, "00ff00ff", "replay", "t", "c", 7, 10**13, ("A", "B"), ("x",), ("row",), ("s",)),
    BarSeen(3, 4, b"\x00\xff" * 8, ints, codes, 5, 6, -7, 8, 1),
    Decided(
        1, 2, 3, floats, ints, np.ones((2, 3)), ints, ints, ints, ints, ints, codes, floats, floats, codes
    ),
    Filled(1, ints, ints, ints, ints, ints, np.stack((ints, ints)), ints, ints, codes, True),
    Charged(1, ints, ints, 3),
    LevelChanged(1, 2, 0, "drawdown", "8.3 %", "8 %", "The desk is halted."),
    Parented(1, 2, 3, "twap", ints, codes, ints, ints, ints, ints, ints, ints, ints, np.ones((2, 3)), floats),
    Sliced(1, 2, ints, ints, ints, ints, ints),
    Styled(1, 2, ints, ints, floats, np.ones((3, 5))),
    Rewarded(1, ints, floats),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_come_back(record: Record) -> None:
    data = encode_record(record)
    back = decode_record(data)
    assert type(back) is type(record)
    assert encode_record(back) == data
    for name in record.__struct_fields__:
        value = getattr(record, name)
        found = getattr(back, name)
        assert same(value, found), name


def test_tags_are_the_positions_of_the_record_types() -> None:
    assert [kind.__struct_config__.tag for kind in RECORD_TYPES] == list(range(len(RECORD_TYPES)))


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255), st.sampled_from(RECORDS), st.booleans())
def test_damaged_bytes_are_refused_or_decode_to_a_record(
    position: int, flip: int, record: Record, cut: bool
) -> None:
    """Tampered rows are found by their hash; reading one must say so, never fail in another way."""
    data = bytearray(encode_record(record))
    position %= len(data)
    data[position] ^= flip
    damaged = bytes(data[:position]) if cut else bytes(data)
    with suppress(msgspec.DecodeError, msgspec.ValidationError):
        assert isinstance(decode_record(damaged), RECORD_TYPES)
    with suppress(msgspec.DecodeError, msgspec.ValidationError):
        decode_state(damaged)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x92\x00", b"\xff" * 20, b"\x91\xcc\xfa"])
def test_malformed_bytes_are_refused(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, msgspec.ValidationError)):
        decode_record(data)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 40, 9000])
def test_records_laid_by_hand_equal_those_of_the_encoder(count: int) -> None:
    """Decided, Updated and Filled field by field, with every length of an extension's head."""
    number = np.arange(count, dtype=np.int64) * 7 - 3
    code, figure = (number % 5).astype(np.int8), np.where(number % 2, -0.0, number / 3.0)
    sheet = np.tile(figure, (2, 1))
    records = (
        Decided(1, 2**40, -5, figure, number, sheet, *[number] * 4, number, code, figure, figure, code),
        Updated(3, number, code, code, "withheld \u2026 before they were sent" * 9),
        Filled(4, *[number] * 5, np.tile(number, (3, 1)), number, number, code, False),
        BarSeen(3, 2**61, b"sixteen bytes...", number, code, -(2**62), 7, 300, 70_000, 2),
    )
    for record in records:
        assert encode_record(record) == codec._encoder.encode(record)
        assert encode_record(decode_record(encode_record(record))) == encode_record(record)
