"""Rows that leave the store for the archive: nothing is lost, everything can still be asked and is still verified."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability import sqlite_shim
from tests.reliability.archive_losses import lose_power_while_archiving
from tests.store.desk import BINDING, bar_seen, filled_store, open_store, records
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.rng import generator
from tuiconsole.store import archive, archiving, audit, signed_head
from tuiconsole.store.archive import ArchiveDamaged, Row, all_rows, archive_path, row_at
from tuiconsole.store.archiving import archive_rows, prepare_beside
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.connection import open_reader, open_writer
from tuiconsole.store.explain import explain
from tuiconsole.store.projections import rebuild
from tuiconsole.store.readers import journal_rows, last_status, recent_orders
from tuiconsole.store.writer import Writer

BARS, SEED = 60, 4
LATER = 10**18


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (archive, archiving):
        monkeypatch.setattr(module, "BLOCK_ROWS", 16)
    monkeypatch.setattr(archiving.forget, "__defaults__", (30,))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    home = tmp_path / "filled"
    home.mkdir()
    filled_store(home / "state.db", BARS, SEED)
    return home / "state.db"


@pytest.fixture
def archived(filled: Path) -> Path:
    archive_rows(filled, LATER)
    return filled


def payloads() -> list[bytes]:
    return [encode_record(record) for record in records(BARS, SEED)]


def in_table(path: Path) -> list[int]:
    with sqlite3.connect(path) as connection:
        found = [seq for (seq,) in connection.execute("SELECT seq FROM journal ORDER BY seq")]
    connection.close()
    return found


def test_old_rows_move_and_everything_is_still_there(filled: Path) -> None:
    before, status, orders = (
        verify_chain(filled, projections=True),
        last_status(filled),
        recent_orders(filled),
    )
    chains = [explain(filled, str(order.number)) for order in orders]
    with sqlite3.connect(filled) as connection:
        oldest = connection.execute("SELECT min(seq) FROM checkpoints").fetchone()[0]
    connection.close()
    done = archive_rows(filled, LATER)
    assert (done.moved, done.rows, done.bytes_free) == (oldest - 1, oldest - 1, 0)
    assert done.moved > 100
    assert done.bytes_after < done.bytes_before
    assert in_table(filled) == [1, *range(oldest, before.rows + 1)]
    assert verify_chain(filled, projections=True) == before
    assert [payload for _, payload in journal_rows(filled)] == payloads()
    assert last_status(filled) == status
    assert [explain(filled, str(order.number)) for order in orders] == chains
    assert archive_rows(filled, LATER).moved == 0


def test_the_desk_goes_on_and_archives_again(archived: Path) -> None:
    first = len(list(archive_path(archived).iterdir()))
    store = open_store(archived)
    for seq in range(100, 160):
        store.append(bar_seen(seq))
        if seq % 10 == 0:
            store.checkpoint({"seq": seq})
    store.close()
    done = archive_rows(archived, LATER)
    assert done.moved > 30
    assert len(list(archive_path(archived).iterdir())) == first + 1 == 2
    assert verify_chain(archived, projections=True).ok
    assert verify_chain(archived).rows == len(payloads()) + 60


def test_a_trading_desk_archives_between_its_commits(filled: Path) -> None:
    store = open_store(filled)
    writer = Writer(store)
    target = prepare_beside(filled, LATER)
    assert target > 100
    writer.append(bar_seen(500))
    first = writer.submit()
    free = writer.forget(target)
    for seq in range(501, 520):
        writer.append(bar_seen(seq))
        writer.submit()
    assert first.result() == len(payloads()) + 1
    assert free.result() > 0
    assert prepare_beside(filled, LATER) == target, "once is enough"
    writer.close()
    report = verify_chain(filled, projections=True)
    assert (report.ok, report.rows) == (True, len(payloads()) + 20)
    assert len(in_table(filled)) == report.rows - target + 1


def test_a_verification_meets_rows_that_leave_meanwhile(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that went to the archive behind the scan's back are not missing."""
    real, left = audit.pages, [True]

    def pages(connection: sqlite3.Connection, total: int, after: int) -> Iterator[list[Row]]:
        if left and left.pop():
            archive_rows(filled, LATER)
        yield from real(connection, total, after)

    monkeypatch.setattr(audit, "pages", pages)
    assert verify_chain(filled).ok
    assert left == []


