"""What the trader feels at the console: from key to paint, and how many bytes the line must carry."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.engines import command, environment, folder, running
from benchmarks.processes import cpu_seconds
from benchmarks.pty_prober import Flow, PtyProgram
from benchmarks.rows import MeasurementFailed, Row, percentile
from benchmarks.startup import FIGURES
from tuiconsole.domain.rng import generator

KEY_P95_MS = 50.0
BUSY_BYTES, IDLE_BYTES = 20_000.0, 2_000.0
BARS_PER_S = 10.0
_DIALOG = ((b"?", b"escape closes"), (b"q", b"Positions"))
_PANELS = ((b"2", b"P&L"), (b"5", b"Orders"), (b"6", b"Agents"), (b"1", b"Positions"))
"""Keys, and words that are painted only when the key took effect: no update of the figures contains them."""
_TIMEOUT_S = 15.0
_KEY_TIMEOUT_S = 2.0


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    keys, seconds = (8, 2.0) if quick else (40, 10.0)
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
    try:
        console.until(FIGURES, _TIMEOUT_S)
        console.flow(0.5)
    except MeasurementFailed:
        console.close()
        raise
    return console


def _keys(console: PtyProgram, keys: int) -> list[Row]:
    """Panels in turn, and help opened and closed, at moments that do not keep step with the engine."""
    panels, missed = _press(console, _PANELS, keys)
    dialog, also_missed = _press(console, _DIALOG, keys)
    note = f"panels p95 {percentile(panels, 95):.0f} ms, help p95 {percentile(dialog, 95):.0f} ms; "
    note += f"{missed + also_missed} of {2 * keys} not seen"
    both = [*panels, *dialog]
    return [
        Row("key to paint, busy screen, p95", percentile(both, 95), "ms", KEY_P95_MS, note=note),
        Row("key to paint, busy screen, p50", percentile(both, 50), "ms"),
    ]


def _press(console: PtyProgram, pairs: Sequence[tuple[bytes, bytes]], keys: int) -> tuple[list[float], int]:
    """Milliseconds from key to paint, and how many were not painted in time."""
    rng = generator(3, "key phases")
    taken: list[float] = []
    for i in range(keys):
        time.sleep(rng.uniform(0.05, 0.15))
        key, text = pairs[i % len(pairs)]
        painted = console.shows(text, _KEY_TIMEOUT_S, console.press(key))
        if painted is not None:
            taken.append(1e3 * painted)
    return taken, keys - len(taken)


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
