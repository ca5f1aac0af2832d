"""Ordinary bars taken in by machine code: the same journal, state and track as bars taken in one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import fields, replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sma_cross import FixedCross, SmaCross
from tests.engine.rig import market
from tests.engine.rig import settings as desk_settings
from tests.engine.test_blocks import LongShort, gapped
from tuiconsole.analytics.track import Track
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.codec import encode_state
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.policy import DecisionInputs, MarketAhead, Policy
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine import stretch
from tuiconsole.engine.backtest import BacktestResult, OrderHash, run_backtest
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.session import Session
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.stretch import Stretches, pays_off
from tuiconsole.engine.stretch_ends import AFTER_FILLS, AT_BAR, AT_DECISION, Ended
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.strategy import Strategy

WARMUP = 120
Change = Callable[[Settings], Settings]


class Above(Strategy):
    """Long above the slow average."""

    needs = ("rolling_mean_5", "rolling_mean_20", "log_return_1")
    share = 0.8

    def weights(self, bar: DecisionInputs) -> FloatArray:
        fast, slow, _ = bar.features
        return np.where(fast > slow, self.share / len(fast), 0.0)


class Rebalanced(Above):
    """The same, brought back to its weight at every bar."""

    rebalance = "every bar"


class Patchy(Above):
    """Has no opinion on some days, and a changing weight on others."""

    def weights(self, bar: DecisionInputs) -> FloatArray:
        wanted = super().weights(bar) * (1.0 + 0.05 * (bar.seq % 3))
        return np.where((bar.seq + np.arange(len(wanted))) % 11 == 0, np.nan, wanted)


class Vectorised(Above):
    """Says its weights for a block at once."""

    def weights_ahead(self, market: MarketAhead) -> FloatArray:
        fast, slow = market.features[:, 0], market.features[:, 1]
        return np.where(fast > slow, self.share / fast.shape[1], 0.0)


class LooksAtItsBook(Above):
    """Stops buying while it has lost money."""

    def weights(self, bar: DecisionInputs) -> FloatArray:
        return super().weights(bar) * (1.0 if bar.equity > 99_000.0 else 0.5)


class Remembers(Above):
    """Sells what it has wanted for a while; keeps the count where it is lost at a restart."""

    def __init__(self, universe: Universe) -> None:
        super().__init__(universe)
        self.age = np.zeros(len(universe))

    def weights(self, bar: DecisionInputs) -> FloatArray:
        wanted = super().weights(bar)
        self.age = np.where(wanted > 0, self.age + 1, 0)
        return np.where(self.age < 9, wanted, 0.0)


class RemembersInPlace(Above):
    """Keeps a list on the class and one in the file, and notes a first bar."""

    asked: ClassVar[list[int]] = []

    def weights(self, bar: DecisionInputs) -> FloatArray:
        self.asked.append(bar.seq)
        ASKED.append(bar.seq)
        if not hasattr(self, "began"):
            self.began = bar.seq
        return super().weights(bar) * (1.0 if len(self.asked) % 40 < 30 and len(ASKED) % 50 < 40 else 0.5)


class Draws(Above):
    """Draws from a generator of its own and from the one that is shared."""

    def __init__(self, universe: Universe) -> None:
        super().__init__(universe)
        self.own = np.random.default_rng(3)
        np.random.seed(4)  # noqa: NPY002 - strategies do

    def weights(self, bar: DecisionInputs) -> FloatArray:
        wanted = super().weights(bar)
        shared = np.random.random()  # noqa: NPY002 - strategies do
        return np.where(self.own.random(len(wanted)) < 0.95, wanted, 0.0) * (0.5 + 0.5 * shared)


class Unseen(Above):
    """Keeps what cannot be looked into."""

    def __init__(self, universe: Universe) -> None:
        super().__init__(universe)
        self.shares = iter(lambda: next(self.numbers), None)
        self.numbers = itertools.cycle((1.0, 0.9, 0.8))

    def weights(self, bar: DecisionInputs) -> FloatArray:
        return super().weights(bar) * next(self.shares)


class Overwrites(Above):
    """Works in the desk's own arrays."""

    def weights(self, bar: DecisionInputs) -> FloatArray:
        bar.features[0] -= bar.features[1]
        return np.where(bar.features[0] > 0, self.share / len(bar.price), 0.0)


class LooksAtItsInputs(Above):
    """Asks what it was given."""

    def weights(self, bar: DecisionInputs) -> FloatArray:
        return super().weights(bar) * (1.0 if isinstance(bar, DecisionInputs) else 0.5)


ASKED: list[int] = []


class FailsLater(Above):
    """Divides by nothing at one bar."""

    def weights(self, bar: DecisionInputs) -> FloatArray:
        if bar.seq == WARMUP + 150:
            raise ZeroDivisionError("no reason")
        return super().weights(bar)


