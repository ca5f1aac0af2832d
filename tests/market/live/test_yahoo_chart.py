"""The chart feed: the real client against a local server, with its handshake, its oddities and its failures."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.market.live.conftest import NOW, shared
from tests.market.live.yahoo_server import CRUMB, SECOND, Faults, YahooServer, price
from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.errors import FeedError
from tuiconsole.market.live.contract import FeedAnswer
from tuiconsole.market.live.schedule import Schedule, load_schedule
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.market.live.yahoo_chart import YahooChart, chart_rows
from tuiconsole.market.live.yahoo_http import SymbolUnknown, YahooHttp, yahoo_symbol

SYMBOLS = ("AAPL", "BRK.B", "MSFT")
UNTIL = parse_iso("2025-11-28T15:02:00")
AFTER = parse_iso("2025-11-28T14:59:00")


def feed(schedule: Schedule, settings: FeedsSettings, timeout_s: float = 5.0) -> YahooChart:
    return YahooChart(SYMBOLS, schedule, YahooHttp(settings.yahoo_url, timeout_s, 4))


async def test_closed_bars_of_all_symbols_and_nothing_that_still_forms(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings
) -> None:
    answer = await feed(schedule, settings).bars(AFTER, UNTIL)
    assert [iso(bars.ts) for bars in answer.bars] == [f"2025-11-28T15:0{i}:00Z" for i in (0, 1, 2)]
    assert answer.complete
    assert answer.news == ()
    newest = answer.bars[-1]
    start, end = UNTIL // SECOND - 60, UNTIL // SECOND
    np.testing.assert_array_equal(newest.open, [price(yahoo_symbol(s), start) for s in SYMBOLS])
    np.testing.assert_array_equal(newest.close, [price(yahoo_symbol(s), end) for s in SYMBOLS])
    assert (newest.high >= newest.close).all()
    assert (newest.volume > 0).all()
    assert newest.session * 86_400 * SECOND == parse_iso("2025-11-28")
    assert "/v8/finance/chart/BRK-B" in server.paths()


async def test_the_client_shakes_hands_as_it_does_with_yahoo(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings
) -> None:
    await feed(schedule, settings).bars(AFTER, UNTIL)
    assert server.paths()[0] == "/", "the cookie first"
    assert "/v1/test/getcrumb" in server.paths()
    crumbs = [query.get("crumb") for path, query in server.asked if "chart" in path]
    assert crumbs == [CRUMB] * 3


async def test_the_half_day_ends_at_one_and_its_last_row_is_no_bar(
    schedule: Schedule, clock: EventClock, server: YahooServer, settings: FeedsSettings
) -> None:
    clock.advance_to(parse_iso("2025-11-28T18:05:00"))
    until = schedule.last_end(clock.now_ns())
    answer = await feed(schedule, settings).bars(parse_iso("2025-11-28T17:58:00"), until)
    assert [iso(bars.ts) for bars in answer.bars] == ["2025-11-28T17:59:00Z", "2025-11-28T18:00:00Z"]
    body = server._body("AAPL", {"interval": "1m"})
    assert body["chart"]["result"][0]["timestamp"][-1] == until // SECOND


async def test_a_minute_without_a_trade_is_missing_and_may_still_come(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings
) -> None:
    server.faults.missing.add(("MSFT", UNTIL // SECOND - 60))
    answer = await feed(schedule, settings).bars(AFTER, UNTIL)
    assert not answer.complete
    assert np.isnan(answer.bars[-1].close).tolist() == [False, False, True]
    assert not np.isnan(answer.bars[-2].close).any()
    server.faults.missing = {("MSFT", UNTIL // SECOND - 120)}
    assert (await feed(schedule, settings).bars(AFTER, UNTIL)).complete, "older gaps are not waited for"


async def test_an_unknown_symbol_is_told_once_and_the_others_go_on(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings
) -> None:
    server.faults.unknown.add("BRK-B")
    made = feed(schedule, settings)
    answer = await made.bars(AFTER, UNTIL)
    assert [(status.code, status.text) for status in answer.news] == [
        ("symbol failed", "BRK.B has no prices: Yahoo does not know it (404).")
    ]
    assert answer.complete
    assert np.isnan(answer.bars[-1].close).tolist() == [False, True, False]
    asked = len(server.asked)
    assert (await made.bars(AFTER, UNTIL)).news == ()
    assert not any("BRK-B" in path for path, _ in server.asked[asked:]), "nor asked for again at once"
    server.faults.unknown |= {"AAPL", "MSFT"}
    with pytest.raises(FeedError, match="knows none"):
        await made.bars(AFTER, UNTIL)


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (Faults(status=429), "limits the rate"),
        (Faults(status=500), r"trouble of its own \(status 500\)"),
        (Faults(status=503), r"trouble of its own \(status 503\)"),
        (Faults(status=403), r"refuses \(status 403\)"),
        (Faults(raw=b"<html>Will be right back</html>"), "no JSON"),
        (Faults(raw=b'{"chart": {"result": []}}'), "another shape"),
        (Faults(raw=b'{"finance": 1}'), "another shape"),
        (Faults(raw=b"[1, 2]"), "another shape"),
    ],
)
async def test_every_failure_is_one_sentence(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings, faults: Faults, said: str
) -> None:
    server.faults = faults
    made = feed(schedule, settings)
    for ask in (made.bars(AFTER, UNTIL), made.probe()):
        with pytest.raises(FeedError, match=said):
            await ask
    server.faults = Faults()
    assert len((await made.bars(AFTER, UNTIL)).bars) == 3, "and it recovers"


async def test_a_service_that_hangs_or_is_gone_is_given_up_in_time(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings
) -> None:
    server.faults.hang_s = 30.0
    with pytest.raises(FeedError, match=r"cannot be reached|did not answer"):
        await feed(schedule, settings, timeout_s=0.2).bars(AFTER, UNTIL)
    nobody = FeedsSettings(yahoo_url="http://127.0.0.1:9")
    with pytest.raises(FeedError, match="cannot be reached"):
        await feed(schedule, nobody).bars(AFTER, UNTIL)


async def test_one_symbol_that_fails_is_missing_not_fatal(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings
) -> None:
    server.canned["MSFT"] = b"<html>"
    answer = await feed(schedule, settings).bars(AFTER, UNTIL)
    assert not answer.complete
    assert np.isnan(answer.bars[-1].close).tolist() == [False, False, True]


async def test_history_reaches_back_over_the_holiday_as_far_as_there_is_any(
    schedule: Schedule, server: YahooServer, settings: FeedsSettings
) -> None:
    answer = await feed(schedule, settings).history(40, UNTIL)
    assert (len(answer.bars), iso(answer.bars[-1].ts)) == (40, iso(UNTIL))
    assert iso(answer.bars[7].ts) == "2025-11-26T21:00:00Z", "the eve of Thanksgiving"
    far = await feed(schedule, settings).history(5_000, UNTIL)
    assert 1_200 < len(far.bars) < 2_000, "a week of minutes is all there is"
    assert (await feed(schedule, settings).history(0, UNTIL)).bars == ()


async def test_days_end_at_their_close(server: YahooServer, settings: FeedsSettings) -> None:
    days = load_schedule("XNYS", 86_400, NOW)
    answer: FeedAnswer = await feed(days, settings).history(5, days.last_end(NOW))
    assert [iso(bars.ts)[5:16] for bars in answer.bars] == [
        "11-20T21:00",
        "11-21T21:00",
        "11-24T21:00",
        "11-25T21:00",
        "11-26T21:00",
    ], "not the half day that still trades"


def body_of(name: str) -> Any:
    return json.loads(shared(name).read_text(encoding="utf-8"))["response"]["bodyJson"]


def test_real_captures_are_understood() -> None:
    days = load_schedule("XNYS", 86_400, parse_iso("2021-01-01"))
    rows = chart_rows(body_of("chart-AAPL-2020-08-31-to-2020-11-07.json"), days, NOW)
    assert (len(rows), iso(min(rows)), iso(max(rows))) == (49, "2020-08-31T20:00:00Z", "2020-11-06T21:00:00Z")
    assert rows[min(rows)][3] == pytest.approx(129.04, abs=0.01)
    assert all(low <= min(o, c) <= max(o, c) <= high for o, high, low, c, _ in rows.values())
    none = chart_rows(
        body_of("chart-AAPL-2025-02-01-to-2025-02-02-includePrePost-false-interval-1m.json"), days, NOW
    )
    assert none == {}, "a weekend has no bars"


def test_an_error_in_the_answer_is_an_unknown_symbol() -> None:
    days = load_schedule("XNYS", 86_400, NOW)
    body = {"chart": {"result": None, "error": {"code": "Not Found", "description": "No data found"}}}
    with pytest.raises(SymbolUnknown, match="Yahoo says: No data found"):
        chart_rows(body, days, NOW)


@pytest.mark.parametrize("what", ["quotes-length", "weird-quote"])
def test_real_captures_that_were_spoiled_hold_no_bars(what: str) -> None:
    days = load_schedule("XNYS", 86_400, parse_iso("2021-01-01"))
    body = body_of(f"chart-notimestamp-{what}.fake.json")
    assert "timestamp" not in body["chart"]["result"][0]
    with pytest.raises(FeedError, match="different lengths"):
        chart_rows(body, days, NOW)
