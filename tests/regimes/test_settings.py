from __future__ import annotations

from typing import Any

import pytest

from tuiconsole.domain.errors import ConfigError
from tuiconsole.regimes.logistic import logistic
from tuiconsole.regimes.settings import RegimeSettings


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (
            {"volatility_low_level": 0.4},
            "volatility_low_level is 0.4, expected a value below volatility_high_level",
        ),
        ({"history_low_rank": 0.8}, "history_low_rank is 0.8, expected a value below history_high_rank"),
        ({"history_bars": 100}, "history_minimum_bars is 252, expected at most history_bars"),
        ({"trend_span_bars": 16}, "trend_span_bars is 16, expected at most a quarter"),
    ],
)
def test_levels_that_contradict_each_other_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        RegimeSettings(**wrong)


def test_the_logistic_function_never_overflows() -> None:
    assert logistic(-1e6) == 0.0
    assert logistic(1e6) == 1.0
    assert logistic(2.0) + logistic(-2.0) == pytest.approx(1.0)
