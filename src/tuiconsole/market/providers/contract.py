"""The contract between the desk and a vendor of bars, and the few ways in which a vendor can fail."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND, Clock, iso

if TYPE_CHECKING:
    import pyarrow as pa

DAY_SECONDS = 86_400
INTERVALS = (60, 300, 900, 1_800, 3_600, DAY_SECONDS)
"""Lengths of bars that vendors can be asked for, in seconds."""

SPLIT, DIVIDEND = "split", "dividend"


class FaultKind(enum.Enum):
    """What went wrong, in the only five ways that call for different answers."""

    NOT_FOUND = "not found"
    """The vendor does not know the symbol, or has nothing for it in this range. Asking again is of no use."""
    QUOTA = "quota"
    """Too many requests; ``Fault.until_ns`` says when it can go on."""
    AUTHENTICATION = "authentication"
    """No key, a wrong key, or a key that does not pay for this."""
    TRANSIENT = "transient"
    """A time-out, a dropped connection, a server error: may work in a moment."""
    MALFORMED = "malformed"
    """An answer that cannot be read as what was asked for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a vendor gave nothing.

    Attributes
    ----------
    kind, provider
        Which of the five, and whose.
    sentence
        For the trader; holds no key and no address with a key in it.
    symbol
        The house symbol it is about; empty when it is about the vendor as a whole.
    until_ns
        For a quota: when the vendor answers again, ns UTC; 0 when unknown.
    """

    kind: FaultKind
    provider: str
    sentence: str
    symbol: str = ""
    until_ns: int = 0

    def about(self, symbol: str) -> Fault:
        """The same fault, named for one symbol."""
        return replace(self, symbol=symbol)

    @property
    def stops_provider(self) -> bool:
        """Whether every other symbol would meet the same fault with this vendor now."""
        return self.kind in (FaultKind.QUOTA, FaultKind.AUTHENTICATION)

    def __str__(self) -> str:
        when = f" It answers again at {iso(self.until_ns)}." if self.until_ns else ""
        return f"{self.sentence}{when}"


@dataclass(frozen=True)
class Answer:
    """What a vendor gave for one request.

    Attributes
    ----------
    bars
        Arrow table in the store's columns (:func:`tuiconsole.market.providers.columns.bars_schema`), sorted by
        symbol and time; empty when nothing came.
    actions
        Arrow table of splits and dividends (:func:`~tuiconsole.market.providers.columns.actions_schema`).
    faults
        One per symbol that got nothing. No row in ``bars`` and no fault: the vendor knows the symbol and says
        that it has no bars in the range.
    """

    bars: pa.Table
    actions: pa.Table
    faults: tuple[Fault, ...] = field(default=())

    def fault_of(self, symbol: str) -> Fault | None:
        """The fault of ``symbol``, or None."""
        return next((fault for fault in self.faults if fault.symbol == symbol), None)


class Freshness(Protocol):
    """Says how old a kept answer may be."""

    def __call__(self, end_ns: int) -> float:
        """Greatest age, in seconds, of an answer about a range that ends at ``end_ns`` (ns UTC)."""
        ...


@dataclass(frozen=True, slots=True)
class RangeFreshness:
    """Answers about finished ranges last long; those that reach into the last two days do not.

    Attributes
    ----------
    finished_s, recent_s
        Greatest ages in seconds.
    """

    clock: Clock
    finished_s: float
    recent_s: float

    def __call__(self, end_ns: int) -> float:
        """Greatest age, in seconds, of an answer about a range that ends at ``end_ns`` (ns UTC)."""
        finished = end_ns <= self.clock.now_ns() - 2 * NANOSECONDS_PER_DAY
        return self.finished_s if finished else self.recent_s


class BarProvider(Protocol):
    """A vendor of bars. A new one is one file and one line in ``registry.py``."""

    name: str
    """The vendor's name in ``config.toml``."""
    symbols_per_request: int
    """How many symbols one request may hold."""

    def longest_piece_ns(self, interval_s: int) -> int:
        """The longest range that one request may ask for, in ns; 0 when the interval is not offered."""
        ...

    def earliest_ns(self, interval_s: int) -> int:
        """The earliest moment for which the vendor holds bars of this interval, ns UTC; 0 when not limited."""
        ...

    def bars(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer:
        """Bars whose end lies in ``(start_ns, end_ns]``.

        Parameters
        ----------
        symbols
            House symbols, at most ``symbols_per_request``.
        interval_s
            Length of a bar in seconds, one of :data:`INTERVALS`.
        start_ns, end_ns
            Range in ns UTC.

        Returns
        -------
        Answer
            Prices as traded (not adjusted for splits or dividends), volume in shares or coins.
        """
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


def faults_for(symbols: Iterable[str], fault: Fault) -> tuple[Fault, ...]:
    """``fault`` once for each of ``symbols``."""
    return tuple(fault.about(symbol) for symbol in symbols)


def days_ns(days: float) -> int:
    """``days`` in ns."""
    return int(days * NANOSECONDS_PER_DAY)


def seconds_ns(seconds: float) -> int:
    """``seconds`` in ns."""
    return int(seconds * NANOSECONDS_PER_SECOND)
