from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.rng import generator
from tuiconsole.features.rolling_extremes import RollingExtremes


@settings(max_examples=30, deadline=None)
@given(
    windows=st.lists(st.integers(1, 13), min_size=1, max_size=4, unique=True).map(sorted),
    bars=st.integers(1, 60),
    restart=st.integers(0, 59),
)
def test_maxima_and_their_ages_are_those_of_the_last_rows(
    windows: list[int], bars: int, restart: int
) -> None:
    rng = generator(4, "extremes")
    rows = rng.integers(0, 6, (bars, 2, 3)).astype(float)  # few values: many ties
    rows[rng.random(rows.shape) < 0.2] = -np.inf
    rolling = RollingExtremes(windows, 2, 3, ages=True)
    for count, row in enumerate(rows, 1):
        rolling.push(row)
        if count == restart:
            saved = rolling.state()
            rolling = RollingExtremes(windows, 2, 3, ages=True)
            rolling.restore(saved)
            continue
        since = rolling.bars_since()
        for index, window in enumerate(windows):
            recent = rows[max(0, count - window) : count]
            np.testing.assert_array_equal(rolling.maxima[index], recent.max(axis=0))
            age = recent[::-1].argmax(axis=0)
            known = np.isfinite(recent.max(axis=0))
            np.testing.assert_array_equal(since[index][known], age[known])
