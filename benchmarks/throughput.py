"""How many symbol-bars a second of one core the whole desk handles, with and without agents, against simpler programs."""

from __future__ import annotations

from benchmarks.markets import synthetic
from benchmarks.peers import backtrader_loop, bare_loop, has_backtrader, plain_loop
from benchmarks.rows import MeasurementFailed, Row
from benchmarks.sessions import WARMUP, Timed, backtest, median_of
from benchmarks.sma_cross import SmaCross
from tuiconsole.market.tape import Tape

DESK = 500_000.0
"""Five agents on 200 symbols, symbol-bars a second on one core."""
CORE = {200: 3_000_000.0, 1: 130_000.0}
"""The core alone under a strategy of ten lines, by symbols; ordinary bars by machine code."""
STEP = 1_000_000.0
"""The same on 200 symbols, asked bar by bar as a live desk asks."""
_UNIT = "symbol-bars/s"


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    n_bars, repeats = (600, 1) if quick else (2_500, 3)
    rows: list[Row] = []
    for n_symbols in (200, 20, 1):
        tape = synthetic(n_symbols, n_bars + WARMUP)
        floor = bare_loop(tape) / len(tape)
        run = median_of([backtest(tape) for _ in range(repeats if n_symbols > 20 else 1)])
        rows.append(_desk(run, floor, DESK if n_symbols == 200 else None))
        if n_symbols != 20:
            rows += _without_agents(tape, repeats)
    return rows


def _desk(run: Timed, floor: float, aim: float | None) -> Row:
    result = run.result
    return Row(
        what=f"five-agent desk, {result.symbols} symbols x {result.bars} bars",
        value=run.per_cpu_s,
        unit=_UNIT,
        budget=aim,
        at_least=aim is not None,
        ratio=run.cpu_s / result.bars / floor,
        against="the time per bar of a bare marking loop",
        note=f"{run.cpu_us_per_bar:.0f} us/bar; {result.orders} orders, "
        f"{result.last_tenth_orders} in the last tenth, {result.halts} halts",
    )


def _without_agents(tape: Tape, repeats: int) -> list[Row]:
    """The core alone under a strategy of ten lines, and the same strategy in simpler programs."""

    def timed(together: bool) -> Timed:
        backtest(tape, SmaCross(tape.universe), together=together)
        return median_of([backtest(tape, SmaCross(tape.universe), together=together) for _ in range(repeats)])

    run, slow = timed(together=True), timed(together=False)
    if run.result.journal_head != slow.result.journal_head:
        raise MeasurementFailed("machine code left another journal than the desk bar by bar")
    result, n = run.result, len(tape.universe)
    cells = n * len(tape)
    plain = cells / plain_loop(tape)
    rows = [
        Row(
            what=f"crossing averages, {n} symbols, gate + OMS + ledger + journal",
            value=run.per_cpu_s,
            unit=_UNIT,
            budget=CORE[n],
            at_least=True,
            ratio=run.per_cpu_s / plain,
            against="the plain Python loop below",
            note=f"{run.cpu_us_per_bar:.1f} us/bar; {result.orders} orders",
        ),
        Row(
            f"crossing averages, {n} symbols, bar by bar as live",
            slow.per_cpu_s,
            _UNIT,
            budget=STEP if n == 200 else None,
            at_least=True,
            ratio=slow.per_cpu_s / run.per_cpu_s,
            against="the row above",
            note=f"{slow.cpu_us_per_bar:.0f} us/bar; the same journal, byte for byte",
        ),
        Row(
            f"crossing averages, {n} symbols, plain Python loop",
            plain,
            _UNIT,
            note="objects per symbol, float money, a hashed line per bar",
        ),
    ]
    if has_backtrader():
        peer = cells / backtrader_loop(tape)
        ratio, against = peer / run.per_cpu_s, "the desk's pace above"
        rows.append(
            Row(f"crossing averages, {n} symbols, backtrader", peer, _UNIT, ratio=ratio, against=against)
        )
    return rows