class Ends:
    """Counts how stretches ended."""

    def __init__(self) -> None:
        self.bars = 0
        self.where = {AT_BAR: 0, AFTER_FILLS: 0, AT_DECISION: 0}

    def note(self, ended: Ended) -> Ended:
        self.bars += ended.count
        self.where[ended.where] += bool(ended.count) or ended.where != AT_BAR
        return ended


def unchanged(base: Settings) -> Settings:
    return base


def limits(**values: float) -> Change:
    wide = {"name_cap": 1.0, "order_notional_share": 1.0, **values}
    return lambda base: replace(base, risk=replace(base.risk, **wide))


def costs(**values: float) -> Change:
    return lambda base: replace(limits()(base), execution=replace(base.execution, **values))


def run(tape: Tape, policy: Policy, change: Change, together: bool) -> tuple[BacktestResult, Session, Ends]:
    base = change(desk_settings(tape, WARMUP))
    chosen = replace(plan(base, tape, "backtest", policy), start=WARMUP, warmup=0)
    sink = OrderHash(BatchJournal(None))
    session = make_session(chosen, sink)
    session.open(chosen.opened)
    ends = Ends()
    take = Stretches.go
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stretches, "go", lambda self, first: ends.note(take(self, first)))
        after = None if together else lambda: None
        result = run_backtest(
            session, sink, EventClock(), cool_down_bars=10, after_bar=after, together=together
        )
    return result, session, ends


def both(
    tape: Tape, make: Callable[[Universe], Policy] = SmaCross, change: Change = unchanged
) -> tuple[BacktestResult, Ends]:
    """Run it both ways, compare everything, and return the fast way's result."""
    slow, slow_session, _ = run(tape, make(tape.universe), change, together=False)
    fast, fast_session, ends = run(tape, make(tape.universe), change, together=True)
    assert fast.journal_head == slow.journal_head
    assert fast.order_hash == slow.order_hash
    assert (fast.orders, fast.fills, fast.refusals) == (slow.orders, slow.fills, slow.refusals)
    assert len(fast.filled) == len(slow.filled)
    for item in fields(Track):
        np.testing.assert_array_equal(
            getattr(slow.track, item.name), getattr(fast.track, item.name), item.name
        )
    for part in ("desk", "venue"):
        states = [getattr(session, part).state() for session in (slow_session, fast_session)]
        assert encode_state(states[0]) == encode_state(states[1]), part
    return fast, ends


@pytest.mark.parametrize("n_symbols", [1, 3, 40])
def test_nearly_all_bars_of_a_calm_desk_go_by_together(n_symbols: int) -> None:
    result, ends = both(market(900, n_symbols=n_symbols))
    assert result.orders >= 4
    assert ends.bars > 0.8 * result.bars


def test_given_quantities_are_taken_as_they_are() -> None:
    size = np.full(6, 40, dtype=np.int64)
    result, ends = both(market(700), lambda universe: FixedCross(universe, size))
    assert result.fills == result.orders > 30
    assert ends.bars > 0.9 * result.bars


@pytest.mark.parametrize("make", [Above, Rebalanced, Patchy, Vectorised])
def test_a_strategy_of_the_users_goes_by_together_as_it_is(make: type[Strategy]) -> None:
    result, ends = both(market(500), make, limits())
    assert result.orders > 60
    assert ends.bars > 0.9 * result.bars


def test_a_strategy_that_looks_at_its_book_is_asked_bar_by_bar() -> None:
    result, ends = both(market(400, crash_at=250), LooksAtItsBook)
    assert result.orders > 10
    assert ends.bars == 0


@pytest.mark.parametrize("make", [Remembers, RemembersInPlace, Draws, Unseen])
def test_a_strategy_that_remembers_is_asked_bar_by_bar(make: type[Strategy]) -> None:
    def anew(universe: Universe) -> Policy:
        ASKED.clear()
        RemembersInPlace.asked.clear()
        return make(universe)

    result, ends = both(market(400), anew, limits())
    assert result.orders > 60
    assert ends.bars == 0


def test_a_strategy_cannot_change_what_the_desk_knows() -> None:
    result, _ = both(market(300), Overwrites, limits())
    assert result.orders == 0
    assert "read-only (line" in result.failed[0]


def test_a_strategy_that_asks_what_it_was_given_finds_inputs() -> None:
    result, ends = both(market(400), LooksAtItsInputs, limits())
    assert result.orders > 30
    assert ends.bars > 0.9 * result.bars


def test_a_strategy_that_fails_is_switched_off_at_its_bar() -> None:
    result, ends = both(market(500), FailsLater)
    assert len(result.failed) == 1
    assert "no reason" in result.failed[0]
    assert ends.bars == 0 or result.last_tenth_orders == 0


class AheadFails(Vectorised):
    """Its faster half is broken."""

    def weights_ahead(self, market: MarketAhead) -> FloatArray:
        raise KeyError("fast")


