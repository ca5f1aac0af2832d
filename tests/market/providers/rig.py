"""What the tests of vendors share: settings that point to loopback, a clock, and answers of the documented shape."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stamina

from tests.market.providers.vendor_server import Asked, Reply
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, EventClock, parse_iso
from tuiconsole.market.providers.alpaca import AlpacaProvider
from tuiconsole.market.providers.alpha_vantage import AlphaVantageProvider
from tuiconsole.market.providers.alpha_vantage_http import AlphaVantageClient
from tuiconsole.market.providers.contract import RangeFreshness
from tuiconsole.market.providers.key_ring import ApiKey, KeyRing, Purpose
from tuiconsole.market.providers.raw_cache import RawCache
from tuiconsole.market.providers.retries import RetryPolicy
from tuiconsole.market.providers.yahoo import YahooProvider

NOW = parse_iso("2025-03-01T00:00:00Z")
DAY = 86_400
SECRET = "K3Y" + "S3CR3T" * 3
RETRY = RetryPolicy(attempts=3, wait_initial_s=0.0, wait_max_s=0.0)


_opened: list[Any] = []


def opened(one: Any) -> Any:
    """``one``, closed when the test ends."""
    _opened.append(one)
    return one


def close_all() -> None:
    while _opened:
        _opened.pop().close()


class SleepingClock(EventClock):
    """An event clock whose sleep moves it; remembers how long it slept."""

    def __init__(self, start_ns: int = NOW) -> None:
        super().__init__(start_ns)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance_to(self.now_ns() + int(seconds * NANOSECONDS_PER_SECOND) + 1)


@contextmanager
def three_attempts() -> Iterator[None]:
    """Retries without waiting."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def cache_and_freshness(folder: Path, clock: EventClock) -> tuple[RawCache, RangeFreshness]:
    return RawCache(folder / "raw", clock), RangeFreshness(clock, 30 * 86_400.0, 900.0)


def yahoo(url: str, folder: Path, clock: EventClock, timeout_s: float = 5.0) -> YahooProvider:
    cache, freshness = cache_and_freshness(folder, clock)
    made: YahooProvider = opened(
        YahooProvider(url, folder / "yahoo", cache, freshness, RETRY, clock, timeout_s)
    )
    return made


def alpaca(url: str, folder: Path, clock: EventClock, timeout_s: float = 5.0) -> AlpacaProvider:
    cache, freshness = cache_and_freshness(folder, clock)
    made: AlpacaProvider = opened(
        AlpacaProvider(url, "iex", "key-id", SECRET, cache, freshness, RETRY, clock, timeout_s)
    )
    return made


def ring(folder: Path, clock: SleepingClock, *keys: ApiKey, patience_s: float = 65.0) -> KeyRing:
    chosen = keys or (ApiKey(SECRET, Purpose.PREMIUM_DELAYED, 75, 0),)
    return KeyRing(chosen, folder / "usage.json", clock, clock.sleep, 2.5, patience_s)


def alpha_client(
    url: str, folder: Path, clock: SleepingClock, *keys: ApiKey, timeout_s: float = 5.0
) -> AlphaVantageClient:
    cache, _ = cache_and_freshness(folder, clock)
    made: AlphaVantageClient = opened(
        AlphaVantageClient(f"{url}/query", ring(folder, clock, *keys), cache, RETRY, clock, timeout_s)
    )
    return made


def alpha_vantage(
    url: str, folder: Path, clock: SleepingClock, *keys: ApiKey, timeout_s: float = 5.0, label: str = "start"
) -> AlphaVantageProvider:
    client = alpha_client(url, folder, clock, *keys, timeout_s=timeout_s)
    return AlphaVantageProvider(client, cache_and_freshness(folder, clock)[1], clock, label)


