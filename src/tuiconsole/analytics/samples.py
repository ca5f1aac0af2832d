"""In-sample and out-of-sample, as types that do not mix.

What was looked at while a strategy was chosen is in-sample; only bars that no choice has seen are out-of-sample. A
:class:`Curve` carries which one it is, and joining two different ones is an error, so no line can ever run through both.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.types import FloatArray, IntArray


class Sample(enum.Enum):
    """Whether the strategy was chosen with these bars in sight."""

    IN = "in-sample"
    OUT = "out-of-sample"


@dataclass(frozen=True, slots=True)
class Curve:
    """Simple returns per bar of one sample.

    Attributes
    ----------
    ts
        int64 ``[n]``, ns UTC, end of each bar; strictly increasing.
    returns
        float64 ``[n]``, simple return over each bar.
    """

    sample: Sample
    ts: IntArray
    returns: FloatArray

    def __post_init__(self) -> None:
        """Refuse columns of different lengths and times that do not increase."""
        if len(self.ts) != len(self.returns):
            raise ValueError(f"{len(self.ts)} times and {len(self.returns)} returns")
        if not bool((np.diff(self.ts) > 0).all()):
            raise ValueError("times of a curve must increase")

    def __len__(self) -> int:
        return len(self.ts)

    def then(self, later: Curve) -> Curve:
        """The curve continued by ``later``, which must be of the same sample and begin after it.

        Raises
        ------
        UsageError
            When one is in-sample and the other is not.
        """
        if later.sample is not self.sample:
            raise UsageError(
                f"An {self.sample.value} curve cannot go on as an {later.sample.value} one: they never share a line."
            )
        return Curve(
            self.sample, np.concatenate((self.ts, later.ts)), np.concatenate((self.returns, later.returns))
        )
