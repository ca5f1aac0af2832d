"""Alpha Vantage over real HTTP against a local server: bars, refusals in prose, keys in turn."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.market.providers.rig import DAY, SECRET, SleepingClock, adjusted_days, alpha_client, alpha_vantage
from tests.market.providers.vendor_server import Asked, Reply, Vendor, capture
from tuiconsole.domain.clock import iso, parse_iso
from tuiconsole.market.providers.alpha_vantage_http import PRICE_KEYS
from tuiconsole.market.providers.contract import Answer, Fault, FaultKind
from tuiconsole.market.providers.key_ring import ApiKey, Purpose

START, END = parse_iso("2020-08-27"), parse_iso("2020-09-02")
DAILY_NOTE = (
    f"We have detected your API key as {SECRET} and our standard API rate limit is 25 requests per day. "
    "Please subscribe to any of the premium plans to instantly remove all daily rate limits."
)
BURST_NOTE = (
    "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more sparingly "
    "(1 request per second). You may subscribe to lift the free key rate limit (25 requests per day)."
)
OLD_NOTE = "Thank you! Our standard API call frequency is 5 calls per minute and 500 calls per day."
PREMIUM_NOTE = (
    "Thank you! This is a premium endpoint. You may subscribe to any of the premium plans to unlock it."
)


def rows(answer: Answer) -> list[tuple[str, float, float]]:
    ts = np.asarray(answer.bars["ts"].cast("int64"))
    pairs = zip(ts, answer.bars["close"].to_pylist(), answer.bars["volume"].to_pylist(), strict=True)
    return [(iso(int(at)), close, volume) for at, close, volume in pairs]


def test_days_are_as_traded_with_their_actions(vendor: Vendor, tmp_path: Path) -> None:
    days = {
        "2020-09-01": (134.18, 0.0, 1.0),
        "2020-08-31": (129.04, 0.0, 4.0),
        "2020-08-28": (499.23, 0.82, 1.0),
        "2020-01-02": (300.0, 0.0, 1.0),
    }
    vendor.answer = lambda _: Reply(adjusted_days(days))
    answer = alpha_vantage(vendor.url, tmp_path, SleepingClock()).bars(["BRK.B"], DAY, START, END)
    assert rows(answer) == [
        ("2020-08-28T20:00:00Z", 499.23, 123456.0),
        ("2020-08-31T20:00:00Z", 129.04, 123456.0),
        ("2020-09-01T20:00:00Z", 134.18, 123456.0),
    ]
    actions = [(str(a["ex_date"]), a["kind"], a["value"]) for a in answer.actions.to_pylist()]
    assert actions == [("2020-08-28", "dividend", 0.82), ("2020-08-31", "split", 4.0)]
    (asked,) = vendor.asked
    assert asked.params == {
        "function": "TIME_SERIES_DAILY_ADJUSTED",
        "symbol": "BRK-B",
        "outputsize": "full",
        "entitlement": "delayed",
        "apikey": SECRET,
    }


def test_only_a_premium_key_asks_for_delayed_data(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = lambda _: Reply(adjusted_days({"2020-08-28": (1.0, 0.0, 1.0)}))
    free = ApiKey("free", Purpose.MARKET_DATA, 5, 25)
    alpha_vantage(vendor.url, tmp_path, SleepingClock(), free).bars(["AAPL"], DAY, START, END)
    assert "entitlement" not in vendor.asked[0].params


@pytest.mark.parametrize(
    ("label", "first"), [("start", "2017-12-18T19:57:00Z"), ("end", "2017-12-18T19:56:00Z")]
)
def test_the_recorded_minutes_of_microsoft(vendor: Vendor, tmp_path: Path, label: str, first: str) -> None:
    recorded = capture("alphavantage", "mock_time_series.json")
    vendor.answer = lambda _: Reply(recorded)
    provider = alpha_vantage(vendor.url, tmp_path, SleepingClock(), label=label)
    answer = provider.bars(["MSFT"], 60, parse_iso("2017-12-18"), parse_iso("2017-12-19"))
    assert len(rows(answer)) == 100
    assert rows(answer)[-1] == (first, 86.5, 10494.0)
    assert vendor.asked[0].params["month"] == "2017-12"
    assert vendor.asked[0].params["adjusted"] == "false"


def test_a_range_is_asked_for_month_by_month(vendor: Vendor, tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        row = {"1. open": "1", "2. high": "2", "3. low": "0.5", "4. close": "1.5", "5. volume": "7"}
        return Reply({"Time Series (5min)": {f"{asked.params['month']}-15 09:30:00": row}})

    vendor.answer = answer
    answer_ = alpha_vantage(vendor.url, tmp_path, SleepingClock()).bars(
        ["AAPL"], 300, parse_iso("2024-11-20"), parse_iso("2025-01-16")
    )
    assert [asked.params["month"] for asked in vendor.asked] == ["2024-11", "2024-12", "2025-01"]
    assert [at for at, _, _ in rows(answer_)] == ["2024-12-15T14:35:00Z", "2025-01-15T14:35:00Z"]


@pytest.mark.parametrize(
    ("reply", "kind", "times"),
    [
        (Reply({"Error Message": "Invalid API call. Please retry"}), FaultKind.NOT_FOUND, 1),
        (
            Reply({"Error Message": "the parameter apikey is invalid or missing."}),
            FaultKind.AUTHENTICATION,
            1,
        ),
        (Reply({"Information": PREMIUM_NOTE}), FaultKind.AUTHENTICATION, 1),
        (
            Reply({"Information": "The **demo** API key is for demo purposes only."}),
            FaultKind.AUTHENTICATION,
            1,
        ),
        (Reply({}), FaultKind.NOT_FOUND, 1),
        (Reply({"Meta Data": {}, "Weekly": {}}), FaultKind.MALFORMED, 1),
        (Reply(b"<html>"), FaultKind.MALFORMED, 1),
        (Reply([1, 2]), FaultKind.MALFORMED, 1),
        (Reply({}, 502), FaultKind.TRANSIENT, 3),
        (Reply({}, 401), FaultKind.AUTHENTICATION, 1),
        (Reply(adjusted_days({"2020-08-28": (1.0, 0.0, 1.0)}), cut=20), FaultKind.TRANSIENT, 3),
        (Reply(hangs=True), FaultKind.TRANSIENT, 3),
    ],
    ids=["call", "key", "premium", "demo", "empty", "other", "html", "list", "502", "401", "half", "silent"],
)
def test_each_trouble_has_its_kind(
    vendor: Vendor, tmp_path: Path, reply: Reply, kind: FaultKind, times: int
) -> None:
    vendor.answer = lambda _: reply
    provider = alpha_vantage(vendor.url, tmp_path, SleepingClock(), timeout_s=0.1)
    (fault,) = provider.bars(["AAPL"], DAY, START, END).faults
    assert (fault.kind, fault.symbol) == (kind, "AAPL")
    assert len(vendor.asked) == times


def test_a_daily_note_moves_on_to_the_next_key(vendor: Vendor, tmp_path: Path) -> None:
    """The vendor's word counts more than ours: the key rests until midnight in New York, the next one is used."""
    good = Reply(adjusted_days({"2020-08-28": (1.0, 0.0, 1.0)}))
    vendor.answer = lambda asked: (
        Reply({"Information": DAILY_NOTE}) if asked.params["apikey"] == "one" else good
    )
    keys = (ApiKey("one", Purpose.MARKET_DATA, 5, 25), ApiKey("two", Purpose.BACKUP, 5, 25))
    clock = SleepingClock()
    for symbol in ("A", "B"):
        answer = alpha_vantage(vendor.url, tmp_path, clock, *keys).bars([symbol], DAY, START, END)
        assert answer.faults == ()
    assert [asked.params["apikey"] for asked in vendor.asked] == ["one", "two", "two"]
    assert clock.slept == pytest.approx([2.5, 2.5])


