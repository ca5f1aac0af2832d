"""The pace of a replay: so many bars a second, or as far apart as the bars were in the market."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, EventClock, parse_iso
from tuiconsole.domain.errors import EngineError, UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.engine.pacing import TapePacer, parse_pace
from tuiconsole.market.tape import Tape

MINUTE = 60 * NANOSECONDS_PER_SECOND


class Service:
    """What a pacer sees of a service: bars that take ``work_s`` to play, and rests that only move the clock."""

    def __init__(self, ts: list[int], work_s: float = 0.0) -> None:
        close = np.ones((len(ts), 1))
        self.session = SimpleNamespace(
            tape=Tape("T", "test", Universe.of(["AAA"]), np.array(ts), close), cursor=0, ended=False
        )
        self.desk = SimpleNamespace(tape_ended=False)
        self.failed = ""
        self.clock = EventClock(0)
        self.work_ns = int(work_s * NANOSECONDS_PER_SECOND)
        self.rests: list[float] = []

    async def play(self) -> None:
        self.clock.advance_to(self.clock.now_ns() + self.work_ns)
        self.desk.tape_ended = self.session.ended
        self.session.cursor += not self.session.ended
        self.session.ended = self.session.cursor == len(self.session.tape)

    async def rest(self, seconds: float) -> None:
        self.rests.append(round(seconds, 6))

    async def rest_at_end(self) -> None:
        raise StopAsyncIteration


async def rests(pacer: TapePacer, ts: list[int], work_s: float = 0.0) -> list[float]:
    service: Any = Service(ts, work_s)
    with pytest.raises(StopAsyncIteration):
        await to_the_end(pacer, service)
    return service.rests


async def to_the_end(pacer: TapePacer, service: Any) -> None:
    while True:
        await pacer.step(service)


def intraday() -> list[int]:
    """Three minutes of a Thursday, two of the Friday after it."""
    first, second = parse_iso("2025-12-04T14:31:00"), parse_iso("2025-12-05T14:31:00")
    return [first, first + MINUTE, first + 3 * MINUTE, second, second + MINUTE]


def daily() -> list[int]:
    return [parse_iso(f"2025-12-0{day}T21:00:00") for day in (3, 4, 5)]


async def test_so_many_bars_a_second_whatever_the_bars_took() -> None:
    assert await rests(TapePacer(4.0), intraday(), work_s=0.1) == [0.15] * 6
    assert await rests(TapePacer(0.0), intraday()) == []


async def test_the_original_pace_keeps_the_gaps_and_shortens_the_nights() -> None:
    assert await rests(TapePacer(1.0, 1.0), intraday(), work_s=1.0) == [59.0, 119.0, 4.0, 59.0]


async def test_a_scaled_pace_divides_them() -> None:
    assert await rests(TapePacer(1.0, 10.0), intraday()) == [6.0, 12.0, 5.0, 6.0]
    assert await rests(TapePacer(1.0, 86_400.0), daily()) == [1.0, 1.0], "days are no nights of a daily tape"


async def test_a_speed_takes_the_place_of_a_pace() -> None:
    pacer = TapePacer(1.0, 1.0)
    pacer.set_speed(2.0)
    assert (pacer.speed, pacer.pace) == (2.0, 0.0)
    assert await rests(pacer, daily()) == [0.5] * 4
    for wrong in (-1.0, 1e9, float("nan")):
        with pytest.raises(EngineError, match="Speed must be between"):
            pacer.set_speed(wrong)


@pytest.mark.parametrize(("text", "pace"), [("original", 1.0), ("10x", 10.0), ("0.5x", 0.5), ("3", 3.0)])
def test_paces_are_written_as_people_say_them(text: str, pace: float) -> None:
    assert parse_pace(text) == pace


@pytest.mark.parametrize("text", ["", "x", "fast", "-2x", "0x", "nan", "1e9x"])
def test_what_is_no_pace_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a pace"):
        parse_pace(text)
