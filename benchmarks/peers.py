"""Simpler programs that walk the same tape: what the desk's speed is held against."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.sma_cross import FAST, NAME_CAP, SLOW, share_of
from tuiconsole.domain.clock import WallClock
from tuiconsole.market.tape import Tape


def bare_loop(tape: Tape) -> float:
    """Seconds to walk ``tape`` and mark one position per symbol: the floor under any event loop in numpy."""
    clock = WallClock()
    quantity = np.ones(len(tape.universe))
    equity = 0.0
    began = clock.monotonic_ns()
    for i in range(len(tape)):
        equity += float(quantity @ tape.bars(i).close)
    return (clock.monotonic_ns() - began) / 1e9


@dataclass(slots=True)
class _Symbol:
    """What a per-symbol event loop keeps of one symbol."""

    name: str
    fast: deque[float] = field(default_factory=deque)
    slow: deque[float] = field(default_factory=deque)
    fast_sum: float = 0.0
    slow_sum: float = 0.0
    price: float = 0.0
    quantity: int = 0
    long: bool = False

    def crossed(self, price: float) -> bool:
        """Take in one close; whether fast and slow average changed places."""
        self.price = price
        self.fast.append(price)
        self.slow.append(price)
        self.fast_sum += price
        self.slow_sum += price
        if len(self.fast) > FAST:
            self.fast_sum -= self.fast.popleft()
        if len(self.slow) > SLOW:
            self.slow_sum -= self.slow.popleft()
        if len(self.slow) < SLOW:
            return False
        before, self.long = self.long, self.fast_sum / FAST > self.slow_sum / SLOW
        return self.long != before


@dataclass(frozen=True, slots=True)
class _Bar:
    """One event of a per-symbol loop."""

    ts: int
    symbol: _Symbol
    close: float


def plain_loop(tape: Tape) -> float:
    """Seconds for the crossing averages in a plain per-symbol event loop of Python objects.

    One event per symbol and bar; float money; orders checked against a name cap and cash, filled at the next close
    with one basis point of costs; one hashed line of JSON per bar. Less than the desk does, the usual way.
    """
    clock, chain = WallClock(), hashlib.sha256()
    closes: list[list[float]] = tape.close.tolist()
    times: list[int] = tape.ts.tolist()
    symbols = [_Symbol(name) for name in tape.universe.symbols]
    share = share_of(len(symbols))
    cash = equity = 100_000.0
    orders: list[tuple[_Symbol, int]] = []
    began = clock.monotonic_ns()
    for ts, row in zip(times, closes, strict=True):
        crossing = []
        for bar in [_Bar(ts, symbol, close) for symbol, close in zip(symbols, row, strict=True)]:
            if bar.symbol.crossed(bar.close):
                crossing.append(bar.symbol)
        for symbol, quantity in orders:
            cash -= quantity * symbol.price + abs(quantity) * symbol.price * 1e-4
            symbol.quantity += quantity
        equity = cash + sum(symbol.quantity * symbol.price for symbol in symbols)
        orders, free = [], cash
        for symbol in crossing:
            target = int(share * equity / symbol.price) if symbol.long else 0
            cost = (target - symbol.quantity) * symbol.price
            if cost and abs(target * symbol.price) <= NAME_CAP * equity and cost <= free:
                orders.append((symbol, target - symbol.quantity))
                free -= max(cost, 0.0)
        sent = [(symbol.name, quantity) for symbol, quantity in orders]
        chain.update(json.dumps({"ts": ts, "equity": equity, "cash": cash, "orders": sent}).encode())
    return (clock.monotonic_ns() - began) / 1e9


def has_backtrader() -> bool:
    """Whether the package ``backtrader`` is there; it is never needed."""
    return importlib.util.find_spec("backtrader") is not None


def backtrader_loop(tape: Tape) -> float:
    """Seconds that ``backtrader`` takes for the crossing averages on ``tape``, its data already loaded."""
    import pandas as pd

    bt: Any = importlib.import_module("backtrader")
    feeds: Any = importlib.import_module("backtrader.feeds")

    class Cross(bt.Strategy):  # type: ignore[misc]
        def __init__(self) -> None:
            self.crossings = [
                bt.ind.CrossOver(bt.ind.SMA(data, period=FAST), bt.ind.SMA(data, period=SLOW))
                for data in self.datas
            ]

        def next(self) -> None:
            share = share_of(len(self.datas))
            for data, crossing in zip(self.datas, self.crossings, strict=True):
                if crossing[0]:
                    self.order_target_percent(data, target=share if crossing[0] > 0 else 0.0)

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.addstrategy(Cross)
    cerebro.broker.setcash(100_000.0)
    index = pd.to_datetime(tape.ts)
    for i, name in enumerate(tape.universe.symbols):
        close = tape.close[:, i]
        columns = dict.fromkeys(("open", "high", "low", "close"), close)
        frame = pd.DataFrame({**columns, "volume": np.zeros(len(close))}, index=index)
        cerebro.adddata(feeds.PandasData(dataname=frame), name=name)
    clock = WallClock()
    began = clock.monotonic_ns()
    cerebro.run()
    return (clock.monotonic_ns() - began) / 1e9
