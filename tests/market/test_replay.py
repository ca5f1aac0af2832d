"""Which part of a tape is played, and what a store is bound to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import ConfigError, DataError
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.replay import open_replay, replay_from
from tuiconsole.market.settings import FeedSettings
from tuiconsole.market.tape import Tape


@pytest.fixture(scope="module")
def tape() -> Tape:
    """The packaged tape."""
    return packaged_tape()


def test_default_replay_trades_from_2007(tape: Tape) -> None:
    """Three years of warm-up, then the first session of 2007."""
    replay = open_replay(FeedSettings())
    assert iso(int(replay.tape.ts[replay.start])) == "2007-01-03T21:00:00Z"
    assert replay.start - replay.warmup == 756
    bars = list(replay.bars())
    assert len(bars) == len(replay)
    assert [bars[0].seq, bars[-1].seq] == [replay.warmup, len(tape) - 1]
    assert next(replay.bars(5000)).seq == 5000
    assert replay.binding == f"S&P-20:{tape.digest}:{replay.start}:{replay.warmup}"


def test_another_start_or_warmup_is_another_binding(tape: Tape) -> None:
    """A store written under one is refused under the other."""
    kinds = [("2007-01-03", 756), ("2007-01-04", 756), ("2007-01-03", 755), ("", 756)]
    assert len({replay_from(tape, start, warmup).binding for start, warmup in kinds}) == 4


def test_start_on_a_holiday_or_before_the_tape(tape: Tape) -> None:
    """The next session counts; a tape that begins later has less warm-up."""
    assert iso(int(tape.ts[replay_from(tape, "2007-01-01", 10).start])) == "2007-01-03T21:00:00Z"
    early = replay_from(tape, "1980-01-01", 756)
    assert (early.start, early.warmup) == (0, 0)


def test_bad_starts_are_sentences(tape: Tape) -> None:
    """Not a date; after the end."""
    with pytest.raises(ConfigError, match=r"feed\.start is '3 Jan', expected an ISO date"):
        replay_from(tape, "3 Jan", 756)
    with pytest.raises(DataError, match=r"2030-01-01 is after the last bar of packaged \(2022-12-28"):
        replay_from(tape, "2030-01-01", 756)


def test_a_file_is_played(tmp_path: Path) -> None:
    """The path, zone and bar length of the settings reach the reader."""
    path = tmp_path / "mine.csv"
    path.write_text("ts,symbol,close\n2024-01-05 09:30,A,1\n2024-01-05 09:31,A,2\n")
    feed = FeedSettings(path=str(path), start="", timezone="America/New_York", bar_seconds=60)
    replay = open_replay(feed)
    assert [iso(bars.ts) for bars in replay.bars()] == ["2024-01-05T14:31:00Z", "2024-01-05T14:32:00Z"]
