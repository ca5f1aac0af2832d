"""Alpaca through the real alpaca-py client against a local server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.market.providers.rig import DAY, SECRET, SleepingClock, alpaca, stock_rows
from tests.market.providers.vendor_server import Asked, Reply, Vendor, capture
from tuiconsole.domain.clock import iso, parse_iso
from tuiconsole.market.providers.contract import Answer, FaultKind

START, END = parse_iso("2025-01-02"), parse_iso("2025-01-08")


def alpaca_answers(bars: dict[str, list[dict[str, Any]]], actions: dict[str, Any] | None = None) -> Any:
    """An Alpaca that knows these bars and refuses a request that names any other symbol, as the vendor does."""

    def answer(asked: Asked) -> Reply:
        if "corporate-actions" in asked.path:
            return Reply({"corporate_actions": actions or {}, "next_page_token": None})
        wanted = asked.params["symbols"].split(",")
        unknown = [name for name in wanted if name not in bars]
        if unknown:
            return Reply({"code": 40010001, "message": f"invalid symbol: {unknown[0]}"}, 400)
        return Reply({"bars": {name: bars[name] for name in wanted if bars[name]}, "next_page_token": None})

    return answer


def rows(answer: Answer) -> list[tuple[str, str, float]]:
    ts = np.asarray(answer.bars["ts"].cast("int64"))
    names, closes = answer.bars["symbol"].to_pylist(), answer.bars["close"].to_pylist()
    return [(name, iso(int(at)), close) for name, at, close in zip(names, ts, closes, strict=True)]


def test_days_are_raw_and_end_at_the_close(vendor: Vendor, tmp_path: Path) -> None:
    actions = {
        "forward_splits": [{"symbol": "AAPL", "ex_date": "2025-01-03", "new_rate": 4, "old_rate": 1}],
        "reverse_splits": [{"symbol": "MSFT", "ex_date": "2025-01-03", "new_rate": 1, "old_rate": 50}],
        "cash_dividends": [{"symbol": "AAPL", "ex_date": "2025-01-06", "rate": 0.25}],
    }
    days = ("2025-01-02", "2025-01-03")
    vendor.answer = alpaca_answers({"AAPL": stock_rows(days), "MSFT": stock_rows(days, 50.0)}, actions)
    answer = alpaca(vendor.url, tmp_path, SleepingClock()).bars(["AAPL", "MSFT"], DAY, START, END)
    assert answer.faults == ()
    assert rows(answer) == [
        ("AAPL", "2025-01-02T21:00:00Z", 100.0),
        ("AAPL", "2025-01-03T21:00:00Z", 100.0),
        ("MSFT", "2025-01-02T21:00:00Z", 50.0),
        ("MSFT", "2025-01-03T21:00:00Z", 50.0),
    ]
    found = [(a["symbol"], str(a["ex_date"]), a["kind"], a["value"]) for a in answer.actions.to_pylist()]
    assert found == [
        ("AAPL", "2025-01-03", "split", 4.0),
        ("AAPL", "2025-01-06", "dividend", 0.25),
        ("MSFT", "2025-01-03", "split", 0.02),
    ]
    (asked,) = vendor.asked_for("/v2/stocks/bars")
    assert (asked.params["adjustment"], asked.params["feed"]) == ("raw", "iex")
    assert (asked.headers["apca-api-key-id"], asked.headers["apca-api-secret-key"]) == ("key-id", SECRET)


def test_the_recorded_bars_of_the_client(vendor: Vendor, tmp_path: Path) -> None:
    samples = capture("alpaca", "sdk_test_responses.jsonl")
    body = next(
        s["json"] for s in samples if s["test"] == "test_multisymbol_get_bars" and "AAPL" in s["json"]["bars"]
    )
    vendor.answer = alpaca_answers(body["bars"])
    answer = alpaca(vendor.url, tmp_path, SleepingClock()).bars(
        ["AAPL", "TSLA"], DAY, parse_iso("2022-03-09"), parse_iso("2022-03-10")
    )
    assert rows(answer) == [
        ("AAPL", "2022-03-09T21:00:00Z", 162.95),
        ("TSLA", "2022-03-09T21:00:00Z", 858.97),
    ]


def test_the_recorded_corporate_actions(vendor: Vendor, tmp_path: Path) -> None:
    """Splits both ways and cash dividends are read; what they are not asked about is left out."""
    samples = capture("alpaca", "sdk_test_responses.jsonl")
    body = next(s["json"] for s in samples if "reverse_splits" in str(s["json"]))
    names = ["MNTS", "SRE", "FCF"]
    bars = alpaca_answers({name: stock_rows(("2023-05-04",)) for name in names})
    vendor.answer = lambda asked: (
        Reply(body | {"next_page_token": None}) if "corporate" in asked.path else bars(asked)
    )
    answer = alpaca(vendor.url, tmp_path, SleepingClock()).bars(
        names, DAY, parse_iso("2023-05-01"), parse_iso("2023-09-01")
    )
    found = {(a["symbol"], str(a["ex_date"]), a["kind"], a["value"]) for a in answer.actions.to_pylist()}
    assert found == {
        ("MNTS", "2023-08-24", "split", 0.02),
        ("SRE", "2023-08-22", "split", 2.0),
        ("FCF", "2023-05-04", "dividend", 0.125),
    }


def test_every_page_is_read(vendor: Vendor, tmp_path: Path) -> None:
    pages = {"": ("2025-01-02", "next"), "next": ("2025-01-03", None)}

    def answer(asked: Asked) -> Reply:
        if "corporate-actions" in asked.path:
            return Reply({"corporate_actions": {}, "next_page_token": None})
        day, token = pages[asked.params.get("page_token", "")]
        return Reply({"bars": {"AAPL": stock_rows((day,))}, "next_page_token": token})

    vendor.answer = answer
    answer_ = alpaca(vendor.url, tmp_path, SleepingClock()).bars(["AAPL"], DAY, START, END)
    assert [at for _, at, _ in rows(answer_)] == ["2025-01-02T21:00:00Z", "2025-01-03T21:00:00Z"]


def test_crypto_and_minutes(vendor: Vendor, tmp_path: Path) -> None:
    """A pair is asked for by the vendor's name, and a minute is seen when it has ended."""
    bar = {"t": "2025-01-02T10:18:00Z", "o": 1.0, "h": 2.0, "l": 0.5, "c": 1.5, "v": 0.01}
    vendor.answer = alpaca_answers({"BTC/USD": [bar], "AAPL": [bar]})
    provider = alpaca(vendor.url, tmp_path, SleepingClock())
    answer = provider.bars(["BTC-USD", "AAPL"], 60, START, END)
    assert sorted(rows(answer)) == [
        ("AAPL", "2025-01-02T10:19:00Z", 1.5),
        ("BTC-USD", "2025-01-02T10:19:00Z", 1.5),
    ]
    (asked,) = vendor.asked_for("/v1beta3/crypto/us/bars")
    assert asked.params["symbols"] == "BTC/USD"


