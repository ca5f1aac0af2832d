"""The simulation shell: the real desk, gate, order table, journal and latch on a virtual clock, and a world that misbehaves.

One seed makes the market, what goes wrong with the feed, the broker and the disk, where the process dies, and when someone
stops the desk. After every event the invariants (:mod:`tuiconsole.engine.invariants`) are looked at. A process that died is
started anew from what was durable, by the ordinary recovery; the broker and the latch are as they were. At the end nothing
goes wrong any more, and desk and broker must come to agree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from tuiconsole.domain.codec import encode_state
from tuiconsole.domain.errors import DeskError, JournalDivergence, StoreError
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.records import Alerted, LevelChanged, Record
from tuiconsole.domain.rng import generator
from tuiconsole.engine.build import Plan, make_session, plan
from tuiconsole.engine.commands import PASSING
from tuiconsole.engine.faulty_feed import FaultyFeed
from tuiconsole.engine.inquiries import Inquiries
from tuiconsole.engine.invariants import World, broken, settled
from tuiconsole.engine.latching import STOP_LEVELS, reconcile_latch, stop_in_latch
from tuiconsole.engine.order_shadow import OrderShadow
from tuiconsole.engine.recovery import recover
from tuiconsole.engine.restless import RestlessPolicy
from tuiconsole.engine.session import Session, Steps
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.simulated_broker import SimulatedBroker
from tuiconsole.engine.simulated_disk import SimulatedDisk
from tuiconsole.engine.simulated_faults import FaultRates
from tuiconsole.market.settings import SimulationSettings
from tuiconsole.market.simulated import simulated_tape
from tuiconsole.risk.latch import Latch
from tuiconsole.store.recovery import CatchUp

MODE = "simulation"
WARMUP_BARS = 30
_CALM_BARS = 80
_STOPPED_BARS = 12
_CHECKPOINT_BARS = 16
_ACCOUNT_BARS = 5
_VOLATILITY = (0.8, 5.0, 20.0)
_STAYS = (60.0, 40.0, 30.0)
"""Annual volatility by regime, and bars that it stays: wild enough for the breakers to trip now and then."""
_DEATHS_AT_START = 3
"""Times in a row that a process may die before it is up; the next one lives."""
_STOPS = (CommandKind.PAUSE, CommandKind.HALT, CommandKind.KILL, CommandKind.KILL)


class InvariantBroken(DeskError):
    """A simulation found something that must never happen; ``invariant`` is its name."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(what)
        self.invariant = invariant


