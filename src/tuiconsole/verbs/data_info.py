"""What the history store holds and what is doubtful about it: `data info`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import DataError
from tuiconsole.verbs.common import Place

if TYPE_CHECKING:
    from tuiconsole.market.history.inspection import SymbolReport
    from tuiconsole.market.history.records import Provenance

_MISSING_SHOWN = 20
_ROWS_SHOWN = 24
_WRONG_SHOWN = 5
_MEANINGS = {
    "volume": "its level changes and stays, as with another feed",
    "split?": "a jump like a split, and no action",
    "spikes": "single closes far from those around them",
    "rows": "quarantined rows",
    "closed": "bars on days when the exchange was closed",
    "mixed": "raw and adjusted prices side by side",
}
_COMMON_SHARE, _COMMON_LEAST = 0.25, 3


def data_info(place: Place, symbols: Sequence[str], interval: str | None) -> dict[str, Any]:
    """The verb's stable keys: every stored length of bars, or the one asked for, with a row per instrument."""
    from tuiconsole.market.history.store import HistoryStore
    from tuiconsole.market.intervals import canonical_interval, interval_seconds

    root = Path(place.config.desk.history.root)
    store = HistoryStore(root)
    held = sorted(store.manifest.bars, key=interval_seconds)
    wanted = held if interval is None else [canonical_interval(interval)]
    names = [symbol.upper() for symbol in symbols] or None
    if interval is not None and wanted[0] not in held:
        raise DataError(
            f"The history in {root} holds no bars of {wanted[0]}; it holds {', '.join(held) or 'nothing yet'}."
        )
    if names is not None and interval is None:
        wanted = [name for name in held if _holds(store, name, names)]
        if not wanted:
            raise DataError(
                f"The history in {root} holds no bars of {', '.join(names)}.", "See tuiconsole data info."
            )
    intervals = {name: _interval(store.inspect(name, names)) for name in wanted}
    aside = {
        name: sum(piece.rows for piece in pieces)
        for name, pieces in store.manifest.aside.items()
        if name not in held
    }
    return {
        "history": str(root),
        "only_put_aside": aside,
        "intervals": intervals,
        "universes": {name: len(members) for name, members in store.manifest.universes.items()},
    }


def _holds(store: Any, interval: str, names: list[str]) -> bool:
    known, stored = store.ticker_map(), set(store.symbols(interval))
    return all(any(ticker in stored for ticker in known.tickers(known.named(name))) for name in names)


def _interval(reports: Sequence[SymbolReport]) -> dict[str, Any]:
    return {
        "bars": sum(report.bars for report in reports),
        "first": iso(min(report.first for report in reports)) if reports else None,
        "last": iso(max(report.last for report in reports)) if reports else None,
        "feed_switches": _feed_switches(reports),
        "symbols": [_symbol(report) for report in reports],
    }


def _feed_switches(reports: Sequence[SymbolReport]) -> list[dict[str, Any]]:
    """Days on which the volume of many instruments changes its level at once: another feed, not the market."""
    days = Counter(shift.day for report in reports for shift in report.shifts)
    switches = []
    for day, count in sorted(days.items()):
        there = sum(report.first <= (day - 10) * 86_400 * 10**9 <= report.last for report in reports)
        if count >= max(_COMMON_LEAST, _COMMON_SHARE * there):
            ratios = [shift.ratio for report in reports for shift in report.shifts if shift.day == day]
            switches.append(
                {"date": _date(day), "symbols": count, "of": there, "ratio": float(np.median(ratios))}
            )
    return switches


def _symbol(report: SymbolReport) -> dict[str, Any]:
    gaps = report.gaps
    return {
        "symbol": report.symbol,
        "bars": report.bars,
        "first": iso(report.first),
        "last": iso(report.last),
        "calendar": report.calendar,
        "sessions": gaps.expected,
        "missing_sessions": len(gaps.missing),
        "missing": [_date(day) for day in gaps.missing[:_MISSING_SHOWN].tolist()],
        "longest_gap": gaps.longest,
        "longest_gap_from": _date(gaps.longest_from) if gaps.longest else None,
        "outside_sessions": len(gaps.outside),
        "filled": report.filled,
        "short_sessions": report.short_sessions,
        "zero_volume": report.zero_volume,
        "unknown_volume": report.unknown_volume,
        "without_close": report.without_close,
        "quarantined": dict(report.quarantined),
        "quarantined_rows": [
            {"ts": iso(row.ts), "reason": row.reason, "row": row.row or None} for row in report.wrong_rows
        ],
        "volume_shifts": [{"date": _date(s.day), "ratio": s.ratio} for s in report.shifts],
        "split_like_jumps": [{"date": _date(j.day), "ratio": j.ratio} for j in report.jumps],
        "spikes": [
            {"ts": iso(s.ts), "close": s.close, "around": s.around} for s in report.spikes[:_MISSING_SHOWN]
        ],
        "spike_count": len(report.spikes),
        "splits": report.splits,
        "dividends": report.dividends,
        "prices": report.adjusted,
        "quotes": _quotes(report),
        "sources": [_source(origin) for origin in report.origins],
    }


def _quotes(report: SymbolReport) -> dict[str, Any] | None:
    kept = report.quotes
    return None if kept is None else {"bars": kept.bars, "spread_bp": kept.spread_bp, "crossed": kept.crossed}


def _source(origin: Provenance) -> dict[str, str]:
    return {
        "source": origin.source,
        "file": origin.file,
        "label": origin.label,
        "label_from": origin.label_from,
        "timezone": origin.zone,
        "prices": origin.adjusted,
    }


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))


