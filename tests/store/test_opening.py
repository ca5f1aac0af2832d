import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from tests.store.desk import BINDING, bar_seen, filled_store, open_store
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import StoreBindingError, StoreError
from tuiconsole.store.binding import Binding
from tuiconsole.store.schema import SCHEMA_VERSION
from tuiconsole.store.state_store import StateStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def open_as(path: Path, binding: Binding) -> StateStore:
    return StateStore.open(path, binding, EventClock())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("mode", "paper", "mode 'replay', not 'paper'"),
        ("tape", "other", "tape 'packaged:abc:0:250', not 'other'"),
        ("configuration", "c1", "configuration 'c0', not 'c1'"),
        ("seed", 8, "seed '7', not '8'"),
        ("desk", "ffffffff", "desk '00c0ffee', not 'ffffffff'"),
        ("schema", 2, "journal format '1', not '2'"),
    ],
)
def test_another_binding_is_refused(path: Path, field: str, value: object, words: str) -> None:
    filled_store(path, 2)
    with pytest.raises(StoreBindingError, match="--state") as caught:
        open_as(path, replace(BINDING, **{field: value}))
    assert words in str(caught.value)
    assert caught.value.exit_code == 2
    open_store(path).close()


def test_not_a_database(path: Path) -> None:
    path.write_bytes(b"this is no database, it is a letter to the trader" * 40)
    before = path.read_bytes()
    with pytest.raises(StoreBindingError, match="not a database"):
        open_store(path)
    assert path.read_bytes() == before


def test_a_database_of_another_program(path: Path) -> None:
    change(path, "CREATE TABLE recipes (name)")
    with pytest.raises(StoreBindingError, match="another program"):
        open_store(path)


def test_a_newer_format(path: Path) -> None:
    filled_store(path, 2)
    change(path, f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    with pytest.raises(
        StoreBindingError, match=rf"newer than the {SCHEMA_VERSION} this program knows\. Upgrade"
    ):
        open_store(path)


def test_an_older_format(path: Path) -> None:
    filled_store(path, 2)
    change(path, "PRAGMA user_version=1")
    with pytest.raises(StoreBindingError, match=r"format 1, older than the 2 .* nothing was changed"):
        open_store(path)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)", "rows where"),
        ("DELETE FROM meta", "which desk"),
        ("DELETE FROM meta WHERE name = 'seed'", "which desk"),
        ("DELETE FROM head", "not signed"),
        ("UPDATE head SET rows = rows - 1", "not signed"),
        ("UPDATE journal SET payload = x'00' WHERE seq = 5", "Row 5"),
        ("UPDATE journal SET hash = zeroblob(32) WHERE seq = 5", "Row 5"),
        ("UPDATE journal SET seq = 1000 WHERE seq = (SELECT max(seq) FROM journal)", "rows where"),
    ],
)
def test_an_altered_journal(path: Path, statement: str, words: str) -> None:
    filled_store(path, 5)
    change(path, statement)
    with pytest.raises(StoreBindingError, match=words):
        open_store(path)


def test_damaged_pages(path: Path) -> None:
    filled_store(path, 60)
    damaged = bytearray(path.read_bytes())
    for page in range(2, len(damaged) // 4096, 3):
        damaged[page * 4096 : page * 4096 + 600] = b"\xa5" * 600
    path.write_bytes(bytes(damaged))
    with pytest.raises(StoreBindingError, match=r"damaged|not a database"):
        open_store(path)


def test_an_older_copy_or_none_where_a_signed_head_counts_more(path: Path) -> None:
    store = open_store(path)
    store.append(bar_seen(0))
    store.close()
    older = path.read_bytes()
    store = open_store(path)
    store.append(bar_seen(1))
    store.close()
    path.write_bytes(older)
    with pytest.raises(StoreBindingError, match="cut short or replaced"):
        open_store(path)
    path.write_bytes(b"")
    with pytest.raises(StoreBindingError, match=r"signed head counts 2 rows.*remove state\.db\.head\.json"):
        open_store(path)
    path.unlink()
    with pytest.raises(StoreBindingError, match="signed head counts 2 rows"):
        open_store(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0, "nothing was made"
    connection.close()
    path.unlink(missing_ok=True)
    path.with_name("state.db.head.json").unlink()
    fresh = open_store(path)
    assert fresh.rows == 0
    fresh.close()


@pytest.mark.parametrize("suffix", [".key", ".head.json"])
def test_a_damaged_key_or_head_file(path: Path, suffix: str) -> None:
    filled_store(path, 2)
    path.with_name(path.name + suffix).write_bytes(b"{}")
    with pytest.raises(StoreBindingError, match="damaged"):
        open_store(path)


def test_another_key(path: Path) -> None:
    filled_store(path, 2)
    path.with_name("state.db.key").write_bytes(b"k" * 32)
    with pytest.raises(StoreBindingError, match="not signed by this desk's key"):
        open_store(path)


def test_a_lost_head_file_alone_is_made_again(path: Path) -> None:
    filled_store(path, 2)
    head = path.with_name("state.db.head.json")
    head.unlink()
    open_store(path).close()
    assert head.exists()


def test_directories(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"cannot be made: .*\. Name another file with --state"):
        open_store(tmp_path / "file" / "state.db")
    with pytest.raises(StoreError, match="cannot be opened or created"):
        open_store(tmp_path)
    deep = tmp_path / "new" / "deep" / "state.db"
    open_store(deep).close()
    assert deep.exists()


def test_an_unwritable_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuiconsole.store.opening.os.access", lambda *_: False)  # root may write anywhere
    with pytest.raises(StoreError, match="not writable by you"):
        open_store(tmp_path / "state.db")


def test_a_crash_between_tables_and_binding_is_a_fresh_store(path: Path) -> None:
    open_store(path).close()
    change(path, "DELETE FROM meta", "DELETE FROM head")
    store = open_store(path)
    assert store.rows == 0
    store.close()


def test_names_with_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "a %20?#b.db"
    rows, _ = filled_store(path, 2)
    store = open_store(path)
    assert store.rows == rows
    assert path.exists()
    store.close()
