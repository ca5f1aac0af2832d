"""The tripwires convict what they must, and leave an honest desk alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.rig import market, settings
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.market import BarBlock
from tuiconsole.engine.policies import PolicySettings, with_source
from tuiconsole.engine.settings import Settings
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.tape import Tape
from tuiconsole.research.tripwires import (
    Trace,
    changed_after,
    look_ahead,
    recursion,
    same_bar,
    survivorship,
    traced,
    trip_all,
)

CROSS = """
from tuiconsole.strategy import Strategy
class Cross(Strategy):
    needs = ("rolling_mean_5", "rolling_mean_20")
    def weights(self, bar):
        fast, slow = bar.features
        return (fast > slow) * 0.1
"""
COUNTING = """
import numpy as np
from tuiconsole.domain.policy import Decision
class Counting:
    needs = agent_names = sheet_names = scalar_names = ()
    def __init__(self, universe): pass
    def initial_state(self, n): return {"bars": 0, "wanted": np.zeros(n)}
    def decide(self, bar, state):
        n = len(bar.price)
        wanted = np.full(n, 0.01 * (state["bars"] % 1000))
        nothing = Decision(bar.position, np.zeros(n, dtype=bool), np.empty((0, n)), np.empty(0))
        return nothing, {"bars": state["bars"] + 1, "wanted": wanted}
"""


def desk(tmp_path: Path, text: str, name: str, tape: Tape) -> Any:
    (tmp_path / "s.py").write_text(text, encoding="utf-8")
    return replace(settings(tape, 120), policy=with_source(PolicySettings(f"s.py:{name}"), tmp_path))


def test_an_honest_strategy_trips_nothing(tmp_path: Path) -> None:
    tape = market(330)
    asked = desk(tmp_path, CROSS, "Cross", tape)
    found = {finding.name: finding for finding in trip_all(asked, tape, EventClock(), 3)}
    assert [name for name, finding in found.items() if finding.ok] == [
        "look-ahead",
        "recursion",
        "same-bar fill",
        "waking",
    ]
    assert found["look-ahead"].figures["compared"] > 20
    assert found["same-bar fill"].figures["fills"] > 20
    assert found["recursion"].figures["starts"][-1]["target_weight"] == 0.0
    assert "these are survivors" in found["survivorship"].text


def test_bars_that_carry_tomorrows_price_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = market(260)
    asked = desk(tmp_path, CROSS, "Cross", tape)
    honest = Tape.block

    def leaking(self: Tape, first: int, end: int) -> BarBlock:
        block = honest(self, first, end)
        tomorrow = np.minimum(np.arange(first + 1, end + 1), len(self) - 1)
        return replace(block, close=self.close[tomorrow])

    cuts = list(range(150, 230, 10))
    assert look_ahead(asked, tape, EventClock(), cuts, 260).ok
    monkeypatch.setattr(Tape, "block", leaking)
    finding = look_ahead(asked, tape, EventClock(), cuts, 260)
    assert not finding.ok
    assert all(moved["first_moved"] <= moved["cut"] for moved in finding.figures["moved"])
    assert "sees the future" in finding.text


def test_a_decision_that_counts_its_bars_depends_on_where_it_began(tmp_path: Path) -> None:
    tape = market(260)
    finding = recursion(desk(tmp_path, COUNTING, "Counting", tape), tape, [10, 30], 200)
    assert not finding.ok
    assert [row["target_weight"] for row in finding.figures["starts"]] == pytest.approx([0.1, 0.3])


def test_earlier_starts_are_judged_where_the_tape_has_them(tmp_path: Path) -> None:
    tape = market(260)
    counting = desk(tmp_path, COUNTING, "Counting", tape)
    counting = replace(counting, feed=replace(counting.feed, warmup_bars=40))
    finding = recursion(counting, tape, [10], 200, earlier=[20, 80])
    assert not finding.ok
    assert "Starting 80 bars earlier moves a target weight at the end by 80.00% of equity" in finding.text
    assert [row["target_weight"] for row in finding.figures["earlier"]] == pytest.approx([0.2, 0.8])
    cross = desk(tmp_path, CROSS, "Cross", tape)
    cross = replace(cross, feed=replace(cross.feed, warmup_bars=40))
    fine = recursion(cross, tape, [30], 200, earlier=[80])
    assert fine.ok
    assert (fine.figures["warmup_bars"], fine.figures["earlier"][0]["target_weight"]) == (40, 0.0)


def test_the_default_warm_up_of_the_ensemble_is_long_enough() -> None:
    """Half of it is not, which is why it is no shorter: decision 18 has the figures."""
    tape = packaged_tape()
    asked = replace(Settings(), feed=replace(Settings().feed, start="2021-01-04"))
    finding = recursion(asked, tape, [378], len(tape), earlier=[756])
    assert finding.ok
    assert finding.figures["earlier"][0]["target_weight"] < 0.0025
    assert finding.figures["starts"][0]["target_weight"] > 0.005


def test_a_later_start_is_later_even_where_the_warm_up_asked_for_is_longer_than_the_tape(
    tmp_path: Path,
) -> None:
    tape = market(260)
    asked = desk(tmp_path, COUNTING, "Counting", tape)
    asked = replace(asked, feed=replace(asked.feed, warmup_bars=756))
    finding = recursion(asked, tape, [10, 30], 200)
    assert [row["target_weight"] for row in finding.figures["starts"]] == pytest.approx([0.1, 0.3])


def test_without_bars_before_the_start_no_later_start_is_no_acquittal(tmp_path: Path) -> None:
    tape = market(260)
    finding = recursion(desk(tmp_path, CROSS, "Cross", tape), tape, [], 200)
    assert (finding.ok, finding.figures["starts"]) == (False, [])


WAKING = """
import numpy as np
from tuiconsole.domain.policy import Decision
class Waking:
    needs = ("rolling_mean_5", "rolling_mean_20")
    agent_names = sheet_names = scalar_names = ()
    def __init__(self, universe): pass
    def initial_state(self, n): return {"long": np.zeros(n, dtype=bool)}
    def wakes(self, market, state):
        fast, slow = market.features[:, 0], market.features[:, 1]
        long = fast > slow
        before = np.concatenate((state["long"][None], long[:-1]))
        return (long != before).any(axis=1) & (np.arange(len(long)) % EVERY == 0)
    def decide(self, bar, state):
        fast, slow = bar.features
        long = fast > slow
        n = len(long)
        return Decision(long * 10, long != state["long"], np.empty((0, n)), np.empty(0)), {"long": long}
