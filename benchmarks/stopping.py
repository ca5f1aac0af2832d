"""From a stop request to acknowledgement and to the cancels at the broker, with the engine at full load.

Load: 200 symbols as fast as they go, with a client that reads every snapshot. A trip is one ``Halt`` frame; the desk is
re-armed and resumed before the next. When the cancels were handed over is what the journal's rows say of the wall clock:
the venue is called between the row of the level's change and the row of the cancelled orders.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.engines import CLOCK, Client, Engine, command, environment, folder, running, seconds_since
from benchmarks.markets import start_of, synthetic, write_parquet
from benchmarks.memory import wait_for_bars
from benchmarks.rows import MeasurementFailed, Row, percentile
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.records import Commanded, LevelChanged, Updated
from tuiconsole.domain.rng import generator
from tuiconsole.protocol.frames import Halt, Rearm, Refused, Resume
from tuiconsole.store.connection import open_reader

BUDGET_MS = 50.0
WARMUP = 300
_IDLE_REQUESTS = 60


@dataclass(frozen=True, slots=True)
class Trip:
    """One stop as the client saw it: when it was asked for (wall, ns) and how long the answer took."""

    reason: str
    sent_ns: int
    answered_ms: float


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop as the journal tells it, in ms from the request: level raised, and orders cancelled (NaN when none worked)."""

    raised_ms: float
    cancelled_ms: float


