"""How numbers, signs, ages and words look on the screen. No Textual here.

Every form maps one JSON value of a snapshot to its text, so a test can hold the screen against the snapshot. ``None`` and
non-finite numbers show as a dash: the console never invents a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

MISSING = "–"
_MINUTE_S = 60.0
_HOUR_S = 3600.0
_SHORT_STATES = {
    "partially filled": "part fill",
    "pending new": "sending",
    "pending cancel": "cancelling",
    "pending replace": "replacing",
    "done for day": "day done",
}
SHORT_QUALITY = {
    "good": "",
    "no price in this bar": "no price",
    "price is zero or negative": "price <= 0",
    "price has not changed for too many bars": "stale",
    "move is beyond the robust deviations allowed; waiting for a bar that confirms the level": "jump",
    "open or close lies outside the bar's low and high": "bad range",
    "a bar with this time was already seen": "duplicate",
    "the bar's time is before the last one": "time back",
    "no good price seen yet": "never seen",
    "the bid is above the ask": "crossed",
    "move looks like a split that no corporate action explains; waiting for a bar that confirms the level": "split?",
}
"""The engine's sentences on a price's quality, shortened for a column."""


def plain(text: object) -> str:
    r"""``text`` with everything a terminal could obey (escapes, controls, direction marks) replaced by ``?``.

    >>> plain("a\x1b[2Jb")
    'a?[2Jb'
    """
    word = str(text)
    if word.isprintable():
        return word
    return "".join(letter if letter.isprintable() else "?" for letter in word)


def _fixed(value: float | None, decimals: int, *, signed: bool = False, scale: float = 1.0) -> str:
    if value is None or not math.isfinite(value):
        return MISSING
    number = round(value * scale, decimals)
    if number == 0:
        return f"{0:.{decimals}f}"
    return f"{number:+,.{decimals}f}" if signed else f"{number:,.{decimals}f}"


def money(value: float | None) -> str:
    """Currency units with two decimals and thousands separated.

    >>> money(103412.549)
    '103,412.55'
    """
    return _fixed(value, 2)


def money0(value: float | None) -> str:
    """Whole currency units."""
    return _fixed(value, 0)


def money_signed(value: float | None) -> str:
    """As :func:`money`, the sign always written; zero has none."""
    return _fixed(value, 2, signed=True)


def price(value: float | None) -> str:
    """Two decimals from 1 up, four below."""
    return _fixed(value, 2 if value is None or abs(value) >= 1 else 4)


def quantity(value: float | None) -> str:
    """Whole units without decimals, fractions with up to four.

    >>> quantity(-1200.0), quantity(0.25)
    ('-1,200', '0.25')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == round(value):
        return f"{round(value):,d}"
    return f"{value:,.4f}".rstrip("0")


def percent0(value: float | None) -> str:
    """A fraction in whole percent, without the sign ``%``."""
    return _fixed(value, 0, scale=100)


def percent1(value: float | None) -> str:
    """A fraction in percent with one decimal.

    >>> percent1(0.0815)
    '8.2'
    """
    return _fixed(value, 1, scale=100)


def percent1_signed(value: float | None) -> str:
    """As :func:`percent1`, the sign always written."""
    return _fixed(value, 1, signed=True, scale=100)


def percent2(value: float | None) -> str:
    """A fraction in percent with two decimals."""
    return _fixed(value, 2, scale=100)


def percent2_signed(value: float | None) -> str:
    """As :func:`percent2`, the sign always written.

    >>> percent2_signed(0.0042), percent2_signed(-0.00001)
    ('+0.42', '0.00')
    """
    return _fixed(value, 2, signed=True, scale=100)


def ratio(value: float | None) -> str:
    """A plain number with two decimals."""
    return _fixed(value, 2)


def ratio_signed(value: float | None) -> str:
    """A plain number with two decimals and its sign."""
    return _fixed(value, 2, signed=True)


def number(value: float | None) -> str:
    """A plain number: whole ones without decimals, others with two."""
    if value is not None and math.isfinite(value) and value == round(value):
        return f"{round(value):,d}"
    return _fixed(value, 2)


def age(seconds: float | None) -> str:
    """A duration in the unit a person would use.

    >>> age(0.31), age(75), age(7300)
    ('0.3 s', '75 s', '2.0 h')
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h"


def milliseconds(value: float | None) -> str:
    """A latency: one decimal below 10 ms, none above."""
    return _fixed(value, 1 if value is not None and value < 10 else 0) + " ms"


def speed(bars_per_second: float | None) -> str:
    """Replay speed; 0 means as fast as possible.

    >>> speed(1.0), speed(0)
    ('×1 bars/s', 'max speed')
    """
    if bars_per_second is None:
        return MISSING
    return "max speed" if bars_per_second == 0 else f"×{bars_per_second:g} bars/s"


def pace(times: float | None) -> str:
    """Pace of a replay against the market's own.

    >>> pace(1.0), pace(10.0)
    ('original pace', '×10 market')
    """
    if times is None:
        return MISSING
    return "original pace" if times == 1 else f"×{times:g} market"


def clock(text: object) -> str:
    """Event time for people: ``2008-09-15`` or ``2008-09-15 14:30:00``."""
    return plain(text).replace("T", " ").removesuffix("Z")


def date(text: object) -> str:
    """The date of an event time.

    >>> date("2008-09-15 20:00")
    '2008-09-15'
    """
    return clock(text)[:10]


def time_of_day(text: object) -> str:
    """Hour and minute of an event time; a bare date has none and stays.

    >>> time_of_day("2008-09-15T14:30:00Z"), time_of_day("2008-09-15")
    ('14:30', '2008-09-15')
    """
    words = clock(text)
    return words[11:16] if len(words) > 10 else words


def month_day_time(text: object) -> str:
    """Event time without its year.

    >>> month_day_time("2008-09-15T14:30:00Z")
    '09-15 14:30'
    """
    words = clock(text)
    return words[5:16] if len(words) > 10 else words


def quality_flag(text: object) -> str:
    """Why a price is not good, in one or two words; a reason that has no short form stays as it is.

    >>> quality_flag("no price in this bar"), quality_flag("odd"), quality_flag("good")
    ('no price', 'odd', '')
    """
    reason = plain(text)
    return SHORT_QUALITY.get(reason, reason)


def word(text: object) -> str:
    """A word of the engine in reading form: lower case, spaces for underscores."""
    return plain(text).lower().replace("_", " ")


def order_state(text: object) -> str:
    """An order's state in one or two short words.

    >>> order_state("PARTIALLY_FILLED"), order_state("PENDING_CANCEL")
    ('part fill', 'cancelling')
    """
    name = word(text)
    return _SHORT_STATES.get(name, name)


def capital(text: object) -> str:
    """A word of the engine in capitals."""
    return plain(text).upper()


def check(on: object) -> str:
    """A switch."""
    return "[x]" if on else "[ ]"


FORMS: dict[str, Callable[[Any], str]] = {
    form.__name__: form
    for form in (
        plain,
        money,
        money0,
        money_signed,
        price,
        quantity,
        percent0,
        percent1,
        percent1_signed,
        percent2,
        percent2_signed,
        ratio,
        ratio_signed,
        number,
        age,
        milliseconds,
        speed,
        pace,
        clock,
        date,
        time_of_day,
        month_day_time,
        quality_flag,
        word,
        order_state,
        capital,
        check,
    )
}
"""Every form by name: what ``Cell.form`` refers to."""
