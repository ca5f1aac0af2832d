"""Principal components of the correlation matrix: exposures, shares of variance, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.held import HeldBank, centred
from tuiconsole.features.summed import STANDSTILL, window_and

_LEAST_SHARE = 1e-9
"""Share of variance below which a component is rounding."""
_KEPT = 3


class PrincipalBank(HeldBank):
    """Exact eigenvectors of the correlation matrix of one-bar returns, computed every few bars and held.

    Missing returns stand at the symbol's mean. The sign of a component makes the sum of its cubed exposures positive,
    so the first one points where the market goes.
    """

    refreshes = 3

    def compute(self, returns: FloatArray, requests: Sequence[Request], enough: BoolArray) -> FloatArray:
        """Exposures of symbols, or shares of components, as asked."""
        taken, columns = _standardised(returns, enough)
        out = np.full((len(requests), returns.shape[1]), np.nan)
        if not len(columns):
            return out
        exposures, shares = _components(taken)
        kept = (exposures[:, :_KEPT] ** 2).sum(axis=1)
        for row, request in enumerate(requests):
            if request.feature.family == "component_residual":
                out[row, columns] = np.maximum(1.0 - kept, 0.0)
                continue
            place = request.parameters[1] - 1
            if place < len(shares) and shares[place] > _LEAST_SHARE:
                found = (
                    exposures[:, place] if request.feature.family == "component_exposure" else shares[place]
                )
                out[row, columns] = found
        return out


def _standardised(returns: FloatArray, enough: BoolArray) -> tuple[FloatArray, IntArray]:
    """Returns of the symbols that have enough and move, with mean 0 and variance 1, and their columns."""
    deviation, _ = centred(returns)
    variance = (deviation * deviation).sum(axis=0) / len(returns)
    columns = np.flatnonzero(enough & (variance > STANDSTILL))
    return deviation[:, columns] / np.sqrt(variance[columns]), columns


def _components(z: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Exposures ``[n_symbols, k]`` and shares of variance ``[k]``, from the largest, for ``z`` ``[bars, n_symbols]``."""
    bars, n = z.shape
    if n <= bars:
        values, vectors = np.linalg.eigh(z.T @ z / bars)
        values, exposures = values[::-1], vectors[:, ::-1]
        exposures = exposures * np.sqrt(np.maximum(values, 0.0))
    else:
        values, vectors = np.linalg.eigh(z @ z.T / bars)
        values = values[::-1]
        exposures = z.T @ vectors[:, ::-1] / np.sqrt(bars)
    signs = np.where((exposures**3).sum(axis=0) < 0.0, -1.0, 1.0)
    return exposures * signs, np.maximum(values, 0.0) / n


def _entry(
    family: str,
    formula: str,
    unit: str,
    parameters: tuple[str, ...],
    listed: tuple[tuple[int, ...], ...],
) -> Feature:
    return Feature(
        family=family,
        parameters=parameters,
        minimum=(10, 1)[: len(parameters)],
        formula=formula + "; computed every window / 3 bars and held; NaN where the price stood still",
        unit=unit,
        source="Avellaneda, Lee (2010), Quantitative Finance 10(7); Kritzman et al. (2011), J. Portfolio Management 37(4)",
        needs=("close",),
        window_bars=window_and(1),
        bank=PrincipalBank,
        example=listed[0],
        listed=listed,
    )


FEATURES = (
    _entry(
        "component_exposure",
        "correlation of the symbol's returns with principal component k of the universe's correlation matrix",
        "-1 to 1",
        ("window", "component"),
        ((60, 1), (60, 2), (60, 3)),
    ),
    _entry(
        "component_share",
        "share of all standardised variance that principal component k explains",
        "0 to 1",
        ("window", "component"),
        ((60, 1), (60, 2), (60, 3)),
    ),
    _entry(
        "component_residual",
        "share of the symbol's variance that the first three principal components leave",
        "0 to 1",
        ("window",),
        ((60,),),
    ),
)
