"""SIGKILL at any moment loses nothing: the restarted engine ends where an undisturbed one ends."""

from __future__ import annotations

import sqlite3

import pytest

from tests.system import rig
from tests.system.rig import SystemDesk
from tuiconsole.domain.rng import generator

pytestmark = pytest.mark.system

KILLS = 5


def test_sigkill_at_random_moments(desk: SystemDesk, whole: rig.Whole) -> None:
    moments = generator(11, "sigkill").integers(3, 50, KILLS).tolist()
    rows = 0
    for bars in moments:
        engine = desk.engine(0, "--every-bar")
        engine.wait_for(rig.bars_seen(bars), f"{bars} bars")
        engine.kill()
        store = sqlite3.connect(f"file:{desk.state}?mode=ro", uri=True)
        kept = store.execute("SELECT max(seq) FROM journal").fetchone()[0]
        sound = store.execute("PRAGMA integrity_check").fetchone()[0]
        store.close()
        assert sound == "ok"
        assert kept > rows, "what was journalled before stays"
        rows = kept
    engine = desk.engine(0)
    recovered = engine.wait_event("recovered")
    assert recovered["rows"] == rows
    engine.wait_event("end of tape")
    assert desk.status()["equity"] == whole.equity
    stopped = engine.terminate()
    assert (stopped["rows"], stopped["head"]) == (whole.rows, whole.head)
    verified = desk.verified()
    assert (verified["rows"], verified["head"]) == (whole.rows, whole.head)
    store = sqlite3.connect(f"file:{desk.state}?mode=ro", uri=True)
    orders = store.execute("SELECT number, symbol, quantity FROM orders ORDER BY number").fetchall()
    fills = store.execute("SELECT count(*), count(DISTINCT execution) FROM fills").fetchone()
    store.close()
    assert orders == whole.orders, "no order twice, none lost"
    assert fills[0] == fills[1]


def test_sigkill_while_starting(desk: SystemDesk, whole: rig.Whole) -> None:
    """A start that dies half way leaves nothing that keeps the next one from trading."""
    for event in ("started", "ready"):
        engine = desk.engine(0, ready=False)
        engine.wait_event(event)
        engine.kill()
    engine = desk.engine(0)
    engine.wait_event("end of tape")
    assert engine.terminate()["head"] == whole.head
