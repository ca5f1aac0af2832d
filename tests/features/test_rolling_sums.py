from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.rng import generator
from tuiconsole.features.rolling_sums import RollingSums, observe


@settings(max_examples=25, deadline=None)
@given(
    windows=st.lists(st.integers(1, 17), min_size=1, max_size=4, unique=True).map(sorted),
    bars=st.integers(1, 70),
)
def test_sums_are_those_of_the_last_rows(windows: list[int], bars: int) -> None:
    rows = generator(1, "sums").normal(size=(bars, 2, 3))
    rolling = RollingSums(windows, 2, 3)
    for row in rows:
        rolling.push(row)
    for index, window in enumerate(windows):
        np.testing.assert_allclose(rolling.sums[index], rows[-window:].sum(axis=0), rtol=1e-9, atol=1e-12)


def test_rounding_does_not_outlive_a_window() -> None:
    rolling = RollingSums([10], 1, 1)
    rolling.push(np.array([[1e17]]))
    for _ in range(19):
        rolling.push(np.array([[0.1]]))
    assert rolling.sums[0, 0, 0] == np.sum(np.full(10, 0.1))


def test_a_long_stream_does_not_drift() -> None:
    rows = generator(2, "drift").normal(size=(20_000, 1, 1)) * 1e6
    rolling = RollingSums([7, 50], 1, 1)
    for row in rows:
        rolling.push(row)
    for index, window in enumerate((7, 50)):
        assert abs(rolling.sums[index, 0, 0] - rows[-window:].sum()) < 1e-8


def test_loaded_rows_leave_in_time() -> None:
    rolling = RollingSums([3, 5], 1, 1)
    for value in range(7):
        rolling.push(np.array([[float(value)]]))
    rolling.load(np.arange(10.0, 15.0).reshape(5, 1, 1))
    assert rolling.sums[:, 0, 0].tolist() == [39.0, 60.0]
    rolling.push(np.array([[1.0]]))
    assert rolling.sums[:, 0, 0].tolist() == [28.0, 51.0]


def test_observations_need_a_full_window_eighty_percent_and_the_newest_bar() -> None:
    rolling = RollingSums([10], 1, 3)
    history = np.ones((10, 1, 3))
    history[:2, 0, 1] = 0.0  # 8 of 10: enough
    history[:3, 0, 2] = 0.0  # 7 of 10: too few
    present = np.array([True, True, True])
    for row in history[:9]:
        rolling.push(row)
    assert np.isnan(rolling.observations(present)).all()
    rolling.push(history[9])
    np.testing.assert_array_equal(rolling.observations(present)[0], [10.0, 8.0, np.nan])
    np.testing.assert_array_equal(
        rolling.observations(np.array([False, True, True]))[0], [np.nan, 8.0, np.nan]
    )


def test_observe_marks_and_fills() -> None:
    presence, value = np.empty(3), np.empty(3)
    present = observe(np.array([2.0, np.nan, -1.0]), presence, value)
    assert present.tolist() == [True, False, True]
    assert presence.tolist() == [1.0, 0.0, 1.0]
    assert value.tolist() == [2.0, 0.0, -1.0]


def test_windows_stay_silent_until_enough_of_them_is_there_after_a_long_gap() -> None:
    rolling = RollingSums([4, 10], 1, 1)
    seen = [True] * 12 + [False] * 6 + [True] * 12
    for count, here in enumerate(seen, 1):
        present = np.array([here])
        rolling.push(present[None].astype(float))
        found = rolling.observations(present)[:, 0]
        for window, value in zip((4, 10), found, strict=True):
            number = sum(seen[max(0, count - window) : count])
            speaks = here and count >= window and number >= 0.8 * window
            assert value == number if speaks else np.isnan(value)
