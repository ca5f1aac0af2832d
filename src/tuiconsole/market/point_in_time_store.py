"""Where point-in-time figures and texts are kept: one Parquet file per topic under the history's root.

Figures: ``series, entity, reference, release, value, basis, source, single_vintage``. ``basis`` says where the
release time comes from: the vendor's time, the vendor's date, a documented lag, or the moment of retrieval.
``single_vintage`` says that the vendor gives only its latest, perhaps revised, figures.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tuiconsole.domain import ids
from tuiconsole.domain.clock import Clock
from tuiconsole.domain.errors import DataError
from tuiconsole.market.point_in_time import PointSeries

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "point_in_time"
TEXT_TOPICS = ("news", "transcripts")
RETRIEVED = "retrieved"
VENDOR_TIME, VENDOR_DATE = "vendor time", "vendor date, end of day"
_STATED = (VENDOR_TIME, VENDOR_DATE)


class Fact(msgspec.Struct, frozen=True):
    """One figure: ``series`` of ``entity`` (a symbol; empty for the economy) about ``reference``, out at ``release``.

    Times in ns UTC; ``basis`` says where the release time comes from.
    """

    series: str
    entity: str
    reference: int
    release: int
    value: float
    basis: str
    source: str
    single_vintage: bool = False


class Text(msgspec.Struct, frozen=True):
    """One text about one symbol, out at ``release`` (ns UTC).

    ``key`` tells texts of a source apart; ``sentiment`` is from −1 to 1 and ``relevance`` from 0 to 1, NaN where the
    vendor gives none.
    """

    key: str
    entity: str
    reference: int
    release: int
    title: str
    body: str
    url: str
    source: str
    sentiment: float
    relevance: float
    basis: str


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: rows ``new``, rows known already, and new rows that revise a known one."""

    new: int = 0
    same: int = 0
    revisions: int = 0


