"""The verb data pull: bars, reports, the economy and news from vendors into the history."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, Clock, WallClock, iso, parse_iso, sleep
from tuiconsole.domain.errors import UsageError
from tuiconsole.market.settings import HistorySettings, ProviderSettings
from tuiconsole.verbs.common import Place, default_config
from tuiconsole.verbs.interrupting import interruptible

if TYPE_CHECKING:
    import pyarrow as pa

    from tuiconsole.market.actions import Action
    from tuiconsole.market.history.store import HistoryStore
    from tuiconsole.market.providers.contract import BarProvider
    from tuiconsole.market.providers.pull import Wanted
    from tuiconsole.market.providers.registry import Workshop

WHAT = ("bars", "actions", "fundamentals", "insider", "macro", "movers", "news", "transcripts")
_PACKAGES = ("alpaca", "httpx", "stamina", "yfinance")
_LEAST_KEPT_S = 2 * 86_400.0
_DEFAULT_DAYS, _DEFAULT_DAYS_OF_MINUTES = 3_652, 28


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; empty texts for what it leaves open."""

    symbols: tuple[str, ...]
    universe: str
    interval: str
    start: str
    end: str
    provider: str
    what: str
    quarter: str = ""


def run_pull(place: Place, request: Request, progress: bool) -> dict[str, Any]:
    """Pull what ``request`` asks for; the verb's stable keys.

    Raises :class:`UsageError` for a wrong word, and :class:`ConfigError` for a key file that others may read.
    """
    from tuiconsole.market.history.store import HistoryStore

    missing = _missing_packages()
    if missing:
        raise UsageError(
            f"Pulling data needs {', '.join(missing)}, which is not installed.",
            "pip install 'tuiconsole[feeds]'",
        )
    clock = WallClock()
    store = HistoryStore(Path(place.config.desk.history.root), clock)
    chosen = _chosen_what(request.what)
    wanted = _wanted(
        request,
        store,
        place.config.desk.history,
        clock,
        needs_symbols=bool(set(chosen) - {"macro", "movers"}),
    )
    shop = workshop(place, clock)
    shop.cache.forget(max(shop.settings.cache_hours * 3_600.0, _LEAST_KEPT_S))
    show = _show if progress else _silent
    began = clock.monotonic_ns()
    body: dict[str, Any] = {
        "history": str(store.root),
        "symbols": list(wanted.symbols),
        "interval": request.interval,
        "start": iso(wanted.start_ns),
        "end": iso(wanted.end_ns),
        "what": list(chosen),
        "sentence": "",
        "goes_on": None,
        "faults": [],
    }
    _without_retry_log(show)
    counts = {"new": 0, "changed": 0, "same": 0, "actions": 0}
    try:
        with interruptible(lambda: _kept(counts)) as stop:

            def tell(done: int, total: int, whose: str) -> None:
                stop.check()
                show(done, total, whose)

            if "bars" in chosen or "actions" in chosen:
                vendors = shop.providers(request.provider)
                _pull_bars(body, wanted, vendors, store, clock, tell, counts, bars="bars" in chosen)
            facts = [one for one in chosen if one not in ("bars", "actions")]
            if facts and not body["goes_on"]:
                from tuiconsole.verbs.pull_facts import pull_facts

                pull_facts(body, facts, wanted, request.quarter, shop, store.root, tell)
    finally:
        if progress:
            sys.stderr.write("\r\x1b[K")
    body["seconds"] = (clock.monotonic_ns() - began) / 1e9
    return body


def _kept(counts: dict[str, int]) -> str:
    """What an interrupted pull left: every piece is stored as a whole and journalled after."""
    bars = counts["new"] + counts["changed"] + counts["same"]
    return f"{bars:,} bars of finished pieces are stored. The same command goes on where it was."


def vendors_text(place: Place) -> str:
    """Vendors in the order in which they are asked, and how often each Alpha Vantage key was used today."""
    from tuiconsole.market.providers.registry import NO_KEY_NEEDED

    missing = _missing_packages()
    if missing:
        return f"none, {', '.join(missing)} missing (pip install 'tuiconsole[feeds]')"
    shop = workshop(place, WallClock())
    named = [name for name in shop.settings.order() if shop.has_key(name)]
    words = [f"{name} (no key needed)" if name in NO_KEY_NEEDED else name for name in named]
    ring = shop.ring()
    for key in shop.keys.alpha_vantage:
        limit = f" of {key.per_day}" if key.per_day else ""
        words.append(f"{key.purpose.value} key {ring.used_today(key)}{limit} today")
    return ", ".join(words)


