"""The whole standard list at once: what the conformance suite asks of one example per family."""

from __future__ import annotations

import numpy as np
import pytest

from tests.features.drive import Series, drive, other_market, random_walk, window_bars
from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.rng import generator
from tuiconsole.features.catalogue import listed, request

NAMES = listed()
BARS = 330
CHANGED = 262


@pytest.fixture(scope="module")
def series() -> Series:
    return random_walk(BARS)


@pytest.fixture(scope="module")
def whole(series: Series) -> np.ndarray:
    return drive(NAMES, series)


@pytest.fixture(scope="module")
def gapped(series: Series) -> Series:
    return series.without(generator(3, "gaps").random((BARS, 5)) < 0.05)


@pytest.fixture(scope="module")
def whole_gapped(gapped: Series) -> np.ndarray:
    return drive(NAMES, gapped)


def test_names_are_different_and_readable() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert tuple(request(name).name for name in NAMES) == NAMES


def test_the_first_values_come_exactly_when_the_catalogue_says(whole: np.ndarray) -> None:
    first = {name: int(np.isfinite(whole[:, row]).all(axis=1).argmax()) for row, name in enumerate(NAMES)}
    assert first == {name: window_bars(name) - 1 for name in NAMES}
    for row, name in enumerate(NAMES):
        assert np.isnan(whole[: first[name], row]).all(), name
        assert np.isfinite(whole[first[name] :, row]).all(), name


def test_the_future_moves_no_past_value(series: Series, whole: np.ndarray) -> None:
    after = drive(NAMES, series.only(slice(CHANGED)).followed_by(other_market(BARS - CHANGED)))
    np.testing.assert_array_equal(after[:CHANGED], whole[:CHANGED])
    blind = [
        name for row, name in enumerate(NAMES) if np.array_equal(after[CHANGED:, row], whole[CHANGED:, row])
    ]
    assert blind == [name for name in NAMES if "time" in request(name).feature.needs]


@pytest.mark.parametrize("cut", [4, 251])
def test_a_restart_continues_bit_for_bit(gapped: Series, whole_gapped: np.ndarray, cut: int) -> None:
    whole = whole_gapped
    np.testing.assert_array_equal(drive(NAMES, gapped, restart_after=cut), whole)
    assert not np.isinf(whole).any()
    assert np.isnan(whole[np.broadcast_to(np.isnan(gapped.close)[:, None], whole.shape)]).all()


def test_close_only_data_says_nothing_about_ranges_and_volume(series: Series, whole: np.ndarray) -> None:
    found = drive(NAMES, series.close_only())
    for row, name in enumerate(NAMES):
        if {"open", "high", "low", "volume", *QUOTE_FIELDS} & set(request(name).feature.needs):
            assert np.isnan(found[:, row]).all(), name
        else:
            np.testing.assert_array_equal(found[:, row], whole[:, row], err_msg=name)
