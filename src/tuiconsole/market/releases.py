"""Macro series with the moments at which their values were released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Releases:
    """A :class:`~tuiconsole.domain.context.PointInTime` source in memory.

    Attributes
    ----------
    series
        Name → (int64 ``[m]`` ns UTC of each release, float64 ``[m]`` the value released). Releases may share a
        moment or come out of order: the later row of the latest moment counts. A NaN is no release.
    age_days
        Days after its release for which a value of a series counts; series that are not named: for good.
    """

    series: Mapping[str, tuple[IntArray, FloatArray]]
    age_days: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names outside the vocabulary."""
        unknown = sorted(set(self.series) - set(MACRO_SERIES))
        if unknown:
            raise DataError(
                f"Unknown macro series {', '.join(unknown)}.", f"Known: {', '.join(MACRO_SERIES)}."
            )

    def as_of(self, ts: IntArray) -> FloatArray:
        """Values known at each moment of ``ts``, ``[n, n_series]``; see the protocol."""
        out = np.full((len(ts), len(MACRO_SERIES)), np.nan)
        for name, (released, values) in self.series.items():
            real = np.isfinite(values)
            order = np.argsort(released[real], kind="stable")
            moments, known = released[real][order], values[real][order]
            at = np.searchsorted(moments, ts, side="right")
            seen = at > 0
            age = self.age_days.get(name)
            if age is not None and len(moments):
                seen &= ts - moments[np.maximum(at - 1, 0)] <= age * NANOSECONDS_PER_DAY
            out[seen, MACRO_SERIES.index(name)] = known[at[seen] - 1]
        return out

    def released(self, ts: int) -> dict[str, int]:
        """When the last value of each series by ``ts`` came out, ns UTC; without those of which none had, too old or not."""
        found: dict[str, int] = {}
        for name, (released, values) in self.series.items():
            past = released[np.isfinite(values) & (released <= ts)]
            if len(past):
                found[name] = int(past.max())
        return found

    def outdated(self, ts: int) -> dict[str, int]:
        """Series whose last value is too old to count at ``ts``, and when that came out, ns UTC."""
        return {
            name: at
            for name, at in self.released(ts).items()
            if name in self.age_days and ts - at > self.age_days[name] * NANOSECONDS_PER_DAY
        }
