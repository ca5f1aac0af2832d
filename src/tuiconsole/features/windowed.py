"""Base of banks that compute many formulas over the same sliding windows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence

from tuiconsole.domain.types import FloatArray
from tuiconsole.features.contract import Bank, Request, Rows, rows_at, rows_of

Formula = Callable[..., FloatArray]
"""From the places of its windows (one argument per parameter) to values ``[k, n_symbols]``."""


class WindowedBank(Bank):
    """A bank whose parameters all are windows, and whose families share one pass over the data.

    A subclass keeps what it knows of every window along a first axis in the order of :attr:`windows`, lists its
    formulas in :meth:`formulas`, and calls :meth:`fill` once a bar. A formula gets the places of the windows asked
    for, so that what nobody asked for is not computed.

    Attributes
    ----------
    windows
        The different parameters of all requests, ascending.
    """

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        super().__init__(requests, n_symbols, bars_per_year)
        self.windows = sorted({parameter for request in requests for parameter in request.parameters})
        self._plan: list[tuple[Rows, tuple[Rows, ...], Formula]] = []
        formulas = self.formulas()
        for family in dict.fromkeys(request.feature.family for request in requests):
            rows = rows_of(requests, family)
            wanted = zip(*(requests[row].parameters for row in rows), strict=True)
            places = tuple(rows_at([self.windows.index(window) for window in column]) for column in wanted)
            self._plan.append((rows_at(rows), places, formulas[family]))

    @abstractmethod
    def formulas(self) -> Mapping[str, Formula]:
        """Family → its formula."""

    def fill(self) -> None:
        """Compute every row from what the windows hold now."""
        for rows, places, formula in self._plan:
            self.values[rows] = formula(*places)
