"""The verb data import-books: recorded order books, checked and made into bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.clock import WallClock, iso, parse_iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.money import to_float
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.books import BookReport, import_books
from tuiconsole.verbs.common import Place

_COUNTS = (
    "updates",
    "levels",
    "snapshots",
    "ignored",
    "unplaced",
    "trades",
    "quotes",
    "gaps",
    "crossed",
    "checked",
    "mismatched",
)


def run_import_books(
    place: Place, paths: Sequence[Path], interval: str, levels: int, day: str, check: bool
) -> dict[str, Any]:
    """Rebuild the books in ``paths``, and store bars of them unless ``check``; the verb's stable keys."""
    from tuiconsole.market.calendar import NEW_YORK, to_utc

    clock = WallClock()
    began = clock.monotonic_ns()
    root = Path(place.config.desk.history.root)
    if any(path.suffix == ".parquet" for path in paths) and not day and not check:
        raise UsageError("LOBSTER's rows do not tell their day.", "Name it, e.g. --day 2012-06-21.")
    midnight = int(to_utc(np.array([parse_day(day)], dtype=np.int64), NEW_YORK)[0]) if day else 0
    report = import_books(None if check else HistoryStore(root), paths, interval, levels, midnight)
    written = report.written
    return {
        "paths": [str(path) for path in paths],
        "exchange": report.exchange,
        "sound": report.sound,
        "malformed": report.malformed,
        "books": [_book(one) for one in report.books],
        "history": None if written is None else str(root),
        "interval": None if written is None else written.interval,
        "bars": 0 if written is None else written.given,
        "new": 0 if written is None else written.new,
        "changed": 0 if written is None else written.changed,
        "same": 0 if written is None else written.same,
        "seconds": (clock.monotonic_ns() - began) / 1e9,
    }


def parse_day(day: str) -> int:
    """A day as ns since the epoch at its midnight; anything else raises :class:`UsageError`."""
    try:
        return parse_iso(day)
    except ValueError as error:
        raise UsageError(f"--day is {day!r}, expected a date such as 2012-06-21.") from error


def _book(report: BookReport) -> dict[str, Any]:
    rebuilt, spread = report.rebuilt, report.spread
    bid, bid_size, ask, ask_size = rebuilt.book.touch()
    scale = rebuilt.scale
    price, size = (0, 0) if scale is None else (scale.price_decimals, scale.size_decimals)
    return {
        "symbol": report.symbol,
        "state": rebuilt.trust.value,
        **{name: getattr(rebuilt.counts, name) for name in _COUNTS},
        "first": iso(spread.first) if spread.first else None,
        "last": iso(spread.last) if spread.last else None,
        "bid": to_float(bid, price) if bid else None,
        "bid_size": to_float(bid_size, size) if bid else None,
        "ask": to_float(ask, price) if ask else None,
        "ask_size": to_float(ask_size, size) if ask else None,
        "bid_levels": len(rebuilt.book.bids),
        "ask_levels": len(rebuilt.book.asks),
        "spread_bps": {"mean": spread.mean, "least": spread.least, "most": spread.most},
        "digest": rebuilt.digest(),
    }


def import_books_text(body: dict[str, Any]) -> str:
    """The outcome for people."""
    lines = [f"{body['exchange']}: {len(body['books'])} books from {len(body['paths'])} files"]
    for one in body["books"]:
        lines += _book_lines(one)
    if body["malformed"]:
        lines.append(f"{body['malformed']:,} messages could not be read")
    if body["history"]:
        lines.append(
            f"{body['bars']:,} bars of {body['interval']}: new {body['new']:,}, changed {body['changed']:,}, there "
            f"already {body['same']:,}, in {body['history']}"
        )
    verdict = "every book is sound" if body["sound"] else "NOT every book is sound"
    return "\n".join([*lines, f"{verdict}   {body['seconds']:.2f} s"])


def _book_lines(one: dict[str, Any]) -> list[str]:
    head = f"{one['symbol']}  {one['state']}   {one['updates']:,} updates, {one['levels']:,} levels, {one['trades']:,} trades"
    faults = f"   gaps {one['gaps']}   crossed {one['crossed']}"
    if one["checked"]:
        faults += f"   checks passed {one['checked'] - one['mismatched']:,} of {one['checked']:,}"
    lines = [head, faults]
    if one["bid"] is not None and one["ask"] is not None:
        spread = one["spread_bps"]
        shown = "/".join(
            f"{spread[key]:.4g}" for key in ("mean", "least", "most") if not math.isnan(spread[key])
        )
        lines.append(
            f"   {one['bid_size']:g} at {one['bid']:.12g} | {one['ask']:.12g} for {one['ask_size']:g}   "
            f"spread mean/least/most {shown} bp"
        )
    return [*lines, f"   digest {one['digest'][:16]}"]
