"""Times as files write them: dates, wall clocks, moments in UTC, numbers of seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.types import IntArray

TimeKind = Literal["date", "wall", "utc"]
_CLOCKS = ("%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p", "%H:%M", "%H:%M:%S")
_FIRST_DATE, _LAST_DATE = 18_000_101, 22_001_231
_MOST_DAYS, _FAR_YEAR = 106_000, "a year before 1680 or after 2260"
_MILLISECONDS_FROM, _MICROSECONDS_FROM, _NANOSECONDS_FROM = 10**11, 10**14, 10**17


class NotTimes(Exception):
    """A column holds something that is no time; the message says what."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times of rows: int64 ``[n]`` ns, as ``kind`` says: at midnight of a date, on a wall clock, or in UTC."""

    ns: IntArray
    kind: TimeKind


def times_of(table: Any) -> Times:
    """The times in the columns ``ts``, or ``date`` and ``time``.

    Raises :class:`NotTimes` when a cell is empty or no time.
    """
    if "ts" in table.column_names:
        return _times(table.column("ts"))
    days = _times(table.column("date"))
    if days.kind != "date":
        return days
    within = _time_of_day(table.column("time"))
    if not within.any():
        return days
    return Times(days.ns + within, "wall")


def _times(column: Any) -> Times:
    import pyarrow

    types = pyarrow.types
    kind = column.type
    if not len(column):
        return Times(np.empty(0, dtype=np.int64), "date")
    if column.null_count:
        raise NotTimes("an empty cell")
    if types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if types.is_integer(kind) or types.is_floating(kind):
        return _numbers(np.asarray(column.to_numpy()))
    if types.is_date(kind):
        days = column.cast(pyarrow.date32()).cast(pyarrow.int32()).to_numpy()
        if np.abs(days).max() > _MOST_DAYS:
            raise NotTimes(_FAR_YEAR)
        return Times(days.astype(np.int64) * NANOSECONDS_PER_DAY, "date")
    if not types.is_timestamp(kind):
        raise NotTimes(f"{kind}")
    try:
        ns = column.cast(pyarrow.timestamp("ns", tz=kind.tz)).cast(pyarrow.int64()).to_numpy()
    except pyarrow.ArrowInvalid as error:
        raise NotTimes(_FAR_YEAR) from error
    if kind.tz is not None:
        return Times(ns, "utc")
    return Times(ns, "wall" if (ns % NANOSECONDS_PER_DAY).any() else "date")


def _numbers(values: Any) -> Times:
    """Dates written as 20240131, or seconds, milli-, micro- or nanoseconds since 1970."""
    largest, smallest = float(np.max(values)), float(np.min(values))
    if smallest >= _FIRST_DATE and largest <= _LAST_DATE:
        return Times(_dates(values.astype(np.int64)) * NANOSECONDS_PER_DAY, "date")
    if smallest < 0 or largest < 10**7:
        raise NotTimes(f"the number {smallest:g}")
    unit = NANOSECONDS_PER_SECOND
    for limit in (_MILLISECONDS_FROM, _MICROSECONDS_FROM, _NANOSECONDS_FROM):
        unit = unit // 1000 if largest >= limit else unit
    if np.issubdtype(values.dtype, np.floating):
        whole = np.floor(values)
        return Times(whole.astype(np.int64) * unit + np.rint((values - whole) * unit).astype(np.int64), "utc")
    return Times(values.astype(np.int64) * unit, "utc")


def _dates(values: IntArray) -> IntArray:
    """Days since 1970 of numbers such as 20240131."""
    unique, inverse = np.unique(values, return_inverse=True)
    texts = [f"{n // 10_000:04d}-{n // 100 % 100:02d}-{n % 100:02d}" for n in unique.tolist()]
    try:
        days = np.array(texts, dtype="datetime64[D]").astype(np.int64)
    except ValueError as error:
        raise NotTimes("a number that is no date") from error
    return np.asarray(days[inverse], dtype=np.int64)


def _time_of_day(column: Any) -> IntArray:
    """Nanoseconds since midnight of times such as 09:30, 09:30:00, 93000 or 9:30 AM."""
    import pyarrow

    types = pyarrow.types
    if column.null_count:
        raise NotTimes("an empty cell")
    if types.is_time(column.type):
        return np.asarray(column.cast(pyarrow.time64("ns")).cast(pyarrow.int64()).to_numpy(), dtype=np.int64)
    if types.is_string(column.type):
        return _written_clock(column)
    if not types.is_integer(column.type):
        raise NotTimes(f"{column.type} as a time of day")
    clock = np.asarray(column.to_numpy(), dtype=np.int64)
    clock = np.where(clock.max(initial=0) < 2_500, clock * 100, clock)
    seconds = clock // 10_000 * 3_600 + clock // 100 % 100 * 60 + clock % 100
    return seconds * NANOSECONDS_PER_SECOND


def _written_clock(column: Any) -> IntArray:
    """Nanoseconds since midnight of texts; a clock repeats every day, so each is read once."""
    encoded = column.dictionary_encode().unify_dictionaries().combine_chunks()
    joined = encoded.chunk(0) if hasattr(encoded, "chunk") else encoded
    known = np.array([_clock(text) for text in joined.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(known[joined.indices.to_numpy()], dtype=np.int64)


def _clock(text: str) -> int:
    for shape in _CLOCKS:
        try:
            moment = datetime.strptime(text.strip(), shape)  # noqa: DTZ007 - a time of day alone
        except ValueError:
            continue
        return (moment.hour * 3_600 + moment.minute * 60 + moment.second) * NANOSECONDS_PER_SECOND
    raise NotTimes(f"{text!r} as a time of day")


def all_midnights(local: IntArray) -> bool:
    """Whether every local time is a midnight."""
    return not bool((local % NANOSECONDS_PER_DAY).any())
