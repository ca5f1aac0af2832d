"""The watch over volume: a feed that counts more venues is told of once; surges and quiet markets are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.rig import market
from tuiconsole.domain.rng import generator
from tuiconsole.engine.volume_watch import VolumeWatch
from tuiconsole.market.tabular import read_tape
from tuiconsole.market.tape import Tape

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "us_1min.parquet"


def traded(times: float, from_bar: int, until: int = 10_000) -> Tape:
    """A market whose first symbol trades ``times`` as much from one bar on, until another."""
    tape = market(200)
    volume = 1e6 * np.exp(generator(4, "volume").normal(0.0, 0.3, tape.close.shape))
    volume[from_bar:until, 0] *= times
    return replace(tape, volume=volume)


def test_a_lasting_change_is_told_once_and_named() -> None:
    watch = VolumeWatch(traded(30.0, 120), 10)
    told = {cursor: watch.tell(cursor) for cursor in range(60, 200) if watch.due(cursor)}
    spoken = {cursor: text for cursor, text in told.items() if text}
    assert list(spoken) == [130]
    assert "AAA ×" in spoken[130]
    assert "BBB" not in spoken[130]
    assert watch.shifts(199)["AAA"].ratio == pytest.approx(30.0, rel=0.3)


def test_a_surge_and_a_market_without_volume_say_nothing() -> None:
    surge = VolumeWatch(traded(30.0, 120, 123), 1)
    assert not any(surge.tell(cursor) for cursor in range(100, 200))
    assert VolumeWatch(market(200), 1).tell(150) == ""
    assert not VolumeWatch(market(200), 0).due(100)


def test_the_change_of_feed_in_real_minutes() -> None:
    if not SHARED.exists():
        pytest.skip(f"the shared minute bars are not at {SHARED}")
    tape = read_tape(SHARED, "UTC", 60)
    text = VolumeWatch(tape, 1).tell(len(tape))
    assert "from 2026-01-22 on" in text
    assert "SPY ×" in text or "more" in text