"""


@pytest.mark.parametrize(("every", "ok"), [(1, True), (3, False)])
def test_a_policy_that_sleeps_through_its_signals_is_caught(tmp_path: Path, every: int, ok: bool) -> None:
    tape = market(330)
    asked = desk(tmp_path, WAKING.replace("EVERY", str(every)), "Waking", tape)
    found = {finding.name: finding for finding in trip_all(asked, tape, EventClock(), 2)}
    assert found["waking"].ok is ok
    assert found["waking"].figures["always"] > 20
    assert (found["waking"].figures["when_it_said"] == found["waking"].figures["always"]) is ok


def test_a_fill_on_its_own_bar_is_caught(tmp_path: Path) -> None:
    tape = market(260)
    trace = traced(desk(tmp_path, CROSS, "Cross", tape), tape, EventClock(), 260)
    assert same_bar(trace).ok
    number = trace.executions[3][0]
    trace.executions[3] = (number, trace.decided_ts[number])
    finding = same_bar(trace)
    assert (finding.ok, finding.figures["early"]) == (False, 1)
    assert f"order {number} first" in finding.text


def test_no_orders_is_no_acquittal(tmp_path: Path) -> None:
    tape = market(260)
    finding = look_ahead(desk(tmp_path, COUNTING, "Counting", tape), tape, EventClock(), [150], 260)
    assert (finding.ok, finding.figures["compared"]) == (False, 0)


def test_a_universe_with_its_dead_is_no_survivor() -> None:
    tape = market(260)
    close = tape.close.copy()
    close[200:, 2] = np.nan
    finding = survivorship(replace(tape, close=close))
    assert (finding.ok, finding.figures) == (True, {"symbols": 6, "ended": 1, "left": 0, "late_starts": 0})


def test_changing_the_future_keeps_the_past_and_the_order_of_prices() -> None:
    tape = market(100)
    ranged = replace(tape, open=tape.close, high=tape.close * 1.01, low=tape.close * 0.99)
    changed = changed_after(ranged, 60, 5)
    np.testing.assert_array_equal(changed.close[:61], tape.close[:61])
    assert (changed.close[61:] != tape.close[61:]).all()
    assert changed.high is not None
    assert changed.low is not None
    assert (changed.high >= changed.close).all()
    assert (changed.low <= changed.close).all()


def test_too_few_bars_is_one_sentence(tmp_path: Path) -> None:
    tape = market(150)
    with pytest.raises(UsageError, match="30 bars are too few for 5 dates"):
        trip_all(desk(tmp_path, CROSS, "Cross", tape), tape, EventClock(), 5)


def test_a_trace_counts_like_the_sink_it_is() -> None:
    assert (Trace().orders, Trace().before(10)) == (0, [])


def test_weights_ahead_that_differ_are_caught(tmp_path: Path) -> None:
    text = (
        "import numpy as np\n"
        + CROSS
        + """
    def weights_ahead(self, market):
        fast, slow = market.features[:, 0], market.features[:, 1]
        return np.where(np.roll(fast > slow, -1, axis=0), 0.1, 0.0)
"""
    )
    tape = market(330)
    found = {
        finding.name: finding
        for finding in trip_all(desk(tmp_path, text, "Cross", tape), tape, EventClock(), 3)
    }
    assert not found["waking"].ok
    assert "weights_ahead() is wrong" in found["waking"].text
