"""Canonical bytes: the one encoding of records and state.

MessagePack with arrays as extension type 1 (dtype, shape, little-endian data). Before encoding every float array gets one
NaN and no negative zero, so equal values have equal bytes. Scalar floats are not allowed in hashed records.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.records import BarSeen, Decided, Filled, Record, Updated

ARRAY_EXTENSION = 1
"""MessagePack extension type of arrays."""

_MOST_SHAPES = 4096
"""Types and shapes of arrays that are remembered."""

_Ext = msgspec.msgpack.Ext
_DTYPES: dict[bytes, np.dtype[Any]] = {
    b"f": np.dtype("<f8"),
    b"i": np.dtype("<i8"),
    b"c": np.dtype("i1"),
    b"b": np.dtype("?"),
}
_CODE = {("f", 8): b"f", ("i", 8): b"i", ("i", 1): b"c", ("b", 1): b"b"}


def canonical(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` contiguous and little-endian; floats with one NaN pattern and no negative zero."""
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "f":
        missing = np.isnan(array)
        array = (np.where(missing, np.nan, array) if np.count_nonzero(missing) else array) + 0.0
    return np.ascontiguousarray(array)


_shapes: dict[tuple[str, tuple[int, ...]], tuple[bytes, bytes, bool]] = {}


def _shape(array: NDArray[Any]) -> tuple[bytes, bytes, bool]:
    """What comes before the data of every array of this type and shape, and whether its data can go as they are.

    The head (type and shape), and the head as the beginning of an extension value.
    """
    dtype, shape = array.dtype, array.shape
    code = _CODE.get((dtype.kind, dtype.itemsize))
    if code is None:
        raise TypeError(
            f"arrays of kind {dtype.kind} with {dtype.itemsize} bytes an item have no canonical form"
        )
    head = code + bytes((len(shape),)) + b"".join(n.to_bytes(8, "little") for n in shape)
    whole = msgspec.msgpack.encode(_Ext(ARRAY_EXTENSION, head + bytes(array.nbytes)))
    if len(_shapes) >= _MOST_SHAPES:
        _shapes.clear()
    found = (head, whole[: len(whole) - array.nbytes], dtype.kind != "f" and dtype.isnative)
    _shapes[dtype.char, shape] = found
    return found


def _data(array: NDArray[Any], plain: bool) -> bytes:
    data = array.tobytes()
    return data if plain or not data.strip(b"\x00") else canonical(array).tobytes()


def _encode_array(value: object) -> msgspec.msgpack.Ext:
    if isinstance(value, np.ndarray):
        head, _, plain = _shapes.get((value.dtype.char, value.shape)) or _shape(value)
        return _Ext(ARRAY_EXTENSION, head + _data(value, plain))
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _decode_extension(code: int, data: memoryview) -> NDArray[Any]:
    if code != ARRAY_EXTENSION:
        raise msgspec.ValidationError(f"unknown extension {code}")
    raw = bytes(data)
    try:
        dtype, ndim = _DTYPES[raw[:1]], raw[1]
        end = 2 + 8 * ndim
        shape = tuple(int.from_bytes(raw[2 + 8 * i : 10 + 8 * i], "little") for i in range(ndim))
        array: NDArray[Any] = np.frombuffer(raw, dtype=dtype, offset=end).reshape(shape).copy()
    except (LookupError, ValueError, OverflowError) as problem:
        raise msgspec.ValidationError(f"malformed array: {problem}") from problem
    return array


def _decode_hook(kind: type, value: object) -> object:
    if isinstance(value, np.ndarray):
        return value
    raise msgspec.ValidationError(f"expected an array for {kind}, found {type(value).__name__}")


_encoder = msgspec.msgpack.Encoder(enc_hook=_encode_array)
_record_decoder = msgspec.msgpack.Decoder(Record, ext_hook=_decode_extension, dec_hook=_decode_hook)
_state_decoder = msgspec.msgpack.Decoder(ext_hook=_decode_extension)


def opening(kind: type[Record]) -> bytes:
    """The first bytes of every record of ``kind``: how many entries follow, and its tag."""
    count = len(kind.__struct_fields__) + 1
    return msgspec.msgpack.encode([kind.__struct_config__.tag, *[0] * (count - 1)])[: -(count - 1)]


_OF_COLUMNS: dict[type, tuple[bytes, attrgetter[tuple[object, ...]]]] = {
    kind: (opening(kind), attrgetter(*kind.__struct_fields__)) for kind in (Decided, Updated, Filled)
}
"""Records that are mostly arrays: laid down field by field, which spares a call back for each array."""


_NO_COLUMNS = _Ext(ARRAY_EXTENSION, _shape(np.empty(0, dtype=np.int64))[0])
_NO_VERDICTS = _Ext(ARRAY_EXTENSION, _shape(np.empty(0, dtype=np.int8))[0])
_BAR_OPENING = opening(BarSeen)
_bar_fields = attrgetter(*BarSeen.__struct_fields__)


def _calm_bar(bar: BarSeen) -> bytes:
    """A bar without flagged symbols, which most are: nothing is called back for its two empty arrays."""
    seq, ts, digest, _, _, equity, cash, realised, fees, level = _bar_fields(bar)
    entries = (seq, ts, digest, _NO_COLUMNS, _NO_VERDICTS, equity, cash, realised, fees, level)
    return _BAR_OPENING + _encoder.encode(entries)[1:]


def encode_record(record: Record) -> bytes:
    """Canonical bytes of a journal record."""
    if isinstance(record, BarSeen) and not record.flagged.size and not record.quality.size:
        return _calm_bar(record)
    laid = _OF_COLUMNS.get(type(record))
    if laid is None:
        return _encoder.encode(record)
    begin, fields = laid
    parts = [begin]
    add = parts.append
    for value in fields(record):
        if isinstance(value, np.ndarray):
            _, prefix, plain = _shapes.get((value.dtype.char, value.shape)) or _shape(value)
            add(prefix)
            add(value.tobytes() if plain else _data(value, plain))
        else:
            add(_encoder.encode(value))
    return b"".join(parts)


def decode_record(data: bytes) -> Record:
    """The record of canonical bytes; malformed ones raise ``msgspec.DecodeError`` or ``ValidationError``."""
    try:
        record: Record = _record_decoder.decode(data)
    except UnicodeDecodeError as problem:
        raise msgspec.ValidationError(f"malformed text: {problem}") from problem
    return record


def encode_state(state: object) -> bytes:
    """Canonical bytes of nested dicts, lists, tuples, numbers, text, bytes and arrays."""
    return _encoder.encode(state)


def decode_state(data: bytes) -> Any:
    """The inverse of :func:`encode_state`; tuples come back as lists. Malformed bytes raise as in :func:`decode_record`."""
    try:
        return _state_decoder.decode(data)
    except UnicodeDecodeError as problem:
        raise msgspec.ValidationError(f"malformed text: {problem}") from problem
