"""Bars from Alpaca, through the alpaca-py client: US shares and crypto, raw, with splits and dividends.

Alpaca stamps bars at their start; here they are stamped at their end, a daily one at the exchange's close.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.instruments import AssetClass
from tuiconsole.market.calendar import exchange_close
from tuiconsole.market.providers.columns import (
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
    INTERVALS,
    SPLIT,
    Answer,
    Fault,
    FaultKind,
    RangeFreshness,
    days_ns,
    faults_for,
)
from tuiconsole.market.providers.raw_cache import RawCache
from tuiconsole.market.providers.retries import RetryPolicy, retried
from tuiconsole.market.vendor_symbols import asset_class, vendor_symbol

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

NAME = "alpaca"
_LETTERS = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
_CASH = "cash_dividends"
_ACTIONS = ("forward_splits", "reverse_splits", _CASH)
_MINUTE_NS = 60 * NANOSECONDS_PER_SECOND
_HTTP_QUOTA, _HTTP_SERVER = 429, 500
_BAD_REQUEST = (400, 404, 422)

Raw = dict[str, Any]


@dataclass
class AlpacaProvider:
    """The Alpaca vendor.

    Attributes
    ----------
    url, feed
        Where Alpaca's market data is, and which stock feed to ask for.
    key_id, secret
        The user's keys; empty means that this vendor cannot be asked.
    """

    url: str
    feed: str
    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    cache: RawCache
    freshness: RangeFreshness
    retry: RetryPolicy
    clock: Clock
    timeout_s: float = 20.0
    name: str = NAME
    symbols_per_request: int = 50
    _clients: dict[Any, Any] = field(default_factory=dict, repr=False)

    def longest_piece_ns(self, interval_s: int) -> int:
        """A month of bars within the day, ten years of days."""
        return days_ns(3_652.0 if interval_s == DAY_SECONDS else 31.0) if interval_s in INTERVALS else 0

    def earliest_ns(self, interval_s: int) -> int:
        """Alpaca's history begins in 2016, whatever the interval."""
        begins = datetime(2016, 1, 1, tzinfo=UTC)
        return int(begins.timestamp()) * NANOSECONDS_PER_SECOND if interval_s in INTERVALS else 0

    def bars(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer:
        """See :meth:`tuiconsole.market.providers.contract.BarProvider.bars`."""
        written = {symbol: vendor_symbol(symbol, NAME) for symbol in symbols}
        foreign = [symbol for symbol, theirs in written.items() if theirs is None]
        faults = list(faults_for(foreign, self._fault(FaultKind.NOT_FOUND, "Alpaca does not carry it.")))
        bars: list[pa.Table] = []
        actions: list[pa.Table] = []
        known = [symbol for symbol in symbols if symbol not in foreign]
        for group in _by_kind(known):
            answer = self._group(group, interval_s, start_ns, end_ns)
            bars.append(answer.bars)
            actions.append(answer.actions)
            faults += answer.faults
        return Answer(joined(bars, bars_schema()), joined(actions, actions_schema()), tuple(faults))

    def close(self) -> None:
        """Close the connections."""
        while self._clients:
            self._clients.popitem()[1]._session.close()

    def _group(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer:
        """Symbols of one kind; where one of several is refused, the halves are asked for themselves."""
        answer = self._ask(symbols, interval_s, start_ns, end_ns)
        if not isinstance(answer, Fault):
            return answer
        if answer.kind is FaultKind.NOT_FOUND and len(symbols) > 1:
            middle = len(symbols) // 2
            first, second = (
                self._group(half, interval_s, start_ns, end_ns)
                for half in (symbols[:middle], symbols[middle:])
            )
            return Answer(
                joined([first.bars, second.bars], bars_schema()),
                joined([first.actions, second.actions], actions_schema()),
                (*first.faults, *second.faults),
            )
        return Answer(
            bars_schema().empty_table(), actions_schema().empty_table(), faults_for(symbols, answer)
        )

    def _ask(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer | Fault:
        theirs = {vendor_symbol(symbol, NAME) or symbol: symbol for symbol in symbols}
        shares = asset_class(symbols[0]) is AssetClass.EQUITY
        raw = self._bars(list(theirs), interval_s, start_ns, end_ns, shares)
        if isinstance(raw, Fault):
            return raw
        done: Raw | Fault = self._actions(list(theirs), start_ns, end_ns) if shares else {}
        if isinstance(done, Fault):
            return done
        try:
            tables = [_table(theirs[name], rows, interval_s, shares) for name, rows in raw.items()]
            actions = _action_tables(theirs, done)
        except (KeyError, ValueError, TypeError, AttributeError):
            return self._fault(FaultKind.MALFORMED, "Alpaca's answer cannot be read.")
        table = within(joined(tables, bars_schema()), start_ns, min(end_ns, self.clock.now_ns()))
        nothing = self._fault(FaultKind.NOT_FOUND, "Alpaca has no bars of it in this range.")
        absent = set(symbols) - {theirs[name] for name, rows in raw.items() if rows}
        return Answer(table, joined(actions, actions_schema()), faults_for(sorted(absent), nothing))

    def _bars(
        self, theirs: list[str], interval_s: int, start_ns: int, end_ns: int, shares: bool
    ) -> Raw | Fault:
        from alpaca.data.enums import Adjustment, DataFeed
        from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
        from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

        amount, unit = _timeframe(interval_s)
        frame = TimeFrame(amount, TimeFrameUnit(unit))
        # A bar that ends just after the start began before it; a daily one, up to a day before.
        common: Raw = {
            "symbol_or_symbols": theirs,
            "timeframe": frame,
            "start": _moment(start_ns - interval_s * NANOSECONDS_PER_SECOND),
            "end": _moment(end_ns),
        }

        def ask() -> Any:
            if shares:
                wanted = StockBarsRequest(**common, adjustment=Adjustment.RAW, feed=DataFeed(self.feed))
                return self._client(StockHistoricalDataClient).get_stock_bars(wanted)
            return self._client(CryptoHistoricalDataClient).get_crypto_bars(CryptoBarsRequest(**common))

        what = f"{'stocks' if shares else 'crypto'}/{amount}{unit}/{self.feed}"
        return self._kept(what, theirs, start_ns, end_ns, ask)

    def _actions(self, theirs: list[str], start_ns: int, end_ns: int) -> Raw | Fault:
        from alpaca.data.enums import CorporateActionsType
        from alpaca.data.historical.corporate_actions import CorporateActionsClient
        from alpaca.data.requests import CorporateActionsRequest

        kinds = [
            CorporateActionsType.FORWARD_SPLIT,
            CorporateActionsType.REVERSE_SPLIT,
            CorporateActionsType.CASH_DIVIDEND,
        ]
        wanted = CorporateActionsRequest(
            symbols=theirs,
            types=kinds,
            start=_moment(start_ns).date(),
            end=_moment(end_ns).date(),
            limit=None,
        )
        return self._kept(
            "actions",
            theirs,
            start_ns,
            end_ns,
            lambda: self._client(CorporateActionsClient).get_corporate_actions(wanted),
        )

    def _client(self, kind: Callable[..., Any]) -> Any:
        if self._clients.get(kind) is None:
            self._clients[kind] = self._bounded(kind)
        return self._clients[kind]

    def _bounded(self, kind: Callable[..., Any]) -> Any:
        client = kind(self.key_id, self.secret, raw_data=True, url_override=self.url)
        # The client offers neither a time limit nor a way to switch its own waiting off.
        client._retry = 0
        request, limit = client._session.request, self.timeout_s
        client._session.request = lambda *args, **kwargs: request(*args, timeout=limit, **kwargs)
        return client

    def _kept(
        self, what: str, theirs: Sequence[str], start_ns: int, end_ns: int, ask: Callable[[], Any]
    ) -> Raw | Fault:
        """The kept answer while it is fresh, else a new one."""
        if not (self.key_id and self.secret):
            return self._fault(
                FaultKind.AUTHENTICATION, "Alpaca needs a key: set APCA_API_KEY_ID and APCA_API_SECRET_KEY."
            )
        name = {"what": what, "symbols": ",".join(theirs), "start": str(start_ns), "end": str(end_ns)}
        kept = self.cache.get(NAME, name, self.freshness(end_ns))
        if kept is not None:
            return dict(json.loads(kept))
        raw = retried(lambda: self._guarded(ask), self.retry)
        if not isinstance(raw, Fault):
            self.cache.put(NAME, name, json.dumps(raw).encode())
        return raw

    def _guarded(self, ask: Callable[[], Any]) -> Raw | Fault:
        from alpaca.common.exceptions import APIError
        from requests.exceptions import JSONDecodeError, RequestException

        try:
            raw = ask()
        except APIError as error:
            return self._refused(error)
        except JSONDecodeError:
            return self._fault(FaultKind.MALFORMED, "Alpaca's answer is not JSON.")
        except RequestException:
            return self._fault(
                FaultKind.TRANSIENT, "Alpaca did not answer in time or dropped the connection."
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._fault(FaultKind.MALFORMED, "Alpaca's answer cannot be read.")
        if not isinstance(raw, dict):
            return self._fault(FaultKind.MALFORMED, "Alpaca's answer is not an object.")
        return raw

    def _refused(self, error: Any) -> Fault:
        status = int(error.status_code or 0)
        if status == _HTTP_QUOTA:
            reset = (
                str(error.response.headers.get("X-RateLimit-Reset", "")) if error.response is not None else ""
            )
            now = self.clock.now_ns()
            until = int(reset) * NANOSECONDS_PER_SECOND if reset.isdigit() else now + _MINUTE_NS
            sentence = "Alpaca takes no more requests for now."
            return Fault(FaultKind.QUOTA, NAME, sentence, until_ns=max(until, now))
        if status in (401, 403):
            return self._fault(
                FaultKind.AUTHENTICATION,
                f"Alpaca refused the key, or the plan lacks this feed (HTTP {status}).",
            )
        if status in _BAD_REQUEST:
            return self._fault(FaultKind.NOT_FOUND, f"Alpaca does not know the symbol (HTTP {status}).")
        if status >= _HTTP_SERVER:
            return self._fault(FaultKind.TRANSIENT, f"Alpaca has trouble of its own (HTTP {status}).")
        return self._fault(FaultKind.MALFORMED, f"Alpaca answered with HTTP {status}.")

    @staticmethod
    def _fault(kind: FaultKind, sentence: str) -> Fault:
        return Fault(kind, NAME, sentence)


def _by_kind(symbols: Sequence[str]) -> list[list[str]]:
    shares = [symbol for symbol in symbols if asset_class(symbol) is AssetClass.EQUITY]
    others = [symbol for symbol in symbols if symbol not in shares]
    return [group for group in (shares, others) if group]


def _timeframe(interval_s: int) -> tuple[int, str]:
    if interval_s == DAY_SECONDS:
        return 1, "Day"
    return (interval_s // 3_600, "Hour") if interval_s >= 3_600 else (interval_s // 60, "Min")


def _moment(ts: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts // 1_000)


def _table(symbol: str, rows: Sequence[Mapping[str, Any]], interval_s: int, shares: bool) -> pa.Table:
    starts = np.array([row["t"].rstrip("Z") for row in rows], dtype="datetime64[ns]").astype(np.int64)
    ends = starts + interval_s * NANOSECONDS_PER_SECOND
    if interval_s == DAY_SECONDS and shares:
        ends = exchange_close(starts // NANOSECONDS_PER_DAY)  # a day is named by its midnight in New York
    columns = {
        name: np.array([float(row[letter]) for row in rows], dtype=np.float64)
        for name, letter in _LETTERS.items()
    }
    return bars_table(symbol, ends, columns)


def _action_tables(theirs: Mapping[str, str], raw: Mapping[str, Any]) -> list[pa.Table]:
    rows: dict[str, list[tuple[int, str, float]]] = {}
    for name in _ACTIONS:
        for action in raw.get(name, ()):
            symbol = theirs.get(action["symbol"])
            if symbol is None:
                continue
            day = int(np.datetime64(action["ex_date"], "D").astype(np.int64))
            if name == _CASH:
                rows.setdefault(symbol, []).append((day, DIVIDEND, float(action["rate"])))
            else:
                ratio = float(action["new_rate"]) / float(action["old_rate"])
                rows.setdefault(symbol, []).append((day, SPLIT, ratio))
    return [actions_table(symbol, found) for symbol, found in rows.items()]
