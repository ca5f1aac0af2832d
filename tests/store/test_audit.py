import sqlite3
from pathlib import Path

import pytest

from tests.reliability.tampering import WAYS, Tamper, copy, truncate, unnoticed
from tests.store.desk import BINDING, bar_seen, filled_store, open_store
from tuiconsole.domain.errors import UsageError
from tuiconsole.store import audit, signed_head
from tuiconsole.store.audit import against_head, verify_chain


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "state.db"
    filled_store(path, 20)
    return path


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_tampering_is_found(sound: Path, tmp_path: Path, way: Tamper) -> None:
    """390 ways; the full size is 10,000."""
    rows = verify_chain(sound).rows
    for seed in range(30):
        assert unnoticed(sound, tmp_path, way, seed, rows) == ""


def test_a_verification_that_looks_away_is_convicted(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signed_head, "read_head", lambda *_: None)
    monkeypatch.setattr(audit._Scan, "_ends", lambda *_: None)
    assert unnoticed(sound, tmp_path, truncate, 1, verify_chain(sound).rows)


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


def test_a_head_kept_elsewhere_sees_through_a_journal_signed_anew(sound: Path, tmp_path: Path) -> None:
    """Rows cut off, key and signatures replaced: all beside the store is sound, only the copy knows better."""
    kept = tmp_path / "kept.json"
    kept.write_bytes(signed_head.head_path(sound).read_bytes())
    assert against_head(sound, kept) == ("", None)
    forged = tmp_path / "forged"
    forged.mkdir()
    filled_store(forged / "state.db", 12)
    assert verify_chain(forged / "state.db").ok
    rows = verify_chain(sound).rows
    text, row = against_head(forged / "state.db", kept)
    assert (row, text) == (rows, f"The journal was cut short: {kept} counts {rows} rows.")
    longer = tmp_path / "longer"
    longer.mkdir()
    filled_store(longer / "state.db", 30, seed=2)
    text, row = against_head(longer / "state.db", kept)
    assert row == rows
    assert "the journal was written anew" in text
    again = copy(sound, tmp_path)
    key = signed_head.key_path(again)
    key.write_bytes(b"k" * 32)
    assert "signed with another key" in against_head(again, kept)[0]
    with pytest.raises(UsageError, match="no signed head"):
        against_head(sound, key)
