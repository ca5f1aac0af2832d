"""Verbs about the history store: data import."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tuiconsole.domain.clock import WallClock, iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.interrupting import interruptible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tuiconsole.market.history.store import HistoryStore
    from tuiconsole.market.imports.run import ImportReport

_LABELS: dict[str, Literal["start", "end"]] = {"start": "start", "end": "end"}
_BAR_WIDTH, _MAPPED_SHOWN = 30, 4


def history_root(place: Place) -> Path:
    """The folder of the place's history store."""
    return Path(place.config.desk.history.root)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the user asked of an import; empty or None: to be found out."""

    path: Path
    adjusted: bool | None = None
    interval: str = ""
    timezone: str = ""
    label: str = ""
    universe: str = ""
    dates: str = ""
    decimal: str = ""
    spelling: str = ""


def run_import(place: Place, request: ImportRequest, progress: bool) -> dict[str, Any]:
    """Import what ``request`` names; the verb's stable keys."""
    from tuiconsole.market.history.store import HistoryStore
    from tuiconsole.market.imports.actions import is_actions
    from tuiconsole.market.imports.reading import Asked
    from tuiconsole.market.imports.run import import_bars
    from tuiconsole.market.imports.tables import csv_header

    path, label, universe = request.path, request.label, request.universe
    if label and label not in _LABELS:
        raise UsageError(f"--label is {label!r}, expected start or end.")
    if path.is_file() and is_actions(csv_header(path)):
        return _import_actions(history_root(place), path, request.spelling)
    clock = WallClock()
    began = clock.monotonic_ns()
    asked = Asked(
        request.interval,
        request.timezone,
        _LABELS.get(label),
        request.dates,
        request.decimal,
        request.spelling,
    )
    root = history_root(place)
    store = HistoryStore(root)
    before = store.manifest
    try:
        with interruptible(lambda: _kept(store.manifest != before, path)):
            report = import_bars(
                store, path, asked, request.adjusted, universe, _show_progress if progress else None
            )
    finally:
        if progress:
            sys.stderr.write("\r\x1b[K")
    return _answer(request, store, report, (clock.monotonic_ns() - began) / 1e9)


def _answer(
    request: ImportRequest, store: HistoryStore, report: ImportReport, seconds: float
) -> dict[str, Any]:
    """The verb's stable keys."""
    written, reading = report.written, report.reading
    return {
        "path": str(request.path),
        "history": str(store.root),
        "files": report.files,
        "layout": report.layout,
        "interval": reading.interval,
        "label": reading.label,
        "label_from": reading.label_from,
        "timezone": reading.zone_of(report.symbols),
        "prices": report.adjusted,
        "symbols": list(report.symbols),
        "mapped_symbols": dict(report.mapped),
        "stored_apart": _apart(store, reading.interval, report.mapped),
        "dates": None if report.dates is None else report.dates.order,
        "dates_from": None if report.dates is None else report.dates.because,
        "quoted": report.quoted,
        "unpriced": list(report.unpriced),
        "universe": request.universe or None,
        "rows": written.given,
        "new": written.new,
        "changed": written.changed,
        "same": written.same,
        "quarantined": dict(written.flagged),
        "put_aside": written.put_aside,
        "actions": report.actions,
        "changes": [
            {"symbol": c.symbol, "ts": iso(c.ts), "column": c.column, "before": c.before, "after": c.after}
            for c in written.changes
        ],
        "first": iso(written.first),
        "last": iso(written.last),
        "mixed_prices": _mixed(store, reading.interval, report.symbols),
        "empty_files": list(report.empty),
        "ignored_columns": list(report.ignored),
        "seconds": seconds,
        "rows_per_s": written.given / seconds,
    }


def _kept(stored: bool, path: Path) -> str:
    """What an interrupted import left."""
    if stored:
        return f"all of {path} was stored already; data info shows it."
    return f"nothing of {path} was stored, and the history is as it was. Start the import again."


def _apart(store: HistoryStore, interval: str, mapped: Mapping[str, str]) -> list[str]:
    """Spellings of this import under which an earlier one stored bars: those stay instruments of their own."""
    held = set(store.symbols(interval)) if mapped else set()
    return sorted(
        {word for word in mapped if word in held} | {w.upper() for w in mapped if w.upper() in held}
    )


def _mixed(store: HistoryStore, interval: str, symbols: tuple[str, ...]) -> list[str]:
    """Those of ``symbols`` whose stored bars are adjusted for different things: their prices do not fit together."""
    if len({origin.provenance.adjusted for origin in store.manifest.origins}) < 2:
        return []
    found = store.query(
        f"SELECT symbol FROM bars_{interval} JOIN origins USING (origin) "
        "GROUP BY symbol HAVING count(DISTINCT adjusted) > 1 ORDER BY symbol"
    )
    return [name for name in found.column("symbol").to_pylist() if name in set(symbols)]


