"""What the trader feels at the console: from key to paint, and how many bytes the line must carry."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.engines import command, environment, folder, running
from benchmarks.processes import cpu_seconds
from benchmarks.pty_prober import Flow, PtyProgram
from benchmarks.rows import Row, percentile
from benchmarks.startup import FIGURES
from tuiconsole.domain.rng import generator

KEY_P95_MS = 50.0
BUSY_BYTES, IDLE_BYTES = 20_000.0, 2_000.0
BARS_PER_S = 10.0
_HELP, _DESK = (b"?", b"escape closes"), (b"\x1b", b"STOP")
_TIMEOUT_S = 15.0
_KEY_TIMEOUT_S = 2.0


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    keys, seconds = (10, 2.0) if quick else (60, 10.0)
    rows = []
    with folder() as place, running(place / "state.db", "--feed", "replay", "--speed", str(BARS_PER_S)):
        with _attached(place) as console:
            rows += _keys(console, keys)
            cpu = cpu_seconds(console.pid)
            busy = console.flow(seconds)
            cpu = 100 * (cpu_seconds(console.pid) - cpu) / busy.seconds
        note = f"console uses {cpu:.0f} % of a core"
        rows.append(_flow(f"busy screen at {BARS_PER_S:.0f} bars a second, 120x40", busy, BUSY_BYTES, note))
        rows.append(_stop_key(place))
    rows.append(_idle(2.0 if quick else 5.0))
    return rows


def _attached(place: Path) -> PtyProgram:
    """A console on the engine of ``place`` that shows figures."""
    console = PtyProgram(command("attach", "--state", str(place / "state.db")), place, environment(place))
    console.until(FIGURES, _TIMEOUT_S)
    console.flow(0.5)
    return console


def _keys(console: PtyProgram, keys: int) -> list[Row]:
    """Help opened and closed again, at moments that do not keep step with the engine."""
    rng = generator(3, "key phases")
    taken: list[float] = []
    missed = 0
    for i in range(keys):
        time.sleep(rng.uniform(0.05, 0.15))
        key, text = (_HELP, _DESK)[i % 2]
        painted = console.shows(text, _KEY_TIMEOUT_S, console.press(key))
        if painted is None:
            missed += 1
        else:
            taken.append(1e3 * painted)
    note = f"p50 {percentile(taken, 50):.1f} ms, worst {max(taken, default=float('nan')):.1f} ms, {missed} of {keys} not seen"
    return [Row("key to paint, busy screen, p95", percentile(taken, 95), "ms", KEY_P95_MS, note=note)]


def _flow(what: str, flow: Flow, budget: float, note: str) -> Row:
    text = f"{flow.frames / flow.seconds:.1f} frames a second; {note}"
    return Row(what, flow.bytes_per_s, "bytes/s", budget, note=text)


def _stop_key(place: Path) -> Row:
    """The stop key, from key to the answer of the engine on the screen."""
    with _attached(place) as console:
        taken = console.until(b"HALT done", _TIMEOUT_S, console.press(b"\x1b[20~"))
    return Row("stop key to the engine's answer on the screen", 1e3 * taken, "ms", note="one press")


def _idle(seconds: float) -> Row:
    """A desk whose tape has ended: nothing changes any more."""
    with folder() as place:
        given = ("--feed", "replay", "--start", "2022-12-20", "--speed", "0")
        with running(place / "state.db", *given), _attached(place) as console:
            idle = console.flow(seconds)
    return _flow("idle screen, tape ended", idle, IDLE_BYTES, "nothing changes")
