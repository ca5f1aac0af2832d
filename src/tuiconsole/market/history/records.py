"""What is said about bars: where they come from, what a write did, what the store holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

CHANGES_SHOWN = 20
Label = Literal["start", "end", "session"]
LabelFrom = Literal["asked", "detected", "declared"]
Adjustment = Literal["raw", "split", "total"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where bars come from and how they were read.

    Attributes
    ----------
    source
        Who gave them, e.g. ``"file"``, ``"yahoo"``, ``"alpaca"``.
    file
        Name of the file or folder, without its path; empty when there was none.
    label
        What the time of a bar named where it came from: its ``"start"``, its ``"end"``, or its ``"session"`` (a bare date).
    label_from
        Whether the label was ``"asked"`` for, ``"detected"``, or ``"declared"`` by the source.
    zone
        IANA zone in which times were written.
    adjusted
        ``"raw"`` prices as traded, ``"split"``-adjusted, or adjusted for splits and dividends (``"total"``).
    """

    source: str
    file: str = ""
    label: Label = "end"
    label_from: LabelFrom = "declared"
    zone: str = "UTC"
    adjusted: Adjustment = "raw"


@dataclass(frozen=True, slots=True)
class Change:
    """One stored value that a write replaced."""

    symbol: str
    ts: int
    column: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What one write did.

    Attributes
    ----------
    given, new, changed, same
        Rows given, added, replaced, and found as they were; ``given`` also counts rows put aside.
    put_aside
        Rows not stored as bars because another row of the same write has their symbol and time.
    flagged
        Rows by what is wrong with them, those put aside included.
    changes
        The first replaced values, at most 20.
    first, last
        Times (ns UTC) of the earliest and latest row given; 0 when there were none.
    """

    interval: str
    given: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    put_aside: int = 0
    flagged: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    symbols: int = 0
    first: int = 0
    last: int = 0

    def plus(self, later: WriteReport) -> WriteReport:
        """Both writes as one; ``symbols`` counts a symbol of both twice."""
        reasons = dict.fromkeys((*self.flagged, *later.flagged))
        return WriteReport(
            self.interval,
            self.given + later.given,
            self.new + later.new,
            self.changed + later.changed,
            self.same + later.same,
            self.put_aside + later.put_aside,
            {reason: self.flagged.get(reason, 0) + later.flagged.get(reason, 0) for reason in reasons},
            (*self.changes, *later.changes)[:CHANGES_SHOWN],
            self.symbols + later.symbols,
            min(self.first, later.first),
            max(self.last, later.last),
        )


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the store holds of one symbol.

    Attributes
    ----------
    bars
        Number of bars, those without a close included.
    first, last
        Times of the first and last bar, ns UTC.
    origins
        Where its bars come from, in the order of the first write.
    """

    symbol: str
    bars: int
    first: int
    last: int
    origins: tuple[Provenance, ...]

    @property
    def adjusted(self) -> str:
        """``"raw"``, ``"split"``, ``"total"``, or ``"mixed"`` when sources differ."""
        kinds = {origin.adjusted for origin in self.origins}
        return next(iter(kinds)) if len(kinds) == 1 else "mixed"