def _import_actions(root: Path, path: Path, spelling: str) -> dict[str, Any]:
    """Bring splits, dividends and ticker spans into the store."""
    from tuiconsole.market.history.store import HistoryStore
    from tuiconsole.market.imports.actions import read_actions_file

    actions, spans = read_actions_file(path, spelling)
    with HistoryStore(root).transaction() as transaction:
        counted = transaction.add_actions(actions) if actions else transaction.add_tickers(spans)
    return {
        "path": str(path),
        "history": str(root),
        "splits": sum(action.kind == "split" for action in actions),
        "dividends": sum(action.kind == "dividend" for action in actions),
        "ticker_spans": len(spans),
        "symbols": sorted({a.symbol for a in actions} | {s.instrument for s in spans}),
        **dict(zip(("new", "changed", "same"), counted, strict=True)),
    }


def _show_progress(done: int, total: int, rows: int) -> None:
    share = done / max(total, 1)
    full = round(share * _BAR_WIDTH)
    sys.stderr.write(f"\r[{'█' * full}{' ' * (_BAR_WIDTH - full)}] {share:4.0%}  {rows:,} rows")
    sys.stderr.flush()


_LABEL_TEXT = {
    "start": "times name the start of a bar",
    "end": "times name the end of a bar",
    "session": "dates are sessions, available at their end",
}
_PRICES_TEXT = {
    "raw": "prices as traded",
    "split": "prices adjusted for splits",
    "total": "prices adjusted for splits and dividends",
}


def _mapped_text(mapped: dict[str, str]) -> str:
    """The first of the symbols that were written otherwise."""
    shown = ", ".join(f"{written} is {house}" for written, house in list(mapped.items())[:_MAPPED_SHOWN])
    more = len(mapped) - _MAPPED_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def import_text(body: dict[str, Any]) -> str:
    """The import for people."""
    names = body["symbols"]
    if "splits" in body:
        return (
            f"{body['splits']} splits, {body['dividends']} dividends and {body['ticker_spans']} ticker spans of "
            f"{len(names)} instruments\n  new {body['new']}   changed {body['changed']}   "
            f"there already {body['same']}, in {body['history']}"
        )
    shown = " ".join(names[:8]) + (" …" if len(names) > 8 else "")
    lines = [
        f"{body['rows']:,} rows of {len(names)} symbols ({shown})",
        f"  {body['first'][:10]} to {body['last'][:10]}, bars of {body['interval']}, {_PRICES_TEXT[body['prices']]}",
        f"  {_LABEL_TEXT[body['label']]} ({body['label_from']}), zone {body['timezone']}",
        f"  new {body['new']:,}   changed {body['changed']:,}   there already {body['same']:,}   "
        f"put aside {body['put_aside']:,}",
    ]
    if body["mapped_symbols"]:
        lines.append(f"  symbols as the house writes them: {_mapped_text(body['mapped_symbols'])}")
    if body["stored_apart"]:
        lines.append(
            f"  ! stored before under other spellings, and left apart: {' '.join(body['stored_apart'][:5])}"
        )
    if body["dates"]:
        lines.append(f"  dates {body['dates'].replace('-', ' ')} ({body['dates_from']})")
    if body["quoted"]:
        middle = ", prices are the middle of both" if "quotes" in body["layout"] else ""
        lines.append(f"  {body['quoted']:,} rows with bid and ask, kept beside the bars{middle}")
    if body["unpriced"]:
        first = " ".join(body["unpriced"][:5]) + (" …" if len(body["unpriced"]) > 5 else "")
        left = f", left out of the list {body['universe']}" if body["universe"] else ""
        lines.append(f"  ! without a single price{left}: {len(body['unpriced'])} ({first})")
    lines += [f"  quarantined: {count:,} {reason}" for reason, count in body["quarantined"].items()]
    for change in body["changes"][:3]:
        lines.append(
            f"  changed: {change['symbol']} {change['ts'][:10]} {change['column']} "
            f"{change['before']:.12g} -> {change['after']:.12g}"
        )
    if body["actions"]:
        lines.append(f"  {body['actions']:,} splits, dividends and ticker spans")
    if body["mixed_prices"]:
        names = body["mixed_prices"]
        lines.append(
            f"  ! {len(names)} symbols now hold prices as traded beside adjusted ones, which do not fit together: "
            f"{' '.join(names[:5])}{' …' if len(names) > 5 else ''}"
        )
    if body["empty_files"]:
        lines.append(f"  without rows: {', '.join(body['empty_files'][:5])}")
    if body["ignored_columns"]:
        lines.append(f"  columns not read: {', '.join(body['ignored_columns'][:8])}")
    lines.append(f"  {body['seconds']:.2f} s, {body['rows_per_s']:,.0f} rows/s, in {body['history']}")
    chosen = f" --universe {body['universe']}" if body["universe"] else ""
    length = "" if body["interval"] == "1day" else f" --interval {body['interval']}"
    lines.append(f"Play it: tuiconsole backtest --feed history{chosen}{length} --start {body['first'][:10]}")
    return "\n".join(lines)