def _missing_packages() -> list[str]:
    return [name for name in _PACKAGES if importlib.util.find_spec(name) is None]


def workshop(place: Place, clock: Clock) -> Workshop:
    """What vendors are made from in this place: settings, keys, and where answers and counts are kept."""
    import platformdirs

    from tuiconsole.market.providers.key_source import load_keys
    from tuiconsole.market.providers.registry import Workshop

    settings: ProviderSettings = place.config.desk.providers
    base = (place.config_path or default_config() or Path("config.toml")).absolute().parent
    own = Path(settings.keys_file).expanduser() if settings.keys_file else Path("keys.toml")
    keys = load_keys(settings, base / own, os.environ)
    cache = Path(settings.cache_folder).expanduser() if settings.cache_folder else None
    return Workshop(
        settings,
        keys,
        base / cache if cache else platformdirs.user_cache_path("tuiconsole") / "vendors",
        platformdirs.user_state_path("tuiconsole") / "alpha_vantage_usage.json",
        clock,
        sleep,
    )


def _pull_bars(
    body: dict[str, Any],
    wanted: Wanted,
    providers: Sequence[BarProvider],
    store: HistoryStore,
    clock: Clock,
    show: Callable[[int, int, str], None],
    counts: dict[str, int],
    *,
    bars: bool,
) -> None:
    """Bars with their actions; without ``bars`` the splits and dividends of the daily charts alone."""
    from tuiconsole.market.providers.backfill_journal import BackfillJournal
    from tuiconsole.market.providers.contract import DAY_SECONDS
    from tuiconsole.market.providers.pull import pull_bars

    journal = BackfillJournal(store.root / "pull" / ("journal.jsonl" if bars else "actions.jsonl"))
    if not bars:
        wanted = replace(wanted, interval_s=DAY_SECONDS)
    try:
        report = pull_bars(wanted, providers, journal, _sink(store, wanted, counts, bars), clock, show)
    finally:
        for provider in providers:
            provider.close()
    body |= counts | {
        "pieces": report.pieces,
        "stored": report.stored,
        "left": len(report.left),
        "already": report.already,
        "rows": report.rows,
        "by_provider": report.by_provider,
        "sentence": report.sentence(),
        "goes_on": iso(report.until_ns) if report.left and report.until_ns else None,
    }
    body["faults"] += [
        {
            "symbol": symbol,
            "kind": fault.kind.value,
            "provider": fault.provider,
            "start": iso(stretch[0]),
            "end": iso(stretch[1]),
            "sentence": fault.sentence,
        }
        for symbol, stretch, fault in report.left
    ]


def _sink(
    store: HistoryStore, wanted: Wanted, counts: dict[str, int], keep_bars: bool
) -> Callable[[str, pa.Table, pa.Table], None]:
    from tuiconsole.market.history.records import Provenance
    from tuiconsole.market.intervals import DAY, interval_name

    interval = interval_name(wanted.interval_s)

    def write(provider: str, bars: pa.Table, actions: pa.Table) -> None:
        origin = Provenance(provider, label="session" if interval == DAY else "start")
        with store.transaction() as transaction:
            written = transaction.add(interval, bars if keep_bars else bars.slice(0, 0), origin)
            new, changed, _ = transaction.add_actions(_stored_actions(provider, actions))
        for name in ("new", "changed", "same"):
            counts[name] += getattr(written, name)
        counts["actions"] += new + changed

    return write


def _stored_actions(provider: str, actions: pa.Table) -> list[Action]:
    """Splits and dividends as the store keeps them; known from the start of their ex-day at the latest."""
    from tuiconsole.market.actions import Action
    from tuiconsole.market.release_lags import end_of_day

    days = np.asarray(actions["ex_date"].cast("int32"), dtype=np.int64)
    known = end_of_day(days - 1).tolist()
    rows = zip(actions.to_pylist(), days.tolist(), known, strict=True)
    return [
        Action(row["symbol"], day, row["kind"], row["value"], None, at, provider) for row, day, at in rows
    ]


