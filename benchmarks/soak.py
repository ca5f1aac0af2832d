"""Runs every proof at its full size, and the real engine long and unkindly; ``make soak``.

Parts (``--part NAME``, may be repeated): the campaigns of ``tests/reliability/campaigns.py``, each of so many seeds, and three
of its own. *crashes*: the packaged tape at full speed, SIGKILLs at seeded moments and stops just before some of them; after
each, the journal must verify, no order number or execution may come twice, and a book rebuilt from the fills must equal the
desk's to the last unit. *long-life*: a long synthetic tape with a client that never reads; memory, open files and files on disk
must stay bounded. *million-rows*: a journal of 1,000,000 rows verified, and an engine restarted on it.

``--record`` writes the figures to ``docs/reliability.json`` and the table ``docs/reliability.md`` anew. Exits 1 on any failure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
_ROOT = Path(__file__).resolve().parent.parent
for _path in (str(_ROOT / "src"), str(_ROOT)):
    if _path not in sys.path:
        sys.path.insert(0, _path)

from benchmarks import recovery  # noqa: E402 - the path is set above
from benchmarks.crashes import CrashRun  # noqa: E402
from benchmarks.engines import CLOCK, seconds_since  # noqa: E402
from benchmarks.long_life import LongLife  # noqa: E402
from benchmarks.rows import MeasurementFailed  # noqa: E402
from tests.reliability.campaigns import CAMPAIGNS, Outcome  # noqa: E402
from tools.write_reliability import FIGURES, write  # noqa: E402
from tuiconsole.domain.clock import iso  # noqa: E402
from tuiconsole.domain.errors import DeskError  # noqa: E402


def crashes(seeds: int, seconds: float) -> Outcome:
    """Crash runs until ``seeds`` are done or the time is up (at least one)."""
    wrong: list[str] = []
    began, kills = CLOCK.monotonic_ns(), 0
    for seed in range(1, seeds + 1):
        left = seconds - seconds_since(began)
        if left <= 0 and seed > 1:
            break
        run = CrashRun(seed)
        try:
            run.go(left)
        except (MeasurementFailed, DeskError, OSError) as error:
            run.wrong.append(f"{type(error).__name__}: {error}")
        print(run.summary(), flush=True)
        kills += run.kills
        wrong += [f"seed {seed}: {text}" for text in run.wrong]
    return Outcome(
        kills, f"{kills:,} kills of the desk on the packaged tape, every book rebuilt equal", tuple(wrong)
    )


def long_life(seconds: float) -> Outcome:
    """One engine without crashes."""
    life = LongLife()
    try:
        life.go(seconds)
    except (MeasurementFailed, DeskError, OSError) as error:
        life.wrong.append(f"{type(error).__name__}: {error}")
    return Outcome(life.rows, life.summary(), tuple(life.wrong))


def million_rows(rows: int) -> Outcome:
    """A long journal verified, and an engine restarted on it."""
    found = recovery.measure_journal(1_500, rows)
    wrong = []
    if found.verify_s > recovery.VERIFY_S:
        wrong.append(f"verified in {found.verify_s:.1f} s, {recovery.VERIFY_S:.0f} s are allowed")
    if found.ready_s > recovery.RECOVERY_S:
        wrong.append(f"restarted in {found.ready_s:.2f} s, {recovery.RECOVERY_S:.0f} s are allowed")
    text = (
        f"{found.rows:,} rows verified in {found.verify_s:.1f} s, restart to ready in {found.ready_s:.2f} s "
        f"(load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores)"
    )
    return Outcome(found.rows, text, tuple(wrong))


def parts(seeds: int | None, minutes: float) -> dict[str, Callable[[], Outcome]]:
    """Every part by its name, ready to run at its full size or with so many ``seeds``."""
    found: dict[str, Callable[[], Outcome]] = {}
    for name, campaign in CAMPAIGNS.items():
        found[name] = lambda campaign=campaign: campaign.run(seeds or campaign.full)  # type: ignore[misc]
    seconds = 60.0 * minutes
    found["million-rows"] = lambda: million_rows(recovery.ROWS)
    found["crashes"] = lambda: crashes(seeds or 1_000, 0.6 * seconds)
    found["long-life"] = lambda: long_life(max(5.0, 0.4 * seconds))
    return found


def record(name: str, outcome: Outcome) -> None:
    """Keep the figure of a part for ``docs/reliability.md``."""
    known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    day = iso(CLOCK.now_ns())[:10]
    known[name] = {"figure": outcome.figure, "failures": len(outcome.wrong), "day": day}
    FIGURES.write_text(
        json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    write()


def main(arguments: list[str] | None = None) -> int:
    """Run the parts asked for, all by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--part", action="append", choices=list(parts(None, 1.0)), help="only this; may be repeated"
    )
    parser.add_argument("--seeds", type=int, help="so many seeds or trials instead of a part's full size")
    parser.add_argument(
        "--minutes", type=float, default=2.0, help="for crashes and long-life together (default 2)"
    )
    parser.add_argument("--record", action="store_true", help="keep the figures in docs/reliability")
    options = parser.parse_args(arguments)
    began, wrong = CLOCK.monotonic_ns(), 0
    known = parts(options.seeds, options.minutes)
    for name in options.part or known:
        started = CLOCK.monotonic_ns()
        outcome = known[name]()
        verdict = f"{len(outcome.wrong)} FAILURES" if outcome.wrong else "ok"
        print(f"{name}: {outcome.figure}; {verdict}, {seconds_since(started):.0f} s", flush=True)
        for text in outcome.wrong[:20]:
            print(f"FAILED  {name}: {text}", file=sys.stderr)
        wrong += len(outcome.wrong)
        if options.record:
            record(name, outcome)
    print(f"soak: {'FAILED' if wrong else 'all is well'} after {seconds_since(began):.0f} s.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