def test_one_unknown_symbol_does_not_cost_the_others(vendor: Vendor, tmp_path: Path) -> None:
    """The vendor refuses a whole request for one bad name; the halves are asked for themselves."""
    known = {name: stock_rows(("2025-01-02",)) for name in ("A", "B", "C", "D", "E")}
    vendor.answer = alpaca_answers(known)
    answer = alpaca(vendor.url, tmp_path, SleepingClock()).bars(
        ["A", "B", "BAD", "C", "D", "E", "X.TO"], DAY, START, END
    )
    assert [name for name, _, _ in rows(answer)] == ["A", "B", "C", "D", "E"]
    assert sorted((f.symbol, f.kind) for f in answer.faults if f.symbol == "BAD") == [
        ("BAD", FaultKind.NOT_FOUND)
    ]
    foreign = answer.fault_of("X.TO")
    assert foreign is not None
    assert foreign.kind is FaultKind.NOT_FOUND


def test_a_session_under_way_is_no_reason_to_ask_others(vendor: Vendor, tmp_path: Path) -> None:
    """The vendor knows the share; its bar of today has not ended, and that is no fault."""
    vendor.answer = alpaca_answers({"AAPL": stock_rows(("2025-01-02",))})
    clock = SleepingClock(parse_iso("2025-01-02T20:00:00Z"))
    answer = alpaca(vendor.url, tmp_path, clock).bars(["AAPL"], DAY, parse_iso("2025-01-02"), clock.now_ns())
    assert (answer.bars.num_rows, answer.faults) == (0, ())


@pytest.mark.parametrize(
    ("reply", "kind", "times"),
    [
        (Reply({"message": "too many requests."}, 429), FaultKind.QUOTA, 1),
        (Reply({"message": "forbidden."}, 403), FaultKind.AUTHENTICATION, 1),
        (Reply({"message": "down"}, 500), FaultKind.TRANSIENT, 3),
        (Reply(b"<html>"), FaultKind.MALFORMED, 1),
        (Reply({"bars": {"AAPL": [{"t": 5}]}, "next_page_token": None}), FaultKind.MALFORMED, 1),
        (Reply({"bars": {}}, cut=5), FaultKind.TRANSIENT, 3),
        (Reply(hangs=True), FaultKind.TRANSIENT, 3),
    ],
    ids=["429", "403", "500", "html", "nonsense", "half", "silent"],
)
def test_each_trouble_has_its_kind(
    vendor: Vendor, tmp_path: Path, reply: Reply, kind: FaultKind, times: int
) -> None:
    actions = alpaca_answers({})
    vendor.answer = lambda asked: actions(asked) if "corporate" in asked.path else reply
    provider = alpaca(vendor.url, tmp_path, SleepingClock(), timeout_s=0.1)
    (fault,) = provider.bars(["AAPL"], DAY, START, END).faults
    assert (fault.kind, fault.symbol) == (kind, "AAPL")
    assert len(vendor.asked_for("/v2/stocks/bars")) == times


def test_a_quota_ends_when_the_vendor_says(vendor: Vendor, tmp_path: Path) -> None:
    clock = SleepingClock()
    reset = clock.now_ns() // 10**9 + 42
    vendor.answer = lambda _: Reply({}, 429, {"X-RateLimit-Reset": str(reset)})
    (fault,) = alpaca(vendor.url, tmp_path, clock).bars(["AAPL"], DAY, START, END).faults
    assert fault.until_ns == reset * 10**9
    assert clock.slept == []


def test_without_a_key_nothing_is_asked(vendor: Vendor, tmp_path: Path) -> None:
    provider = alpaca(vendor.url, tmp_path, SleepingClock())
    provider.secret = ""
    (fault,) = provider.bars(["AAPL"], DAY, START, END).faults
    assert fault.kind is FaultKind.AUTHENTICATION
    assert "APCA_API_SECRET_KEY" in fault.sentence
    assert vendor.asked == []


def test_no_secret_is_kept_or_shown(vendor: Vendor, tmp_path: Path) -> None:
    vendor.answer = alpaca_answers({"AAPL": stock_rows(("2025-01-02",))})
    provider = alpaca(vendor.url, tmp_path, SleepingClock())
    provider.bars(["AAPL"], DAY, START, END)
    assert SECRET not in repr(provider)
    import gzip

    kept = [gzip.decompress(path.read_bytes()) for path in tmp_path.rglob("*.gz")]
    assert len(kept) == 2
    assert all(SECRET.encode() not in body for body in kept)
