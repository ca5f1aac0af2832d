"""Comparing symbols with each other at one bar."""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.types import FloatArray

_SMALLEST_RELATIVE_VARIANCE = 1e-18


def standardise(values: FloatArray) -> FloatArray:
    """Deviations from the cross-section's mean in its standard deviations (population form).

    Parameters
    ----------
    values
        float64 ``[n_symbols]`` in any unit; those not finite are left out.

    Returns
    -------
    float64 ``[n_symbols]``, mean 0 and variance 1 over the finite ones; NaN for the others, and NaN
    everywhere when fewer than two are finite or they are all equal: there is nothing to compare.

    Examples
    --------
    >>> standardise(np.array([1.0, 3.0, np.nan]))
    array([-1.,  1., nan])
    """
    known = np.isfinite(values)
    count = int(np.count_nonzero(known))
    finite = values if count == len(values) else values[known]
    if count > 1:
        mean = float(np.add.reduce(finite)) / count
        deviation = finite - mean
        square_sum = float(np.dot(deviation, deviation))
        if square_sum > _SMALLEST_RELATIVE_VARIANCE * float(np.dot(finite, finite)):
            scale = 1.0 / math.sqrt(square_sum / count)
            if finite is values:
                return deviation * scale
            return np.where(known, (values - mean) * scale, np.nan)
    return np.full(len(values), np.nan)
