"""How long a restart takes when the journal is long, and how fast its hash chain is verified.

The journal is a real one: 1,500 bars of the packaged history as the desk trades them, filled up to its million rows with
alerts (the shortest rows there are), then bars again behind the last checkpoint, as a crash would leave them.
"""

from __future__ import annotations

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

RECOVERY_S = 2.0
VERIFY_ROWS_PER_S = 1_000_000 / 60
"""The promise: 1,000,000 rows recovered in 2 s, and verified in 60 s."""
TAIL_BARS = 49
"""Bars behind the last checkpoint: the most that a restart has to drive again."""
_COMMIT_EVERY = 4_096


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    bars, rows = (200, 5_000) if quick else (1_500, 1_000_000)
    with folder() as place:
        short = place / "short.db"
        _journal(short, 100, 0)
        small_s = _restart(short)
    with folder() as place:
        state = place / "state.db"
        session_rows = _journal(state, bars, rows)
        began = CLOCK.monotonic_ns()
        report = verify_chain(state)
        chain_s = seconds_since(began)
        if not report.ok:
            raise MeasurementFailed(f"the journal does not verify: {report.text}")
        size = state.stat().st_size / 1e6
        ready_s = _restart(state)
        launch = load_launch(state)
        began = CLOCK.monotonic_ns()
        if launch is None:
            raise MeasurementFailed("the engine left no launch file")
        replayed = replay_journal(state, launch)
        replay_s = seconds_since(began)
    note = f"{session_rows} rows, {size:.0f} MB, {TAIL_BARS} bars driven again; process start included"
    speed = report.rows / chain_s
    return [
        Row(
            "engine: restart to ready, long journal",
            ready_s,
            "s",
            RECOVERY_S,
            False,
            ready_s / small_s,
            "a short journal",
            note,
        ),
        Row(
            "verify: hash chain, signatures, pages",
            speed,
            "rows/s",
            VERIFY_ROWS_PER_S,
            True,
            note=f"{chain_s:.2f} s",
        ),
        Row(
            "verify: whole session replayed and compared",
            replayed / replay_s,
            "rows/s",
            note=f"{replayed} rows, {replay_s:.2f} s",
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
