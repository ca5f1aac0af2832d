"""The verb simulate: the real desk in a world that misbehaves, by seeds that can be repeated."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tuiconsole.verbs.common import Place


def simulate(place: Place, seed: int, seeds: int, faults: str, bars: int, symbols: int) -> dict[str, Any]:
    """Run ``seeds`` simulations from ``seed`` on; the verb's stable keys.

    ``runs`` holds every result; ``broken`` those in which an invariant did not hold, each with the command that repeats it.
    """
    from tuiconsole.domain.clock import WallClock
    from tuiconsole.engine.simulated_faults import FaultRates
    from tuiconsole.engine.simulation import Simulation

    rates, clock = FaultRates.parse(faults), WallClock()
    began = clock.monotonic_ns()
    results = []
    for each in range(seed, seed + seeds):
        with tempfile.TemporaryDirectory(prefix="tuiconsole-") as folder:
            results.append(Simulation(each, rates, bars, symbols, Path(folder), place.config.desk).run())
    config = f" --config {place.config_path}" if place.config_path is not None else ""
    again = f"--faults {rates} --bars {bars} --symbols {symbols}{config}"
    return {
        "ok": not any(result.broken for result in results),
        "seconds": (clock.monotonic_ns() - began) / 1e9,
        "runs": [asdict(result) for result in results],
        "broken": [
            {
                "seed": result.seed,
                "invariant": result.broken,
                "what": result.what,
                "again": f"tuiconsole simulate --seed {result.seed} {again}",
            }
            for result in results
            if result.broken
        ],
    }


def simulation_text(body: dict[str, Any]) -> str:
    """The results for people."""
    runs = body["runs"]
    total: Counter[str] = Counter()
    for run in runs:
        total.update({name: value for name, value in run.items() if isinstance(value, int)})
    lines = [
        f"{len(runs)} simulated stretches, {total['bars']:,} bars, in {body['seconds']:.1f} s",
        f"{total['orders']:,} orders handed over, {total['fills']:,} fills, {total['rows']:,} journal rows",
        f"{total['crashes']:,} crashes, {total['disk_faults']:,} disk faults, {total['trips']:,} stops",
        f"{total['kills']:,} kills, {total['flat']:,} of them seen through to a flat book",
    ]
    if len(runs) == 1:
        alerts = ", ".join(f"{code} {count}" for code, count in runs[0]["alerts"].items()) or "none"
        lines += [f"alerts: {alerts}", f"journal head {runs[0]['head']}"]
    for found in body["broken"]:
        lines += [
            f"BROKEN  seed {found['seed']}: {found['invariant']}: {found['what']}",
            f"        {found['again']}",
        ]
    lines.append(
        "Every invariant held after every event." if body["ok"] else f"{len(body['broken'])} seeds FAILED."
    )
    return "\n".join(lines)
