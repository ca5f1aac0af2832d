"""The contract of a feature bank: one streaming update over the symbol axis and an explicit state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.domain.types import FloatArray, IntArray

if TYPE_CHECKING:
    from tuiconsole.market.panel import Panel


@dataclass(frozen=True, slots=True)
class Feature:
    """One entry of the catalogue: a family of features that differ in their parameters alone.

    Attributes
    ----------
    family
        First part of the name; ``realised_volatility`` in ``realised_volatility_20``.
    parameters
        What the numbers after the family mean, in order, e.g. ``("window",)``.
    minimum
        Smallest allowed value of each parameter.
    formula, unit, source
        Definition in the catalogue's notation, the unit of the value, and the paper or book it comes from.
    needs
        Fields of the panel it reads.
    window_bars
        Bars that a gap-free series needs until the first value, from the parameters.
    bank
        The class that computes it, together with all other families of the same bank.
    example
        Parameters for the documentation and the conformance suite.
    listed
        Parameter sets that stand in the standard list of features (:func:`~tuiconsole.features.catalogue.listed`);
        a policy may ask for any other as well.
    version
        Counts the changes of the formula: another number under the same name is another feature to a model that was
        trained on it (:mod:`tuiconsole.features.schema`).
    """

    family: str
    parameters: tuple[str, ...]
    minimum: tuple[int, ...]
    formula: str
    unit: str
    source: str
    needs: tuple[str, ...]
    window_bars: Callable[..., int]
    bank: type[Bank]
    example: tuple[int, ...]
    listed: tuple[tuple[int, ...], ...] = ()
    version: int = 1

    @property
    def pattern(self) -> str:
        """The shape of its names, e.g. ``momentum_{long}_{skip}``."""
        return "_".join((self.family, *(f"{{{parameter}}}" for parameter in self.parameters)))


@dataclass(frozen=True, slots=True)
class Request:
    """One row asked of a bank: a feature and its parameters."""

    feature: Feature
    parameters: tuple[int, ...]

    @property
    def name(self) -> str:
        """The catalogue name, e.g. ``momentum_252_21``."""
        return "_".join((self.feature.family, *map(str, self.parameters)))

    @property
    def window_bars(self) -> int:
        """Bars until the first value on a gap-free series."""
        return self.feature.window_bars(*self.parameters)


class Bank(ABC):
    """Base of all banks. History is driven through the same :meth:`update` as the live stream.

    Parameters
    ----------
    requests
        The rows wanted, all of families that this bank computes.
    n_symbols
        Width of the universe.
    bars_per_year
        For annualised values.

    Attributes
    ----------
    values
        float64 ``[k, n_symbols]``, one row per request; NaN until warm and where the input is missing.
        Written in place; a feature set replaces the array by a view of its own.
    names, needs, warmup_bars
        Names of the rows; panel fields read; bars until every row has a value on a gap-free series.
    panel_window
        Bars that the panel must hold.
    """

    panel_window = 1

    def __init__(self, requests: Sequence[Request], n_symbols: int, bars_per_year: float) -> None:
        self.names = tuple(request.name for request in requests)
        self.needs = frozenset(field for request in requests for field in request.feature.needs)
        self.warmup_bars = max(request.window_bars for request in requests)
        self.bars_per_year = bars_per_year
        self.values: FloatArray = np.full((len(requests), n_symbols), np.nan)

    @abstractmethod
    def update(self, panel: Panel) -> None:
        """Take in the newest bar of ``panel``, once per bar, and refresh :attr:`values`."""

    def update_block(self, panel: Panel, bars: int, out: FloatArray) -> None:
        """Take in the newest ``bars`` bars of ``panel`` at once: bit for bit what :meth:`update` of each gives.

        This default drives :meth:`update` over them. A bank overrides it where work over time pays; it must
        keep the order of every sum, and leave :attr:`values` and its state as after the last bar.

        Parameters
        ----------
        out
            float64 ``[bars, k, n_symbols]``, gets the values after each bar.
        """
        for index in panel.replay(bars):
            self.update(panel)
            out[index] = self.values

    def use_machine_code(self) -> None:
        """Have :meth:`update_block` done by a kernel where the bank has one that it does not use anyway: the same bits."""
        return

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything the next update depends on beside the panel; copies, encodable by ``domain.codec``."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""


def returns_of(panel: Panel, bars: int) -> FloatArray:
    """One-bar log-returns of the newest ``bars`` bars ``[bars, n_symbols]``; the very first bar of all has none."""
    known = bars - (panel.count == bars)
    closes = panel.stretch("log_close", known, 1)
    return closes[1:] - closes[:-1]


Rows = slice | IntArray
"""Indices along the first axis; a slice where they are consecutive, because views are cheaper than copies."""


def rows_at(indices: Sequence[int]) -> Rows:
    """``indices`` as cheaply as NumPy can take them."""
    first = indices[0]
    if list(indices) == list(range(first, first + len(indices))):
        return slice(first, first + len(indices))
    return np.array(indices, dtype=np.int64)


def rows_of(requests: Sequence[Request], family: str) -> list[int]:
    """Rows of ``requests`` that belong to ``family``."""
    return [row for row, request in enumerate(requests) if request.feature.family == family]


def distinct(requests: Sequence[Request]) -> list[int]:
    """The different first parameters (windows or periods) of ``requests``, ascending."""
    return sorted({request.parameters[0] for request in requests})


def routes(requests: Sequence[Request]) -> dict[str, tuple[Rows, Rows]]:
    """Family → (rows of the values, rows of the per-window results), for banks that compute per window."""
    windows = distinct(requests)
    found: dict[str, tuple[Rows, Rows]] = {}
    for family in dict.fromkeys(request.feature.family for request in requests):
        rows = rows_of(requests, family)
        found[family] = (rows_at(rows), rows_at([windows.index(requests[row].parameters[0]) for row in rows]))
    return found
