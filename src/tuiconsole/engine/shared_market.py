"""The market side of one tape worked out once, for many desks that differ in what they do with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tuiconsole.domain.market import ScreenedBlock
from tuiconsole.engine.market_side import MarketSide, ObservedBlock
from tuiconsole.engine.settings import Settings
from tuiconsole.market.defence import Defence
from tuiconsole.market.tape import BarSource

_VALUE_BYTES = 8


@dataclass(frozen=True, slots=True)
class SharedMarket:
    """Consecutive blocks of one tape after defence, panel, features and regimes; read-only.

    Attributes
    ----------
    names
        Features held, a superset of what every desk that uses it needs.
    """

    names: tuple[str, ...]
    blocks: tuple[tuple[ScreenedBlock, ObservedBlock], ...]

    @classmethod
    def of(
        cls, settings: Settings, tape: BarSource, needs: Sequence[str], warmup: int, start: int, end: int
    ) -> SharedMarket:
        """Work out bars ``[warmup, end)`` of ``tape`` for all features in ``needs``.

        Bit for bit what each desk would work out for itself: blocks end where trading starts, as its own do.
        """
        names = tuple(dict.fromkeys(needs))
        side = MarketSide(tape.universe, names, settings.regimes, settings.engine.bars_per_year)
        defence = Defence(len(tape.universe), settings.defence)
        found: list[tuple[ScreenedBlock, ObservedBlock]] = []
        first = warmup
        while first < end:
            stop = start if first < start else end
            screened = defence.screen_block(tape.block(first, min(stop, first + side.block_bars)))
            seen = side.observe_block(screened)
            found.append((screened, replace(seen, features=seen.features.copy(), regime=seen.regime.copy())))
            first += len(screened)
        return cls(names, tuple(found))

    def blocks_from(
        self, first: int, end: int, needs: Sequence[str]
    ) -> Iterator[tuple[ScreenedBlock, ObservedBlock]]:
        """The blocks of bars ``[first, end)``, their features those of ``needs`` in its order."""
        rows = [self.names.index(name) for name in needs]
        whole = rows == list(range(len(self.names)))
        at = np.array(rows, dtype=np.int64)
        for screened, seen in self.blocks:
            if first <= screened.bars.seq and screened.bars.seq + len(screened) <= end:
                yield screened, seen if whole else replace(seen, features=seen.features[:, at])


def size_of(tape: BarSource, names: Sequence[str], bars: int) -> int:
    """Bytes that the features of ``bars`` bars take."""
    return _VALUE_BYTES * bars * len(set(names)) * len(tape.universe)
