"""The market side of the desk: what follows from prices alone, whoever trades and whatever is held.

Panel, features and regimes need no position and no order. So they can be worked out bar by bar as prices come, or
over a block of bars ahead of the desk where the tape is known; both ways give the same bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import BarBlock, Bars, ScreenedBars, ScreenedBlock
from tuiconsole.domain.money import floats_to_scaled, rows_to_scaled
from tuiconsole.domain.policy import MarketAhead
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.defence import refused
from tuiconsole.market.panel import Panel
from tuiconsole.regimes.bank import RegimeBank
from tuiconsole.regimes.settings import RegimeSettings

_BLOCK_VALUES = 1 << 19
_LEAST_ROWS = 16
_LEAST_BARS, _MOST_BARS = 16, 4096


class Observed(msgspec.Struct, frozen=True, gc=False):
    """One bar as the desk takes it in: an event, at which positions are marked and a decision falls due.

    Attributes
    ----------
    ts, seq, session
        Of the bar; the session is the bar's own or the UTC date of ``ts``.
    price, price_scaled
        ``[n_symbols]``, last good close in currency units (NaN where none was ever seen) and scaled (0 there).
    quality, tradable
        ``[n_symbols]``, verdict of the defence, and where it is GOOD.
    flagged
        Some price is not good.
    bounds
        The least and the greatest of ``price_scaled``.
    features, regime
        ``[n_features, n_symbols]`` and ``[n_regimes]`` after this bar.
    digest
        Sixteen bytes of SHA-256 over the bar's arrays: ties the journal to the tape.
    ask
        A decision falls due; False where the policy said before that it would leave everything alone.
    total
        Market value of the book at these prices where it was worked out before, money.
    members
        ``[n_symbols]``, who may take new risk; None: everyone.
    volume
        ``[n_symbols]`` in shares, NaN where unknown; None where the source has none.
    quotes
        At the end of the bar; None where the source has none.
    """

    ts: int
    seq: int
    session: int
    price: FloatArray
    price_scaled: IntArray
    quality: CodeArray
    tradable: BoolArray
    flagged: bool
    bounds: tuple[int, int]
    features: FloatArray
    regime: FloatArray
    digest: bytes
    ask: bool = True
    total: int | None = None
    members: BoolArray | None = None
    volume: FloatArray | None = None
    quotes: BarQuotes | None = None


@dataclass(frozen=True, slots=True)
class ObservedBlock:
    """Consecutive bars after the market side: the arrays of :class:`Observed`, bar upon bar.

    Attributes
    ----------
    bounds
        int64 ``[bars, 2]``: the least and the greatest of ``price_scaled`` at each.
    """

    screened: ScreenedBlock
    price_scaled: IntArray
    tradable: BoolArray
    bounds: IntArray
    features: FloatArray
    regime: FloatArray
    sessions: list[int]
    digests: list[bytes]

    def __len__(self) -> int:
        return len(self.screened)

    def ahead(self) -> MarketAhead:
        """What a policy may look at to say when it must be asked."""
        bars = self.screened.bars
        return MarketAhead(
            self.screened.price,
            self.tradable,
            self.features,
            self.regime,
            bars.ts,
            bars.seq,
            self.price_scaled,
        )

    def bounds_at(self, index: int) -> tuple[int, int]:
        """The least and the greatest of the prices at bar ``index``, scaled."""
        low, high = self.bounds[index].tolist()
        return low, high

    def at(self, index: int, ask: bool = True, total: int | None = None) -> Observed:
        """The bar at ``index`` of the block."""
        screened = self.screened
        bars = screened.bars
        return Observed(
            bars.ts[index],
            bars.seq + index,
            self.sessions[index],
            screened.price[index],
            self.price_scaled[index],
            screened.quality[index],
            self.tradable[index],
            screened.flagged[index],
            self.bounds_at(index),
            self.features[index],
            self.regime[index],
            self.digests[index],
            ask,
            total,
            None if bars.members is None else bars.members[index],
            None if bars.volume is None else bars.volume[index],
            bars.quotes_at(index),
        )


class MarketSide:
    """Panel, features and regimes of one universe.

    Parameters
    ----------
    needs
        Catalogue names of the features wanted.
    regimes, bars_per_year
        How regimes are told, and the annual scale of both.
    """

    def __init__(
        self, universe: Universe, needs: Sequence[str], regimes: RegimeSettings, bars_per_year: float
    ) -> None:
        n = len(universe)
        self._price_scale = universe.price_scale
        self.features = FeatureSet(needs, n, bars_per_year)
        self.panel = Panel(n, max(2, self.features.panel_window), universe.sector_codes)
        self.regimes = RegimeBank(regimes, bars_per_year)

    def use_machine_code(self) -> None:
        """Have :meth:`observe_block` done by kernels where there are some: the same bits in less time.

        Importing Numba and loading the first kernel cost about 0.4 s of processor time in a process, each further kernel
        3 ms; the first use on a machine compiles them, about a second each. May be called again.

        Raises
        ------
        UsageError
            When Numba is not installed.
        """
        self.features.use_machine_code()
        self.regimes.use_machine_code()

    @property
    def block_bars(self) -> int:
        """Bars worth working out at once: the arrays of a block stay small, whatever is asked of it."""
        rows = max(_LEAST_ROWS, len(self.features.names)) * self.panel.n_symbols
        return min(_MOST_BARS, max(_LEAST_BARS, _BLOCK_VALUES // rows))

    def observe(self, screened: ScreenedBars) -> Observed:
        """Take in one bar after the defence; one that was refused as a whole moves nothing here."""
        bars = screened.bars
        if not refused(screened):
            self.panel.push(screened)
            self.features.update(self.panel)
        if self.panel.count > 1:
            with np.errstate(invalid="ignore", divide="ignore"):
                self.regimes.update(np.log(self.panel.latest("close") / self.panel.ago("close", 1)))
        tradable = screened.quality == 0
        scaled = floats_to_scaled(screened.price, self._price_scale)
        return Observed(
            bars.ts,
            bars.seq,
            _session(bars.session, bars.ts),
            screened.price,
            scaled,
            screened.quality,
            tradable,
            bool(np.count_nonzero(tradable) < tradable.size),
            (int(scaled.min()), int(scaled.max())),
            _sealed(self.features.values),
            _sealed(self.regimes.probabilities),
            digest(bars),
            members=bars.members,
            volume=None if bars.volume is bars.open else bars.volume,
            quotes=bars.quotes,
        )

    def observe_block(self, block: ScreenedBlock) -> ObservedBlock:
        """Take in consecutive bars, none refused as a whole: bit for bit as :meth:`observe` of each."""
        panel, count = self.panel, len(block)
        panel.push_block(block)
        features = self.features.update_block(panel, count)
        known = count - (panel.count == count)
        close = panel.stretch("close", known, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            returns = close[1:] / close[:-1]
            np.log(returns, out=returns)
        before = self.regimes.probabilities
        regime = self.regimes.update_block(returns)
        if known < count:
            regime = np.concatenate((before[None], regime))
        scaled, bounds = rows_to_scaled(block.price, self._price_scale)
        scaled.flags.writeable = False
        bars, tradable = block.bars, block.quality == 0
        seen = _sealed(features), _sealed(regime)
        return ObservedBlock(block, scaled, tradable, bounds, *seen, bars.days, digests(bars))


def digest(bars: Bars) -> bytes:
    """Sixteen bytes of SHA-256 over a bar's time and arrays."""
    found = hashlib.sha256(bars.ts.to_bytes(8, "little"))
    found.update(np.ascontiguousarray(bars.close).data)
    if bars.high is not bars.low and not np.isnan(bars.high).all():
        for column in (bars.open, bars.high, bars.low, bars.volume):
            found.update(np.ascontiguousarray(column).data)
    if bars.macro is not None:
        found.update(np.ascontiguousarray(bars.macro).data)
    if bars.quotes is not None:
        for name in QUOTE_FIELDS:
            found.update(np.ascontiguousarray(getattr(bars.quotes, name)).data)
    if bars.members is not None:
        found.update(np.packbits(bars.members).data)
    return found.digest()[:16]


def digests(block: BarBlock) -> list[bytes]:
    """:func:`digest` of every bar of ``block``."""
    beside = (block.high, block.macro, block.quotes, block.members)
    if any(column is not None for column in beside):
        return [digest(block.at(index)) for index in range(len(block))]
    bars, n_symbols = block.close.shape
    rows: IntArray = np.empty((bars, 1 + n_symbols), dtype="<i8")
    rows[:, 0] = block.ts
    rows[:, 1:] = np.ascontiguousarray(block.close).view("<i8")
    each: list[bytes] = rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel().tolist()
    sha256 = hashlib.sha256
    return [sha256(row).digest()[:16] for row in each]


def _sealed(array: FloatArray) -> FloatArray:
    """``array`` for reading only: no strategy changes what the desk knows."""
    view = array.view()
    view.flags.writeable = False
    return view


def _session(session: int, ts: int) -> int:
    return session if session >= 0 else ts // NANOSECONDS_PER_DAY
