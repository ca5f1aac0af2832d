"""Canonical bytes: the one encoding of records and state.

MessagePack with arrays as extension type 1 (dtype, shape, little-endian data). Before encoding every float array gets one
NaN and no negative zero, so equal values have equal bytes. Scalar floats are not allowed in hashed records.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.records import Record

_ARRAY_EXTENSION = 1
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


_heads: dict[tuple[str, tuple[int, ...]], bytes] = {}
"""Heads of the arrays met so far, by type character and shape; at most :data:`_MOST_HEADS`."""

_MOST_HEADS = 4096


def _head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    code = _CODE.get((dtype.kind, dtype.itemsize))
    if code is None:
        raise TypeError(
            f"arrays of kind {dtype.kind} with {dtype.itemsize} bytes an item have no canonical form"
        )
    if len(_heads) >= _MOST_HEADS:
        _heads.clear()
    head = code + bytes((len(shape),)) + b"".join(n.to_bytes(8, "little") for n in shape)
    _heads[dtype.char, shape] = head
    return head


def _encode_array(value: object) -> msgspec.msgpack.Ext:
    if isinstance(value, np.ndarray):
        dtype = value.dtype
        head = _heads.get((dtype.char, value.shape)) or _head(dtype, value.shape)
        if not value.size:
            return _Ext(_ARRAY_EXTENSION, head)
        if dtype.kind == "f" or not dtype.isnative:
            value = canonical(value)
        return _Ext(_ARRAY_EXTENSION, head + value.tobytes())
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _decode_extension(code: int, data: memoryview) -> NDArray[Any]:
    if code != _ARRAY_EXTENSION:
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


def encode_record(record: Record) -> bytes:
    """Canonical bytes of a journal record."""
    return _encoder.encode(record)


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