def test_young_rows_stay(filled: Path) -> None:
    assert archive_rows(filled, 5).moved == 0, "all were written at 5"
    assert not archive_path(filled).exists()
    assert archive_rows(filled, 6).moved > 0


def test_single_rows_and_the_rebuild_of_the_tables(archived: Path) -> None:
    reader = open_reader(archived)
    wanted = payloads()
    for row in (1, 2, 16, 17, 100, len(wanted)):
        found = row_at(reader, row)
        assert found is not None
        assert found[0] == wanted[row - 1]
    assert row_at(reader, 0) is None
    assert row_at(reader, len(wanted) + 1) is None
    assert len(list(all_rows(reader))) == len(wanted)
    reader.close()
    before = recent_orders(archived)
    writer = open_writer(archived)
    rebuild(writer)
    writer.close()
    assert recent_orders(archived) == before
    assert verify_chain(archived, projections=True).ok


def test_a_missing_archive_is_said_and_the_desk_still_opens(archived: Path) -> None:
    shutil.rmtree(archive_path(archived))
    report = verify_chain(archived)
    assert (report.ok, report.first_bad, report.rows) == (False, 1, 0)
    assert "was moved to state.archive, which does not hold it" in report.text
    with pytest.raises(ArchiveDamaged, match=r"state\.archive.*Put it back from a backup"):
        explain(archived, "1")
    store = open_store(archived)
    assert store.rows == len(payloads())
    store.close()


def test_a_change_anywhere_in_the_archive_is_found(archived: Path) -> None:
    (file,) = archive_path(archived).iterdir()
    data = file.read_bytes()
    rng = generator(1, "archive")
    for _ in range(60):
        at = int(rng.integers(len(data)))
        file.write_bytes(data[:at] + bytes((data[at] ^ (1 << int(rng.integers(8))),)) + data[at + 1 :])
        assert not verify_chain(archived, integrity=False).ok, at
    for cut in (1, 40, len(data) // 2, len(data) - 9):
        file.write_bytes(data[:-cut])
        assert not verify_chain(archived, integrity=False).ok, cut
    file.write_bytes(data)
    assert verify_chain(archived).ok


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "UPDATE meta SET value = '300' || substr(value, 4) WHERE name = 'archived'",
            "in the archive and in the store",
        ),
        (
            "UPDATE meta SET value = '200' || substr(value, 4) WHERE name = 'archived'",
            "Row 200 does not end the archive",
        ),
        ("UPDATE meta SET value = 'x' WHERE name = 'archived'", "does not say which rows are in its archive"),
        ("DELETE FROM meta WHERE name = 'archived'", "Row 2 is missing"),
        ("UPDATE journal SET payload = x'00' WHERE seq = 1", "Row 1 is not the one in the archive"),
        ("INSERT INTO journal VALUES (7, x'00', x'00', 0)", "Row 7 is in the archive and in the store"),
        ("INSERT INTO journal VALUES (-3, x'00', x'00', 0)", "Row -3 is in the archive"),
    ],
)
def test_tampering_around_the_archive_is_found(archived: Path, statement: str, words: str) -> None:
    with sqlite3.connect(archived) as connection:
        connection.execute(statement)
    connection.close()
    report = verify_chain(archived)
    assert not report.ok
    assert re.search(words, report.text), report.text


def test_a_head_exported_before_the_archived_rows_still_counts(filled: Path) -> None:
    """An old signed head names a row that is archived by now: it is looked up there."""
    key = signed_head.read_key(filled)
    reader = open_reader(filled)
    found = row_at(reader, 40)
    reader.close()
    assert key is not None
    assert found is not None
    archive_rows(filled, LATER)
    signed_head.export(filled, key, BINDING.desk, 40, found[1])
    open_store(filled).close()
    signed_head.export(filled, key, BINDING.desk, 40, b"x" * 32)
    with pytest.raises(StoreError, match="cut short or replaced"):
        open_store(filled)


@pytest.mark.skipif(
    sqlite_shim.library() is None, reason="the functions of this Python's SQLite cannot be reached"
)
def test_power_lost_at_any_moment_of_archiving_loses_nothing() -> None:
    """The full size is 1,000 seeds."""
    assert [wrong for seed in range(40) for wrong in lose_power_while_archiving(seed)] == []
