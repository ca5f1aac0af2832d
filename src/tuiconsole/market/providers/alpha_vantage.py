"""Bars from Alpha Vantage: days of 20 years and more with splits and dividends, and 1- to 60-minute bars.

Prices are as traded. Days come from ``TIME_SERIES_DAILY_ADJUSTED``, bars within the day month by month from
``TIME_SERIES_INTRADAY`` (regular hours); both need a premium key. Currencies and crypto come as days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.instruments import AssetClass
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.calendar import NEW_YORK, exchange_close, to_utc
from tuiconsole.market.providers.alpha_vantage_http import NAME, PRICE_KEYS, AlphaVantageClient
from tuiconsole.market.providers.columns import (
    PRICES,
    actions_schema,
    actions_table,
    bars_schema,
    bars_table,
    joined,
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
)
from tuiconsole.market.vendor_symbols import asset_class, pair_of, vendor_symbol

if TYPE_CHECKING:
    import pyarrow as pa

_INTERVAL = {60: "1min", 300: "5min", 900: "15min", 1_800: "30min", 3_600: "60min"}

Rows = Mapping[str, Mapping[str, str]]


@dataclass
class AlphaVantageProvider:
    """The Alpha Vantage vendor.

    Attributes
    ----------
    label
        What the time of an intraday bar names, its "start" or its "end". Taking an end for a start only makes a
        bar appear one interval late, never early.
    """

    client: AlphaVantageClient
    freshness: RangeFreshness
    clock: Clock
    label: str = "start"
    name: str = NAME
    symbols_per_request: int = 1

    def longest_piece_ns(self, interval_s: int) -> int:
        """A month of bars within the day, any range of days."""
        if interval_s == DAY_SECONDS:
            return days_ns(36_500.0)
        return days_ns(31.0) if interval_s in _INTERVAL else 0

    def earliest_ns(self, interval_s: int) -> int:
        """Bars within the day begin in 2000."""
        begins = datetime(2000, 1, 1, tzinfo=UTC)
        return 0 if interval_s == DAY_SECONDS else int(begins.timestamp()) * NANOSECONDS_PER_SECOND

    def bars(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer:
        """See :meth:`tuiconsole.market.providers.contract.BarProvider.bars`; one symbol at a time."""
        (symbol,) = symbols
        written = vendor_symbol(symbol, NAME)
        answer: Answer | Fault
        try:
            if written is None:
                answer = Fault(FaultKind.NOT_FOUND, NAME, "Alpha Vantage does not carry it.")
            elif interval_s == DAY_SECONDS:
                answer = self._days(symbol, written, start_ns, end_ns)
            else:
                answer = self._within_days(symbol, written, interval_s, start_ns, end_ns)
        except (KeyError, ValueError, TypeError, AttributeError):
            answer = Fault(
                FaultKind.MALFORMED, NAME, f"Alpha Vantage's answer about {symbol} cannot be read."
            )
        if isinstance(answer, Fault):
            return Answer(
                bars_schema().empty_table(), actions_schema().empty_table(), (answer.about(symbol),)
            )
        return answer

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def _days(self, symbol: str, written: str, start_ns: int, end_ns: int) -> Answer | Fault:
        kind = asset_class(symbol)
        function, params = _daily_request(symbol, written, kind)
        body = self.client.query(
            function, params, PRICE_KEYS, self.freshness(self.clock.now_ns()), prices=True
        )
        if isinstance(body, Fault):
            return body
        rows: Rows = _series(body)
        days = np.array(list(rows), dtype="datetime64[D]").astype(np.int64)
        shares = kind is AssetClass.EQUITY
        ends = exchange_close(days) if shares else (days + 1) * NANOSECONDS_PER_DAY
        bars = bars_table(symbol, ends, _columns(rows, volume=kind is not AssetClass.FX))
        first, last = start_ns // NANOSECONDS_PER_DAY, end_ns // NANOSECONDS_PER_DAY
        actions = [a for a in _actions(days, rows) if first <= a[0] <= last] if shares else []
        return Answer(
            within(bars, start_ns, min(end_ns, self.clock.now_ns())), actions_table(symbol, actions)
        )

    def _within_days(
        self, symbol: str, written: str, interval_s: int, start_ns: int, end_ns: int
    ) -> Answer | Fault:
        if asset_class(symbol) is not AssetClass.EQUITY:
            return Fault(
                FaultKind.NOT_FOUND, NAME, "Alpha Vantage is asked for days only where it is no share."
            )
        tables: list[pa.Table] = []
        for month, month_end in _months(start_ns, end_ns):
            params = {
                "symbol": written,
                "interval": _INTERVAL[interval_s],
                "month": month,
                "outputsize": "full",
                "adjusted": "false",
                "extended_hours": "false",
            }
            age = self.freshness(month_end)
            body = self.client.query("TIME_SERIES_INTRADAY", params, PRICE_KEYS, age, prices=True)
            if isinstance(body, Fault):
                if body.kind is FaultKind.NOT_FOUND and tables:
                    continue
                return body
            rows = _series(body)
            times = np.array([text.replace(" ", "T") for text in rows], dtype="datetime64[ns]").astype(
                np.int64
            )
            ends = to_utc(times, NEW_YORK)
            if self.label == "start":
                ends = ends + interval_s * NANOSECONDS_PER_SECOND
            tables.append(bars_table(symbol, ends, _columns(rows, volume=True)))
        bars = joined(tables, bars_schema()).sort_by("ts")
        bars = within(bars, start_ns, min(end_ns, self.clock.now_ns()))
        return Answer(bars, actions_schema().empty_table())


def _daily_request(symbol: str, written: str, kind: AssetClass) -> tuple[str, dict[str, str]]:
    if kind is AssetClass.FX:
        base, quote = pair_of(symbol)
        return "FX_DAILY", {"from_symbol": base, "to_symbol": quote, "outputsize": "full"}
    if kind is AssetClass.CRYPTO:
        base, quote = pair_of(symbol)
        return "DIGITAL_CURRENCY_DAILY", {"symbol": base, "market": quote}
    return "TIME_SERIES_DAILY_ADJUSTED", {"symbol": written, "outputsize": "full"}


def _series(body: Mapping[str, Any]) -> Rows:
    """The one member of an answer that holds the bars, by time."""
    found = next((value for name, value in body.items() if "Time Series" in name), None)
    if not isinstance(found, dict) or not found:
        raise ValueError("no bars")
    return found


def _columns(rows: Rows, *, volume: bool) -> dict[str, FloatArray]:
    """Columns by the words of the vendor's numbered names: "1. open", "6. volume"."""
    sample = next(iter(rows.values()))
    names = {_word(key): key for key in reversed(list(sample))}
    columns = {name: _numbers(rows, names[name]) for name in PRICES}
    columns["volume"] = _numbers(rows, names["volume"]) if volume else np.full(len(rows), np.nan)
    return columns


