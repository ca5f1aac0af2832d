"""Figures as they were known: each with the date it speaks of and the moment it was released.

A figure is joined to bars by its release alone: :meth:`PointSeries.as_of` never answers with a row released after
the moment asked for. A revision is another row about the same reference date, released later; all of them are
kept, and each moment sees the latest one out by then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray

_MISSING = np.int64(np.iinfo(np.int64).min)


@dataclass(frozen=True, eq=False, slots=True)
class PointSeries:
    """One series of one entity.

    Attributes
    ----------
    reference
        int64 ``[n]``, the date each row speaks of, ns UTC.
    release
        int64 ``[n]``, when it came out, ns UTC; ascending.
    value
        float64 ``[n]``.

    Examples
    --------
    >>> s = PointSeries.of([10, 20, 10], [15, 25, 30], [1.0, 2.0, 1.5])
    >>> s.as_of(np.array([14, 15, 26, 31])).tolist()
    [nan, 1.0, 2.0, 2.0]
    """

    reference: IntArray
    release: IntArray
    value: FloatArray

    @classmethod
    def of(
        cls,
        reference: Sequence[int] | IntArray,
        release: Sequence[int] | IntArray,
        value: Sequence[float] | FloatArray,
    ) -> PointSeries:
        """A series of these rows, in any order; rows without a value are left out.

        Of rows with one release and reference, the later one counts.
        """
        columns = (
            np.asarray(reference, dtype=np.int64),
            np.asarray(release, dtype=np.int64),
            np.asarray(value, dtype=np.float64),
        )
        real = np.flatnonzero(np.isfinite(columns[2]))
        order = real[np.argsort(columns[1][real], kind="stable")]
        return cls(columns[0][order], columns[1][order], columns[2][order])

    def __len__(self) -> int:
        return len(self.release)

    def visible(self) -> tuple[IntArray, FloatArray]:
        """Releases (ns UTC) that change what is known of the latest reference date, and the value known from then.

        A late revision of an older date changes nothing about the latest one.
        """
        latest = np.maximum.accumulate(self.reference) if len(self) else self.reference
        change = self.reference >= latest
        return self.release[change], self.value[change]

    def as_of(self, ts: IntArray, age_ns: int | None = None) -> FloatArray:
        """The latest figure known at each moment.

        Parameters
        ----------
        ts
            int64 ``[n]``, ns UTC.
        age_ns
            How long after its release a figure counts, ns; None: for good.

        Returns
        -------
        float64 ``[n]``: of the rows released at or before ``ts``, the last vintage of the latest reference date; NaN
        before the first release, and where that is too old.
        """
        release, value = self.visible()
        at = np.searchsorted(release, ts, side="right")
        padded = np.concatenate((np.array([np.nan]), value))
        out: FloatArray = padded[at]
        if age_ns is not None and len(release):
            out[ts - release[np.maximum(at - 1, 0)] > age_ns] = np.nan
        return out

    def reference_as_of(self, ts: IntArray) -> IntArray:
        """The reference date (ns UTC) of what :meth:`as_of` answers; the smallest int64 where that is NaN."""
        latest = np.maximum.accumulate(self.reference) if len(self) else self.reference
        change = self.reference >= latest
        at = np.searchsorted(self.release[change], ts, side="right")
        padded: IntArray = np.concatenate((np.array([_MISSING]), self.reference[change]))[at]
        return padded

    def history_as_of(self, ts: int, count: int) -> tuple[IntArray, FloatArray]:
        """The last ``count`` reference dates known at ``ts`` (ns UTC), oldest first, each with its latest vintage."""
        known = int(np.searchsorted(self.release, ts, side="right"))
        newest: dict[int, float] = {}
        for reference, value in zip(
            self.reference[:known].tolist(), self.value[:known].tolist(), strict=True
        ):
            newest[reference] = value
        dates = sorted(newest)[-count:]
        return np.array(dates, dtype=np.int64), np.array([newest[date] for date in dates])

    def derived(self, count: int, rule: Callable[[IntArray, FloatArray], float]) -> PointSeries:
        """Another series: after each release, ``rule`` of the last ``count`` reference dates known by then.

        Parameters
        ----------
        count
            Reference dates given to ``rule``; it is not asked while fewer are known.
        rule
            From dates (ns UTC) and values, oldest first, to a figure; NaN where there is none from then on.
        """
        rows: list[tuple[int, int, float]] = []
        for moment in np.unique(self.release).tolist():
            dates, values = self.history_as_of(moment, count)
            if len(dates) == count:
                rows.append((int(dates[-1]), moment, rule(dates, values)))
        return PointSeries(
            np.array([r[0] for r in rows], dtype=np.int64),
            np.array([r[1] for r in rows], dtype=np.int64),
            np.array([r[2] for r in rows], dtype=np.float64),
        )


def combined(
    left: PointSeries, right: PointSeries, rule: Callable[[FloatArray, FloatArray], FloatArray]
) -> PointSeries:
    """``rule`` of two series, after each release of either, from what was known of both by then.

    Only moments count at which both speak of the same reference date. NaN: there is no figure from then on.
    """
    moments = np.union1d(left.release, right.release)
    same = left.reference_as_of(moments) == right.reference_as_of(moments)
    chosen = moments[same]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = rule(left.as_of(chosen), right.as_of(chosen))
    return PointSeries(left.reference_as_of(chosen), chosen, values)
