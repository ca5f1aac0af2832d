import sqlite3
import stat
from pathlib import Path

import numpy as np
import pytest

from tests.store.desk import OPENED, bar_seen, decided, filled_store, open_store, records
from tuiconsole.domain.codec import decode_record, encode_record
from tuiconsole.domain.errors import StoreError
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.chain import GENESIS, Chain
from tuiconsole.store.connection import open_reader


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def test_round_trip_in_order_with_the_chain_of_its_bytes(path: Path) -> None:
    expected = [encode_record(record) for record in records(25)]
    chain = Chain()
    for payload in expected:
        chain.push(payload)
    rows, head = filled_store(path, 25)
    store = open_store(path)
    assert (
        (store.rows, store.head, store.durable_rows)
        == (rows, head, len(expected))
        == (chain.rows, chain.head, rows)
    )
    assert list(store.tail(0)) == list(enumerate(expected, start=1))
    assert [row for row, _ in store.tail(rows - 3)] == [rows - 2, rows - 1, rows]
    assert list(store.tail(rows)) == []
    assert isinstance(decode_record(next(store.tail(0))[1]), type(OPENED))
    store.close()


def test_the_chain_advances_at_once_and_durability_at_commit(path: Path) -> None:
    store = open_store(path)
    assert (store.rows, store.head) == (0, GENESIS)
    store.append(OPENED)
    store.append(bar_seen(0))
    assert (store.rows, store.durable_rows) == (2, 0)
    assert store.submit().result() == 2 == store.durable_rows
    store.commit()
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.append(bar_seen(1))


def test_files_are_private_and_durably_written(path: Path) -> None:
    store = open_store(path)
    store.append(OPENED)
    store.commit()
    pragmas = {
        name: store._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "locking_mode")
    }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "wal_autocheckpoint": 1000,
        "locking_mode": "normal",
    }
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert {f.name for f in path.parent.iterdir()} >= {"state.db-wal", "state.db.key", "state.db.head.json"}
    store.close()


def test_checkpoints_round_trip_and_three_stay(path: Path) -> None:
    store = open_store(path)
    assert store.last_checkpoint() is None
    store.append(OPENED)
    for seq in range(5):
        store.append(bar_seen(seq))
        assert store.checkpoint({"seq": seq, "a": np.array([1.5, np.nan])}).result() == seq + 2
    store.append(bar_seen(9))
    store.close()
    store = open_store(path)
    found = store.last_checkpoint()
    assert found is not None
    assert found.seq == 6
    state = found.decode()
    assert state["seq"] == 4
    assert state["a"][0] == 1.5
    assert np.isnan(state["a"][1])
    assert store._connection.execute("SELECT seq FROM checkpoints ORDER BY seq").fetchall() == [
        (4,),
        (5,),
        (6,),
    ]
    assert next(store.tail(found.seq))[0] == 7
    store.close()


@pytest.mark.parametrize("column", ["state", "sha256", "head"])
def test_a_damaged_checkpoint_is_passed_over(path: Path, column: str) -> None:
    store = open_store(path)
    store.append(OPENED)
    store.checkpoint({"n": 1})
    store.append(bar_seen(0))
    store.checkpoint({"n": 2})
    old = store._connection.execute(f"SELECT {column} FROM checkpoints WHERE seq = 2").fetchone()[0]
    bad = bytes((old[0] ^ 1,)) + old[1:]
    store._connection.execute(f"UPDATE checkpoints SET {column} = ? WHERE seq = 2", (bad,))
    found = store.last_checkpoint()
    assert found is not None
    assert found.seq == 1
    assert found.decode() == {"n": 1}
    store.close()


def test_a_checkpoint_before_any_row(path: Path) -> None:
    store = open_store(path)
    store.checkpoint({"warm": True})
    found = store.last_checkpoint()
    assert found is not None
    assert (found.seq, found.head) == (0, GENESIS)
    store.close()


