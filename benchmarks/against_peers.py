"""The same crossing averages in the desk and in its peers: same closes, same sizes, same number of trades, in turns.

All times are processor seconds of the run itself, data loaded and code compiled before. The desk does more in its time than any
of them: gate, exact ledger, order table, breakers, hashed journal.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.markets import synthetic
from benchmarks.peer_environments import PEERS, Peer
from benchmarks.rows import MeasurementFailed, Row
from benchmarks.sessions import CpuClock
from benchmarks.sma_cross import FAST, SLOW, FixedCross
from tuiconsole.domain.types import IntArray
from tuiconsole.engine.settings import Settings
from tuiconsole.market.tape import Tape
from tuiconsole.research.backtests import backtest

CAPITAL = 1_000_000.0
_UNIT = "symbol-bars/s"
_AIM = {200: 3_000_000.0, 1: None}
_TIMES = {
    (200, "nautilus"): 60.0,
    (200, "backtrader"): 150.0,
    (200, "vectorbt"): 0.5,
    (1, "nautilus"): 3.0,
}
_TRADES_DIFFER = 0.01


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report; quick runs measure the desk alone and peers that are installed already."""
    n_bars, repeats = (600, 1) if quick else (2_500, 3)
    rows: list[Row] = []
    for peer in PEERS if not quick else ():
        try:
            peer.install()
        except MeasurementFailed as error:
            rows.append(Row(peer.name, float("nan"), "", note=str(error)))
    for n_symbols in (200, 1):
        rows += _compare(n_symbols, n_bars, repeats)
    return rows


def _compare(n_symbols: int, n_bars: int, repeats: int) -> list[Row]:
    tape = synthetic(n_symbols, n_bars)
    size = np.maximum(1, 0.5 * CAPITAL / n_symbols / tape.close[0]).astype(np.int64)
    peers = [peer for peer in PEERS if peer.installed and (peer.many_symbols or n_symbols == 1)]
    desk: list[dict[str, Any]] = []
    others: dict[str, list[dict[str, Any]]] = {peer.script: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        np.savez(data, close=tape.close, ts=tape.ts, size=size)
        desk_run(tape, size)  # loads its machine code, as the peers load or make theirs before they are timed
        for turn in range(repeats):
            desk.append(desk_run(tape, size))
            for peer in peers:
                if turn == 0 or peer.script != "backtrader" or n_symbols == 1:
                    others[peer.script].append(peer.run(data, FAST, SLOW))
    cells = n_symbols * n_bars
    ours = cells / _median(desk)
    first = Row(
        what=f"crossing averages, {n_symbols} symbols x {n_bars} bars, this desk",
        value=ours,
        unit=_UNIT,
        budget=_AIM[n_symbols],
        at_least=True,
        note=f"{desk[0]['fills']} fills; gate + OMS + ledger + hashed journal",
    )
    return [first, *(_against(peer, others[peer.script], cells, ours, desk[0], n_symbols) for peer in peers)]


def _against(
    peer: Peer, runs: list[dict[str, Any]], cells: int, ours: float, desk: dict[str, Any], n_symbols: int
) -> Row:
    theirs = cells / _median(runs)
    fills = runs[0]["fills"]
    if abs(fills - desk["fills"]) > max(1.0, _TRADES_DIFFER * desk["fills"]):
        raise MeasurementFailed(f"{peer.name} traded {fills} times, the desk {desk['fills']} times")
    return Row(
        what=f"  times as fast as {peer.name}",
        value=ours / theirs,
        unit="x",
        budget=_TIMES.get((n_symbols, peer.script)),
        at_least=True,
        note=f"{theirs:,.0f} {_UNIT}; {fills} fills",
    )


def desk_run(tape: Tape, size: IntArray) -> dict[str, Any]:
    """One run of the desk with every limit computed and none in the way of this strategy."""
    base = Settings()
    risk = replace(
        base.risk,
        name_cap=1.0,
        gross_cap=10.0,
        net_cap=10.0,
        cash_reserve=0.0,
        order_notional_share=10.0,
        daily_loss=1.0,
        session_drawdown=1.0,
        month_drawdown=1.0,
        drawdown=1.0,
    )
    settings = replace(
        base,
        engine=replace(base.engine, capital=CAPITAL, machine_code="always"),
        feed=replace(base.feed, start="", warmup_bars=0),
        risk=risk,
    )
    policy = FixedCross(tape.universe, size)
    result = backtest(settings, tape, CpuClock(), policy=policy).result
    if result.halts or result.refused:
        raise MeasurementFailed(f"the desk stopped {result.halts} times and refused {result.refused} orders")
    return {"seconds": result.seconds, "fills": result.fills, "equity": result.final_equity}


def _median(runs: list[dict[str, Any]]) -> float:
    return statistics.median(run["seconds"] for run in runs)
