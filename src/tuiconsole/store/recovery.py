"""Recovery: drive the same inputs through the same code and compare with what was stored.

It is the only start-up path: a desk goes on from its last checkpoint, a fresh one from an empty journal.
While stored rows remain, appended records are compared with them byte for byte; after the last one they are
written.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import length_hint

import msgspec

from tuiconsole.domain.codec import decode_record, encode_record
from tuiconsole.domain.errors import JournalDivergence, StoreError
from tuiconsole.domain.records import Record
from tuiconsole.store.chain import GENESIS, Chain
from tuiconsole.store.sink import JournalSink
from tuiconsole.store.tail import Tail

_SHOWN_CHARACTERS = 80


class RowDivergence(JournalDivergence):
    """A replayed record is not the stored one; ``row`` is its journal row."""

    def __init__(self, row: int, found: str) -> None:
        super().__init__(
            f"Replaying the journal {found}, at row {row}.",
            "The tape, the program or its libraries changed since; use the versions that wrote this journal.",
        )
        self.row = row


class CatchUp:
    """A :class:`~tuiconsole.store.sink.JournalSink` that first reproduces stored rows, then writes on.

    Parameters
    ----------
    sink
        A store that already holds the rows, or an empty journal, which takes them as they are reproduced.
    tail
        ``(row, payload)`` of the stored rows to reproduce; a plain iterator starts at row 1.
    """

    def __init__(self, sink: JournalSink, tail: Iterator[tuple[int, bytes]]) -> None:
        self._sink = sink
        self._tail = tail
        self._remaining = length_hint(tail)
        self._chain = Chain(tail.head, tail.after) if isinstance(tail, Tail) else Chain(GENESIS, 0)
        self._next: bytes | None = None
        self._peeked: Record | None = None
        self._diverged: RowDivergence | None = None
        self._advance()

    @property
    def replaying(self) -> bool:
        """Whether stored rows remain to be reproduced."""
        return self._next is not None

    @property
    def remaining(self) -> int:
        """Stored rows still to be reproduced, as far as the tail knows its length."""
        return self._remaining

    @property
    def rows(self) -> int:
        """Rows reproduced or appended so far."""
        return self._chain.rows if self.replaying else self._sink.rows

    @property
    def head(self) -> bytes:
        """Hash of the last such row, 32 bytes."""
        return self._chain.head if self.replaying else self._sink.head

    def peek(self) -> Record | None:
        """The stored record that must come next, or None: commands are injected at their row."""
        if self._next is not None and self._peeked is None:
            self._peeked = decode_record(self._next)
        return self._peeked

    def append(self, record: Record) -> None:
        """Reproduce the next stored row, or append beyond the last.

        Raises
        ------
        RowDivergence
            When ``record`` is not what was stored; nothing can be appended after that.
        """
        if self._diverged is not None:
            raise self._diverged
        if self._next is None:
            self._sink.append(record)
            return
        payload = encode_record(record)
        if payload != self._next:
            self._diverged = _divergence(self._chain.rows + 1, decode_record(self._next), record)
            raise self._diverged
        self._chain.push(payload)
        if self._sink.rows < self._chain.rows:
            self._sink.append(record)
        self._remaining = max(0, self._remaining - 1)
        self._advance()

    def _advance(self) -> None:
        self._peeked = None
        following = next(self._tail, None)
        if following is not None:
            self._next = following[1]
            return
        self._next = None
        if (self._chain.rows, self._chain.head) != (self._sink.rows, self._sink.head):
            raise StoreError(
                f"The {self._chain.rows} replayed rows do not end in the head of {self._sink.rows} stored.",
                "Run 'tuiconsole verify'; do not trade from this file.",
            )

    def commit(self) -> None:
        """Return when everything appended is durable; rows being reproduced already are."""
        if not self.replaying:
            self._sink.commit()

    def close(self) -> None:
        """Close the sink."""
        self._sink.close()


def _divergence(row: int, stored: Record, made: Record) -> RowDivergence:
    if type(stored) is not type(made):
        return RowDivergence(row, f"made {type(made).__name__} where {type(stored).__name__} was stored")
    field = _first_field(stored, made)
    return RowDivergence(row, f"made another {type(made).__name__} than was stored ({field})")


def _first_field(stored: Record, made: Record) -> str:
    for name in made.__struct_fields__:
        before, now = getattr(stored, name), getattr(made, name)
        if _plain(before) != _plain(now):
            return f"{name} was {_short(before)}, now {_short(now)}"
    return "equal to the eye, different in bytes"


def _plain(value: object) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=lambda array: array.tolist())


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
