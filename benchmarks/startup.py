"""How long a trader waits: first paint of the console, engine ready, and ready again after a restart."""

from __future__ import annotations

import json
import subprocess

from benchmarks.engines import (
    CLOCK,
    Engine,
    command,
    environment,
    folder,
    running,
    seconds_since,
    stop_whoever_runs,
)
from benchmarks.pty_prober import PtyProgram
from benchmarks.rows import Row, percentile

FIRST_PAINT_S, READY_S = 1.0, 3.0
HEADER, FIGURES = b"REPLAY", b"equity"
_TIMEOUT_S = 20.0


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report; the first start warms the disk's cache and is not counted."""
    repeats = 1 if quick else 3
    _paint()
    paints = [_paint() for _ in range(repeats)]
    ready, again = zip(*(_ready() for _ in range(repeats)), strict=True)
    verb = _verb()
    return [
        _row("cold start to first paint of the console", [one for one, _ in paints], FIRST_PAINT_S, verb),
        _row("cold start to the first figures on the screen", [two for _, two in paints], None, verb),
        _row("engine: spawned to ready, fresh store", list(ready), READY_S, verb),
        _row("engine: spawned to ready, store of an earlier run", list(again), READY_S, verb),
        Row("verb: status --json, no engine", verb, "s"),
    ]


def _row(what: str, values: list[float], budget: float | None, verb: float) -> Row:
    value = percentile(values, 50)
    note = f"median of {len(values)}, worst {max(values):.2f} s"
    return Row(what, value, "s", budget, False, value / verb, "the status verb", note)


def _paint() -> tuple[float, float]:
    """Seconds from start to the header, and to the first figures; with a fresh store and no engine."""
    with folder() as place:
        state = place / "state.db"
        try:
            given = command("--state", str(state), "--feed", "replay")
            with PtyProgram(given, place, environment(place)) as console:
                painted = console.until(HEADER, _TIMEOUT_S)
                return painted, console.until(FIGURES, _TIMEOUT_S)
        finally:
            stop_whoever_runs(state)


def _ready() -> tuple[float, float]:
    """Seconds to readiness with a fresh store, and with the one that SIGKILL left."""
    with folder() as place:
        state = place / "state.db"
        first = Engine(state, "--feed", "replay", "--speed", "200").start()
        began = CLOCK.monotonic_ns()
        with first.client(read_only=True) as client:
            client.subscribe()
            while client.next_snapshot().header.bar < 120 and seconds_since(began) < _TIMEOUT_S:
                pass
        first.kill()
        with running(state, "--feed", "replay", "--speed", "200") as second:
            return first.ready_s, second.ready_s


def _verb() -> float:
    """Seconds that a verb takes which only says that no engine runs."""
    with folder() as place:
        state = place / "state.db"
        Engine(state, "--feed", "replay", "--speed", "1").start().stop()
        began = CLOCK.monotonic_ns()
        done = subprocess.run(
            command("status", "--state", str(state), "--json"),
            capture_output=True,
            check=True,
            cwd=place,
            env=environment(place),
        )
        taken = seconds_since(began)
    json.loads(done.stdout)
    return taken
