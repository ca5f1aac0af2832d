"""Whole numbers in given proportions that add up exactly: the method of the largest remainder."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray


def apportion(total: int, weights: FloatArray, lot: int = 1) -> IntArray:
    """Split ``total`` into parts in proportion to ``weights``, each a whole number of lots.

    Every part is rounded down to lots; the lots left over go to the largest remainders, the earlier part first
    where two are equal. What is less than one lot of ``total`` goes to the last part that has any weight.

    Parameters
    ----------
    total
        Signed scaled quantity.
    weights
        float64 ``[n]``, at least one; finite and non-negative. All zero counts as all equal.
    lot
        Scaled quantity of one lot, positive.

    Returns
    -------
    int64 ``[n]`` with the sign of ``total``, adding up to it exactly.

    References
    ----------
    Balinski and Young, "Fair Representation" (1982), on Hamilton's method.

    Examples
    --------
    >>> apportion(1003, np.ones(6)).tolist()
    [168, 167, 167, 167, 167, 167]
    >>> apportion(-1003, np.array([30.0, 15, 10, 10, 12, 23])).tolist()
    [-301, -151, -100, -100, -120, -231]
    """
    weight = np.asarray(weights, dtype=np.float64)
    if not len(weight) or not np.isfinite(weight).all() or (weight < 0.0).any():
        raise ValueError("weights must be at least one number, all finite and not negative")
    if not weight.any():
        weight = np.ones(len(weight))
    lots, odd = divmod(abs(total), lot)
    share = weight / weight.sum()
    quota = share * lots
    parts: IntArray = np.floor(quota).astype(np.int64)
    left = lots - int(parts.sum())
    if left > 0:
        order = np.lexsort((np.arange(len(parts)), -np.round(quota - parts, 9), share == 0.0))
        parts[np.resize(order[: np.count_nonzero(share)], left)] += 1
    for _ in range(-left):
        parts[int(parts.argmax())] -= 1
    parts *= lot
    parts[int(np.flatnonzero(share)[-1])] += odd
    return parts if total >= 0 else -parts
