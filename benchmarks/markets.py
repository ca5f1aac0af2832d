"""Synthetic markets of any size, seeded, for measuring."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, iso
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.rng import generator
from tuiconsole.market.tape import Tape

FIRST_DAY = 7_000


def synthetic(n_symbols: int, n_bars: int, seed: int = 11) -> Tape:
    """One-factor daily closes with drift; volatility near that of large US stocks."""
    rng = generator(seed, "benchmark market")
    beta = rng.uniform(0.6, 1.4, n_symbols)
    market = rng.normal(0.0004, 0.008, (n_bars, 1))
    returns = market * beta + rng.normal(0.0, 0.012, (n_bars, n_symbols))
    close = np.round(60.0 * np.exp(np.cumsum(returns, axis=0)), 4)
    ts = (FIRST_DAY + np.arange(n_bars)) * NANOSECONDS_PER_DAY + 21 * 3_600_000_000_000
    names = tuple(f"S{i:04d}" for i in range(n_symbols))
    return Tape(name=f"SYN-{n_symbols}", source="synthetic", universe=Universe.of(names), ts=ts, close=close)


def write_parquet(tape: Tape, path: Path) -> None:
    """``tape`` as the desk reads it from a file: one row per bar and symbol."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n_bars, n_symbols = tape.close.shape
    close = tape.close.ravel()
    columns = {
        "ts": pa.array(np.repeat(tape.ts, n_symbols), pa.timestamp("ns", tz="UTC")),
        "symbol": pa.array(list(tape.universe.symbols) * n_bars),
        **dict.fromkeys(("open", "high", "low", "close"), close),
        "volume": np.full(close.shape, 1e7),
    }
    pq.write_table(pa.table(columns), path)


def start_of(tape: Tape, index: int) -> str:
    """The day of bar ``index``, as ``--start`` takes it."""
    return iso(int(tape.ts[index]))[:10]


def long_market(n_symbols: int, n_bars: int, seed: int = 12) -> Tape:
    """Closes that keep coming back to their level, so that a market of any length stays tradable; eight bars a day."""
    rng = generator(seed, "long market")
    pull, step = 0.002, NANOSECONDS_PER_DAY // 8
    common = rng.normal(0.0, 0.004, (n_bars, 1))
    moves = common + rng.normal(0.0, 0.006, (n_bars, n_symbols))
    level = np.zeros(n_symbols)
    for i in range(n_bars):
        level = (1.0 - pull) * level + moves[i]
        moves[i] = level
    ts = FIRST_DAY * NANOSECONDS_PER_DAY + step * np.arange(1, n_bars + 1)
    names = tuple(f"L{i:04d}" for i in range(n_symbols))
    close = np.round(60.0 * np.exp(moves), 4)
    return Tape(name=f"LONG-{n_symbols}", source="synthetic", universe=Universe.of(names), ts=ts, close=close)