def _word(numbered: str) -> str:
    """The word of a numbered name.

    >>> _word("1. open"), _word("1a. open (USD)")
    ('open', 'open')
    """
    return numbered.partition(". ")[2].partition(" (")[0]


def _numbers(rows: Rows, key: str) -> FloatArray:
    return np.array([float(row[key]) for row in rows.values()], dtype=np.float64)


def _actions(days: IntArray, rows: Rows) -> list[tuple[int, str, float]]:
    """Splits and dividends, on their ex-dates as the vendor lists them."""
    found = []
    for day, row in zip(days.tolist(), rows.values(), strict=True):
        split, cash = float(row.get("8. split coefficient", "1")), float(row.get("7. dividend amount", "0"))
        if split not in (0.0, 1.0):
            found.append((day, SPLIT, split))
        if cash > 0.0:
            found.append((day, DIVIDEND, cash))
    return found


def _months(start_ns: int, end_ns: int) -> Iterator[tuple[str, int]]:
    """Each calendar month that the range touches, as ``2024-01``, with its end in ns UTC."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start_ns // NANOSECONDS_PER_SECOND)
    month = at.replace(day=1, hour=0, minute=0, second=0)
    while int(month.timestamp()) * NANOSECONDS_PER_SECOND < end_ns:
        following = (month + timedelta(days=32)).replace(day=1)
        yield month.strftime("%Y-%m"), int(following.timestamp()) * NANOSECONDS_PER_SECOND
        month = following
