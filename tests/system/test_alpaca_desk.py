"""A real engine trades with a local Alpaca: SIGKILL amid fills, a stream that hangs up, a kill, keys that stay secret."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.engine import rig as core
from tests.execution.brokers.alpaca_server import KEY, SECRET, AlpacaServer, alpaca, wait_for
from tests.market.live.yahoo_server import SECOND, YahooServer
from tests.system import rig
from tests.system.paper_engine import FastClock
from tests.system.rig import SystemDesk
from tests.system.test_paper import CONFIG, EVENT, SPEED, PaperDesk
from tuiconsole.market.live.schedule import load_schedule
from tuiconsole.market.providers.key_source import ALPACA_ID, ALPACA_SECRET

pytestmark = pytest.mark.system
BROKER = """
[broker]
name = "alpaca"
pause_after_s = 0
[alpaca]
url = "{url}"
stream_url = "{stream}"
timeout_s = 5
requests_per_minute = 100000
"""


@pytest.fixture
def server() -> Iterator[AlpacaServer]:
    pytest.importorskip("alpaca", reason="needs the extra: tuiconsole[feeds]")
    with alpaca() as made:
        ended = threading.Event()

        def trading() -> None:
            while not ended.wait(0.05):
                made.trade(part=Decimal(20))

        market = threading.Thread(target=trading, daemon=True)
        market.start()
        yield made
        ended.set()
        market.join()


@pytest.fixture
def desk(tmp_path: Path, server: AlpacaServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperDesk]:
    pytest.importorskip("yfinance", reason="needs the extra: tuiconsole[feeds]")
    runtime = Path(tempfile.mkdtemp(prefix="tc-"))
    system = SystemDesk(tmp_path, core.market(2), runtime, tmp_path / "config.toml", tmp_path / "none")
    monkeypatch.setenv(ALPACA_ID, KEY)
    monkeypatch.setenv(ALPACA_SECRET, SECRET)
    wall = time.time_ns()
    clock = FastClock(wall, EVENT, SPEED)
    prices = YahooServer(load_schedule("24/7", 60, EVENT), lambda: clock.now_ns() / SECOND)
    made = PaperDesk(system, prices, wall)
    text = CONFIG.format(feed="live", url=prices.url) + BROKER.format(
        url=server.url, stream=server.stream_url
    )
    system.config.write_text(text, encoding="utf-8")
    yield made
    system.close()
    prices.close()
    shutil.rmtree(runtime, ignore_errors=True)


def held(server: AlpacaServer) -> dict[str, float]:
    return {name: float(quantity) for name, quantity in server.held.items() if quantity}


def believed(desk: PaperDesk) -> tuple[dict[str, Any], dict[str, float]]:
    status = desk.desk.status()
    return status, {row["symbol"]: row["quantity"] for row in status["positions"]}


def test_an_engine_trades_with_alpaca_and_loses_nothing(desk: PaperDesk, server: AlpacaServer) -> None:
    engine = desk.engine()
    wait_for(lambda: len(server.activities) > 2, 60.0)
    status, _ = believed(desk)
    assert (status["mode"], status["broker"], status["account"]) == ("paper", "alpaca", "…345")
    server.hang_up()
    seen = len(server.orders)
    wait_for(lambda: len(server.orders) > seen, 150.0)
    engine.kill()
    server.trade()
    engine = desk.engine()
    engine.wait_for(rig.bars_seen(3), "3 bars")
    wait_for(lambda: believed(desk)[1] == held(server), 30.0)
    ids = [order["client_order_id"] for order in server.orders.values()]
    assert len(set(ids)) == len(ids)
    killed = desk.desk.run("kill", "--json")
    assert killed.body["flat"], killed.out
    assert held(server) == {}
    if killed.body["path"] == "engine":  # a machine under load may let the stop from outside be first
        wait_for(lambda: believed(desk)[1] == {}, 30.0)
        before = len(server.calls("POST"))
        engine.wait_for(rig.bars_seen(6), "6 bars")
        assert len(server.calls("POST")) == before
        engine.terminate()
    verified = desk.desk.verified()
    assert verified["replayed"] == verified["rows"]
    compared = desk.desk.run("parity", "--json")
    assert compared.body["bars"] > 0, compared.out
    files = [path for path in desk.desk.home.rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_hung_engine_is_killed_from_outside_and_alpaca_is_flat(
    desk: PaperDesk, server: AlpacaServer
) -> None:
    engine = desk.engine()
    wait_for(lambda: bool(held(server)), 60.0)
    engine.kill()
    killed = desk.desk.run("kill", "--json")
    assert (killed.body["path"], killed.body["latched"], killed.body["flat"]) == ("direct", True, True), (
        killed.out
    )
    assert held(server) == {}


def test_real_money_needs_limits_and_the_accounts_number(desk: PaperDesk, server: AlpacaServer) -> None:
    config = desk.desk.config
    refused = desk.desk.run("live", "--broker", "alpaca", "--headless", "--confirm", "LIVE account 1")
    assert refused.code == 2
    assert "limits of your own" in refused.err
    config.write_text(config.read_text() + "[risk]\ndrawdown = 0.05\n", encoding="utf-8")
    wrong = desk.desk.run("live", "--broker", "alpaca", "--headless", "--confirm", "LIVE account 1")
    assert wrong.code == 1
    assert "not confirmed for the account …345" in wrong.err
    server.account["equity"] = "5000"
    poor = desk.desk.run("live", "--broker", "alpaca", "--headless", "--confirm", "LIVE account PA012345")
    assert poor.code == 1
    assert "counts with 100,000.00, but the account …345 holds 5,000.00" in poor.err
    assert server.orders == {}