class PointInTimeStore:
    """Figures and texts under one root.

    Parameters
    ----------
    root
        The history's root.
    clock
        Says when a revision was seen.
    """

    def __init__(self, root: Path, clock: Clock) -> None:
        self.folder = root / FOLDER
        self._clock = clock

    def append(self, topic: str, facts: Sequence[Fact]) -> Appended:
        """Add figures; those known already change nothing, those without a value are left out.

        A known reference date with another value is a revision. Where a vendor of vintages states its release,
        that counts; where the release follows from a rule, is one that another value has already, or the vendor
        gives its latest figures alone, nobody can have known the new value before now: it is released now.
        """
        with self._sole_writer():
            rows = self._rows(topic)
            known: dict[tuple[str, str, int], list[Fact]] = {}
            for fact in rows:
                known.setdefault((fact.series, fact.entity, fact.reference), []).append(fact)
            added: list[Fact] = []
            revisions = 0
            real = [fact for fact in facts if np.isfinite(fact.value)]
            for fact in sorted(real, key=lambda f: f.release):
                vintages = known.setdefault((fact.series, fact.entity, fact.reference), [])
                chosen = _vintage(fact, vintages, self._clock.now_ns())
                if chosen is not None:
                    revisions += bool(vintages)
                    vintages.append(chosen)
                    added.append(chosen)
            if added:
                self._write(topic, [*rows, *added], Fact)
        return Appended(len(added), len(real) - len(added), revisions)

    def add_texts(self, topic: str, texts: Sequence[Text]) -> Appended:
        """Add texts; one with a known key and symbol changes nothing."""
        with self._sole_writer():
            rows = self.texts(topic)
            known = {(text.key, text.entity) for text in rows}
            fresh = {(text.key, text.entity): text for text in texts if (text.key, text.entity) not in known}
            if fresh:
                self._write(topic, sorted([*rows, *fresh.values()], key=lambda t: t.release), Text)
        return Appended(len(fresh), len(texts) - len(fresh))

    def series(self, topic: str, series: str, entity: str = "") -> PointSeries:
        """One series; empty when the store has none of it."""
        import pyarrow.compute as pc

        table = self.table(topic)
        if table is None:
            return PointSeries.of([], [], [])
        table = table.filter(pc.and_(pc.equal(table["series"], series), pc.equal(table["entity"], entity)))
        return PointSeries.of(
            table["reference"].to_numpy(), table["release"].to_numpy(), table["value"].to_numpy()
        )

    def all_series(self, topic: str) -> dict[tuple[str, str], PointSeries]:
        """Every series of a topic by name and entity."""
        table = self.table(topic)
        if table is None:
            return {}
        names = [
            f"{name}\x1f{entity}"
            for name, entity in zip(*(table[c].to_pylist() for c in ("series", "entity")), strict=True)
        ]
        distinct, code = np.unique(np.array(names), return_inverse=True)
        order = np.argsort(code, kind="stable")
        edges = np.searchsorted(code[order], np.arange(len(distinct) + 1))
        columns = [table[name].to_numpy()[order] for name in ("reference", "release", "value")]
        found: dict[tuple[str, str], PointSeries] = {}
        for i, joined in enumerate(distinct.tolist()):
            name, _, entity = joined.partition("\x1f")
            found[name, entity] = PointSeries.of(*(column[edges[i] : edges[i + 1]] for column in columns))
        return found

    def texts(self, topic: str) -> list[Text]:
        """All texts of a topic, by release."""
        table = self.table(topic)
        return [] if table is None else [Text(**row) for row in table.to_pylist()]

    def texts_as_of(self, topic: str, entity: str, ts: int, since: int = 0) -> list[Text]:
        """Texts about ``entity`` released in ``(since, ts]``, ns UTC."""
        return [t for t in self.texts(topic) if t.entity == entity and since < t.release <= ts]

    def table(self, topic: str) -> pa.Table | None:
        """Everything of a topic as an Arrow table (times as int64 ns UTC), or None when there is nothing."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(topic)
        if not path.exists():
            return None
        try:
            return pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(
                f"{path} cannot be read: {error}.", "Restore it, or move it away and pull again."
            ) from None

    def summary(self, topic: str) -> list[dict[str, Any]]:
        """For each series of a topic: entities, rows, first and last reference date (ns UTC), kind of figures.

        ``single_vintage`` is true where a vendor gave its latest, perhaps revised, figures alone.
        """
        table = self.table(topic)
        if table is None:
            return []
        wanted = [
            ("entity", "count_distinct"),
            ("value", "count"),
            ("reference", "min"),
            ("reference", "max"),
        ]
        wanted.append(("single_vintage", "max"))
        rows = table.group_by("series").aggregate(wanted).sort_by("series").to_pylist()
        return [
            {
                "series": row["series"],
                "entities": row["entity_count_distinct"],
                "rows": row["value_count"],
                "first": row["reference_min"],
                "last": row["reference_max"],
                "single_vintage": row["single_vintage_max"],
            }
            for row in rows
        ]

    def _rows(self, topic: str) -> list[Fact]:
        table = self.table(topic)
        return [] if table is None else [Fact(**row) for row in table.to_pylist()]

    def _path(self, topic: str) -> Path:
        return self.folder / f"{topic}.parquet"

    def _write(self, topic: str, rows: Sequence[Fact | Text], kind: type[msgspec.Struct]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = kind.__struct_fields__
        table = pa.table({name: [getattr(row, name) for row in rows] for name in names}, schema=_schema(kind))
        beside = self.folder / f"{topic}.{ids.fresh_id()}.new"
        try:
            with beside.open("wb") as file:
                pq.write_table(table, file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path(topic))
        finally:
            beside.unlink(missing_ok=True)

    @contextmanager
    def _sole_writer(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "writer.lock").open("ab") as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
            yield


def _vintage(fact: Fact, vintages: Sequence[Fact], now: int) -> Fact | None:
    """``fact`` as it enters the store beside the known ``vintages`` of its reference date, or None when it is known."""
    if not vintages:
        return fact
    by_then = [v for v in vintages if v.release <= fact.release]
    last = max(by_then or vintages, key=lambda v: v.release)
    if last.value == fact.value or vintages[-1].value == fact.value:
        return None
    stated = fact.basis in _STATED and not fact.single_vintage
    if stated and all(v.release != fact.release for v in vintages):
        return fact
    return msgspec.structs.replace(fact, release=max(now, fact.release), basis=f"{RETRIEVED}; revision")


def _schema(kind: type[msgspec.Struct]) -> pa.Schema:
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    fields = msgspec.structs.fields(kind)
    return pa.schema([(field.name, types[field.type]) for field in fields])
