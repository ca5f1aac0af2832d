"""Bars from Yahoo, through the yfinance client. No key is needed.

Yahoo's prices are adjusted for every split up to today. They are turned back into prices as traded with the
splits of the same answer, for which the daily chart is always asked up to today; volumes and dividends
likewise. Bars are stamped at their start there; here at their end.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.instruments import AssetClass
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.calendar import exchange_close
from tuiconsole.market.providers.columns import (
    PRICES,
    actions_schema,
    actions_table,
    bars_schema,
    bars_table,
    within,
)
from tuiconsole.market.providers.contract import (
    DAY_SECONDS,
    DIVIDEND,
    SPLIT,
    Answer,
    Fault,
    FaultKind,
    RangeFreshness,
    days_ns,
    seconds_ns,
)
from tuiconsole.market.providers.raw_cache import RawCache
from tuiconsole.market.providers.retries import RetryPolicy, retried
from tuiconsole.market.providers.yahoo_session import Exchanges, yahoo_session
from tuiconsole.market.vendor_symbols import asset_class, vendor_symbol

NAME = "yahoo"
_INTERVAL = {60: "1m", 300: "5m", 900: "15m", 1_800: "30m", 3_600: "1h", DAY_SECONDS: "1d"}
_LONGEST_DAYS = {60: 7.0, 300: 59.0, 900: 59.0, 1_800: 59.0, 3_600: 729.0, DAY_SECONDS: 36_500.0}
_REACH_DAYS = {60: 29.0, 300: 59.0, 900: 59.0, 1_800: 59.0, 3_600: 729.0}
_SHORT_BARS_DAYS = 735.0
_AMERICAN = ("America/New_York", "America/Toronto", "America/Vancouver")
_WAIT_AFTER_429_S = 3_600.0
_NOTHING_THERE = ("doesn't exist for", "data not available for starttime", "data not available for the range")
_HTTP_QUOTA, _HTTP_NOT_FOUND, _HTTP_SERVER = 429, 404, 500


@dataclass
class YahooProvider:
    """The Yahoo vendor.

    Attributes
    ----------
    url
        Where Yahoo is.
    folder
        Where the client keeps its cookies and time zones.
    """

    url: str
    folder: Path
    cache: RawCache
    freshness: RangeFreshness
    retry: RetryPolicy
    clock: Clock
    timeout_s: float = 20.0
    name: str = NAME
    symbols_per_request: int = 1
    _seen: Exchanges = field(default_factory=Exchanges)
    _session: Any = None

    def longest_piece_ns(self, interval_s: int) -> int:
        """A week of minutes, two months of other bars within the hour, two years of hours, any range of days."""
        return days_ns(_LONGEST_DAYS.get(interval_s, 0.0))

    def earliest_ns(self, interval_s: int) -> int:
        """Yahoo forgets minutes after a month, other bars within the hour after two, hours after two years."""
        reach = _REACH_DAYS.get(interval_s)
        return self.clock.now_ns() - days_ns(reach) if reach else 0

    def bars(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer:
        """See :meth:`tuiconsole.market.providers.contract.BarProvider.bars`; one symbol at a time."""
        (symbol,) = symbols
        written = vendor_symbol(symbol, NAME)
        answer = retried(
            lambda: self._one(symbol, written or symbol, interval_s, start_ns, end_ns), self.retry
        )
        if isinstance(answer, Fault):
            return Answer(
                bars_schema().empty_table(), actions_schema().empty_table(), (answer.about(symbol),)
            )
        return answer

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _one(self, symbol: str, written: str, interval_s: int, start_ns: int, end_ns: int) -> Answer | Fault:
        now = self.clock.now_ns()
        tomorrow = (now // NANOSECONDS_PER_DAY + 1) * NANOSECONDS_PER_DAY
        # One daily chart serves all stretches of shorter bars, which reach back two years at most.
        since = start_ns if interval_s == DAY_SECONDS else min(start_ns, tomorrow - days_ns(_SHORT_BARS_DAYS))
        before = since // NANOSECONDS_PER_DAY * NANOSECONDS_PER_DAY
        daily = self._history(written, DAY_SECONDS, before, tomorrow)
        if isinstance(daily, Fault):
            return daily
        frame = daily
        if interval_s != DAY_SECONDS:
            first = start_ns - interval_s * NANOSECONDS_PER_SECOND
            found = self._history(written, interval_s, first, min(end_ns, now))
            if isinstance(found, Fault):
                return found
            frame = found
        if frame is None:
            return Answer(bars_schema().empty_table(), actions_schema().empty_table())
        splits, actions = _actions(daily, start_ns)
        ts, days = _ends(frame, interval_s)
        columns = _raw(frame, days, splits, asset_class(symbol))
        table = within(bars_table(symbol, ts, columns), start_ns, min(end_ns, now))
        last_day = end_ns // NANOSECONDS_PER_DAY
        return Answer(table, actions_table(symbol, [a for a in actions if a[0] <= last_day]))

    def _history(self, written: str, interval_s: int, start_ns: int, end_ns: int) -> Any:
        """The client's frame, None where Yahoo has no bars in the range, or a fault."""
        with warnings.catch_warnings():
            # The client asks to see deprecations of pandas inside itself; the trader can do nothing about them.
            warnings.simplefilter("ignore", DeprecationWarning)
            import yfinance

            warnings.simplefilter("ignore", DeprecationWarning)
            return self._asked(yfinance, written, interval_s, start_ns, end_ns)

    def _asked(self, yf: Any, written: str, interval_s: int, start_ns: int, end_ns: int) -> Any:
        from curl_cffi.requests.exceptions import RequestException
        from yfinance.data import YfData
        from yfinance.exceptions import YFException, YFRateLimitError

        if self._session is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name in ("yfinance", "bs4"):  # what they would write to the terminal, a fault says
                logging.getLogger(name).setLevel(logging.CRITICAL)
            yf.set_tz_cache_location(str(self.folder))
            yf.config.debug.hide_exceptions = False
            self._session = yahoo_session(self.url, self.cache, self.freshness, self._seen)
        YfData.cache_get.cache_clear()  # it would answer a second attempt with the first one's error
        self._seen.forget()
        try:
            frame = yf.Ticker(written, session=self._session).history(
                interval=_INTERVAL[interval_s],
                start=start_ns // NANOSECONDS_PER_SECOND,
                end=end_ns // NANOSECONDS_PER_SECOND,
                auto_adjust=False,
                actions=True,
                timeout=self.timeout_s,
            )
        except YFRateLimitError:
            return self._quota()
        except RequestException:
            return self._by_status(written) or self._fault(
                FaultKind.TRANSIENT, "Yahoo did not answer in time or dropped the connection."
            )
        except YFException as error:
            return self._missing(written, str(error))
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
            if self._seen.empty:
                return None
            return self._by_status(written) or self._fault(
                FaultKind.MALFORMED, f"Yahoo's answer about {written} cannot be read."
            )
        return frame if len(frame) else None

    def _missing(self, written: str, reason: str) -> Fault | None:
        """What it means that the client found nothing."""
        if self._seen.empty or any(words in reason.lower() for words in _NOTHING_THERE):
            return None
        return self._by_status(written) or self._unknown(written)

    def _by_status(self, written: str) -> Fault | None:
        status = self._seen.status
        if status == _HTTP_QUOTA:
            return self._quota()
        if status in (401, 403):
            return self._fault(FaultKind.AUTHENTICATION, f"Yahoo refused the request (HTTP {status}).")
        if status == _HTTP_NOT_FOUND:
            return self._unknown(written)
        if status >= _HTTP_SERVER:
            return self._fault(FaultKind.TRANSIENT, f"Yahoo has trouble of its own (HTTP {status}).")
        return None

    def _unknown(self, written: str) -> Fault:
        sentence = f"Yahoo does not know {written}, or has no bars of it in this range."
        return self._fault(FaultKind.NOT_FOUND, sentence)

    def _quota(self) -> Fault:
        wait = self._seen.retry_after_s or _WAIT_AFTER_429_S
        until = self.clock.now_ns() + seconds_ns(wait)
        return Fault(FaultKind.QUOTA, NAME, "Yahoo takes no more requests for now.", until_ns=until)

    @staticmethod
    def _fault(kind: FaultKind, sentence: str) -> Fault:
        return Fault(kind, NAME, sentence)


