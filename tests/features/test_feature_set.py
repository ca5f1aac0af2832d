from __future__ import annotations

import numpy as np
import pytest

from tests.features.drive import EXAMPLES, drive, one, random_walk
from tuiconsole.domain.errors import StoreBindingError, UsageError
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel


def test_rows_come_in_the_order_of_the_names() -> None:
    names = ["rsi_14", "ema_20", "rsi_5", "momentum_60_5", "rsi_14", "ema_3", "log_return_1"]
    series = random_walk(90)
    together = drive(names, series)
    for row, name in enumerate(names):
        np.testing.assert_array_equal(together[:, row], one(name, series))


def test_every_bank_is_built_once() -> None:
    features = FeatureSet(["rsi_14", "zscore_20", "rsi_5", "rolling_mean_20", "rolling_std_50", "rsi_14"], 3)
    assert [type(bank).__name__ for bank in features.banks] == ["RsiBank", "RollingMomentsBank"]
    assert features.banks[0].names == ("rsi_14", "rsi_5")


def test_the_panel_window_is_enough_for_all() -> None:
    assert FeatureSet(["momentum_60_5", "rsi_14"], 2).panel_window == 61
    assert FeatureSet(["momentum_252_21"], 2).panel_window == 253
    assert FeatureSet(["ema_200"], 2).panel_window == 1
    assert FeatureSet(["ema_200", "rsi_14"], 2).warmup_bars == 200


def test_values_are_one_array_for_ever() -> None:
    series = random_walk(40)
    features = FeatureSet(["log_return_1", "ema_5"], 5)
    panel = Panel(5, features.panel_window)
    values = features.values
    for row in range(40):
        panel.push(series.bar(row))
        features.update(panel)
        assert features.values is values
    assert np.isfinite(values).all()


def test_no_features_at_all() -> None:
    features = FeatureSet([], 4)
    panel = Panel(4, features.panel_window)
    panel.push(random_walk(1, n_symbols=4).bar(0))
    features.update(panel)
    assert features.values.shape == (0, 4)
    assert features.warmup_bars == 0
    features.restore(features.state())


def test_bars_per_year_scales_annual_figures() -> None:
    series = random_walk(40)
    found = []
    for bars_per_year in (252.0, 1008.0):
        features = FeatureSet(["realised_volatility_20", "residual_volatility_20"], 5, bars_per_year)
        panel = Panel(5, features.panel_window)
        for row in range(40):
            panel.push(series.bar(row))
            features.update(panel)
        found.append(features.values.copy())
    np.testing.assert_allclose(found[1], 2.0 * found[0], rtol=1e-12)


def test_state_of_other_features_is_refused() -> None:
    saved = FeatureSet(["rsi_14"], 2).state()
    with pytest.raises(StoreBindingError, match="other features"):
        FeatureSet(["rsi_15"], 2).restore(saved)


def test_state_is_a_copy() -> None:
    series = random_walk(60)
    features = FeatureSet(EXAMPLES, 5)
    panel = Panel(5, features.panel_window)
    panel.push(series.bar(0))
    features.update(panel)
    saved = features.state()
    for row in range(1, 60):
        panel.push(series.bar(row))
        features.update(panel)
    assert np.isnan(saved["values"][EXAMPLES.index("ema_20")]).all()
    assert saved["banks"]["RsiBank"]["average"]["count"].max() == 0


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(UsageError, match="zscore"):
        FeatureSet(["zscor_20"], 2)
