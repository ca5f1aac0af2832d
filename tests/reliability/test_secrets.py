"""Keys in the environment show up in no file, answer, log or traceback of the desk."""

from __future__ import annotations

import signal

import pytest

from tests.system.rig import SystemDesk
from tuiconsole.market.providers.key_source import ALPACA_ID, ALPACA_SECRET, ALPHA_VANTAGE_ONE

pytestmark = pytest.mark.system
CANARY = "canary-7f3a91"


def test_a_canary_shows_up_nowhere(desk: SystemDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ALPACA_ID, ALPACA_SECRET, ALPHA_VANTAGE_ONE):
        monkeypatch.setenv(name, CANARY)
    log = desk.home / "engine.log"
    engine = desk.engine(0, "--every-bar", "--log", str(log))
    said = [
        desk.run(verb, *more) for verb, *more in (("status", "--json"), ("doctor", "--json"), ("why", "1"))
    ]
    said.append(desk.run("data", "info", "--debug"))
    said.append(desk.run("backup", str(desk.home / "copy")))
    said.append(desk.run("kill", "--json"))
    engine.signal(signal.SIGTERM)
    assert engine.wait() == 0
    for ran in said:
        assert CANARY not in ran.out + ran.err
    files = [path for path in desk.home.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    assert log in files
