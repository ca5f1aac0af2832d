"""The core: a deterministic state machine. Events in, effects out; no I/O, no clock, no threads, no randomness.

Every shell (backtest, replay, the direct kill, later paper and live) drives this one class. What it asks for comes back as
effects, in the order in which they must be carried out: what is journalled before a ``Submit`` must be durable before the
broker hears of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, month_key
from tuiconsole.domain.effects import Cancel, Decide, Effect, Journal, Severity, Submit
from tuiconsole.domain.events import (
    AccountChecked,
    Charges,
    Command,
    DecisionReady,
    DeskLevel,
    Event,
    Fills,
    OrderUpdates,
    ScreenedBars,
    TapeEnd,
)
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import Quality
from tuiconsole.domain.money import to_float
from tuiconsole.domain.orders import OrderBatch
from tuiconsole.domain.policy import Decision, DecisionInputs, Policy, PolicyState, Waking
from tuiconsole.domain.records import (
    AgentChanged,
    BarSeen,
    Charged,
    Commanded,
    Filled,
    LevelChanged,
    Record,
    TapeEnded,
    Updated,
)
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.engine import parents
from tuiconsole.engine.alerts import AlertLog
from tuiconsole.engine.commands import COMMANDS
from tuiconsole.engine.desk_state import restore, state_of
from tuiconsole.engine.flattening import flat_report, flatten_when_clear, see_through
from tuiconsole.engine.market_side import MarketSide, Observed, ObservedBlock
from tuiconsole.engine.ordering import cancel, decided, in_the_way, terms_record
from tuiconsole.engine.periods import EquityCurve, Periods
from tuiconsole.engine.protection import Protection
from tuiconsole.engine.recent import RecentDecisions
from tuiconsole.engine.reconciling import Reconciliation, on_checked
from tuiconsole.engine.session_profit import SessionProfit
from tuiconsole.engine.timeframes import Timeframes
from tuiconsole.execution.algos.working import Working
from tuiconsole.execution.entry_terms import with_prices
from tuiconsole.execution.oms import wanted_orders, without_new_risk
from tuiconsole.execution.order_table import OrderTable
from tuiconsole.execution.settings import ExecutionSettings, ProtectionSettings
from tuiconsole.portfolio.ledger import Ledger, Profit
from tuiconsole.regimes.settings import RegimeSettings
from tuiconsole.risk.breakers import Breakers
from tuiconsole.risk.gate import Book, Gate
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.risk.verdict import Verdict

if TYPE_CHECKING:
    from tuiconsole.store.stretch_rows import StretchRows

DECISIONS_KEPT = 48
WEIGHTS_KEPT = 40
_NONE_FLAGGED = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int8))


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """What the core needs to know: capital in money units, the rooms' settings, and where trading starts.

    ``first_seq`` is the tape position of the first bar that may trade; earlier bars only warm the banks up.
    """

    capital: int
    risk: RiskSettings
    regimes: RegimeSettings
    bars_per_year: float
    first_seq: int
    timeframes: Timeframes = field(default_factory=Timeframes)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    seed: int = 0
    protection: ProtectionSettings = field(default_factory=ProtectionSettings)


class Desk:
    """One trading desk over one universe, driven by one policy."""

    def __init__(self, universe: Universe, policy: Policy, settings: DeskSettings) -> None:
        n = len(universe)
        self.universe = universe
        self.policy = policy
        self.settings = settings
        self.protection = Protection(settings.protection, universe, policy.needs)
        self.market = MarketSide(universe, self.needs, settings.regimes, settings.bars_per_year)
        self.features, self.panel = self.market.features, self.market.panel
        self.regimes = self.market.regimes
        self.ledger = Ledger(universe, settings.capital)
        self.orders = OrderTable(n)
        self.gate = Gate(settings.risk, universe)
        self.working: Working | None = None
        """The parents of a desk whose orders are worked by an algorithm; None where they go out at once."""
        if settings.execution.algo != "direct":
            self.working = Working(universe, settings.execution, self.gate.children, settings.seed)
        self.breakers = Breakers(settings.risk, settings.capital)
        self.periods = Periods(settings.capital)
        self.curve = EquityCurve(settings.capital)
        self.alerts = AlertLog()
        self.reconciliation = Reconciliation()
        self.policy_state = policy.initial_state(n)
        self._agents = frozenset(policy.agent_names)
        self.disabled: frozenset[str] = frozenset()
        self.level = DeskLevel.RUNNING
        self.level_text = ""
        self.level_cause = ""
        self.release_session = -1
        self.kill_id = ""
        self.flatten_due = False
        self.flat_told = True
        self.stop_bars = self.stop_tries = 0
        self.ts = 0
        self.bar_seq = -1
        self.decisions = 0
        self.refused_total = 0
        self.last_refusal = ""
        self.tape_ended = False
        self.bars_at_level = 0
        self._waiting: Decision | None = None
        self.last_answer: Commanded | None = None
        self.profit = SessionProfit(n)
        self.recent = RecentDecisions(DECISIONS_KEPT)
        self.weight_history: deque[FloatArray] = deque(maxlen=WEIGHTS_KEPT)
        self.price: FloatArray = np.full(n, np.nan)
        self.price_scaled: IntArray = np.zeros(n, dtype=np.int64)
        self.quality: CodeArray = np.zeros(n, dtype=np.int8)
        self.tradable: BoolArray = np.zeros(n, dtype=np.bool_)
        self.members: BoolArray | None = None
        self.regime: FloatArray = self.regimes.probabilities
        self._handlers: dict[type, Any] = {
            ScreenedBars: self._on_bars,
            Observed: self._on_observed,
            DecisionReady: self._on_decision,
            Fills: self._on_fills,
            Charges: self._on_charges,
            OrderUpdates: self._on_updates,
            Command: self._on_command,
            TapeEnd: self._on_tape_end,
            AccountChecked: partial(on_checked, self),
        }

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that the desk has worked out: the policy's, then those of its own."""
        return (*self.policy.needs, *self.protection.needs)

    @property
    def day_pnl(self) -> IntArray:
        """int64 ``[n_symbols]``: profit since the session began, after costs, money."""
        return self.profit.by_symbol()

    def handle(self, event: Event | Observed) -> list[Effect]:
        """Take in one event and return what has to be done about it, in order.

        A bar enters as it left the defence, or as :class:`Observed` where the market side was worked out before.
        """
        effects: list[Effect] = self._handlers[type(event)](event)
        return effects

    # ---- bars -------------------------------------------------------------------------------------------------------

    def _on_bars(self, screened: ScreenedBars) -> list[Effect]:
        return self._on_observed(self.market.observe(screened))

    def _on_observed(self, seen: Observed) -> list[Effect]:
        self.bar_seq = seen.seq
        self.ts = max(self.ts, seen.ts)
        self.price, self.price_scaled = seen.price, seen.price_scaled
        self.quality, self.tradable = seen.quality, seen.tradable
        self.regime = seen.regime
        self.members = seen.members
        if self.working is not None:
            market = (seen.price, seen.volume, seen.quality, seen.quotes)
            self.working.learn(seen.seq, seen.ts, seen.session, *market)
        if self.protection.on:
            self.protection.observe(self.price, seen.features)
        if seen.seq < self.settings.first_seq:
            return [self._decide(seen)] if self._asks(seen) else []
        self.ledger.mark(seen.price_scaled, seen.bounds, seen.total)
        # a bar out of its time opens no session
        effects = self._check_breakers(max(seen.session, self.periods.session))
        effects.append(Journal(self._bar_seen(seen)))
        if seen.flagged and (seen.quality == Quality.SPLIT_LIKE).any():
            effects.append(self._tell_of_splits(seen))
        if self.protection.on:
            effects += self.protection.keep_up(self)
        if self.level >= DeskLevel.HALTED:
            effects += see_through(self)
        if self._asks(seen):
            effects.append(self._decide(seen))
        elif self.working:
            effects += parents.slices(self, self.working)
        return effects

    def passed(self, last: Observed, bars: int, new_session: bool, session_before: Profit | None) -> None:
        """``bars`` quiet bars went by, ``last`` the latest.

        ``new_session``: its session began among them, after the profit ``session_before`` (None: the one before them all).
        """
        self.bar_seq = last.seq
        self.price, self.price_scaled = last.price, last.price_scaled
        self.quality, self.tradable = last.quality, last.tradable
        self.regime, self.members = last.regime, last.members
        self.bars_at_level += bars
        self.profit.stands(self.ledger.profit(), new_session, session_before)

    @property
    def plain(self) -> bool:
        """Nothing makes orders but the policy's decisions, whole and at every bar, with nobody switched off."""
        alone = self.working is None and not self.protection.on
        return alone and not self.settings.timeframes.own and not self.disabled

    def went_on(self, last: Observed, rows: StretchRows, decided: int, state: PolicyState) -> None:
        """Ordinary bars went by in a stretch, ``last`` the latest; ledger and order table were moved on already.

        Parameters
        ----------
        rows, decided
            What they left in the journal, and how many decisions of them led to orders.
        """
        self.bar_seq, self.ts = last.seq, last.ts
        self.price, self.price_scaled = last.price, last.price_scaled
        self.quality, self.tradable = last.quality, last.tradable
        self.regime, self.members = last.regime, last.members
        self.bars_at_level += len(rows)
        self.decisions += decided
        self.recent.extend(rows, decided)
        self.policy_state = state

    def decide_now(self, seen: Observed) -> list[Effect]:
        """The decision of a bar that a stretch took in but left to the desk to decide."""
        return [self._decide(seen)]

    def _asks(self, seen: Observed) -> bool:
        """Whether a decision falls due: the policy would do something, and its timeframe ends here."""
        frames = self.settings.timeframes
        return seen.ask and (not frames.own or frames.own in frames.ended(seen.ts))

    def wakes(self, block: ObservedBlock) -> list[bool]:
        """At which bars of ``block`` the policy must be asked: those that end its timeframe, or all, unless it can say."""
        if self.settings.timeframes.own:
            due: list[bool] = self.settings.timeframes.due(np.array(block.screened.bars.ts)).tolist()
            return due
        if not isinstance(self.policy, Waking) or self.protection.on:
            return [True] * len(block)
        wakes: list[bool] = self.policy.wakes(block.ahead(), self.policy_state).tolist()
        return wakes

    def _bar_seen(self, seen: Observed) -> BarSeen:
        flagged, quality = _NONE_FLAGGED
        if seen.flagged:
            flagged = np.flatnonzero(seen.quality)
            quality = seen.quality[flagged]
        ledger = self.ledger
        return BarSeen(
            seen.seq,
            seen.ts,
            seen.digest,
            flagged,
            quality,
            ledger.equity,
            ledger.cash,
            ledger.realised,
            ledger.fees,
            int(self.level),
        )

    def _tell_of_splits(self, seen: Observed) -> Journal:
        columns = np.flatnonzero(seen.quality == Quality.SPLIT_LIKE)
        names = ", ".join(self.universe.symbols[int(i)] for i in columns[:8])
        return self.alert(
            Severity.WARNING,
            "split-like",
            f"{names} moved like a split that no corporate action explains: the last good price stands until the next "
            "bar. Check the quantity held, and adjust the prices.",
        )

    def _check_breakers(self, session: int) -> list[Effect]:
        equity = self.ledger.equity
        effects: list[Effect] = []
        self.bars_at_level += 1
        if self.level == DeskLevel.PAUSED and 0 <= self.release_session < session:
            effects += self.set_level(
                DeskLevel.RUNNING, "next session", "A new session began: the pause ends."
            )
        self.profit.stands(self.ledger.profit(), session != self.periods.session)
        self.periods.update(session, equity)
        self.curve.add(self.ts, equity)
        for trip in self.breakers.update(self.ts, session, month_key(session * NANOSECONDS_PER_DAY), equity):
            if trip.level <= self.level:
                continue
            effects += self.set_level(trip.level, trip.cause, trip.text, trip.value, trip.limit)
            if trip.until_next_session:
                self.release_session = session
            effects.append(self.alert(Severity.CRITICAL, trip.cause, trip.text))
        return effects

    def _decide(self, seen: Observed) -> Decide:
        return Decide(
            DecisionInputs(
                ts=self.ts,
                seq=self.bar_seq,
                price=self.price,
                price_scaled=self.price_scaled,
                tradable=self.tradable,
                features=seen.features[: len(self.policy.needs)] if self.protection.needs else seen.features,
                regime=seen.regime,
                position=self.ledger.quantity,
                pending=self.on_its_way(),
                equity=to_float(self.ledger.equity),
                cash=to_float(self.ledger.cash),
                enabled=self._agents - self.disabled,
                members=seen.members,
                ended=self.settings.timeframes.ended(seen.ts),
            ),
            self.policy_state,
        )

    def on_its_way(self) -> IntArray:
        """What is bought or sold already: working orders, and what parents have not sent yet."""
        return self.orders.pending + self.working.unsent() if self.working else self.orders.pending

    # ---- decisions --------------------------------------------------------------------------------------------------

    def _on_decision(self, event: DecisionReady) -> list[Effect]:
        self.policy_state = event.state
        last = event.state.get("last")
        if last is not None and "weights" in last:
            self.weight_history.append(last["weights"])
        if event.seq < self.settings.first_seq:
            return []
        effects = self._failed_agents()
        if self.level >= DeskLevel.HALTED:
            return effects
        return effects + self._carry_out(event.decision)

    def _carry_out(self, decision: Decision) -> list[Effect]:
        """The orders of a decision; where working ones are in the way, these are cancelled first."""
        wanted = self._wanted(decision)
        blocking = in_the_way(self, wanted, decision)
        self._waiting = decision if len(blocking) else None
        if len(blocking):
            return cancel(self, blocking)
        if self.working is not None:
            return parents.revise(self, self.working, wanted, decision)
        return self.judge(wanted, decision) if len(wanted) else []

    def _wanted(self, decision: Decision) -> OrderBatch:
        target = self.protection.without_reentry(decision.target, decision.acting)
        if self.members is not None:
            target = without_new_risk(target, self.members, self.ledger.quantity + self.orders.pending)
        batch = wanted_orders(
            target,
            decision.acting & self.tradable,
            self.ledger.quantity,
            self.orders.pending,
            self.price_scaled,
            self.universe.lot,
            self.decisions + 1,
            self.ts,
        )
        if self.level == DeskLevel.PAUSED and len(batch):
            held = self.ledger.quantity[batch.symbol]
            batch = batch.take(np.flatnonzero(held * np.sign(batch.quantity) < 0))
        if decision.prices is not None:
            batch = with_prices(batch, decision.prices, self.ledger.quantity, self.universe)
        return batch

    def _failed_agents(self) -> list[Effect]:
        effects: list[Effect] = []
        failed = self.policy_state.get("failed")
        if not failed:
            return effects
        for agent in sorted(set(failed) - self.disabled):
            self.disabled |= {agent}
            text = f"Agent {agent} failed and is switched off: {failed[agent]}"
            effects.append(Journal(AgentChanged(self.ts, agent, False, text)))
            effects.append(self.alert(Severity.WARNING, "agent failed", text))
        return effects

    def judge(
        self,
        wanted: OrderBatch,
        decision: Decision | None,
        immediate: bool = False,
        parents: IntArray | None = None,
    ) -> list[Effect]:
        """Put orders before the gate: journal the verdicts, submit what passed. ``parents``: whose children they are."""
        self.decisions += 1
        verdict = self.gate.judge(wanted, self.book(), self.orders.next_number, parents)
        record = decided(self, wanted, decision, verdict)
        self.recent.append(record)
        effects: list[Effect] = [Journal(record)]
        if wanted.terms is not None:
            effects.append(terms_record(self.ts, self.decisions, wanted.terms, verdict.number))
            self.protection.learn(wanted, verdict.number)
        self._count_refusals(wanted, verdict)
        if verdict.approved is not None:
            self.orders.add(verdict.approved.batch)
            effects.append(Submit(verdict.approved, immediate))
        return effects

    def book(self) -> Book:
        """What the gate judges orders against."""
        return Book(
            level=self.level,
            ts=self.ts,
            price_scaled=self.price_scaled,
            tradable=self.tradable,
            position=self.ledger.quantity,
            pending=self.orders.pending,
            cash=self.ledger.cash,
            equity=self.ledger.equity,
            session_start_equity=self.breakers.session_start,
            month_peak_equity=self.breakers.month_peak,
            peak_equity=self.breakers.peak,
            exposure=self.ledger.exposure(self.price_scaled),
            exits=self.orders.exits(),
        )

    def _count_refusals(self, wanted: OrderBatch, verdict: Verdict) -> None:
        if np.count_nonzero(verdict.rule):
            refused = np.flatnonzero(verdict.rule)
            self.refused_total += len(refused)
            last = int(refused[-1])
            symbol = self.universe.symbols[int(wanted.symbol[last])]
            self.last_refusal = f"{symbol}: {verdict.sentence(last)}"

    # ---- orders -----------------------------------------------------------------------------------------------------

    def _on_fills(self, fills: Fills) -> list[Effect]:
        accepted, states = self.orders.fill(fills)
        if not len(accepted):
            return []
        realised = self.ledger.apply(accepted)
        if self.working is not None:
            self.gate.children.followed(accepted.number, states, accepted.quantity)
        record = Filled(
            accepted.ts,
            accepted.number,
            accepted.symbol,
            accepted.quantity,
            accepted.price,
            accepted.fee,
            accepted.costs,
            accepted.execution,
            realised,
            states,
            accepted.forced,
        )
        effects: list[Effect] = [Journal(record)]
        if accepted.forced:
            effects.append(flat_report(self))
        if not self.protection.on:
            return effects
        self.protection.note(self, accepted)
        return effects + self.protection.keep_up(self, settled=False)

    def _on_charges(self, charges: Charges) -> list[Effect]:
        self.ledger.charge(charges)
        return [Journal(Charged(charges.ts, charges.symbol, charges.amount, charges.days))]

    def _on_updates(self, updates: OrderUpdates) -> list[Effect]:
        if not len(updates.number):
            return []
        states = self.orders.update(updates)
        if self.working is not None:
            parents.follow(self, updates, states)
        effects: list[Effect] = [
            Journal(Updated(updates.ts, updates.number, updates.event, states, updates.text))
        ]
        if self.working is not None and self.working.clearing:
            effects += parents.go_on(self, self.working)
        effects += flatten_when_clear(self)
        if self._waiting is not None and self.level < DeskLevel.HALTED:
            effects += self._carry_out(self._waiting)
        return effects + self.protection.keep_up(self) if self.protection.on else effects

    # ---- stops ------------------------------------------------------------------------------------------------------

    def _on_command(self, command: Command) -> list[Effect]:
        return COMMANDS[command.kind](self, command)

    def set_level(
        self, level: DeskLevel, cause: str, text: str, value: str = "", limit: str = ""
    ) -> list[Effect]:
        """Stop or release the desk; raising to HALTED or beyond cancels what is working."""
        before, self.level = self.level, level
        self.level_text, self.level_cause = text, cause
        self.bars_at_level = 0
        self.release_session = -1
        record = LevelChanged(self.ts, int(level), int(before), cause, value, limit, text)
        effects: list[Effect] = [Journal(record)]
        if level >= DeskLevel.HALTED and level > before:
            if self.working is not None:
                effects += parents.stopped(self, self.working)
            working = self.orders.working()
            if len(working):
                effects.append(Cancel(self.ts, working))
        return effects

    def alert(self, severity: Severity, code: str, text: str) -> Journal:
        """Number an alert, show it, and return the effect that journals it."""
        return Journal(self.alerts.raise_(self.ts, severity, code, text))

    def _on_tape_end(self, event: TapeEnd) -> list[Effect]:
        if self.tape_ended:
            return []
        self.tape_ended = True
        text = "The tape has no more bars: the replay is complete and positions stay as they are."
        return [Journal(TapeEnded(event.ts, self.bar_seq)), self.alert(Severity.INFO, "end of tape", text)]

    def note(self, severity: Severity, code: str, text: str) -> Record:
        """Number an alert that a shell raises about itself; returns the record to journal."""
        return self.alert(severity, code, text).record

    # ---- state ------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, as an encodable value."""
        return state_of(self)

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        restore(self, state)
