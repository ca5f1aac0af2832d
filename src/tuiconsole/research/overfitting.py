"""The probability that choosing the best of many backtests chose noise.

Combinatorially symmetric cross-validation: Bailey, Borwein, Lopez de Prado and Zhu, "The probability of backtest overfitting",
Journal of Computational Finance 20 (2017).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.types import FloatArray

MOST_BLOCKS = 16
_LEAST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Overfitting:
    """What happens to the best of the trials on the half of the history that did not choose it.

    Attributes
    ----------
    probability
        Share of the combinations in which the chosen trial did no better than the median of all on the other half.
    logits
        float64 ``[n_combinations]``: log-odds of its rank there; negative is below the median.
    in_sample, out_of_sample
        float64 ``[n_combinations]``: its Sharpe ratio per bar on either half.
    """

    probability: float
    logits: FloatArray
    in_sample: FloatArray
    out_of_sample: FloatArray

    @property
    def probability_of_loss(self) -> float:
        """Share of the combinations in which the chosen trial lost money on the other half."""
        return float(np.mean(self.out_of_sample < 0.0))


def probability_of_overfitting(returns: FloatArray, blocks: int = MOST_BLOCKS) -> Overfitting:
    """Judge the choice of the highest Sharpe ratio among trials.

    Parameters
    ----------
    returns
        float64 ``[n_bars, n_trials]``, simple returns per bar of every trial over the same bars; all finite.
    blocks
        Even number of equal blocks; what does not fill them at the end is left out.

    Raises
    ------
    UsageError
        Fewer than two trials, an odd number of blocks or one beyond :data:`MOST_BLOCKS`, or too few bars for them.
    """
    n_bars, n_trials = returns.shape
    if n_trials < 2:
        raise UsageError(
            "Overfitting is about choosing: it needs at least two trials.", "Give the grid more values."
        )
    if blocks % 2 or not 2 <= blocks <= MOST_BLOCKS:
        raise UsageError(f"The number of blocks must be even, from 2 to {MOST_BLOCKS}, was {blocks}.")
    size = n_bars // blocks
    if size * blocks // 2 < _LEAST_ROWS or size < 1:
        raise UsageError(
            f"{n_bars} bars are too few for {blocks} blocks.", "Take a longer period, or fewer blocks."
        )
    parts = returns[: size * blocks].reshape(blocks, size, n_trials)
    sums, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    chosen = np.array(list(itertools.combinations(range(blocks), blocks // 2)))
    member = np.zeros((len(chosen), blocks))
    np.put_along_axis(member, chosen, 1.0, axis=1)
    rows = size * blocks // 2
    seen = _sharpe(member @ sums, member @ squares, rows)
    unseen = _sharpe((1.0 - member) @ sums, (1.0 - member) @ squares, rows)
    best = seen.argmax(axis=1)
    each = np.arange(len(chosen))
    judged = unseen[each, best]
    below = (unseen < judged[:, None]).sum(axis=1)
    level = (unseen == judged[:, None]).sum(axis=1)
    share = (below + (level + 1) / 2) / (n_trials + 1)
    logits = np.log(share / (1.0 - share))
    return Overfitting(float(np.mean(logits <= 0.0)), logits, seen[each, best], judged)


def _sharpe(sums: FloatArray, squares: FloatArray, rows: int) -> FloatArray:
    """Sharpe ratio per bar from sums; 0 for a trial that did not move: it neither won nor lost."""
    mean = sums / rows
    variance = (squares - rows * mean**2) / (rows - 1)
    moved = variance > 1e-12 * squares / rows
    return np.where(moved, mean / np.sqrt(np.where(moved, variance, 1.0)), 0.0)
