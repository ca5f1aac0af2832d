"""Corporate actions: splits, dividends, and who traded under which ticker when. Prices stay raw; factors are for reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import msgspec
import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray

OPEN_END = 2**31
"""Last day of a ticker that is still in use, in days since 1970."""
_STRETCH = re.compile(r"\.(UNTIL|FROM)-\d{4}-\d{2}-\d{2}$")
_RATIO_PARTS = 200
_RATIO_TOLERANCE = 2e-4


class Action(msgspec.Struct, frozen=True):
    """A split or a dividend.

    Attributes
    ----------
    symbol
        Instrument, or the ticker it had on that day.
    ex_day
        First day without the right, days since 1970: prices before it are multiplied.
    kind, value
        ``"split"`` and new shares for each old one (7.0 for 7:1, 0.05 for 1:20); ``"dividend"`` and cash per share of
        that day, in currency units.
    factor
        What earlier prices are multiplied by; None for a dividend whose factor follows from the close before it.
    known
        When it could be known, ns UTC.
    """

    symbol: str
    ex_day: int
    kind: Literal["split", "dividend"]
    value: float
    factor: float | None
    known: int
    source: str = ""


class TickerSpan(msgspec.Struct, frozen=True):
    """``instrument`` traded as ``ticker`` from day ``first`` to day ``last``, both included (days since 1970)."""

    instrument: str
    ticker: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days (both ends included) on which a ticker meant ``instrument``."""

    instrument: str
    first: int
    last: int


class TickerMap:
    """Which instrument a ticker meant on a day; a ticker in no span is its own instrument.

    Examples
    --------
    >>> spans = (TickerSpan("WM", "WMI", 0, 99), TickerSpan("WM", "WM", 100, OPEN_END))
    >>> names = TickerMap(spans)
    >>> names.instrument("WMI", 50), names.instrument("WM", 150), names.instrument("WM", 50), names.instrument("A", 1)
    ('WM', 'WM', 'WM.until-1970-04-10', 'A')
    """

    def __init__(self, spans: Iterable[TickerSpan] = ()) -> None:
        self._by_ticker: dict[str, list[TickerSpan]] = {}
        self._instruments: set[str] = set()
        for span in sorted(spans, key=lambda s: (s.ticker, s.first)):
            self._by_ticker.setdefault(span.ticker, []).append(span)
            self._instruments.add(span.instrument)

    def stretches(self, ticker: str) -> list[Stretch]:
        """All instruments behind ``ticker``, by time and without a gap.

        Days that no span claims belong to an instrument of their own: what traded under a ticker before somebody
        else took it over is something else. Its name tells when it ended, or where it began after the last span.
        """
        found: list[Stretch] = []
        free = -OPEN_END
        for span in self._by_ticker.get(ticker, []):
            if span.first > free:
                found.append(Stretch(f"{ticker}.until-{_date(span.first - 1)}", free, span.first - 1))
            found.append(Stretch(span.instrument, max(free, span.first), span.last))
            free = span.last + 1
        if not found:
            return [Stretch(ticker, -OPEN_END, OPEN_END)]
        if free < OPEN_END:
            found.append(Stretch(f"{ticker}.from-{_date(free)}", free, OPEN_END))
        return found

    def instrument(self, ticker: str, day: int) -> str:
        """What ``ticker`` meant on ``day`` (days since 1970)."""
        return next(s.instrument for s in self.stretches(ticker) if s.first <= day <= s.last)

    def named(self, name: str) -> str:
        """The instrument called ``name``, else the last one to trade under that ticker.

        >>> TickerMap().named("WM.UNTIL-1970-04-10")
        'WM.until-1970-04-10'
        """
        name = _STRETCH.sub(lambda found: found[0].lower(), name)
        if name in self._instruments or name not in self._by_ticker:
            return name
        return self._by_ticker[name][-1].instrument

    def tickers(self, instrument: str) -> tuple[str, ...]:
        """Every ticker that ``instrument`` had; its own name when no span knows it."""
        found = [t for t, spans in self._by_ticker.items() if any(s.instrument == instrument for s in spans)]
        base = instrument.partition(".until-")[0].partition(".from-")[0]
        return tuple(found) if found else tuple(dict.fromkeys((instrument, base)))

    def subject(self, action: Action) -> str:
        """The instrument that ``action`` is about: an instrument of that name first, else the ticker's on its day."""
        if action.symbol in self._instruments:
            return action.symbol
        return self.instrument(action.symbol, action.ex_day)


def _date(day: int) -> str:
    return str(np.datetime64(day, "D"))


def split_ratio(factor: float) -> float:
    """New shares per old one for a price factor, as the simple ratio that it rounds.

    >>> split_ratio(0.0357143 / 0.25), split_ratio(20.00002)
    (7.0, 0.05)
    """
    exact = 1.0 / factor
    near = (
        Fraction(exact).limit_denominator(_RATIO_PARTS)
        if exact >= 1.0
        else 1 / Fraction(factor).limit_denominator(_RATIO_PARTS)
    )
    return float(near) if abs(float(near) / exact - 1.0) < _RATIO_TOLERANCE else exact


def factors(
    sessions: IntArray,
    close: FloatArray,
    actions: Sequence[Action],
    kind: Literal["split", "dividend"],
    known_at: int | None = None,
) -> FloatArray:
    """What the raw prices of one instrument are multiplied by, float64 ``[n_bars]``.

    The factor of a bar is the product over all actions whose ex-day is after its session: splits 1/ratio, dividends
    1 − cash / last close before the ex-day (the total-return convention of CRSP and of Yahoo's adjusted close).

    Parameters
    ----------
    sessions
        int64 ``[n_bars]``, session of each bar in days since 1970, in order.
    close
        float64 ``[n_bars]``, raw closes; NaN where unknown.
    known_at
        Only actions known by then (ns UTC) count; None: all.
    """
    steps = np.ones(len(sessions) + 1)
    for action in actions:
        if action.kind != kind or (known_at is not None and action.known > known_at):
            continue
        at = int(np.searchsorted(sessions, action.ex_day))
        factor = action.factor
        if factor is None:
            factor = 1.0 / action.value if kind == "split" else _dividend_factor(close[:at], action.value)
        steps[at] *= factor
    return np.asarray(np.cumprod(steps[::-1])[::-1][1:], dtype=np.float64)


def _dividend_factor(before: FloatArray, cash: float) -> float:
    """1 − cash / last known close; 1 where there is none or the cash exceeds it."""
    known = before[~np.isnan(before)]
    if not len(known) or cash >= known[-1]:
        return 1.0
    return 1.0 - cash / float(known[-1])
