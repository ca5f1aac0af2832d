"""The report of a run as text for a terminal; 80 columns are enough."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from tuiconsole.analytics.drawdowns import drawdowns
from tuiconsole.analytics.measures import LEAST_BARS, Measure
from tuiconsole.analytics.periods import monthly
from tuiconsole.analytics.regime_results import results_by_regime
from tuiconsole.analytics.significance import Trials
from tuiconsole.domain.events import DeskLevel
from tuiconsole.reports import relative, strip, tables
from tuiconsole.reports.figures import LABELS, MISSING, figures, reasons, write, written
from tuiconsole.reports.honesty import statements
from tuiconsole.reports.run import Run

if TYPE_CHECKING:
    from rich.console import Console

_CURVE_ROWS = 6
_AXIS = 12
_MONTH_DIGITS = 4
_NAME = 11
_WIDE = 80
"""Columns from which on every table is whole; below, the least needed columns are left out."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STOPS_SHOWN = 5
_SAMPLE_STYLE = {"in-sample": "bold yellow", "out-of-sample": "bold cyan"}


def render(run: Run, width: int = 80, trials: Trials | None = None, colour: bool = False) -> str:
    """The whole report.

    Parameters
    ----------
    width
        Columns of the terminal, at least 60.
    trials
        Those counted on the run's tape, this run among them; None when they were not counted.
    colour
        Whether to write ANSI colours.

    Returns
    -------
    str
        Lines of at most ``width`` columns.
    """
    from rich.console import Console

    out = io.StringIO()
    console = Console(
        file=out,
        width=max(60, width),
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        emoji=False,
        markup=False,
    )
    found = figures(run, trials)
    _head(console, run)
    if len(run.track):
        _curve(console, run)
    _figures(console, found)
    if len(run.track):
        _falls(console, run)
        _months(console, run)
        _regimes(console, run)
        _periods(console, run)
        _sectors(console, run)
        _timing(console, run)
    _trades(console, run)
    _costs(console, run)
    _execution(console, run)
    _stops(console, run)
    _statements(console, run, found, trials)
    _digests(console, run)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _head(console: Console, run: Run) -> None:
    from rich.text import Text

    sample = run.sample.value
    console.print(
        Text.assemble(
            (run.name or run.provenance.verb, "bold"), "   ", (sample.upper(), _SAMPLE_STYLE[sample])
        )
    )
    span = "no bars"
    if len(run.track):
        span = f"{tables.day(int(run.track.ts[0]))} to {tables.day(int(run.track.ts[-1]))}"
    console.print(
        f"{run.provenance.policy} on {run.provenance.tape}: {span}, {run.outcome.bars:,} bars, {len(run.symbols)} symbols"
    )
    outcome = run.outcome
    last = float(run.track.equity[-1]) if len(run.track) else run.capital
    console.print(f"{run.capital:,.2f} {run.currency} became {last:,.2f}")
    console.print(
        f"orders {outcome.orders:,} ({outcome.last_tenth_orders:,} in the last tenth), fills {outcome.fills:,}, "
        f"refused {outcome.refused:,}"
    )


def _curve(console: Console, run: Run) -> None:
    columns = console.width - _AXIS - 2
    equity = np.concatenate(([run.capital], run.track.equity))
    _title(console, "Equity")
    lines = strip.chart(strip.resampled(equity, columns), _CURVE_ROWS)
    labels = {0: f"{equity.max():,.0f}", _CURVE_ROWS - 1: f"{equity.min():,.0f}"}
    for row, line in enumerate(lines):
        console.print(
            f"{labels.get(row, ''):>{_AXIS}} {line}", style=_SAMPLE_STYLE[run.sample.value].split()[1]
        )
    fall = strip.worst(drawdowns(equity), columns)
    console.print(f"{f'to -{100 * fall.max():.1f} %':>{_AXIS}} {strip.depth(fall)}", style="red")


def _figures(console: Console, found: dict[str, Measure]) -> None:
    _title(console, "Figures (net of all costs)")
    shown = [(LABELS[measure.name], written(measure)) for measure in found.values()]
    half = (len(shown) + 1) // 2
    grid = _grid(("left", "right", "left", "right"))
    for i in range(half):
        right = shown[half + i] if half + i < len(shown) else ("", "")
        grid.add_row(*shown[i], *right)
    console.print(grid)
    for sentence in reasons(found.values()):
        console.print(f"{MISSING}  {sentence}", style="dim")


