"""The engine process: take the lock, recover, serve, trade, and leave everything as a restart wants to find it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tuiconsole.domain import ids
from tuiconsole.domain.clock import Clock, WallClock
from tuiconsole.domain.errors import EngineError
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.records import Record
from tuiconsole.engine.broker_link import BrokerLink
from tuiconsole.engine.brokers import make_broker, open_broker
from tuiconsole.engine.build import Plan, make_session
from tuiconsole.engine.drift import DriftWatch, FeatureDrift
from tuiconsole.engine.latching import reconcile_latch, stop_in_latch
from tuiconsole.engine.launch import Launch, save_launch
from tuiconsole.engine.learned_costs import LearnedCosts
from tuiconsole.engine.lock import EngineLock
from tuiconsole.engine.log import RecordLog, open_log
from tuiconsole.engine.notify import Notifier
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.engine.recovery import recover
from tuiconsole.engine.server import Server
from tuiconsole.engine.service import EngineService, Watch
from tuiconsole.engine.session import Session
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.source import Market, open_market
from tuiconsole.engine.stop_paths import StopPaths
from tuiconsole.engine.supervisor import tell_ready
from tuiconsole.engine.volume_watch import VolumeWatch
from tuiconsole.execution.brokers.alpaca import AlpacaBroker
from tuiconsole.risk.latch import Latch
from tuiconsole.store.binding import Binding
from tuiconsole.store.opening import check_no_restore
from tuiconsole.store.recovery import CatchUp
from tuiconsole.store.state_store import StateStore
from tuiconsole.store.writer import Writer

_AT_END = (
    "The tape has ended. The engine goes on answering until tuiconsole stop or SIGTERM; "
    "headless --exit-at-end leaves by itself."
)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to run an engine.

    ``ready_fd`` reports readiness to whoever spawned it, ``pace`` is that of a replay, ``exit_at_end`` has it leave when the
    tape was played to its end, ``confirmed`` is what the trader typed to trade real money.
    """

    settings: Settings
    state: Path
    speed: float
    log: Path | None = None
    json_log: bool = False
    every_bar: bool = False
    ready_fd: int | None = None
    pace: float = 0.0
    exit_at_end: bool = False
    confirmed: str = ""
    clock: Clock = field(default_factory=WallClock)


class ToldSink:
    """The writer, with every new record also told to the log."""

    def __init__(self, writer: Writer, tell: Callable[[Record], None]) -> None:
        self._writer = writer
        self._tell = tell
        self.submit = writer.submit
        self.checkpoint = writer.checkpoint
        self.copy_to = writer.copy_to
        self.forget = writer.forget
        self.commit = writer.commit
        self.close = writer.close

    @property
    def rows(self) -> int:
        """Rows appended so far."""
        return self._writer.rows

    @property
    def head(self) -> bytes:
        """Head of the hash chain."""
        return self._writer.head

    def append(self, record: Record) -> None:
        """Journal ``record`` and log it."""
        self._writer.append(record)
        self._tell(record)


def run_engine(options: EngineOptions) -> None:
    """Run until SIGTERM, SIGINT or a ``stop`` frame; raises :class:`DeskError` when it cannot start."""
    paths = DeskPaths.of(options.state)
    lock = take_lock(paths)
    try:
        check_no_restore(paths.state)
        market = open_market(options.settings, paths.state, options.clock, options.speed, options.pace)
        chosen = market.plan
        store = StateStore.open(paths.state, Binding.of(chosen.opened), WallClock())
        save_launch(paths.state, Launch(chosen.mode, chosen.settings))
        _serve(options, paths, market, store)
    finally:
        lock.release()


def take_lock(paths: DeskPaths) -> EngineLock:
    """The engine lock of a store; :class:`EngineError` when another engine holds it or it cannot be made."""
    lock = EngineLock(paths.lock)
    try:
        taken = lock.acquire(socket=str(paths.socket))
    except OSError as error:
        raise EngineError(
            f"{paths.lock.parent} cannot be written: {error.strerror}.",
            "Name a state file in a directory of yours with --state.",
        ) from None
    if not taken:
        holder = lock.holder()
        pid = f" (process {holder.pid})" if holder else ""
        raise EngineError(
            f"An engine already runs on {paths.state}{pid}.", "Attach to it with: tuiconsole attach"
        )
    return lock


