"""A journal in memory with the disk's manners: rows are durable after a commit, a crash takes the rest, a fault stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.records import Record
from tuiconsole.store.chain import GENESIS, Chain
from tuiconsole.store.tail import PAGE_ROWS, Tail


class SimulatedDisk:
    """A :class:`~tuiconsole.store.sink.JournalSink`.

    Parameters
    ----------
    fails
        Asked at each commit whether it fails.
    seen
        Told of each record as it is appended.

    Attributes
    ----------
    durable
        Rows that a crash leaves.
    broken
        Whether a commit has failed since the last crash.
    """

    def __init__(self, fails: Callable[[], bool], seen: Callable[[int, Record], None]) -> None:
        self.payloads: list[bytes] = []
        self.durable = 0
        self.broken = False
        self._chain = Chain()
        self._heads = [GENESIS]
        self._fails = fails
        self._seen = seen
        self._checkpoint: tuple[int, bytes] | None = None

    @property
    def rows(self) -> int:
        """Rows appended."""
        return self._chain.rows

    @property
    def head(self) -> bytes:
        """Head of the chain."""
        return self._chain.head

    @property
    def heads(self) -> list[bytes]:
        """Hash after each row, the first before any."""
        return self._heads

    def append(self, record: Record) -> None:
        """Add a row; it is not durable yet."""
        payload = encode_record(record)
        self.payloads.append(payload)
        self._heads.append(self._chain.push(payload))
        self._seen(self._chain.rows, record)

    def commit(self) -> None:
        """Make every row durable; :class:`StoreError` when the disk fails, from then on always."""
        if not self.broken and self.durable < self.rows:
            self.broken = self._fails()
        if self.broken:
            raise StoreError("The simulated disk fails.", "Start the desk anew.")
        self.durable = self.rows

    def close(self) -> None:
        """Nothing to close."""

    def checkpoint(self, state: bytes) -> None:
        """Keep ``state`` as of the durable rows."""
        self.commit()
        self._checkpoint = (self.durable, state)

    def last_checkpoint(self) -> tuple[int, bytes] | None:
        """Row and state of the last checkpoint."""
        return self._checkpoint

    def crash(self) -> None:
        """What was not durable is gone; the disk works again."""
        self.broken = False
        del self.payloads[self.durable :]
        del self._heads[self.durable + 1 :]
        self._chain = Chain(self._heads[-1], self.durable)

    def tail(self, after: int) -> KeptRows:
        """The rows after ``after``."""
        return KeptRows(self.payloads, after, self._heads[after])


class KeptRows(Tail):
    """The rows after ``after``, from memory."""

    def __init__(self, payloads: list[bytes], after: int, head: bytes) -> None:
        super().__init__(Path(), after, len(payloads), head)
        self._payloads = payloads

    def _read(self) -> list[tuple[int, bytes]]:
        return list(enumerate(self._payloads[self.after : self.after + PAGE_ROWS], self.after + 1))
