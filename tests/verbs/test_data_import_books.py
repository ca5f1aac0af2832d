"""The verb data import-books: checks, bars in the history, and features of a replay of recorded books."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.market.books.messages import SAMPLES, diff, sample, snapshot
from tuiconsole.cli import main
from tuiconsole.domain.types import FloatArray
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.defence import Defence
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.books import house_pair
from tuiconsole.market.panel import Panel
from tuiconsole.market.tape import Tape

START = 1_723_161_600 * 10**9


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    return tmp_path


def _answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert main(["data", "import-books", *words, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _trade(price: str, size: str, sold: bool) -> str:
    return json.dumps({"data": {"e": "trade", "s": "BTCUSDT", "p": price, "q": size, "m": sold}})


def _stream(*, gap: bool = False) -> bytes:
    messages = [
        (0, snapshot(10, [["9.9", "4.0"]], [["10.1", "2.0"]])),
        (10, diff(11, 11, [["9.8", "6.0"]], symbol="BTCUSDT")),
        (20, _trade("10.1", "0.5", False)),
        (1_000, diff(14 if gap else 12, 15, asks=[["10.0", "1.0"]], symbol="BTCUSDT")),
        (1_500, _trade("10.0", "0.2", True)),
        (2_000, _trade("10.0", "0.1", True)),
    ]
    lines = [f"{START - 100} {diff(10, 10, symbol='BTCUSDT')}"]
    lines += [f"{START + ms * 10**6} {text}" for ms, text in messages]
    return gzip.compress("\n".join(lines).encode())


def test_a_stream_is_checked_and_stored(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "one.gz").write_bytes(_stream())
    body = _answer(capsys, "one.gz", "--levels", "5")
    assert (body["sound"], body["bars"], body["new"], body["interval"]) == (True, 2, 2, "1s")
    (book,) = body["books"]
    assert (book["symbol"], book["state"], book["updates"], book["trades"], book["gaps"]) == (
        "BTCUSDT",
        "live",
        3,
        3,
        0,
    )
    assert (book["bid"], book["ask"], book["bid_size"]) == (9.9, 10.0, 4.0)
    assert book["spread_bps"]["most"] == pytest.approx(200.0)
    assert _answer(capsys, "one.gz", "--levels", "5")["same"] == 2
    tape = HistoryStore(desk / "history").tape(["BTC-USDT"], "1s")
    quotes = [tape.bars(row).quotes for row in range(2)]
    assert [
        (one.bid_depth[0], one.ask[0], one.buy_volume[0], one.sell_volume[0]) for one in quotes if one
    ] == [
        (10.0, 10.1, 0.5, 0.0),
        (10.0, 10.0, 0.0, 0.2),
    ]


def test_a_gap_fails_the_check_and_leaves_quotes_out(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "gap.gz").write_bytes(_stream(gap=True))
    body = _answer(capsys, "gap.gz", "--check", code=1)
    assert (body["sound"], body["history"], body["books"][0]["gaps"], body["books"][0]["state"]) == (
        False,
        None,
        1,
        "broken",
    )
    assert not (desk / "history").exists()
    assert main(["data", "import-books", "gap.gz"]) == 0
    shown = capsys.readouterr().out
    assert "gaps 1" in shown
    assert "NOT every book is sound" in shown
    tape = HistoryStore(desk / "history").tape(["BTC-USDT"], "1s")
    last = tape.bars(1).quotes
    assert last is not None
    assert np.isnan(last.bid[0])
    assert last.sell_volume[0] == 0.2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("absent.gz",), "No such file"),
        (("empty.txt",), "no messages of an exchange"),
        (("empty.txt", "x.csv"), "one at a time"),
        (("x.parquet",), "--day 2012-06-21"),
        (("x.parquet", "--day", "soon"), "expected a date"),
        (("quiet.gz",), "no interval of 1s"),
        (("quiet.gz", "--interval", "7s"), "not a bar length"),
    ],
)
def test_what_cannot_be_imported_is_said_in_a_sentence(
    desk: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    for name in ("empty.txt", "x.csv", "x.parquet"):
        (desk / name).write_text("", encoding="utf-8")
    (desk / "quiet.gz").write_bytes(gzip.compress(f"{START} {_trade('1.0', '1.0', True)}\n".encode()))
    assert main(["data", "import-books", *words]) == 2
    assert said in capsys.readouterr().err


def test_pairs_get_the_names_of_the_house() -> None:
    assert [house_pair(one) for one in ("BTCUSDT", "XBT/CHF", "ADA/XBT", "DASH-BTC", "ETHBTC", "AAPL")] == [
        "BTC-USDT",
        "BTC-CHF",
        "ADA-BTC",
        "DASH-BTC",
        "ETH-BTC",
        "AAPL",
    ]


NAMES = (
    "quoted_spread",
    "effective_spread",
    "touch_imbalance",
    "depth_imbalance",
    "microprice_distance",
    "touch_share",
    "order_flow_imbalance_20",
    "trade_imbalance_20",
)


def _replayed(tape: Tape) -> FloatArray:
    """Features bar by bar, as a desk works them out: ``[n_bars, n_features]``."""
    features = FeatureSet(NAMES, 1)
    panel, defence = Panel(1, features.panel_window), Defence(1)
    out = []
    for row in range(len(tape)):
        panel.push(defence.screen(tape.bars(row)))
        features.update(panel)
        out.append(features.values[:, 0].copy())
    return np.array(out)


def _plain_books(path: Path) -> dict[int, tuple[dict[float, float], dict[float, float]]]:
    """The book at the end of every second, by plain dictionaries of floats from the messages themselves."""
    found: dict[int, tuple[dict[float, float], dict[float, float]]] = {}
    sides: tuple[dict[float, float], dict[float, float]] = ({}, {})
    waiting: list[dict[str, Any]] = []
    known, second = False, 0
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        stamp, _, text = line.partition(" ")
        if int(stamp) // 10**9 != second:
            if known:
                found[second + 1] = (sides[0].copy(), sides[1].copy())
            second = int(stamp) // 10**9
        message = json.loads(text)
        data = message.get("data", message)
        if "lastUpdateId" in data:
            known = True
            changes = [data, *(one for one in waiting if one["u"] >= data["lastUpdateId"])]
        elif data.get("e") == "depthUpdate":
            changes = [data] if known else []
            waiting.append(data)
        else:
            continue
        for change in changes:
            for side, names in zip(sides, (("bids", "b"), ("asks", "a")), strict=True):
                for price, size in change.get(names[0], change.get(names[1], [])):
                    side.pop(float(price), None)
                    if float(size):
                        side[float(price)] = float(size)
    return found


def test_recorded_books_replayed_into_features(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sample("binance/usdm_btcusdt_20240808.ws.gz")
    assert path.parent.parent == SAMPLES
    body = _answer(capsys, str(path), "--interval", "1s", "--levels", "10")
    assert (body["sound"], body["bars"], body["books"][0]["gaps"]) == (True, 344, 0)
    assert body["books"][0]["digest"].startswith("f2a360b508f2c29c")
    tape = HistoryStore(desk / "history").tape(["BTC-USDT"], "1s")
    values = _replayed(tape)
    plain = _plain_books(path)
    compared = 0
    for row in range(20, len(tape)):
        second = int(tape.ts[row]) // 10**9
        if second not in plain:
            continue  # the second before was silent
        bids, asks = plain[second]
        bid, ask = max(bids), min(asks)
        middle, sizes = (bid + ask) / 2, (bids[bid], asks[ask])
        depth = [
            sum(side[p] for p in prices[:10])
            for side, prices in ((bids, sorted(bids)[::-1]), (asks, sorted(asks)))
        ]
        leaning = (sizes[0] - sizes[1]) / sum(sizes)
        expected = [
            (ask - bid) / middle,
            2 * abs(float(tape.close[row, 0]) - middle) / middle,
            leaning,
            (depth[0] - depth[1]) / sum(depth),
            0.5 * leaning * (ask - bid) / middle,
            sum(sizes) / sum(depth),
        ]
        np.testing.assert_allclose(values[row, :6], expected, rtol=1e-9, atol=1e-15)
        compared += 1
    assert compared == 324
    flow, signed = values[20:, 6], values[20:, 7]
    assert np.isfinite(flow).all()
    assert np.isfinite(signed).all()
    assert np.abs(signed).max() <= 1.0
    returns = np.log(tape.close[20:, 0] / tape.close[:-20, 0])
    assert (
        np.corrcoef(flow, returns)[0, 1] > 0.5
    )  # the flow of the touch moves prices (Cont, Kukanov, Stoikov)
    assert np.nanmean(values[:, 0]) * 1e4 == pytest.approx(0.02308, rel=1e-3)
