"""A finished backtest on a small market, as a run."""

from __future__ import annotations

from functools import lru_cache

from tests.engine import rig as core
from tuiconsole.domain.clock import EventClock
from tuiconsole.reports.run import Run
from tuiconsole.research.backtests import Backtest, backtest
from tuiconsole.research.capture import capture

MADE_NS = 1_700_000_000_000_000_000


@lru_cache(maxsize=4)
def finished(bars: int = 140, crash_at: int | None = None) -> Backtest:
    """A backtest of the test market over ``bars`` bars."""
    tape = core.market(core.WARMUP + bars, crash_at=crash_at)
    return backtest(core.settings(tape), tape, EventClock(MADE_NS))


def run(name: str = "", bars: int = 140, crash_at: int | None = None) -> Run:
    """The same as a run."""
    return capture(finished(bars, crash_at), EventClock(MADE_NS), name=name)
