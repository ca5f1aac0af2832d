"""Quiet bars taken in together: the same journal, state and track as bars taken in one by one."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sma_cross import SmaCross
from tests.engine.rig import market
from tests.engine.rig import settings as desk_settings
from tests.engine.test_blocks import gapped
from tuiconsole.analytics.track import Track
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.codec import encode_state
from tuiconsole.engine.backtest import BacktestResult, OrderHash, run_backtest
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.session import Session
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal

WARMUP = 120


def run(tape: Tape, one_by_one: bool, **limits: float) -> tuple[BacktestResult, Session, int]:
    """A backtest, its session afterwards, and how many bars went by together."""
    base = desk_settings(tape, WARMUP)
    base = replace(base, risk=replace(base.risk, **limits))
    chosen = replace(plan(base, tape, "backtest", SmaCross(tape.universe)), start=WARMUP, warmup=0)
    sink = OrderHash(BatchJournal(None))
    session = make_session(chosen, sink)
    session.open(chosen.opened)
    together = 0
    in_bulk = Session._in_bulk

    def counted(self: Session, *arguments: object) -> int:
        nonlocal together
        count = in_bulk(self, *arguments)  # type: ignore[arg-type]
        together += count
        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "_in_bulk", counted)
        after = (lambda: None) if one_by_one else None
        result = run_backtest(session, sink, EventClock(), cool_down_bars=10, after_bar=after)
    return result, session, together


def same(one: BacktestResult, other: BacktestResult) -> None:
    assert one.journal_head == other.journal_head
    assert one.order_hash == other.order_hash
    for item in fields(Track):
        np.testing.assert_array_equal(
            getattr(one.track, item.name), getattr(other.track, item.name), item.name
        )


def both(tape: Tape, **limits: float) -> tuple[BacktestResult, int]:
    slow, slow_session, none = run(tape, one_by_one=True, **limits)
    fast, fast_session, together = run(tape, one_by_one=False, **limits)
    same(slow, fast)
    assert none == 0
    assert encode_state(slow_session.desk.state()) == encode_state(fast_session.desk.state())
    assert encode_state(slow_session.venue.state()) == encode_state(fast_session.venue.state())
    return fast, together


def test_most_bars_of_a_calm_desk_go_by_together() -> None:
    result, together = both(market(900, n_symbols=2))
    assert result.orders >= 8
    assert together > 0.6 * result.bars


def test_a_breaker_stops_the_stretch_at_its_bar() -> None:
    result, together = both(market(700, crash_at=430, n_symbols=3), drawdown=0.02, session_drawdown=0.02)
    assert result.halts >= 2
    assert result.rearmed >= 1
    assert together > 50


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000),
    n_symbols=st.integers(1, 6),
    share=st.sampled_from([0.0, 0.02, 0.2]),
    drawdown=st.sampled_from([0.01, 0.08]),
)
def test_gaps_bad_ticks_and_trips_change_nothing(
    seed: int, n_symbols: int, share: float, drawdown: float
) -> None:
    both(gapped(seed, 420, n_symbols, share, crash_at=300), drawdown=drawdown)


def test_several_bars_of_one_session_share_its_references() -> None:
    tape = market(800, n_symbols=2)
    hours = tape.ts[0] + np.arange(800) * 3600 * 1_000_000_000
    both(replace(tape, ts=hours), daily_loss=0.01)
