"""The latch: never lower than it was before or should be after, whatever happens to a write."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.errors import StoreError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.risk.latch import REASON_BYTES, SIZE, SLOT, TRIP_BYTES, Latch, LatchState

LEVELS = list(DeskLevel)


@pytest.fixture
def latch(tmp_path: Path) -> Latch:
    made = Latch(tmp_path / "state.latch")
    made.create()
    return made


def test_a_new_latch_is_open(latch: Latch) -> None:
    assert latch.read() == LatchState(DeskLevel.RUNNING, "", "", True)
    assert latch.path.stat().st_size == SIZE
    assert stat.S_IMODE(latch.path.stat().st_mode) == 0o600
    assert [path.name for path in latch.path.parent.iterdir()] == ["state.latch"]


def test_the_mode_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o777)
    try:
        Latch(tmp_path / "l").create()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "l").stat().st_mode) == 0o600


def test_it_holds_what_was_written(latch: Latch) -> None:
    for level in (*LEVELS, *reversed(LEVELS)):
        latch.write(level, f"trip-{level}", f"because {level.name}, déjà vu")
        assert latch.read() == LatchState(level, f"trip-{level}", f"because {level.name}, déjà vu", True)
    assert latch.path.stat().st_size == SIZE


def test_writing_keeps_the_same_file(latch: Latch) -> None:
    """Overwritten in place: no new blocks are needed on a full disk."""
    inode = latch.path.stat().st_ino
    for _ in range(4):
        latch.write(DeskLevel.KILLED, "a", "b")
    assert latch.path.stat().st_ino == inode


def test_another_process_reads_it(latch: Latch) -> None:
    latch.write(DeskLevel.KILLED, "f00", "stop")
    code = "import sys, pathlib; from tuiconsole.risk.latch import Latch; print(Latch(pathlib.Path(sys.argv[1])).read())"
    answer = subprocess.run(
        [sys.executable, "-c", code, str(latch.path)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        check=True,
        text=True,
    )
    assert answer.stdout.strip() == str(latch.read())


def test_a_latch_is_never_created_over_another(latch: Latch) -> None:
    latch.write(DeskLevel.KILLED, "x", "y")
    with pytest.raises(StoreError, match="exists already"):
        latch.create()
    assert latch.read().level == DeskLevel.KILLED


def test_a_missing_latch_is_latched_and_writing_makes_it(tmp_path: Path) -> None:
    latch = Latch(tmp_path / "gone.latch")
    state = latch.read()
    assert (state.level, state.readable) == (DeskLevel.HALTED, False)
    assert "cannot be read" in state.reason
    latch.write(DeskLevel.PAUSED, "t", "re-armed")
    assert latch.read() == LatchState(DeskLevel.PAUSED, "t", "re-armed", True)
    assert stat.S_IMODE(latch.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("size", [0, 1, SLOT, SIZE - 1, SIZE + 1, 4096])
def test_a_file_of_another_size_is_latched(latch: Latch, size: int) -> None:
    latch.path.write_bytes(latch.path.read_bytes().ljust(size, b"\0")[:size])
    assert (latch.read().level, latch.read().readable) == (DeskLevel.HALTED, False)
    latch.write(DeskLevel.KILLED, "t", "r")
    assert latch.read() == LatchState(DeskLevel.KILLED, "t", "r", True)


@pytest.mark.parametrize("old", LEVELS)
@pytest.mark.parametrize("new", LEVELS)
def test_a_write_torn_at_any_byte(tmp_path: Path, old: DeskLevel, new: DeskLevel) -> None:
    """Every prefix of the slot being overwritten, over the bytes before: old, new, or latched; never lower."""
    latch = Latch(tmp_path / "state.latch")
    latch.create()
    latch.write(DeskLevel.KILLED, "older", "an older stop")
    latch.write(old, "old", "old reason")
    before = latch.path.read_bytes()
    old_state = latch.read()
    latch.write(new, "new", "the new reason, longer than the old one")
    after = latch.path.read_bytes()
    new_state = latch.read()
    start = 0 if before[:SLOT] != after[:SLOT] else SLOT
    assert before[SLOT - start :][:SLOT] == after[SLOT - start :][:SLOT], "the other slot is untouched"
    for cut in range(SLOT + 1):
        latch.path.write_bytes(before[:start] + after[start : start + cut] + before[start + cut :])
        found = latch.read()
        if found.readable:
            assert found in (old_state, new_state)
        else:
            assert found.level >= max(DeskLevel.HALTED, min(old, new))
            assert found.level >= old
    latch.path.write_bytes(before[: start + 100].ljust(SIZE, b"\xff"))
    latch.write(new, "again", "repaired")
    assert latch.read() == LatchState(new, "again", "repaired", True)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, SIZE - 1), st.integers(1, 255), st.sampled_from(LEVELS))
def test_any_damaged_byte_is_seen(
    tmp_path_factory: pytest.TempPathFactory, place: int, flip: int, level: DeskLevel
) -> None:
    latch = Latch(tmp_path_factory.getbasetemp() / "damaged.latch")
    latch.path.unlink(missing_ok=True)
    latch.create()
    latch.write(level, "trip", "reason")
    latch.write(level, "trip", "reason")
    data = bytearray(latch.path.read_bytes())
    data[place] ^= flip
    latch.path.write_bytes(data)
    found = latch.read()
    assert not found.readable
    assert found.level == max(level, DeskLevel.HALTED)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400), st.text(max_size=100))
def test_long_text_is_cut_at_a_character(
    tmp_path_factory: pytest.TempPathFactory, reason: str, trip: str
) -> None:
    latch = Latch(tmp_path_factory.getbasetemp() / "text.latch")
    latch.write(DeskLevel.HALTED, trip, reason)
    found = latch.read()
    assert found.readable
    assert reason.encode(errors="replace").decode().startswith(found.reason)
    assert trip.encode(errors="replace").decode().startswith(found.trip)
    assert len(found.reason.encode()) >= min(len(reason.encode()), REASON_BYTES - 3)
    assert len(found.trip.encode()) >= min(len(trip.encode()), TRIP_BYTES - 3)


def test_a_latch_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    latch = Latch(tmp_path / "no" / "such" / "place.latch")
    with pytest.raises(StoreError, match="must not trade"):
        latch.create()
    with pytest.raises(StoreError, match="must not trade"):
        latch.write(DeskLevel.KILLED, "t", "r")
    assert not latch.read().readable


def test_a_directory_in_its_place_is_latched(tmp_path: Path) -> None:
    (tmp_path / "state.latch").mkdir()
    assert not Latch(tmp_path / "state.latch").read().readable


def test_a_full_disk_is_said(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(StoreError, match="No space left on device"):
        latch.write(DeskLevel.HALTED, "t", "r")
    assert latch.read().readable


def test_short_writes_are_completed(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: whole(file, data[:7], offset))
    latch.write(DeskLevel.HALTED, "t", "r")
    assert latch.read() == LatchState(DeskLevel.HALTED, "t", "r", True)


def test_every_write_reaches_the_disk(latch: Latch, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    pwrite, fsync = os.pwrite, os.fsync
    monkeypatch.setattr(os, "pwrite", lambda *a: (calls.append("write"), pwrite(*a))[1])
    monkeypatch.setattr(os, "fsync", lambda f: (calls.append("sync"), fsync(f))[1])
    latch.write(DeskLevel.HALTED, "t", "r")
    assert calls == ["write", "sync"]
    latch.path.unlink()
    calls.clear()
    latch.write(DeskLevel.HALTED, "t", "r")
    assert calls == ["write", "sync", "sync"], "the file, then its directory"
