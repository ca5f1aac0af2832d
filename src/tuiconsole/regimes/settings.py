"""Settings of the regimes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from tuiconsole.domain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RegimeSettings:
    """When the market counts as calm or wild, and when as trending.

    Raises
    ------
    ConfigError
        When a low level is not below its high level, or a span does not fit into its window.
    """

    volatility_half_life_bars: Annotated[float, Interval(ge=1, le=1000)] = 20.0
    """Half-life of the exponentially weighted market variance, in bars."""

    volatility_warmup_bars: Annotated[int, Interval(ge=2, le=1000)] = 20
    """Bars before the volatility regime says anything but one third each."""

    volatility_low_level: Annotated[float, Interval(gt=0, le=5)] = 0.15
    """Annualised volatility of the market below which it is low, whatever its history (0.15 = 15 %)."""

    volatility_high_level: Annotated[float, Interval(gt=0, le=5)] = 0.35
    """Annualised volatility of the market above which it is high, whatever its history (0.35 = 35 %)."""

    volatility_level_width: Annotated[float, Interval(gt=0, le=2)] = 0.1
    """Softness of both levels, in units of the logarithm of volatility (0.1: about 10 % around the level)."""

    history_bars: Annotated[int, Interval(ge=20, le=5000)] = 756
    """Bars of the market's own volatility history that ranks today's volatility between the two levels."""

    history_minimum_bars: Annotated[int, Interval(ge=1, le=5000)] = 252
    """Bars of history at which the rank counts in full; with fewer it counts in proportion."""

    history_low_rank: Annotated[float, Interval(gt=0, lt=1)] = 0.2
    """Rank in the history (0 to 1) below which volatility between the two levels is low."""

    history_high_rank: Annotated[float, Interval(gt=0, lt=1)] = 0.8
    """Rank in the history (0 to 1) above which volatility between the two levels is high."""

    history_rank_width: Annotated[float, Interval(gt=0, le=1)] = 0.05
    """Softness of both ranks, in units of the rank."""

    trend_window_bars: Annotated[int, Interval(ge=10, le=1000)] = 60
    """Bars over which the path of the market index is judged as trend or range."""

    trend_span_bars: Annotated[int, Interval(ge=2, le=100)] = 5
    """Span in bars of the variance ratio; at most a quarter of the window."""

    trend_centre: Annotated[float, Interval(ge=0, le=5)] = 1.0
    """Net move, in standard deviations of a random walk, at which trend and range are equally likely."""

    trend_width: Annotated[float, Interval(gt=0, le=5)] = 0.5
    """Softness of the centre, in the same unit."""

    trend_variance_ratio_weight: Annotated[float, Interval(ge=0, le=5)] = 0.5
    """Weight of the variance ratio's z-statistic in the logit of trend; 0 leaves it out."""

    def __post_init__(self) -> None:
        _ordered(
            "volatility_low_level",
            self.volatility_low_level,
            "volatility_high_level",
            self.volatility_high_level,
        )
        _ordered("history_low_rank", self.history_low_rank, "history_high_rank", self.history_high_rank)
        if self.history_minimum_bars > self.history_bars:
            raise ConfigError(
                f"regimes.history_minimum_bars is {self.history_minimum_bars}, expected at most history_bars "
                f"({self.history_bars})."
            )
        if 4 * self.trend_span_bars > self.trend_window_bars:
            raise ConfigError(
                f"regimes.trend_span_bars is {self.trend_span_bars}, expected at most a quarter of "
                f"trend_window_bars ({self.trend_window_bars})."
            )


def _ordered(low_name: str, low: float, high_name: str, high: float) -> None:
    if low >= high:
        raise ConfigError(f"regimes.{low_name} is {low}, expected a value below {high_name} ({high}).")
