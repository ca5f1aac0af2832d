"""A line of feeds: the next takes over, the better one takes back after a stable time, and every change is news."""

from __future__ import annotations

import numpy as np
import pytest

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, EventClock
from tuiconsole.domain.errors import FeedError
from tuiconsole.domain.market import Bars
from tuiconsole.market.live.contract import FeedAnswer
from tuiconsole.market.live.failover import FeedFailure, FeedLine


class Scripted:
    """A feed that works or not, as it is told."""

    family = "test"

    def __init__(self, name: str) -> None:
        self.name = name
        self.works = True
        self.opened = 0
        self.closed = 0
        self.asked = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    async def probe(self) -> None:
        if not self.works:
            raise FeedError(f"{self.name} is down.")

    async def bars(self, after: int, until: int) -> FeedAnswer:
        await self.probe()
        self.asked += 1
        return FeedAnswer((Bars.close_only(until, -1, np.array([float(after)])),))

    async def history(self, count: int, until: int) -> FeedAnswer:
        return await self.bars(count, until)


class Line:
    def __init__(self, failback_s: float = 60.0) -> None:
        self.feeds = [Scripted(name) for name in ("one", "two", "three")]
        self.clock = EventClock(10**18)
        self.line = FeedLine(self.feeds, self.clock, failback_s)

    async def ask(self, seconds: float = 5.0) -> list[tuple[str, str]]:
        """Ask ``seconds`` later; the news as (feed, code)."""
        self.clock.advance_to(self.clock.now_ns() + int(seconds * NANOSECONDS_PER_SECOND))
        answer = await self.line.bars(1, 2)
        assert len(answer.bars) == 1
        return [(status.feed, status.code) for status in answer.news]


async def test_the_best_feed_is_used_while_it_works() -> None:
    made = Line()
    assert await made.ask() == []
    assert made.line.name == "one"
    assert [feed.asked for feed in made.feeds] == [1, 0, 0]
    assert [feed.opened for feed in made.feeds] == [1, 0, 0], "the others are not even opened"
    await made.line.close()
    assert [feed.closed for feed in made.feeds] == [1, 1, 1]


async def test_the_next_takes_over_in_the_same_question() -> None:
    made = Line()
    made.feeds[0].works = made.feeds[1].works = False
    assert await made.ask() == [("one", "feed failed"), ("two", "feed failed"), ("three", "feed switched")]
    assert made.line.name == "three"
    assert await made.ask() == [], "told once"


async def test_the_better_feed_takes_back_after_a_stable_time() -> None:
    made = Line(failback_s=60.0)
    made.feeds[0].works = False
    await made.ask()
    assert made.line.name == "two"
    made.feeds[0].works = True
    assert await made.ask(5) == []
    assert await made.ask(59) == []
    assert made.line.name == "two"
    assert await made.ask(1) == [("one", "feed switched")]
    assert made.line.name == "one"


async def test_a_feed_that_flickers_does_not_take_back() -> None:
    made = Line(failback_s=60.0)
    made.feeds[0].works = False
    await made.ask()
    for _ in range(6):
        made.feeds[0].works = True
        assert await made.ask(50) == []
        made.feeds[0].works = False
        assert await made.ask(5) == []
    assert made.line.name == "two"


async def test_when_none_works_that_is_said_and_nothing_old_is_played() -> None:
    made = Line()
    await made.ask()
    for feed in made.feeds:
        feed.works = False
    with pytest.raises(FeedFailure, match="No live feed answers") as failure:
        await made.line.bars(1, 2)
    assert [status.feed for status in failure.value.news] == ["one", "two", "three"]
    with pytest.raises(FeedFailure) as again:
        await made.line.bars(1, 2)
    assert again.value.news == ()
    made.feeds[0].works = True
    assert await made.ask() == [("one", "feed back")]
    assert made.line.name == "one"


async def test_history_comes_from_the_first_that_has_it() -> None:
    made = Line()
    made.feeds[0].works = False
    answer = await made.line.history(7, 9)
    assert answer.bars[0].close[0] == 7.0
    assert [status.code for status in answer.news] == ["feed failed", "feed switched"]
