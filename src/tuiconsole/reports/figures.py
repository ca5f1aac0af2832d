"""The figures of a run, what they are called, and how they are written: one source for every report."""

from __future__ import annotations

from collections.abc import Iterable

from tuiconsole.analytics.measures import Measure, Unit, measures
from tuiconsole.analytics.significance import Trials
from tuiconsole.reports.run import Run

LABELS = {
    "total_return": "Total return",
    "annual_return": "Annual return",
    "volatility": "Volatility p.a.",
    "sharpe": "Sharpe",
    "sortino": "Sortino",
    "calmar": "Calmar",
    "sterling": "Sterling",
    "martin": "Martin",
    "omega": "Omega",
    "max_drawdown": "Max drawdown",
    "ulcer_index": "Ulcer index",
    "tail_ratio": "Tail ratio",
    "skewness": "Skewness",
    "kurtosis": "Kurtosis",
    "value_at_risk_95": "VaR 95 % (bar)",
    "expected_shortfall_95": "ES 95 % (bar)",
    "hit_rate": "Bars up",
    "stability": "Straightness (R²)",
    "probabilistic_sharpe": "P(Sharpe > 0)",
    "deflated_sharpe": "Deflated Sharpe",
    "minimum_track_record": "Min. track record",
    "benchmark_return": "Buy and hold",
    "beta": "Beta to it",
    "information_ratio": "Information ratio",
    "win_rate": "Trades won",
    "profit_factor": "Profit factor",
    "payoff": "Payoff",
    "holding_bars": "Holding time",
    "turnover": "Turnover p.a.",
    "exposure": "Gross exposure",
    "net_exposure": "Net exposure",
    "time_invested": "Time invested",
    "costs": "Costs",
    "cost_share": "Costs of profit",
}
"""What reports call each figure."""

STUDY_FIGURES: dict[str, tuple[str, Unit]] = {
    "sharpe_deviation": ("Sharpe, spread", "ratio"),
    "sharpe_worst": ("Sharpe, worst path", "ratio"),
    "share_below_zero": ("Paths below zero", "share"),
    "overfitting_probability": ("Best is noise", "probability"),
    "overfitting_loss": ("Best then loses", "probability"),
}
"""What a cross-validation has beside the figures of a single backtest: what it is called, and its unit."""

MISSING = "n/a"


def figures(run: Run, trials: Trials | None = None) -> dict[str, Measure]:
    """All figures of ``run`` by name; ``trials`` are those counted over its symbols and time, it among them."""
    return measures(
        run.track, run.fills, run.capital, run.bars_per_year, run.benchmark, trials, run.outcome.borrow
    )


def written(measure: Measure) -> str:
    """A figure as text with its unit."""
    return MISSING if measure.value is None else write(measure.value, measure.unit)


def write(value: float, unit: Unit) -> str:
    """``value`` as text.

    >>> write(0.1234, "share"), write(1234.5, "money"), write(2.0, "bars")
    ('12.34 %', '1,234.50', '2.0 bars')
    """
    if unit in ("share", "probability"):
        return f"{100 * value:,.2f} %"
    if unit == "bars":
        return f"{value:,.1f} bars"
    return f"{value:,.2f}"


def reasons(found: Iterable[Measure]) -> list[str]:
    """One sentence for each reason why figures are missing: the reason, and which they are."""
    by_reason: dict[str, list[str]] = {}
    for measure in found:
        if measure.value is None:
            by_reason.setdefault(measure.reason, []).append(LABELS[measure.name])
    return [f"{', '.join(names)}: {reason}." for reason, names in by_reason.items()]
