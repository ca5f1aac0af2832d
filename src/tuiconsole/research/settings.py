"""Settings of research: how many runs at once, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval


@dataclass(frozen=True, slots=True)
class ResearchSettings:
    """How sweeps and validation run."""

    jobs: Annotated[int, Interval(ge=0, le=1024)] = 0
    """Runs at the same time; 0 = one for each processor core."""

    cluster: str = ""
    """Address of a Ray cluster, e.g. "auto" or "ray://host:10001"; "local" starts Ray on this machine. Empty: processes of this
    machine without Ray."""

    train_bars: Annotated[int, Interval(ge=20, le=1_000_000)] = 756
    """Bars on which a walk-forward chooses its parameters; 756 daily bars are three years."""

    test_bars: Annotated[int, Interval(ge=1, le=1_000_000)] = 126
    """Bars on which a walk-forward then trades what it chose, before it chooses again."""

    purge_bars: Annotated[int, Interval(ge=0, le=100_000)] = 5
    """Bars left out between choosing and judging, so that no position reaches from one into the other."""

    embargo_bars: Annotated[int, Interval(ge=0, le=100_000)] = 5
    """Bars left out after each judged block, in cross-validation, besides the purge."""

    folds: Annotated[int, Interval(ge=3, le=20)] = 10
    """Blocks of combinatorial cross-validation."""

    test_folds: Annotated[int, Interval(ge=2, le=19)] = 2
    """How many of the blocks are judged at a time; the others, purged, choose."""

    blocks: Annotated[int, Interval(ge=2, le=16)] = 16
    """Blocks for the probability of overfitting; an even number."""
