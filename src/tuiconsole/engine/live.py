"""The pace of a live market: bars are asked for when they are due, recorded, and only then played.

Between sessions the desk waits and says until when. A bar that fails to come makes the feed stale: an alert, and the desk is
paused. A bar that comes so late that the market has long traded on is played, so that prices and features are true, but the
desk is paused for it: what it would have done then can no longer be done. Both pauses end with the next bar that comes in time;
a trader's own pause, halt or kill is never touched. Pauses and alerts are journalled inputs like any command, so a recovery
repeats them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock, iso
from tuiconsole.domain.effects import Severity
from tuiconsole.domain.errors import EngineError, StoreError
from tuiconsole.domain.events import CommandKind, DeskLevel, FeedStatus
from tuiconsole.domain.market import Bars
from tuiconsole.engine.commands import FEED
from tuiconsole.market.live.contract import FeedAnswer
from tuiconsole.market.live.failover import FeedFailure, FeedLine
from tuiconsole.market.live.recorded import RecordedTape
from tuiconsole.market.live.schedule import Schedule
from tuiconsole.market.live.settings import FeedsSettings

if TYPE_CHECKING:
    from tuiconsole.engine.service import EngineService

_LONGEST_WAIT_S = 60.0
_LONGEST_PAUSE_S = 60.0
_SEVERITIES = {"feed back": Severity.INFO}


class LivePacer:
    """Drives a session from live feeds.

    Parameters
    ----------
    tape
        The session's tape, open for writing.
    feeds, schedule
        Where bars come from, and when they are due.
    """

    speed = 0.0
    pace = 0.0

    def __init__(
        self, tape: RecordedTape, feeds: FeedLine, schedule: Schedule, clock: Clock, settings: FeedsSettings
    ) -> None:
        self._tape = tape
        self._feeds = feeds
        self._schedule = schedule
        self._clock = clock
        self._settings = settings
        self._began = clock.now_ns()
        self._pause_s = settings.poll_s
        self._stale = False
        self._market = ""

    # ---- what the screen asks -------------------------------------------------------------------------------

    def set_speed(self, bars_per_second: float) -> None:
        """The market sets the pace."""
        raise EngineError(f"The market sets the pace here: {bars_per_second:g} bars a second cannot be had.")

    def market(self) -> str:
        """Whether the market is open, and until when."""
        return self._schedule.describe(self._clock.now_ns())

    def feed(self) -> str:
        """The feed in use and its bars, e.g. ``yahoo 1min``."""
        return f"{self._feeds.name} {self._settings.bar}"

    def stale(self) -> bool:
        """Whether a bar that was due has not come."""
        return self._stale

    def failing(self) -> tuple[str, ...]:
        """Names of the feeds that did not answer when they were last asked."""
        return self._feeds.failing

    def age_s(self) -> float | None:
        """Seconds since the newest bar ended; None before the first."""
        last = self._tape.last_ts
        return (self._clock.now_ns() - last) / NANOSECONDS_PER_SECOND if last else None

    # ---- one round ------------------------------------------------------------------------------------------

    async def step(self, service: EngineService) -> None:
        """Play what is recorded; else ask for what is due; else wait."""
        if service.failed:
            await service.rest_until_stopped()
        elif service.session.cursor < len(self._tape):
            await self._play(service)
        elif self._clock.seconds_until(self._ask_at()) > 0:
            await self._wait(service)
        else:
            await self._ask(service)

    def _after(self) -> int:
        """The bars that end after this moment are wanted."""
        return self._tape.last_ts or self._schedule.last_end(self._began)

    def _ask_at(self) -> int:
        return self._schedule.next_end(self._after()) + self._settle_ns

    @property
    def _settle_ns(self) -> int:
        settings = self._settings
        seconds = settings.close_settle_s if self._schedule.daily else settings.settle_s
        return int(seconds * NANOSECONDS_PER_SECOND)

    async def _wait(self, service: EngineService) -> None:
        market = self.market()
        if market != self._market:
            self._market = market
            await service.publish()
        await service.rest(min(_LONGEST_WAIT_S, self._clock.seconds_until(self._ask_at())))

    async def _play(self, service: EngineService) -> None:
        bars = self._tape.bars(service.session.cursor)
        if self._is_late(bars):
            await self._hold(service, f"The bar of {iso(bars.ts)} came late: no new risk on old prices.")
        else:
            await self._release(service)
        await service.play()

    def _is_late(self, bars: Bars) -> bool:
        """Whether the market had traded on for too long when the bar was there to be played."""
        traded_on = self._clock.now_ns() - self._schedule.next_start(bars.ts)
        return traded_on > self._settle_ns + self._settings.late_s * NANOSECONDS_PER_SECOND

    # ---- asking ---------------------------------------------------------------------------------------------

    async def _ask(self, service: EngineService) -> None:
        now = self._clock.now_ns()
        until = self._schedule.last_end(now - self._settle_ns)
        try:
            answer = await self._feeds.bars(self._after(), until)
        except FeedFailure as failure:
            await self._tell(service, failure.news)
            await self._missed(service)
            await service.rest(self._pause_s)
            self._pause_s = min(2 * self._pause_s, max(_LONGEST_PAUSE_S, self._settings.poll_s))
            return
        self._pause_s = self._settings.poll_s
        await self._tell(service, answer.news)
        bars = self._due(answer, now)
        if bars:
            await self._record(service, bars)
        else:
            await self._missed(service)
            await service.rest(self._pause_s)

    def _due(self, answer: FeedAnswer, now: int) -> tuple[Bars, ...]:
        """The bars to take now: not yet the newest while symbols may still come, for a while."""
        bars = answer.bars
        if not bars or answer.complete:
            return bars
        grace = int(self._settings.grace_s * NANOSECONDS_PER_SECOND)
        return bars if now >= bars[-1].ts + self._settle_ns + grace else bars[:-1]

    async def _record(self, service: EngineService, bars: tuple[Bars, ...]) -> None:
        """Make them durable, all in order; the following rounds play them."""
        received = self._clock.now_ns()
        try:
            for one in bars:
                await asyncio.to_thread(self._tape.append, one, received, self._feeds.name)
        except StoreError as error:
            await service.fail(error)
            return
        if self._stale:
            self._stale = False
            await service.note(
                Severity.INFO,
                "feed fresh",
                f"Bars come again from {self._feeds.name}, at {iso(bars[-1].ts)}.",
            )

    async def _missed(self, service: EngineService) -> None:
        """Nothing came: after a while that is an alert, and the desk takes no new risk."""
        due = self._ask_at()
        waited = self._clock.now_ns() - due
        if self._stale or waited < self._settings.stale_s * NANOSECONDS_PER_SECOND:
            return
        self._stale = True
        end = iso(self._schedule.next_end(self._after()))
        text = f"No bar for {end} from {self._feeds.name}, {waited / NANOSECONDS_PER_SECOND:.0f} s after it was due."
        await service.note(Severity.WARNING, "feed stale", text)
        await self._hold(service, f"{text} No new risk until bars come again.")

    async def _tell(self, service: EngineService, news: tuple[FeedStatus, ...]) -> None:
        for status in news:
            await service.note(_SEVERITIES.get(status.code, Severity.WARNING), status.code, status.text)

    # ---- new risk -------------------------------------------------------------------------------------------

    async def _hold(self, service: EngineService, reason: str) -> None:
        if service.desk.level == DeskLevel.RUNNING:
            await self._command(service, CommandKind.PAUSE, reason)

    async def _release(self, service: EngineService) -> None:
        desk = service.desk
        if desk.level == DeskLevel.PAUSED and desk.level_cause == FEED:
            await self._command(service, CommandKind.RESUME, "Bars come in time again.")

    async def _command(self, service: EngineService, kind: CommandKind, reason: str) -> None:
        try:
            await service.command(kind, reason=reason, source=FEED)
        except EngineError:
            if not service.failed:  # a desk that has failed says so itself, and plays nothing more
                raise