def _serve(options: EngineOptions, paths: DeskPaths, market: Market, store: StateStore) -> None:
    chosen = market.plan
    fresh = store.rows == 0
    checkpoint = store.last_checkpoint()
    after = checkpoint.seq if checkpoint is not None else 0
    catch_up = CatchUp(store, store.tail(after))
    broker = make_broker(chosen, options.clock)
    session = make_session(chosen, catch_up, broker=broker)
    latch = Latch(paths.latch)
    if fresh and not paths.latch.exists():
        latch.create()
    session.poll_stop = lambda: stop_in_latch(session.desk, latch, DeskLevel.HALTED)
    recovered = recover(session, catch_up, checkpoint.state if checkpoint else None, chosen.opened)
    reconcile_latch(session, latch)
    _compare(session, store, broker, options)
    log = open_log(options.log, options.json_log)
    log.info(
        "recovered" if not fresh else "started",
        rows=store.rows,
        driven_again=recovered,
        bar=session.cursor,
        mode=chosen.mode,
        market=market.told,
    )
    writer = Writer(store, lambda error: log.error("store failed", text=str(error)))

    def at_end() -> bool:
        if not options.exit_at_end:
            log.info("waiting", text=_AT_END)
        return options.exit_at_end

    sink = ToldSink(writer, RecordLog(log, chosen.tape.universe.symbols, options.every_bar).tell)
    service = EngineService(
        session=session,
        sink=sink,
        latch=latch,
        clock=options.clock,
        paths=paths,
        mode=chosen.mode,
        feed=chosen.tape.name,
        desk_id=chosen.opened.desk,
        speed=options.speed,
        checkpoint_bars=options.settings.engine.checkpoint_bars,
        stall_ms=options.settings.engine.stall_ms,
        slow_cycle_ms=options.settings.engine.slow_cycle_ms,
        pacer=market.pacer,
        watches=_watches(chosen, paths),
        at_end=at_end,
        link=None if broker is None else BrokerLink(session, broker, chosen.settings.broker),
    )
    session.sink = sink
    session.on_level = service.on_level
    try:
        _run_loop(service, market, paths, options, log.info)
    except EngineError:
        raise
    except Exception as error:
        reason = f"internal error in the engine: {type(error).__name__}: {error}"
        latch.write(max(session.desk.level, DeskLevel.HALTED), ids.fresh_id(), reason)
        log.exception("internal error")
        raise EngineError(
            f"The engine stopped on an internal error ({type(error).__name__}); the desk is halted.",
            f"The details are in {options.log or 'the log above'}.",
        ) from error
    finally:
        writer.close()
    log.info("stopped", reason=service.stop_reason, rows=store.rows, head=store.head.hex())


def _compare(
    session: Session, store: StateStore, broker: AlpacaBroker | None, options: EngineOptions
) -> None:
    """Connect to a broker elsewhere, if there is one, and compare the account before anything is traded."""
    if broker is not None:
        equity = session.desk.ledger.equity
        open_broker(broker, equity, options.confirmed, options.clock, options.settings.alpaca.timeout_s)
    for _ in session.check_account():
        store.commit()
    store.checkpoint(session.state())


def _watches(chosen: Plan, paths: DeskPaths) -> tuple[Watch, ...]:
    every = chosen.settings.drift.every_bars
    found: tuple[Watch, ...] = (_drift_watch(chosen), VolumeWatch(chosen.tape, every))
    if chosen.settings.execution.learn_costs:
        found += (LearnedCosts(paths.state, chosen.tape, chosen.settings.execution, every),)
    return found


def _drift_watch(chosen: Plan) -> DriftWatch:
    settings = chosen.settings
    drift = FeatureDrift(
        chosen.tape,
        chosen.policy.needs,
        settings.defence,
        settings.regimes,
        settings.engine.bars_per_year,
    )
    return DriftWatch(drift, settings.drift, chosen.start)


def _run_loop(
    service: EngineService,
    market: Market,
    paths: DeskPaths,
    options: EngineOptions,
    tell: Callable[..., object],
) -> None:
    notifier = Notifier.of_process()

    async def main() -> None:
        server = Server(service, paths.socket)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, service.request_stop, signal.Signals(number).name)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        stops = StopPaths(service, options.settings.stop, options.clock, notifier, server.attended)
        stops.listen()
        await stops.look()
        await server.start()
        keeping = [asyncio.create_task(server.keep()), asyncio.create_task(stops.keep())]
        tell_ready(options.ready_fd)
        notifier.ready(service.level_name())
        tell("ready", pid=service.pid, socket=str(paths.socket), state=service.level_name())
        try:
            await service.run()
        finally:
            for task in keeping:
                task.cancel()
            notifier.stopping(service.stop_reason)
            await market.close()
            await server.stop(f"The engine stopped: {service.stop_reason or 'it is leaving'}.")

    import uvloop

    uvloop.run(main())
