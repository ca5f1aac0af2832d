"""The live engine in one process: stops that overtake orders, a store that fails, and what is durable before it is sent."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from tests.engine import rig
from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.effects import Severity
from tuiconsole.domain.errors import EngineError
from tuiconsole.domain.events import CommandKind, DeskLevel
from tuiconsole.domain.orders import OrderEvent, Purpose
from tuiconsole.domain.records import Alerted, Decided, Record, Updated
from tuiconsole.engine.build import Plan
from tuiconsole.engine.latching import stop_in_latch
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.engine.service import EngineService
from tuiconsole.engine.session import Session
from tuiconsole.risk.latch import Latch
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.writer import Writer
from tuiconsole.verbs.engine import status_text

CHECKPOINT_BARS = 10


class GatedSink:
    """The writer, which can be made to look slow: its commits are done only once :meth:`release` is called."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.records: list[Record] = []
        self.held: list[Future[int]] | None = None
        self.checkpoint = writer.checkpoint

    @property
    def rows(self) -> int:
        return self._writer.rows

    @property
    def head(self) -> bytes:
        return self._writer.head

    @property
    def durable_rows(self) -> int:
        return self._writer.durable_rows

    def append(self, record: Record) -> None:
        self._writer.append(record)
        self.records.append(record)

    def commit(self) -> None:
        self._writer.commit()

    def submit(self) -> Future[int]:
        future = self._writer.submit()
        if self.held is None:
            return future
        future.result()
        waiting: Future[int] = Future()
        self.held.append(waiting)
        return waiting

    def release(self) -> None:
        """Let every commit through from now on."""
        held, self.held = self.held or [], None
        for future in held:
            future.set_result(self._writer.durable_rows)

    def close(self) -> None:
        self._writer.close()


class Rig:
    """A service on a store, and what was handed to the venue."""

    def __init__(
        self, chosen: Plan, home: Path, prepare: Callable[[Session], None] = lambda session: None
    ) -> None:
        state = home / "state.db"
        self.session, self.store = rig.on_disk(chosen, state, prepare=prepare)
        self.paths = DeskPaths.of(state)
        self.latch = Latch(self.paths.latch)
        if not self.latch.path.exists():
            self.latch.create()
        self.writer = Writer(self.store)
        self.sink = GatedSink(self.writer)
        self.service = EngineService(
            session=self.session,
            sink=self.sink,
            latch=self.latch,
            clock=WallClock(),
            paths=self.paths,
            mode="replay",
            feed="TEST-6",
            desk_id=chosen.opened.desk,
            speed=0,
            checkpoint_bars=CHECKPOINT_BARS,
            stall_ms=60_000,
            slow_cycle_ms=60_000,
        )
        self.session.sink = self.sink
        self.session.on_level = self.service.on_level
        self.desk = self.session.desk
        self.session.poll_stop = lambda: stop_in_latch(self.desk, self.latch, DeskLevel.HALTED)
        self.ran = False
        self.sent: list[int] = []
        submit = self.session.venue.submit

        def watched(approved: Any, immediate: bool = False) -> Any:
            assert self.sink.durable_rows == self.sink.rows, "written before sent"
            self.sent += approved.batch.number.tolist()
            return submit(approved, immediate)

        self.session.venue.submit = watched  # type: ignore[method-assign]

    async def bars(self, count: int) -> None:
        for _ in range(count):
            await self.service.play()

    async def until_orders_wait(self) -> asyncio.Task[None]:
        """A bar whose orders are written but not yet sent: its task, which waits for :meth:`GatedSink.release`."""
        while True:
            self.sink.held = []
            at = len(self.sink.records)
            bar = asyncio.create_task(self.service.play())
            await until(lambda: bool(self.sink.held))
            if any(isinstance(r, Decided) and r.number.any() for r in self.sink.records[at:]):
                return bar
            self.sink.release()
            await bar

    def fresh(self) -> set[int]:
        """Orders that were approved and never handed over."""
        approved = {int(n) for r in self.sink.records if isinstance(r, Decided) for n in r.number if n}
        return approved - set(self.sent)

    async def run(self) -> None:
        self.ran = True
        await self.service.run()

    async def close(self) -> None:
        self.sink.release()
        if not self.ran:
            await self.service._close()
        self.writer.close()


@pytest.fixture(scope="module")
def chosen() -> Plan:
    return rig.planned(rig.market())


