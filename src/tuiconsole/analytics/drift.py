"""How far a distribution has moved: population stability index and Kolmogorov-Smirnov distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray

PSI_LIMIT = 0.25
"""Above it a shift counts as major (Siddiqi, *Credit Risk Scorecards*, 2006, ch. 10; below 0.10 as none)."""

KS_LIMIT = 0.1
"""Largest distance between two distribution functions that still counts as the same feature."""

BINS = 10
FLOOR = 1e-4
"""Share that an empty bin is given, so that the index stays finite."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One feature, then and now.

    Attributes
    ----------
    psi, ks
        Index and distance; NaN where either sample is too small to say.
    reference, live
        Values compared.
    """

    name: str
    psi: float
    ks: float
    reference: int
    live: int

    @property
    def flagged(self) -> bool:
        """Whether either limit is passed."""
        return self.psi > PSI_LIMIT or self.ks > KS_LIMIT


def population_stability(expected: FloatArray, actual: FloatArray) -> float:
    """Population stability index of two sets of shares ``[n_bins]``: ``sum((a - e) ln(a / e))``; 0 when equal.

    Symmetric. Empty bins count as :data:`FLOOR`. Siddiqi (2006), ch. 10.

    Examples
    --------
    >>> round(population_stability(np.array([0.5, 0.5]), np.array([0.6, 0.4])), 6)
    0.040547
    """
    e, a = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return float(np.sum((a - e) * np.log(a / e)))


def psi(reference: FloatArray, live: FloatArray, bins: int = BINS) -> float:
    """Population stability index of two samples over the reference's quantiles, outer bins open.

    A reference with many equal values gives fewer bins. NaN when a sample is empty or the reference is constant.
    """
    if not len(reference) or not len(live):
        return float("nan")
    inner = np.unique(np.quantile(reference, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    if len(inner) < 1 or reference.min() == reference.max():
        return float("nan")
    return population_stability(_shares(reference, inner), _shares(live, inner))


def _shares(values: FloatArray, inner: FloatArray) -> FloatArray:
    counts = np.bincount(np.searchsorted(inner, values, side="right"), minlength=len(inner) + 1)
    shares: FloatArray = counts / len(values)
    return shares


def ks_distance(reference: FloatArray, live: FloatArray) -> float:
    """Largest distance between two empirical distribution functions, 0 to 1; NaN when a sample is empty.

    Kolmogorov-Smirnov statistic of two samples; Smirnov (1939).
    """
    if not len(reference) or not len(live):
        return float("nan")
    a, b = np.sort(reference), np.sort(live)
    both = np.concatenate((a, b))
    below_a = np.searchsorted(a, both, side="right") / len(a)
    below_b = np.searchsorted(b, both, side="right") / len(b)
    return float(np.max(np.abs(below_a - below_b)))


def drift_of(name: str, reference: FloatArray, live: FloatArray, least: int) -> Drift:
    """Drift of one feature between two samples; NaN values are left out, samples under ``least`` say nothing."""
    known, now = reference[np.isfinite(reference)], live[np.isfinite(live)]
    if min(len(known), len(now)) < least:
        return Drift(name, float("nan"), float("nan"), len(known), len(now))
    return Drift(name, psi(known, now), ks_distance(known, now), len(known), len(now))
