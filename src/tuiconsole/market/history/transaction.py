"""One change of the store: pieces are written beside, and one rename makes them part of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.types import IntArray
from tuiconsole.market.actions import Action, TickerSpan
from tuiconsole.market.history.columns import VALUES, Columns, both, columns_of, counts, sort, without_future
from tuiconsole.market.history.manifest import Manifest, Origin, save_manifest, sync_folder
from tuiconsole.market.history.merging import compare, completed, join, worth_joining
from tuiconsole.market.history.pieces import buckets_of, read_piece, write_piece
from tuiconsole.market.history.records import CHANGES_SHOWN, Provenance, WriteReport
from tuiconsole.market.history.tables import (
    ACTIONS,
    TICKERS,
    merged_actions,
    merged_spans,
    read_actions,
    read_spans,
    write_table,
)
from tuiconsole.market.intervals import canonical_interval, interval_seconds

_PIECES_PER_BUCKET = 8


_NAME = re.compile(r"[A-Za-z0-9_-]+")


class Transaction:
    """Bars and tables on their way into the store; nobody sees them before :meth:`commit`."""

    def __init__(self, root: Path, manifest: Manifest, now_ns: int) -> None:
        self._root = root
        self._before = manifest
        self._manifest = manifest
        self._now_ns = now_ns

    @property
    def manifest(self) -> Manifest:
        """The state as it will be."""
        return self._manifest

    def add(self, interval: str, bars: Any, provenance: Provenance) -> WriteReport:
        """Stage bars; arguments, answer and errors as of the store's ``write``."""
        name, given = canonical_interval(interval), columns_of(bars)
        if not len(given):
            return WriteReport(name)
        kept, aside = sort(given)
        kept, future = without_future(kept, self._now_ns)
        if len(future):
            aside = both(aside, future)
        origin = self._origin(provenance)
        report = WriteReport(
            name,
            given=len(given),
            put_aside=len(aside),
            flagged=counts(kept.flags, aside.flags),
            symbols=len(given.symbols),
            first=int((kept if len(kept) else given).ts.min()),
            last=int((kept if len(kept) else given).ts.max()),
        )
        if len(kept.values) > len(VALUES) and name not in self._manifest.quoted:
            self._change(quoted=(*self._manifest.quoted, name))
        of_row, buckets = buckets_of(kept.ts, interval_seconds(name)) if len(kept) else (kept.ts, [])
        for i, bucket in enumerate(buckets):
            part = kept if len(buckets) == 1 else kept.take(of_row == i)
            report = self._add_bucket(report, bucket, part, origin)
        if len(aside):
            self._add_aside(name, aside, origin)
        return report

    def add_actions(self, actions: Sequence[Action]) -> tuple[int, int, int]:
        """Stage splits and dividends; how many were new, changed, and there already.

        One of a known symbol, ex-day and kind replaces the stored one.
        """
        rows, counted = merged_actions(read_actions(self._root, self._manifest), actions)
        self._replace_table(ACTIONS, rows, counted)
        return counted

    def add_tickers(self, spans: Sequence[TickerSpan]) -> tuple[int, int, int]:
        """Stage who traded under which ticker; all spans of an instrument are replaced together."""
        rows, counted = merged_spans(read_spans(self._root, self._manifest), spans)
        self._replace_table(TICKERS, rows, counted)
        return counted

    def _replace_table(
        self, name: str, rows: Sequence[Action] | Sequence[TickerSpan], counted: tuple[int, int, int]
    ) -> None:
        if counted[0] or counted[1]:
            file = write_table(self._root, name, self._next(), rows)
            self._change(tables={**self._manifest.tables, name: file})

    def name_universe(self, name: str, symbols: tuple[str, ...]) -> None:
        """Keep ``symbols`` as a list called ``name``; one of that name is replaced."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} cannot name a universe.", "Use letters, digits, - and _.")
        self._change(universes={**self._manifest.universes, name: symbols})

    def _add_bucket(self, report: WriteReport, bucket: str, part: Columns, origin: int) -> WriteReport:
        name = report.interval
        pieces = self._manifest.bars.get(name, ())
        near = tuple(piece for piece in pieces if piece.bucket == bucket)
        origins: IntArray | int = origin
        if name in self._manifest.quoted:
            middles = frozenset(
                i for i, one in enumerate(self._manifest.origins) if one.provenance.source == "quotes"
            )
            part, origins = completed(self._root, near, part, origin, middles)
        outcome = compare(self._root, near, part)
        fresh = outcome.new | outcome.changed
        n_fresh, n_changed = int(np.count_nonzero(fresh)), int(np.count_nonzero(outcome.changed))
        if n_fresh:
            seq = self._next()
            rows = part if n_fresh == len(part) else part.take(fresh)
            whose = origins if isinstance(origins, int) else origins[fresh]
            near = (*near, write_piece(self._root, name, bucket, seq, rows, whose))
            if len(near) > _PIECES_PER_BUCKET:
                old = worth_joining(near)
                kept = tuple(piece for piece in near if piece not in old)
                held = self._manifest.columns(name)
                near = (*kept, join(self._root, name, old, self._next(), held))
            rest = tuple(piece for piece in pieces if piece.bucket != bucket)
            self._change(bars={**self._manifest.bars, name: (*rest, *near)})
        return replace(
            report,
            new=report.new + n_fresh - n_changed,
            changed=report.changed + n_changed,
            same=report.same + len(part) - n_fresh,
            changes=(*report.changes, *outcome.changes)[:CHANGES_SHOWN],
        )

    def _add_aside(self, name: str, aside: Columns, origin: int) -> None:
        """Keep rows that cannot be bars; those kept before are not kept twice."""
        pieces = self._manifest.aside.get(name, ())
        known: set[tuple[object, ...]] = set()
        for piece in pieces:
            table = read_piece(self._root, piece, ["ts", "symbol", "close", "flags", "row"])
            known.update(_rows(columns_of(table.drop_columns("flags")), table.column("flags").to_numpy()))
        fresh = np.array([row not in known for row in _rows(aside, aside.flags)], dtype=np.bool_)
        if fresh.any():
            seq = self._next()
            piece = write_piece(self._root, f"aside/{name}", "all", seq, aside.take(fresh), origin)
            self._change(aside={**self._manifest.aside, name: (*pieces, piece)})

    def _origin(self, provenance: Provenance) -> int:
        """Position of ``provenance`` in the manifest, noted as written now."""
        origins = list(self._manifest.origins)
        for i, known in enumerate(origins):
            if known.provenance == provenance:
                if known.last_written != self._now_ns:
                    origins[i] = Origin(provenance, known.first_written, self._now_ns, known.writes + 1)
                    self._change(origins=tuple(origins))
                return i
        self._change(origins=(*origins, Origin(provenance, self._now_ns, self._now_ns, 1)))
        return len(origins)

    def _next(self) -> int:
        self._change(seq=self._manifest.seq + 1)
        return self._manifest.seq

    def _change(self, **parts: Any) -> None:
        self._manifest = msgspec.structs.replace(self._manifest, **parts)

    def commit(self) -> None:
        """Make everything staged part of the store; nothing happens when nothing was new."""
        if _content(self._manifest) == _content(self._before):
            return
        added = self._manifest.files() - self._before.files()
        folders = {parent for name in added for parent in (self._root / name).parents}
        for folder in sorted(folders, reverse=True):
            if folder == self._root or self._root in folder.parents:
                sync_folder(folder)
        save_manifest(self._root, self._manifest)


def _content(manifest: Manifest) -> object:
    return manifest.files(), manifest.universes


def _rows(columns: Columns, flags: Any) -> list[tuple[object, ...]]:
    return [
        (int(ts), columns.symbols[int(code)], repr(float(close)), int(flag), int(row))
        for ts, code, close, flag, row in zip(
            columns.ts, columns.codes, columns.values["close"], flags, columns.row, strict=True
        )
    ]
