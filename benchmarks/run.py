"""Measures the desk against its budgets and against simpler programs in the same run; ``make bench``.

Every measurement is a file of its own with ``measure(quick) -> list[Row]``. A missed budget is reported, not an error;
the exit code is 1 only when something could not be measured.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import platform
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
_ROOT = Path(__file__).resolve().parent.parent
for _path in (str(_ROOT / "src"), str(_ROOT)):
    if _path not in sys.path:
        sys.path.insert(0, _path)

from benchmarks.report import markdown, summary, table  # noqa: E402 - the path is set above
from benchmarks.rows import MeasurementFailed, Row  # noqa: E402
from tuiconsole.domain.clock import WallClock  # noqa: E402
from tuiconsole.domain.errors import DeskError  # noqa: E402

MEASUREMENTS = (
    "throughput",
    "scaling",
    "against_peers",
    "stages",
    "features",
    "simulated_days",
    "startup",
    "console",
    "stopping",
    "commits",
    "memory",
    "recovery",
    "history",
    "defence",
    "books",
)


def measure(name: str, quick: bool) -> list[Row]:
    """The rows of one measurement; one row that says why when it could not be made."""
    module = importlib.import_module(f"benchmarks.{name}")
    try:
        rows: list[Row] = module.measure(quick)
    except (MeasurementFailed, DeskError, OSError) as error:
        return [Row(name, float("nan"), "", note=f"could not be measured: {error}")]
    return rows


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    load = os.getloadavg()[0]
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load_at_start": round(load, 2),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements asked for and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything to this file")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="only this; may be repeated")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table for a README")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, smaller sizes")
    options = parser.parse_args(arguments)
    clock, where = WallClock(), machine()
    began = clock.monotonic_ns()
    print("  ".join(f"{key} {value}" for key, value in where.items()))
    measured: dict[str, list[Row]] = {}
    for name in options.only or MEASUREMENTS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        measured[name] = measure(name, options.quick)
    seconds = (clock.monotonic_ns() - began) / 1e9
    print(table(measured))
    print(f"{summary(measured)} Measured in {seconds:.0f} s.")
    if options.markdown is not None:
        options.markdown.write_text(markdown(measured), encoding="utf-8")
    if options.json is not None:
        rows = {name: [row.as_json() for row in found] for name, found in measured.items()}
        body = {"machine": where, "quick": options.quick, "seconds": round(seconds, 1), "measured": rows}
        options.json.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    failed = any(math.isnan(row.value) for rows in measured.values() for row in rows)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
