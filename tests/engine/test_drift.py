"""Drift of features: the stretches compared, what is told when, and the same values as the desk's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engine.rig import market
from tuiconsole.analytics.drift import Drift
from tuiconsole.domain.rng import generator
from tuiconsole.engine.drift import DriftWatch, FeatureDrift, comparable, sentence, stretches
from tuiconsole.engine.market_side import MarketSide
from tuiconsole.engine.settings import DriftSettings
from tuiconsole.market.defence import Defence
from tuiconsole.market.settings import DefenceSettings
from tuiconsole.market.tape import Tape
from tuiconsole.regimes.settings import RegimeSettings

NAMES = ("log_return_1", "realised_volatility_20", "ema_20", "zscore_20")


def drift(tape: Tape) -> FeatureDrift:
    return FeatureDrift(tape, NAMES, DefenceSettings(), RegimeSettings(), 252.0)


def wilder_after(bar: int, times: float) -> Tape:
    """A market whose returns are ``times`` as large from ``bar`` on."""
    tape = market(900, seed=8)
    returns = generator(2, "drift market").normal(0.0, 0.01, tape.close.shape)
    returns[bar:] *= times
    return replace(tape, close=50.0 * np.exp(np.cumsum(returns, axis=0)))


def test_what_is_measured_in_currency_is_left_out() -> None:
    assert comparable([*NAMES, "zscore_20"]) == ("log_return_1", "realised_volatility_20", "zscore_20")


def test_the_values_are_those_of_the_desk() -> None:
    tape = market(120)
    found = drift(tape).values(60, 90)
    side = MarketSide(tape.universe, comparable(NAMES), RegimeSettings(), 252.0)
    defence = Defence(len(tape.universe), DefenceSettings())
    wanted = []
    for i in range(90):
        seen = side.observe(defence.screen(tape.bars(i)))
        if i >= 60:
            wanted.append(seen.features.copy())
    np.testing.assert_allclose(found, np.array(wanted), rtol=1e-9)


def test_stretches_never_overlap_and_stay_on_the_tape() -> None:
    settings = DriftSettings(reference_bars=100, live_bars=50)
    assert stretches(settings, 300, 800) == stretches(settings, 300, 800)
    found = stretches(settings, 300, 320)
    assert (found.reference, found.live) == ((200, 300), (300, 320))
    assert stretches(settings, 40, 800).reference == (0, 40)


@pytest.mark.parametrize(("times", "flagged"), [(1.0, False), (2.5, True)])
def test_a_wilder_market_is_flagged_and_the_same_one_is_not(times: float, flagged: bool) -> None:
    tape = wilder_after(450, times)
    settings = DriftSettings(reference_bars=400, live_bars=400)
    found = {each.name: each for each in drift(tape).compare(stretches(settings, 450, 900))}
    assert found["log_return_1"].flagged is flagged
    assert (found["realised_volatility_20"].psi > 3.0) is flagged
    assert all(each.reference > 2_000 and each.live > 2_000 for each in found.values())


def test_the_watch_tells_once_until_the_feature_came_back() -> None:
    tape = wilder_after(600, 3.0)
    settings = DriftSettings(reference_bars=300, live_bars=100, every_bars=50)
    watch = DriftWatch(drift(tape), settings, 400)
    due = [cursor for cursor in range(400, 900) if watch.due(cursor)]
    assert due == list(range(450, 900, 50))
    told = {cursor: {each.name for each in watch.check(cursor)} for cursor in due}
    assert "log_return_1" in told[650] | told[700]
    assert sum("log_return_1" in names for names in told.values()) == 1
    assert {each.name for each in watch.last if each.flagged} >= {"log_return_1", "realised_volatility_20"}


def test_a_watch_can_be_switched_off() -> None:
    watch = DriftWatch(drift(market(120)), DriftSettings(every_bars=0), 60)
    assert not any(watch.due(cursor) for cursor in range(60, 120))


def test_the_sentence_names_the_worst_three() -> None:
    fresh = [Drift(f"f{i}", 0.3 + i, 0.2, 500, 500) for i in range(5)]
    assert sentence(fresh, 252) == (
        "Features no longer look like those before the start: f4 (PSI 4.30, KS 0.20), f3 (PSI 3.30, KS 0.20), "
        "f2 (PSI 2.30, KS 0.20) and 2 more, over the last 252 bars. Forecasts that read them were judged on another market."
    )