def _falls(console: Console, run: Run) -> None:
    _title(console, "Deepest drawdowns")
    grid = _grid(
        ("right", "left", "left", "left", "right"), ("depth", "peak", "trough", "recovery", "bars down")
    )
    for fall in tables.falls(run):
        grid.add_row(
            f"-{write(fall.depth, 'share')}",
            fall.peak,
            fall.trough,
            fall.recovery or "not yet",
            f"{fall.bars:,}",
        )
    console.print(grid if grid.row_count else "none")


def _months(console: Console, run: Run) -> None:
    from rich.table import Table

    _title(console, "Months (%)")
    table = Table(box=None, padding=(0, 0, 0, 0), show_edge=False, header_style="dim")
    narrow = console.width < _WIDE
    table.add_column("", width=4)
    for month in _MONTHS:
        table.add_column(month, justify="right", width=4 if narrow else 5)
    table.add_column("Year", justify="right", width=6 if narrow else 8)
    for year in monthly(run.track.ts, run.curve.returns):
        cells = ["" if part is None else _month(100 * part, narrow) for part in year.months]
        table.add_row(str(year.year), *cells, f"{100 * year.total:.{0 if narrow else 1}f}")
    console.print(table)


def _month(percent: float, narrow: bool) -> str:
    """At most four characters where that can be (three when ``narrow``), so that neighbours stay apart."""
    text = f"{percent:.1f}"
    return f"{percent:.0f}" if narrow or len(text) > _MONTH_DIGITS else text


def _regimes(console: Console, run: Run) -> None:
    _title(console, "By regime, as known before each bar")
    narrow = console.width < _WIDE
    header = ("regime", "bars", "of known", "return", "volatility", "Sharpe", "drawdown")
    grid = _grid(
        ("left", *("right",) * (4 if narrow else 6)), _without(header, narrow), gap=2 if narrow else 3
    )
    for row in results_by_regime(run.track.equity, run.capital, run.track.regime, run.bars_per_year):
        enough = row.bars >= LEAST_BARS
        cells = (
            row.name,
            f"{row.bars:,}",
            f"{100 * row.share:.0f} %",
            write(row.total_return, "share"),
            write(row.volatility, "share") if enough else MISSING,
            write(row.sharpe, "ratio") if enough and np.isfinite(row.sharpe) else MISSING,
            f"-{write(row.max_drawdown, 'share')}" if row.bars else MISSING,
        )
        grid.add_row(*_without(cells, narrow))
    console.print(grid)


def _without(cells: tuple[str, ...], narrow: bool) -> tuple[str, ...]:
    """A row of the regimes' table; share and volatility are left out where there is no room."""
    return (*cells[:2], cells[3], *cells[5:]) if narrow else cells


def _periods(console: Console, run: Run) -> None:
    narrow = console.width < _WIDE
    header = ("period", "first", "last", "bars", "return", "vol. p.a.", "Sharpe", "drawdown")
    for kind, rows in tables.periods(run).items():
        _title(console, tables.PERIOD_TITLES[kind])
        sides = ("left", *(() if narrow else ("left", "left")), *("right",) * 5)
        longest = max(len(row.name) for row in rows)
        gap = 1 if narrow or longest > _NAME else 2
        grid = _grid(sides, (header[0], *header[3:]) if narrow else header, gap=gap)
        for row in rows:
            span = () if narrow else (row.first, row.last)
            figures_of = (row.bars, row.total, row.volatility, row.sharpe, row.drawdown)
            grid.add_row(row.name, *span, *figures_of, style=_SAMPLE_STYLE.get(kind, ""))
        console.print(grid)


def _sectors(console: Console, run: Run) -> None:
    rows, text = relative.sectors(run)
    _title(console, "By sector")
    if rows:
        narrow = console.width < _WIDE
        header = ("sector", "weight", "bench.", "allocation", "selection", "interact.", "all")
        grid = _grid(("left", *("right",) * (4 if narrow else 6)), _paired(header, narrow), gap=1)
        for row in rows:
            cells = (
                row.sector,
                row.weight,
                row.benchmark_weight,
                row.allocation,
                row.selection,
                row.interaction,
                row.total,
            )
            grid.add_row(*_paired(cells, narrow))
        console.print(grid)
    console.print(text, style="dim")


