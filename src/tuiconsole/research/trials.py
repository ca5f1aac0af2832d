"""The counter of trials: every backtest that was evaluated, for good, so that a result can be deflated by all of them.

``trials.db`` lies in the runs directory. It only grows: rows can neither be changed nor deleted, and removing a run leaves its
trials counted. A trial is told apart by tape, configuration (which holds the policy and its parameters) and period; running
the same again is another row but no new trial, because a deterministic desk gives the same Sharpe ratio again.
"""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.analytics.performance import sharpe
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.analytics.significance import Trials
from tuiconsole.domain.errors import StoreError

FILE = "trials.db"
_PATIENCE_S = 60.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trial (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tape TEXT NOT NULL,
    configuration TEXT NOT NULL,
    first_ts INTEGER NOT NULL,
    last_ts INTEGER NOT NULL,
    bars INTEGER NOT NULL,
    sharpe REAL,
    sample TEXT NOT NULL,
    origin TEXT NOT NULL,
    made_ns INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS trial_tape ON trial (tape);
CREATE TRIGGER IF NOT EXISTS trial_stays BEFORE DELETE ON trial BEGIN SELECT RAISE(ABORT, 'trials stay'); END;
CREATE TRIGGER IF NOT EXISTS trial_is BEFORE UPDATE ON trial BEGIN SELECT RAISE(ABORT, 'trials stay'); END;
"""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One evaluated backtest.

    Attributes
    ----------
    tape
        Content hash of the tape.
    configuration
        Digest of everything that changes decisions, the policy and its parameters included.
    first_ts, last_ts, bars
        Of the bars that traded; ns UTC.
    sharpe
        Per bar, not annual; None where it is not defined.
    origin
        The verb, or the name of the run.
    """

    tape: str
    configuration: str
    first_ts: int
    last_ts: int
    bars: int
    sharpe: float | None
    sample: Sample
    origin: str


def trial_row(tape: str, configuration: str, curve: Curve, origin: str) -> TrialRow:
    """The row of a backtest whose returns are ``curve``; times are 0 when it had no bars."""
    ratio = sharpe(curve.returns, 1.0)
    first, last = (int(curve.ts[0]), int(curve.ts[-1])) if len(curve) else (0, 0)
    return TrialRow(
        tape, configuration, first, last, len(curve), None if ratio != ratio else ratio, curve.sample, origin
    )


class TrialCounter:
    """All trials ever evaluated with one runs directory; safe to use from many processes at once.

    Parameters
    ----------
    directory
        Of the runs; made when the first trial is counted.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE

    def add(self, rows: Sequence[TrialRow], made_ns: int) -> None:
        """Count ``rows``, all or none; they are durable when this returns.

        Raises
        ------
        StoreError
            The file cannot be written or is no counter of trials.
        """
        values = [
            (
                r.tape,
                r.configuration,
                r.first_ts,
                r.last_ts,
                r.bars,
                r.sharpe,
                r.sample.value,
                r.origin,
                made_ns,
            )
            for r in rows
        ]
        with self._open() as file:
            file.executemany(
                "INSERT INTO trial (tape, configuration, first_ts, last_ts, bars, sharpe, sample, origin, made_ns) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def on(self, tape: str) -> Trials:
        """How many different trials were counted on ``tape``, and the variance of their Sharpe ratios per bar.

        A trial without a Sharpe ratio counts, but says nothing about the variance.
        """
        with self._reading() as file:
            rows = file.execute(
                "SELECT sharpe FROM trial WHERE tape = ? GROUP BY configuration, first_ts, last_ts", (tape,)
            ).fetchall()
        ratios = [ratio for (ratio,) in rows if ratio is not None]
        return Trials(len(rows), statistics.variance(ratios) if len(ratios) > 1 else 0.0)

    def evaluations(self) -> int:
        """Rows in all: every backtest ever evaluated here, repetitions included."""
        with self._reading() as file:
            (count,) = file.execute("SELECT count(*) FROM trial").fetchone()
        return int(count)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """For looking alone: a directory that may only be read will do; without the file, nothing was counted."""
        try:
            where = f"{self.path.absolute().as_uri()}?mode=ro" if self.path.exists() else ":memory:"
            with closing(sqlite3.connect(where, timeout=_PATIENCE_S, isolation_level=None, uri=True)) as file:
                if where == ":memory:":
                    file.executescript(_SCHEMA)
                yield file
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(
            f"The counter of trials {self.path} cannot be used: {error}.",
            "Without it no result can be deflated; restore the file or use another --runs.",
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction; committed with a full sync when the block ends well."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=_PATIENCE_S, isolation_level=None)) as file:
                file.execute("PRAGMA synchronous = FULL")
                file.execute("BEGIN IMMEDIATE")
                if not file.execute("SELECT 1 FROM sqlite_master WHERE name = 'trial_is'").fetchone():
                    for statement in _statements():
                        file.execute(statement)
                yield file
                file.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error


def _statements() -> list[str]:
    parts = _SCHEMA.split(";\n")
    return [part for part in parts if part.strip()]
