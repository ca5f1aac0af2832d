"""Reports, the economy and news from Alpha Vantage: recorded and documented answers, and answers that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.market.providers.rig import SleepingClock, alpha_client
from tests.market.providers.vendor_server import Asked, Reply, Vendor, capture
from tuiconsole.domain.clock import iso, parse_iso
from tuiconsole.market.providers.alpha_vantage_facts import (
    COMPANY,
    ECONOMY,
    AlphaVantageFacts,
    EconomicSeries,
)
from tuiconsole.market.providers.contract import Fault, FaultKind
from tuiconsole.market.providers.news import AlphaVantageTexts


def facts_of(vendor: Vendor, folder: Path) -> AlphaVantageFacts:
    clock = SleepingClock()
    return AlphaVantageFacts(alpha_client(vendor.url, folder, clock), clock)


def texts_of(vendor: Vendor, folder: Path) -> AlphaVantageTexts:
    clock = SleepingClock()
    return AlphaVantageTexts(alpha_client(vendor.url, folder, clock), clock)


def test_the_recorded_overview_counts_from_its_retrieval(vendor: Vendor, tmp_path: Path) -> None:
    body = capture("alphavantage", "mock_company_overview.json")
    vendor.answer = lambda _: Reply(body)
    facts = facts_of(vendor, tmp_path)
    rows = facts.company("OVERVIEW", "IBM")
    assert not isinstance(rows, Fault)
    found = {fact.series: fact.value for fact in rows}
    assert found["overview_price_earnings"] == float(body["PERatio"])
    assert found["overview_market_capitalisation"] == float(body["MarketCapitalization"])
    assert {fact.release for fact in rows} == {facts.clock.now_ns()}
    assert {fact.basis for fact in rows} == {"retrieved"}


def test_the_curve_is_asked_for_by_maturity(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = lambda _: Reply(
        {"data": [{"date": "2024-06-28", "value": "4.36"}, {"date": "2024-07-04", "value": "."}]}
    )
    ten = next(one for one in ECONOMY if one.name == "DGS10")
    rows = facts_of(vendor, tmp_path).economy(ten)
    assert not isinstance(rows, Fault)
    assert (vendor.asked[0].params["function"], vendor.asked[0].params["maturity"]) == (
        "TREASURY_YIELD",
        "10year",
    )
    assert (iso(rows[0].reference), iso(rows[0].release), rows[0].value) == (
        "2024-06-28",
        "2024-07-03T04:00:00Z",
        4.36,
    )
    assert np.isnan(rows[1].value)
    assert rows[0].single_vintage


def test_every_series_of_the_economy_has_a_lag_of_its_own() -> None:
    names = [one.name for one in ECONOMY]
    assert len(set(names)) == len(names) == 14
    assert EconomicSeries("X", "F").params() == {}


@pytest.mark.parametrize("function", [*COMPANY, "INSIDER_TRANSACTIONS", "TOP_GAINERS_LOSERS", "WTI"])
@pytest.mark.parametrize(
    "body", [{"a": 1, "b": 2}, {"data": [1], "x": 2}, {"data": None, "quarterlyEarnings": None}]
)
def test_an_answer_that_is_something_else_is_malformed(
    vendor: Vendor, tmp_path: Path, function: str, body: dict[str, Any]
) -> None:
    vendor.answer = lambda _: Reply(body)
    facts = facts_of(vendor, tmp_path)
    if function in COMPANY:
        answer = facts.company(function, "A")
    elif function == "WTI":
        answer = facts.economy(ECONOMY[0])
    else:
        answer = facts.insider("A") if function == "INSIDER_TRANSACTIONS" else facts.movers()
    assert isinstance(answer, Fault)
    assert answer.kind is FaultKind.MALFORMED


def test_what_the_vendor_does_not_carry_is_not_asked_for(vendor: Vendor, tmp_path: Path) -> None:
    answer = facts_of(vendor, tmp_path).insider("^GSPC")
    assert isinstance(answer, Fault)
    assert (answer.kind, vendor.asked) == (FaultKind.NOT_FOUND, [])


def article(number: int, stamp: str) -> dict[str, Any]:
    tone = {"ticker": "A", "relevance_score": "0.5", "ticker_sentiment_score": "0.1"}
    return {"title": f"t{number}", "url": f"u{number}", "time_published": stamp, "ticker_sentiment": [tone]}


def test_news_goes_on_where_a_full_answer_ends(vendor: Vendor, tmp_path: Path) -> None:
    """1,000 articles are all that one answer holds; the next one begins at the last of them."""
    full = [article(i, f"20240104T{9 + i // 60 % 10:02d}{i % 60:02d}00") for i in range(1_000)]

    def answer(asked: Asked) -> Reply:
        first = asked.params["time_from"] == "20240101T0000"
        return Reply({"feed": full if first else [article(2_000, "20240105T120000")]})

    vendor.answer = answer
    texts = texts_of(vendor, tmp_path).news("A", parse_iso("2024-01-01"), parse_iso("2024-01-06"))
    assert not isinstance(texts, Fault)
    assert len(texts) == 1_001
    assert [asked.params["time_from"] for asked in vendor.asked] == ["20240101T0000", "20240104T1859"]
    assert {asked.params["time_to"] for asked in vendor.asked} == {"20240106T0000"}


@pytest.mark.parametrize(("symbol", "written"), [("BTC-USD", "CRYPTO:BTC"), ("BRK.B", "BRK-B"), ("A", "A")])
def test_news_names_things_as_the_vendor_does(
    vendor: Vendor, tmp_path: Path, symbol: str, written: str
) -> None:
    vendor.answer = lambda _: Reply({"feed": []})
    assert texts_of(vendor, tmp_path).news(symbol, 0, parse_iso("2024-01-01")) == []
    assert vendor.asked[0].params["tickers"] == written