def _actions(daily: Any, start_ns: int) -> tuple[list[tuple[int, float]], list[tuple[int, str, float]]]:
    """Splits ``(ex-day, ratio)`` since the start, and all actions as traded ``(ex-day, kind, value)``."""
    if daily is None:
        return [], []
    days = _local_days(daily)
    ratios, cash = (daily[name].to_numpy(dtype=np.float64) for name in ("Stock Splits", "Dividends"))
    splits = [(int(days[i]), float(ratios[i])) for i in np.flatnonzero(ratios > 0.0)]
    first = start_ns // NANOSECONDS_PER_DAY
    found = [(day, SPLIT, ratio) for day, ratio in splits if day >= first]
    for i in np.flatnonzero(cash > 0.0):
        day = int(days[i])
        value = float(_shortest(cash[i : i + 1])[0]) * _factor(np.array([day]), splits)[0]
        found.append((day, DIVIDEND, float(value)))
    return splits, found


def _factor(days: IntArray, splits: list[tuple[int, float]]) -> FloatArray:
    """New shares today for one share on each of ``days``: the product of the later splits."""
    factor = np.ones(len(days))
    for day, ratio in splits:
        factor[days < day] *= ratio
    return factor


def _raw(
    frame: Any, days: IntArray, splits: list[tuple[int, float]], kind: AssetClass
) -> dict[str, FloatArray]:
    factor = _factor(days, splits)
    columns = {name: _shortest(frame[name.title()].to_numpy(dtype=np.float64)) * factor for name in PRICES}
    volume = frame["Volume"].to_numpy(dtype=np.float64)
    columns["volume"] = np.full(len(days), np.nan) if kind is AssetClass.FX else np.rint(volume / factor)
    return columns


def _shortest(values: FloatArray) -> FloatArray:
    """Values that are single-precision numbers as the shortest decimal that names them: 129.0399932861 is 129.04."""
    single = values.astype(np.float32)
    exact = single.astype(np.float64) == values
    shortest = single.astype(str).astype(np.float64)
    return np.where(exact, shortest, values)


def _ends(frame: Any, interval_s: int) -> tuple[IntArray, IntArray]:
    """End of each bar (ns UTC), and its local date as days since the epoch."""
    days = _local_days(frame)
    if interval_s != DAY_SECONDS:
        starts = (
            frame.index.tz_convert("UTC")
            .tz_localize(None)
            .to_numpy()
            .astype("datetime64[ns]")
            .astype(np.int64)
        )
        return starts + interval_s * NANOSECONDS_PER_SECOND, days
    if str(frame.index.tz) in _AMERICAN:
        return exchange_close(days), days
    midnights = frame.index.tz_localize(None).normalize()
    after = (midnights + np.timedelta64(1, "D")).tz_localize(
        frame.index.tz, nonexistent="shift_forward", ambiguous=True
    )
    ends = after.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    return ends, days


def _local_days(frame: Any) -> IntArray:
    local = frame.index.tz_localize(None).to_numpy().astype("datetime64[D]")
    days: IntArray = local.astype(np.int64)
    return days
