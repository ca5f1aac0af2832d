"""The counter of trials: every backtest that was evaluated, for good, so that a result can be deflated by all of them.

``trials.db`` lies in the runs directory. It only grows: rows can neither be changed nor deleted, and removing a run leaves its
trials counted. A trial is told apart by what it looked at (symbols and period) and by its configuration, which holds the policy
and its parameters; running the same again is another row but no new trial.

A result is deflated by every trial whose period overlaps its own by at least a moment and which shares at least one symbol
with it, on whatever tape: one more bar, one more symbol or a repaired price do not make the others forgotten. See decision 16.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.analytics.performance import sharpe
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.analytics.significance import Trials
from tuiconsole.domain.errors import StoreError
from tuiconsole.market.simulated import SIMULATED_NAME

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
    made_ns INTEGER NOT NULL,
    universe TEXT,
    bars_per_year REAL
);
CREATE TABLE IF NOT EXISTS universe (digest TEXT PRIMARY KEY, symbols TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS trial_stays BEFORE DELETE ON trial BEGIN SELECT RAISE(ABORT, 'trials stay'); END;
CREATE TRIGGER IF NOT EXISTS trial_is BEFORE UPDATE ON trial BEGIN SELECT RAISE(ABORT, 'trials stay'); END;
"""


_ADDED = (("universe", "TEXT"), ("bars_per_year", "REAL"))
"""Columns that files of earlier versions lack; their rows have no value there."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What was looked at.

    Attributes
    ----------
    tape
        Content hash of the tape.
    symbols
        Those of its universe. A simulated market is a world of its own: its symbols bear its hash, no other market has them.
    bars_per_year
        Scale of a Sharpe ratio per bar, so that trials on bars of different length compare.
    """

    tape: str
    symbols: tuple[str, ...]
    bars_per_year: float

    @classmethod
    def of(cls, tape: str, source: str, symbols: Sequence[str], bars_per_year: float) -> Subject:
        """The subject of a backtest on a tape with this hash and ``source``."""
        apart = f"@{tape[:12]}" if source == SIMULATED_NAME else ""
        return cls(tape, tuple(sorted(symbol + apart for symbol in symbols)), bars_per_year)

    @property
    def universe(self) -> str:
        """Sixteen hex digits over the symbols."""
        return hashlib.sha256(_listed(self.symbols).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One evaluated backtest.

    Attributes
    ----------
    subject
        What it looked at.
    configuration
        Digest of everything that changes decisions, the policy and its parameters included.
    first_ts, last_ts, bars
        Of the bars that traded; ns UTC.
    sharpe
        Per bar, not annual; None where it is not defined.
    origin
        The verb, or the name of the run.
    """

    subject: Subject
    configuration: str
    first_ts: int
    last_ts: int
    bars: int
    sharpe: float | None
    sample: Sample
    origin: str


def trial_row(subject: Subject, configuration: str, curve: Curve, origin: str) -> TrialRow:
    """The row of a backtest whose returns are ``curve``; times are 0 when it had no bars."""
    ratio = sharpe(curve.returns, 1.0)
    return TrialRow(
        subject,
        configuration,
        *period_of(curve),
        len(curve),
        None if ratio != ratio else ratio,
        curve.sample,
        origin,
    )


def period_of(curve: Curve) -> tuple[int, int]:
    """First and last time of ``curve``, ns UTC; zeros when it has no bars."""
    return (int(curve.ts[0]), int(curve.ts[-1])) if len(curve) else (0, 0)


@dataclass(frozen=True, slots=True)
class Counted:
    """Every row of a counter, as it was at one moment.

    Attributes
    ----------
    rows
        Tape, configuration, first and last time, Sharpe ratio per bar, universe, bars per year; oldest first. The last two are
        None in rows of versions that did not keep them.
    universes
        Symbols of each universe.
    """

    rows: tuple[tuple[str, str, int, int, float | None, str | None, float | None], ...]
    universes: Mapping[str, frozenset[str]]

    def over(self, subject: Subject, first_ts: int, last_ts: int) -> Trials:
        """How many different trials looked at ``subject`` between two times, and how far their Sharpe ratios lay apart.

        A trial counts when its period and ``[first_ts, last_ts]`` share a moment, and its symbols and those of ``subject``
        share one. Where a row does not know its symbols, those of another row on the same tape are taken, and if there is
        none, it counts by its period alone. The same configuration on the same symbols and period is one trial, whatever
        its tape; its last evaluation tells its Sharpe ratio, scaled to the bars of ``subject``. A trial without one counts,
        but says nothing about the variance.
        """
        known = {row[0]: row[5] for row in self.rows if row[5] is not None}
        wanted = frozenset(subject.symbols)
        shared = {digest for digest, symbols in self.universes.items() if symbols & wanted}
        found: dict[tuple[str, str, int, int], float | None] = {}
        for tape, configuration, first, last, ratio, universe, per_year in self.rows:
            seen = universe or known.get(tape)
            if first > last_ts or last < first_ts or (seen is not None and seen not in shared):
                continue
            scale = 1.0 if per_year is None else (per_year / subject.bars_per_year) ** 0.5
            found[seen or tape, configuration, first, last] = None if ratio is None else ratio * scale
        ratios = [ratio for ratio in found.values() if ratio is not None]
        return Trials(len(found), statistics.variance(ratios) if len(ratios) > 1 else 0.0)


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
        universes = {row.subject.universe: _listed(row.subject.symbols) for row in rows}
        values = [
            (
                r.subject.tape,
                r.configuration,
                r.first_ts,
                r.last_ts,
                r.bars,
                r.sharpe,
                r.sample.value,
                r.origin,
                made_ns,
                r.subject.universe,
                r.subject.bars_per_year,
            )
            for r in rows
        ]
        with self._open() as file:
            file.executemany("INSERT OR IGNORE INTO universe VALUES (?, ?)", universes.items())
            file.executemany(
                "INSERT INTO trial (tape, configuration, first_ts, last_ts, bars, sharpe, sample, origin, made_ns, "
                "universe, bars_per_year) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def counted(self) -> Counted:
        """All rows, to ask about several runs."""
        with self._reading() as file:
            held = {name for _, name, *_ in file.execute("PRAGMA table_info(trial)")}
            added = [name if name in held else f"NULL AS {name}" for name, _ in _ADDED]
            rows = file.execute(
                f"SELECT tape, configuration, first_ts, last_ts, sharpe, {', '.join(added)} FROM trial ORDER BY number"
            ).fetchall()
            listed = (
                file.execute("SELECT digest, symbols FROM universe").fetchall()
                if _ADDED[0][0] in held
                else []
            )
        return Counted(tuple(rows), {digest: frozenset(json.loads(symbols)) for digest, symbols in listed})

    def over(self, subject: Subject, first_ts: int, last_ts: int) -> Trials:
        """As :meth:`Counted.over`."""
        return self.counted().over(subject, first_ts, last_ts)

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
                _complete(file)
                yield file
                file.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error


def _complete(file: sqlite3.Connection) -> None:
    """Make what is missing, within the transaction that is open: everything, or the columns that came later."""
    if file.execute("SELECT 1 FROM sqlite_master WHERE name = 'universe'").fetchone():
        return
    for statement in _SCHEMA.split(";\n"):
        if statement.strip():
            file.execute(statement)
    held = {name for _, name, *_ in file.execute("PRAGMA table_info(trial)")}
    for name, kind in _ADDED:
        if name not in held:
            file.execute(f"ALTER TABLE trial ADD COLUMN {name} {kind}")


def _listed(symbols: Sequence[str]) -> str:
    return json.dumps(list(symbols), separators=(",", ":"))
