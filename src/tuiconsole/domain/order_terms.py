"""Terms of orders: type, time in force, prices and links, and the one table of what goes together.

An order without terms is a market order for the day. Terms are columns beside a batch, so a batch of market orders
carries none of this. Names and codes follow FIX 4.4 (OrdType tag 40, TimeInForce tag 59, PegPriceType, DisplayQty).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from tuiconsole.domain.types import BoolArray, CodeArray, IntArray

TRAIL_PARTS = 1_000_000
"""A trail in percent is held as parts per million of the price."""


class OrderType(enum.IntEnum):
    """How the price of an order is found."""

    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3
    TRAILING_STOP = 4
    PEGGED = 5


class TimeInForce(enum.IntEnum):
    """How long an order stands. ``OPG`` and ``CLS`` are at the opening and at the close of a session."""

    DAY = 0
    GTC = 1
    OPG = 2
    IOC = 3
    FOK = 4
    GTD = 5
    CLS = 6


class TrailUnit(enum.IntEnum):
    """What the distance of a trailing stop was given in; ``ATR`` is fixed as a price when the order is made."""

    NONE = 0
    PRICE = 1
    PERCENT = 2
    ATR = 3


class Peg(enum.IntEnum):
    """The quote that a pegged order follows: its own side, the other side, or the middle."""

    NONE = 0
    PRIMARY = 1
    MARKET = 2
    MID = 3


class Terms(msgspec.Struct, frozen=True):
    """Terms of one order; the columns of :class:`OrderTerms` as plain numbers, 0 where it has none.

    Attributes
    ----------
    type, tif
        Codes of :class:`OrderType` and :class:`TimeInForce`.
    limit, stop
        Scaled prices.
    trail, trail_unit
        Distance of a trailing stop: a scaled price for ``PRICE`` and ``ATR``, parts per million for ``PERCENT``.
    display
        Scaled quantity that an iceberg shows at a time.
    peg, peg_offset
        The quote followed, and how far behind it the order stays, a scaled price.
    expiry
        ns UTC up to which a GTD order stands.
    parent
        The order whose fills release this one: its number, or before the gate ``-(row + 1)`` within the batch.
    oco
        Orders of one group cancel each other; the number of its first order, or before the gate any negative number.
    revision
        0 for a new order, else which replacement of its number this is.
    """

    type: int = OrderType.MARKET
    tif: int = TimeInForce.DAY
    limit: int = 0
    stop: int = 0
    trail: int = 0
    trail_unit: int = TrailUnit.NONE
    display: int = 0
    peg: int = Peg.NONE
    peg_offset: int = 0
    expiry: int = 0
    parent: int = 0
    oco: int = 0
    revision: int = 0

    @property
    def plain(self) -> bool:
        """A market order for the day without links: what an order without terms is."""
        return self == PLAIN


PLAIN = Terms()
FIELDS = Terms.__struct_fields__
_CODES = ("type", "tif", "trail_unit", "peg")


class OrderTerms(msgspec.Struct, frozen=True, gc=False):
    """Terms of a batch, as columns ``[n_orders]``: int8 codes, everything else int64; meanings as in :class:`Terms`."""

    type: CodeArray
    tif: CodeArray
    limit: IntArray
    stop: IntArray
    trail: IntArray
    trail_unit: CodeArray
    display: IntArray
    peg: CodeArray
    peg_offset: IntArray
    expiry: IntArray
    parent: IntArray
    oco: IntArray
    revision: IntArray

    @classmethod
    def of(cls, rows: Sequence[Terms]) -> OrderTerms:
        """Columns of ``rows``.

        >>> OrderTerms.of([Terms(OrderType.LIMIT, limit=5), PLAIN]).limit.tolist()
        [5, 0]
        """
        columns: list[Any] = [
            np.array([getattr(row, name) for row in rows], dtype=np.int8 if name in _CODES else np.int64)
            for name in FIELDS
        ]
        return cls(*columns)

    def __len__(self) -> int:
        return len(self.type)

    def at(self, index: int) -> Terms:
        """The terms of one order."""
        return Terms(*(int(column[index]) for column in self.columns()))

    def rows(self) -> Iterable[Terms]:
        """The terms of every order, in order."""
        return (Terms(*row) for row in zip(*(column.tolist() for column in self.columns()), strict=True))

    def take(self, index: IntArray) -> OrderTerms:
        """The terms of the orders at ``index``."""
        return OrderTerms(*(column[index] for column in self.columns()))

    def columns(self) -> tuple[Any, ...]:
        """The columns in the order of :data:`FIELDS`."""
        return tuple(getattr(self, name) for name in FIELDS)


class TermsFault(enum.IntEnum):
    """Why terms are not legal. The numbers are stored: none is ever reused."""

    NONE = 0
    CODE = 1
    NEGATIVE = 2
    MARKET_WAITS = 3
    TRIGGER_AT_ONCE = 4
    PEG_AT_ONCE = 5
    LIMIT_MISSING = 6
    LIMIT_SENSELESS = 7
    STOP_MISSING = 8
    STOP_SENSELESS = 9
    TRAIL_MISSING = 10
    TRAIL_SENSELESS = 11
    DISPLAY_SENSELESS = 12
    DISPLAY_SIZE = 13
    PEG_MISSING = 14
    PEG_SENSELESS = 15
    EXPIRY_MISSING = 16
    EXPIRY_SENSELESS = 17
    PARENT_LINK = 18
    OCO_ALONE = 19
    OCO_SYMBOLS = 20
    REVISION = 21
    STOP_PASSED = 22
    TOO_LARGE = 23
    PARENT_REFUSED = 24
    EXIT_REFUSED = 25
    NOTHING_LEFT = 26
    PARTNER_REFUSED = 27


FAULT_TEXT: dict[TermsFault, str] = {
    TermsFault.NONE: "The terms are legal.",
    TermsFault.CODE: "The order's type, time in force, trail or peg is not one that exists.",
    TermsFault.NEGATIVE: "A price, distance, shown quantity or time of the order is negative.",
    TermsFault.MARKET_WAITS: "A market order does not wait: it is for the day, at once, at the opening or at the close.",
    TermsFault.TRIGGER_AT_ONCE: "An order that waits for its stop price cannot be at once, at the opening or at the close.",
    TermsFault.PEG_AT_ONCE: "A pegged order follows the quotes and cannot be at once, at the opening or at the close.",
    TermsFault.LIMIT_MISSING: "A limit or stop-limit order needs a limit price.",
    TermsFault.LIMIT_SENSELESS: "A market, stop or trailing order has no limit price.",
    TermsFault.STOP_MISSING: "A stop or stop-limit order needs a stop price.",
    TermsFault.STOP_SENSELESS: "A market, limit or pegged order has no stop price.",
    TermsFault.TRAIL_MISSING: "A trailing stop needs a distance and its unit, and a percentage below 100.",
    TermsFault.TRAIL_SENSELESS: "Only a trailing stop has a distance.",
    TermsFault.DISPLAY_SENSELESS: "Only a limit order that rests can show a part of its quantity.",
    TermsFault.DISPLAY_SIZE: "What an iceberg shows must be less than its quantity.",
    TermsFault.PEG_MISSING: "A pegged order needs a quote to follow.",
    TermsFault.PEG_SENSELESS: "Only a pegged order follows a quote.",
    TermsFault.EXPIRY_MISSING: "An order good till a date needs a date after its decision.",
    TermsFault.EXPIRY_SENSELESS: "Only an order good till a date has a date.",
    TermsFault.PARENT_LINK: "An order can only wait for an earlier order of its own decision.",
    TermsFault.OCO_ALONE: "Orders that cancel each other come two or more together, in one decision.",
    TermsFault.OCO_SYMBOLS: "Orders that cancel each other must be in one symbol and on one side of the book.",
    TermsFault.REVISION: "A new order replaces nothing, and a replacement keeps its order's links.",
    TermsFault.STOP_PASSED: "The market has passed the stop price already: the order would trade at once.",
    TermsFault.TOO_LARGE: "A price or quantity of the terms is too large to compute with.",
    TermsFault.PARENT_REFUSED: "The order that this one waits for was refused.",
    TermsFault.EXIT_REFUSED: "An exit of this order was refused, and without it the position would stand unprotected.",
    TermsFault.PARTNER_REFUSED: "An order that belongs together with this one was refused.",
    TermsFault.NOTHING_LEFT: "A replacement keeps its side and leaves something to fill: to end the order, cancel it.",
}
"""One sentence per fault."""

LARGEST = 2**52
"""Prices and quantities of terms beyond this are not computed with."""

_T, _F = OrderType, TimeInForce
_WAITING = (_F.DAY, _F.GTC, _F.GTD)

LEGAL_TIF: dict[OrderType, tuple[TimeInForce, ...]] = {
    _T.MARKET: (_F.DAY, _F.IOC, _F.FOK, _F.OPG, _F.CLS),
    _T.LIMIT: tuple(_F),
    _T.STOP: _WAITING,
    _T.STOP_LIMIT: _WAITING,
    _T.TRAILING_STOP: _WAITING,
    _T.PEGGED: _WAITING,
}
"""The times in force that each type may have."""

_NEEDED, _ALLOWED, _BARRED = 1, 0, -1
FIELD_OF_TYPE: dict[str, dict[OrderType, int]] = {
    "limit": {
        _T.MARKET: _BARRED,
        _T.LIMIT: _NEEDED,
        _T.STOP: _BARRED,
        _T.STOP_LIMIT: _NEEDED,
        _T.TRAILING_STOP: _BARRED,
        _T.PEGGED: _ALLOWED,
    },
    "stop": {
        _T.MARKET: _BARRED,
        _T.LIMIT: _BARRED,
        _T.STOP: _NEEDED,
        _T.STOP_LIMIT: _NEEDED,
        _T.TRAILING_STOP: _ALLOWED,
        _T.PEGGED: _BARRED,
    },
    "trail": {**dict.fromkeys(_T, _BARRED), _T.TRAILING_STOP: _NEEDED},
    "peg": {**dict.fromkeys(_T, _BARRED), _T.PEGGED: _NEEDED},
    "display": {**dict.fromkeys(_T, _BARRED), _T.LIMIT: _ALLOWED},
}
"""Which type needs (1), may have (0) or must not have (-1) each field."""

_FIELD_FAULTS = {
    "limit": (TermsFault.LIMIT_MISSING, TermsFault.LIMIT_SENSELESS),
    "stop": (TermsFault.STOP_MISSING, TermsFault.STOP_SENSELESS),
    "trail": (TermsFault.TRAIL_MISSING, TermsFault.TRAIL_SENSELESS),
    "peg": (TermsFault.PEG_MISSING, TermsFault.PEG_SENSELESS),
    "display": (TermsFault.DISPLAY_SENSELESS, TermsFault.DISPLAY_SENSELESS),
}
_TIF_FAULTS = {
    **dict.fromkeys(_T, TermsFault.TRIGGER_AT_ONCE),
    _T.MARKET: TermsFault.MARKET_WAITS,
    _T.PEGGED: TermsFault.PEG_AT_ONCE,
}
_LEGAL = np.array([[tif in LEGAL_TIF[kind] for tif in _F] for kind in _T])
_WRONG_TIF: CodeArray = np.array([_TIF_FAULTS[kind] for kind in _T], dtype=np.int8)
_RULE_OF_FIELD = {
    name: np.array([by_type[kind] for kind in _T], dtype=np.int8) for name, by_type in FIELD_OF_TYPE.items()
}
_KINDS = {"type": len(_T), "tif": len(_F), "trail_unit": len(TrailUnit), "peg": len(Peg)}


def terms_faults(terms: OrderTerms, quantity: IntArray, ts: int) -> CodeArray:
    """The first fault of each order's terms taken by themselves, int8 ``[n]`` of :class:`TermsFault`; 0 where legal.

    Parameters
    ----------
    quantity
        int64 ``[n]`` signed scaled quantity.
    ts
        The decision's time, ns UTC.
    """
    fault: CodeArray = np.zeros(len(terms), dtype=np.int8)

    def mark(wrong: BoolArray, code: TermsFault) -> None:
        fault[wrong & (fault == 0)] = code

    for name, count in _KINDS.items():
        column = getattr(terms, name)
        mark((column < 0) | (column >= count), TermsFault.CODE)
    for name in ("limit", "stop", "trail", "display", "peg_offset", "expiry"):
        mark(getattr(terms, name) < 0, TermsFault.NEGATIVE)
    for name in ("limit", "stop", "trail", "display", "peg_offset"):
        mark(getattr(terms, name) > LARGEST, TermsFault.TOO_LARGE)
    kind = np.where(fault == TermsFault.CODE, 0, terms.type)
    tif = np.where(fault == TermsFault.CODE, 0, terms.tif)
    wrong_tif = ~_LEGAL[kind, tif] & (fault == 0)
    fault[wrong_tif] = _WRONG_TIF[kind[wrong_tif]]
    for name, (missing, senseless) in _FIELD_FAULTS.items():
        present = getattr(terms, name) != 0
        wanted = _RULE_OF_FIELD[name][kind]
        mark((wanted == _NEEDED) & ~present, missing)
        mark((wanted == _BARRED) & present, senseless)
    has_unit = terms.trail_unit != TrailUnit.NONE
    mark((kind == _T.TRAILING_STOP) & ~has_unit, TermsFault.TRAIL_MISSING)
    mark((terms.trail_unit == TrailUnit.PERCENT) & (terms.trail >= TRAIL_PARTS), TermsFault.TRAIL_MISSING)
    mark((kind != _T.TRAILING_STOP) & has_unit, TermsFault.TRAIL_SENSELESS)
    mark((kind != _T.PEGGED) & (terms.peg_offset != 0), TermsFault.PEG_SENSELESS)
    shown = terms.display > 0
    mark(shown & ~np.isin(tif, _WAITING), TermsFault.DISPLAY_SENSELESS)
    mark(shown & (terms.display >= np.abs(quantity)), TermsFault.DISPLAY_SIZE)
    mark((tif == _F.GTD) & (terms.expiry <= ts), TermsFault.EXPIRY_MISSING)
    mark((tif != _F.GTD) & (terms.expiry != 0), TermsFault.EXPIRY_SENSELESS)
    return fault


def link_faults(terms: OrderTerms, symbol: IntArray, quantity: IntArray) -> CodeArray:
    """Faults of the links of a new batch, int8 ``[n]``: parents lie earlier in the batch, groups in one symbol and side."""
    n = len(terms)
    fault: CodeArray = np.zeros(n, dtype=np.int8)
    row = np.arange(n)
    waits = terms.parent != 0
    fault[waits & ((terms.parent > 0) | (terms.parent < -row))] = TermsFault.PARENT_LINK
    fault[terms.revision != 0] = TermsFault.REVISION
    for group in np.unique(terms.oco[terms.oco != 0]).tolist():
        members = np.flatnonzero(terms.oco == group)
        told = (symbol[members], terms.parent[members], np.sign(quantity[members]))
        if group > 0 or len(members) < 2:
            fault[members] = TermsFault.OCO_ALONE
        elif any(len(np.unique(column)) > 1 for column in told):
            fault[members] = TermsFault.OCO_SYMBOLS
    return fault


def numbered(terms: OrderTerms, number: IntArray) -> OrderTerms:
    """Links within a batch as order numbers; ``number`` int64 ``[n]`` are the orders' own, 0 for those that were refused."""
    if not (terms.parent < 0).any() and not (terms.oco < 0).any():
        return terms
    parent, oco = terms.parent.copy(), terms.oco.copy()
    inside = (parent < 0) & (parent >= -len(number))
    parent[parent < -len(number)] = 0
    parent[inside] = number[-parent[inside] - 1]
    for group in np.unique(oco[oco < 0]).tolist():
        members = (terms.oco == group) & (number > 0)
        oco[terms.oco == group] = int(number[members].min()) if members.any() else 0
    return msgspec.structs.replace(terms, parent=parent, oco=oco)
