"""Alpha Vantage's figures that are no bars: reports, earnings, insiders, the economy, movers, the overview.

Each becomes point-in-time rows. Where the vendor gives no release time, a documented lag is applied and the row
says so (:mod:`tuiconsole.market.release_lags`); a snapshot without any date counts from its retrieval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Clock, parse_iso
from tuiconsole.market.calendar import NEW_YORK, to_utc
from tuiconsole.market.point_in_time_store import RETRIEVED, VENDOR_DATE, VENDOR_TIME, Fact
from tuiconsole.market.providers.alpha_vantage_http import DATA_KEYS, NAME, AlphaVantageClient
from tuiconsole.market.providers.contract import Fault, FaultKind
from tuiconsole.market.release_lags import (
    INSIDER_REPORT,
    QUARTER_REPORT,
    YEAR_REPORT,
    ReleaseLag,
    end_of_day,
    lag_of,
    released,
)
from tuiconsole.market.vendor_symbols import house_symbol_of, vendor_symbol

COMPANY = ("EARNINGS", "BALANCE_SHEET", "INCOME_STATEMENT", "OVERVIEW")
"""What ``data pull --what fundamentals`` asks for about each company."""
INSIDER = "INSIDER_TRANSACTIONS"
_MAX_AGE_S = 20 * 3_600.0
_OPEN_NS = (9 * 60 + 30) * 60 * NANOSECONDS_PER_SECOND
_BALANCE = {
    "total_assets": "totalAssets",
    "total_liabilities": "totalLiabilities",
    "equity": "totalShareholderEquity",
    "debt": "shortLongTermDebtTotal",
    "cash": "cashAndCashEquivalentsAtCarryingValue",
    "shares_outstanding": "commonStockSharesOutstanding",
}
_INCOME = {"revenue": "totalRevenue", "net_income": "netIncome", "operating_income": "operatingIncome"}
_OVERVIEW = {
    "overview_market_capitalisation": "MarketCapitalization",
    "overview_price_earnings": "PERatio",
    "overview_beta": "Beta",
    "overview_dividend_yield": "DividendYield",
    "overview_return_on_equity": "ReturnOnEquityTTM",
    "overview_shares_outstanding": "SharesOutstanding",
}
_MOVERS = {"top_gainer": "top_gainers", "top_loser": "top_losers", "most_active": "most_actively_traded"}


@dataclass(frozen=True, slots=True)
class EconomicSeries:
    """A series of the economy: the vendor's function, its parameters, and the name under which it is kept."""

    name: str
    function: str
    interval: str = ""
    maturity: str = ""

    def params(self) -> dict[str, str]:
        """The parameters of the request."""
        given = {"interval": self.interval, "maturity": self.maturity}
        return {name: value for name, value in given.items() if value}


ECONOMY = (
    EconomicSeries("DCOILWTICO", "WTI", "daily"),
    EconomicSeries("DCOILBRENTEU", "BRENT", "daily"),
    EconomicSeries("NATURAL_GAS_MONTHLY", "NATURAL_GAS", "monthly"),
    EconomicSeries("COPPER_MONTHLY", "COPPER", "monthly"),
    EconomicSeries("ALL_COMMODITIES_MONTHLY", "ALL_COMMODITIES", "monthly"),
    EconomicSeries("CPIAUCNS", "CPI", "monthly"),
    EconomicSeries("UNRATE", "UNEMPLOYMENT"),
    EconomicSeries("PAYEMS", "NONFARM_PAYROLL"),
    EconomicSeries("DFF", "FEDERAL_FUNDS_RATE", "daily"),
    *(
        EconomicSeries(f"DGS{short}", "TREASURY_YIELD", "daily", maturity)
        for short, maturity in (
            ("3MO", "3month"),
            ("2", "2year"),
            ("5", "5year"),
            ("10", "10year"),
            ("30", "30year"),
        )
    ),
)
"""What ``data pull --what macro`` brings, under the names of the Federal Reserve Bank of St. Louis where it has them."""


