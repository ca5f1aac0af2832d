"""Choosing among features, off-line: clusters of what says the same, relevance, and stability over time.

Enters: a sample of features and of what came after. Leaves: one representative of each cluster, in order of merit. What is
chosen knows the outcomes it was shown, so it must be judged on bars that came later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray, IntArray

LEAST_SAMPLES = 100
"""Observations below which nothing is chosen."""
_BINS = 10


@dataclass(frozen=True, slots=True)
class SelectionRules:
    """How features are chosen.

    Attributes
    ----------
    most_correlation
        Features whose clusters lie closer than this in absolute rank correlation are represented by one (0 to 1).
    least_coverage
        Share of observations that must hold a value (0 to 1).
    blocks
        Stretches of time over which the sign of the rank correlation with the outcome must agree; at least 2.
    most
        Features chosen at most; 0 for all representatives.
    """

    most_correlation: float = 0.8
    least_coverage: float = 0.5
    blocks: int = 5
    most: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """Observations of features and what came after, oldest first.

    Attributes
    ----------
    names
        Features.
    values
        float64 ``[n_observations, n_features]``; NaN where a feature says nothing.
    outcome
        float64 ``[n_observations]``, e.g. the log-return that followed; finite.
    block
        int64 ``[n_observations]``: the stretch of time of each observation, from 0.
    """

    names: tuple[str, ...]
    values: FloatArray
    outcome: FloatArray
    block: IntArray


@dataclass(frozen=True, slots=True)
class Merit:
    """What was found about one feature.

    Attributes
    ----------
    coverage
        Share of observations with a value.
    information
        Mutual information with the outcome in nats, over deciles of both, less its bias (Miller, 1955); at least 0.
    rank_correlation
        Spearman's, with the outcome.
    stability
        Share of the blocks in which the rank correlation has the sign of the whole.
    cluster
        Number of its cluster, from 1; 0 when it was left out for its coverage or because it never changes.
    chosen
        Whether it represents its cluster.
    """

    name: str
    coverage: float
    information: float
    rank_correlation: float
    stability: float
    cluster: int
    chosen: bool

    @property
    def score(self) -> float:
        """Information times stability."""
        return self.information * self.stability


def sampled_bars(first: int, last: int, wanted: int, seed: int) -> IntArray:
    """Bars in ``[first, last)`` to observe: ``wanted`` of them, one at random from each of as many equal stretches."""
    if wanted >= last - first:
        return np.arange(first, last, dtype=np.int64)
    edges = np.linspace(first, last, wanted + 1)
    jitter = generator(seed, "features", "selection", "bars").random(wanted)
    return (edges[:-1] + jitter * np.diff(edges)).astype(np.int64)


def select(sample: Sample, rules: SelectionRules) -> tuple[Merit, ...]:
    """Judge every feature and choose the best of each cluster; in order of merit, the same for the same sample.

    Raises
    ------
    UsageError
        When there are fewer than 100 observations, or no feature has enough of them.
    """
    if len(sample.outcome) < LEAST_SAMPLES:
        raise UsageError(
            f"There are {len(sample.outcome)} observations to choose from, {LEAST_SAMPLES} are needed.",
            "Take a longer tape, or more symbols.",
        )
    coverage = np.isfinite(sample.values).mean(axis=0)
    ranks = np.stack([_ranks(column) for column in sample.values.T], axis=1)
    used = np.flatnonzero(
        (coverage >= rules.least_coverage) & (np.nanstd(np.nan_to_num(ranks), axis=0) > 0.0)
    )
    used = used[[np.ptp(ranks[np.isfinite(ranks[:, row]), row]) > 0.0 for row in used]]
    if not len(used):
        raise UsageError(
            f"No feature has values in {rules.least_coverage:.0%} of the observations.",
            "Take a longer tape, or lower the coverage asked for.",
        )
    clusters = np.zeros(len(sample.names), dtype=np.int64)
    clusters[used] = _clusters(rank_correlations(ranks[:, used]), rules.most_correlation)
    outcome = _ranks(sample.outcome)
    found = [
        _merit(sample, row, ranks[:, row], outcome, int(clusters[row]), float(coverage[row]))
        for row in range(len(sample.names))
    ]
    return _chosen(found, rules.most)


def _merit(
    sample: Sample, row: int, ranks: FloatArray, outcome: FloatArray, cluster: int, coverage: float
) -> Merit:
    if not cluster:
        return Merit(sample.names[row], coverage, 0.0, 0.0, 0.0, 0, False)
    whole = _correlation(ranks, outcome)
    parts = [
        _correlation(ranks[sample.block == block], outcome[sample.block == block])
        for block in np.unique(sample.block)
    ]
    agree = float(np.mean([part * whole > 0.0 for part in parts]))
    return Merit(sample.names[row], coverage, information(ranks, outcome), whole, agree, cluster, False)


def _chosen(found: Sequence[Merit], most: int) -> tuple[Merit, ...]:
    order = sorted(range(len(found)), key=lambda row: (-found[row].score, -found[row].coverage, row))
    taken: set[int] = set()
    out = []
    for row in order:
        each = found[row]
        best = each.cluster > 0 and each.cluster not in taken and (not most or len(taken) < most)
        if best:
            taken.add(each.cluster)
        values = (
            each.name,
            each.coverage,
            each.information,
            each.rank_correlation,
            each.stability,
            each.cluster,
        )
        out.append(Merit(*values, best))
    return tuple(out)


def rank_correlations(ranks: FloatArray) -> FloatArray:
    """Correlations of the columns of ``ranks`` ``[n, k]`` over the rows where both have a value: ``[k, k]``.

    Pairs without common values, or that do not move there, have 0.
    """
    seen = np.isfinite(ranks)
    mask = seen.astype(np.float64)
    centred = np.where(seen, ranks - np.nanmean(ranks, axis=0), 0.0)
    count = np.maximum(mask.T @ mask, 1.0)
    sums = centred.T @ mask
    covariance = centred.T @ centred - sums * sums.T / count
    variance = np.maximum((centred * centred).T @ mask - sums * sums / count, 0.0)
    scale = np.sqrt(variance * variance.T)
    safe = np.where(scale > 1e-9 * count, scale, np.inf)
    correlations: FloatArray = np.clip(covariance / safe, -1.0, 1.0)
    return correlations


def information(x: FloatArray, y: FloatArray) -> float:
    """Mutual information in nats of two variables over deciles of their ranks, less its first-order bias.

    References
    ----------
    Cover, Thomas (2006), Elements of Information Theory, eq. 2.28; Miller (1955), Note on the bias of information
    estimates.
    """
    both = np.isfinite(x) & np.isfinite(y)
    n = int(both.sum())
    if n < 2:
        return 0.0
    codes = [np.minimum((_ranks(each[both]) / n * _BINS).astype(np.int64), _BINS - 1) for each in (x, y)]
    joint = np.bincount(codes[0] * _BINS + codes[1], minlength=_BINS * _BINS).reshape(_BINS, _BINS) / n
    first, second = joint.sum(axis=1), joint.sum(axis=0)
    expected = np.outer(first, second)
    filled = joint > 0.0
    raw = float((joint[filled] * np.log(joint[filled] / expected[filled])).sum())
    freedom = (np.count_nonzero(first) - 1) * (np.count_nonzero(second) - 1)
    return max(0.0, raw - freedom / (2.0 * n))


def _ranks(x: FloatArray) -> FloatArray:
    """Ranks from 0.5 with ties shared; NaN where ``x`` is."""
    from scipy.stats import rankdata

    out = np.full(x.shape, np.nan)
    seen = np.isfinite(x)
    out[seen] = rankdata(x[seen]) - 0.5
    return out


def _correlation(x: FloatArray, y: FloatArray) -> float:
    return float(rank_correlations(np.stack((x, y), axis=1))[0, 1]) if np.isfinite(x).any() else 0.0


def _clusters(correlations: FloatArray, most_correlation: float) -> IntArray:
    """Clusters by average linkage on 1 - |rho|, numbered from 1 in the order of their first members.

    References
    ----------
    López de Prado (2020), Machine Learning for Asset Managers, ch. 4 and 6.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(correlations) == 1:
        return np.ones(1, dtype=np.int64)
    distance = 1.0 - np.abs(correlations)
    distance = 0.5 * (distance + distance.T)
    np.fill_diagonal(distance, 0.0)
    raw = fcluster(linkage(squareform(distance, checks=False), "average"), 1.0 - most_correlation, "distance")
    first_seen = {label: number for number, label in enumerate(dict.fromkeys(raw.tolist()), start=1)}
    return np.array([first_seen[label] for label in raw.tolist()], dtype=np.int64)
