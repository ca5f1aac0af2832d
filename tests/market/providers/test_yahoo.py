"""Yahoo through the real yfinance client against a local server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.market.providers.rig import DAY, SleepingClock, chart, yahoo, yahoo_answers
from tests.market.providers.vendor_server import Asked, Reply, Vendor, capture
from tuiconsole.domain.clock import iso, parse_iso
from tuiconsole.market.providers.contract import Answer, FaultKind

START, END = parse_iso("2020-08-28"), parse_iso("2020-09-02")


def closes(answer: Answer) -> list[float]:
    found: list[float] = answer.bars["close"].to_pylist()
    return found


def ends(answer: Answer) -> list[str]:
    return [iso(int(ts)) for ts in np.asarray(answer.bars["ts"].cast("int64"))]


@pytest.fixture
def captured() -> Any:
    """A recorded chart by symbol, as the server would send it."""

    def load(name: str) -> Any:
        return capture("yahoo", name)["response"]["bodyJson"]

    return load


def test_prices_are_given_back_as_traded(vendor: Vendor, tmp_path: Path) -> None:
    """Before the 4:1 split the share cost four times what Yahoo says today, and a quarter of its volume traded."""
    vendor.answer = yahoo_answers({"AAPL": chart(dividends=(("2020-08-28", 0.205),))})
    answer = yahoo(vendor.url, tmp_path, SleepingClock()).bars(["AAPL"], DAY, START, END)
    assert answer.faults == ()
    assert closes(answer) == [499.23, 129.04, 134.18]
    assert answer.bars["volume"].to_pylist() == [1_000_000.0, 4_000_000.0, 4_000_000.0]
    assert ends(answer) == ["2020-08-28T20:00:00Z", "2020-08-31T20:00:00Z", "2020-09-01T20:00:00Z"]
    actions = [(str(a["ex_date"]), a["kind"], a["value"]) for a in answer.actions.to_pylist()]
    assert actions == [("2020-08-28", "dividend", 0.82), ("2020-08-31", "split", 4.0)]


def test_the_recorded_chart_of_apple(vendor: Vendor, tmp_path: Path, captured: Any) -> None:
    vendor.answer = yahoo_answers({"AAPL": captured("chart-AAPL-2020-08-31-to-2020-11-07.json")})
    answer = yahoo(vendor.url, tmp_path, SleepingClock()).bars(
        ["AAPL"], DAY, parse_iso("2020-08-31"), parse_iso("2020-11-07")
    )
    assert len(closes(answer)) == 49
    assert (closes(answer)[0], ends(answer)[0]) == (129.04, "2020-08-31T20:00:00Z")
    # The clocks changed on 1 November, so the close is an hour later in UTC.
    assert ends(answer)[-1] == "2020-11-06T21:00:00Z"
    kinds = [(a["kind"], a["value"]) for a in answer.actions.to_pylist()]
    assert kinds == [("split", 4.0), ("dividend", 0.205)]


def test_the_recorded_split_of_nvidia(vendor: Vendor, tmp_path: Path, captured: Any) -> None:
    """4:1 on 2021-07-20: the day before, the share cost 751.19 as this chart counts, and 187.80 after adjustment."""
    vendor.answer = yahoo_answers(
        {"NVDA": captured("historical-via-chart-NVDA-split-2021-02-01-to-2022-01-31.csv.json")}
    )
    answer = yahoo(vendor.url, tmp_path, SleepingClock()).bars(
        ["NVDA"], DAY, parse_iso("2021-02-01"), parse_iso("2022-01-31")
    )
    price = dict(zip([at[:10] for at in ends(answer)], closes(answer), strict=True))
    assert len(price) == 252
    # The chart is from 2025 and so also adjusted for the 10:1 of 2024, which it does not list.
    assert price["2021-07-19"] * 10 == pytest.approx(751.19, abs=0.01)
    assert price["2021-07-20"] * 10 == pytest.approx(186.12, abs=0.01)


def test_recorded_pairs_end_at_their_own_midnight(vendor: Vendor, tmp_path: Path, captured: Any) -> None:
    """Crypto days end at midnight UTC, currency days at midnight in London; a currency has no volume."""
    vendor.answer = yahoo_answers(
        {
            "BTC-USD": captured("chart-BTC-USD-2020-01-01-to-2020-01-03.json"),
            "EURUSD=X": captured("chart-EURUSD=X-2020-01-01-to-2020-01-03.json"),
        }
    )
    provider = yahoo(vendor.url, tmp_path, SleepingClock())
    bitcoin = provider.bars(["BTC-USD"], DAY, parse_iso("2020-01-01"), parse_iso("2020-01-03"))
    assert ends(bitcoin) == ["2020-01-02", "2020-01-03"]
    assert closes(bitcoin)[0] == pytest.approx(7200.1743)
    euro = provider.bars(["EUR-USD"], DAY, parse_iso("2020-01-01"), parse_iso("2020-01-03"))
    assert ends(euro) == ["2020-01-02", "2020-01-03"]
    assert np.isnan(euro.bars["volume"].to_numpy()).all()


def test_a_weekend_is_no_fault(vendor: Vendor, tmp_path: Path, captured: Any) -> None:
    empty = captured("chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json")
    vendor.answer = yahoo_answers({"AAPL": empty})
    answer = yahoo(vendor.url, tmp_path, SleepingClock()).bars(
        ["AAPL"], 60, parse_iso("2025-02-01"), parse_iso("2025-02-02")
    )
    assert (answer.bars.num_rows, answer.faults) == (0, ())


def test_a_chart_without_times_is_malformed(vendor: Vendor, tmp_path: Path, captured: Any) -> None:
    broken = captured("chart-notimestamp-quotes-length.fake.json")
    vendor.answer = yahoo_answers({"AAPL": broken})
    (fault,) = yahoo(vendor.url, tmp_path, SleepingClock()).bars(["AAPL"], DAY, START, END).faults
    assert fault.kind is FaultKind.MALFORMED


def test_bars_within_the_day_end_after_their_interval(vendor: Vendor, tmp_path: Path) -> None:
    day = chart(days=("2025-02-27",), closes=(100.0,), splits=())
    within = chart(days=("2025-02-27",), closes=(101.5,), splits=())
    result = within["chart"]["result"][0]
    first = result["timestamp"][0] + 3_600  # 09:30 in New York in winter
    result["timestamp"] = [first]
    result["meta"] |= {"dataGranularity": "5m", "tradingPeriods": [[period_of(first)]]}
    charts = yahoo_answers({})

    def answer(asked: Asked) -> Reply:
        if "/chart/" not in asked.path:
            return charts(asked)
        return Reply(within if asked.params["interval"] == "5m" else day)

    vendor.answer = answer
    got = yahoo(vendor.url, tmp_path, SleepingClock()).bars(
        ["AAPL"], 300, parse_iso("2025-02-27"), parse_iso("2025-02-28")
    )
    assert got.faults == ()
    assert (ends(got), closes(got)) == (["2025-02-27T14:35:00Z"], [101.5])


def period_of(first: int) -> dict[str, Any]:
    return {"timezone": "EST", "start": first, "end": first + 23_400, "gmtoffset": -18_000}


@pytest.mark.parametrize(
    ("reply", "kind", "times"),
    [
        (Reply({"chart": None}, 429), FaultKind.QUOTA, 1),
        (Reply({"finance": {"error": {"code": "Unauthorized"}}}, 401), FaultKind.AUTHENTICATION, 1),
        (Reply({}, 503), FaultKind.TRANSIENT, 3),
        (Reply(b"<html>"), FaultKind.MALFORMED, 1),
        (Reply(chart(), cut=200), FaultKind.TRANSIENT, 3),
        (Reply(chart(), hangs=True), FaultKind.TRANSIENT, 3),
    ],
    ids=["429", "401", "503", "html", "half", "silent"],
)
def test_each_trouble_has_its_kind(
    vendor: Vendor, tmp_path: Path, reply: Reply, kind: FaultKind, times: int
) -> None:
    """Only the transient ones are asked again."""
    vendor.answer = yahoo_answers({"AAPL": reply})
    provider = yahoo(vendor.url, tmp_path, SleepingClock(), timeout_s=0.2)
    (fault,) = provider.bars(["AAPL"], DAY, START, END).faults
    assert (fault.kind, fault.symbol) == (kind, "AAPL")
    assert len(vendor.asked_for("/chart/")) >= times
    assert (len(vendor.asked_for("/chart/")) > 2) == (times == 3)


def test_a_quota_says_when_it_ends(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = yahoo_answers({"AAPL": Reply({}, 429, {"Retry-After": "120"})})
    (fault,) = yahoo(vendor.url, tmp_path, SleepingClock()).bars(["AAPL"], DAY, START, END).faults
    assert iso(fault.until_ns) == "2025-03-01T00:02:00Z"
    assert str(fault) == "Yahoo takes no more requests for now. It answers again at 2025-03-01T00:02:00Z."


def test_an_unknown_symbol_is_not_found(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = yahoo_answers({})
    (fault,) = yahoo(vendor.url, tmp_path, SleepingClock()).bars(["NOSUCH"], DAY, START, END).faults
    assert fault.kind is FaultKind.NOT_FOUND


def test_a_second_attempt_sees_the_vendor_again(vendor: Vendor, tmp_path: Path) -> None:
    """The client keeps answers of its own in memory; an error among them must not answer for the vendor."""
    good, seen = yahoo_answers({"AAPL": chart()}), []

    def answer(asked: Asked) -> Reply:
        seen.append(asked)
        ranged = [one for one in seen if "period2" in one.params]
        return Reply({}, 503) if "period2" in asked.params and len(ranged) <= 2 else good(asked)

    vendor.answer = answer
    answer_ = yahoo(vendor.url, tmp_path, SleepingClock()).bars(["AAPL"], DAY, START, END)
    assert (answer_.faults, len(closes(answer_))) == ((), 3)


def test_a_kept_answer_is_not_fetched_again_until_it_is_old(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = yahoo_answers({"AAPL": chart()})
    clock = SleepingClock()

    def fetched() -> int:
        got = yahoo(vendor.url, tmp_path, clock).bars(["AAPL"], DAY, START, END)
        assert closes(got) == [499.23, 129.04, 134.18]
        return len([one for one in vendor.asked_for("/chart/") if "period2" in one.params])

    assert [fetched(), fetched()] == [1, 1]
    clock.advance_to(clock.now_ns() + 901 * 10**9)
    assert fetched() == 2


def test_a_bar_that_has_not_ended_is_left_out(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = yahoo_answers({"AAPL": chart()})
    clock = SleepingClock(parse_iso("2020-09-01T19:59:00Z"))
    answer = yahoo(vendor.url, tmp_path, clock).bars(["AAPL"], DAY, START, END)
    assert ends(answer) == ["2020-08-28T20:00:00Z", "2020-08-31T20:00:00Z"]
