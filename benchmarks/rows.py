"""One line of the report: what was measured, what is allowed, and what it stands beside."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement.

    Attributes
    ----------
    value
        In ``unit``; NaN when it could not be measured, and ``note`` says why.
    budget
        What it should stay under, or reach when ``at_least``; None = no budget.
    ratio
        ``value`` against ``against``, a baseline or peer measured in the same run; None = there is none.
    """

    what: str
    value: float
    unit: str
    budget: float | None = None
    at_least: bool = False
    ratio: float | None = None
    against: str = ""
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the budget is met; None without one."""
        if self.budget is None:
            return None
        if math.isnan(self.value):
            return False
        return bool(self.value >= self.budget if self.at_least else self.value <= self.budget)

    def as_json(self) -> dict[str, object]:
        """Plain values with stable keys; NaN becomes None."""
        return {
            "what": self.what,
            "value": None if math.isnan(self.value) else float(self.value),
            "unit": self.unit,
            "budget": self.budget,
            "at_least": self.at_least,
            "met": self.met,
            "ratio": None if self.ratio is None else float(self.ratio),
            "against": self.against,
            "note": self.note,
        }


class MeasurementFailed(Exception):
    """What was to be measured did not happen; the message says why."""


def percentile(values: Iterable[float], q: float) -> float:
    """The smallest value that at least ``q`` percent of ``values`` do not exceed; NaN of none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50.0)
    2.0
    """
    found = np.fromiter(values, float)
    return float(np.percentile(found, q, method="inverted_cdf")) if len(found) else float("nan")
