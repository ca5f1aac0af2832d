"""A captured run holds the engine's figures, and its fills add up to its equity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.engine import rig as core
from tests.research import rig
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.analytics.trades import round_trips
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.market.tape import Tape
from tuiconsole.research.capture import buy_and_hold, held_by


def test_the_fills_of_a_run_add_up_to_its_cash() -> None:
    made = rig.run("mine")
    fills, track = made.fills, made.track
    paid = float(fills.quantity @ fills.price + fills.fee.sum())
    assert made.capital - paid == pytest.approx(track.cash[-1], abs=1e-6)
    parts = fills.costs["commission_fixed"] + fills.costs["commission_proportional"]
    np.testing.assert_allclose(parts, fills.fee, rtol=1e-12)
    trips = round_trips(fills)
    assert float(trips.profit.sum() + trips.fees.sum()) == pytest.approx(
        float(fills.realised.sum()), abs=1e-6
    )
    assert len(trips) > 10
    assert len(fills) == made.outcome.fills
    assert made.curve.sample is Sample.IN
    assert math.prod((1 + made.curve.returns).tolist()) == pytest.approx(track.equity[-1] / made.capital)
    assert (made.provenance.tape, made.symbols) == ("TEST-6", core.SYMBOLS)
    assert made.provenance.made == "2023-11-14T22:13:20Z"
    assert made.provenance.settings["risk"]["cool_down_bars"] == made.outcome.cool_down_bars


def test_buy_and_hold_by_hand() -> None:
    close = np.array(
        [[np.nan, 1.0, 1.0], [2.0, 10.0, np.nan], [3.0, 20.0, 4.0], [4.0, np.nan, 8.0], [4.0, 30.0, 8.0]]
    )
    tape = Tape("T", "t", Universe.of(["A", "B", "C"]), np.arange(5) + 1, close)
    found = buy_and_hold(tape, 1, 4, 100.0, held_by(tape, 1, 4))
    assert found is not None
    assert found.tolist() == [100.0, 50 * 1.5 + 50 * 2, 50 * 2 + 50 * 2, 50 * 2 + 50 * 3]
    assert buy_and_hold(tape, 1, 0, 100.0, held_by(tape, 1, 0)) is None
    none = Tape("T", "t", Universe.of(["A"]), np.arange(2) + 1, np.full((2, 1), np.nan))
    assert buy_and_hold(none, 0, 2, 100.0, held_by(none, 0, 2)) is None


def test_in_sample_and_out_of_sample_never_share_a_line() -> None:
    seen = Curve(Sample.IN, np.array([1, 2]), np.array([0.1, 0.2]))
    unseen = Curve(Sample.OUT, np.array([3]), np.array([0.3]))
    with pytest.raises(UsageError, match="never share a line"):
        seen.then(unseen)
    with pytest.raises(UsageError, match="never share a line"):
        unseen.then(seen)
    joined = unseen.then(Curve(Sample.OUT, np.array([4]), np.array([0.4])))
    assert (joined.sample, joined.returns.tolist(), len(joined)) == (Sample.OUT, [0.3, 0.4], 2)
    with pytest.raises(ValueError, match="must increase"):
        seen.then(seen)
    with pytest.raises(ValueError, match="1 returns"):
        Curve(Sample.IN, np.array([1, 2]), np.array([0.1]))
