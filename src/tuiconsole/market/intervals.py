"""Lengths of bars and their names: ``5s``, ``1min``, ``15min``, ``1h``, ``1day``."""

from __future__ import annotations

import re

from tuiconsole.domain.errors import UsageError

DAY = "1day"
SECONDS_PER_DAY = 86_400
_UNITS = {
    "s": 1,
    "sec": 1,
    "second": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "t": 60,
    "h": 3_600,
    "hour": 3_600,
    "d": SECONDS_PER_DAY,
    "day": SECONDS_PER_DAY,
}
_WORDS = {"daily": "1day", "hourly": "1h", "minute": "1min", "day": "1day", "hour": "1h", "d": "1day"}
_PATTERN = re.compile(r"(\d+)[ _-]?([a-z]+?)s?")


def interval_seconds(name: str) -> int:
    """Length of a bar in seconds; 86,400 for a day.

    Raises :class:`UsageError` for a name that is no interval, or one that does not divide a day.

    >>> interval_seconds("5 minutes"), interval_seconds("1Day"), interval_seconds("30s")
    (300, 86400, 30)
    """
    text = name.strip().lower()
    found = _PATTERN.fullmatch(_WORDS.get(text, text))
    unit = _UNITS.get(found[2] if found and found[2] else "s" if found else "")
    seconds = int(found[1]) * unit if found and unit else 0
    if not 0 < seconds <= SECONDS_PER_DAY or SECONDS_PER_DAY % seconds:
        raise UsageError(f"{name!r} is not a bar length.", "Write it as 5s, 1min, 15min, 1h or 1day.")
    return seconds


def interval_name(seconds: int) -> str:
    """The one name of a bar length.

    >>> interval_name(60), interval_name(3600), interval_name(86400), interval_name(5)
    ('1min', '1h', '1day', '5s')
    """
    for unit, size in (("day", SECONDS_PER_DAY), ("h", 3_600), ("min", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def canonical_interval(name: str) -> str:
    """``name`` in its one spelling; errors as in :func:`interval_seconds`.

    >>> canonical_interval("1d"), canonical_interval("60min")
    ('1day', '1h')
    """
    return interval_name(interval_seconds(name))
