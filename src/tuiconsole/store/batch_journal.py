"""The journal of a backtest: the same chain as ``state.db``, in one append-only file or in no file at all.

File: eight bytes of magic; per row a length (u32, little-endian) and the payload; then a footer: the length
``0xFFFFFFFF``, the row count (u64, little-endian) and the head (32 bytes). A file without its footer was
never closed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.codec import decode_record, encode_record
from tuiconsole.domain.errors import DataError, StoreError
from tuiconsole.domain.records import Record
from tuiconsole.domain.types import IntArray
from tuiconsole.store.chain import HASH_BYTES, Chain

MAGIC = b"TUIBJ\x00\x00\x01"
FOOTER = 0xFFFFFFFF
_BLOCK_BYTES = 1 << 20
_BATCH_ROWS = 256
_LENGTH_BYTES = 4
_COUNT_BYTES = 8


class BatchJournal:
    """Hashes records, and keeps them in a file when given one. A :class:`~tuiconsole.store.sink.JournalSink`.

    Parameters
    ----------
    path
        The file to (re)write, or None to keep nothing but the hash.

    Notes
    -----
    ``commit`` does nothing: a backtest can be run again, so its file becomes durable once, at ``close``.

    Examples
    --------
    >>> from tuiconsole.domain.records import TapeEnded
    >>> journal = BatchJournal(None)
    >>> journal.append(TapeEnded(1, 2))
    >>> journal.rows
    1
    """

    def __init__(self, path: Path | None) -> None:
        self._chain = Chain()
        self._path = path
        self._file: BinaryIO | None = None
        self._block = bytearray()
        self._waiting: list[Record] = []
        self._closed = False
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("wb", buffering=0)
            except OSError as error:
                raise StoreError(f"The journal {path} cannot be written: {error.strerror}.") from error
            self._block += MAGIC

    @property
    def rows(self) -> int:
        """Rows appended so far."""
        return self._chain.rows + len(self._waiting)

    @property
    def head(self) -> bytes:
        """Hash of the last row, 32 bytes."""
        self._work_off()
        return self._chain.head

    def append(self, record: Record) -> None:
        """Take in ``record``, which must not change any more; a write error raises :class:`StoreError`.

        Its bytes are chained and written some rows later, and at the latest when :attr:`head` is asked for.
        """
        if self._closed:
            raise StoreError("The backtest's journal was closed.")
        self._waiting.append(record)
        if len(self._waiting) >= _BATCH_ROWS:
            self._work_off()

    def append_encoded(self, buffer: NDArray[np.uint8], row_end: IntArray) -> None:
        """Take in rows whose canonical bytes are made already, as :meth:`append` would their records.

        Parameters
        ----------
        buffer
            uint8: for each row its length (u32, little-endian) and its bytes.
        row_end
            int64 ``[n_rows]``: where each row ends in ``buffer``.
        """
        if self._closed:
            raise StoreError("The backtest's journal was closed.")
        self._work_off()
        rows = buffer.data
        self._chain.push_all(rows, row_end.tolist(), _LENGTH_BYTES)
        if self._file is not None:
            self._block += rows
            if len(self._block) >= _BLOCK_BYTES:
                self._write()

    def _work_off(self) -> None:
        """Encode and chain the records that wait; many in a row are faster than one by one between other work."""
        waiting, self._waiting = self._waiting, []
        push, block = self._chain.push, self._block
        for record in waiting:
            payload = encode_record(record)
            push(payload)
            if self._file is not None:
                block += len(payload).to_bytes(_LENGTH_BYTES, "little")
                block += payload
        if len(block) >= _BLOCK_BYTES:
            self._write()

    def commit(self) -> None:
        """Nothing to wait for; see the class."""

    def close(self) -> None:
        """Write the footer and make the file durable; harmless when called twice."""
        if self._closed:
            return
        self._work_off()
        self._closed = True
        file = self._file
        if file is None:
            return
        self._block += (
            FOOTER.to_bytes(_LENGTH_BYTES, "little") + self.rows.to_bytes(_COUNT_BYTES, "little") + self.head
        )
        try:
            self._write()
            os.fsync(file.fileno())
        except OSError as error:
            raise self._failure(error) from error
        finally:
            file.close()
            self._file = None

    def _write(self) -> None:
        if self._file is None:
            return
        view = memoryview(bytes(self._block))
        self._block.clear()
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._closed = True
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> StoreError:
        return StoreError(
            f"The journal {self._path} cannot be written: {error.strerror}.", "Free some space."
        )


def read_batch_journal(path: Path) -> Iterator[Record]:
    """The records of a closed backtest journal, checked against its footer at the end.

    Raises
    ------
    DataError
        There is no such file, or it is no backtest journal.
    StoreError
        It was cut short, changed, or never closed.
    """
    chain = Chain()
    try:
        file = path.open("rb")
    except OSError as error:
        raise DataError(f"The journal {path} cannot be read: {error.strerror}.") from error
    with file:
        if file.read(len(MAGIC)) != MAGIC:
            raise DataError(f"{path} is not a backtest journal.")
        while (length := int.from_bytes(_exactly(file, _LENGTH_BYTES, path), "little")) != FOOTER:
            payload = _exactly(file, length, path)
            chain.push(payload)
            try:
                record = decode_record(payload)
            except (msgspec.MsgspecError, ValueError, LookupError) as error:
                raise StoreError(f"Row {chain.rows} of {path} cannot be decoded: {error}.") from error
            yield record
        rows = int.from_bytes(_exactly(file, _COUNT_BYTES, path), "little")
        head = _exactly(file, HASH_BYTES, path)
        if (rows, head) != (chain.rows, chain.head) or file.read(1):
            raise StoreError(f"{path} does not have the hash its footer names: it was changed.")


def _exactly(file: BinaryIO, count: int, path: Path) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise StoreError(
            f"{path} ends early: the backtest that wrote it was not finished, or the file was cut short."
        )
    return data
