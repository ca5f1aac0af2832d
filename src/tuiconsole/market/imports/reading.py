"""From a file's rows to bars at their end in UTC: which zone, which label, which length, decided once per import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.calendar import NEW_YORK, exchange_close, from_utc, to_utc
from tuiconsole.market.dating import dated_by_symbol, zones_of
from tuiconsole.market.history.records import Label, LabelFrom
from tuiconsole.market.imports.labels import bar_seconds, detect_label
from tuiconsole.market.imports.times import Times, all_midnights
from tuiconsole.market.intervals import SECONDS_PER_DAY, interval_name, interval_seconds

_WEEKLY = 5 * SECONDS_PER_DAY
_SAME_AS_NEW_YORK = ("US/Eastern", "EST5EDT")
_CLOSES_AT_16 = ("America/Toronto", "Canada/Eastern")
_HOUR_NS = 3_600 * NANOSECONDS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user said about the files; empty or None: to be found out.

    Attributes
    ----------
    interval, timezone, label
        Length of the bars, zone of their times, and what a time names.
    dates, decimal
        ``"day-first"`` or ``"month-first"``; a point or a comma.
    spelling
        Whose symbols they are, see :data:`tuiconsole.market.imports.spelling.SPELLINGS`.
    """

    interval: str = ""
    timezone: str = ""
    label: Literal["start", "end"] | None = None
    dates: str = ""
    decimal: str = ""
    spelling: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How times are read.

    Attributes
    ----------
    interval
        Length of the bars.
    zone
        Zone of wall clocks, and of the midnights that stand for sessions.
    label, label_from
        What a time names, and whether that was asked for, detected or said by the layout.
    zone_asked
        Whether the user named the zone.
    """

    interval: str
    zone: str
    label: Label
    label_from: LabelFrom
    zone_asked: bool = False

    def zone_of(self, symbols: Iterable[str]) -> str:
        """The zone of times, or where days end by their own markets, those clocks in words."""
        return self.zone if self.zone_asked or self.label != "session" else zones_of(symbols)

    def available(self, times: Times, codes: IntArray, symbols: Sequence[str]) -> IntArray:
        """When each bar is complete, ns UTC ``[n]``; ``codes`` are positions in ``symbols``.

        Sessions end as their own market does, unless a zone was asked for.
        """
        if self.label == "session":
            if times.kind == "utc":
                days = from_utc(times.ns, self.zone) // NANOSECONDS_PER_DAY
                if all_midnights(times.ns):
                    days = times.ns // NANOSECONDS_PER_DAY
            else:
                days = times.ns // NANOSECONDS_PER_DAY
            if not self.zone_asked:
                return dated_by_symbol(days, codes, symbols)
            if self.zone == NEW_YORK:
                return exchange_close(days)
            if self.zone in _CLOSES_AT_16:
                return to_utc(days * NANOSECONDS_PER_DAY + 16 * _HOUR_NS, self.zone)
            return to_utc((days + 1) * NANOSECONDS_PER_DAY, self.zone)
        ns = times.ns if times.kind == "utc" else to_utc(times.ns, self.zone)
        if self.label == "start":
            return ns + interval_seconds(self.interval) * NANOSECONDS_PER_SECOND
        return ns


def decide(name: str, times: Times, codes: IntArray, volume: FloatArray | None, asked: Asked) -> Reading:
    """How the times of an import are to be read, from its first rows and what the user said.

    Raises :class:`DataError` with the option to give when they do not tell.
    """
    found = bar_seconds(times.ns, codes)
    seconds = interval_seconds(asked.interval) if asked.interval else _seconds(name, times, found)
    zone = NEW_YORK if asked.timezone in ("", *_SAME_AS_NEW_YORK) else asked.timezone
    reading = Reading(interval_name(seconds), zone, "end", "declared", bool(asked.timezone))
    if seconds == SECONDS_PER_DAY:
        return _daily(times, reading, asked)
    if times.kind == "date" and found is not None and found >= SECONDS_PER_DAY:
        raise DataError(f"{name} holds dates, so its bars are not {reading.interval}.", "Drop --interval.")
    if times.kind != "utc" and not asked.timezone:
        raise DataError(
            f"{name}: its times carry no time zone, so they could mean any hour.",
            "Add --timezone, e.g. America/New_York or UTC.",
        )
    if asked.label is not None:
        return replace(reading, label=asked.label, label_from="asked")
    local = from_utc(times.ns, reading.zone) if times.kind == "utc" else times.ns
    label = detect_label(local, seconds, volume)
    if label is None:
        raise DataError(
            f"{name}: nothing tells whether its times name the start or the end of a bar.",
            "Add --label start or --label end.",
        )
    return replace(reading, label=label, label_from="detected")


def _seconds(name: str, times: Times, found: int | None) -> int:
    if found is None:
        if times.kind == "date":
            return SECONDS_PER_DAY
        raise DataError(f"{name}: one bar alone does not tell how long it is.", "Add --interval, e.g. 1min.")
    if found >= _WEEKLY:
        raise DataError(
            f"{name}: its bars are {found // SECONDS_PER_DAY} days apart; the desk takes bars of a day or less.",
            "If days are merely missing, add --interval 1day.",
        )
    if found >= SECONDS_PER_DAY:
        return SECONDS_PER_DAY
    if SECONDS_PER_DAY % found:
        raise DataError(
            f"{name}: its bars are {found} s apart, which divides no day.", "Add --interval, e.g. 1min."
        )
    return found


def _daily(times: Times, reading: Reading, asked: Asked) -> Reading:
    """Bare dates, and midnights of the zone, are sessions; other times are taken as the label says."""
    midnights = times.kind == "date" or all_midnights(times.ns)
    if times.kind == "utc" and not midnights:
        midnights = all_midnights(from_utc(times.ns, reading.zone))
    if midnights and asked.label != "end":
        return replace(
            reading, label="session", label_from="declared" if times.kind == "date" else "detected"
        )
    if asked.label is not None:
        return replace(reading, label=asked.label, label_from="asked")
    return replace(reading, label="end", label_from="detected")
