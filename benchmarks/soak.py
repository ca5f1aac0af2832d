"""Runs the real engine long and unkindly, and watches memory, files and money; ``make soak``.

Three phases. *Hostile messages*: 100,000 payloads for the feeds of order books, each read or refused with one kind of
error. *Crashes*: the packaged tape at full speed, with SIGKILLs at seeded moments and stops just before some of
them; after each, the journal must verify, no order number or execution may come twice, and a book rebuilt from the fills
must equal the desk's to the last unit; at the end of the tape the whole session is replayed and compared. *One long
life*: a long synthetic tape with a client that never reads; memory, open files and files on disk must stay bounded.

Prints a summary and exits 1 on any failure.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
_ROOT = Path(__file__).resolve().parent.parent
for _path in (str(_ROOT / "src"), str(_ROOT)):
    if _path not in sys.path:
        sys.path.insert(0, _path)

from benchmarks.book_fuzz import fuzz  # noqa: E402 - the path is set above
from benchmarks.crashes import CrashRun  # noqa: E402
from benchmarks.engines import CLOCK, seconds_since  # noqa: E402
from benchmarks.long_life import LongLife  # noqa: E402
from benchmarks.rows import MeasurementFailed  # noqa: E402
from tuiconsole.domain.errors import DeskError  # noqa: E402

_CRASH_SHARE = 0.6
_PAYLOADS = 100_000


def hostile_messages(count: int) -> list[str]:
    """Payloads for the feeds of order books; what went wrong."""
    found = fuzz(count)
    print(f"books: {count:,} payloads, {found.refused:,} refusals, {found.events:,} events", flush=True)
    return found.escaped


def crashes(seeds: int, seconds: float) -> list[str]:
    """Crash runs until ``seeds`` are done or the time is up (at least one); what went wrong."""
    wrong: list[str] = []
    began = CLOCK.monotonic_ns()
    for seed in range(1, seeds + 1):
        left = seconds - seconds_since(began)
        if left <= 0:
            break
        run = CrashRun(seed)
        try:
            run.go(left)
        except (MeasurementFailed, DeskError, OSError) as error:
            run.wrong.append(f"{type(error).__name__}: {error}")
        print(run.summary(), flush=True)
        wrong += [f"seed {seed}: {text}" for text in run.wrong]
    return wrong


def long_life(seconds: float) -> list[str]:
    """One engine without crashes; what went wrong."""
    life = LongLife()
    try:
        life.go(seconds)
    except (MeasurementFailed, DeskError, OSError) as error:
        life.wrong.append(f"{type(error).__name__}: {error}")
    print(life.summary(), flush=True)
    return [f"long life: {text}" for text in life.wrong]


def main(arguments: list[str] | None = None) -> int:
    """Run the phases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=2.0, help="how long in all, about (default 2)")
    parser.add_argument("--seeds", type=int, default=1_000, help="most crash runs, each with its own seed")
    options = parser.parse_args(arguments)
    seconds = 60.0 * options.minutes
    began = CLOCK.monotonic_ns()
    wrong = hostile_messages(_PAYLOADS)
    wrong += crashes(options.seeds, seconds * _CRASH_SHARE)
    wrong += long_life(max(5.0, seconds - seconds_since(began)))
    for text in wrong:
        print(f"FAILED  {text}", file=sys.stderr)
    print(f"soak: {'FAILED' if wrong else 'all is well'} after {seconds_since(began):.0f} s.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