@pytest_asyncio.fixture
async def made(chosen: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="tc-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        made = Rig(chosen, tmp_path)
        yield made
        await made.close()


async def settle(task: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(task, 20)


async def until(true: Callable[[], bool]) -> None:
    """Give the other tasks turns until ``true``; a guard ends a test that hangs."""
    for _ in range(100_000):
        if true():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came true")


# ---- what is sent -------------------------------------------------------------------------------------------------------


async def test_orders_are_durable_before_they_are_sent(made: Rig) -> None:
    await made.bars(40)
    assert len(made.sent) > 20
    assert made.sent == sorted(set(made.sent)), "each once, in order"
    assert made.fresh() == set()


@pytest.mark.parametrize("kind", [CommandKind.HALT, CommandKind.KILL])
async def test_a_stop_between_write_and_send_withholds_the_orders(kind: CommandKind, made: Rig) -> None:
    await made.bars(10)
    held = made.session.venue.positions()
    assert held.any()
    bar = await made.until_orders_wait()
    waiting = made.fresh()
    assert waiting
    stop = asyncio.create_task(made.service.command(kind, reason="now", command_id="trip-9"))
    await asyncio.sleep(0)
    made.sink.release()
    await settle(bar)
    outcome = await settle(stop)
    assert (outcome.accepted, outcome.text) == (True, "")
    assert outcome.cancelled >= len(waiting)
    assert made.fresh() == waiting, "the broker never hears of them"
    withheld = [
        r for r in made.sink.records if isinstance(r, Updated) and OrderEvent.WITHHELD in r.event.tolist()
    ]
    assert {int(n) for r in withheld for n in r.number} == waiting
    level = DeskLevel.HALTED if kind == CommandKind.HALT else DeskLevel.KILLED
    said = made.latch.read()
    assert (made.desk.level, said.level) == (level, level)
    assert len(made.desk.orders.working()) == 0
    sent = list(made.sent)
    if kind == CommandKind.KILL:
        assert not made.session.venue.positions().any()
        report = made.service.kill_report(outcome)
        assert (report["latched"], report["flat"], report["remaining"]) == (True, True, [])
        assert said.trip == "trip-9"
    else:
        assert made.session.venue.positions().any(), "a halt keeps what is held"
    await made.bars(40)
    assert made.sent == sent, "0 orders after the latch"


async def test_a_kill_overtakes_a_halt_that_waits(made: Rig) -> None:
    await made.bars(10)
    bar = await made.until_orders_wait()
    waiting = made.fresh()
    halt = asyncio.create_task(made.service.command(CommandKind.HALT, reason="first"))
    kill = asyncio.create_task(made.service.command(CommandKind.KILL, reason="second", command_id="trip"))
    await asyncio.sleep(0)
    made.sink.release()
    await settle(bar)
    outcomes = [await settle(halt), await settle(kill)]
    assert outcomes[1].accepted
    assert made.desk.level == made.latch.read().level == DeskLevel.KILLED
    assert not made.session.venue.positions().any()
    policy_orders_sent_late = waiting & set(made.sent)
    assert policy_orders_sent_late == set()


async def test_a_latch_raised_by_another_process_withholds_the_orders(made: Rig) -> None:
    await made.bars(10)
    bar = await made.until_orders_wait()
    waiting = made.fresh()
    Latch(made.paths.latch).write(DeskLevel.HALTED, "outside", "from another process")
    made.sink.release()
    await settle(bar)
    assert made.fresh() == waiting
    assert made.desk.level == DeskLevel.HALTED
    assert made.desk.level_text == "from another process"


async def test_a_breaker_raises_the_latch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="tc-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        made = Rig(rig.planned(rig.market(seed=4, crash_at=rig.WARMUP + 40)), tmp_path)
        await made.bars(40)
        assert made.latch.read().level == made.desk.level == DeskLevel.RUNNING
        await made.bars(3)
        said = made.latch.read()
        assert (made.desk.level, said.level) == (DeskLevel.HALTED, DeskLevel.HALTED)
        assert said.reason.startswith("Drawdown")
        sent = list(made.sent)
        await made.bars(20)
        assert made.sent == sent
        await made.close()


async def test_a_pause_does_not_overtake(made: Rig) -> None:
    """Pause means no new risk from the next decision on; what was decided before goes out."""
    await made.bars(10)
    bar = await made.until_orders_wait()
    waiting = made.fresh()
    pause = asyncio.create_task(made.service.command(CommandKind.PAUSE))
    await asyncio.sleep(0)
    made.sink.release()
    await settle(bar)
    assert (await settle(pause)).accepted
    assert waiting <= set(made.sent)
    assert made.latch.read().level == made.desk.level == DeskLevel.PAUSED


async def test_the_latch_is_lowered_only_after_the_journal_says_so(made: Rig) -> None:
    await made.bars(3)
    await made.service.command(CommandKind.HALT, reason="x")
    made.sink.held = []
    rearm = asyncio.create_task(made.service.command(CommandKind.REARM, reason="looked"))
    await until(lambda: bool(made.sink.held))
    assert made.desk.level == DeskLevel.PAUSED
    assert made.latch.read().level == DeskLevel.HALTED, "not yet durable"
    made.sink.release()
    assert (await settle(rearm)).accepted
    assert made.latch.read().level == DeskLevel.PAUSED


async def test_a_refused_command_says_why(made: Rig) -> None:
    await made.bars(1)
    outcome = await made.service.command(CommandKind.RESUME)
    assert (outcome.accepted, outcome.text) == (False, "The desk is already running.")
    outcome = await made.service.command(CommandKind.DISABLE_AGENT, "oracle")
    assert "Unknown agent 'oracle'" in outcome.text


# ---- a store that fails -------------------------------------------------------------------------------------------------


async def check_failed(made: Rig, sent: list[int]) -> None:
    """Halted, latched, said; and nothing goes out any more."""
    service = made.service
    assert service.failed
    assert made.desk.level == DeskLevel.HALTED
    said = made.latch.read()
    assert (said.readable, said.level) == (True, DeskLevel.HALTED)
    assert made.session.venue.state()["resting"].shape[1] == 0, "what rested was cancelled"
    status = service.status()
    assert (status["state"], status["alerts_open"]) == ("halted", 1)
    assert service.failed in status["why_stopped"]
    snapshot = service.snapshot(0, 5, 5)
    assert (snapshot.alerts[0].severity, snapshot.header.level) == ("critical", "halted")
    await made.bars(3)
    assert made.sent == sent, "0 orders after the fault"
    for kind in (CommandKind.RESUME, CommandKind.KILL):
        with pytest.raises(EngineError, match="halted"):
            await service.command(kind)


async def test_a_full_disk_halts(made: Rig) -> None:
    await made.bars(8)
    connection = made.store._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchone()
    while not made.service.failed:
        await made.bars(1)
    assert "the disk is full" in made.service.failed
    assert "Free some space" in made.service.failed
    await check_failed(made, list(made.sent))
    made.writer.close()
    assert verify_chain(made.paths.state).ok


@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8, 13, 21, 34])
async def test_a_fault_at_any_write_halts_before_the_next_order(
    nth: int, made: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = nth
    at_fault: list[list[int]] = []
    transaction = made.store._transaction

    def failing(batch: Any) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            at_fault.append(list(made.sent))
            raise sqlite3.OperationalError("disk I/O error")
        transaction(batch)

    monkeypatch.setattr(made.store, "_transaction", failing)
    while not made.service.failed:
        await made.bars(1)
    await check_failed(made, at_fault[0])
    made.writer.close()
    assert verify_chain(made.paths.state).ok


async def test_run_waits_for_a_stop_after_a_failure(made: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(batch: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(made.store, "_transaction", failing)
    running = asyncio.create_task(made.run())
    await settle(made.service.wait_for_change(made.service.changes))
    while not made.service.failed:
        await settle(made.service.wait_for_change(made.service.changes))
    assert not running.done()
    assert made.service.status()["state"] == "halted"
    made.service.request_stop("test")
    await settle(running)


# ---- running ------------------------------------------------------------------------------------------------------------


async def test_run_to_the_end_of_the_tape_and_stop(made: Rig) -> None:
    running = asyncio.create_task(made.run())
    while not made.desk.tape_ended:
        await settle(made.service.wait_for_change(made.service.changes))
    status = made.service.status()
    assert (status["state"], status["tape_ended"]) == ("running", True)
    made.service.request_stop("test")
    await settle(running)
    made.writer.close()
    assert made.store.durable_rows == made.store.rows
    assert verify_chain(made.paths.state).ok


async def test_checkpoints_are_taken_between_bars(made: Rig) -> None:
    await made.bars(3 * CHECKPOINT_BARS)
    made.writer.commit()
    with sqlite3.connect(f"file:{made.paths.state}?mode=ro", uri=True) as reader:
        taken = reader.execute("SELECT max(seq) FROM checkpoints").fetchone()[0]
    reader.close()
    assert taken == made.sink.rows


async def test_what_a_watch_says_is_journalled(made: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    class Watch:
        code = "drift"

        def due(self, cursor: int) -> bool:
            return cursor > made.session.start + 2

        def tell(self, cursor: int) -> str:
            return "rsi_14 drifts" if cursor == made.session.start + 3 else ""

    monkeypatch.setattr(made.service, "_watches", (Watch(),))
    await made.bars(5)
    alerts = [r for r in made.sink.records if isinstance(r, Alerted)]
    assert [(alert.code, alert.severity, alert.text) for alert in alerts] == [
        ("drift", Severity.WARNING, "rsi_14 drifts")
    ]


async def test_a_stalled_loop_is_an_alert(made: Rig) -> None:
    await made.bars(1)
    made.service._stalled_ms = 321.0
    await made.bars(1)
    alert = [r for r in made.sink.records if isinstance(r, Alerted)][-1]
    assert (alert.severity, alert.code) == (Severity.WARNING, "loop stalled")
    assert "321 ms" in alert.text
    await made.bars(1)
    assert made.desk.alerts.open_count == 1, "said once"


async def test_a_slow_decision_cycle_is_one_alert_until_it_is_fast_again(made: Rig) -> None:
    await made.bars(1)
    for limit, count in ((0.0, 3), (60_000.0, 1), (0.0, 2)):
        made.service.slow_cycle_ms = limit
        await made.bars(count)
        part = {part["name"]: part for part in made.service.status()["components"]}["cycle"]
        assert part["state"] == ("ok" if limit else "degraded")
    alerts = [r for r in made.sink.records if isinstance(r, Alerted)]
    assert [(alert.severity, alert.code) for alert in alerts] == [(Severity.WARNING, "slow cycle")] * 2
    assert "prices were that old" in alerts[0].text


async def test_status_says_which_part_is_unwell(made: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await made.bars(3)
    status = made.service.status()
    assert status["health"] == "ok"
    assert [part["name"] for part in status["components"]] == [
        "feed",
        "broker",
        "store",
        "policy",
        "algos",
        "cycle",
    ]
    assert all(part == {**part, "state": "ok", "text": ""} for part in status["components"])
    assert "ok: feed, broker, store, policy, algos, cycle" in status_text(status)

    def told() -> dict[str, tuple[str, str]]:
        status = made.service.status()
        text = status_text(status)
        found = {part["name"]: (part["state"], part["text"]) for part in status["components"]}
        for name, (state, why) in found.items():
            assert (f"{name} {state.upper()}: {why}" in text) == (state != "ok")
        return found

    desk = made.desk
    monkeypatch.setitem(desk.policy_state, "failed", {desk.policy.agent_names[0]: "broke"})  # type: ignore[index]
    assert told()["policy"] == ("degraded", f"switched off after a failure: {desk.policy.agent_names[0]}")
    monkeypatch.setitem(desk.policy_state, "failed", dict.fromkeys(desk.policy.agent_names, "broke"))  # type: ignore[index]
    assert told()["policy"][0] == "failed"
    monkeypatch.setattr(desk, "quality", np.array([0, 4, 0, 0, 0, 0], dtype=np.int8))
    assert told()["feed"] == ("degraded", "prices of 1 of 6 symbols are held back")
    monkeypatch.setattr(made.service.pacer, "failing", lambda: ("yahoo",))
    assert told()["feed"] == ("degraded", "yahoo failed; another feed is in use")
    monkeypatch.setattr(made.service.pacer, "stale", lambda: True)
    assert told()["feed"] == ("failed", "a bar that was due has not come")
    monkeypatch.setattr(desk.orders, "unknown", lambda: 2)
    assert told()["broker"] == ("degraded", "the fate of 2 orders is not known")
    made.latch.path.write_bytes(b"?")
    assert told()["store"][0] == "failed"
    assert made.service.status()["health"] == "failed"


@pytest.mark.parametrize("speed", [-1.0, 1e7, float("nan"), float("inf")])
async def test_an_impossible_speed_is_refused(speed: float, made: Rig) -> None:
    with pytest.raises(EngineError, match="Speed must be between 0 and"):
        made.service.set_speed(speed)
    assert made.service.speed == 0


async def test_snapshot_and_status_tell_the_same(made: Rig) -> None:
    await made.bars(40)
    status, snapshot = made.service.status(), made.service.snapshot(0, 10, 10)
    assert (snapshot.header.equity, snapshot.header.cash) == (status["equity"], status["cash"])
    assert snapshot.journal_head == status["journal_head"] == made.sink.head.hex()
    assert snapshot.orders_working == status["working_orders"] == len(made.desk.orders.working())
    rows = {row["symbol"]: row for row in status["positions"]}
    assert {row.symbol for row in snapshot.positions} == rows.keys()
    for row in snapshot.positions:
        assert row.quantity == rows[row.symbol]["quantity"]
        assert row.unrealised_pnl == rows[row.symbol]["unrealised_pnl"]
    held = np.flatnonzero(made.desk.ledger.quantity)
    assert len(held) == len(rows)
    assert [order.id for order in snapshot.orders[:1]] == [
        f"{made.service.desk_id}-{made.desk.orders.next_number - 1}"
    ]
    flatten = [
        r for r in made.sink.records if isinstance(r, Decided) and Purpose.FLATTEN in r.purpose.tolist()
    ]
    assert flatten == []


async def test_why_is_answered_beside_the_writer(made: Rig) -> None:
    await made.bars(5)
    found = await made.service.why("1")
    assert found["order"]["number"] == 1
    with pytest.raises(Exception, match="There is no order 99999"):
        await made.service.why("99999")
