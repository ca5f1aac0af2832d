"""The study of quotes on recorded books: profits that can be reckoned by hand, limits, and a real recording."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.market.books.messages import diff, sample, snapshot
from tuiconsole.cli import main
from tuiconsole.domain.errors import DataError
from tuiconsole.execution.quoting import QuotingModel
from tuiconsole.execution.settings import BookVenueSettings
from tuiconsole.market.books.binance import BinanceFeed
from tuiconsole.research.quoting import QuotingPlan, QuotingStudy
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.verbs.quoting import quoting_text

SECOND = 10**9
MODEL = QuotingModel(gamma=1e-9, sigma=0.0, decay=1.0)
"""Two ticks wide, without regard to inventory."""


def _trade(price: str, size: str, sold: bool) -> str:
    return json.dumps({"data": {"e": "trade", "s": "AAA", "p": price, "q": size, "m": sold}})


def _events(feed: BinanceFeed, *messages: tuple[float, str]):
    """A book of 10.00 to 10.10 with a tick of 0.01, and what follows at these seconds."""
    whole = snapshot(1, [["10.00", "1.00"], ["9.99", "5.00"]], [["10.10", "1.00"], ["10.11", "5.00"]])
    for second, text in ((0.0, whole), *messages):
        yield from feed.read(round(second * SECOND), text)


def _study(plan: QuotingPlan, maker_bps: float = 0.0, capital: float = 1e5) -> QuotingStudy:
    return QuotingStudy(plan, BookVenueSettings(maker_bps=maker_bps), RiskSettings(), capital)


def test_a_round_trip_earns_the_quoted_spread_less_fees() -> None:
    feed = BinanceFeed(symbol="AAA")
    plan = QuotingPlan(MODEL, size=0.5)  # quotes at 10.04 and 10.06, alone inside the spread
    messages = (
        (1.0, _trade("10.00", "0.30", True)),
        (2.0, _trade("10.10", "0.40", False)),
        (3.0, _trade("10.10", "0.40", False)),
        (4.0, _trade("10.00", "0.30", True)),
        (9.0, diff(2, 2)),
    )
    result = _study(plan).run(feed, _events(feed, *messages))
    assert (result.quotes, result.refused, result.cancels, result.fills) == (4, 0, 0, 4)
    assert result.volume == pytest.approx(0.3 + 0.4 + 0.1 + 0.2)
    assert result.inventory == pytest.approx(0.0)
    assert result.profit == pytest.approx(0.01 * result.volume, rel=1e-9)
    assert result.captured == pytest.approx(result.profit)
    assert result.moved == pytest.approx(0.0)
    feed = BinanceFeed(symbol="AAA")
    paid = _study(plan, maker_bps=10.0).run(feed, _events(feed, *messages))
    assert paid.fees == pytest.approx(1e-3 * (10.04 * 0.5 + 10.06 * 0.5), rel=1e-6)
    assert paid.profit == pytest.approx(result.profit - paid.fees, abs=1e-7)


def test_a_full_inventory_is_not_added_to_and_an_adverse_move_is_told() -> None:
    feed = BinanceFeed(symbol="AAA")
    sells = [(second, _trade("10.00", "9.00", True)) for second in (1.0, 3.0, 5.0)]
    looks = [
        (2.0, diff(2, 2)),
        (4.0, diff(3, 3, [["10.00", "0"], ["9.99", "0"], ["9.00", "1.00"]], [["9.20", "1.00"]])),
        (6.0, diff(4, 4)),
    ]
    result = _study(QuotingPlan(MODEL, size=0.5, most=2)).run(feed, _events(feed, *sorted(sells + looks)))
    assert result.most_inventory == 1.0  # two purchases; the third trade found no bid of ours
    assert result.fills == 2
    assert result.moved == pytest.approx(0.5 * (10.05 - 9.10))  # of the second one, a second later
    assert result.profit == pytest.approx(2 * 0.5 * (9.10 - 10.04))


def test_the_gate_judges_quotes_like_all_orders() -> None:
    feed = BinanceFeed(symbol="AAA")
    result = _study(QuotingPlan(MODEL, size=50.0), capital=100.0).run(feed, _events(feed, (2.0, diff(2, 2))))
    assert (result.quotes, result.refused, result.fills) == (0, 4, 0)


def test_recordings_that_cannot_be_quoted() -> None:
    feed = BinanceFeed(symbol="AAA")
    with pytest.raises(DataError, match="No book became known"):
        _study(QuotingPlan(MODEL, size=1.0)).run(feed, feed.read(1, diff(2, 3)))
    with pytest.raises(DataError, match="smallest step"):
        _study(QuotingPlan(MODEL, size=0.001)).run(feed, _events(feed))


def test_the_verb_on_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    path = str(sample("binance/spot_btcusdt_20240808.ws.gz"))
    words = ["quoting", path, "--size", "0.01", "--decay", "0.05", "--every", "2"]
    assert main([*words, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["symbol"], body["queue"], body["refused"]) == ("BTCUSDT", "fifo", 0)
    assert body["quotes"] > 100
    assert body["fills"] > 20
    assert body["captured"] > 0.0
    assert body["fees"] == pytest.approx(2e-4 * 61_700 * body["volume"], rel=0.01)
    assert abs(body["inventory"]) <= body["most_inventory"] <= 0.1 + 1e-9
    assert main([*words, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert {**again, "seconds": 0} == {**body, "seconds": 0}
    assert main([*words, "--queue", "hope"]) == 2
    assert "expected fifo, power or log" in capsys.readouterr().err
    assert "the market did not see these quotes" in quoting_text(body)


def test_the_verb_without_a_recording_simulates_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    words = [
        "quoting",
        "--simulate",
        "4000",
        "--gamma",
        "0.1",
        "--sigma",
        "2",
        "--decay",
        "1.5",
        "--rate",
        "140",
    ]
    assert main([*words, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    leaning, symmetric = body["leaning"], body["symmetric"]  # Avellaneda and Stoikov (2008), table 1
    assert leaning["spread"] == pytest.approx(1.49, abs=0.005)
    assert leaning["profit"] == pytest.approx(65.0, abs=0.7)
    assert symmetric["profit"] == pytest.approx(68.4, abs=1.0)
    assert leaning["profit_deviation"] == pytest.approx(6.6, rel=0.15)
    assert symmetric["inventory_deviation"] == pytest.approx(8.4, rel=0.1)
    assert main(words) == 0
    assert "4,000 simulated paths" in capsys.readouterr().out
    assert main(["quoting"]) == 2
    assert "--simulate" in capsys.readouterr().err
