"""The desk's own rules: commands at every level, breakers, failed agents, bad data, the end of the tape, exact money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine import rig
from tuiconsole.agents.contract import AgentView
from tuiconsole.agents.registry import create_all
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.forecast import Forecast
from tuiconsole.domain.market import Quality
from tuiconsole.domain.orders import OrderEvent, OrderState, Purpose
from tuiconsole.domain.records import (
    AgentChanged,
    Alerted,
    BarSeen,
    Commanded,
    Decided,
    Filled,
    LevelChanged,
    Record,
    TapeEnded,
    Updated,
)
from tuiconsole.engine.build import Plan, make_session, plan
from tuiconsole.engine.pipeline import EnsemblePolicy
from tuiconsole.engine.session import Session
from tuiconsole.market.tape import Tape
from tuiconsole.risk.settings import RiskSettings

RUNNING, PAUSED, HALTED, KILLED = DeskLevel
PAUSE, HALT, KILL, REARM, RESUME, ENABLE, DISABLE, ACKNOWLEDGE, *_ = CommandKind
NO_BREAKERS = {"daily_loss": 1.0, "session_drawdown": 1.0, "month_drawdown": 1.0, "drawdown": 1.0}


class Driven:
    """A session and its journal, driven by hand."""

    def __init__(self, chosen: Plan, state: dict[str, Any] | None = None) -> None:
        self.session: Session
        if state is None:
            self.session, self.sink = rig.in_memory(chosen)
        else:
            self.sink = rig.Kept([], rig.BatchJournal(None))
            self.session = make_session(chosen, self.sink)
            self.session.restore(state)
        self.desk = self.session.desk
        self._commands = 0

    def bars(self, count: int) -> list[Record]:
        """The records of the next ``count`` bars."""
        before = len(self.sink.records)
        for _ in range(count):
            for _ in self.session.bar():
                pass
        return self.sink.records[before:]

    def tell(self, kind: CommandKind, argument: str = "", reason: str = "") -> list[Record]:
        """The records of one command."""
        before = len(self.sink.records)
        self._commands += 1
        command = Command(self.desk.ts, kind, f"c{self._commands}", argument, reason, "test")
        for _ in self.session.command(command):
            pass
        return self.sink.records[before:]

    def until_working(self) -> None:
        """Go on until orders rest at the venue."""
        while not len(self.desk.orders.working()):
            self.bars(1)

    def to_level(self, level: DeskLevel) -> None:
        """Bring the desk to ``level``."""
        if level > RUNNING:
            self.tell({PAUSED: PAUSE, HALTED: HALT, KILLED: KILL}[level])
        assert self.desk.level == level


def of(records: Sequence[Record], kind: type[Any]) -> list[Any]:
    return [record for record in records if isinstance(record, kind)]


def orders(records: Sequence[Record]) -> int:
    """Orders that the gate approved."""
    return sum(int((record.number > 0).sum()) for record in of(records, Decided))


def with_risk(tape: Tape, **limits: float) -> Plan:
    base = rig.settings(tape)
    return plan(replace(base, risk=replace(base.risk, **limits)), tape, "replay")


@pytest.fixture(scope="module")
def chosen() -> Plan:
    return rig.planned(rig.market())


@pytest.fixture(scope="module")
def warm(chosen: Plan) -> dict[str, Any]:
    """The state of a desk that has traded twenty bars."""
    driven = Driven(chosen)
    driven.bars(20)
    return driven.session.state()


@pytest.fixture
def driven(chosen: Plan, warm: dict[str, Any]) -> Driven:
    return Driven(chosen, warm)


# ---- commands -----------------------------------------------------------------------------------------------------------

NOTHING_TO_REARM = "Nothing to re-arm: the desk is {}."
ALREADY = "The desk is already {}."
FIRST = "The desk is {}: re-arm it with a reason first."


@pytest.mark.parametrize(
    ("level", "kind", "after", "refusal"),
    [
        (RUNNING, PAUSE, PAUSED, ""),
        (RUNNING, HALT, HALTED, ""),
        (RUNNING, KILL, KILLED, ""),
        (RUNNING, REARM, RUNNING, NOTHING_TO_REARM),
        (RUNNING, RESUME, RUNNING, ALREADY),
        (PAUSED, PAUSE, PAUSED, ALREADY),
        (PAUSED, HALT, HALTED, ""),
        (PAUSED, KILL, KILLED, ""),
        (PAUSED, REARM, PAUSED, NOTHING_TO_REARM),
        (PAUSED, RESUME, RUNNING, ""),
        (HALTED, PAUSE, HALTED, ALREADY),
        (HALTED, HALT, HALTED, ALREADY),
        (HALTED, KILL, KILLED, ""),
        (HALTED, REARM, PAUSED, ""),
        (HALTED, RESUME, HALTED, FIRST),
        (KILLED, PAUSE, KILLED, ALREADY),
        (KILLED, HALT, KILLED, ALREADY),
        (KILLED, KILL, KILLED, ""),
        (KILLED, REARM, PAUSED, ""),
        (KILLED, RESUME, KILLED, FIRST),
    ],
)
def test_every_command_at_every_level(
    level: DeskLevel, kind: CommandKind, after: DeskLevel, refusal: str, driven: Driven
) -> None:
    driven.to_level(level)
    records = driven.tell(kind, reason="a reason")
    first = records[0]
    assert isinstance(first, Commanded)
    assert (first.kind, first.reason, first.source) == (kind, "a reason", "test")
    assert (first.accepted, first.text) == (not refusal, refusal.format(level.name.lower()))
    assert driven.desk.level == after
    assert driven.desk.last_answer == first
    changes = of(records, LevelChanged)
    if after == level:
        assert changes == []
        if refusal:
            assert records == [first], "a refusal changes nothing"
        return
    (change,) = changes
    assert (change.level, change.before, change.cause) == (after, level, "test")
    assert "a reason" in driven.desk.level_text == change.text
    alerts = of(records, Alerted)
    if kind == HALT:
        assert [alert.code for alert in alerts] == ["halt"]
        assert alerts[0].text == "a reason To go on: re-arm with a reason, then resume."
    if kind == KILL:
        assert [alert.code for alert in alerts] == ["kill", "flat"]


@pytest.mark.parametrize("reason", ["", "   "])
def test_rearming_needs_a_reason(reason: str, driven: Driven) -> None:
    driven.to_level(HALTED)
    (refused,) = driven.tell(REARM, reason=reason)
    assert (refused.accepted, refused.text) == (False, "Re-arming needs a reason, which is journalled.")
    assert driven.desk.level == HALTED


def test_rearming_moves_the_limits(driven: Driven) -> None:
    driven.to_level(HALTED)
    driven.tell(REARM, reason="accepted the loss")
    breakers, equity = driven.desk.breakers, driven.desk.ledger.equity
    assert breakers.peak == breakers.month_peak == breakers.session_peak == breakers.session_start == equity
    assert "accepted the loss" in driven.desk.level_text


def test_halt_cancels_working_orders(driven: Driven) -> None:
    driven.until_working()
    working = driven.desk.orders.working().tolist()
    held = driven.session.venue.positions()
    records = driven.tell(HALT)
    (cancelled,) = of(records, Updated)
    assert cancelled.number.tolist() == working
    assert set(cancelled.event.tolist()) == {OrderEvent.CANCELED}
    assert set(cancelled.state.tolist()) == {OrderState.CANCELED}
    assert len(driven.desk.orders.working()) == 0
    later = driven.bars(30)
    assert of(later, Filled) == []
    assert of(later, Decided) == [], "no decision reaches the gate"
    assert (driven.session.venue.positions() == held).all()
    assert (driven.desk.ledger.quantity == held).all()
    assert len(of(later, BarSeen)) == 30, "the desk goes on watching"


def test_kill_flattens_at_once_and_says_so(driven: Driven) -> None:
    driven.until_working()
    held = driven.desk.ledger.quantity.copy()
    assert held.any()
    records = driven.tell(KILL, reason="enough")
    kinds = [type(record).__name__ for record in records]
    assert kinds == [
        "Commanded",
        "LevelChanged",
        "Updated",
        "Decided",
        "Updated",
        "Filled",
        "Alerted",
        "Alerted",
    ] or (kinds.index("Updated") < kinds.index("Decided") < kinds.index("Filled"))
    (flatten,) = of(records, Decided)
    assert (flatten.quantity == -held[flatten.columns]).all()
    assert set(flatten.purpose.tolist()) == {Purpose.FLATTEN}
    assert (flatten.number > 0).all()
    (filled,) = of(records, Filled)
    assert filled.forced
    assert not driven.desk.ledger.quantity.any()
    assert not driven.session.venue.positions().any()
    assert driven.desk.ledger.cash == driven.desk.ledger.equity
    assert driven.desk.kill_id == records[0].id
    again = driven.tell(KILL)
    assert orders(again) == 0, "nothing is left to flatten"
    assert orders(driven.bars(20)) == 0
    driven.tell(REARM, reason="again")
    assert orders(driven.bars(3)) == 0
    driven.tell(RESUME)
    assert orders(driven.bars(3)) > 0


def test_paused_only_reduces(driven: Driven) -> None:
    driven.tell(PAUSE)
    before = np.abs(driven.desk.ledger.quantity).sum()
    reduced = 0
    for _ in range(80):
        held = driven.desk.ledger.quantity.copy()
        for decided in of(driven.bars(1), Decided):
            after = driven.desk.ledger.quantity
            approved = decided.number > 0
            column, quantity = decided.columns[approved], decided.quantity[approved]
            assert approved.all(), "what would add risk is not even wanted"
            assert (np.sign(quantity) == -np.sign(after[column])).all()
            assert (np.abs(quantity) <= np.abs(after[column])).all()
            reduced += int(approved.sum())
        assert (np.abs(driven.desk.ledger.quantity) <= np.abs(held)).all()
    assert reduced > 0
    assert np.abs(driven.desk.ledger.quantity).sum() < before


def test_agents_are_switched(driven: Driven) -> None:
    records = driven.tell(DISABLE, "breakout", "too eager")
    assert [type(r) for r in records] == [Commanded, AgentChanged]
    assert (records[1].agent, records[1].enabled, records[1].text) == ("breakout", False, "too eager")
    (twice,) = driven.tell(DISABLE, "breakout")
    assert (twice.accepted, twice.text) == (False, "Agent breakout is already off.")
    names = driven.session.desk.policy.scalar_names
    weight = names.index("weight:breakout")
    decided = of(driven.bars(20), Decided)
    assert decided
    assert all(record.scalars[weight] == 0.0 for record in decided)
    assert driven.tell(ENABLE, "breakout")[1].enabled is True
    (twice,) = driven.tell(ENABLE, "breakout")
    assert twice.text == "Agent breakout is already on."
    assert any(record.scalars[weight] > 0.0 for record in of(driven.bars(20), Decided))
    (unknown,) = driven.tell(ENABLE, "oracle")
    assert unknown.text.startswith("Unknown agent 'oracle'. Known agents: ts_momentum, ")


def test_with_every_agent_off_the_desk_holds_still(driven: Driven) -> None:
    for name in driven.desk.policy.agent_names:
        driven.tell(DISABLE, name)
    driven.bars(2)
    held = driven.desk.ledger.quantity.copy()
    assert orders(driven.bars(20)) == 0
    assert (driven.desk.ledger.quantity == held).all()


def test_alerts_are_acknowledged(driven: Driven) -> None:
    (nothing,) = driven.tell(ACKNOWLEDGE)
    assert (nothing.accepted, nothing.text) == (False, "There is no alert to acknowledge.")
    driven.tell(HALT)
    driven.tell(KILL)
    assert driven.desk.alerts.open_count == 3
    assert driven.tell(ACKNOWLEDGE, "1")[0].accepted
    assert driven.desk.alerts.open_count == 2
    assert driven.tell(ACKNOWLEDGE)[0].accepted
    assert driven.desk.alerts.open_count == 0


# ---- breakers -----------------------------------------------------------------------------------------------------------


def test_a_crash_halts_the_desk_by_itself() -> None:
    crash = rig.WARMUP + 40
    driven = Driven(rig.planned(rig.market(seed=4, crash_at=crash)))
    driven.bars(40)
    records: list[Record] = []
    while driven.desk.level < HALTED:
        assert driven.session.cursor < crash + 3, "a fall like this halts within its three days"
        records = driven.bars(1)
    held = driven.desk.ledger.quantity.copy()
    change = of(records, LevelChanged)[-1]
    assert change.level == HALTED
    assert change.cause.endswith("drawdown")
    alert = of(records, Alerted)[-1]
    assert alert.text == change.text == driven.desk.level_text
    assert "limit" in alert.text
    assert "re-arm with a reason, then resume" in alert.text
    assert change.value.endswith(" %")
    seen = of(records, BarSeen)[0]
    assert seen.level == HALTED
    assert orders(records) == 0, "not one order after the breach"
    later = driven.bars(40)
    assert orders(later) == 0
    assert of(later, LevelChanged) == [], "said once"
    assert (driven.desk.ledger.quantity == held).all(), "a halt keeps what is held"
    driven.tell(REARM, reason="looked at it")
    driven.tell(RESUME)
    assert orders(driven.bars(10)) > 0


def test_a_losing_session_pauses_and_the_next_one_releases() -> None:
    driven = Driven(with_risk(rig.market(), **{**NO_BREAKERS, "daily_loss": 0.004}))
    released = 0
    for _ in range(100):
        records = driven.bars(1)
        for change in of(records, LevelChanged):
            if change.level == PAUSED:
                assert change.cause == "session loss"
                (alert,) = of(records, Alerted)
                assert "the next session" in alert.text
                held = driven.desk.ledger.quantity
                for decided in of(records, Decided):
                    approved = decided.number > 0
                    assert (
                        np.sign(decided.quantity[approved]) == -np.sign(held[decided.columns[approved]])
                    ).all()
            else:
                assert (change.level, change.before, change.cause) == (RUNNING, PAUSED, "next session")
                released += 1
    assert released >= 2


def test_the_trader_s_pause_does_not_end_by_itself() -> None:
    driven = Driven(with_risk(rig.market(), **{**NO_BREAKERS, "daily_loss": 0.004}))
    while driven.desk.level != PAUSED:
        driven.bars(1)
    assert driven.tell(PAUSE, reason="mine now")[0].accepted
    driven.bars(15)
    assert driven.desk.level == PAUSED
    assert driven.desk.level_text == "mine now"


def test_a_pause_by_hand_outlives_the_session(driven: Driven) -> None:
    driven.tell(PAUSE, reason="lunch")
    assert of(driven.bars(10), LevelChanged) == []
    assert driven.desk.level == PAUSED


# ---- a failing agent ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Faulty:
    """An agent that dies at its ``dies``-th bar."""

    dies: int
    name: str = "faulty"
    title: str = "Faulty"
    needs: tuple[str, ...] = ()
    horizon_bars: int = 5

    def initial_state(self, n_symbols: int) -> dict[str, int]:
        return {"seen": 0}

    def forecast(self, view: AgentView, state: dict[str, int]) -> tuple[Forecast, dict[str, int]]:
        seen = state["seen"] + 1
        if seen >= self.dies:
            raise ZeroDivisionError("one over nothing")
        mean = np.where(np.isfinite(view.realised_error), 0.0, np.nan)
        sigma = np.where(np.isfinite(view.realised_error), view.realised_error, np.nan)
        return Forecast(mean, sigma, self.horizon_bars), {"seen": seen}


def test_a_failed_agent_is_switched_off_visibly_and_the_desk_goes_on() -> None:
    tape = rig.market()
    base = rig.settings(tape)
    members = [*create_all(AgentSettings()), Faulty(dies=rig.WARMUP + 31)]
    policy = EnsemblePolicy(base.agents, base.ensemble, base.sizing, 252.0, tape.universe, members)  # type: ignore[arg-type]
    driven = Driven(plan(base, tape, "replay", policy))
    assert of(driven.bars(30), AgentChanged) == []
    assert "faulty" not in driven.desk.disabled
    records = driven.bars(1)
    (changed,) = of(records, AgentChanged)
    assert (changed.agent, changed.enabled) == ("faulty", False)
    (alert,) = of(records, Alerted)
    assert (alert.code, alert.text) == (
        "agent failed",
        "Agent faulty failed and is switched off: ZeroDivisionError: one over nothing",
    )
    assert driven.desk.disabled == {"faulty"}
    later = driven.bars(40)
    assert orders(later) > 0, "the others trade on"
    assert of(later, AgentChanged) == of(later, Alerted) == [], "said once"
    driven.tell(ENABLE, "faulty", "try again")
    assert "faulty" not in driven.desk.policy_state["failed"]
    again = driven.bars(1)
    assert [record.agent for record in of(again, AgentChanged)] == ["faulty"], (
        "it fails again, and says so again"
    )


# ---- bad data and the end of the tape -----------------------------------------------------------------------------------


def altered(column: int, at: int, value: float) -> Tape:
    tape = rig.market()
    close = tape.close.copy()
    close[at, column] = close[at, column] * value
    return Tape(name=tape.name, source="test", universe=tape.universe, ts=tape.ts, close=close)


@pytest.mark.parametrize(
    ("value", "quality"),
    [
        (np.nan, Quality.MISSING),
        (0.0, Quality.NOT_POSITIVE),
        (-1.0, Quality.NOT_POSITIVE),
        (1.8, Quality.JUMP),
        (0.4, Quality.JUMP),
    ],
)
@pytest.mark.parametrize("column", range(6))
def test_a_quarantined_symbol_is_neither_traded_nor_believed(
    value: float, quality: Quality, column: int
) -> None:
    at = rig.WARMUP + 25
    driven = Driven(rig.planned(altered(column, at, value)))
    driven.bars(25)
    price = driven.desk.price[column]
    records = driven.bars(1)
    (seen,) = of(records, BarSeen)
    assert seen.flagged.tolist() == [column]
    assert seen.quality.tolist() == [quality]
    assert driven.desk.price[column] == price, "the last good price stays"
    assert not driven.desk.tradable[column]
    for filled in of(records, Filled):
        assert column not in filled.symbol.tolist(), "nothing fills at a price nobody believes"
    for decided in of(records, Decided):
        assert column not in decided.columns.tolist(), "and no order is made on it"
    held = int(driven.desk.ledger.quantity[column])
    scale = int(driven.desk.universe.price_scale[column])
    assert int(driven.desk.ledger.market_value[column]) == held * round(price * scale) * (10**8 // scale)
    (after,) = of(driven.bars(1), BarSeen)
    assert after.flagged.tolist() == [], "back at its level it is good again"
    assert driven.desk.tradable[column]


def test_a_level_that_the_next_bar_confirms_is_taken() -> None:
    at = rig.WARMUP + 25
    tape = rig.market()
    close = tape.close.copy()
    close[at:, 2] *= 1.8
    driven = Driven(rig.planned(Tape("TEST-6", "test", tape.universe, tape.ts, close)))
    driven.bars(25)
    (first,) = of(driven.bars(1), BarSeen)
    assert (first.flagged.tolist(), first.quality.tolist()) == ([2], [Quality.JUMP])
    (second,) = of(driven.bars(1), BarSeen)
    assert second.flagged.tolist() == []
    assert driven.desk.price[2] == close[at + 1, 2]


def test_the_end_of_the_tape_is_said_once(driven: Driven) -> None:
    driven.bars(len(driven.session.tape) - driven.session.cursor)
    assert driven.session.ended
    assert not driven.desk.tape_ended
    before = len(driven.sink.records)
    for _ in range(2):
        for _ in driven.session.end():
            pass
    said = driven.sink.records[before:]
    assert [type(record) for record in said] == [TapeEnded, Alerted]
    assert said[1].code == "end of tape"
    assert driven.desk.tape_ended
    assert driven.desk.level == RUNNING, "a labelled stop, not a failure"


# ---- money --------------------------------------------------------------------------------------------------------------


def check_books(driven: Driven) -> None:
    """Cash + positions = equity, and what was made is what equity grew by; to the unit."""
    ledger, capital = driven.desk.ledger, driven.desk.settings.capital
    assert ledger.cash + int(ledger.market_value.sum()) == ledger.equity
    assert ledger.realised + int(ledger.unrealised.sum()) - ledger.fees == ledger.equity - capital
    assert int(ledger.realised_by_symbol.sum()) == ledger.realised
    assert int(ledger.fees_by_symbol.sum()) == ledger.fees
    assert (ledger.quantity == driven.session.venue.positions()).all(), "the book and the venue agree"


COMMANDS = st.tuples(st.sampled_from([PAUSE, HALT, KILL, REARM, RESUME]), st.integers(0, 39))


@settings(max_examples=12)
@given(
    seed=st.integers(0, 10_000),
    bad=st.lists(
        st.tuples(st.integers(0, 39), st.integers(0, 5), st.sampled_from([np.nan, 0.0, 3.0, 0.2])), max_size=8
    ),
    told=st.lists(COMMANDS, max_size=6),
)
def test_the_books_balance_after_every_event(
    seed: int, bad: list[tuple[int, int, float]], told: list[tuple[CommandKind, int]]
) -> None:
    tape = rig.market(rig.WARMUP + 40, seed=seed)
    close = tape.close.copy()
    for bar, column, factor in bad:
        close[rig.WARMUP + bar, column] *= factor
    tape = Tape("TEST-6", "test", tape.universe, tape.ts, close)
    driven = Driven(with_risk(tape))
    for bar in range(40):
        for kind, at in told:
            if at == bar:
                driven.tell(kind, reason="a test")
                check_books(driven)
        for _ in driven.session.bar():
            pass
        check_books(driven)
        if driven.desk.level >= HALTED:
            assert len(driven.desk.orders.working()) == 0
        if driven.desk.level == KILLED:
            assert not driven.desk.ledger.quantity.any()


def test_the_default_limits() -> None:
    """The limits that the desk promises, in one place."""
    risk, sizing = RiskSettings(), rig.settings(rig.market()).sizing
    assert (risk.name_cap, risk.gross_cap, risk.cash_reserve) == (0.15, 1.0, 0.05)
    assert (risk.daily_loss, risk.session_drawdown, risk.month_drawdown, risk.drawdown) == (
        0.025,
        0.03,
        0.08,
        0.08,
    )
    assert (sizing.kelly_fraction, sizing.volatility_target, risk.cool_down_bars) == (0.25, 0.15, 20)
