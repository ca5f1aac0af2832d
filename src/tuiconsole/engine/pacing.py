"""When the next bar is played: so many a second, or as far apart as the bars themselves are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import EngineError, UsageError

if TYPE_CHECKING:
    from tuiconsole.engine.service import EngineService

_LONGEST_NIGHT_S = 5.0
MAX_SPEED = 1e6


class Pacer(Protocol):
    """Plays bars and waits between them, one round of it at a time."""

    @property
    def speed(self) -> float:
        """Bars per second of wall time; 0 = no such pace."""
        ...

    @property
    def pace(self) -> float:
        """Event time per wall time of a replay at its own pace; 0 = no such pace."""
        ...

    def set_speed(self, bars_per_second: float) -> None:
        """Play so many bars a second from now on; :class:`EngineError` when the pace is not ours to set."""
        ...

    def market(self) -> str:
        """What the market does, for the header; empty where there is none."""
        ...

    def feed(self) -> str:
        """Name of the live feed in use; empty for a tape."""
        ...

    def stale(self) -> bool:
        """Whether a bar that was due has not come."""
        ...

    def failing(self) -> tuple[str, ...]:
        """Names of live feeds that did not answer when they were last asked; empty for a tape."""
        ...

    def age_s(self) -> float | None:
        """Seconds since the newest live bar ended; None for a tape, or before the first bar."""
        ...

    async def step(self, service: EngineService) -> None:
        """Play what is due and wait for what comes next; returns at the latest when the service is to stop."""
        ...


class TapePacer:
    """The pace of a replay.

    Parameters
    ----------
    speed
        Bars per second; 0 means as fast as it goes. Not used while ``pace`` is set.
    pace
        How many times faster than in the market the bars follow each other; 0 = so many bars a second. Between two sessions
        of an intraday tape at most five seconds pass.
    """

    def __init__(self, speed: float, pace: float = 0.0) -> None:
        self.speed = speed
        self.pace = pace

    def set_speed(self, bars_per_second: float) -> None:
        """Play so many bars a second from now on, whatever the pace was."""
        if not 0 <= bars_per_second <= MAX_SPEED:
            raise EngineError(
                f"Speed must be between 0 and {MAX_SPEED:.0f} bars a second, was {bars_per_second}."
            )
        self.speed = bars_per_second
        self.pace = 0.0

    def market(self) -> str:
        """A tape has no market."""
        return ""

    def feed(self) -> str:
        """A tape has no feed."""
        return ""

    def stale(self) -> bool:
        """A tape is never late."""
        return False

    def failing(self) -> tuple[str, ...]:
        """A tape always answers."""
        return ()

    def age_s(self) -> float | None:
        """What is played again is as old as it is."""
        return None

    async def step(self, service: EngineService) -> None:
        """The next bar, and the time until the one after it."""
        if service.failed:
            await service.rest_until_stopped()
            return
        if service.session.ended and service.desk.tape_ended:
            await service.rest_at_end()
            return
        due = service.clock.monotonic_ns()
        await service.play()
        wait_s = self._wait_s(service)
        if wait_s <= 0:
            await asyncio.sleep(0)
            return
        spent = (service.clock.monotonic_ns() - due) / NANOSECONDS_PER_SECOND
        await service.rest(max(0.0, wait_s - spent))

    def _wait_s(self, service: EngineService) -> float:
        if not self.pace:
            return 1.0 / self.speed if self.speed > 0 else 0.0
        session = service.session
        if session.cursor < 1 or session.ended:
            return 0.0
        before, after = session.tape.bars(session.cursor - 1), session.tape.bars(session.cursor)
        gap_s = (after.ts - before.ts) / NANOSECONDS_PER_SECOND / self.pace
        night = before.session != after.session and self._intraday(service)
        return min(gap_s, _LONGEST_NIGHT_S) if night else gap_s

    def _intraday(self, service: EngineService) -> bool:
        """Whether the session that just ended had more than one bar."""
        tape, last = service.session.tape, service.session.cursor - 1
        return last > 0 and tape.bars(last - 1).session == tape.bars(last).session


def parse_pace(text: str) -> float:
    """How many times faster than the market: ``original`` or ``10x``; :class:`UsageError` for anything else.

    >>> parse_pace("original"), parse_pace("2.5x")
    (1.0, 2.5)
    """
    try:
        pace = 1.0 if text == "original" else float(text.removesuffix("x"))
    except ValueError:
        pace = 0.0
    if not 0.0 < pace <= MAX_SPEED:
        raise UsageError(f"{text!r} is not a pace.", "Write original, or how many times faster: 10x.")
    return pace
