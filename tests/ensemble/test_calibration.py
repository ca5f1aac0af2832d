from __future__ import annotations

import numpy as np
import pytest

from tests.ensemble.rig import Maker, run
from tuiconsole.ensemble.calibration import slopes
from tuiconsole.ensemble.errors import AGREEMENT, FORECAST, N_MOMENTS
from tuiconsole.ensemble.settings import EnsembleSettings

SETTINGS = EnsembleSettings()


def test_without_evidence_agents_are_believed() -> None:
    assert slopes(np.zeros((N_MOMENTS, 3)), np.array([1.0, 5.0, 20.0]), 50, SETTINGS).tolist() == [1.0] * 3


def test_boasters_are_cut_and_the_modest_raised() -> None:
    makers = [
        Maker(0.1, 0.1, 1),
        Maker(0.1, 0.3, 1),
        Maker(0.1, 0.06, 1),
        Maker(0.0, 0.2, 1),
        Maker(-0.1, 0.2, 1),
    ]
    *_, (_, state) = run(makers, 3000, 100, settings=EnsembleSettings(half_life_bars=5000))
    found = slopes(state["moments"], np.ones(5), 100, SETTINGS)
    np.testing.assert_allclose(found[:2], [1.0, 1.0 / 3.0], atol=0.1)
    assert found[2] > 1.3
    assert found[3] < 0.1
    assert found[4] == 0.0


def test_by_hand_and_within_bounds() -> None:
    moments = np.zeros((N_MOMENTS, 3))
    moments[AGREEMENT], moments[FORECAST] = [1.0, -50.0, 500.0], [4.0, 4.0, 4.0]
    found = slopes(moments, np.array([2.0, 2.0, 2.0]), 16, SETTINGS)
    assert found.tolist() == pytest.approx([(4 + 2) / (4 + 8), 0.0, 2.0])