@dataclass
class AlphaVantageFacts:
    """Asks for figures that are no bars.

    Attributes
    ----------
    client
        Where requests go through.
    """

    client: AlphaVantageClient
    clock: Clock

    def company(self, function: str, symbol: str) -> list[Fact] | Fault:
        """One of :data:`COMPANY` about ``symbol``: earnings, balance sheets, income statements, the overview."""
        readers: dict[str, Callable[[str, Mapping[str, Any]], list[Fact]]] = {
            "EARNINGS": _earnings,
            "BALANCE_SHEET": lambda name, body: _reports(name, body, _BALANCE),
            "INCOME_STATEMENT": lambda name, body: _reports(name, body, _INCOME),
            "OVERVIEW": self._overview,
        }
        return self._asked(function, symbol, readers[function])

    def answered_ns(self, function: str, symbol: str) -> int:
        """When ``function`` was answered last about ``symbol``, ns UTC; 0 for never."""
        return self.client.answered_ns(function, {"symbol": vendor_symbol(symbol, NAME) or symbol})

    def insider(self, symbol: str) -> list[Fact] | Fault:
        """Net shares and dollars that insiders bought (positive) or sold, by day of the trade."""
        return self._asked(INSIDER, symbol, _insider)

    def economy(self, series: EconomicSeries) -> list[Fact] | Fault:
        """One series of the economy, in the vendor's latest, perhaps revised, figures."""

        def read(_: str, body: Mapping[str, Any]) -> list[Fact]:
            rows = [(row["date"], _number(row["value"])) for row in body["data"]]
            reference = np.array([parse_iso(day) for day, _ in rows], dtype=np.int64)
            lag = lag_of(series.name, reference)
            out = released(reference, lag).tolist()
            return [
                Fact(series.name, "", int(at), moment, value, lag.basis, NAME, single_vintage=True)
                for at, moment, (_, value) in zip(reference, out, rows, strict=True)
            ]

        return self._asked(series.function, "", read, series.params())

    def movers(self) -> list[Fact] | Fault:
        """Rank of the day's top gainers, losers and most traded, as of the vendor's own time."""

        def read(_: str, body: Mapping[str, Any]) -> list[Fact]:
            stamp = str(body["last_updated"]).removesuffix(" US/Eastern").replace(" ", "T")
            moment = int(to_utc(np.array([parse_iso(stamp)], dtype=np.int64), NEW_YORK)[0])
            return [
                Fact(
                    series,
                    house_symbol_of(row["ticker"], NAME),
                    moment,
                    moment,
                    float(rank),
                    VENDOR_TIME,
                    NAME,
                )
                for series, member in _MOVERS.items()
                for rank, row in enumerate(body[member], start=1)
            ]

        return self._asked("TOP_GAINERS_LOSERS", "", read)

    def _asked(
        self,
        function: str,
        symbol: str,
        read: Callable[[str, Mapping[str, Any]], list[Fact]],
        params: Mapping[str, str] | None = None,
    ) -> list[Fact] | Fault:
        """The rows that ``read`` makes of the vendor's answer."""
        asked = dict(params or {})
        if symbol:
            written = vendor_symbol(symbol, NAME)
            if written is None:
                sentence = f"Alpha Vantage does not carry {symbol}."
                return Fault(FaultKind.NOT_FOUND, NAME, sentence, symbol)
            asked["symbol"] = written
        body = self.client.query(function, asked, DATA_KEYS, _MAX_AGE_S)
        if isinstance(body, Fault):
            return body.about(symbol)
        try:
            rows = read(symbol, body)
        except (KeyError, ValueError, TypeError, AttributeError):
            sentence = f"Alpha Vantage's answer to {function} cannot be read."
            return Fault(FaultKind.MALFORMED, NAME, sentence, symbol)
        return rows

    def _overview(self, symbol: str, body: Mapping[str, Any]) -> list[Fact]:
        now = self.clock.now_ns()
        today = now // NANOSECONDS_PER_DAY * NANOSECONDS_PER_DAY
        body["Symbol"]
        return [
            Fact(series, symbol, today, now, _number(body.get(member)), RETRIEVED, NAME)
            for series, member in _OVERVIEW.items()
        ]


