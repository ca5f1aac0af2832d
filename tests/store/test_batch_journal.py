from pathlib import Path

import pytest

from tests.store.desk import OPENED, open_store, records
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import DataError, StoreError
from tuiconsole.store.batch_journal import MAGIC, BatchJournal, read_batch_journal


def write(path: Path | None, bars: int = 30) -> BatchJournal:
    journal = BatchJournal(path)
    for record in records(bars):
        journal.append(record)
        journal.commit()
    journal.close()
    journal.close()
    return journal


def test_round_trip_and_the_same_head_with_a_file_without_one_and_in_the_store(tmp_path: Path) -> None:
    filed, hashed = write(tmp_path / "batch" / "journal"), write(None)
    store = open_store(tmp_path / "state.db")
    for record in records(30):
        store.append(record)
    store.close()
    assert filed.head == hashed.head == store.head
    assert filed.rows == hashed.rows == store.rows
    stored = [encode_record(record) for record in read_batch_journal(tmp_path / "batch" / "journal")]
    assert stored == [encode_record(record) for record in records(30)]


def test_many_blocks(tmp_path: Path) -> None:
    journal = BatchJournal(tmp_path / "j")
    big = OPENED.__class__(
        *[getattr(OPENED, f) for f in OPENED.__struct_fields__[:2]],
        "m" * 20_000,
        "",
        "",
        0,
        0,
        (),
        (),
        (),
        (),
    )
    for _ in range(300):
        journal.append(big)
    assert (tmp_path / "j").stat().st_size > 2_000_000, "written before it is closed"
    journal.close()
    assert sum(1 for _ in read_batch_journal(tmp_path / "j")) == 300


def test_every_flipped_or_cut_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "j"
    write(path, bars=3)
    sound = path.read_bytes()
    for i in range(len(sound)):
        path.write_bytes(sound[:i] + bytes((sound[i] ^ 0x41,)) + sound[i + 1 :])
        with pytest.raises((StoreError, DataError)):
            list(read_batch_journal(path))
    for i in range(0, len(sound), 7):
        path.write_bytes(sound[:i])
        with pytest.raises((StoreError, DataError)):
            list(read_batch_journal(path))
    path.write_bytes(sound + b"x")
    with pytest.raises(StoreError):
        list(read_batch_journal(path))


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        list(read_batch_journal(tmp_path / "none"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be written"):
        BatchJournal(tmp_path / "file" / "j")
    journal = write(None)
    with pytest.raises(StoreError, match="closed"):
        journal.append(OPENED)
    unfinished = tmp_path / "unfinished"
    unfinished.write_bytes(MAGIC)
    with pytest.raises(StoreError, match="not finished"):
        list(read_batch_journal(unfinished))


def test_a_full_device_is_a_store_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    journal = BatchJournal(Path("/dev/full"))
    journal.append(OPENED)
    with pytest.raises(StoreError, match="No space left"):
        journal.close()
