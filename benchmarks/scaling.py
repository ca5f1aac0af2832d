"""How the cost of a backtest grows with bars and with symbols, and whether its memory grows with history."""

from __future__ import annotations

import gc
import math
import tracemalloc

from benchmarks.markets import synthetic
from benchmarks.rows import Row
from benchmarks.sessions import WARMUP, backtest, chosen
from benchmarks.sma_cross import SmaCross
from tuiconsole.engine.build import make_session
from tuiconsole.store.batch_journal import BatchJournal

LINEAR = 1.1
"""Exponent of the cost in bars that still counts as linear, the noise of a shared machine included."""
SUB_LINEAR = 0.9
BOUNDED = 1.25
"""Peak memory of twice the bars over that of once the bars, at most."""


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    bars = (300, 600) if quick else (1_250, 2_500, 5_000)
    symbols = (10, 200) if quick else (10, 50, 200, 1_000)
    repeats = 1 if quick else 3
    rows, seconds = [], []
    for n_bars in bars:
        seconds.append(_cpu_s(100, n_bars, repeats))
        rows.append(_row(f"crossing averages, 100 symbols x {n_bars} bars", seconds[-1], n_bars, 100))
    rows.append(_growth("bars", bars, seconds, LINEAR))
    seconds = []
    for n_symbols in symbols:
        seconds.append(_cpu_s(n_symbols, bars[0], repeats))
        what = f"crossing averages, {n_symbols} symbols x {bars[0]} bars"
        rows.append(_row(what, seconds[-1], bars[0], n_symbols))
    rows.append(_growth("symbols", symbols, seconds, SUB_LINEAR))
    rows.append(_memory(bars[0]))
    return rows


def _cpu_s(n_symbols: int, n_bars: int, repeats: int) -> float:
    """Processor seconds of a backtest, the least of some."""
    tape = synthetic(n_symbols, n_bars + WARMUP)
    return min(backtest(tape, SmaCross(tape.universe)).cpu_s for _ in range(repeats))


def _row(what: str, cpu_s: float, n_bars: int, n_symbols: int) -> Row:
    return Row(
        what,
        1e6 * cpu_s / n_bars,
        "us/bar",
        note=f"{n_symbols * n_bars / cpu_s:,.0f} symbol-bars per CPU second",
    )


def _growth(axis: str, sizes: tuple[int, ...], seconds: list[float], budget: float) -> Row:
    exponent = math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])
    what = f"growth of the cost in {axis}, {sizes[0]:,} to {sizes[-1]:,}"
    return Row(what, exponent, "exponent", budget, note="1 = in proportion, 0 = not at all")


def _memory(n_bars: int) -> Row:
    """Peak of what the session allocates while it runs, for once and for twice the bars.

    The session alone: what a backtest keeps for its report (a few figures a bar, and its fills) grows with history.
    """
    once, twice = _peak_mb(n_bars), _peak_mb(2 * n_bars)
    return Row(
        what=f"peak memory of the desk, 50 symbols, {2 * n_bars} bars over {n_bars}",
        value=twice / once,
        unit="ratio",
        budget=BOUNDED,
        note=f"{once:.1f} and {twice:.1f} MB beside the tape",
    )


def _peak_mb(n_bars: int) -> float:
    tape = synthetic(50, n_bars + WARMUP)
    found = chosen(tape, SmaCross(tape.universe))
    session = make_session(found, BatchJournal(None))
    session.open(found.opened)
    gc.collect()
    tracemalloc.start()
    for steps in session.bars_ahead(len(tape)):
        for _ in steps:
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6