def _earnings(symbol: str, body: Mapping[str, Any]) -> list[Fact]:
    facts: list[Fact] = []
    for row in body["quarterlyEarnings"]:
        reference = parse_iso(row["fiscalDateEnding"])
        release, basis = _reported(row, reference)
        for series, member in (
            ("eps", "reportedEPS"),
            ("eps_estimate", "estimatedEPS"),
            ("eps_surprise_percent", "surprisePercentage"),
        ):
            value = _number(row.get(member))
            facts.append(Fact(series, symbol, reference, release, value, basis, NAME, single_vintage=True))
    return facts


def _reported(row: Mapping[str, Any], reference: int) -> tuple[int, str]:
    """When earnings came out.

    Before the market: at the open of the reported day. Otherwise at the end of that day, the last moment it can
    have been. Without a date: as late as a quarterly report is due.
    """
    day = str(row.get("reportedDate") or "")
    if not day or day == "None":
        return int(released(np.array([reference], dtype=np.int64), QUARTER_REPORT)[0]), QUARTER_REPORT.basis
    midnight = parse_iso(day)
    if row.get("reportTime") == "pre-market":
        return int(to_utc(np.array([midnight + _OPEN_NS], dtype=np.int64), NEW_YORK)[0]), VENDOR_TIME
    return int(end_of_day(np.array([midnight // NANOSECONDS_PER_DAY]))[0]), VENDOR_DATE


def _reports(symbol: str, body: Mapping[str, Any], members: Mapping[str, str]) -> list[Fact]:
    """Quarterly and annual reports; the vendor gives no filing date, so the legal deadline counts."""
    facts: list[Fact] = []
    groups: tuple[tuple[str, str, ReleaseLag], ...] = (
        ("quarterlyReports", "", QUARTER_REPORT),
        ("annualReports", "annual_", YEAR_REPORT),
    )
    for group, prefix, lag in groups:
        year_ends = {row["fiscalDateEnding"] for row in body["annualReports"]}
        for row in body[group]:
            reference = parse_iso(row["fiscalDateEnding"])
            # The last quarter of a year is reported with the year.
            due = YEAR_REPORT if row["fiscalDateEnding"] in year_ends else lag
            release = int(released(np.array([reference], dtype=np.int64), due)[0])
            for series, member in members.items():
                value = _number(row.get(member))
                fact = Fact(
                    prefix + series, symbol, reference, release, value, due.basis, NAME, single_vintage=True
                )
                facts.append(fact)
    return facts


def _insider(symbol: str, body: Mapping[str, Any]) -> list[Fact]:
    shares: dict[int, float] = {}
    dollars: dict[int, float] = {}
    for row in body["data"]:
        day = parse_iso(str(date.fromisoformat(row["transaction_date"])))
        sign = 1.0 if row["acquisition_or_disposal"] == "A" else -1.0
        count, price = _number(row.get("shares")), _number(row.get("share_price"))
        if np.isfinite(count):
            shares[day] = shares.get(day, 0.0) + sign * count
            dollars[day] = dollars.get(day, 0.0) + sign * count * (price if np.isfinite(price) else 0.0)
    days = np.array(sorted(shares), dtype=np.int64)
    out = released(days, INSIDER_REPORT).tolist()
    return [
        Fact(
            series, symbol, int(day), release, sums[int(day)], INSIDER_REPORT.basis, NAME, single_vintage=True
        )
        for series, sums in (("insider_net_shares", shares), ("insider_net_usd", dollars))
        for day, release in zip(days.tolist(), out, strict=True)
    ]


def _number(text: object) -> float:
    """A vendor's number; NaN for "None", "-", "." and nothing at all."""
    try:
        return float(str(text))
    except ValueError:
        return float("nan")