class ProcessDied(Exception):
    """The simulated process ends here: nothing after this happens."""


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What a simulation came to.

    Attributes
    ----------
    head
        Head of the journal, hex: the same for the same seed and faults.
    bars, orders, fills, rows
        Bars received, orders handed over, executions made at the exchange, journal rows.
    crashes, disk_faults, trips, kills, flat
        Times the process died, the disk failed, and someone stopped the desk; kills among them, and after how many of those
        desk and broker agreed that nothing is held.
    alerts
        How many of each code.
    broken, what
        Name of the invariant that did not hold and what was found; empty when all did.
    """

    seed: int
    head: str
    bars: int
    orders: int
    fills: int
    rows: int
    crashes: int
    disk_faults: int
    trips: int
    kills: int
    flat: int
    alerts: dict[str, int]
    broken: str = ""
    what: str = ""


class Simulation:
    """One simulated stretch of trading.

    Parameters
    ----------
    seed
        Of everything.
    bars
        Bars of one minute that the market trades, before those in which nothing goes wrong.
    folder
        Where the latch lies; one of its own.
    settings
        Of the desk; its market is replaced, and unless they name a strategy of the user's a
        :class:`~tuiconsole.engine.restless.RestlessPolicy` decides.
    """

    def __init__(
        self,
        seed: int,
        rates: FaultRates,
        bars: int,
        symbols: int,
        folder: Path,
        settings: Settings | None = None,
    ) -> None:
        market = SimulationSettings(
            seed=seed,
            symbols=symbols,
            sectors=min(2, symbols),
            bars=WARMUP_BARS + bars + _CALM_BARS,
            bar_seconds=60,
            volatility=_VOLATILITY,
            duration_bars=_STAYS,
        )
        base = settings or Settings()
        feed = replace(base.feed, feed="simulated", start="", warmup_bars=WARMUP_BARS)
        base = replace(base, simulation=market, feed=feed)
        self._tape = simulated_tape(market)
        chosen = plan(base, self._tape, MODE, None if base.policy.strategy else RestlessPolicy(seed))
        self._plan: Plan = replace(
            chosen, start=WARMUP_BARS, warmup=0, tape=FaultyFeed(self._tape, WARMUP_BARS, rates, seed)
        )
        self._seed = seed
        self._rates = rates
        self._calm_from = len(self._tape) - _CALM_BARS
        self._rng = generator(seed, "simulation", "process")
        self._latch = Latch(folder / "state.latch")
        self._latch.create()
        self._settings = base
        self._counts: Counter[str] = Counter()
        self._alerts: Counter[str] = Counter()
        self._level: LevelChanged | None = None
        self._stopped_at = -1
        self._failed = False
        self._bar = self._tries = 0
        self._stop: Command | None = None
        universe = self._tape.universe
        self._broker = SimulatedBroker(universe, rates, seed)
        self._disk = SimulatedDisk(self._disk_fails, self._appended)
        self._session, self._sink = self._made()
        shadow = OrderShadow(universe, chosen.opened.capital)
        self._world = World(self._session.desk, self._broker, self._disk, self._latch, shadow)
        self._broker.sent = self._world.hand_over
        self._start_anew()

    # ---- running --------------------------------------------------------------------------------------------

    def run(self) -> SimulationResult:
        """Play the market to its end."""
        trouble = ("", "")
        try:
            for index in range(self._plan.start, len(self._tape)):
                self._one_bar(index)
            left = self._unfinished()
            trouble = ("desk and broker agree", left) if left else trouble
        except InvariantBroken as found:
            trouble = (found.invariant, found.what)
        return self._result(*trouble)

    def _one_bar(self, index: int) -> None:
        self._bar = index
        if index == self._calm_from:
            self._rates = FaultRates.none()
            self._broker.calm_down()
        self._broker.on_bar(self._tape.bars(index))
        try:
            if self._failed:
                raise ProcessDied  # someone starts a desk whose disk failed anew at the next bar
            self._everything_due(index)
        except ProcessDied:
            self._start_anew()
        self._look()

    def _everything_due(self, index: int) -> None:
        for message in self._broker.due():
            self._drive(self._session.reports(message))
        now = self._tape.bars(index).ts
        for steps in self._inquiries.at(now):
            self._drive(steps)
        if self._broker.connected and index % _ACCOUNT_BARS == 0:
            self._drive(self._session.check_account())
        arrivals = self._feed.arrivals
        while (
            not self._failed and (place := self._session.cursor) < len(arrivals) and arrivals[place] <= index
        ):
            self._drive(self._session.bar())
            self._carry_out_stop()
        self._release(index)
        if index % _CHECKPOINT_BARS == 0 and not self._failed:
            self._keep_checkpoint()

    def _drive(self, steps: Steps) -> None:
        """Carry one step out as the engine does: commit at every yield, then let the latch follow."""
        if self._failed:
            return
        try:
            for _ in steps:
                self._sink.commit()
                self._settle_latch()
                self._look()
        except StoreError as error:
            self._disk_failed(error)
        self._look()

    def _look(self) -> None:
        found = broken(self._world)
        if found is not None:
            raise InvariantBroken(found[0].name, found[1])

    def _settle_latch(self) -> None:
        change, self._level = self._level, None
        stop = self._session.urgent
        asked = DeskLevel.RUNNING if stop is None else STOP_LEVELS[stop.kind]
        if change is not None and change.level >= asked:
            trip = (
                self._session.desk.kill_id if change.level == DeskLevel.KILLED else f"level-{self._disk.rows}"
            )
            self._latch.write(DeskLevel(change.level), trip, change.text)

    def _on_level(self, change: LevelChanged) -> None:
        if change.cause not in PASSING or change.level != DeskLevel.PAUSED:
            self._level = change

    def _keep_checkpoint(self) -> None:
        try:
            self._disk.checkpoint(encode_state(self._session.state()))
        except StoreError as error:
            self._disk_failed(error)

    # ---- stops ----------------------------------------------------------------------------------------------

    def _between_effects(self, name: str) -> None:
        """The fault hook: the process may die here, or someone may stop the desk."""
        if self._tries < _DEATHS_AT_START and self._happens(self._rates.crash):
            self._counts["crash"] += 1
            raise ProcessDied(name)
        if self._stop is None and self._stopped_at < 0 and self._happens(self._rates.trip / 4):
            self._trip()

    def _trip(self) -> None:
        self._counts["trip"] += 1
        kind = _STOPS[int(self._rng.integers(len(_STOPS)))]
        name = f"trip-{self._counts['trip']}"
        command = Command(self._session.desk.ts, kind, name, reason="simulated", source="simulation")
        self._stopped_at = self._bar
        self._counts["kill"] += kind == CommandKind.KILL
        if kind != CommandKind.PAUSE:
            self._latch.write(max(STOP_LEVELS[kind], self._latch.read().level), name, "simulated")
            if self._happens(
                0.3
            ):  # the engine hangs: it is fenced, and what is left is done by a new process
                self._counts["crash"] += 1
                raise ProcessDied("fenced")
            self._session.ask_urgently(command)
        self._stop = command

    def _carry_out_stop(self) -> None:
        stop, self._stop = self._stop, None
        if stop is None or self._failed:
            return
        if self._session.urgent is stop:
            self._session.urgent = None
        if stop.id in self._session.taken:
            self._session.taken.discard(stop.id)
            return
        self._drive(self._session.command(replace(stop, ts=self._session.desk.ts)))

    def _release(self, index: int) -> None:
        """Whoever stopped the desk releases it after a while, once a killed one is flat."""
        desk = self._session.desk
        if desk.level == DeskLevel.RUNNING or self._failed:
            self._stopped_at = -1
            return
        if self._stopped_at < 0:
            self._stopped_at = index
        killed = desk.level == DeskLevel.KILLED
        if (
            index - self._stopped_at < _STOPPED_BARS
            or len(desk.orders.working())
            or (killed and self._holding)
        ):
            return
        self._counts["flat"] += killed
        for kind in (CommandKind.REARM, CommandKind.RESUME):
            if kind == CommandKind.RESUME or desk.level >= DeskLevel.HALTED:
                name = f"release-{index}-{kind.name.lower()}"
                self._drive(
                    self._session.command(
                        Command(desk.ts, kind, name, reason="simulated", source="simulation")
                    )
                )
        self._stopped_at = -1

    @property
    def _holding(self) -> bool:
        """Whether anything is held, here or at the broker."""
        return bool(self._session.desk.ledger.quantity.any() or self._broker.positions().any())

    def _unfinished(self) -> str:
        """A kill that left something and did not say so."""
        desk = self._session.desk
        if desk.level == DeskLevel.KILLED and self._holding and not self._alerts["not flat"]:
            return "the desk was killed, is not flat, and has not said so"
        return settled(self._world)

    # ---- crashes --------------------------------------------------------------------------------------------

    def _disk_fails(self) -> bool:
        return self._happens(self._rates.disk)

    def _disk_failed(self, error: StoreError) -> None:
        """As the engine does when its store fails: halt, cancel what works, raise the latch; nothing is sent any more."""
        self._counts["disk"] += 1
        self._failed = True
        desk = self._session.desk
        desk.level = max(desk.level, DeskLevel.HALTED)
        working = desk.orders.working()
        if len(working):
            self._broker.cancel(desk.ts, working)
        self._latch.write(desk.level, f"disk-{self._counts['disk']}", str(error))

    def _start_anew(self) -> None:
        """The process died: another one recovers what was durable."""
        self._lose()
        self._broker.hang_up()
        self._failed = False
        self._level = self._stop = None
        self._tries = 0
        while True:
            try:
                self._session, self._sink = self._made()
                self._world.desk = self._session.desk
                self._recover()
                break
            except ProcessDied:
                self._lose()
            except JournalDivergence as error:
                raise InvariantBroken("recovery repeats the journal", str(error)) from error
            except StoreError:
                self._counts["disk"] += 1
                self._lose()
            self._tries += 1
        self._tries = 0

    def _lose(self) -> None:
        self._disk.crash()
        self._world.crashed(self._disk.rows)

    def _made(self) -> tuple[Session, CatchUp]:
        checkpoint = self._disk.last_checkpoint()
        after = checkpoint[0] if checkpoint else 0
        sink = CatchUp(self._disk, self._disk.tail(after))
        session = make_session(self._plan, sink, self._on_level, self._between_effects, self._broker)
        session.poll_stop = lambda: stop_in_latch(session.desk, self._latch, DeskLevel.HALTED)
        return session, sink

    def _recover(self) -> None:
        checkpoint = self._disk.last_checkpoint()
        state = checkpoint[1] if checkpoint else None
        recover(self._session, self._sink, state, self._plan.opened)
        reconcile_latch(self._session, self._latch)
        if self._broker.connected:
            for _ in self._session.check_account():
                self._sink.commit()
        self._inquiries = Inquiries(self._session, self._broker, self._settings.broker)

    # ---- telling --------------------------------------------------------------------------------------------

    @property
    def _feed(self) -> FaultyFeed:
        feed = self._plan.tape
        if not isinstance(feed, FaultyFeed):
            raise TypeError("a simulation plays a faulty feed")
        return feed

    def _appended(self, row: int, record: Record) -> None:
        if isinstance(record, Alerted):
            self._alerts[record.code] += 1
        self._world.append(row, record)

    def _happens(self, rate: float) -> bool:
        return bool(self._rng.random() < rate)

    def _result(self, name: str, what: str) -> SimulationResult:
        counts = self._counts
        return SimulationResult(
            seed=self._seed,
            head=self._disk.head.hex(),
            bars=self._session.cursor - self._plan.start,
            orders=len(self._world.sent),
            fills=len(self._broker.exchange.made),
            rows=self._disk.rows,
            crashes=counts["crash"],
            disk_faults=counts["disk"],
            trips=counts["trip"],
            kills=counts["kill"],
            flat=counts["flat"],
            alerts=dict(sorted(self._alerts.items())),
            broken=name,
            what=what,
        )
