"""Sums of the kernels against plain ones, and what is said without Numba."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.machine_code import machine_code
from tuiconsole.domain.rng import generator
from tuiconsole.features.catalogue import request
from tuiconsole.features.compiled import CompiledBank, Windows, observe_windows, slide
from tuiconsole.features.feature_set import FeatureSet

LENGTHS = (3, 7)


def windows(n_symbols: int) -> Windows:
    return (
        np.zeros((LENGTHS[-1], 2, n_symbols)),
        np.zeros((2, n_symbols)),
        np.zeros((len(LENGTHS), 2, n_symbols)),
        np.zeros((1, len(LENGTHS), n_symbols)),
        np.array(LENGTHS, dtype=np.int64),
        np.array([[True, True], [True, False]]),
    )


def test_sums_and_observations_of_every_window() -> None:
    rows = generator(1, "rows").normal(size=(40, 2, 4))
    rows[:, 0] = generator(1, "gaps").random((40, 4)) < 0.9
    of_windows = windows(4)
    _, row, sums, observed, _, _ = of_windows
    for bar in range(len(rows)):
        row[...] = rows[bar]
        slide(of_windows, bar)
        observe_windows(of_windows, bar + 1, 0, 0)
        for w, length in enumerate(LENGTHS):
            recent = rows[max(0, bar + 1 - length) : bar + 1].sum(axis=0)
            np.testing.assert_allclose(sums[w, 0], recent[0], atol=1e-12)
            np.testing.assert_allclose(sums[w, 1], recent[1] if w == 0 else 0.0, atol=1e-12)
            enough = (bar + 1 >= length) & (recent[0] >= np.ceil(0.8 * length)) & (rows[bar, 0] > 0.0)
            np.testing.assert_array_equal(observed[0, w], np.where(enough, recent[0], np.nan))


def test_without_numba_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    machine_code.cache_clear()
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(UsageError, match="numba"):
        FeatureSet(["skewness_60"], 3)
    machine_code.cache_clear()


def test_the_default_agents_need_no_numba() -> None:
    names = (
        "log_return_1",
        "zscore_20",
        "donchian_position_55",
        "rsi_14",
        "realised_volatility_20",
        "beta_60",
    )
    assert not any(issubclass(request(name).feature.bank, CompiledBank) for name in names)
