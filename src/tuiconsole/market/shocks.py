"""The calendar of shocks and policy events: a list that comes with the program, and the user's own beside the history.

One CSV line per event: ``date, time_utc, kind, region, title``. With a time (UTC, ``HH:MM``) an event is known from
that minute on, without one from the end of its New York day: never too early. The user's file adds events; a line
with the date and title of a listed one replaces it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, parse_iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market.point_in_time_store import FOLDER
from tuiconsole.market.release_lags import end_of_day

USER_FILE = "events.csv"
_COLUMNS = ("date", "time_utc", "kind", "region", "title")


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One dated event.

    Attributes
    ----------
    reference
        Midnight UTC of its date, ns UTC.
    release
        From when on it is known, ns UTC.
    kind
        A word such as "policy", "shock", "default", "war".
    """

    reference: int
    release: int
    kind: str
    region: str
    title: str


def market_events(root: Path) -> tuple[MarketEvent, ...]:
    """All events by the time at which they became known: the packaged ones and those in the user's file.

    Parameters
    ----------
    root
        The history's root; the user's file is ``point_in_time/events.csv`` under it.

    Raises
    ------
    DataError
        The user's file has another header, or a line without a date.
    """
    packaged = resources.files("tuiconsole.market").joinpath("shocks.csv").read_text(encoding="utf-8")
    events = {(e.reference, e.title): e for e in _parsed(packaged, "shocks.csv")}
    own = root / FOLDER / USER_FILE
    if own.is_file():
        try:
            text = own.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{own} cannot be read: {error}.") from None
        events |= {(e.reference, e.title): e for e in _parsed(text, str(own))}
    return tuple(sorted(events.values(), key=lambda e: (e.release, e.title)))


def events_as_of(events: tuple[MarketEvent, ...], ts: int, since: int = 0) -> tuple[MarketEvent, ...]:
    """Those of ``events`` that became known in ``(since, ts]``, ns UTC."""
    return tuple(event for event in events if since < event.release <= ts)


def _parsed(text: str, name: str) -> list[MarketEvent]:
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise DataError(f"{name}: the first line must be {','.join(_COLUMNS)}.")
    events: list[MarketEvent] = []
    for row in reader:
        try:
            reference = parse_iso(row["date"])
            known = parse_iso(f"{row['date']}T{row['time_utc']}:00Z") if row["time_utc"] else _end(reference)
        except (ValueError, TypeError):
            raise DataError(
                f"{name}, line {reader.line_num}: the date must look like 2008-09-15 and the time like 14:30."
            ) from None
        if not row["kind"] or not row["title"]:
            raise DataError(f"{name}, line {reader.line_num}: kind and title must not be empty.")
        events.append(MarketEvent(reference, known, row["kind"], row["region"], row["title"]))
    return events


def _end(reference: int) -> int:
    return int(end_of_day(np.array([reference // NANOSECONDS_PER_DAY], dtype=np.int64))[0])