def chart(
    symbol: str = "AAPL",
    days: tuple[str, ...] = ("2020-08-28", "2020-08-31", "2020-09-01"),
    closes: tuple[float, ...] = (124.8075, 129.04, 134.18),
    splits: tuple[tuple[str, float, float], ...] = (("2020-08-31", 4.0, 1.0),),
    dividends: tuple[tuple[str, float], ...] = (),
) -> dict[str, Any]:
    """A Yahoo chart of daily bars, opening at 13:30 UTC, in the documented shape."""
    stamps = [parse_iso(f"{day}T13:30:00Z") // NANOSECONDS_PER_SECOND for day in days]

    def at(day: str) -> int:
        return parse_iso(f"{day}T13:30:00Z") // NANOSECONDS_PER_SECOND

    events = {
        "splits": {
            str(at(d)): {"date": at(d), "numerator": n, "denominator": m, "splitRatio": f"{n:g}:{m:g}"}
            for d, n, m in splits
        },
        "dividends": {str(at(d)): {"date": at(d), "amount": cash} for d, cash in dividends},
    }
    period = {"timezone": "EDT", "start": stamps[-1], "end": stamps[-1] + 23_400, "gmtoffset": -14_400}
    meta = {
        "currency": "USD",
        "symbol": symbol,
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "firstTradeDate": 345_479_400,
        "regularMarketTime": stamps[-1] + 23_400,
        "gmtoffset": -14_400,
        "timezone": "EDT",
        "exchangeTimezoneName": "America/New_York",
        "regularMarketPrice": closes[-1],
        "priceHint": 2,
        "currentTradingPeriod": {"pre": period, "regular": period, "post": period},
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }
    quote = {
        "open": [c - 1.0 for c in closes],
        "high": [c + 2.0 for c in closes],
        "low": [c - 2.0 for c in closes],
        "close": list(closes),
        "volume": [4_000_000] * len(closes),
    }
    result = {
        "meta": meta,
        "timestamp": stamps,
        "events": {name: one for name, one in events.items() if one},
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": list(closes)}]},
    }
    return {"chart": {"result": [result], "error": None}}


def yahoo_answers(charts: dict[str, Any]) -> Any:
    """A Yahoo that knows these charts; cookies and crumbs as the client wants them."""

    def answer(asked: Asked) -> Reply:
        if "/chart/" in asked.path:
            found = charts.get(asked.path.rsplit("/", 1)[-1].replace("%3D", "=").replace("%5E", "^"))
            if found is None:
                error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
                return Reply({"chart": {"result": None, "error": error}}, 404)
            return found if isinstance(found, Reply) else Reply(found)
        return Reply(b"crumb") if "getcrumb" in asked.path else Reply(b"", 404)

    return answer


def stock_rows(days: tuple[str, ...], close: float = 100.0) -> list[dict[str, Any]]:
    """Alpaca's daily bars, named by midnight in New York in winter."""
    return [
        {
            "t": f"{day}T05:00:00Z",
            "o": close,
            "h": close + 1,
            "l": close - 1,
            "c": close,
            "v": 1_000,
            "n": 9,
            "vw": close,
        }
        for day in days
    ]


def adjusted_days(rows: dict[str, tuple[float, float, float]]) -> dict[str, Any]:
    """Alpha Vantage's ``TIME_SERIES_DAILY_ADJUSTED``: day → (close, dividend, split)."""
    series = {
        day: {
            "1. open": f"{close - 1:.4f}",
            "2. high": f"{close + 2:.4f}",
            "3. low": f"{close - 2:.4f}",
            "4. close": f"{close:.4f}",
            "5. adjusted close": f"{close / 2:.4f}",
            "6. volume": "123456",
            "7. dividend amount": f"{cash:.4f}",
            "8. split coefficient": f"{split:.1f}",
        }
        for day, (close, cash, split) in rows.items()
    }
    return {"Meta Data": {"2. Symbol": "X", "5. Time Zone": "US/Eastern"}, "Time Series (Daily)": series}
