"""The contract of a live feed: asked for the bars of the whole universe that have closed, it answers with what it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tuiconsole.domain.events import FeedStatus
from tuiconsole.domain.market import Bars
from tuiconsole.domain.types import FloatArray

NOT_ON_A_TAPE = -1
"""``seq`` of a bar that was not recorded yet."""

Row = tuple[float, float, float, float, float]
"""Open, high, low, close and volume of one symbol; NaN where unknown."""


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """What a feed has.

    Attributes
    ----------
    bars
        Closed cross-sections, oldest first; a symbol without a bar is NaN in all columns.
    complete
        False when the newest cross-section lacks symbols that may still come.
    news
        What the trader should know, e.g. a symbol that the service does not know.
    """

    bars: tuple[Bars, ...]
    complete: bool = True
    news: tuple[FeedStatus, ...] = ()


class LiveFeed(Protocol):
    """A source of closed bars. Its methods raise :class:`~tuiconsole.domain.errors.FeedError` and nothing else."""

    @property
    def name(self) -> str:
        """Name in ``[feeds] order``, e.g. ``"yahoo"``."""
        ...

    @property
    def family(self) -> str:
        """Whose prices these are; feeds of one family may record on one tape."""
        ...

    async def open(self) -> None:
        """Connect, where there is something to connect."""
        ...

    async def bars(self, after: int, until: int) -> FeedAnswer:
        """The cross-sections with ``after < ts <= until`` (ends of bars, ns UTC)."""
        ...

    async def history(self, count: int, until: int) -> FeedAnswer:
        """Up to ``count`` cross-sections that end at or before ``until``, as far back as the service goes."""
        ...

    async def probe(self) -> None:
        """Return when the feed would work now; :class:`FeedError` when not."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


def cross_section(ts: int, session: int, rows: list[Row | None]) -> Bars:
    """Bars of one event time from the row of each symbol; None where a symbol has none."""
    table: FloatArray = np.full((5, len(rows)), np.nan)
    for column, row in enumerate(rows):
        if row is not None:
            table[:, column] = row
    opened, high, low, close, volume = table
    return Bars(ts, NOT_ON_A_TAPE, opened, high, low, close, volume, session)
