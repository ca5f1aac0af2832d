import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.store.desk import BINDING, bar_seen, filled_store, open_store
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.store import signed_head
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.chain import GENESIS, link

Tamper = Callable[[sqlite3.Connection, np.random.Generator, int], int | None]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "state.db"
    filled_store(path, 20)
    return path


def copy(sound: Path, to: Path) -> Path:
    for file in sound.parent.iterdir():
        shutil.copy(file, to / file.name)
    return to / sound.name


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


def _truncate(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> int:
    seq = int(rng.integers(1, rows + 1))
    c.execute("DELETE FROM journal WHERE seq >= ?", (seq,))
    return seq


def _truncate_and_move_the_head(c: sqlite3.Connection, rng: np.random.Generator, rows: int) -> None:
    seq = _truncate(c, rng, rows)
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
    _truncate,
    _truncate_and_move_the_head,
    _insert,
    _rewrite_history,
    _flip_checkpoint,
    _flip_head,
    _rebind,
    _renumber_the_first,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_tampering_is_found(sound: Path, tmp_path: Path, way: Tamper) -> None:
    rows = verify_chain(sound).rows
    for seed in range(30):
        path = copy(sound, tmp_path)
        connection = sqlite3.connect(path)
        with connection:
            wanted = way(connection, generator(seed, way.__name__), rows)
        connection.close()
        report = verify_chain(path, integrity=False)
        assert not report.ok, seed
        if wanted is not None:
            assert report.first_bad == wanted, (seed, report)
            assert report.rows == wanted - 1


def test_a_sound_store(sound: Path) -> None:
    report = verify_chain(sound, projections=True)
    assert report.ok
    assert report.first_bad is None
    assert report.rows > 60
    assert len(report.head) == 64
    assert report.text == f"All {report.rows} rows are sound."


def test_every_byte_of_one_row(sound: Path, tmp_path: Path) -> None:
    path = copy(sound, tmp_path)
    connection = sqlite3.connect(path, isolation_level=None)
    old, digest = connection.execute("SELECT payload, hash FROM journal WHERE seq = 3").fetchone()
    for name, data in (("payload", old), ("hash", digest)):
        for i in range(0, len(data), 3 if name == "payload" else 1):
            bad = data[:i] + bytes((data[i] ^ 1,)) + data[i + 1 :]
            connection.execute(f"UPDATE journal SET {name} = ? WHERE seq = 3", (bad,))
            assert verify_chain(path, integrity=False).first_bad == 3
        connection.execute(f"UPDATE journal SET {name} = ? WHERE seq = 3", (data,))
    assert verify_chain(path).ok
    connection.close()


def test_an_older_store_under_a_newer_signed_head(tmp_path: Path) -> None:
    """Everything in the old file is sound and signed; only the exported head knows better."""
    path = tmp_path / "state.db"
    filled_store(path, 4)
    older = path.read_bytes()
    store = open_store(path)
    before = store.rows
    store.append(bar_seen(77))
    store.close()
    path.write_bytes(older)
    report = verify_chain(path)
    assert (report.ok, report.rows, report.first_bad) == (False, before, before + 1)
    assert "cut short" in report.text


@pytest.mark.parametrize(
    ("suffix", "content", "words"),
    [
        (".head.json", b"{}", "signed head beside the store is damaged"),
        (".head.json", None, "missing"),
        (".key", None, "missing or damaged"),
        (".key", b"k" * 32, "not signed by this desk's key"),
    ],
)
def test_key_and_head_file(
    sound: Path, tmp_path: Path, suffix: str, content: bytes | None, words: str
) -> None:
    path = copy(sound, tmp_path)
    beside = path.with_name(path.name + suffix)
    beside.unlink() if content is None else beside.write_bytes(content)
    report = verify_chain(path)
    assert not report.ok
    assert words in report.text


def test_a_head_signed_for_other_rows(sound: Path, tmp_path: Path) -> None:
    path = copy(sound, tmp_path)
    key = signed_head.read_key(path)
    assert key is not None
    signed_head.export(path, key, BINDING.desk, 5, b"x" * 32)
    report = verify_chain(path)
    assert (report.ok, report.first_bad) == (False, 5)


@pytest.mark.parametrize("table", ["orders", "positions", "equity", "fills"])
def test_altered_tables_are_found_by_the_rebuild(sound: Path, tmp_path: Path, table: str) -> None:
    path = copy(sound, tmp_path)
    column = {"orders": "filled", "positions": "quantity", "equity": "cash", "fills": "price"}[table]
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            f"UPDATE {table} SET {column} = {column} + 1 WHERE rowid = (SELECT min(rowid) FROM {table})"
        )
    connection.close()
    assert verify_chain(path).ok
    report = verify_chain(path, projections=True)
    assert not report.ok
    assert f"table {table}" in report.text
    assert report.first_bad is None


def test_no_store_and_no_database(sound: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no"):
        verify_chain(tmp_path / "state.db")
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database at all" * 50)
    report = verify_chain(path)
    assert not report.ok
    assert "not a database" in report.text
    path.write_bytes(b"")
    assert "not a store of this program" in verify_chain(path).text


def test_damaged_pages(sound: Path, tmp_path: Path) -> None:
    path = copy(sound, tmp_path)
    damaged = bytearray(path.read_bytes())
    for page in range(1, len(damaged) // 4096):
        damaged[page * 4096 : page * 4096 + 900] = b"\xa5" * 900
    path.write_bytes(bytes(damaged))
    report = verify_chain(path)
    assert not report.ok
    assert report.text.endswith((".", "…"))


def test_a_newer_format(sound: Path, tmp_path: Path) -> None:
    path = copy(sound, tmp_path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=9")
    connection.close()
    assert "has format 9" in verify_chain(path).text
