"""A declared timeframe: decisions only with bars that end its intervals, the same in blocks and bar by bar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from tests.engine.rig import settings
from tests.engine.test_blocks import by_bars, by_blocks, same, session_on
from tuiconsole.agents.contract import AgentView
from tuiconsole.agents.ts_momentum import TimeSeriesMomentum
from tuiconsole.domain.clock import parse_iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.forecast import Forecast
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.policy import DecisionInputs
from tuiconsole.domain.records import Decided
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.pipeline import EnsemblePolicy
from tuiconsole.market.exchange_sessions import exchange_sessions
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.strategy import Strategy

MINUTE = 60_000_000_000
FIRST = parse_iso("2025-11-26") // (1_440 * MINUTE)


def minutes(n_symbols: int = 2, gap: int = -1) -> Tape:
    """Every minute of three sessions, the second a half day; without the bar at place ``gap``."""
    found = exchange_sessions("XNYS", FIRST, FIRST + 5)
    parts = [np.arange(o + MINUTE, c + 1, MINUTE) for o, c in zip(found.opens, found.closes, strict=True)]
    ts = np.concatenate(parts)
    rng = generator(5, "minutes")
    close = 50.0 * np.exp(rng.normal(0.0, 0.0008, (len(ts), n_symbols)).cumsum(axis=0))
    keep = np.arange(len(ts)) != gap
    names = ("AAA", "BBB", "CCC")[:n_symbols]
    return Tape("MINUTES", "test", Universe.of(names), ts[keep], close[keep])


class Quarterly(Strategy):
    """Follows the last quarter of an hour, and notes when it was asked."""

    timeframe = "15min"
    rebalance = "every bar"
    needs = ("log_return_15",)
    asked: Any = None

    def weights(self, bar: DecisionInputs) -> FloatArray:
        """Half in what rose."""
        if self.asked is not None:
            self.asked.append((bar.ts, bar.price.copy(), bar.ended))
        return np.where(bar.features[0] > 0.0, 0.4, 0.0)


def _asked(tape: Tape, drive: Any, timeframe: str = "15min") -> list[Any]:
    policy = Quarterly(tape.universe, timeframe=timeframe)
    policy.asked = []
    session, _ = session_on(tape, policy)
    drive(session)
    found: list[Any] = policy.asked
    return found


def test_it_is_asked_at_the_end_of_intervals_and_at_no_other_bar() -> None:
    tape = minutes()
    asked = _asked(tape, by_bars)
    found = exchange_sessions("XNYS", FIRST, FIRST + 5)
    expected = [
        int(ts)
        for o, c in zip(found.opens, found.closes, strict=True)
        for ts in np.arange(o + 15 * MINUTE, c + 1, 15 * MINUTE)
    ]
    assert [ts for ts, *_ in asked] == expected
    assert len(expected) == 26 + 14 + 26
    for ts, price, ended in asked:
        assert ended == {"15min"}
        assert np.array_equal(price, tape.close[int(np.searchsorted(tape.ts, ts))])
    days = [ts for ts, *_ in _asked(tape, by_bars, "1day")]
    assert days == found.closes.tolist()


def test_where_the_last_bar_of_an_interval_is_missing_nothing_is_decided_on_half_of_the_next() -> None:
    tape = minutes(gap=29)
    asked = [ts for ts, *_ in _asked(tape, by_bars)]
    opened = int(exchange_sessions("XNYS", FIRST, FIRST).opens[0])
    assert [(ts - opened) // MINUTE for ts in asked[:3]] == [15, 45, 60]


def test_no_later_bar_changes_what_was_asked() -> None:
    tape = minutes()
    changed = tape.close.copy()
    changed[300:] *= 1.02
    before, after = _asked(tape, by_bars), _asked(replace(tape, close=changed), by_bars)
    cut = int(tape.ts[299])
    early = [(ts, price.tolist()) for ts, price, _ in before if ts <= cut]
    assert early == [(ts, price.tolist()) for ts, price, _ in after if ts <= cut]
    assert len(early) == 20


@pytest.mark.parametrize("sizes", [[1], [7, 200], [390]])
def test_blocks_equal_bars(sizes: list[int]) -> None:
    tape = minutes()
    blocks, bars = (session_on(tape, Quarterly(tape.universe)) for _ in range(2))
    by_blocks(blocks[0], sizes)
    by_bars(bars[0])
    same(blocks, bars)
    grid = {int(ts) for ts, *_ in _asked(tape, by_bars)}
    decided = [record.ts for record in bars[1].records if isinstance(record, Decided)]
    assert len(decided) > 5
    assert set(decided) <= grid


class Hourly(TimeSeriesMomentum):
    """An agent that looks once an hour."""

    timeframe: ClassVar[str] = "1h"

    def forecast(self, view: AgentView, state: Any) -> tuple[Forecast, Any]:
        """The price itself, so that a held forecast shows."""
        n = len(view.price)
        return Forecast(view.price * 1e-6, np.full(n, 0.01), self.horizon_bars), state


def test_an_agent_is_asked_when_its_interval_ends_and_its_forecast_stands_until_the_next() -> None:
    tape = minutes()
    base = settings(tape, 0)
    base = replace(base, feed=replace(base.feed, start="", warmup_bars=0))
    agent = Hourly.build(base.agents)
    policy = EnsemblePolicy(
        base.agents, base.ensemble, base.sizing, base.engine.bars_per_year, tape.universe, [agent]
    )
    assert policy.timeframes == ("1h",)
    session = make_session(plan(base, tape, "backtest", policy), BatchJournal(None))
    session.open(plan(base, tape, "backtest", policy).opened)
    seen = []
    while session.cursor < 200:
        for _ in session.bar():
            pass
        seen.append(policy.telemetry(session.desk.policy_state)["means"][0].copy())
    assert np.isnan(seen[58]).all()
    for start, end in ((59, 119), (119, 179)):
        for i in range(start, end):
            assert np.array_equal(seen[i], tape.close[start] * 1e-6), i
    assert session.state()["desk"]  # it can be saved


def test_a_timeframe_that_never_ends_and_one_over_two_calendars_are_refused() -> None:
    tape = minutes()
    odd = replace(tape, ts=tape.ts + 7_000_000_000)
    with pytest.raises(UsageError, match="ends an interval of 15min"):
        session_on(odd, Quarterly(odd.universe))
    with pytest.raises(UsageError, match="is not a bar length"):
        session_on(tape, Quarterly(tape.universe, timeframe="soon"))
    two = replace(
        tape,
        universe=Universe(
            (tape.universe.instruments[0], replace(tape.universe.instruments[1], venue="24/7"))
        ),
    )
    with pytest.raises(UsageError, match="trade by 24/7, XNYS"):
        session_on(two, Quarterly(two.universe))
