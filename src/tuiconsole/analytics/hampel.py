"""The Hampel filter: outliers against the median of their surroundings."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray

MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation times this estimates the standard deviation of a normal sample."""


def hampel(values: FloatArray, half_window: int = 3, deviations: float = 3.0) -> tuple[BoolArray, FloatArray]:
    """Find outliers of a series and what the median of their neighbourhood says instead.

    Looks at ``half_window`` values on either side, fewer at the edges: it knows the future, so it judges history and never
    decides. NaN is ignored and never an outlier.

    Parameters
    ----------
    values
        float64 ``[n]``.
    half_window
        Neighbours on either side, at least 1.
    deviations
        An outlier is further from the median than this many times 1.4826 median absolute deviations.

    Returns
    -------
    outlier, repaired
        bool ``[n]``, and ``values`` with outliers replaced by the local median.

    References
    ----------
    Hampel (1974), "The influence curve and its role in robust estimation", JASA 69; Pearson (2002), IEEE Trans. Control Syst.
    Technol. 10, eq. 4.

    Examples
    --------
    >>> hampel(np.array([1.0, 1.1, 9.0, 1.0, 1.2]))[0].tolist()
    [False, False, True, False, False]
    """
    n = len(values)
    padded = np.full(n + 2 * half_window, np.nan)
    padded[half_window : half_window + n] = values
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half_window + 1)
    known = np.isfinite(values)
    median, spread = values.copy(), np.full(n, np.inf)
    rows = np.flatnonzero(known)
    median[rows] = np.nanmedian(windows[rows], axis=1)
    spread[rows] = MAD_TO_DEVIATION * np.nanmedian(np.abs(windows[rows] - median[rows, None]), axis=1)
    outlier: BoolArray = known & (np.abs(values - median) > deviations * spread)
    return outlier, np.where(outlier, median, values)