def test_wall_time_is_stored_and_not_hashed(path: Path) -> None:
    _, head = filled_store(path, 3)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT DISTINCT wall_ns FROM journal").fetchall() == [(5,)]
        connection.execute("UPDATE journal SET wall_ns = 6")
    connection.close()
    assert verify_chain(path).ok
    assert verify_chain(path).head == head.hex()


def test_a_full_disk_stops_the_store_for_good_and_loses_nothing_acknowledged(path: Path) -> None:
    store = open_store(path)
    store.append(OPENED)
    store.commit()
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count={pages + 4}")

    def write_on() -> None:
        for seq in range(500):
            store.append(bar_seen(seq))
            store.commit()

    with pytest.raises(StoreError, match=r"the disk is full\. Free some space"):
        write_on()
    acknowledged = store.durable_rows
    assert 1 < acknowledged < 400
    assert store.failure is not None
    for action in (lambda: store.append(bar_seen(0)), store.commit, lambda: store.checkpoint({})):
        with pytest.raises(StoreError, match="the disk is full"):
            action()
    store.close()
    again = open_store(path)
    assert again.rows == acknowledged
    assert verify_chain(path, projections=True).ok
    again.close()


def test_a_record_that_the_tables_cannot_hold_stops_the_store(path: Path) -> None:
    store = open_store(path)
    store.append(OPENED)
    store.append(decided(0, (2**62, 0)))
    store.commit()
    store.append(decided(1, (2**62, 0)))  # the same order number again
    with pytest.raises(StoreError, match="cannot be written"):
        store.commit()
    with pytest.raises(StoreError):
        store.append(bar_seen(0))
    store.close()
    assert verify_chain(path).rows == 2


def test_a_second_writer_is_found_at_its_first_commit(path: Path) -> None:
    one = open_store(path)
    one.append(OPENED)
    one.commit()
    two = open_store(path)
    one.append(bar_seen(0))
    two.append(bar_seen(0, equity=1))
    one.commit()
    with pytest.raises(StoreError):
        two.commit()
    with pytest.raises(StoreError):
        two.append(bar_seen(1))
    two.close()
    one.append(bar_seen(1))
    one.close()
    assert verify_chain(path).rows == 3


def test_a_locked_store_is_a_failed_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(path)
    store._connection.execute("PRAGMA busy_timeout=1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.append(OPENED)
    with pytest.raises(StoreError, match="another process holds it locked"):
        store.commit()
    other.execute("ROLLBACK")
    other.close()
    with pytest.raises(StoreError, match="locked"):
        store.append(OPENED)
    store.close()


def test_a_head_file_that_cannot_be_written_stops_the_store(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(path)
    store.append(OPENED)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tuiconsole.store.signed_head.export", fail)
    with pytest.raises(StoreError, match=r"signed head .* cannot be written: No space left"):
        store.checkpoint({})
    with pytest.raises(StoreError):
        store.append(OPENED)
    store.close()


def test_readers_see_whole_batches_while_the_writer_goes_on(path: Path) -> None:
    store = open_store(path)
    store.append(OPENED)
    store.commit()
    reader = open_reader(path)
    for seq in range(60):
        for part in range(3):
            store.append(bar_seen(3 * seq + part))
        before = reader.execute("SELECT count(*), max(seq) FROM journal").fetchone()
        assert before == (1 + 3 * seq, 1 + 3 * seq)
        store.commit()
        assert reader.execute("SELECT rows FROM head").fetchone()[0] == 4 + 3 * seq
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("DELETE FROM journal")
    with pytest.raises(sqlite3.OperationalError):
        reader.execute("CREATE TABLE x (y)")
    assert verify_chain(path).ok, "verify runs beside the writer"
    reader.close()
    store.close()


def test_a_head_that_moved_under_the_writer_stops_it(path: Path) -> None:
    store = open_store(path)
    store.append(OPENED)
    store.commit()
    store._connection.execute("UPDATE head SET hash = zeroblob(32)")
    store.append(bar_seen(0))
    with pytest.raises(StoreError, match="Another process wrote"):
        store.commit()
    assert store._connection.execute("SELECT count(*) FROM journal").fetchone()[0] == 1
    store.close()
