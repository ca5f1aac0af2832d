"""A live desk without a network: a scripted feed, a clock that moves when the engine waits, and a made-up market."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.engine import rig
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, EventClock, parse_iso
from tuiconsole.domain.errors import FeedError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.market import Bars
from tuiconsole.domain.records import Alerted, Record
from tuiconsole.engine.build import PAPER, plan_recorded
from tuiconsole.engine.live import LivePacer
from tuiconsole.engine.paths import DeskPaths, tape_path
from tuiconsole.engine.service import EngineService
from tuiconsole.engine.settings import Settings
from tuiconsole.market.live.contract import FeedAnswer
from tuiconsole.market.live.failover import FeedLine
from tuiconsole.market.live.recorded import RecordedBar, RecordedTape, TapeHeader
from tuiconsole.market.live.schedule import Schedule, load_schedule
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.risk.latch import Latch
from tuiconsole.store.state_store import StateStore
from tuiconsole.store.writer import Writer

SECOND = NANOSECONDS_PER_SECOND
BEGIN = parse_iso("2025-11-26T15:00:00")
"""A Wednesday; Thanksgiving follows, and half a Friday."""

WARM_UP = 260
SETTLE_S = 3.0
_MARKET = rig.market(WARM_UP + 800)


def minutes() -> Schedule:
    """The New York exchanges, in bars of five minutes."""
    return load_schedule("XNYS", 300, BEGIN)


class ScriptedFeed:
    """A feed with all bars of the made-up market, which answers as it is told."""

    name = "scripted"
    family = "scripted"

    def __init__(self, schedule: Schedule, clock: EventClock) -> None:
        self._clock = clock
        past = schedule.ends(WARM_UP, BEGIN)
        coming = [BEGIN]
        while len(coming) <= 700:
            coming.append(schedule.next_end(coming[-1]))
        self.ends = [*past, *coming[1:]]
        self._schedule = schedule
        self.down = False
        self.silent = False
        self.lacks: set[int] = set()
        """Ends of bars whose first symbol has not come yet."""
        self.asked = 0

    def section(self, index: int) -> Bars:
        """The bar at ``index``, as the service has it."""
        close = _MARKET.close[index].copy()
        end = self.ends[index]
        if end in self.lacks:
            close[0] = np.nan
        opened = _MARKET.close[index - 1] if index else close
        volume = np.full(len(close), 1e6)
        return Bars(
            end,
            -1,
            np.where(np.isnan(close), np.nan, opened),
            np.maximum(opened, close),
            np.minimum(opened, close),
            close,
            volume,
            self._schedule.session_of(end),
        )

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to disconnect."""

    async def probe(self) -> None:
        if self.down:
            raise FeedError("it is down.")

    async def bars(self, after: int, until: int) -> FeedAnswer:
        self.asked += 1
        await self.probe()
        if self.silent:
            return FeedAnswer(())
        assert until <= self._clock.now_ns(), "nobody asks for the future"
        found = [self.section(i) for i, end in enumerate(self.ends) if after < end <= until]
        return FeedAnswer(tuple(found), not found or found[-1].ts not in self.lacks)

    async def history(self, count: int, until: int) -> FeedAnswer:
        return await self.bars(0, until)


class LiveRig:
    """A service on a store and a recorded tape in ``home``, which may hold what an earlier one left."""

    def __init__(
        self,
        home: Path,
        clock: EventClock | None = None,
        settings: Settings | None = None,
        feeds: int = 1,
        **wanted: object,
    ) -> None:
        self.clock = clock or EventClock(BEGIN)
        self.schedule = minutes()
        self.feed = ScriptedFeed(self.schedule, self.clock)
        self.settings = replace(
            settings or Settings(),
            feeds=FeedsSettings(**{"bar": "5min", "symbols": rig.SYMBOLS, "settle_s": SETTLE_S, **wanted}),
        )
        state = home / "state.db"
        self.tape = self._open_tape(state)
        self.plan = plan_recorded(self.settings, self.tape, PAPER)
        self.session, self.store = rig.on_disk(self.plan, state)
        self.records: list[Record] = []
        self.writer = Writer(self.store)
        latch = Latch(DeskPaths.of(state).latch)
        if not DeskPaths.of(state).latch.exists():
            latch.create()
        spares = [ScriptedFeed(self.schedule, self.clock) for _ in range(feeds - 1)]
        for spare in spares:
            spare.name = "spare"
        self.line = FeedLine([self.feed, *spares], self.clock, self.settings.feeds.failback_s)
        self.service = EngineService(
            session=self.session,
            sink=self.writer,
            latch=latch,
            clock=self.clock,
            paths=DeskPaths.of(state),
            mode=PAPER,
            feed=self.tape.name,
            desk_id=self.plan.opened.desk,
            speed=0,
            checkpoint_bars=20,
            stall_ms=60_000,
            slow_cycle_ms=60_000,
            pacer=LivePacer(self.tape, self.line, self.schedule, self.clock, self.settings.feeds),
        )
        self.session.sink = self
        self.session.on_level = self.service.on_level
        self.service.rest = self._rest

    def _open_tape(self, state: Path) -> RecordedTape:
        directory = tape_path(state)
        if directory.exists():
            return RecordedTape.open(directory, writing=True)
        warm_up = [RecordedBar(self.feed.section(i), BEGIN, "scripted") for i in range(WARM_UP)]
        header = TapeHeader(
            name="scripted 5min",
            family="scripted",
            interval="5min",
            calendar="XNYS",
            timezone="America/New_York",
            symbols=rig.SYMBOLS,
            start=WARM_UP,
            bars_per_year=self.schedule.bars_per_year,
        )
        return RecordedTape.create(directory, header, warm_up)

    async def _rest(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now_ns() + max(1, int(seconds * SECOND)))

    def append(self, record: Record) -> None:
        """Journal, and keep it to be looked at."""
        self.records.append(record)
        self.writer.append(record)

    rows = property(lambda self: self.writer.rows)
    head = property(lambda self: self.writer.head)

    async def until(self, ts: int) -> None:
        """Let the engine go on until its clock says ``ts`` or more."""
        while self.clock.now_ns() < ts:
            await self.service.pacer.step(self.service)

    async def bars(self, count: int) -> None:
        """Let it go on until the tape holds ``count`` live bars and all are played."""
        while len(self.tape) < WARM_UP + count or self.session.cursor < len(self.tape):
            await self.service.pacer.step(self.service)

    def alerts(self) -> list[str]:
        return [record.code for record in self.records if isinstance(record, Alerted)]

    @property
    def level(self) -> DeskLevel:
        return self.service.desk.level

    async def close(self) -> str:
        """Stop as the engine does; the journal's head."""
        await self.service._close()
        head = self.writer.head.hex()
        self.writer.close()
        self.tape.close()
        return head

    def crash(self) -> StateStore:
        """Leave everything as SIGKILL would."""
        self.writer.close()
        self.tape.close()
        return self.store
