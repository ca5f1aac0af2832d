"""The run store: finished runs by name, each a folder that is either complete or not there (see :mod:`~.drafts`).

``runs/NAME/run.json`` holds what is one value per run, ``track.parquet`` a row per bar, ``fills.parquet`` a row per execution,
``executions.parquet`` a row per order sent and, when asked for, ``journal`` the hashed batch journal. ``run.json`` names the
hashes of the tables; a run whose files were changed is refused.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from tuiconsole.analytics.attribution import SectorEffects
from tuiconsole.analytics.executions import ExecutionTable
from tuiconsole.analytics.named_periods import Period
from tuiconsole.analytics.samples import Sample
from tuiconsole.analytics.track import FillTable, Track
from tuiconsole.domain.errors import StoreError, UsageError
from tuiconsole.reports.run import Outcome, Provenance, Run, Stop
from tuiconsole.research import drafts
from tuiconsole.research.trials import period_of

SCHEMA = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FACTS, _TRACK, _FILLS, JOURNAL = "run.json", "track.parquet", "fills.parquet", "journal"
_EXECUTIONS = "executions.parquet"
_BENCHMARK, _COST, _EFFECT, _PRICE = "benchmark", "cost_", "effect_", "benchmark_"
KIND = "kind"
"""Key of ``run.json`` in entries that are more than one backtest: the verb that made them."""
_Built = TypeVar("_Built")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list of runs.

    Attributes
    ----------
    facts
        ``run.json`` as it is stored: name, sample, provenance, outcome, capital, metrics.
    """

    name: str
    facts: Mapping[str, Any]


