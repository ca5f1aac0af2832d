"""Where a stretch of bars can end, for the session that goes on from there."""

from __future__ import annotations

from dataclasses import dataclass

from tuiconsole.domain.records import Filled

AT_BAR, AFTER_FILLS, AT_DECISION, DONE = range(4)
"""Before a bar, with a bar's fills booked, with a bar seen and its decision due, or at the last bar."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Where a stretch ended: ``count`` bars are done, the next stands at one of the places above.

    ``fills`` are those of the interrupted bar, not yet journalled.
    """

    count: int
    where: int = AT_BAR
    fills: Filled | None = None