def _chosen_what(text: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    unknown = [word for word in words if word not in WHAT]
    if unknown or not words:
        raise UsageError(f"--what {text!r} names nothing that can be pulled.", f"Known: {', '.join(WHAT)}.")
    return words


def _wanted(
    request: Request, store: HistoryStore, history: HistorySettings, clock: Clock, *, needs_symbols: bool
) -> Wanted:
    """Symbols, interval and range of the request."""
    from tuiconsole.market.history.opening import chosen_list
    from tuiconsole.market.intervals import interval_seconds
    from tuiconsole.market.providers.contract import DAY_SECONDS, INTERVALS
    from tuiconsole.market.providers.pull import Wanted
    from tuiconsole.market.vendor_symbols import house_symbol

    named = [part for text in request.symbols for part in text.split(",") if part.strip()]
    if request.universe:
        found = chosen_list(request.universe, store.manifest, history)
        named += () if found is None else found.symbols
    symbols = tuple(dict.fromkeys(house_symbol(name) for name in named))
    if needs_symbols and not symbols:
        raise UsageError("Nothing to pull: no symbol is named.", "Name symbols, or a list with --universe.")
    seconds = interval_seconds(request.interval)
    if seconds not in INTERVALS:
        raise UsageError(
            f"Vendors give no bars of {request.interval}.", "Choose 1min, 5min, 15min, 30min, 1h or 1day."
        )
    now = clock.now_ns()
    today = now // NANOSECONDS_PER_DAY * NANOSECONDS_PER_DAY
    default = (
        today - (_DEFAULT_DAYS if seconds == DAY_SECONDS else _DEFAULT_DAYS_OF_MINUTES) * NANOSECONDS_PER_DAY
    )
    start = _moment(request.start, "--start", default)
    end = min(_moment(request.end, "--end", now - NANOSECONDS_PER_DAY) + NANOSECONDS_PER_DAY, now)
    if end <= start:
        raise UsageError(f"The range from {iso(start)} to {iso(end)} is empty.", "Choose an earlier --start.")
    return Wanted(symbols, seconds, start, end)


def _moment(text: str, option: str, default: int) -> int:
    if not text:
        return default
    try:
        return parse_iso(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is not an ISO date.", "Write it as 2020-01-31.") from None


def _without_retry_log(show: Callable[[int, int, str], None]) -> None:
    """Retries are told as progress; by default the library that makes them writes a log to the terminal."""
    from stamina.instrumentation import RetryDetails, set_on_retry_hooks

    def told(details: RetryDetails) -> None:
        show(0, 0, f"{details.caused_by} Asking again in {details.wait_for:.0f} s")

    set_on_retry_hooks((told,))


def _show(done: int, total: int, what: str) -> None:
    share = f"{done:,} of {total:,} pieces ({done / total:.0%})  " if total else ""
    sys.stderr.write(f"\r\x1b[K{share}{what}")
    sys.stderr.flush()


def _silent(done: int, total: int, what: str) -> None:
    """Nothing is shown."""


def pull_text(body: dict[str, Any]) -> str:
    """The pull for people."""
    lines: list[str] = []
    if "pieces" in body:
        names = body["symbols"]
        shown = " ".join(names[:8]) + (" …" if len(names) > 8 else "")
        last = iso(parse_iso(body["end"]) - 1)[:10]
        lines.append(
            f"{len(names)} symbols ({shown}), bars of {body['interval']}, {body['start'][:10]} to {last}"
        )
        lines.append(
            f"  pieces: {body['stored']:,} of {body['pieces']:,} stored, {body['left']:,} left; "
            f"{body['already']} symbols were complete"
        )
        lines.append(
            f"  bars: new {body['new']:,}   changed {body['changed']:,}   there already {body['same']:,};   "
            f"splits and dividends {body['actions']:,}"
        )
        if body["by_provider"]:
            given = ", ".join(f"{name} {count:,}" for name, count in body["by_provider"].items())
            lines.append(f"  pieces by vendor: {given}")
    for topic, counts in body.get("facts", {}).items():
        lines.append(
            f"  {topic}: new {counts['new']:,}   revisions {counts['revisions']:,}   there already {counts['same']:,}"
        )
    for fault in body["faults"][:8]:
        lines.append(f"  {fault['symbol'] or fault['provider']}: {fault['sentence']}")
    lines.append(f"  {body['seconds']:.1f} s, in {body['history']}")
    if body["sentence"]:
        lines.append(body["sentence"])
    return "\n".join(lines)
