"""Millions of numbers with thousands parted, as float64: passes over their bytes instead of a regular expression for each."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.types import BoolArray, IntArray

_DIGITS = "0123456789"
_OTHER, _DIGIT, _PARTING, _MONEY, _DECIMAL = 1, 2, 3, 4, 5
_GROUP = 3


def numbers_of_bytes(column: Any, decimal: str, between: str, signs: str) -> Any:
    """An Arrow array of texts as float64, empty cells null; None where the passes cannot prove that every cell is a number.

    Proven is a cell of ASCII digits, one sign, at most one ``decimal``, and characters of ``between`` that part three digits
    each, before the decimals. ``signs`` of money are passed over.
    """
    import pyarrow

    text = pyarrow.concat_arrays(
        column.cast(pyarrow.string()).chunks or [pyarrow.array([], pyarrow.string())]
    )
    if text.null_count or not len(text):
        return None
    _, places, content = text.buffers()
    ends = np.frombuffer(places, dtype=np.int32)[text.offset : text.offset + len(text) + 1].astype(np.int64)
    data = np.frombuffer(content or b"", dtype=np.uint8)[ends[0] : ends[-1]]
    ends = ends - ends[0]
    kinds = _kinds(decimal, between, signs)[data]
    if not kinds.all():
        return None
    parting = kinds == _PARTING
    removed = parting | (kinds == _MONEY)
    if parting.any() and not _in_threes(kinds == _DIGIT, kinds == _DECIMAL, ends, np.flatnonzero(parting)):
        return None
    kept = data[~removed]
    if decimal != ".":
        kept[kept == ord(decimal)] = ord(".")
    ends = ends - np.concatenate(([0], np.cumsum(removed, dtype=np.int32)))[ends]
    filled = pyarrow.array(np.diff(ends) > 0)
    buffers = [filled.buffers()[1], pyarrow.py_buffer(ends.astype(np.int32)), pyarrow.py_buffer(kept)]
    whole = pyarrow.Array.from_buffers(pyarrow.string(), len(text), buffers)
    try:
        return whole.cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        return None


def _in_threes(digit: BoolArray, point: BoolArray, ends: IntArray, at: IntArray) -> bool:
    """Whether each mark at ``at`` stands after one to three digits and before exactly three, and no decimals come before it."""
    cell = np.searchsorted(ends, at, side="right") - 1
    first, last = ends[cell], ends[cell + 1]
    digit = np.concatenate(
        (digit, np.zeros(_GROUP + 2, dtype=np.bool_))
    )  # what is before the first byte is no digit either
    after = at + _GROUP < last
    for step in range(1, _GROUP + 1):
        after &= digit[at + step]
    after &= (at + _GROUP + 1 >= last) | ~digit[at + _GROUP + 1]
    before = (at > first) & digit[at - 1] & ((at - _GROUP - 1 < first) | ~digit[at - _GROUP - 1])
    points = np.concatenate(([-1], np.flatnonzero(point)))
    whole = points[np.searchsorted(points, at) - 1] < first
    return bool((after & before & whole).all())


@lru_cache(maxsize=16)
def _kinds(decimal: str, between: str, signs: str) -> NDArray[np.uint8]:
    """What each of the 256 bytes is; 0 for those that no number holds."""
    table = np.zeros(256, dtype=np.uint8)
    table[list(b"+-eE")] = _OTHER
    for characters, kind in ((_DIGITS, _DIGIT), (between, _PARTING), (signs, _MONEY), (decimal, _DECIMAL)):
        table[list(characters.encode("ascii", "ignore"))] = kind
    return table
