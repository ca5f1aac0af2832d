from __future__ import annotations

import numpy as np

from tuiconsole.features.seeded_average import SeededAverage

HERE = np.array([True])


def test_the_seed_is_the_simple_mean_and_then_the_weight_acts() -> None:
    average = SeededAverage([3], [0.5], 1, 1)
    seen = []
    for value in (1.0, 2.0, 6.0, 7.0):
        average.update(np.array([[value]]), HERE)
        seen.append((float(average.average[0, 0, 0]), bool(average.seeded[0, 0])))
    assert seen[2:] == [(3.0, True), (5.0, True)]
    assert [ready for _, ready in seen] == [False, False, True, True]


def test_a_missing_observation_is_held_over_before_and_after_the_seed() -> None:
    average = SeededAverage([2], [0.5], 1, 1)
    missing = (np.array([[np.nan]]), np.array([False]))
    for step in (missing, (np.array([[4.0]]), HERE), missing, (np.array([[6.0]]), HERE), missing):
        average.update(*step)
    assert average.average[0, 0, 0] == 5.0
    average.update(np.array([[9.0]]), HERE)
    assert average.average[0, 0, 0] == 7.0


def test_a_late_symbol_seeds_beside_a_ripe_one() -> None:
    average = SeededAverage([2, 4], [0.5, 0.25], 1, 2)
    for bar in range(12):
        average.update(np.array([[10.0, 1.0 + bar]]), np.array([True, bar >= 6]))
    assert average.seeded.all()
    assert average.average[:, 0, 0].tolist() == [10.0, 10.0]
    late = np.arange(7.0, 13.0)
    fast = late[:2].mean()
    for value in late[2:]:
        fast += 0.5 * (value - fast)
    assert average.average[0, 0, 1] == fast
