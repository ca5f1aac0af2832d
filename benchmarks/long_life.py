"""One engine on a long tape without a crash: does anything grow that should not?"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.crashes import bounded_files
from benchmarks.engines import CLOCK, Client, Engine, folder, running, seconds_since
from benchmarks.journal_checks import check
from benchmarks.markets import long_market, start_of, write_parquet
from benchmarks.rows import MeasurementFailed
from tuiconsole.market.tabular import read_tape
from tuiconsole.protocol.frames import Rearm, Resume
from tuiconsole.store.audit import verify_chain

WARMUP = 300
MOST_GROWTH_MB = 8.0
"""Allowed growth over the second half of the run, the noise of the allocator included."""
MOST_FILES_MORE = 4
BARS_PER_DAY = 86_400
_LOOK_EVERY_S = 0.5


class LongLife:
    """What was seen of one engine, half a second apart."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.seen: list[tuple[float, int, float]] = []
        self.rearmed = 0
        self.rows = 0
        self._files = (0, 0)

    def go(self, seconds: float) -> None:
        """Trade for ``seconds`` at full speed with one client that never reads, then check the journal."""
        tape = long_market(20, WARMUP + int(1_500 * seconds))
        with folder() as place:
            path = place / "tape.parquet"
            write_parquet(tape, path)
            state = place / "state.db"
            given = ("--feed", str(path), "--start", start_of(tape, WARMUP), "--speed", "0")
            with running(state, *given) as engine:
                deaf = engine.client(read_only=True)
                deaf.subscribe()
                self._watch(engine, seconds)
                deaf.close()
            self._judge(state, path)

    def _watch(self, engine: Engine, seconds: float) -> None:
        began = CLOCK.monotonic_ns()
        descriptors = Path(f"/proc/{engine.pid}/fd")
        with engine.client() as client:
            self._files = (len(list(descriptors.iterdir())),) * 2
            while (now := seconds_since(began)) < seconds and engine.alive:
                time.sleep(_LOOK_EVERY_S)
                status = client.status()
                self._go_on(client, status["state"])
                self.seen.append((now, int(status["journal_rows"]), engine.memory().now))
                self._files = (self._files[0], len(list(descriptors.iterdir())))
                if status["tape_ended"]:
                    break
        if not engine.alive:
            raise MeasurementFailed(f"the engine died: {engine.errors()}")

    def _go_on(self, client: Client, level: str) -> None:
        if level in ("halted", "killed"):
            client.do(Rearm(10, "rearm", "the soak goes on"))
            client.ask(Resume(11))
            self.rearmed += 1

    def _judge(self, state: Path, tape: Path) -> None:
        report = verify_chain(state, projections=True)
        self.rows = report.rows
        if not report.ok:
            self.wrong.append(report.text)
        self.wrong += check(state, read_tape(tape)).wrong[:5]
        self.wrong += bounded_files(state, report.rows)
        if self.growth_mb > MOST_GROWTH_MB:
            self.wrong.append(
                f"memory grew by {self.growth_mb:.1f} MB in the second half, {MOST_GROWTH_MB} allowed"
            )
        before, after = self._files
        if after > before + MOST_FILES_MORE:
            self.wrong.append(f"open files grew from {before} to {after}")

    @property
    def _second_half(self) -> list[tuple[float, int, float]]:
        return self.seen[len(self.seen) // 2 :]

    @property
    def growth_mb(self) -> float:
        """Growth of resident memory over the second half, along a straight line through what was seen."""
        half = self._second_half
        if len(half) < 4:
            return 0.0
        times, _, memory = (np.array(column, dtype=float) for column in zip(*half, strict=True))
        return float(np.polyfit(times, memory, 1)[0] * (times[-1] - times[0]))

    def summary(self) -> str:
        """One line."""
        if not self.seen:
            return f"long life: nothing seen; {len(self.wrong)} failures"
        half = self._second_half
        rows = half[-1][1] - half[0][1]
        per_day = self.growth_mb / rows * BARS_PER_DAY if rows else 0.0
        memory = [mb for _, _, mb in self.seen]
        return (
            f"long life: {self.rows} rows in {self.seen[-1][0]:.0f} s, re-armed {self.rearmed} times; memory "
            f"{memory[0]:.0f} MB at first, {max(memory):.0f} MB at most, {memory[-1]:.0f} MB at last, "
            f"{self.growth_mb:+.2f} MB in the second half ({per_day:+.1f} MB per {BARS_PER_DAY} rows); "
            f"open files {self._files[0]} then {self._files[1]}; {len(self.wrong)} failures"
        )
