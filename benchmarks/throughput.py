"""How many symbol-bars a second the whole desk handles, against a bare loop that only marks prices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmarks.markets import synthetic
from tuiconsole.domain.clock import WallClock
from tuiconsole.engine.backtest import BacktestResult, OrderHash, run_backtest
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.settings import Settings
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal

WARMUP = 300


def desk(tape: Tape, warmup: int = WARMUP) -> BacktestResult:
    """One backtest of the default five-agent desk, hashed journal included."""
    base = Settings()
    settings = replace(base, feed=replace(base.feed, start="", warmup_bars=0))
    chosen = plan(settings, tape, "backtest")
    chosen = replace(chosen, start=warmup, warmup=0)
    sink = OrderHash(BatchJournal(None))
    session = make_session(chosen, sink)
    session.open(chosen.opened)
    return run_backtest(session, sink, WallClock(), settings.risk.cool_down_bars)


def bare_loop(tape: Tape) -> float:
    """Seconds to walk the same tape and mark one position per symbol: the floor under any event loop in numpy."""
    clock = WallClock()
    quantity = np.ones(len(tape.universe))
    cash = equity = 0.0
    began = clock.monotonic_ns()
    for i in range(len(tape)):
        equity = cash + float(quantity @ tape.bars(i).close)
    cash += equity
    return (clock.monotonic_ns() - began) / 1e9


def measure() -> list[dict[str, object]]:
    """Rows of the report."""
    rows: list[dict[str, object]] = []
    for n_symbols, n_bars, aim in ((200, 2_800, 300_000), (20, 2_800, None), (1, 5_300, None)):
        tape = synthetic(n_symbols, n_bars)
        result = desk(tape)
        floor = bare_loop(tape) / len(tape)
        rows.append(
            {
                "what": f"five-agent desk, {n_symbols} symbols x {result.bars} bars",
                "value": round(result.symbol_bars_per_s),
                "unit": "symbol-bars/s",
                "aim": aim,
                "against": "bare marking loop, time per bar",
                "ratio": round(result.seconds / result.bars / floor, 1),
                "note": f"{result.orders} orders, {result.last_tenth_orders} in the last tenth, "
                f"{result.halts} halts, {1e6 * result.seconds / result.bars:.0f} us/bar",
            }
        )
    return rows
