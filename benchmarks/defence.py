"""What the defence catches and what it wrongly holds back: faults put into real prices, and the prices as they are.

The packaged closes are always there; where the shared real files stand beside the repository, daily OHLCV of 172 names and
five-minute bars are measured too. The Hampel filter, which knows the future, is the peer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.rows import Row
from tuiconsole.analytics.hampel import hampel
from tuiconsole.domain.market import Bars, Quality
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray
from tuiconsole.market.defence import Defence
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.tabular import read_tape
from tuiconsole.market.tape import Tape

SHARED = Path(__file__).resolve().parent.parent / ".." / "shared" / "data"
_FILES = (("daily OHLCV", "us_daily_ohlcv.parquet", 0), ("5-minute OHLCV", "us_5min.parquet", 300))
_HELD = (Quality.JUMP, Quality.SPLIT_LIKE)
_WARM, _EVERY = 300, 97


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    tapes = [("packaged daily closes", packaged_tape())]
    if not quick:
        tapes += [
            (name, read_tape(SHARED / file, "America/New_York", seconds))
            for name, file, seconds in _FILES
            if (SHARED / file).exists()
        ]
    rows: list[Row] = []
    for name, tape in tapes:
        rows += _false_alarms(name, tape)
        rows += [_detected(name, tape, fault, put) for fault, put in _FAULTS.items()]
    rows.append(_out_of_time(tapes[0][1]))
    return rows


def judge(tape: Tape) -> CodeArray:
    """Verdicts ``[n_bars, n_symbols]`` of the defence over a whole tape."""
    defence = Defence(len(tape.universe))
    quality = [
        defence.screen_block(tape.block(i, min(len(tape), i + 512))).quality for i in range(0, len(tape), 512)
    ]
    return np.concatenate(quality)


def _false_alarms(name: str, tape: Tape) -> list[Row]:
    """Prices held although the next bar confirmed them, and what a Hampel filter would have struck out."""
    quality = judge(tape)
    known = np.isfinite(tape.close)
    held = np.isin(quality, _HELD)
    confirmed = held[:-1] & ~held[1:] & (_distance(tape.close) < 0.5)
    bars = int(np.count_nonzero(known))
    ours = 1e6 * np.count_nonzero(confirmed) / bars
    struck = sum(_hampel_alarms(tape.close[:, column]) for column in range(len(tape.universe)))
    return [
        Row(
            f"{name}: real prices held for a bar",
            ours,
            "per million",
            budget=500.0,
            ratio=ours / max(1e6 * struck / bars, 1e-9),
            against="what a Hampel filter (3 bars, 3 deviations) strikes out",
            note=f"{np.count_nonzero(held)} held in {bars:,} prices, {np.count_nonzero(confirmed)} of them confirmed",
        )
    ]


def _distance(close: FloatArray) -> FloatArray:
    """How far the next close is from this one, as a share of the way back to the one before; 0 = stays, 1 = goes back."""
    with np.errstate(all="ignore"):
        log = np.log(close)
        found = np.full((len(close) - 1, close.shape[1]), np.nan)
        found[1:] = np.abs(log[2:] - log[1:-1]) / np.abs(log[1:-1] - log[:-2])
    return found


def _hampel_alarms(close: FloatArray) -> int:
    known = close[np.isfinite(close) & (close > 0.0)]
    return int(np.count_nonzero(hampel(np.log(known), 3, 3.0)[0])) if len(known) else 0


def _places(tape: Tape) -> tuple[BoolArray, int]:
    """Where faults are put: one symbol at every 97th bar that has a price before and after."""
    rng = generator(5, "faults")
    chosen: BoolArray = np.zeros(tape.close.shape, dtype=np.bool_)
    rows = np.arange(_WARM, len(tape) - 2, _EVERY)
    chosen[rows, rng.integers(0, len(tape.universe), len(rows))] = True
    known = np.isfinite(tape.close)
    chosen[1:-1] &= known[:-2] & known[1:-1] & known[2:]
    return chosen, int(np.count_nonzero(chosen))


Fault = Callable[[Tape, BoolArray], Tape]


def _times(factor: float) -> Fault:
    def put(tape: Tape, at: BoolArray) -> Tape:
        columns = {
            name: np.where(at, values * factor, values)
            for name in ("open", "high", "low", "close")
            if (values := getattr(tape, name)) is not None
        }
        return replace(tape, **columns)

    return put


def _close_becomes(value: float) -> Fault:
    return lambda tape, at: replace(tape, close=np.where(at, value, tape.close))


def _high_below_low(tape: Tape, at: BoolArray) -> Tape:
    if not tape.has_ranges or tape.high is None:
        close = tape.close
        return replace(tape, open=close, low=close, high=np.where(at, 0.98 * close, close))
    return replace(tape, high=np.where(at, 0.9 * tape.close, tape.high))


_FAULTS: dict[str, Fault] = {
    "decimal slip, x 10": _times(10.0),
    "decimal slip, / 100": _times(0.01),
    "spike of 20 %": _times(1.2),
    "spike of -20 %": _times(0.8),
    "unadjusted split, / 2": _times(0.5),
    "zero": _close_becomes(0.0),
    "negative": _close_becomes(-1.0),
    "missing": _close_becomes(float("nan")),
    "high below close": _high_below_low,
}


def _detected(name: str, tape: Tape, fault: str, put: Fault) -> Row:
    at, count = _places(tape)
    quality = judge(put(tape, at))
    caught = 100.0 * np.count_nonzero(quality[at] != Quality.GOOD) / count
    hard = fault in ("spike of 20 %", "spike of -20 %")
    return Row(
        f"{name}: {fault}, caught",
        caught,
        "%",
        budget=None if hard else 95.0,
        at_least=True,
        note=f"{count} faults; a name whose days often move that much has such days"
        if hard
        else f"{count} faults",
    )


def _out_of_time(tape: Tape) -> Row:
    """Bars again, and bars of the past, in between the good ones."""
    defence, wrong, told = Defence(len(tape.universe)), 0, 0
    for index in range(600):
        defence.screen(tape.bars(index))
        if index % 3 == 2:
            past = tape.bars(index if index % 2 else index - 1)
            verdict = defence.screen(
                Bars(past.ts, index, past.open, past.high, past.low, past.close, past.volume)
            )
            told += 1
            wrong += int((verdict.quality < Quality.DUPLICATE).any())
    return Row("duplicate and reversed times, caught", 100.0 * (told - wrong) / told, "%", 100.0, True)
