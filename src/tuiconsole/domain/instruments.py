"""Instruments and the universe: who may be traded, in which units."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.money import MONEY_DECIMALS
from tuiconsole.domain.types import BoolArray, IntArray


class AssetClass(enum.Enum):
    """What kind of thing an instrument is."""

    EQUITY = "equity"
    ETF = "etf"
    INDEX = "index"
    CRYPTO = "crypto"
    FX = "fx"
    FUTURE = "future"
    OPTION = "option"


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency and its smallest unit (``decimals`` digits after the point)."""

    code: str
    decimals: int


USD = Currency("USD", 2)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable thing.

    Attributes
    ----------
    price_decimals, quantity_decimals
        Prices are held in ``10**-price_decimals`` (at least 6 for adjusted series), quantities in
        ``10**-quantity_decimals``.
    tick, lot
        Smallest price and quantity step, in those scaled units.
    multiplier
        Currency units per point of price and unit of quantity (1 for shares).
    """

    symbol: str
    asset_class: AssetClass = AssetClass.EQUITY
    venue: str = "XNYS"
    currency: Currency = USD
    sector: str = ""
    price_decimals: int = 6
    quantity_decimals: int = 0
    tick: int = 1
    lot: int = 1
    multiplier: int = 1

    def __post_init__(self) -> None:
        """Refuse units that no order could be written in."""
        if not self.symbol or any(c.isspace() or not c.isprintable() for c in self.symbol):
            raise UsageError(f"Symbol {self.symbol!r} is not a printable word.")
        if not 0 <= self.price_decimals <= 12 or not 0 <= self.quantity_decimals <= 12:
            raise UsageError(f"{self.symbol}: price and quantity decimals must be between 0 and 12.")
        if self.tick < 1 or self.lot < 1 or self.multiplier < 1:
            raise UsageError(f"{self.symbol}: tick, lot and multiplier must be at least 1 unit.")

    @property
    def can_be_held(self) -> bool:
        """Whether there is such a thing to buy: an index is a number that follows prices, and nobody sells it."""
        return self.asset_class is not AssetClass.INDEX

    @property
    def price_scale(self) -> int:
        """Scaled price units per currency unit."""
        return int(10**self.price_decimals)

    @property
    def quantity_scale(self) -> int:
        """Scaled quantity units per one share, coin or contract."""
        return int(10**self.quantity_decimals)

    @property
    def money_exponent(self) -> int:
        """Power of ten from ``price * quantity`` (both scaled) to money units."""
        return MONEY_DECIMALS - self.price_decimals - self.quantity_decimals


@dataclass(frozen=True)
class Universe:
    """An ordered set of instruments; a symbol's index is its column everywhere in the house."""

    instruments: tuple[Instrument, ...]
    index_of: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Build the index and refuse duplicates or more than one currency."""
        index = {item.symbol: i for i, item in enumerate(self.instruments)}
        if len(index) != len(self.instruments):
            names = [item.symbol for item in self.instruments]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise UsageError(f"The universe lists {', '.join(twice)} more than once.")
        if not self.instruments:
            raise UsageError("The universe is empty: name at least one symbol.")
        first = self.instruments[0]
        other = next((item for item in self.instruments if item.currency.code != first.currency.code), None)
        if other is not None:
            raise UsageError(
                f"A desk holds one currency, but {first.symbol} is in {first.currency.code} and {other.symbol} in "
                f"{other.currency.code}.",
                "Choose symbols of one currency with --universe.",
            )
        object.__setattr__(self, "index_of", index)

    @classmethod
    def of(cls, symbols: Iterable[str]) -> Universe:
        """A universe of US equities with default units."""
        return cls(tuple(Instrument(symbol) for symbol in symbols))

    def __len__(self) -> int:
        return len(self.instruments)

    def column(self, symbol: str) -> int:
        """The column of ``symbol``; an unknown one raises :class:`UsageError` naming near matches."""
        found = self.index_of.get(symbol.upper(), self.index_of.get(symbol))
        if found is None:
            known = ", ".join(list(self.index_of)[:8])
            raise UsageError(
                f"Unknown symbol {symbol!r}.", f"The universe holds {len(self)} symbols: {known} …"
            )
        return found

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """All symbols in column order."""
        return tuple(item.symbol for item in self.instruments)

    @cached_property
    def sectors(self) -> tuple[str, ...]:
        """Sector of each symbol in column order."""
        return tuple(item.sector for item in self.instruments)

    @cached_property
    def holdable(self) -> BoolArray:
        """Which instruments can be held, bool ``[n_symbols]``; the others are there to be looked at."""
        return np.array([item.can_be_held for item in self.instruments], dtype=np.bool_)

    @cached_property
    def sector_codes(self) -> IntArray:
        """Sector of each symbol as its place among the universe's sectors in alphabetical order; -1 where unknown."""
        known = sorted(set(self.sectors) - {""})
        return np.array([known.index(sector) if sector else -1 for sector in self.sectors], dtype=np.int64)

    @cached_property
    def price_scale(self) -> IntArray:
        """Scaled price units per currency unit, ``[n_symbols]``."""
        return np.array([item.price_scale for item in self.instruments], dtype=np.int64)

    @cached_property
    def quantity_scale(self) -> IntArray:
        """Scaled quantity units per share, ``[n_symbols]``."""
        return np.array([item.quantity_scale for item in self.instruments], dtype=np.int64)

    @cached_property
    def lot(self) -> IntArray:
        """Lot of each symbol in scaled quantity units, ``[n_symbols]``."""
        return np.array([item.lot for item in self.instruments], dtype=np.int64)

    @cached_property
    def tick(self) -> IntArray:
        """Tick of each symbol in scaled price units, ``[n_symbols]``."""
        return np.array([item.tick for item in self.instruments], dtype=np.int64)