@pytest.mark.parametrize(
    ("note", "until"),
    [
        (DAILY_NOTE, "2025-03-01T05:00:00Z"),
        (BURST_NOTE, "2025-03-01T00:01:00Z"),
        (OLD_NOTE, "2025-03-01T00:01:00Z"),
    ],
    ids=["day", "burst", "minute"],
)
def test_a_quota_ends_at_midnight_or_in_a_minute(
    vendor: Vendor, tmp_path: Path, note: str, until: str
) -> None:
    vendor.answer = lambda _: Reply({"Note": note})
    client = alpha_client(vendor.url, tmp_path, SleepingClock(), ApiKey(SECRET, Purpose.MARKET_DATA, 5, 25))
    client.ring._patience_ns = 10**9
    fault = client.query("OVERVIEW", {"symbol": "AAPL"}, PRICE_KEYS, 0.0)
    assert isinstance(fault, Fault)
    assert (fault.kind, iso(fault.until_ns)) == (FaultKind.QUOTA, until)
    assert SECRET not in str(fault)


def test_every_attempt_counts_against_the_key(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = lambda _: Reply({}, 500)
    key = ApiKey(SECRET, Purpose.MARKET_DATA, 0, 25)
    client = alpha_client(vendor.url, tmp_path, SleepingClock(), key)
    client.query("OVERVIEW", {"symbol": "AAPL"}, PRICE_KEYS, 0.0)
    assert (len(vendor.asked), client.ring.used_today(key)) == (3, 3)


def test_no_key_means_nothing_is_asked(vendor: Vendor, tmp_path: Path) -> None:
    client = alpha_client(vendor.url, tmp_path, SleepingClock(), ApiKey(SECRET, Purpose.SENTIMENT, 5, 25))
    fault = client.query("OVERVIEW", {}, (Purpose.BACKUP,), 0.0)
    assert isinstance(fault, Fault)
    assert (fault.kind, vendor.asked) == (FaultKind.AUTHENTICATION, [])


def test_the_key_is_in_no_log_file_or_fault(
    vendor: Vendor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    replies: list[Any] = [
        Reply({"Information": DAILY_NOTE}),
        Reply(adjusted_days({"2020-08-28": (1.0, 0.0, 1.0)})),
    ]
    vendor.answer = lambda _: replies.pop(0)
    provider = alpha_vantage(
        vendor.url,
        tmp_path,
        SleepingClock(),
        ApiKey(SECRET, Purpose.MARKET_DATA, 5, 25),
        ApiKey(SECRET[::-1], Purpose.BACKUP, 5, 25),
    )
    answer = provider.bars(["AAPL"], DAY, START, END)
    assert answer.bars.num_rows == 1
    written = b"".join(
        p.read_bytes() if p.suffix != ".gz" else gzip.decompress(p.read_bytes())
        for p in tmp_path.rglob("*.*")
    )
    for secret in (SECRET, SECRET[::-1]):
        assert secret not in caplog.text
        assert secret.encode() not in written
        assert secret not in repr(provider)


def test_a_finished_month_is_fetched_once(vendor: Vendor, tmp_path: Path) -> None:
    row = {"1. open": "1", "2. high": "2", "3. low": "0.5", "4. close": "1.5", "5. volume": "7"}
    vendor.answer = lambda _: Reply({"Time Series (5min)": {"2024-11-15 09:30:00": row}})
    clock = SleepingClock()
    for _ in range(2):
        alpha_vantage(vendor.url, tmp_path, clock).bars(
            ["A"], 300, parse_iso("2024-11-03"), parse_iso("2024-11-20")
        )
    assert len(vendor.asked) == 1
