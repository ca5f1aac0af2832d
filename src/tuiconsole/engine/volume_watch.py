"""Whether the level of volume has changed for good: a feed that began to count other venues, most of the time.

Prices may be as true as before, but everything that reads volume (impact, participation, volume features) compares two
different things across such a day. Like the watch over features it reads the tape alone and has no state that a restart
could lose.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, iso
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.history.findings import Shift, volume_shifts
from tuiconsole.market.tape import BarSource

SESSIONS = 90
"""Latest sessions that are looked at: twenty before a change, and those after it that show whether it lasts."""

LASTING = 6
"""Sessions that a change must have lasted: surges of news are over by then."""

_NAMED = 5


class VolumeWatch:
    """Tells of lasting changes of volume, each once.

    Parameters
    ----------
    every_bars
        Bars between two looks, counted on the tape; 0 looks never.
    """

    code = "volume"

    def __init__(self, tape: BarSource, every_bars: int) -> None:
        self._tape = tape
        self._every = every_bars
        self._told: dict[str, int] = {}

    def due(self, cursor: int) -> bool:
        """Whether to look after ``cursor`` bars of the tape."""
        return self._every > 0 and cursor > 0 and cursor % self._every == 0

    def tell(self, cursor: int) -> str:
        """A sentence about changes that were not told of yet; empty when there are none. Safe in another thread."""
        found = {
            symbol: shift
            for symbol, shift in self.shifts(cursor).items()
            if self._told.get(symbol) != shift.day
        }
        self._told.update({symbol: shift.day for symbol, shift in found.items()})
        if not found:
            return ""
        largest = sorted(found.items(), key=lambda item: -abs(np.log(item[1].ratio)))
        named = ", ".join(f"{symbol} ×{shift.ratio:.3g}" for symbol, shift in largest[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        day = iso(min(shift.day for shift in found.values()) * NANOSECONDS_PER_DAY)[:10]
        return (
            f"The level of volume changed for good from {day} on: {named}{more}. The feed may count other venues now; impact "
            "and volume features compare across that day what cannot be compared."
        )

    def shifts(self, cursor: int) -> dict[str, Shift]:
        """The latest lasting change of each symbol among the last sessions before bar ``cursor``."""
        days, volume = self._sessions(cursor)
        found: dict[str, Shift] = {}
        for column, symbol in enumerate(self._tape.universe.symbols):
            shifts = volume_shifts(days, volume[:, column]) if days.size else ()
            if shifts and np.count_nonzero(days >= shifts[-1].day) >= LASTING:
                found[symbol] = shifts[-1]
        return found

    def _sessions(self, cursor: int) -> tuple[IntArray, FloatArray]:
        """Days ``[n]`` and volumes ``[n, n_symbols]`` of the last sessions; the session in hand is left out."""
        days: list[int] = []
        sums: list[FloatArray] = []
        end = cursor
        while end > 0 and len(days) <= SESSIONS + 1:
            first = max(0, end - 512)
            block = self._tape.block(first, end)
            if block.volume is None:
                return np.zeros(0, dtype=np.int64), np.zeros((0, 0))
            for session, volume in zip(reversed(block.session), block.volume[::-1], strict=True):
                known = np.where(np.isfinite(volume), volume, 0.0)
                if days and days[-1] == session:
                    sums[-1] = sums[-1] + known
                else:
                    days.append(session)
                    sums.append(known)
            end = first
        whole = slice(1, SESSIONS + 1)
        return np.array(days[whole][::-1], dtype=np.int64), np.array(sums[whole][::-1])
