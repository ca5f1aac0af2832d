"""Checkpoints of the desk's state: where a restart begins, so that it never reads the whole journal."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from tuiconsole.domain.codec import decode_state
from tuiconsole.store.chain import GENESIS

KEPT = 3
"""Checkpoints that stay; older ones are for the case that the newest is damaged."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The desk's state (as ``encode_state`` wrote it) after ``seq`` rows, whose last hash is ``head``."""

    seq: int
    head: bytes
    state: bytes

    def decode(self) -> Any:
        """The state as nested values; tuples come back as lists."""
        return decode_state(self.state)


def digest(seq: int, head: bytes, state: bytes) -> bytes:
    """SHA-256 over row count (8 bytes, little-endian), head and state."""
    return sha256(seq.to_bytes(8, "little") + head + state).digest()


def insert(connection: sqlite3.Connection, checkpoint: Checkpoint, wall_ns: int) -> None:
    """Store ``checkpoint`` and drop all but the newest :data:`KEPT`; the caller holds the transaction."""
    seal = digest(checkpoint.seq, checkpoint.head, checkpoint.state)
    connection.execute(
        "INSERT OR REPLACE INTO checkpoints (seq, head, state, sha256, wall_ns) VALUES (?, ?, ?, ?, ?)",
        (checkpoint.seq, checkpoint.head, checkpoint.state, seal, wall_ns),
    )
    connection.execute(
        "DELETE FROM checkpoints WHERE seq NOT IN (SELECT seq FROM checkpoints ORDER BY seq DESC LIMIT ?)",
        (KEPT,),
    )


def is_sound(connection: sqlite3.Connection, checkpoint: Checkpoint, seal: bytes) -> bool:
    """Whether its hash is right, its state can be read, and its head is that of the journal's row ``seq``."""
    if digest(checkpoint.seq, checkpoint.head, checkpoint.state) != seal:
        return False
    row = connection.execute("SELECT hash FROM journal WHERE seq = ?", (checkpoint.seq,)).fetchone()
    if (GENESIS if checkpoint.seq == 0 else row and row[0]) != checkpoint.head:
        return False
    try:
        checkpoint.decode()
    except (msgspec.MsgspecError, ValueError, KeyError, IndexError):
        return False
    return True


def stored(connection: sqlite3.Connection) -> list[tuple[Checkpoint, bool]]:
    """All checkpoints, newest first, each with whether it is sound."""
    found = connection.execute(
        "SELECT seq, head, state, sha256 FROM checkpoints ORDER BY seq DESC"
    ).fetchall()
    return [
        (checkpoint, is_sound(connection, checkpoint, seal))
        for checkpoint, seal in ((Checkpoint(seq, head, state), seal) for seq, head, state, seal in found)
    ]


def newest_sound(connection: sqlite3.Connection) -> Checkpoint | None:
    """The newest checkpoint that is sound, or None."""
    seqs = connection.execute("SELECT seq FROM checkpoints ORDER BY seq DESC").fetchall()
    for (seq,) in seqs:
        head, state, seal = connection.execute(
            "SELECT head, state, sha256 FROM checkpoints WHERE seq = ?", (seq,)
        ).fetchone()
        checkpoint = Checkpoint(seq, head, state)
        if is_sound(connection, checkpoint, seal):
            return checkpoint
    return None
