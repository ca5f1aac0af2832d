"""A run beside its benchmark: by sector, and in timing the market; or the sentence why there is nothing to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.measures import LEAST_BARS
from tuiconsole.analytics.relative import henriksson_merton, regression, treynor_mazuy
from tuiconsole.reports.figures import MISSING, write
from tuiconsole.reports.run import Run

SIGNIFICANT_T = 2.0
"""A t statistic beyond this, either way, is hardly luck where it was the only one looked at."""


@dataclass(frozen=True, slots=True)
class SectorRow:
    """One sector as text: mean weights, and the effects in shares of the starting capital."""

    sector: str
    weight: str
    benchmark_weight: str
    allocation: str
    selection: str
    interaction: str
    total: str


@dataclass(frozen=True, slots=True)
class TimingRow:
    """One regression on the benchmark as text: alpha a year, beta, the timing term and its t statistic."""

    model: str
    alpha: str
    beta: str
    gamma: str
    t: str


def benchmark_name(run: Run) -> str:
    """What the run is compared with, in words."""
    return f"{run.benchmark_name} bought and held" if run.benchmark_name else "equal parts bought and held"


def sectors(run: Run) -> tuple[list[SectorRow], str]:
    """Rows of the attribution by sector, the last for everything, and a sentence about them; no rows where there is none."""
    found = run.sectors
    if found is None:
        return [], _no_sectors(run)
    rows = [
        _row(name, weight, other, (a, s, i))
        for name, weight, other, a, s, i in zip(
            found.sectors,
            found.weight,
            found.benchmark_weight,
            found.allocation,
            found.selection,
            found.interaction,
            strict=True,
        )
    ]
    sums = (sum(found.allocation), sum(found.selection), sum(found.interaction))
    rows.append(SectorRow("Trading, costs", "", "", "", "", "", _signed(found.trading)))
    a, s, i = (_signed(effect) for effect in sums)
    rows.append(SectorRow("All", "", "", a, s, i, _signed(sum(sums) + found.trading)))
    text = (
        f"Brinson-Fachler against {benchmark_name(run)}: with costs all effects add up to the {_signed(found.active)} "
        "by which the total return differs."
    )
    return rows, text


def _no_sectors(run: Run) -> str:
    if run.benchmark is None:
        return "No attribution by sector: no symbol had a price at the first bar, so there is nothing to compare with."
    if not (run.track.equity > 0.0).all():
        return "No attribution by sector: equity fell to zero or below."
    return (
        "No attribution by sector: the sectors of these symbols are not known (or an earlier version stored this run). "
        "A list of symbols may name them: tuiconsole data universes."
    )


def timing(run: Run) -> tuple[list[TimingRow], str]:
    """Rows of the regressions on the benchmark and a sentence about them; no rows where there is too little."""
    if run.benchmark is None:
        return (
            [],
            "No market timing: no symbol had a price at the first bar, so there is nothing to compare with.",
        )
    market = np.concatenate(([run.capital], run.benchmark))
    returns, other = run.curve.returns, market[1:] / market[:-1] - 1.0
    if len(returns) < LEAST_BARS or not (run.track.equity > 0.0).all():
        return [], f"No market timing: it needs {LEAST_BARS} bars of positive equity."
    year = run.bars_per_year
    plain, mazuy, merton = (
        regression(returns, other),
        treynor_mazuy(returns, other),
        henriksson_merton(returns, other),
    )
    rows = [TimingRow("Market model", _share(plain.alpha * year), _ratio(plain.beta), "", "")]
    for name, found in (("Treynor-Mazuy", mazuy), ("Henriksson-Merton", merton)):
        t = _ratio(found.gamma_t)
        rows.append(TimingRow(name, _share(found.alpha * year), _ratio(found.beta), _ratio(found.gamma), t))
    text = f"Against {benchmark_name(run)}: timing (gamma above zero) {_seen(mazuy.gamma_t, merton.gamma_t)} on these bars; "
    return rows, f"{text}t beyond ±{SIGNIFICANT_T:g} is rare by luck."


def _seen(*statistics: float) -> str:
    """What two t statistics of gamma say together."""
    known = [t for t in statistics if np.isfinite(t)]
    if not known or max(np.abs(known)) < SIGNIFICANT_T:
        return "is no better than chance"
    if min(known) > 0:
        return "shows"
    return "is worse than none" if max(known) < 0 else "depends on the model"


def _row(name: str, weight: float, benchmark_weight: float, effects: tuple[float, float, float]) -> SectorRow:
    a, s, i = (_signed(effect) for effect in effects)
    return SectorRow(name, _percent(weight), _percent(benchmark_weight), a, s, i, _signed(sum(effects)))


def _signed(value: float) -> str:
    return f"{round(100 * value, 2) + 0.0:+,.2f} %"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _share(value: float) -> str:
    return write(value, "share") if np.isfinite(value) else MISSING


def _ratio(value: float) -> str:
    return write(value, "ratio") if np.isfinite(value) else MISSING