class RunStore:
    """Named runs in one directory.

    Parameters
    ----------
    directory
        Made when the first run is saved.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def save(
        self,
        run: Run,
        metrics: Mapping[str, float | None],
        journal: Path | None = None,
        replaces: bool = False,
    ) -> Run:
        """Store ``run`` under its name, or under the next free ``VERB-NNNN`` when it has none.

        Parameters
        ----------
        metrics
            Its figures by name, kept beside it so that lists need not read the tables.
        journal
            A finished batch journal, which is moved into the run's folder.
        replaces
            Whether a run of that name may be overwritten.

        Returns
        -------
        Run
            The same with the name it was stored under.

        Raises
        ------
        UsageError
            The name is no name, or is taken.
        StoreError
            The folder cannot be written; nothing of the run is left there.
        """
        name = self.put(
            run.name,
            run.provenance.verb,
            _facts(run, metrics),
            _tables(run),
            journal=journal,
            replaces=replaces,
        )
        return run if run.name else replace(run, name=name)

    def put(
        self,
        name: str,
        verb: str,
        facts: Mapping[str, Any],
        tables: Mapping[str, Mapping[str, Any]],
        *,
        journal: Path | None = None,
        replaces: bool = False,
    ) -> str:
        """Store ``facts`` and ``tables`` (columns by file name) as one entry; arguments and errors as of :meth:`save`.

        Returns
        -------
        str
            The name it was stored under.
        """
        if name:
            self.require_free(name, replaces)
        try:
            with drafts.draft(self.directory) as draft:
                hashes = {file: _write_table(columns, draft / file) for file, columns in tables.items()}
                if journal is not None:
                    shutil.move(journal, draft / JOURNAL)
                return self._publish(draft, name, verb, {**facts, "hashes": hashes}, replaces)
        except OSError as error:
            raise StoreError(
                f"The run cannot be stored in {self.directory}: {error.strerror}.",
                "Free some space or use --runs.",
            ) from error

    def _publish(self, draft: Path, name: str, verb: str, facts: Mapping[str, Any], replaces: bool) -> str:
        """Make ``draft`` visible by one rename."""
        number = 0
        while True:
            number += 1
            named = name or f"{verb}-{number:04d}"
            place = self.directory / named
            if not name and place.exists():
                continue
            _write_synced(draft / _FACTS, json.dumps({**facts, "name": named}, indent=1).encode())
            if name and replaces and place.exists():
                self.remove(named)
            try:
                draft.rename(place)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                if name:
                    self.require_free(name)
                continue
            return named

    def require_writable(self) -> None:
        """Refuse with :class:`StoreError` a directory in which nothing can be stored: before a long run, not after it."""
        try:
            with drafts.draft(self.directory):
                return
        except OSError as error:
            raise StoreError(
                f"Runs cannot be stored in {self.directory}: {error.strerror}.", "Use another --runs."
            ) from error

    def require_free(self, name: str, replaces: bool = False) -> None:
        """Refuse with :class:`UsageError` what cannot name a run, and a taken name unless the run is to be replaced."""
        if not replaces and (self.directory / require_name(name)).exists():
            raise UsageError(
                f"There is already a run named {name}.",
                f"Choose another --name, or remove it: tuiconsole runs remove {name}",
            )

    def load(self, name: str) -> Run:
        """The run of that name.

        Raises
        ------
        UsageError
            There is none.
        StoreError
            Its files were changed or are not complete.
        """
        facts = self.facts(name)
        if KIND in facts:
            raise UsageError(
                f"{name} is a {facts[KIND]}, not a single backtest.", "See: tuiconsole report " + name
            )
        kept = _EXECUTIONS in facts.get("hashes", ())  # runs of earlier versions did not keep them
        return self.built(name, facts, (_TRACK, _FILLS, *((_EXECUTIONS,) if kept else ())), _run_of)

    def built(
        self, name: str, facts: Mapping[str, Any], files: Sequence[str], build: Callable[..., _Built]
    ) -> _Built:
        """``build(facts, *tables)`` of the entry of that name, its tables from ``files`` checked; errors as in :meth:`load`."""
        place = self.directory / name
        try:
            return build(facts, *(_read_table(place / file, facts["hashes"][file]) for file in files))
        except (KeyError, TypeError, ValueError, OSError) as error:
            raise StoreError(
                f"The run {name} cannot be read: {error}.", f"Remove it: tuiconsole runs remove {name}"
            ) from error

    def facts(self, name: str) -> Mapping[str, Any]:
        """``run.json`` of the run of that name; errors as in :meth:`load`."""
        require_name(name)
        path = self.directory / name / _FACTS
        try:
            facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UsageError(f"There is no run named {name}.", "See: tuiconsole runs list") from None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read: {error}.", f"Remove the run {name}.") from error
        if facts.get("schema") != SCHEMA:
            raise StoreError(
                f"The run {name} was written as version {facts.get('schema')}, this program reads version {SCHEMA}.",
                "Run the backtest again.",
            )
        return facts

    def period(self, name: str) -> tuple[int, int]:
        """First and last bar of the run of that name, ns UTC; zeros when it has none. Errors as in :meth:`load`."""
        found = self.facts(name).get("period")
        return (int(found[0]), int(found[1])) if found is not None else period_of(self.load(name).curve)

    def list(self) -> tuple[Entry, ...]:
        """All complete runs that can be read, oldest first; :meth:`unreadable` names the others."""
        entries = []
        for name in self._names():
            with suppress(StoreError):
                entries.append(Entry(name, self.facts(name)))
        return tuple(sorted(entries, key=lambda entry: (entry.facts["provenance"]["made"], entry.name)))

    def unreadable(self) -> tuple[str, ...]:
        """Why each run that cannot be read cannot, a sentence each."""
        found = []
        for name in self._names():
            try:
                self.facts(name)
            except StoreError as error:
                found.append(str(error))
        return tuple(found)

    def _names(self) -> tuple[str, ...]:
        if not self.directory.is_dir():
            return ()
        found = (path.name for path in self.directory.iterdir() if (path / _FACTS).is_file())
        return tuple(sorted(name for name in found if _NAME.fullmatch(name)))

    def remove(self, name: str) -> None:
        """Delete the run of that name; its trials stay counted. :class:`UsageError` when there is none."""
        require_name(name)
        place = self.directory / name
        if not place.is_dir():
            raise UsageError(f"There is no run named {name}.", "See: tuiconsole runs list")
        try:
            drafts.delete(place)
        except OSError as error:
            raise StoreError(f"The run {name} cannot be removed: {error.strerror}.") from error

    def journal(self, name: str) -> Path | None:
        """The batch journal of the run of that name, or None when it kept none."""
        path = self.directory / require_name(name) / JOURNAL
        return path if path.is_file() else None


def require_name(name: str) -> str:
    """``name`` itself when it can name a run; else :class:`UsageError`."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot name a run.", "Use up to 64 letters, digits, dots, dashes and underscores."
        )
    return name


