"""What every feature of the catalogue must do; a new entry inherits all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.drive import EXAMPLES, Series, drive, one, other_market, random_walk, window_bars
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS
from tuiconsole.domain.rng import generator
from tuiconsole.features.catalogue import request
from tuiconsole.features.contract import Bank
from tuiconsole.market.panel import INPUTS

BARS = 260
ACROSS_SYMBOLS = {
    "BreadthBank",
    "CrossSectionBank",
    "MarketBetaBank",
    "MarketModelBank",
    "PrincipalBank",
    "SectorBank",
}
"""Banks that sum over symbols, so that another order of symbols is another rounding."""
KNOWN_AHEAD = {name for name in EXAMPLES if "time" in request(name).feature.needs}
"""What the calendar says does not depend on what happens."""
SCALE_OF_UNIT = {
    "currency": lambda factor: factor,
    "per million of currency": lambda factor: 1.0 / factor,
}
"""How a value of that unit changes when all prices are multiplied; values of other units do not."""
ORDER = [3, 1, 4, 0, 2]
CUT = 200

every_feature = pytest.mark.parametrize("name", EXAMPLES)


def gaps(share: float = 0.05, seed: int = 3) -> np.ndarray:
    return generator(seed, "gaps").random((BARS, 5)) < share


def gone_at(rows: slice | int, symbol: int) -> np.ndarray:
    gone = np.zeros((BARS, 5), dtype=bool)
    gone[rows, symbol] = True
    return gone


STORIES: dict[str, Callable[[], Series]] = {
    "plain": lambda: random_walk(BARS),
    "gapped": lambda: random_walk(BARS).without(gaps()),
    "other future": lambda: random_walk(BARS).only(slice(CUT)).followed_by(other_market(BARS - CUT)),
    "one bar missing": lambda: random_walk(BARS).without(gone_at(150, 2)),
    "symbol 4 never seen": lambda: random_walk(BARS).without(gone_at(slice(None), 4)),
    "four symbols": lambda: random_walk(BARS).take(range(4)),
    "symbol 1 is late": lambda: random_walk(BARS).without(gone_at(slice(120), 1)),
    "gapped, in another order": lambda: random_walk(BARS).without(gaps()).take(ORDER),
    "gapped, in another currency": lambda: random_walk(BARS).without(gaps()).times(137.5),
    "close only": lambda: random_walk(BARS).close_only(),
    "neither macro nor sectors": lambda: replace(random_walk(BARS), macro=None, sectors=None),
}


@cache
def told(story: str) -> np.ndarray:
    """Values ``[n_bars, n_features, n_symbols]`` of all examples: every story is driven once."""
    return drive(EXAMPLES, STORIES[story]())


def of(name: str, story: str) -> np.ndarray:
    return told(story)[:, EXAMPLES.index(name)]


@every_feature
def test_the_first_value_comes_exactly_when_the_catalogue_says(name: str) -> None:
    values = of(name, "plain")
    first = window_bars(name) - 1
    assert np.isnan(values[:first]).all()
    assert np.isfinite(values[first:]).all()


@every_feature
def test_the_bank_declares_itself(name: str) -> None:
    wanted = request(name)
    bank = wanted.feature.bank([wanted], 3, 252.0)
    assert isinstance(bank, Bank)
    assert bank.names == (name,)
    assert bank.warmup_bars == wanted.window_bars
    assert bank.needs == frozenset(wanted.feature.needs) <= frozenset(INPUTS)
    assert bank.values.shape == (1, 3)
    assert np.isnan(bank.values).all()


@every_feature
def test_the_future_moves_no_past_value(name: str) -> None:
    before, after = of(name, "plain"), of(name, "other future")
    np.testing.assert_array_equal(after[:CUT], before[:CUT])
    assert np.array_equal(after[CUT:], before[CUT:], equal_nan=True) is (name in KNOWN_AHEAD)


@every_feature
def test_a_missing_bar_has_no_value_and_the_others_go_on(name: str) -> None:
    values = of(name, "one bar missing")
    assert np.isnan(values[150, 2])
    assert np.isfinite(values[150, [0, 1, 3, 4]]).all()
    assert np.isfinite(values[-1]).all()


@every_feature
def test_a_symbol_never_seen_is_nan_and_hurts_no_other(name: str) -> None:
    values = of(name, "symbol 4 never seen")
    assert np.isnan(values[:, 4]).all()
    np.testing.assert_allclose(values[:, :4], of(name, "four symbols"), rtol=1e-12, atol=1e-14)


@every_feature
def test_a_late_symbol_catches_up(name: str) -> None:
    values = of(name, "symbol 1 is late")
    assert np.isnan(values[:120, 1]).all()
    assert np.isfinite(values[120 + window_bars(name) :, 1]).all()


@every_feature
def test_symbols_are_treated_alike(name: str) -> None:
    expected, actual = of(name, "gapped")[:, ORDER], of(name, "gapped, in another order")
    if request(name).feature.bank.__name__ in ACROSS_SYMBOLS:
        np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    else:
        np.testing.assert_array_equal(actual, expected)


@every_feature
def test_prices_in_another_currency_change_nothing_but_the_unit(name: str) -> None:
    factor = SCALE_OF_UNIT.get(request(name).feature.unit, lambda factor: 1.0)(137.5)
    expected = factor * of(name, "gapped")
    atol = 1e-11 * max(1.0, float(np.nanmax(np.abs(expected))))
    np.testing.assert_allclose(of(name, "gapped, in another currency"), expected, rtol=1e-8, atol=atol)


@every_feature
def test_ranges_volume_and_quotes_are_never_invented(name: str) -> None:
    if {"open", "high", "low", "volume", *QUOTE_FIELDS} & set(request(name).feature.needs):
        assert np.isnan(of(name, "close only")).all()
    else:
        np.testing.assert_array_equal(of(name, "close only"), of(name, "plain"))


@every_feature
def test_macro_series_and_sectors_are_never_invented(name: str) -> None:
    values = of(name, "neither macro nor sectors")
    if {*MACRO_SERIES, "sector"} & set(request(name).feature.needs):
        assert np.isnan(values).all()
    else:
        np.testing.assert_array_equal(values, of(name, "plain"))


def test_a_row_is_the_same_in_the_company_of_others_of_its_family() -> None:
    wanted = [request(name) for name in EXAMPLES]
    names = [
        "_".join((each.feature.family, *(str(p + extra) for p in each.parameters)))
        for each in wanted
        for extra in (30, 0, 1, 9)
    ]
    company = drive(names, STORIES["gapped"]())[:, 1::4]
    for row, name in enumerate(EXAMPLES):
        np.testing.assert_allclose(company[:, row], of(name, "gapped"), rtol=1e-9, atol=1e-12, err_msg=name)


@every_feature
def test_a_row_is_the_same_alone(name: str) -> None:
    np.testing.assert_allclose(one(name, STORIES["gapped"]()), of(name, "gapped"), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cut", [0, 13, 61, 119, 200])
def test_a_restart_continues_bit_for_bit(cut: int) -> None:
    again = drive(EXAMPLES, STORIES["gapped"](), restart_after=cut)
    for row, name in enumerate(EXAMPLES):
        np.testing.assert_array_equal(again[:, row], of(name, "gapped"), err_msg=name)


@settings(max_examples=4, deadline=None)
@given(cut=st.integers(0, 150), seed=st.integers(0, 2**16), share=st.floats(0.0, 0.3))
def test_all_features_together_restart_anywhere_under_any_gaps(cut: int, seed: int, share: float) -> None:
    series = random_walk(160, seed=seed)
    series = series.without(generator(seed, "gaps").random((160, 5)) < share)
    whole = drive(EXAMPLES, series)
    np.testing.assert_array_equal(drive(EXAMPLES, series, restart_after=cut), whole)
    assert not np.isinf(whole).any()
    assert np.isnan(whole[np.broadcast_to(np.isnan(series.close)[:, None], whole.shape)]).all()


def test_a_price_that_stands_still_raises_no_alarm() -> None:
    series = random_walk(BARS)
    for field in (series.open, series.high, series.low, series.close):
        field[:, 0] = 50.0
    values = dict(zip(EXAMPLES, drive(EXAMPLES, series)[-1, :, 0], strict=True))
    undefined = {name for name, value in values.items() if np.isnan(value)}
    assert undefined == {name for name in EXAMPLES if "stood still" in request(name).feature.formula}
    assert values["rolling_mean_20"] == 50.0
    assert values["rolling_std_20"] == values["realised_volatility_20"] == values["atr_14"] == 0.0
