"""The recorded tape: what is appended comes back, no frame can be changed, and a crash loses at most what was never played."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tuiconsole.domain.errors import StoreError, TapeDamaged
from tuiconsole.domain.market import Bars
from tuiconsole.domain.rng import generator
from tuiconsole.market.live import recorded
from tuiconsole.market.live.recorded import RecordedBar, RecordedTape, TapeHeader

MINUTE = 60_000_000_000
HEADER = TapeHeader("yahoo 1min", "yahoo", "1min", "XNYS", "America/New_York", ("AAA", "BBB"), 2, 98_280.0)


def bar(i: int, close: float = 10.0) -> Bars:
    row = np.array([close + i, np.nan])
    return Bars((1_000 + i) * MINUTE, -1, row, row + 1, row - 1, row, np.array([-0.0, 5.0]), 20_000)


def make(directory: Path, warm_up: int = 2, more: int = 3) -> RecordedTape:
    tape = RecordedTape.create(directory, HEADER, [RecordedBar(bar(i), 7, "yahoo") for i in range(warm_up)])
    for i in range(warm_up, warm_up + more):
        tape.append(bar(i), 1_000_000 + i, "yahoo-stream")
    return tape


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "SEGMENT_BARS", 4)


def same(found: Bars, index: int) -> bool:
    expected = bar(index)
    columns = ("open", "high", "low", "close", "volume")
    return (
        (found.ts, found.seq, found.session) == (expected.ts, index, 20_000)
        and all(np.array_equal(getattr(found, c), getattr(expected, c), equal_nan=True) for c in columns)
        and not np.signbit(found.volume[0])
    )


@pytest.mark.usefixtures("small_segments")
def test_bars_come_back_as_they_were_from_every_segment(tmp_path: Path) -> None:
    make(tmp_path / "t", more=9).close()
    tape = RecordedTape.open(tmp_path / "t")
    assert (len(tape), tape.header, tape.universe.symbols) == (11, HEADER, ("AAA", "BBB"))
    assert all(same(tape.bars(i), i) for i in (10, 0, 3, 4, 7, 8, 1))
    assert (tape.recorded(1).received, tape.recorded(1).feed) == (7, "yahoo")
    assert (tape.recorded(5).received, tape.recorded(5).feed) == (1_000_005, "yahoo-stream")
    assert tape.check() == 11
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == [f"{n:08d}.seg" for n in range(3)]


@pytest.mark.usefixtures("small_segments")
def test_a_block_is_its_bars_over_the_edges_of_segments(tmp_path: Path) -> None:
    make(tmp_path / "t", more=9).close()
    tape = RecordedTape.open(tmp_path / "t")
    block = tape.block(2, 10)
    assert all(same(block.at(i), 2 + i) for i in range(8))
    assert len(block) == 8


@pytest.mark.usefixtures("small_segments")
def test_a_tape_goes_on_where_it_ended(tmp_path: Path) -> None:
    whole = make(tmp_path / "whole", more=8)
    make(tmp_path / "parts", more=2).close()
    for i in range(4, 10):
        parts = RecordedTape.open(tmp_path / "parts", writing=True)
        parts.append(bar(i), 1_000_000 + i, "yahoo-stream")
        parts.close()
    whole.close()
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()


def check_and_play(directory: Path) -> None:
    tape = RecordedTape.open(directory)
    tape.check()
    tape.bars(10)


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_changed_byte_is_noticed(tmp_path: Path, number: int) -> None:
    make(tmp_path / "t", more=9).close()
    path = tmp_path / "t" / f"{number:08d}.seg"
    sound = path.read_bytes()
    for at in range(5, len(sound), 61):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        with pytest.raises(TapeDamaged):
            check_and_play(tmp_path / "t")
    path.write_bytes(sound)
    assert RecordedTape.open(tmp_path / "t").check() == 11


@pytest.mark.usefixtures("small_segments")
def test_a_segment_from_another_tape_or_one_less_is_noticed(tmp_path: Path) -> None:
    make(tmp_path / "t", more=9).close()
    other = RecordedTape.create(
        tmp_path / "o", HEADER, [RecordedBar(bar(i, 20.0), 7, "yahoo") for i in range(11)]
    )
    other.close()
    path = tmp_path / "t" / "00000001.seg"
    sound = path.read_bytes()
    path.write_bytes((tmp_path / "o" / path.name).read_bytes())
    with pytest.raises(TapeDamaged, match="changed"):
        RecordedTape.open(tmp_path / "t").check()
    path.write_bytes(sound[: len(sound) // 2])
    with pytest.raises(TapeDamaged):
        RecordedTape.open(tmp_path / "t").check()
    path.unlink()
    with pytest.raises(TapeDamaged, match="no whole recorded tape"):
        RecordedTape.open(tmp_path / "t")


def test_a_frame_cut_short_by_a_crash_is_set_aside_and_recorded_again(tmp_path: Path) -> None:
    make(tmp_path / "t").close()
    path = tmp_path / "t" / "00000000.seg"
    whole = path.read_bytes()
    frame = len(whole) - len_without_last(tmp_path)
    for cut in (1, 3, 4, 5, frame - 1):
        path.write_bytes(whole[: len(whole) - frame + cut])
        assert len(RecordedTape.open(tmp_path / "t")) == 4
        tape = RecordedTape.open(tmp_path / "t", writing=True)
        tape.append(bar(4), 1_000_004, "yahoo-stream")
        tape.close()
        assert path.read_bytes() == whole
        assert len((tmp_path / "t" / "00000000.torn").read_bytes()) == cut


def len_without_last(tmp_path: Path) -> int:
    make(tmp_path / "shorter", more=2).close()
    return (tmp_path / "shorter" / "00000000.seg").stat().st_size


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("left", [0, 2, 30])
def test_a_segment_begun_at_a_crash_is_begun_again(tmp_path: Path, left: int) -> None:
    make(tmp_path / "t", more=2).close()
    (tmp_path / "t" / "00000001.seg").write_bytes((tmp_path / "t" / "00000000.seg").read_bytes()[:left])
    tape = RecordedTape.open(tmp_path / "t", writing=True)
    tape.append(bar(4), 1, "yahoo")
    assert tape.check() == 5
    tape.close()


@pytest.mark.usefixtures("small_segments")
@pytest.mark.parametrize("bars", [3, 4, 7])
def test_lost_power_tears_at_most_the_bar_that_was_not_acknowledged(tmp_path: Path, bars: int) -> None:
    """Any sectors of the last write may be missing, also when the file has its full length; four bars fill a segment."""
    make(tmp_path / "t", warm_up=2, more=bars - 2).close()
    before = {path.name: path.read_bytes() for path in (tmp_path / "t").iterdir()}
    tape = RecordedTape.open(tmp_path / "t", writing=True)
    tape.append(bar(bars), 1_000_000 + bars, "yahoo-stream")
    tape.close()
    after = {path.name: path.read_bytes() for path in (tmp_path / "t").iterdir()}
    (name,) = [name for name, data in after.items() if data != before.get(name)]
    start, path = len(before.get(name, b"")), tmp_path / "t" / name
    rng = generator(bars, "torn tape")
    for _ in range(60):
        torn = bytearray(
            after[name][: int(rng.integers(start, len(after[name]) + 1))]
            if rng.random() < 0.3
            else after[name]
        )
        for at in range(start, len(torn), 16):
            if rng.random() < 0.4:
                torn[at : at + 16] = bytes(len(torn[at : at + 16]))
        path.write_bytes(torn)
        again = RecordedTape.open(tmp_path / "t", writing=True)
        assert len(again) in (bars, bars + 1)
        if len(again) == bars:
            again.append(bar(bars), 1_000_000 + bars, "yahoo-stream")
        again.close()
        assert path.read_bytes() == after[name]
        assert RecordedTape.open(tmp_path / "t").check() == bars + 1
        for left in (tmp_path / "t").glob("*.torn"):
            left.unlink()


def test_a_reader_is_not_as_forgiving(tmp_path: Path) -> None:
    make(tmp_path / "t").close()
    path = tmp_path / "t" / "00000000.seg"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40] + bytes(8) + whole[-32:])
    with pytest.raises(TapeDamaged, match="changed"):
        RecordedTape.open(tmp_path / "t")
    writer = RecordedTape.open(tmp_path / "t", writing=True)
    assert len(writer) == 4
    writer.close()


def test_the_journal_cannot_go_beyond_the_tape(tmp_path: Path) -> None:
    tape = make(tmp_path / "t")
    with pytest.raises(TapeDamaged, match="goes on to bar 6, but t holds 5"):
        tape.bars(5)
    tape.close()


def test_the_binding_names_source_and_warm_up_and_not_what_came_later(tmp_path: Path) -> None:
    short, long = make(tmp_path / "a", more=1), make(tmp_path / "b", more=5)
    assert short.binding == long.binding
    assert short.binding.startswith("yahoo 1min:live:yahoo:1min:XNYS:")
    header = replace(HEADER, symbols=("AAA", "CCC"))
    warm_up = [RecordedBar(bar(i), 7, "yahoo") for i in range(2)]
    symbols = RecordedTape.create(tmp_path / "c", header, warm_up)
    warm_up[0] = RecordedBar(bar(0, 10.5), 7, "yahoo")
    history = RecordedTape.create(tmp_path / "d", HEADER, warm_up)
    assert len({short.binding, symbols.binding, history.binding}) == 3
    for tape in (short, long, symbols, history):
        tape.close()


def test_an_empty_tape_can_begin_and_readers_cannot_write(tmp_path: Path) -> None:
    tape = RecordedTape.create(tmp_path / "t", replace(HEADER, start=0), [])
    assert (len(tape), tape.last_ts) == (0, 0)
    tape.append(bar(0), 1, "yahoo")
    assert tape.last_ts == bar(0).ts
    tape.close()
    with pytest.raises(StoreError, match="open for reading"):
        RecordedTape.open(tmp_path / "t").append(bar(1), 1, "yahoo")


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        RecordedTape.create(tmp_path / "file" / "t", HEADER, [])
    with pytest.raises(TapeDamaged, match="no whole recorded tape"):
        RecordedTape.open(tmp_path / "none")