class AheadTooShort(Vectorised):
    """Its faster half forgets a bar."""

    def weights_ahead(self, market: MarketAhead) -> FloatArray:
        return super().weights_ahead(market)[1:]


@pytest.mark.parametrize(
    ("make", "words"), [(AheadFails, "failed: KeyError: 'fast'"), (AheadTooShort, "of the shape")]
)
def test_weights_ahead_that_are_broken_are_told_at_once(make: type[Strategy], words: str) -> None:
    tape = market(300)
    with pytest.raises(UsageError, match=words):
        run(tape, make(tape.universe), limits(), together=True)


def test_a_subclass_that_decides_otherwise_is_not_spoken_for() -> None:
    result, ends = both(market(400), LongShort)
    assert result.orders > 10
    assert ends.bars == 0


def test_a_breaker_ends_the_stretch_with_the_fills_booked() -> None:
    change = limits(drawdown=0.02, session_drawdown=0.02)
    result, ends = both(market(700, crash_at=430, n_symbols=3), Rebalanced, change)
    assert result.halts >= 2
    assert result.rearmed >= 1
    assert ends.where[AFTER_FILLS] >= 1
    assert ends.bars > 50


def test_the_gate_judges_what_cannot_be_proven() -> None:
    result, ends = both(market(500), Above, limits(name_cap=0.1, order_notional_share=0.1))
    assert sum(result.refusals.values()) >= 10
    assert ends.where[AT_DECISION] >= 2


def test_part_fills_and_crowded_trades_end_a_stretch() -> None:
    result, ends = both(market(500), Above, costs(displayed_volume=2_000.0))
    assert result.fills > result.orders
    assert ends.where[AT_BAR] >= 2


@pytest.mark.parametrize(
    "change",
    [
        costs(half_spread_bps=5.0, temporary_impact=1.0, impact_decay=0.05),
        costs(adverse_selection=0.2),
        costs(latency_bars=2),
        costs(tick_usd=0.05, fixed_usd=0.0),
        limits(orders_per_minute=3),
        limits(cash_reserve=0.5, gross_cap=0.4),
    ],
)
def test_settings_of_costs_and_limits_hold_either_way(change: Change) -> None:
    result, _ = both(market(450), Above, change)
    assert result.bars == 330


def test_bars_of_a_few_seconds_share_the_minutes_orders() -> None:
    tape = market(900, n_symbols=6)
    seconds = tape.ts[0] + np.arange(900) * 20 * 1_000_000_000
    result, ends = both(replace(tape, ts=seconds), Patchy, limits(orders_per_minute=11))
    assert sum(result.refusals.values()) > 0
    assert ends.bars > 200


def test_a_source_with_opens_and_volumes_fills_at_the_open() -> None:
    tape = market(500)
    opens = tape.close * 1.001
    high, low = np.maximum(opens, tape.close) * 1.002, np.minimum(opens, tape.close) * 0.998
    volume = np.full(tape.close.shape, 3e6)
    volume[::7, 0] = np.nan
    result, ends = both(replace(tape, open=opens, high=high, low=low, volume=volume), Above, limits())
    assert result.fills == result.orders > 60
    assert ends.bars > 0.8 * result.bars


def test_old_orders_leave_the_table_as_they_would() -> None:
    result, ends = both(market(1000, n_symbols=40), Rebalanced, limits(orders_per_minute=10_000))
    assert result.orders > 6_100
    assert ends.bars > 500


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    n_symbols=st.integers(1, 8),
    share=st.sampled_from([0.0, 0.02, 0.2]),
    drawdown=st.sampled_from([0.01, 0.03, 0.08]),
    make=st.sampled_from([SmaCross, Above, Rebalanced, Patchy]),
)
def test_gaps_bad_ticks_and_trips_change_nothing(
    seed: int, n_symbols: int, share: float, drawdown: float, make: Callable[[Universe], Policy]
) -> None:
    both(gapped(seed, 420, n_symbols, share, crash_at=300), make, limits(drawdown=drawdown))


def test_several_bars_of_one_session_share_its_references() -> None:
    tape = market(800, n_symbols=2)
    hours = tape.ts[0] + np.arange(800) * 3600 * 1_000_000_000
    result, ends = both(replace(tape, ts=hours), Rebalanced, limits(daily_loss=0.01))
    assert ends.bars > 100
    assert int((result.track.level == DeskLevel.PAUSED).sum()) > 0


def test_machine_code_is_loaded_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretch, "_loaded", set())
    monkeypatch.setattr(stretch, "is_stored", lambda sources: True)
    assert not pays_off(2_500, 20)
    assert pays_off(20_000, 200)
    monkeypatch.setattr(stretch, "is_stored", lambda sources: False)
    assert not pays_off(20_000, 200)
    assert pays_off(500_000, 200)
    monkeypatch.setattr(stretch, "find_spec", lambda name: None)
    assert not pays_off(500_000, 200)
