"""What an engine holds of the machine's memory, with 200 symbols and with the packaged 20."""

from __future__ import annotations

from benchmarks.engines import CLOCK, Engine, folder, running, seconds_since
from benchmarks.markets import start_of, synthetic, write_parquet
from benchmarks.processes import Memory, bare_interpreter
from benchmarks.rows import MeasurementFailed, Row

BUDGET_MB = 300.0
WARMUP = 300
_TIMEOUT_S = 60.0


def wait_for_bars(engine: Engine, bars: int) -> int:
    """Return when the engine has traded ``bars`` bars, or its tape has ended; how many it was."""
    began = CLOCK.monotonic_ns()
    with engine.client(read_only=True) as client:
        client.subscribe()
        while seconds_since(began) < _TIMEOUT_S:
            header = client.next_snapshot().header
            if header.bar >= bars or header.tape_ended:
                return header.bar
    raise MeasurementFailed(f"the engine did not trade {bars} bars in {_TIMEOUT_S:.0f} s")


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    bars = 200 if quick else 1_000
    bare = bare_interpreter()
    tape = synthetic(200, bars + WARMUP + 20)
    rows = []
    with folder() as place:
        path = place / "tape.parquet"
        write_parquet(tape, path)
        start = ("--start", start_of(tape, WARMUP), "--speed", "0")
        with running(place / "state.db", "--feed", str(path), *start) as engine:
            rows.append(_row("200 symbols", wait_for_bars(engine, bars), engine.memory(), bare))
    with folder() as place, running(place / "state.db", "--feed", "replay", "--speed", "0") as engine:
        rows.append(_row("the packaged 20 symbols", wait_for_bars(engine, bars), engine.memory(), bare))
    return rows


def _row(what: str, bars: int, memory: Memory, bare: Memory) -> Row:
    return Row(
        what=f"engine memory, {what}, after {bars} bars",
        value=memory.now,
        unit="MB resident",
        budget=BUDGET_MB,
        ratio=memory.now / bare.now,
        against="a Python with numpy alone",
        note=f"peak {memory.peak:.0f} MB",
    )
