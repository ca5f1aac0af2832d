"""The features that a policy asked for, from as few banks as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.errors import StoreBindingError
from tuiconsole.domain.types import FloatArray
from tuiconsole.features.catalogue import request
from tuiconsole.features.contract import Bank, Request

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel

TRADING_DAYS_PER_YEAR = 252.0


class FeatureSet:
    """Rows of features in the order of ``names``; every bank is built once, whatever it is asked for.

    Parameters
    ----------
    names
        Catalogue names; a name may come twice.
    n_symbols
        Width of the universe.
    bars_per_year
        For annualised features.

    Attributes
    ----------
    values
        float64 ``[n_features, n_symbols]``; always the same array, overwritten by :meth:`update`. NaN until
        warm and where the input was missing.
    names
        Names of the rows.
    warmup_bars
        Bars until every row has a value on a gap-free series; 0 without rows.
    panel_window
        Bars that the panel must hold; at least 1.

    Raises
    ------
    UsageError
        When a name is not in the catalogue.

    Examples
    --------
    >>> FeatureSet(["rsi_14", "momentum_252_21"], n_symbols=20).warmup_bars
    253
    """

    def __init__(
        self,
        names: Sequence[str],
        n_symbols: int,
        bars_per_year: float = TRADING_DAYS_PER_YEAR,
    ) -> None:
        self.names = tuple(names)
        by_bank: dict[type[Bank], list[Request]] = {}
        for name in dict.fromkeys(self.names):
            wanted = request(name)
            by_bank.setdefault(wanted.feature.bank, []).append(wanted)
        self.banks = tuple(bank(requests, n_symbols, bars_per_year) for bank, requests in by_bank.items())
        self.warmup_bars = max((bank.warmup_bars for bank in self.banks), default=0)
        self.panel_window = max((bank.panel_window for bank in self.banks), default=1)
        rows = {name: row for row, name in enumerate(name for bank in self.banks for name in bank.names)}
        self._block: FloatArray = np.full((len(rows), n_symbols), np.nan)
        self._order = np.array([rows[name] for name in self.names], dtype=np.int64)
        for bank in self.banks:
            first = rows[bank.names[0]]
            bank.values = self._block[first : first + len(bank.names)]
        self._rows = [slice(rows[bank.names[0]], rows[bank.names[-1]] + 1) for bank in self.banks]
        self._in_order = (
            bool((self._order == np.arange(len(rows))).all()) if len(rows) == len(names) else False
        )
        self.values: FloatArray = (
            self._block if self._in_order else np.full((len(self.names), n_symbols), np.nan)
        )

    def use_machine_code(self) -> None:
        """Have :meth:`update_block` done by kernels where banks have them; the values stay the same, bit for bit."""
        for bank in self.banks:
            bank.use_machine_code()

    def update(self, panel: Panel) -> None:
        """Take in the newest bar of ``panel``, once per bar."""
        for bank in self.banks:
            bank.update(panel)
        self._arrange()

    def update_block(self, panel: Panel, bars: int) -> FloatArray:
        """Take in the newest ``bars`` bars of ``panel`` at once, bit for bit as :meth:`update` of each.

        Returns
        -------
        float64 ``[bars, n_features, n_symbols]``: the values after each bar, a fresh array.
        """
        if not bars:
            return np.empty((0, *self.values.shape))
        found: FloatArray = np.empty((bars, *self._block.shape))
        for bank, rows in zip(self.banks, self._rows, strict=True):
            bank.update_block(panel, bars, found[:, rows])
        self._block[...] = found[-1]
        self._arrange()
        return found if self._in_order else found.take(self._order, axis=1)

    def _arrange(self) -> None:
        if not self._in_order:
            self._block.take(self._order, axis=0, out=self.values, mode="clip")

    def state(self) -> dict[str, Any]:
        """The banks' states and the current values; copies."""
        return {
            "names": list(self.names),
            "values": self._block.copy(),
            "banks": {type(bank).__name__: bank.state() for bank in self.banks},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit; the panel must be restored too.

        Raises
        ------
        StoreBindingError
            When the state was saved for other features.
        """
        if tuple(state["names"]) != self.names:
            raise StoreBindingError(
                "The saved state holds other features than this desk's agents need.",
                "Start with the agents it was saved with, or with a new state file.",
            )
        self._block[...] = state["values"]
        for bank in self.banks:
            bank.restore(state["banks"][type(bank).__name__])
        self._arrange()
