"""All listed features of 200 symbols: the time of one streamed bar, values per second in blocks, and TA-Lib beside it."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.markets import synthetic
from benchmarks.rows import Row
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.market import BarBlock, ScreenedBlock
from tuiconsole.domain.rng import generator
from tuiconsole.features.catalogue import listed
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel

STREAM_US = 1_000.0
BATCH_PER_S = 100e6
N_SYMBOLS = 200
WARM = 300
BLOCK = 64
"""Bars that a backtest hands over at once."""

Columns = dict[str, np.ndarray]
PEER: dict[str, Callable[[Any, Columns], Any]] = {
    "rolling_mean_20": lambda ta, x: ta.SMA(x["close"], 20),
    "ema_20": lambda ta, x: ta.EMA(x["close"], 20),
    "wma_20": lambda ta, x: ta.WMA(x["close"], 20),
    "dema_20": lambda ta, x: ta.DEMA(x["close"], 20),
    "tema_20": lambda ta, x: ta.TEMA(x["close"], 20),
    "kama_10": lambda ta, x: ta.KAMA(x["close"], 10),
    "macd_histogram_12_26_9": lambda ta, x: ta.MACD(x["close"], 12, 26, 9),
    "rolling_std_20": lambda ta, x: ta.STDDEV(x["close"], 20),
    "rsi_14": lambda ta, x: ta.RSI(x["close"], 14),
    "rate_of_change_10": lambda ta, x: ta.ROC(x["close"], 10),
    "trix_15": lambda ta, x: ta.TRIX(x["close"], 15),
    "natr_14": lambda ta, x: ta.NATR(x["high"], x["low"], x["close"], 14),
    "adx_14": lambda ta, x: ta.ADX(x["high"], x["low"], x["close"], 14),
    "plus_di_14": lambda ta, x: ta.PLUS_DI(x["high"], x["low"], x["close"], 14),
    "minus_di_14": lambda ta, x: ta.MINUS_DI(x["high"], x["low"], x["close"], 14),
    "cci_20": lambda ta, x: ta.CCI(x["high"], x["low"], x["close"], 20),
    "williams_r_14": lambda ta, x: ta.WILLR(x["high"], x["low"], x["close"], 14),
    "stochastic_d_14_3_3": lambda ta, x: ta.STOCH(x["high"], x["low"], x["close"], 14, 3, 0, 3, 0),
    "aroon_oscillator_14": lambda ta, x: ta.AROONOSC(x["high"], x["low"], 14),
    "ultimate_oscillator_7_14_28": lambda ta, x: ta.ULTOSC(x["high"], x["low"], x["close"], 7, 14, 28),
    "parabolic_sar_distance_2_20": lambda ta, x: ta.SAR(x["high"], x["low"], 0.02, 0.2),
    "mfi_14": lambda ta, x: ta.MFI(x["high"], x["low"], x["close"], x["volume"], 14),
    "obv": lambda ta, x: ta.OBV(x["close"], x["volume"]),
    "accumulation": lambda ta, x: ta.AD(x["high"], x["low"], x["close"], x["volume"]),
    "chaikin_oscillator_3_10": lambda ta, x: ta.ADOSC(x["high"], x["low"], x["close"], x["volume"], 3, 10),
}
"""What TA-Lib computes as well, name by name."""


def market(n_bars: int) -> tuple[Columns, ScreenedBlock]:
    """Bars with ranges, volume, quotes and macro series: every feature has what it needs."""
    tape = synthetic(N_SYMBOLS, n_bars)
    close, rng = tape.close, generator(3, "benchmark features")
    open_ = close * np.exp(rng.normal(0.0, 0.004, close.shape))
    reach = np.exp(np.abs(rng.normal(0.0, 0.005, (2, *close.shape))))
    columns = {
        "open": open_,
        "high": np.maximum(open_, close) * reach[0],
        "low": np.minimum(open_, close) / reach[1],
        "close": close,
        "volume": np.round(1e6 * np.exp(rng.normal(0.0, 0.4, close.shape))),
    }
    half, size = close * 2e-4, np.exp(rng.normal(6.0, 0.5, (6, *close.shape)))
    macro = np.linspace(2.0, 60.0, len(MACRO_SERIES)) * np.exp(
        np.cumsum(rng.normal(0.0, 0.01, (n_bars, len(MACRO_SERIES))), axis=0)
    )
    bars = BarBlock(
        seq=0,
        ts=[int(ts) for ts in tape.ts],
        session=[-1] * n_bars,
        nothing=np.full(N_SYMBOLS, np.nan),
        macro=macro,
        quotes=BarQuotes(close - half, close + half, *size),
        **columns,
    )
    quality = np.zeros(close.shape, dtype=np.int8)
    return columns, ScreenedBlock(bars, close, quality, [False] * n_bars, True)


def part(block: ScreenedBlock, first: int, end: int) -> ScreenedBlock:
    """Some of the bars."""
    rows, bars = slice(first, end), block.bars
    names = ("close", "open", "high", "low", "volume", "macro")
    quotes = (
        None
        if bars.quotes is None
        else BarQuotes(*(getattr(bars.quotes, name)[rows] for name in QUOTE_FIELDS))
    )
    some = BarBlock(
        seq=first,
        ts=bars.ts[rows],
        session=bars.session[rows],
        nothing=bars.nothing,
        quotes=quotes,
        **{name: getattr(bars, name)[rows] for name in names},
    )
    return ScreenedBlock(some, block.price[rows], block.quality[rows], block.flagged[rows], True)


def streamed(names: tuple[str, ...], block: ScreenedBlock, share: int) -> float:
    """Processor seconds per bar, one bar at a time: the best of stretches of ``share`` bars after the warm-up."""
    features, panel = _ready(names)
    panel.push_block(part(block, 0, WARM))
    features.update_block(panel, WARM)
    best, bars = float("inf"), [block.at(i) for i in range(WARM, len(block))]
    for first in range(0, len(bars) - share + 1, share):
        began = time.process_time_ns()
        for bar in bars[first : first + share]:
            panel.push(bar)
            features.update(panel)
        best = min(best, (time.process_time_ns() - began) / 1e9 / share)
    return best


def blockwise(names: tuple[str, ...], block: ScreenedBlock) -> float:
    """Processor seconds per bar in blocks, the best of the blocks after the warm-up."""
    features, panel = _ready(names)
    best = float("inf")
    for first in range(0, len(block) - BLOCK + 1, BLOCK):
        some = part(block, first, first + BLOCK)
        began = time.process_time_ns()
        panel.push_block(some)
        features.update_block(panel, BLOCK)
        if first >= WARM:
            best = min(best, (time.process_time_ns() - began) / 1e9 / BLOCK)
    return best


def _ready(names: tuple[str, ...]) -> tuple[FeatureSet, Panel]:
    features = FeatureSet(names, N_SYMBOLS)
    return features, Panel(N_SYMBOLS, features.panel_window, np.arange(N_SYMBOLS) % 11)


def talib_batch(columns: Columns) -> float:
    """Processor seconds per bar that TA-Lib takes for its part, symbol by symbol over the whole history."""
    talib = importlib.import_module("talib")
    each = [{name: np.ascontiguousarray(x[:, i]) for name, x in columns.items()} for i in range(N_SYMBOLS)]
    began = time.process_time_ns()
    for one in each:
        for function in PEER.values():
            function(talib, one)
    return (time.process_time_ns() - began) / 1e9 / len(columns["close"])


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    columns, block = market(WARM + (512 if quick else 1_500))
    names = listed()
    seconds = streamed(names, block, 100)
    values = len(names) * N_SYMBOLS / blockwise(names, block)
    what = f"{len(names)} features x {N_SYMBOLS} symbols"
    rows = [
        Row(
            f"{what}, one streamed bar",
            1e6 * seconds,
            "us/bar",
            STREAM_US,
            note="processor time, best of 100 bars",
        ),
        Row(
            f"{what}, in blocks of {BLOCK} bars",
            values,
            "feature values/s",
            BATCH_PER_S,
            at_least=True,
            note="per second of processor time",
        ),
    ]
    if importlib.util.find_spec("talib") is not None:
        subset = tuple(PEER)
        peer = len(PEER) * N_SYMBOLS / talib_batch(columns)
        ours = len(PEER) * N_SYMBOLS / blockwise(subset, block)
        rows += [
            Row(
                f"{len(PEER)} features that TA-Lib has, in blocks of {BLOCK} bars",
                ours,
                "feature values/s",
                ratio=ours / peer,
                against="TA-Lib below",
                note="causal, with gaps and restarts",
            ),
            Row(
                "the same by TA-Lib",
                peer,
                "feature values/s",
                note="compiled, each symbol's whole history at once",
            ),
        ]
    return rows
