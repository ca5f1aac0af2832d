"""One backtest as a value: what it ran on, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.clock import Clock, parse_iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.policy import BlockPolicy, Policy
from tuiconsole.engine.backtest import BacktestResult, OrderHash, run_backtest
from tuiconsole.engine.build import Plan, make_session, plan
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.shared_market import SharedMarket
from tuiconsole.engine.stretch import pays_off
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal


@dataclass(frozen=True, slots=True)
class Backtest:
    """A finished run: its plan (settings, tape, policy, binding) and its result."""

    plan: Plan
    result: BacktestResult

    @property
    def tape(self) -> Tape:
        """What it was played on: a backtest plays tapes that are known as a whole."""
        tape = self.plan.tape
        if not isinstance(tape, Tape):
            raise UsageError(f"{tape.name} still grows: a backtest needs a whole tape.")
        return tape


def backtest(
    settings: Settings,
    tape: Tape,
    clock: Clock,
    *,
    end: str | int | None = None,
    policy: Policy | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    shared: SharedMarket | None = None,
) -> Backtest:
    """Run the desk of ``settings`` over ``tape`` from ``settings.feed.start`` to ``end``.

    Parameters
    ----------
    clock
        Measures how long it took; no decision depends on it.
    end
        First day that no longer trades (ISO date), or a tape index (exclusive); None = the tape's end.
    policy
        Decides instead of the one that ``settings`` name.
    journal
        File of the hashed batch journal; None keeps only its hash.
    progress
        Called now and then with bars done and bars in all.
    shared
        The market side of ``tape`` up to ``end``, worked out before; the result is the same with it and without.

    Raises
    ------
    UsageError
        ``end`` is no date or not after the start, or machine code is asked for and Numba is not installed.
    """
    chosen = plan(settings, tape, "backtest", policy)
    index = end_index(end, tape, chosen.start) if isinstance(end, str) else end
    sink = OrderHash(BatchJournal(journal))
    session = make_session(chosen, sink)
    session.open(chosen.opened)
    session.shared = shared
    bars = (len(tape) if index is None else index) - chosen.start
    result = run_backtest(
        session,
        sink,
        clock,
        cool_down_bars=settings.risk.cool_down_bars,
        end=index,
        progress=progress,
        together=_together(settings, chosen.policy, bars, len(tape.universe)),
    )
    return Backtest(chosen, result)


def _together(settings: Settings, policy: Policy, bars: int, n_symbols: int) -> bool:
    """Whether ordinary bars go many at once through machine code."""
    wanted = settings.engine.machine_code
    if wanted == "never" or not isinstance(policy, BlockPolicy):
        return False
    return wanted == "always" or pays_off(bars, n_symbols)


def end_index(end: str, tape: Tape, start: int) -> int:
    """The tape index of the day ``end``, exclusive; :class:`UsageError` when it is no date or not after ``start``."""
    try:
        index = tape.index_from(parse_iso(end))
    except ValueError:
        raise UsageError(f"The end {end!r} is not an ISO date.", "Write it as 2009-12-31.") from None
    if index <= start:
        raise UsageError(
            f"The end {end} is not after the start.", "Choose a later --end or an earlier --start."
        )
    return index
