"""How fast a simulated day of trading goes by: 390 bars of one minute, with faults or none, invariants looked at."""

from __future__ import annotations

import time

from benchmarks.engines import folder
from benchmarks.rows import MeasurementFailed, Row
from tuiconsole.engine.simulated_faults import FaultRates
from tuiconsole.engine.simulation import Simulation

BUDGET_TIMES = 1_000.0
DAY_BARS = 390
_BAR_S = 60.0


def times_real(seed: int, faults: str, symbols: int) -> float:
    """Seconds of market per second of processor time, best of what is measured by the caller."""
    with folder() as place:
        simulation = Simulation(seed, FaultRates.parse(faults), DAY_BARS, symbols, place)
        began = time.process_time()
        result = simulation.run()
        seconds = time.process_time() - began
    if result.broken:
        raise MeasurementFailed(f"seed {seed}: {result.broken}: {result.what}")
    return result.bars * _BAR_S / seconds


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    seeds = range(1, 2 if quick else 4)
    rows = []
    for faults, symbols in (("none", 6), ("all", 6), ("all", 50)):
        best = max(times_real(seed, faults, symbols) for seed in seeds)
        what = f"simulated day, {symbols} symbols, faults: {faults}"
        note = "market seconds per processor second, invariants after every event"
        rows.append(Row(what, best, "x", BUDGET_TIMES, at_least=True, note=note))
    return rows