def _facts(run: Run, metrics: Mapping[str, float | None]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": run.name,
        "sample": run.sample.value,
        "provenance": asdict(run.provenance),
        "outcome": asdict(run.outcome),
        "symbols": run.symbols,
        "capital": run.capital,
        "currency": run.currency,
        "bars_per_year": run.bars_per_year,
        "period": period_of(run.curve),
        "stops": [asdict(stop) for stop in run.stops],
        "notes": run.notes,
        "periods": [asdict(period) for period in run.periods],
        "metrics": dict(metrics),
        "sectors": None if run.sectors is None else asdict(run.sectors),
        "benchmark_name": run.benchmark_name,
    }


def _run_of(
    facts: Mapping[str, Any],
    track: dict[str, Any],
    fills: dict[str, Any],
    kept: dict[str, Any] | None = None,
) -> Run:
    benchmark = track.pop(_BENCHMARK, None)
    costs = {name.removeprefix(_COST): fills.pop(name) for name in list(fills) if name.startswith(_COST)}
    return Run(
        name=facts["name"],
        sample=Sample(facts["sample"]),
        provenance=Provenance(**facts["provenance"]),
        outcome=Outcome(**{**facts["outcome"], "failed": tuple(facts["outcome"]["failed"])}),
        symbols=tuple(facts["symbols"]),
        capital=facts["capital"],
        currency=facts["currency"],
        bars_per_year=facts["bars_per_year"],
        track=Track(**track),
        fills=FillTable(**fills, costs=costs),
        stops=tuple(Stop(**stop) for stop in facts["stops"]),
        benchmark=benchmark,
        notes=tuple(facts["notes"]),
        periods=tuple(Period(**period) for period in facts["periods"]),
        sectors=_sectors(facts.get("sectors")),
        benchmark_name=facts.get("benchmark_name", ""),
        executions=None if kept is None else _executions_of(kept),
    )


def _sectors(found: Mapping[str, Any] | None) -> SectorEffects | None:
    if found is None:
        return None
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in found.items()
    }
    return SectorEffects(**values)


def _tables(run: Run) -> dict[str, dict[str, Any]]:
    """The tables as columns, by file name."""
    track = {item.name: getattr(run.track, item.name) for item in fields(run.track)}
    if run.benchmark is not None:
        track[_BENCHMARK] = run.benchmark
    fills = {item.name: getattr(run.fills, item.name) for item in fields(run.fills) if item.name != "costs"}
    fills |= {f"{_COST}{name}": values for name, values in run.fills.costs.items()}
    tables = {_TRACK: track, _FILLS: fills}
    if run.executions is not None:
        tables[_EXECUTIONS] = _execution_columns(run.executions)
    return tables


def _execution_columns(table: ExecutionTable) -> dict[str, Any]:
    nested = ("effects", "benchmarks")
    columns = {item.name: getattr(table, item.name) for item in fields(table) if item.name not in nested}
    columns |= {f"{_EFFECT}{name}": values for name, values in table.effects.items()}
    return columns | {f"{_PRICE}{name}": values for name, values in table.benchmarks.items()}


def _executions_of(columns: dict[str, Any]) -> ExecutionTable:
    def taken(prefix: str) -> dict[str, Any]:
        names = [name for name in columns if name.startswith(prefix)]
        return {name.removeprefix(prefix): columns.pop(name) for name in names}

    return ExecutionTable(effects=taken(_EFFECT), benchmarks=taken(_PRICE), **columns)


def _write_table(columns: Mapping[str, Any], path: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), out, compression="zstd")
    content = out.getvalue().to_pybytes()
    _write_synced(path, content)
    return hashlib.sha256(content).hexdigest()


def _read_table(path: Path, expected: str) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(f"{path.name} was changed after the run")
    table = pq.read_table(pa.BufferReader(content))
    return {name: table.column(name).to_numpy() for name in table.column_names}


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
