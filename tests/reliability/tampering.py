"""Ways to tamper with a stored journal, each of which ``verify`` must find."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tuiconsole.domain.rng import generator
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.chain import GENESIS, link

Tamper = Callable[[sqlite3.Connection, np.random.Generator, int], int | None]
"""Changes a store of so many rows; returns the first row that is bad then, or None where something else is."""


def copy(sound: Path, to: Path) -> Path:
    """The files of the store ``sound`` once more, in ``to``."""
    for file in sound.parent.iterdir():
        shutil.copy(file, to / file.name)
    return to / sound.name


def unnoticed(sound: Path, place: Path, way: Tamper, seed: int, rows: int) -> str:
    """Tamper with a copy of ``sound`` in ``place``; what ``verify`` then says wrongly, or nothing."""
    path = copy(sound, place)
    connection = sqlite3.connect(path)
    with connection:
        wanted = way(connection, generator(seed, way.__name__), rows)
    connection.close()
    report = verify_chain(path, integrity=False)
    if report.ok:
        return f"{way.__name__} {seed} was not found"
    if wanted is not None and (report.first_bad, report.rows) != (wanted, wanted - 1):
        return f"{way.__name__} {seed}: row {wanted} is bad, row {report.first_bad} was named"
    return ""


def flip(data: bytes, rng: np.random.Generator) -> bytes:
    i, bit = int(rng.integers(len(data))), 1 << int(rng.integers(8))
    return data[:i] + bytes((data[i] ^ bit,)) + data[i + 1 :]


def _flip_payload(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    seq = int(rng.integers(1, rows + 1))
    old = c.execute("SELECT payload FROM journal WHERE seq = ?", (seq,)).fetchone()[0]
    c.execute("UPDATE journal SET payload = ? WHERE seq = ?", (flip(old, rng), seq))
    return seq


def _flip_hash(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    seq = int(rng.integers(1, rows + 1))
    old = c.execute("SELECT hash FROM journal WHERE seq = ?", (seq,)).fetchone()[0]
    c.execute("UPDATE journal SET hash = ? WHERE seq = ?", (flip(old, rng), seq))
    return seq


def _delete(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    seq = int(rng.integers(1, rows + 1))
    c.execute("DELETE FROM journal WHERE seq = ?", (seq,))
    return seq


def _delete_and_close_the_gap(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    seq = int(rng.integers(1, rows + 1))
    c.execute("DELETE FROM journal WHERE seq = ?", (seq,))
    for later in range(seq + 1, rows + 1):
        c.execute("UPDATE journal SET seq = ? WHERE seq = ?", (later - 1, later))
    return seq


def _swap(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    one, two = sorted(int(n) + 1 for n in rng.choice(rows, 2, replace=False))
    for a, b in ((one, -1), (two, one), (-1, two)):
        c.execute("UPDATE journal SET seq = ? WHERE seq = ?", (b, a))
    return one


def truncate(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    seq = int(rng.integers(1, rows + 1))
    c.execute("DELETE FROM journal WHERE seq >= ?", (seq,))
    return seq


def _truncate_and_move_the_head(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> None:
    seq = truncate(c, rng, rows)
    last = c.execute("SELECT hash FROM journal WHERE seq = ?", (seq - 1,)).fetchone()
    c.execute("UPDATE head SET rows = ?, hash = ?", (seq - 1, last[0] if last else GENESIS))


def _insert(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    payload = c.execute("SELECT payload FROM journal WHERE seq = 2").fetchone()[0]
    last = c.execute("SELECT hash FROM journal WHERE seq = ?", (rows,)).fetchone()[0]
    c.execute("INSERT INTO journal VALUES (?, ?, ?, 0)", (rows + 1, payload, link(last, rows + 1, payload)))
    return rows + 1


def _rewrite_history(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> None:
    """Change one row and hash everything after it anew; only the signature is missing."""
    _flip_payload(c, rng, rows)
    head = GENESIS
    for seq, payload in c.execute("SELECT seq, payload FROM journal ORDER BY seq").fetchall():
        head = link(head, seq, payload)
        c.execute("UPDATE journal SET hash = ? WHERE seq = ?", (head, seq))
    c.execute("UPDATE head SET hash = ?", (head,))


def _flip_checkpoint(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> None:
    column = ("state", "head", "sha256")[int(rng.integers(3))]
    seq, old = c.execute(f"SELECT seq, {column} FROM checkpoints ORDER BY seq DESC").fetchall()[
        int(rng.integers(2))
    ]
    c.execute(f"UPDATE checkpoints SET {column} = ? WHERE seq = ?", (flip(old, rng), seq))


def _flip_head(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> None:
    column = ("hash", "signature")[int(rng.integers(2))]
    old = c.execute(f"SELECT {column} FROM head").fetchone()[0]
    c.execute(f"UPDATE head SET {column} = ?", (flip(old, rng),))


def _rebind(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> None:
    name = ("mode", "tape", "configuration", "seed")[int(rng.integers(4))]
    c.execute("UPDATE meta SET value = '99' WHERE name = ?", (name,))


def _renumber_the_first(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    c.execute("UPDATE journal SET seq = ? WHERE seq = 1", (-int(rng.integers(5)),))
    return 1


WAYS: tuple[Tamper, ...] = (
    _flip_payload,
    _flip_hash,
    _delete,
    _delete_and_close_the_gap,
    _swap,
    truncate,
    _truncate_and_move_the_head,
    _insert,
    _rewrite_history,
    _flip_checkpoint,
    _flip_head,
    _rebind,
    _renumber_the_first,
)
