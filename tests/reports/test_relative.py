"""Attribution and timing on the reports: figures where data exist, a sentence where they do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engine import rig as core
from tests.reports.rig import made
from tests.reports.test_html import Page
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.reports.html import page
from tuiconsole.reports.relative import sectors, timing
from tuiconsole.reports.run import Run
from tuiconsole.reports.terminal import render
from tuiconsole.research.backtests import Backtest, backtest
from tuiconsole.research.capture import capture


@pytest.fixture(scope="module")
def finished() -> Backtest:
    tape = core.market(core.WARMUP + 140)
    listed = zip(tape.universe.instruments, ("Energy", "Energy", "Banks", "Banks", "", "Health"), strict=True)
    tape = replace(tape, universe=Universe(tuple(replace(item, sector=name) for item, name in listed)))
    return backtest(core.settings(tape), tape, EventClock(1))


@pytest.fixture(scope="module")
def run(finished: Backtest) -> Run:
    return capture(finished, EventClock(1), name="sectors")


def test_a_runs_effects_add_up_to_what_the_report_says(run: Run) -> None:
    found = run.sectors
    assert found is not None
    assert found.sectors == ("Banks", "Energy", "Health", "Sector unknown", "Cash")
    assert sum(found.weight) == pytest.approx(1.0)
    assert run.benchmark is not None
    total, other = run.track.equity[-1] / run.capital, run.benchmark[-1] / run.capital
    assert found.active == pytest.approx(total - other)
    effects = sum((*found.allocation, *found.selection, *found.interaction))
    assert effects + found.trading == pytest.approx(found.active)
    assert -0.02 < found.trading < 0.0, "costs, and nothing else of note"
    invested = run.track.net[:-1] / run.track.equity[:-1]
    assert 1.0 - found.weight[-1] == pytest.approx(invested.sum() / len(run.track), rel=1e-6)


def test_the_reports_show_the_same(run: Run) -> None:
    rows, text = sectors(run)
    assert [row.sector for row in rows][-3:] == ["Cash", "Trading, costs", "All"]
    assert rows[-1].total in text
    shown = render(run, 80)
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "Brinson-Fachler against equal parts bought and held" in shown
    found = Page(page(run))
    assert found.tables["sectors"][-1] == [
        "All",
        "",
        "",
        rows[-1].allocation,
        rows[-1].selection,
        rows[-1].interaction,
        rows[-1].total,
    ]
    assert [row[0] for row in found.tables["timing"][1:]] == [
        "Market model",
        "Treynor-Mazuy",
        "Henriksson-Merton",
    ]
    assert all(len(line) <= 60 for line in render(run, 60).splitlines())


def test_a_given_benchmark(finished: Backtest) -> None:
    run = capture(finished, EventClock(1), benchmark="CCC")
    tape, start = finished.tape, finished.plan.start
    assert run.benchmark is not None
    grown = tape.close[start + 139, 2] / tape.close[start, 2]
    assert run.benchmark[-1] / run.capital == pytest.approx(grown)
    assert run.sectors is not None
    assert run.sectors.benchmark_weight[0] == pytest.approx(139 / 140)
    assert "against CCC bought and held" in sectors(run)[1]
    with pytest.raises(UsageError, match="ZZZ is not among the symbols"):
        capture(finished, EventClock(1), benchmark="ZZZ")


def test_where_there_is_nothing_to_show_a_sentence_says_so() -> None:
    bare = replace(made(60), benchmark=None)
    assert sectors(bare)[0] == timing(bare)[0] == []
    assert "no symbol had a price at the first bar" in sectors(bare)[1]
    assert "no symbol had a price at the first bar" in timing(bare)[1]
    assert "sectors of these symbols are not known" in sectors(made(60))[1]
    ruined = made(60)
    ruined = replace(ruined, track=replace(ruined.track, equity=np.full(60, -1.0)))
    assert "equity fell to zero" in sectors(ruined)[1]
    assert "positive equity" in timing(ruined)[1]
    assert "needs 20 bars" in timing(made(10))[1]
    assert "sectors of these symbols are not known" in " ".join(render(made(60), 80).split())


def test_timing_is_told_from_chance() -> None:
    run = made(520)
    assert run.benchmark is not None
    market = np.diff(np.concatenate(([run.capital], run.benchmark))) / np.concatenate(
        ([run.capital], run.benchmark[:-1])
    )
    noise = np.where(np.arange(520) % 2 == 0, 1e-4, -1e-4)
    equity = run.capital * np.cumprod(1.0 + 0.5 * market + 3.0 * market**2 + noise)
    timed = replace(run, track=replace(run.track, equity=equity))
    rows, text = timing(timed)
    assert float(rows[1].gamma) == pytest.approx(3.0, abs=0.05)
    assert float(rows[1].t) > 10
    assert "timing (gamma above zero) shows on these bars" in text