class Reader:
    """A subscriber that reads every snapshot in a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._client = engine.client(read_only=True)
        self._client.subscribe()
        self.read = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            while True:
                self._client.next_snapshot()
                self.read += 1
        except (OSError, MeasurementFailed):
            return

    def close(self) -> None:
        """Hang up and end the thread."""
        self._client.shut()
        self._thread.join(5.0)
        self._client.close()


def trip(client: Client, number: int) -> Trip:
    """Halt a running desk."""
    reason = f"trip {number}"
    began, sent_ns = CLOCK.monotonic_ns(), CLOCK.now_ns()
    answer = client.ask(Halt(100 + number, reason))
    answered_ms = 1e3 * seconds_since(began)
    if isinstance(answer, Refused):  # a breaker was quicker
        return Trip("", sent_ns, answered_ms)
    return Trip(reason, sent_ns, answered_ms)


def release(client: Client) -> None:
    """Halted to running."""
    client.do(Rearm(50, "rearm", "measuring the stop"))
    client.do(Resume(51))


def stops(state: Path, trips: Sequence[Trip]) -> list[Stop]:
    """What the journal of ``state`` says of ``trips``."""
    wanted = {one.reason: one.sent_ns for one in trips}
    found: list[Stop] = []
    sent = 0
    raised = cancelled = float("nan")
    reader = open_reader(state)
    try:
        rows = reader.execute("SELECT payload, wall_ns FROM journal ORDER BY seq").fetchall()
    finally:
        reader.close()
    for payload, wall_ns in rows:
        record = decode_record(payload)
        if isinstance(record, Commanded) and record.reason in wanted:
            sent = wanted.pop(record.reason)
        elif sent and isinstance(record, LevelChanged) and record.level == DeskLevel.HALTED:
            raised = (wall_ns - sent) / 1e6
        elif sent and isinstance(record, Updated):
            cancelled = (wall_ns - sent) / 1e6
        elif sent and isinstance(record, Commanded):  # the re-arming: the stop is over
            found.append(Stop(raised, cancelled))
            sent, raised, cancelled = 0, float("nan"), float("nan")
    return found


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    n_trips = 20 if quick else 100
    tape = synthetic(200, 6_000 + WARMUP)
    with folder() as place:
        path = place / "tape.parquet"
        write_parquet(tape, path)
        arguments = ("--feed", str(path), "--start", start_of(tape, WARMUP), "--speed", "0")
        state = place / "state.db"
        with running(state, *arguments) as engine:
            wait_for_bars(engine, 60)
            idle = _round_trips(engine)
            trips, snapshots = _trips(engine, n_trips)
            bars = _bars(engine)
        journal = stops(state, trips)
    return [
        *_rows(trips, journal, idle, f"{bars} bars, {snapshots} snapshots read meanwhile"),
        *_direct(quick),
    ]


def _round_trips(engine: Engine) -> list[float]:
    """Milliseconds of a ``status`` under the same load: what the socket and a busy loop cost without any stop."""
    found = []
    with engine.client(read_only=True) as client:
        for _ in range(_IDLE_REQUESTS):
            began = CLOCK.monotonic_ns()
            client.status()
            found.append(1e3 * seconds_since(began))
    return found


def _trips(engine: Engine, n_trips: int) -> tuple[list[Trip], int]:
    rng = generator(5, "stop phases")
    reader = Reader(engine)
    found: list[Trip] = []
    try:
        with engine.client() as client:
            while len(found) < n_trips:
                time.sleep(rng.uniform(0.02, 0.08))
                one = trip(client, len(found))
                if one.reason:
                    found.append(one)
                release(client)
    finally:
        reader.close()
    return found, reader.read


def _bars(engine: Engine) -> int:
    with engine.client(read_only=True) as client:
        client.subscribe()
        header = client.next_snapshot().header
    if header.tape_ended:
        raise MeasurementFailed("the tape ended before the last trip")
    return header.bar


def _rows(trips: Sequence[Trip], journal: Sequence[Stop], idle: Sequence[float], note: str) -> list[Row]:
    answered = [one.answered_ms for one in trips]
    raised = [one.raised_ms for one in journal]
    cancelled = [one.cancelled_ms for one in journal if not math.isnan(one.cancelled_ms)]
    if len(journal) != len(trips):
        raise MeasurementFailed(f"the journal knows {len(journal)} of {len(trips)} stops")
    median_idle = percentile(idle, 50)
    rows = []
    for what, values, ratio in (
        ("halt to acknowledgement, durable", answered, percentile(answered, 50) / median_idle),
        ("halt to the level's change in the journal", raised, None),
        ("halt to cancels handed to the broker", cancelled, None),
    ):
        if not values:  # no order was working at any of the stops
            continue
        p50 = percentile(values, 50)
        against = "" if ratio is None else "a status request under the same load (median to median)"
        text = f"p50 {p50:.1f} ms, {len(values)} trips; {note}"
        rows.append(Row(f"{what}, p99", percentile(values, 99), "ms", BUDGET_MS, False, ratio, against, text))
    return rows


def _direct(quick: bool) -> list[Row]:
    """A kill of an engine that hangs, by the verb, from start of the command to its report."""
    rows = []
    for timeout_s in ("0.25",) if quick else ("0.25", "2"):
        with folder() as place:
            state = place / "state.db"
            engine = Engine(state, "--feed", "replay", "--speed", "0").start()
            try:
                wait_for_bars(engine, 300)
                engine.signal(signal.SIGSTOP)
                began = CLOCK.monotonic_ns()
                given = command(
                    "kill", "--state", str(state), "--json", "--timeout", timeout_s, "--reason", "measured"
                )
                done = subprocess.run(
                    given, capture_output=True, timeout=60, check=False, cwd=place, env=environment(place)
                )
                taken = seconds_since(began)
            finally:
                engine.kill()
        rows.append(_direct_row(done, taken, timeout_s))
    return rows


def _direct_row(done: subprocess.CompletedProcess[bytes], taken: float, timeout_s: str) -> Row:
    what = f"kill of a hung engine to a verified flat book, waiting {timeout_s} s for it"
    try:
        body = json.loads(done.stdout)
    except ValueError:
        return Row(
            what,
            float("nan"),
            "s",
            note=f"exit {done.returncode}: {done.stderr.decode(errors='replace')[-200:]}",
        )
    if not body["flat"] or not body["latched"]:
        return Row(what, float("nan"), "s", note=f"not done: {body}")
    return Row(what, taken, "s", note=f"path {body['path']}, {body['cancelled']} orders cancelled")
