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
