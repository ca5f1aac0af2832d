"""The sheet of a decision: every number on the way from price to target, named.

Names with a colon speak of one feature, agent or regime: ``mean:breakout``, ``feature:rsi_14``. What they
mean and how they follow from each other is told in :mod:`tuiconsole.engine.pipeline`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuiconsole.domain.policy import DecisionInputs
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.opinions import Opinions
from tuiconsole.ensemble.blend import Blend
from tuiconsole.ensemble.skill import Skill
from tuiconsole.portfolio.sizing import Sizes
from tuiconsole.regimes.bank import REGIME_NAMES

_STEPS = (
    "price",
    "tradable",
    "lot",
    "lot_value",
    "weight",
    "blend_mean",
    "blend_sigma",
    "kelly_weight",
    "target_weight",
    "target_lots",
    "acting",
)
_SINGLE = (
    "equity",
    "cash",
    "blend_horizon",
    "volatility_target",
    "kelly_volatility",
    "volatility_scale",
    "gross_scale",
    "gross",
    "predicted_volatility",
    "kelly_fraction",
    "name_limit",
    "gross_limit",
)


def sheet_names(features: Sequence[str], agents: Sequence[str]) -> tuple[str, ...]:
    """Names of the rows of :func:`sheet`."""
    return (
        *(f"feature:{name}" for name in features),
        *(f"{what}:{name}" for what in ("mean", "sigma", "calibrated") for name in agents),
        *_STEPS,
    )


def scalar_names(agents: Sequence[str]) -> tuple[str, ...]:
    """Names of the entries of :func:`scalars`."""
    per_agent = ("weight", "slope", "information_coefficient", "horizon")
    return (
        *(f"regime:{name}" for name in REGIME_NAMES),
        *(f"{what}:{name}" for what in per_agent for name in agents),
        *_SINGLE,
    )


def sheet(
    inputs: DecisionInputs,
    opinions: Opinions,
    calibrated: FloatArray,
    blended: Blend,
    lot: FloatArray,
    lot_value: FloatArray,
    sizes: Sizes,
) -> FloatArray:
    """All rows ``[n_rows, n_symbols]``, a fresh array.

    Parameters
    ----------
    lot, lot_value
        float64 ``[n_symbols]``: one lot in shares, coins or contracts, and its value in currency units.
    """
    steps = np.empty((len(_STEPS), len(lot)))
    row = (
        inputs.price,
        inputs.tradable,
        lot,
        lot_value,
        sizes.held,
        blended.mean,
        blended.sigma,
        sizes.kelly,
        sizes.weight,
        sizes.lots,
        sizes.acting,
    )
    for k, values in enumerate(row):
        steps[k] = values
    return np.concatenate((inputs.features, opinions.mean, opinions.sigma, calibrated, steps))


def scalars(
    inputs: DecisionInputs,
    weights: FloatArray,
    slope: FloatArray,
    skill: Skill,
    horizons: FloatArray,
    blend_horizon: int,
    sizes: Sizes,
    constants: tuple[float, float, float],
) -> FloatArray:
    """All entries ``[n_scalars]``.

    ``constants`` are the Kelly fraction, the greatest weight of one name and the greatest gross weight.
    """
    single = (
        inputs.equity,
        inputs.cash,
        float(blend_horizon),
        sizes.volatility_target,
        sizes.kelly_volatility,
        sizes.volatility_scale,
        sizes.gross_scale,
        sizes.gross,
        sizes.predicted_volatility,
        *constants,
    )
    return np.concatenate((inputs.regime, weights, slope, skill.information_coefficient, horizons, single))
