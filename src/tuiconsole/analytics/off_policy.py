"""What another policy would have earned, from a log of choices with their probabilities.

Each estimator takes what was observed (rewards ``[n]`` and the probability with which the logging policy chose what it
chose) and the probability with which the new policy would have chosen the same.

Sources: Horvitz and Thompson (1952) for inverse propensities; Swaminathan and Joachims, "The self-normalized estimator for
counterfactual learning", NIPS 2015; Dudik, Langford and Li, "Doubly robust policy evaluation and learning", ICML 2011, eq. 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Estimate:
    """Value of a policy per choice, and its standard error (NaN with fewer than two choices)."""

    value: float
    error: float


def weights(new: FloatArray, logged: FloatArray, most: float = math.inf) -> FloatArray:
    """Importance weights ``new / logged`` ``[n]``, at most ``most``.

    Raises
    ------
    ValueError
        A logged probability is not above 0 (what was chosen cannot have been impossible).
    """
    if (logged <= 0.0).any():
        raise ValueError("a logged choice must have had a probability above 0")
    return np.minimum(new / logged, most)


def inverse_propensity(weight: FloatArray, reward: FloatArray) -> Estimate:
    """IPS: the mean of weighted rewards; unbiased, and noisy where weights are large."""
    return _mean(weight * reward)


def self_normalised(weight: FloatArray, reward: FloatArray) -> Estimate:
    """SNIPS: weighted rewards over weights; a little bias for much less noise. NaN when no weight is above 0."""
    total = float(weight.sum())
    if not total > 0.0:
        return Estimate(math.nan, math.nan)
    value = float(weight @ reward) / total
    spread = weight * (reward - value)
    return Estimate(value, math.sqrt(float(spread @ spread)) / total)


def doubly_robust(
    weight: FloatArray, reward: FloatArray, arm: IntArray, predicted: FloatArray, new_odds: FloatArray
) -> Estimate:
    """DR: what a model of rewards expects of the new policy, corrected by what it got wrong where it can be seen.

    Right when either the model or the logged probabilities are.

    Parameters
    ----------
    arm
        int64 ``[n]``, what was chosen.
    predicted
        float64 ``[n, n_arms]``, the model's reward of every arm.
    new_odds
        float64 ``[n, n_arms]``, the new policy's probabilities; rows add up to 1.
    """
    rows = np.arange(len(arm))
    expected = (new_odds * predicted).sum(axis=1)
    return _mean(expected + weight * (reward - predicted[rows, arm]))


def effective_size(weight: FloatArray) -> float:
    """How many equally weighted choices these weights are worth (Kish); 0 without any.

    >>> effective_size(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    square = float(weight @ weight)
    return float(weight.sum()) ** 2 / square if square > 0.0 else 0.0


def _mean(values: FloatArray) -> Estimate:
    n = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Estimate(float(values.mean()) if n else math.nan, error)
