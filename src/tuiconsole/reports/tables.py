"""The tables of a report as rows of numbers, from a run alone; what terminal and HTML both show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.drawdowns import episodes
from tuiconsole.analytics.executions import BENCHMARKS, slippage_bps
from tuiconsole.analytics.measures import LEAST_BARS
from tuiconsole.analytics.named_periods import PeriodKind, results_by_period
from tuiconsole.analytics.trades import RoundTrips, holding_bars, round_trips
from tuiconsole.domain.clock import iso
from tuiconsole.reports.figures import MISSING, write
from tuiconsole.reports.run import Run

LEVELS = ("running", "paused", "halted", "killed")


@dataclass(frozen=True, slots=True)
class Fall:
    """One drawdown with its dates; ``recovery`` is None while under water, ``bars`` counts from peak to trough."""

    depth: float
    peak: str
    trough: str
    recovery: str | None
    bars: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One round trip; money in currency units, after all costs."""

    symbol: str
    opened: str
    closed: str
    quantity: float
    entry: float
    exit: float
    profit: float
    bars: int


@dataclass(frozen=True, slots=True)
class Cost:
    """Money paid of one kind; ``basis_points`` of all that was traded, ``annual`` as a share of mean equity per year."""

    kind: str
    money: float
    basis_points: float
    annual: float


@dataclass(frozen=True, slots=True)
class Effect:
    """One part of the implementation shortfall; ``basis_points`` of what was to be traded, at the decisions' prices."""

    kind: str
    money: float
    basis_points: float


@dataclass(frozen=True, slots=True)
class Against:
    """Mean slippage of all fills against a benchmark price, basis points; NaN where the data carry no such price."""

    benchmark: str
    basis_points: float


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """Results within one named period, as text; annual figures are missing where there are too few bars."""

    name: str
    first: str
    last: str
    bars: str
    total: str
    volatility: str
    sharpe: str
    drawdown: str


PERIOD_TITLES: Mapping[PeriodKind, str] = {
    "in-sample": "Periods declared in-sample",
    "out-of-sample": "Periods declared out-of-sample",
    "stress": "Periods of stress",
}
"""One table for each kind: what was chosen on and what was kept apart never stand in the same one."""


def periods(run: Run) -> dict[PeriodKind, list[PeriodRow]]:
    """Results by the named periods that the run has bars of, a list for each kind that occurs."""
    found: dict[PeriodKind, list[PeriodRow]] = {}
    equity = run.track.equity
    if not len(equity) or not (equity > 0.0).all():
        return found
    for part in results_by_period(run.track.ts, equity, run.capital, run.periods, run.bars_per_year):
        if not part.bars:
            continue
        rows = part.period.rows(run.track.ts)
        enough = part.bars >= LEAST_BARS
        found.setdefault(part.period.kind, []).append(
            PeriodRow(
                part.period.name,
                day(int(run.track.ts[rows.start])),
                day(int(run.track.ts[rows.stop - 1])),
                f"{part.bars:,}",
                write(part.total_return, "share"),
                write(part.volatility, "share") if enough else MISSING,
                write(part.sharpe, "ratio") if enough and np.isfinite(part.sharpe) else MISSING,
                f"-{write(part.max_drawdown, 'share')}",
            )
        )
    return {kind: found[kind] for kind in PERIOD_TITLES if kind in found}


def day(ts: int) -> str:
    """Date of a bar that ends at ``ts``; one that ends at midnight closes its day."""
    return iso(ts - 1)[:10]


def falls(run: Run, count: int = 5) -> list[Fall]:
    """The deepest drawdowns of a run; the starting capital is a peak too."""
    curve = np.concatenate(([run.capital], run.track.equity))

    def date(position: int) -> str:
        return day(int(run.track.ts[max(0, position - 1)]))

    return [
        Fall(
            fall.depth,
            date(fall.peak),
            date(fall.trough),
            None if fall.recovery is None else date(fall.recovery),
            fall.trough - fall.peak,
        )
        for fall in episodes(curve)[:count]
    ]


def worst_trades(run: Run, count: int = 5) -> list[Trade]:
    """The round trips that lost most, worst first."""
    trips = round_trips(run.fills)
    order = np.argsort(trips.profit, kind="stable")[:count]
    return [trade for trade in trades(run, trips, order.tolist()) if trade.profit < 0]


def trades(run: Run, trips: RoundTrips, rows: list[int]) -> list[Trade]:
    """The round trips at ``rows``."""
    bars = holding_bars(trips, run.track.ts)
    return [
        Trade(
            run.symbols[int(trips.symbol[i])],
            day(int(trips.opened[i])),
            day(int(trips.closed[i])),
            float(trips.quantity[i]),
            float(trips.entry[i]),
            float(trips.exit[i]),
            float(trips.profit[i]),
            int(bars[i]),
        )
        for i in rows
    ]


def costs(run: Run) -> list[Cost]:
    """What was paid, by kind; the last row is everything."""
    traded = float(np.abs(run.fills.value).sum())
    years = len(run.track) / run.bars_per_year
    base = float(run.track.equity.mean()) * years if len(run.track) else 0.0
    paid = {part.replace("_", " "): float(column.sum()) for part, column in run.fills.costs.items()}
    paid["borrow"] = run.outcome.borrow
    paid["all"] = sum(paid.values())
    return [
        Cost(
            kind,
            money,
            1e4 * money / traded if traded > 0 else 0.0,
            money / base if base > 0 else 0.0,
        )
        for kind, money in paid.items()
    ]


def shortfall(run: Run) -> list[Effect]:
    """The implementation shortfall of all orders by effect; the last row is everything. Empty without orders."""
    table = run.executions
    if table is None or not len(table):
        return []
    whole = float(np.abs(table.value).sum())
    lost = {name: float(values.sum()) for name, values in table.effects.items()}
    lost["implementation shortfall"] = sum(lost.values())
    return [Effect(kind, money, 1e4 * money / whole if whole > 0 else 0.0) for kind, money in lost.items()]


def against(run: Run) -> list[Against]:
    """Slippage against the usual benchmarks. Empty without orders."""
    table = run.executions
    if table is None or not len(table):
        return []
    return [Against(name, slippage_bps(table, name)) for name in BENCHMARKS]


def dearest(run: Run, count: int = 5) -> list[tuple[str, str, str, float, float, float]]:
    """The orders that lost most against their decisions: day, symbol, order or parent, quantity, filled, money lost."""
    table = run.executions
    if table is None or not len(table):
        return []
    lost = table.shortfall
    rows = np.argsort(-lost, kind="stable")[:count].tolist()
    return [
        (
            day(int(table.ts[i])),
            run.symbols[int(table.symbol[i])],
            f"parent {table.parent[i]}" if table.parent[i] else f"order {table.order[i]}",
            float(table.quantity[i]),
            float(table.filled[i]),
            float(lost[i]),
        )
        for i in rows
        if lost[i] > 0.0
    ]
