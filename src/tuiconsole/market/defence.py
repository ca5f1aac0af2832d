"""The defence: every price is judged before anything else sees it.

Rules per symbol, the first that applies wins: no price (MISSING, or NEVER_SEEN before the first good one),
zero or negative (NOT_POSITIVE), open or close outside low and high (BAD_RANGE), a move or a wick beyond the
allowed (JUMP; SPLIT_LIKE when the move is near a usual split ratio), a price that has not changed for too long
(STALE), a bid above the ask (CROSSED). Rules for the whole bar: time before the
last one (TIME_REVERSED) or equal (DUPLICATE).

A close that jumps is remembered as a suspect. The next bar decides: near the suspect, the level is confirmed
and becomes the last good price; back near the old price, the suspect was a bad tick and is forgotten;
somewhere else, it becomes the new suspect, and after ``unconfirmed_bars`` such bars the next is accepted, so
there is never a deadlock.

The scale of a symbol is its mean absolute log-return between good prices, exponentially weighted; moves enter
it clipped at the jump limit (Huber, *Robust Statistics*, 1981, ch. 5: a bounded influence). The limit is
``max(minimum_jump, jump_deviations * scale)``. The scale starts at ``initial_deviation``, which is its
warm-up.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.machine_code import Kernel, machine_code
from tuiconsole.domain.market import BarBlock, Bars, Quality, ScreenedBars, ScreenedBlock
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.market.calm import CalmState, CalmStretch, calm_stretch, columns_of
from tuiconsole.market.compiled_calm import PARTS, Columns, calm_bars
from tuiconsole.market.settings import DefenceSettings

RANGE_TOLERANCE = 1e-6
"""Relative excess of open or close over the range that is taken for rounding: single precision rounds by
6e-8."""

_LEAST_REACH, _MOST_REACH = 16, 4096
"""Bars that are tried as one calm stretch after something suspicious; four times as many after each success, at most."""

SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 50.0)
"""New shares for one old, or old for one new, in splits that happen."""

SPLIT_TOLERANCE = 0.03
"""Largest log distance of a move from a split ratio: a split day has a return of its own."""

_LOG_RATIOS = np.log(np.array(SPLIT_RATIOS))
_KERNEL_FILE = Path(__file__).with_name("compiled_calm.py")
_ABSENT = (int(Quality.MISSING), int(Quality.NEVER_SEEN))
_BEFORE_ALL_TIME = -(2**62)
_ARRAYS = ("price", "log_price", "log_suspect", "deviation", "unchanged", "waiting")


def refused(screened: ScreenedBars) -> bool:
    """Whether the bar was quarantined as a whole: its time is a duplicate or runs backwards."""
    return bool(screened.quality[0] == Quality.DUPLICATE or screened.quality[0] == Quality.TIME_REVERSED)


class Defence:
    """Judges each cross-section and keeps the last good price of every symbol.

    Parameters
    ----------
    n_symbols
        Width of the universe, at least 1.
    settings
        Limits; see :class:`~tuiconsole.market.settings.DefenceSettings`.
    """

    def __init__(self, n_symbols: int, settings: DefenceSettings | None = None) -> None:
        self._settings = settings or DefenceSettings()
        self._rate = 1.0 / self._settings.memory_bars
        self._last_ts = _BEFORE_ALL_TIME
        self._price: FloatArray = np.full(n_symbols, np.nan)
        self._log_price: FloatArray = np.full(n_symbols, np.nan)
        self._log_suspect: FloatArray = np.full(n_symbols, np.nan)
        self._deviation: FloatArray = np.full(n_symbols, self._settings.initial_deviation)
        self._limit: FloatArray = np.empty(n_symbols)
        self._unchanged: IntArray = np.zeros(n_symbols, dtype=np.int64)
        self._waiting: IntArray = np.zeros(n_symbols, dtype=np.int64)
        self._any_waiting = False
        self._log_spare, self._scratch, self._other = (
            np.empty(n_symbols),
            np.empty(n_symbols),
            np.empty(n_symbols),
        )
        self._unchanged_spare = np.zeros(n_symbols, dtype=np.int64)
        self._kernel: Kernel | None = None
        self._reach = _LEAST_REACH
        self._verdicts = {q: _constant(n_symbols, q) for q in Quality}
        self._set_limit()

    def use_machine_code(self) -> None:
        """Have calm stretches judged by a kernel, with the same bits."""
        self._kernel = machine_code(calm_bars, PARTS, (_KERNEL_FILE,), "Verdicts in machine code")

    @np.errstate(all="ignore")
    def screen(self, bars: Bars) -> ScreenedBars:
        """Judge one bar and move the state on.

        Returns
        -------
        ScreenedBars
            ``price`` is safe to keep: it is never written again. It is NaN only where no good price was ever
            seen, and otherwise positive; it changes only where the verdict is GOOD.
        """
        if bars.ts <= self._last_ts:
            whole = Quality.DUPLICATE if bars.ts == self._last_ts else Quality.TIME_REVERSED
            return ScreenedBars(bars, self._price, self._verdicts[whole])
        self._last_ts = bars.ts
        if not self._any_waiting and self._all_good(bars):
            return ScreenedBars(bars, self._price, self._verdicts[Quality.GOOD])
        quality = self._judge(bars)
        return ScreenedBars(bars, self._price, quality)

    def screen_block(self, bars: BarBlock) -> ScreenedBlock:
        """Judge consecutive bars and move the state on, bit for bit as :meth:`screen` of each.

        Calm stretches are judged as a whole (:mod:`tuiconsole.market.calm`), everything else bar by bar. The
        block must be later than every bar before it: tapes are.
        """
        price: FloatArray = np.empty(bars.close.shape)
        quality: CodeArray = np.zeros(bars.close.shape, dtype=np.int8)
        count, done = len(bars), 0
        columns = None if self._kernel is None else columns_of(bars)
        while done < count:
            if not self._any_waiting and bars.ts[done] > self._last_ts:
                if self._kernel is None or columns is None:
                    done = self._stride(bars, done, price, quality)
                else:
                    done = self._walk(self._kernel, columns, bars.ts, done, price, quality)
                if done == count:
                    break
            screened = self.screen(bars.at(done))
            price[done], quality[done] = screened.price, screened.quality
            done += 1
        flagged: list[bool] = np.any(quality, axis=1).tolist()
        _read_only(price)
        return ScreenedBlock(bars, price, quality, flagged, not any(flagged))

    def _stride(self, bars: BarBlock, first: int, price: FloatArray, quality: CodeArray) -> int:
        """Judge bars from ``first`` on, some at a time, and move the state on; the first that is not calm."""
        count, done = len(bars), first
        while done < count:
            end = min(count, done + self._reach)
            calm = calm_stretch(bars, done, end, self._calm_state(), self._settings)
            self._take(bars, done, calm, price, quality)
            done += calm.bars
            if done < end:
                self._reach = max(_LEAST_REACH, 2 * calm.bars)
                break
            self._reach = min(_MOST_REACH, 4 * self._reach)
        return done

    def _walk(
        self,
        kernel: Kernel,
        columns: Columns,
        ts: list[int],
        first: int,
        price: FloatArray,
        quality: CodeArray,
    ) -> int:
        """:meth:`_stride` by the kernel."""
        limits = self._settings
        rules = (limits.jump_deviations, limits.minimum_jump, self._rate, limits.stale_bars)
        state = (self._price.copy(), self._log_price, self._deviation, self._unchanged)
        done: int = kernel(columns, first, state, rules, _ABSENT, price, quality)
        if done > first:
            self._last_ts = ts[done - 1]
            self._price = _read_only(state[0])
            self._set_limit()
        return done

    def _calm_state(self) -> CalmState:
        return CalmState(self._price, self._log_price, self._deviation, self._unchanged)

    def _take(
        self, bars: BarBlock, first: int, calm: CalmStretch, price: FloatArray, quality: CodeArray
    ) -> None:
        """Write what a calm stretch says into ``price`` and ``quality``, and move the state to its end."""
        if not calm.bars:
            return
        rows = slice(first, first + calm.bars)
        price[rows] = calm.price
        if calm.absent.any():
            missing = np.where(np.isnan(calm.price), Quality.NEVER_SEEN, Quality.MISSING)
            quality[rows] = np.where(calm.absent, missing, Quality.GOOD)
        self._last_ts = bars.ts[first + calm.bars - 1]
        self._price = _read_only(calm.after.price.copy())
        self._log_price, self._deviation = calm.after.log_price.copy(), calm.after.deviation.copy()
        self._unchanged = calm.after.unchanged.copy()
        self._set_limit()

    def _all_good(self, bars: Bars) -> bool:
        """The common case, in as few array operations as can be; False leaves the state as it was."""
        close = bars.close
        log, move, unchanged = self._log_spare, self._scratch, self._unchanged_spare
        np.log(close, out=log)
        np.subtract(log, self._log_price, out=move)
        np.abs(move, out=move)
        if not np.less_equal(move, self._limit).all():  # NaN and infinity fail here too
            return False
        if bars.high is not bars.low and not self._ranges_good(bars):
            return False
        if bars.quotes is not None and crossed(bars.quotes.bid, bars.quotes.ask).any():
            return False
        np.add(self._unchanged, 1, out=unchanged)
        np.multiply(unchanged, np.equal(close, self._price), out=unchanged)
        if unchanged.max() >= self._settings.stale_bars:
            return False
        np.subtract(move, self._deviation, out=move)
        np.multiply(move, self._rate, out=move)
        np.add(self._deviation, move, out=self._deviation)
        self._set_limit()
        self._log_price, self._log_spare = log, self._log_price
        self._unchanged, self._unchanged_spare = unchanged, self._unchanged
        self._price = _read_only(close.copy())
        return True

    def _ranges_good(self, bars: Bars) -> bool:
        """Sufficient, not necessary: ranges hold open and close and are narrower than the jump limit."""
        low, high, body = bars.low, bars.high, self._other
        np.minimum(bars.open, bars.close, out=body)
        inside = np.less_equal(low, body)
        np.maximum(bars.open, bars.close, out=body)
        inside &= np.less_equal(body, high)
        np.divide(high, low, out=body)  # high / low - 1 <= limit implies log(high / low) <= limit
        np.subtract(body, 1.0, out=body)
        inside &= np.less_equal(body, self._limit)
        inside &= np.greater(low, 0.0)
        return bool(inside.all())

    def _judge(self, bars: Bars) -> CodeArray:
        """Every rule on every symbol; returns the verdicts ``[n_symbols]``."""
        close, limit = bars.close, self._limit
        finite = np.isfinite(close)
        positive = finite & (close > 0.0)
        usable, wick = positive, np.zeros(len(close), dtype=np.bool_)
        quality = self._verdicts[Quality.GOOD].copy()
        if bars.high is not bars.low:
            positive, usable, wick = self._judge_ranges(bars, positive)
            quality[finite & positive & ~usable] = Quality.BAD_RANGE
        log = np.log(np.where(usable, close, 1.0))
        move = np.abs(log - self._log_price)
        jumped = usable & (move > limit)
        confirmed = jumped & (np.abs(log - self._log_suspect) <= limit)
        held = (jumped & ~confirmed) | (usable & ~jumped & wick)
        held &= self._waiting < self._settings.unconfirmed_bars
        same = usable & (close == self._price)
        unchanged = np.where(same, self._unchanged + 1, np.where(usable, 0, self._unchanged))
        stale = same & ~held & (unchanged >= self._settings.stale_bars)

        quality[stale] = Quality.STALE
        quality[held] = Quality.JUMP
        quality[held & jumped & split_like(move)] = Quality.SPLIT_LIKE
        if bars.quotes is not None:
            quality[crossed(bars.quotes.bid, bars.quotes.ask) & (quality == Quality.GOOD)] = Quality.CROSSED
        quality[finite & ~positive] = Quality.NOT_POSITIVE
        quality[~finite] = Quality.MISSING
        quality[~finite & np.isnan(self._price)] = Quality.NEVER_SEEN

        self._unchanged = unchanged
        self._waiting = np.where(held, self._waiting + 1, np.where(usable, 0, self._waiting))
        self._any_waiting = bool(self._waiting.any())
        self._log_suspect = np.where(held & jumped, log, np.where(usable, np.nan, self._log_suspect))
        self._accept(quality == Quality.GOOD, close, log, move)
        return quality

    def _judge_ranges(self, bars: Bars, positive: BoolArray) -> tuple[BoolArray, BoolArray, BoolArray]:
        """``(positive, usable, wick)`` in the light of open, high and low; NaN in them means no range."""
        low, high = bars.low, bars.high
        complete = np.isfinite(bars.open) & np.isfinite(high) & np.isfinite(low)
        bottom, top = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
        positive = positive & ~(complete & (np.minimum(bottom, np.minimum(low, high)) <= 0.0))
        outside = (low * (1.0 - RANGE_TOLERANCE) > bottom) | (top > high * (1.0 + RANGE_TOLERANCE))
        usable = positive & ~(complete & outside)
        reach = np.exp(self._limit)
        wick = usable & complete & ((high > top * reach) | (bottom > low * reach))
        return positive, usable, wick

    def _accept(self, good: BoolArray, close: FloatArray, log: FloatArray, move: FloatArray) -> None:
        """Make the good closes the last good prices and let their moves into the scale."""
        step = (np.minimum(move, self._limit) - self._deviation) * self._rate
        known = good & ~np.isnan(self._log_price)
        self._deviation = np.where(known, self._deviation + step, self._deviation)
        self._log_price = np.where(good, log, self._log_price)
        self._price = _read_only(np.where(good, close, self._price))
        self._set_limit()

    def _set_limit(self) -> None:
        np.multiply(self._deviation, self._settings.jump_deviations, out=self._limit)
        np.maximum(self._limit, self._settings.minimum_jump, out=self._limit)

    def state(self) -> dict[str, Any]:
        """Everything the next verdict depends on."""
        arrays: dict[str, Any] = {name: getattr(self, f"_{name}").copy() for name in _ARRAYS}
        return {"last_ts": self._last_ts, **arrays}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`, bit for bit."""
        self._last_ts = int(state["last_ts"])
        for name in _ARRAYS:
            setattr(self, f"_{name}", state[name].copy())
        _read_only(self._price)
        self._any_waiting = bool(self._waiting.any())
        self._set_limit()


def crossed(bid: FloatArray, ask: FloatArray) -> BoolArray:
    """Where the bid is above the ask; False where either is missing. A locked market (equal) is allowed."""
    found: BoolArray = bid > ask
    return found


def split_like(move: FloatArray) -> BoolArray:
    """Where an absolute log-return is within :data:`SPLIT_TOLERANCE` of a usual split ratio, bool ``[n_symbols]``.

    >>> split_like(np.abs(np.log(np.array([0.5, 0.145, 0.39, 1.2])))).tolist()
    [True, True, False, False]
    """
    found: BoolArray = (np.abs(move[:, None] - _LOG_RATIOS) <= SPLIT_TOLERANCE).any(axis=1)
    return found


def _constant(n_symbols: int, quality: Quality) -> CodeArray:
    verdict = np.full(n_symbols, quality, dtype=np.int8)
    verdict.flags.writeable = False
    return verdict


def _read_only(price: FloatArray) -> FloatArray:
    price.flags.writeable = False
    return price
