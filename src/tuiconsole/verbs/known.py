"""Verbs about figures as they were known: data import-macro and data known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, WallClock, iso, parse_iso
from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.verbs.common import Place

if TYPE_CHECKING:
    from tuiconsole.market.point_in_time import PointSeries
    from tuiconsole.market.point_in_time_store import PointInTimeStore

_NEWS_DAYS, _EVENT_DAYS, _SHOWN = 7, 30, 5


def run_import_macro(place: Place, path: Path) -> dict[str, Any]:
    """Bring the file at ``path`` into the place's history; the verb's stable keys."""
    from tuiconsole.market.macro_import import import_macro

    store = _store(place)
    added, bases = import_macro(store, path)
    return {
        "path": str(path),
        "history": str(store.folder),
        "series": len(bases),
        "new": added.new,
        "same": added.same,
        "revisions": added.revisions,
        "release_times": bases,
    }


def import_macro_text(body: dict[str, Any]) -> str:
    """The import for people."""
    lines = [
        f"{body['series']} series: new {body['new']:,}   there already {body['same']:,}   revisions {body['revisions']:,}"
    ]
    lines += [f"  {name:<18} released: {basis}" for name, basis in body["release_times"].items()]
    return "\n".join([*lines, f"  in {body['history']}"])


def run_known(place: Place, symbols: tuple[str, ...], as_of: str) -> dict[str, Any]:
    """What had been released by a moment; the verb's stable keys.

    Raises :class:`UsageError` when ``as_of`` is no date.
    """
    from tuiconsole.market.macro_series import macro_releases
    from tuiconsole.market.shocks import events_as_of, market_events
    from tuiconsole.market.vendor_symbols import house_symbol

    store = _store(place)
    ts = _moment(as_of)
    source = macro_releases(store, place.config.desk.history.macro_ages())
    values = source.as_of(np.array([ts]))[0] if source is not None else np.full(len(MACRO_SERIES), np.nan)
    released = {} if source is None else source.released(ts)
    outdated = {} if source is None else source.outdated(ts)
    ages = {} if source is None else source.age_days
    events = events_as_of(market_events(store.folder.parent), ts, ts - _EVENT_DAYS * NANOSECONDS_PER_DAY)
    stored = store.all_series("fundamentals")
    named = [house_symbol(part) for text in symbols for part in text.split(",") if part.strip()]
    return {
        "as_of": iso(ts),
        "macro": {n: float(v) for n, v in zip(MACRO_SERIES, values, strict=True) if np.isfinite(v)},
        "macro_released": {name: iso(at) for name, at in released.items() if name not in outdated},
        "macro_age_days": {name: days for name, days in ages.items() if name in released},
        "macro_outdated": {name: iso(at) for name, at in outdated.items()},
        "companies": {symbol: _company(place, store, stored, symbol, ts) for symbol in named},
        "events": [
            {"known": iso(e.release), "kind": e.kind, "region": e.region, "title": e.title} for e in events
        ],
        "stored": {topic: store.summary(topic) for topic in ("macro", "fundamentals", "insider", "movers")},
    }


def _company(
    place: Place,
    store: PointInTimeStore,
    stored: dict[tuple[str, str], PointSeries],
    symbol: str,
    ts: int,
) -> dict[str, Any]:
    from tuiconsole.market.fundamentals import price_earnings, ratios

    at = np.array([ts])
    reports = {name: series for (name, entity), series in stored.items() if entity == symbol}
    derived = ratios(reports)
    found = {name: float(series.as_of(at)[0]) for name, series in (reports | derived).items()}
    close, close_at = _last_close(place, symbol, ts)
    if close is not None and "eps_ttm" in derived:
        found["price_earnings"] = float(price_earnings(np.array([close]), at, derived["eps_ttm"])[0])
    news = store.texts_as_of("news", symbol, ts, ts - _NEWS_DAYS * NANOSECONDS_PER_DAY)
    tones = np.array([(text.sentiment, text.relevance) for text in news if np.isfinite(text.sentiment)])
    weighed = len(tones) > 0 and tones[:, 1].sum() > 0.0
    return {
        "close": close,
        "close_at": close_at,
        "figures": {name: value for name, value in sorted(found.items()) if np.isfinite(value)},
        "news": len(news),
        "sentiment": float(np.average(tones[:, 0], weights=tones[:, 1])) if weighed else None,
        "headlines": [{"ts": iso(text.release), "title": text.title} for text in news[-_SHOWN:]],
    }


def _last_close(place: Place, symbol: str, ts: int) -> tuple[float | None, str | None]:
    """The last stored daily close of ``symbol`` by ``ts``, adjusted for splits, and its time; None when there is none."""
    from tuiconsole.market.history.store import HistoryStore

    try:
        tape = HistoryStore(Path(place.config.desk.history.root)).tape([symbol], "1day", end=ts + 1)
    except DataError:
        return None, None
    there = np.flatnonzero(np.isfinite(tape.close[:, 0]))
    if not len(there):
        return None, None
    return float(tape.close[there[-1], 0]), iso(int(tape.ts[there[-1]]))


def known_text(body: dict[str, Any]) -> str:
    """What was known, for people."""
    lines = [f"Known at {body['as_of']}, by release time:"]
    lines += [
        f"  {name.replace('_', ' '):<22} {value:>12,.6g}   since {body['macro_released'][name][:10]}"
        for name, value in body["macro"].items()
    ]
    lines += [
        f"  {name.replace('_', ' '):<22} {'unknown':>12}   no value since {at[:10]}, counts {body['macro_age_days'][name]} days"
        for name, at in body["macro_outdated"].items()
    ]
    if not body["macro"] and not body["macro_outdated"]:
        lines.append("  no macro series: bring them with data import-macro or data pull --what macro")
    for symbol, company in body["companies"].items():
        price = ""
        if company["close"] is not None:
            price = f", last close {company['close']:,.4f} on {company['close_at'][:10]}, adjusted for splits"
        lines.append(f"{symbol}{price}")
        lines += [
            f"  {name.replace('_', ' '):<30} {value:,.6g}" for name, value in company["figures"].items()
        ]
        if company["news"]:
            tone = "" if company["sentiment"] is None else f", mean sentiment {company['sentiment']:+.2f}"
            lines.append(f"  {company['news']} articles in a week{tone}")
            lines += [f"    {one['ts']} {one['title']}" for one in company["headlines"]]
    lines += [f"  {e['known'][:10]} {e['kind']}: {e['title']}" for e in body["events"]]
    return "\n".join(lines)


def _store(place: Place) -> PointInTimeStore:
    from tuiconsole.market.point_in_time_store import PointInTimeStore

    return PointInTimeStore(Path(place.config.desk.history.root), WallClock())


def _moment(text: str) -> int:
    if not text:
        return WallClock().now_ns()
    try:
        return parse_iso(text)
    except ValueError:
        raise UsageError(f"--as-of {text!r} is not an ISO date.", "Write it as 2020-03-20.") from None
