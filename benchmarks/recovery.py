"""How long a restart takes when the journal is long, and how fast its hash chain is verified.

The journal is a real one: 1,500 bars of the packaged history as the desk trades them, filled up to its million rows with
alerts (the shortest rows there are), then bars again behind the last checkpoint, as a crash would leave them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from benchmarks.engines import CLOCK, Engine, folder, seconds_since
from benchmarks.rows import MeasurementFailed, Row
from benchmarks.sessions import durable_session, go_on, replay_plan
from tuiconsole.domain.effects import Severity
from tuiconsole.engine.launch import load_launch
from tuiconsole.engine.session import Session
from tuiconsole.engine.verify import replay_journal
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.writer import Writer

RECOVERY_S, VERIFY_S = 2.0, 60.0
ROWS = 1_000_000
"""The promise: so many rows recovered in 2 s, and verified in 60 s."""
TAIL_BARS = 49
"""Bars behind the last checkpoint: the most that a restart has to drive again."""
_COMMIT_EVERY = 4_096
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A long journal: its size, and how long it took to verify it, to start an engine on it, and to replay it."""

    rows: int
    mb: float
    verify_s: float
    ready_s: float
    replayed: int
    replay_s: float


def measure_journal(bars: int, rows: int) -> Measured:
    """Make a journal of at least ``rows`` rows, and measure."""
    with folder() as place:
        state = place / "state.db"
        made = _journal(state, bars, rows)
        began = CLOCK.monotonic_ns()
        report = verify_chain(state)
        verify_s = seconds_since(began)
        if not report.ok:
            raise MeasurementFailed(f"the journal does not verify: {report.text}")
        size = state.stat().st_size / 1e6
        ready_s = min(_restart(state) for _ in range(_TRIES))
        launch = load_launch(state)
        began = CLOCK.monotonic_ns()
        if launch is None:
            raise MeasurementFailed("the engine left no launch file")
        replayed = replay_journal(state, launch)
        return Measured(made, size, verify_s, ready_s, replayed, seconds_since(began))


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    bars, rows = (200, 5_000) if quick else (1_500, ROWS)
    with folder() as place:
        short = place / "short.db"
        _journal(short, 100, 0)
        small_s = min(_restart(short) for _ in range(_TRIES))
    found = measure_journal(bars, rows)
    note = f"{found.rows} rows, {found.mb:.0f} MB, {TAIL_BARS} bars driven again; process start included"
    allowed = VERIFY_S * rows / ROWS
    return [
        Row(
            "engine: restart to ready, long journal",
            found.ready_s,
            "s",
            RECOVERY_S,
            False,
            found.ready_s / small_s,
            "a short journal",
            note,
        ),
        Row(
            f"verify: {rows:,} rows, hash chain, signatures, pages",
            found.verify_s,
            "s",
            allowed,
            note=f"{found.rows / found.verify_s:,.0f} rows/s",
        ),
        Row(
            "verify: whole session replayed and compared",
            found.replayed / found.replay_s,
            "rows/s",
            note=f"{found.replayed} rows, {found.replay_s:.2f} s",
        ),
    ]


def _journal(state: Path, bars: int, rows: int) -> int:
    """A store with at least ``rows`` rows that ends :data:`TAIL_BARS` bars behind a checkpoint; its rows."""
    session, writer = durable_session(state, replay_plan(packaged_tape()))
    try:
        _trade(session, writer, bars)
        while writer.rows < rows:
            for _ in session.note(Severity.INFO, "filler", "one of many"):
                pass
            if writer.rows % _COMMIT_EVERY == 0:
                writer.commit()
        writer.checkpoint(session.state()).result()
        _trade(session, writer, TAIL_BARS)
        return writer.rows
    finally:
        writer.close()


def _trade(session: Session, writer: Writer, bars: int) -> None:
    for _ in range(bars):
        for _ in chain(session.bar(), go_on(session)):
            pass
        writer.commit()


def _restart(state: Path) -> float:
    """Seconds from the spawn of an engine on ``state`` to its readiness."""
    engine = Engine(state, "--feed", "replay", "--speed", "1").start()
    engine.kill()
    return engine.ready_s
