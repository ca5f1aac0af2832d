"""What every symbol has earned since the session began."""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.types import IntArray
from tuiconsole.portfolio.ledger import Profit

Standing = Profit | IntArray
"""Profit of every symbol at one moment: worked out when asked for, or as it was restored."""


class SessionProfit:
    """Remembers how profits stood when the session began, and how they stand now."""

    def __init__(self, n_symbols: int) -> None:
        self._before: Standing = np.zeros(n_symbols, dtype=np.int64)
        self._now: Standing = np.zeros(n_symbols, dtype=np.int64)

    def by_symbol(self) -> IntArray:
        """int64 ``[n_symbols]``: profit since the session began, after costs, money."""
        return _worked_out(self._now) - _worked_out(self._before)

    def stands(self, now: Profit, new_session: bool, session_before: Profit | None = None) -> None:
        """The profit now; a ``new_session`` began after it stood as ``session_before`` (None: as told last)."""
        if new_session:
            self._before = self._now if session_before is None else session_before
        self._now = now

    def state(self) -> list[IntArray]:
        """Both standings."""
        return [_worked_out(self._before), _worked_out(self._now)]

    def restore(self, state: list[IntArray]) -> None:
        """Go on from :meth:`state`."""
        self._before, self._now = state


def _worked_out(profit: Standing) -> IntArray:
    return profit.by_symbol() if isinstance(profit, Profit) else profit