def _paired(cells: tuple[str, ...], narrow: bool) -> tuple[str, ...]:
    """A row of the sectors' table; weights are left out where there is no room."""
    return (cells[0], *cells[3:]) if narrow else cells


def _timing(console: Console, run: Run) -> None:
    rows, text = relative.timing(run)
    _title(console, "Market timing")
    if rows:
        grid = _grid(("left", *("right",) * 4), ("model", "alpha p.a.", "beta", "gamma", "t of gamma"))
        for row in rows:
            grid.add_row(row.model, row.alpha, row.beta, row.gamma, row.t)
        console.print(grid)
    console.print(text, style="dim")


def _trades(console: Console, run: Run) -> None:
    worst = tables.worst_trades(run)
    if not worst:
        return
    _title(console, "Worst round trips")
    narrow = console.width < _WIDE
    header = ("symbol", "opened", "closed", *(() if narrow else ("quantity",)), "entry", "exit", "profit")
    sides = ("left", "left", "left", *("right",) * (len(header) - 3))
    grid = _grid(sides, header, gap=1 if narrow else 3)
    for trade in worst:
        grid.add_row(
            trade.symbol,
            trade.opened,
            trade.closed,
            *(() if narrow else (f"{trade.quantity:,.10g}",)),
            f"{trade.entry:,.2f}",
            f"{trade.exit:,.2f}",
            f"{trade.profit:,.2f}",
        )
    console.print(grid)


def _costs(console: Console, run: Run) -> None:
    _title(console, "Costs")
    header = ("kind", run.currency, "bp of traded", "of equity p.a.")
    grid = _grid(("left", "right", "right", "right"), header)
    for cost in tables.costs(run):
        grid.add_row(cost.kind, f"{cost.money:,.2f}", f"{cost.basis_points:.2f}", write(cost.annual, "share"))
    console.print(grid)


def _execution(console: Console, run: Run) -> None:
    effects = tables.shortfall(run)
    if not effects:
        return
    _title(console, "Execution against the decisions' prices")
    grid = _grid(("left", "right", "right"), ("effect", run.currency, "bp of decided"))
    for effect in effects:
        grid.add_row(effect.kind, f"{effect.money:,.2f}", f"{effect.basis_points:.2f}")
    console.print(grid)
    shown = ", ".join(
        f"{row.benchmark} {MISSING if np.isnan(row.basis_points) else f'{row.basis_points:+.2f}'}"
        for row in tables.against(run)
    )
    console.print(f"slippage in bp against {shown}", style="dim")


def _stops(console: Console, run: Run) -> None:
    halts = [stop for stop in run.stops if stop.level >= DeskLevel.HALTED]
    if not halts:
        return
    _title(console, "Stops")
    for stop in halts[:_STOPS_SHOWN]:
        console.print(f"{tables.day(stop.ts)}  {tables.LEVELS[stop.level]}: {stop.text.partition(': ')[0]}")
    if len(halts) > _STOPS_SHOWN:
        console.print(f"and {len(halts) - _STOPS_SHOWN} more", style="dim")


def _statements(console: Console, run: Run, found: dict[str, Measure], trials: Trials | None) -> None:
    _title(console, "Before you believe it")
    for sentence in statements(run, found, trials):
        grid = _grid(("left", "left"))
        grid.add_row("·", sentence)
        console.print(grid)


def _digests(console: Console, run: Run) -> None:
    _title(console, "To run it again")
    where, outcome = run.provenance, run.outcome
    grid = _grid(("left", "left"))
    for name, text in (
        ("orders", outcome.order_hash),
        ("journal", outcome.journal_head),
        ("tape", where.tape_digest),
        ("policy", where.policy_digest or where.policy),
        ("settings", where.configuration),
    ):
        grid.add_row(name, text)
    console.print(grid)


def _title(console: Console, text: str) -> None:
    console.print()
    console.print(text, style="bold")


def _grid(sides: tuple[Any, ...], header: tuple[str, ...] = (), gap: int = 3) -> Any:
    from rich.table import Table

    grid = Table(
        box=None, padding=(0, gap, 0, 0), show_header=bool(header), header_style="dim", pad_edge=False
    )
    for i, side in enumerate(sides):
        grid.add_column(header[i] if header else "", justify=side, overflow="fold")
    return grid