def info_text(body: dict[str, Any], named: bool) -> str:
    """The store for people; instruments that were named get a page each."""
    if not body["intervals"] and not body["only_put_aside"]:
        return f"The history in {body['history']} is empty. Fill it: tuiconsole data import PATH"
    lines = [f"history {body['history']}"]
    lines += [f"{name}: no bars, {rows:,} rows put aside" for name, rows in body["only_put_aside"].items()]
    if body["universes"]:
        lines.append("lists " + ", ".join(f"{name} ({n})" for name, n in body["universes"].items()))
    for name, interval in body["intervals"].items():
        rows = interval["symbols"]
        if not rows:
            continue
        lines += ["", f"{name}: {interval['bars']:,} bars of {_counted(len(rows))}, {_span(interval)}"]
        for switch in interval["feed_switches"]:
            lines.append(
                f"  ! {switch['date']}: volume changes {_times(switch['ratio'])} in {switch['symbols']} of "
                f"{switch['of']} symbols: another feed?"
            )
        lines += [line for row in rows for line in _page(row)] if named else _table(rows)
    return "\n".join(line.rstrip() for line in lines)


def _span(row: dict[str, Any]) -> str:
    return f"{row['first'][:10]} to {row['last'][:10]}"


def _counted(n: int) -> str:
    return f"{n} symbol" if n == 1 else f"{n} symbols"


def _times(ratio: float) -> str:
    return f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.2g}x"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """One line for each instrument, those with findings first."""
    head = f"{'symbol':<20} {'bars':>9} {'first':<10} {'last':<10} {'missing':>7}  findings"
    ranked = sorted(rows, key=lambda row: (not _findings(row), row["symbol"]))
    lines = [head]
    for row in ranked[:_ROWS_SHOWN]:
        missing = f"{row['missing_sessions']:,}"
        lines.append(
            f"{row['symbol'][:20]:<20} {row['bars']:>9,} {row['first'][:10]} {row['last'][:10]} {missing:>7}  "
            + ", ".join(_findings(row))
        )
    words = {word for row in ranked[:_ROWS_SHOWN] for word in _findings(row)}
    lines += [f"  {word}: {meaning}" for word, meaning in _MEANINGS.items() if word in words]
    hidden = ranked[_ROWS_SHOWN:]
    if hidden:
        doubtful = sum(bool(_findings(row)) for row in hidden)
        lines.append(f"… and {len(hidden)} more, {doubtful} with findings; --json has all, a name shows one")
    return lines


def _findings(row: dict[str, Any]) -> list[str]:
    """Short words for what is doubtful."""
    found = []
    if row["volume_shifts"]:
        found.append("volume")
    if row["split_like_jumps"]:
        found.append("split?")
    if row["spike_count"]:
        found.append("spikes")
    if row["quarantined"]:
        found.append("rows")
    if row["outside_sessions"]:
        found.append("closed")
    if row["prices"] == "mixed":
        found.append("mixed")
    return found


def _page(row: dict[str, Any]) -> list[str]:
    """Everything about one instrument."""
    lines = [f"{row['symbol']}  {row['bars']:,} bars, {_span(row)}, prices {row['prices']}"]
    gap = f", longest {row['longest_gap']} from {row['longest_gap_from']}" if row["longest_gap"] else ""
    lines.append(
        f"  sessions    {row['sessions']:,} of {row['calendar']}, {row['missing_sessions']} missing{gap}"
    )
    if row["missing"]:
        lines.append(
            f"              {' '.join(row['missing'][:5])}{' …' if row['missing_sessions'] > 5 else ''}"
        )
    if row["outside_sessions"]:
        lines.append(f"              bars on {row['outside_sessions']} days when the exchange was closed")
    if row["filled"] < 1.0:
        lines.append(
            f"  filled      {row['filled']:.1%} of their bars, {row['short_sessions']} sessions far fewer"
        )
    lines.append(f"  volume      zero in {row['zero_volume']:,} bars, unknown in {row['unknown_volume']:,}")
    lines += [
        f"              {s['date']}: its level changes {_times(s['ratio'])} and stays"
        for s in row["volume_shifts"]
    ]
    lines += [f"  quarantined {count:,} {reason}" for reason, count in row["quarantined"].items()]
    for wrong in row["quarantined_rows"][:_WRONG_SHOWN]:
        line = f"row {wrong['row']}, " if wrong["row"] else ""
        lines.append(
            f"              {line}{wrong['ts'].removesuffix('Z').replace('T', ' ')}: {wrong['reason']}"
        )
    if row["spike_count"]:
        lines.append(f"  spikes      {row['spike_count']:,} single closes far from those around them")
    lines += [
        f"              {s['ts'].removesuffix('Z').replace('T', ' ')}: {s['close']:.8g} among {s['around']:.8g}"
        for s in row["spikes"][:_WRONG_SHOWN]
    ]
    quotes = row["quotes"]
    if quotes is not None:
        crossed = f", bid above ask in {quotes['crossed']:,}" if quotes["crossed"] else ""
        lines.append(
            f"  quotes      bid and ask of {quotes['bars']:,} bars, median spread {quotes['spread_bp']:.3g} bp{crossed}"
        )
    lines.append(f"  actions     {row['splits']} splits, {row['dividends']} dividends")
    lines += [
        f"              {j['date']}: a jump like a split of {j['ratio']:.3g}, and no action"
        for j in row["split_like_jumps"]
    ]
    for source in row["sources"]:
        label = "sessions" if source["label"] == "session" else f"bar {source['label']}s"
        lines.append(f"  from        {source['source']} {source['file']}")
        lines.append(
            f"              {label} ({source['label_from']}), {source['timezone']}, {source['prices']}"
        )
    return lines
