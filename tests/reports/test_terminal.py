"""The terminal report: a golden at 80 columns, no line too long at any width, and figures that are the run's own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.reports import rig
from tuiconsole.analytics.measures import UNITS
from tuiconsole.analytics.samples import Sample
from tuiconsole.analytics.significance import Trials
from tuiconsole.analytics.track import FillTable, Track
from tuiconsole.reports import strip, tables
from tuiconsole.reports.figures import LABELS, figures, reasons, written
from tuiconsole.reports.run import Run
from tuiconsole.reports.terminal import render

GOLDEN = Path(__file__).with_name("golden.txt")
TRIALS = Trials(14, 0.002)


def empty(run: Run) -> Run:
    """The same run without a bar."""
    nothing = np.zeros(0)
    whole = np.zeros(0, dtype=np.int64)
    fills = FillTable(
        whole,
        whole,
        whole,
        nothing,
        nothing,
        nothing,
        nothing,
        np.zeros(0, dtype=np.bool_),
        nothing,
        {"spread": nothing},
    )
    outcome = replace(run.outcome, bars=0, orders=0, fills=0, halts=0)
    return replace(run, track=Track.zeros(0), fills=fills, outcome=outcome, stops=(), benchmark=None)


@pytest.mark.golden
def test_the_report_at_80_columns() -> None:
    """To accept a change: write ``render(rig.made(), 80, TRIALS)`` into golden.txt and read it."""
    assert render(rig.made(), 80, TRIALS) == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 80, 133])
def test_no_line_is_too_long(width: int) -> None:
    long = replace(rig.made(), name="n" * 64, symbols=("A" * 12, "BBB"))
    for line in render(long, width, TRIALS).splitlines():
        assert len(line) <= width, line


def test_at_60_columns_no_word_and_no_figure_is_broken() -> None:
    run = rig.made()
    lines = render(run, 60, TRIALS).splitlines()
    for row in (part for rows in tables.periods(run).values() for part in rows):
        assert any(re.match(rf"{row.name} +{row.bars} +{re.escape(row.total)} ", line) for line in lines), row
    for trade in tables.worst_trades(run):
        assert any(line.split()[:3] == [trade.symbol, trade.opened, trade.closed] for line in lines)
    whole = next(line for line in lines if line.startswith("2020 "))
    assert len(whole.split()) == 14
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize("percent", [-10.04, -100.2, 12.34, -9.96])
def test_neighbouring_months_stay_apart(percent: float) -> None:
    run = rig.made(60)
    growth = np.ones(60)
    growth[30] = 1 + percent / 100
    run = replace(run, track=replace(run.track, equity=run.capital * np.cumprod(growth)))
    cells = [
        cell
        for line in render(run, 80, TRIALS).splitlines()
        if line.startswith("2019 ")
        for cell in line.split()
    ]
    assert f"{percent:.0f}" in cells or f"{percent:.1f}" in cells, cells


def test_every_figure_of_the_run_is_there() -> None:
    run = rig.made()
    text = render(run, 80, TRIALS)
    for name, measure in figures(run, TRIALS).items():
        assert re.search(rf"{re.escape(LABELS[name])} +{re.escape(written(measure))}", text), name
    assert LABELS.keys() == UNITS.keys()
    for cost in tables.costs(run):
        assert f"{cost.money:,.2f}" in text
    for trade in tables.worst_trades(run):
        assert f"{trade.profit:,.2f}" in text
    assert all(
        part in text
        for part in (run.outcome.order_hash, run.outcome.journal_head, run.provenance.tape_digest)
    )


def test_the_honest_sentences() -> None:
    plain = render(rig.made(), 200, None)
    assert "IN-SAMPLE" in plain
    assert "were not counted" in plain
    counted = render(rig.made(), 200, TRIALS)
    assert "14 different trials were counted" in counted
    assert "impact uses the configured volume" in counted
    assert "halted the desk once" in counted
    unseen = render(rig.made(sample=Sample.OUT), 200, Trials(1, 0.0))
    assert "OUT-OF-SAMPLE" in unseen
    assert "In-sample" not in unseen
    assert "first trial" in unseen
    run = rig.made()
    nothing = np.zeros(len(run.fills))
    free = replace(run, fills=replace(run.fills, costs={"spread": nothing}))
    assert "No costs were charged" in render(free, 200)
    partly = replace(run, fills=replace(run.fills, costs={**run.fills.costs, "spread": nothing}))
    assert "nothing was charged for spread: the market will" in render(partly, 200)
    failed = replace(run, outcome=replace(run.outcome, failed=("Agent x failed.",)))
    assert "Failed and switched off: Agent x failed." in render(failed, 200)
    steady = replace(
        run,
        track=replace(
            run.track, equity=100_000 * 1.001 ** np.arange(520) * (1 + 1e-3 * (-1.0) ** np.arange(520))
        ),
    )
    assert "look for leakage" in render(steady, 200)


def test_a_run_without_bars_and_a_short_one() -> None:
    text = render(empty(rig.made()), 80)
    assert "no bars" in text
    short = rig.made(8)
    for sentence in reasons(figures(short).values()):
        assert sentence in " ".join(render(short, 300).split())


def test_what_was_chosen_on_and_what_was_kept_apart_have_tables_of_their_own() -> None:
    run = rig.made()
    found = tables.periods(run)
    assert {kind: [row.name for row in rows] for kind, rows in found.items()} == {
        "in-sample": ["chosen_on"],
        "out-of-sample": ["kept_apart"],
        "stress": ["spring_2020"],
    }
    apart = run.track.ts >= run.periods[1].start
    before = run.track.equity[~apart][-1]
    assert found["out-of-sample"][0].total == f"{100 * (run.track.equity[-1] / before - 1):,.2f} %"
    assert "It ran over kept_apart, declared out-of-sample" in render(run, 200)
    assert "It ran over" not in render(replace(run, sample=Sample.OUT), 200)
    assert "It ran over" not in render(replace(run, periods=run.periods[:1]), 200)
    seen, unseen = render(run, 80).split("Periods declared out-of-sample")
    assert "chosen_on" in seen
    assert "kept_apart" not in seen
    assert "kept_apart" in unseen
    coloured = render(run, 80, colour=True)
    assert "\x1b[1;36m" in coloured.split("kept_apart")[0][-12:]
    assert "\x1b[1;33m" in coloured.split("chosen_on")[0][-12:]


def test_colours_differ_by_sample() -> None:
    plain = replace(rig.made(), periods=())
    seen, unseen = render(plain, 80, colour=True), render(replace(plain, sample=Sample.OUT), 80, colour=True)
    assert "\x1b[33m" in seen
    assert "\x1b[33m" not in unseen
    assert "\x1b[36m" in unseen
    assert "\x1b[36m" not in seen


def test_drawdowns_have_the_dates_of_the_curve() -> None:
    run = rig.made(6)
    equity = np.array([100_000.0, 110_000.0, 99_000.0, 110_000.0, 100_000.0, 104_000.0])
    run = replace(run, track=replace(run.track, equity=equity))
    days = [tables.day(int(ts)) for ts in run.track.ts]
    first, second = tables.falls(run)
    assert (first.depth, first.peak, first.trough, first.recovery, first.bars) == (
        pytest.approx(0.1),
        days[1],
        days[2],
        days[3],
        1,
    )
    assert (second.peak, second.trough, second.recovery) == (days[3], days[4], None)


def test_costs_by_hand() -> None:
    run = rig.made()
    traded = float(np.abs(run.fills.value).sum())
    spread = next(cost for cost in tables.costs(run) if cost.kind == "spread")
    assert spread.money == pytest.approx(traded * 2e-4)
    assert spread.basis_points == pytest.approx(2.0)
    assert spread.annual == pytest.approx(traded * 2e-4 / (520 / 252) / float(run.track.equity.mean()))
    assert tables.costs(run)[-1].money == pytest.approx(
        1.25 + sum(float(c.sum()) for c in run.fills.costs.values())
    )
    assert figures(run)["costs"].value == pytest.approx(tables.costs(run)[-1].money)


def test_charts_keep_extremes() -> None:
    values = np.zeros(1000)
    values[501] = 1.0
    assert strip.worst(values, 50).max() == 1.0
    assert len(strip.worst(values, 50)) == len(strip.resampled(values, 50)) == 50
    assert strip.chart(np.array([1.0, 1.0]), 2)[1] == "██"
    assert strip.chart(np.zeros(0), 3) == ["", "", ""]
    assert strip.depth(np.zeros(3)) == "   "
