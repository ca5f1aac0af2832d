"""One desk over the packaged tape, killed at seeded moments and started again until the tape ends."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks.engines import CLOCK, Engine, command, environment, folder, seconds_since
from benchmarks.journal_checks import Findings, check
from benchmarks.rows import MeasurementFailed
from tuiconsole.domain.clock import parse_iso
from tuiconsole.domain.rng import generator
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.settings import FeedSettings
from tuiconsole.protocol.frames import Halt, Rearm, Resume
from tuiconsole.store.audit import verify_chain

HALT_CHANCE = 0.5
"""Chance that a stop is asked for, and acknowledged, just before a crash."""
LIFE_S = (0.02, 0.8)
_SPEED = ("--feed", "replay", "--speed", "0")


class CrashRun:
    """A desk, its crashes and what was found after each."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.wrong: list[str] = []
        self.kills = 0
        self.acknowledged = 0
        self.rearmed = 0
        self.rows = 0
        self.most_mb = 0.0
        self.slowest_start_s = 0.0
        self.replayed = False
        self.found = Findings()
        self._rng = generator(seed, "crashes")
        self._tape = packaged_tape()
        self._bars = len(self._tape) - self._tape.index_from(parse_iso(FeedSettings().start))

    def go(self, seconds: float) -> None:
        """Trade and crash until the tape ends or the time is up; then check everything once more."""
        began = CLOCK.monotonic_ns()
        with folder() as place:
            state = place / "state.db"
            halted = False
            while True:
                engine = Engine(state, *_SPEED)
                try:
                    halted, ended = self._life(engine, halted)
                finally:
                    engine.kill()
                self.kills += 1
                self._examine(state)
                if self.wrong or ended or seconds_since(began) > seconds:
                    break
            self._replay(state)

    def _life(self, engine: Engine, must_be_halted: bool) -> tuple[bool, bool]:
        """One life from start to SIGKILL; whether a halt was acknowledged at its end, and whether the tape had ended."""
        engine.start()
        self.slowest_start_s = max(self.slowest_start_s, engine.ready_s)
        with engine.client() as client:
            status = client.status()
            if must_be_halted and status["state"] != "halted":
                self.wrong.append(f"an acknowledged halt was lost: the desk came back {status['state']}")
            if status["state"] in ("halted", "killed"):
                client.do(Rearm(10, "rearm", "the soak goes on"))
                self.rearmed += 1
            if client.status()["state"] == "paused":
                client.ask(Resume(11))
            time.sleep(self._rng.uniform(*LIFE_S))
            status = client.status()
            self._look_at(engine, status)
            halted = False
            if self._rng.random() < HALT_CHANCE and status["state"] in ("running", "paused"):
                client.ask(Halt(12, "just before a crash"))
                self.acknowledged += 1
                halted = True
            engine.signal(signal.SIGKILL)
        return halted, bool(status["tape_ended"])

    def _look_at(self, engine: Engine, status: dict[str, Any]) -> None:
        self.most_mb = max(self.most_mb, engine.memory().peak)
        worth = sum(row["quantity"] * (row["last_price"] or 0.0) for row in status["positions"])
        if abs(status["cash"] + worth - status["equity"]) > 1e-6 * max(1.0, abs(status["equity"])):
            self.wrong.append(
                f"cash {status['cash']} and positions {worth} are not equity {status['equity']}"
            )

    def _examine(self, state: Path) -> None:
        report = verify_chain(state, projections=True)
        if not report.ok:
            self.wrong.append(f"after crash {self.kills}: {report.text}")
        if report.rows < self.rows:
            self.wrong.append(f"after crash {self.kills}: {report.rows} rows, {self.rows} before")
        self.rows = report.rows
        self.found = check(state, self._tape)
        self.wrong += [f"after crash {self.kills}: {text}" for text in self.found.wrong[:5]]
        self.wrong += bounded_files(state, report.rows)

    def _replay(self, state: Path) -> None:
        """The ``verify`` verb: every row must follow again from the tape and the journalled commands."""
        done = subprocess.run(
            command("verify", "--state", str(state), "--json"),
            capture_output=True,
            timeout=600,
            check=False,
            cwd=state.parent,
            env=environment(state.parent),
        )
        try:
            body = json.loads(done.stdout)
        except ValueError:
            raise MeasurementFailed(
                f"verify said nothing: {done.stderr.decode(errors='replace')[-300:]}"
            ) from None
        self.replayed = bool(body["ok"])
        if not self.replayed:
            self.wrong.append(f"the session does not replay: {body}")

    def summary(self) -> str:
        """One line."""
        found = self.found
        return (
            f"seed {self.seed}: {self.kills} SIGKILLs ({self.acknowledged} just after an acknowledged halt), "
            f"{found.bars} of {self._bars} bars, {found.orders} orders, {found.fills} fills, {self.rows} rows, "
            f"re-armed {self.rearmed} times; slowest start {self.slowest_start_s:.2f} s, most memory {self.most_mb:.0f} MB; "
            f"{'replayed equal' if self.replayed else 'not replayed'}; {len(self.wrong)} failures"
        )


WAL_MB = 72.0
"""The store truncates its write-ahead log at 64 MiB."""
LOG_MB = 22.0
"""Four files of the log, 5 MB each."""


def bounded_files(state: Path, rows: int) -> list[str]:
    """What on disk is larger than it may be for a journal of ``rows`` rows."""
    limits = {
        state.name: 24.0 + 0.003 * rows,
        f"{state.name}-wal": WAL_MB,
        f"{state.stem}.latch": 0.01,
        f"{state.stem}.lock": 0.01,
    }
    wrong = []
    for name, limit in limits.items():
        path = state.with_name(name)
        size = path.stat().st_size / 1e6 if path.exists() else 0.0
        if size > limit:
            wrong.append(f"{name} has {size:.1f} MB, at most {limit:.1f} MB are expected for {rows} rows")
    logs = sum(path.stat().st_size for path in state.parent.glob(f"{state.stem}.log*")) / 1e6
    if logs > LOG_MB:
        wrong.append(f"the log has {logs:.1f} MB, at most {LOG_MB:.0f} MB are expected")
    errors = state.with_name("stderr.txt")
    if errors.exists() and errors.stat().st_size:
        last = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1]
        wrong.append(f"the engine wrote to its standard error: {last[:200]}")
    return wrong
