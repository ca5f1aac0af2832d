"""The HTML report: well-formed, self-contained, and with the same figures as the report in a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.reports import rig
from tests.reports.test_terminal import TRIALS, empty
from tuiconsole.analytics.samples import Sample
from tuiconsole.domain.errors import StoreError
from tuiconsole.reports import tables
from tuiconsole.reports.charts import MOST_POINTS, charts
from tuiconsole.reports.figures import figures, written
from tuiconsole.reports.honesty import statements
from tuiconsole.reports.html import page, write, write_page
from tuiconsole.reports.run import Run

VOID = {"meta", "br", "hr", "link", "input", "img"}


class Page(HTMLParser):
    """Checks that every element is closed in order; collects figures, tables, lists and scripts by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.figures: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.items: list[str] = []
        self.scripts: dict[str, str] = {}
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag in VOID:
            return
        self.open.append((tag, dict(attrs)))
        if tag == "tr":
            self.tables.setdefault(self._table(), []).append([])
        elif tag in ("td", "th"):
            self.tables[self._table()][-1].append("")
        elif tag == "li":
            self.items.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not self.open:
            return
        tag, attrs = self.open[-1]
        if tag == "script":
            self.scripts[attrs.get("id") or str(len(self.scripts))] = data
        if "data-figure" in attrs:
            self.figures[str(attrs["data-figure"])] = data
        tags = [name for name, _ in self.open]
        if "td" in tags or "th" in tags:
            self.tables[self._table()][-1][-1] += data
        elif "li" in tags:
            self.items[-1] += data

    def _table(self) -> str:
        return next(str(attrs.get("id")) for name, attrs in reversed(self.open) if name == "table")


@lru_cache(maxsize=4)
def parsed(n: int = 520, sample: Sample = Sample.IN) -> tuple[Run, Page]:
    run = rig.made(n, sample=sample)
    return run, Page(page(run, TRIALS))


def test_the_page_holds_the_figures_of_the_run() -> None:
    run, found = parsed()
    expected = figures(run, TRIALS)
    assert found.figures == {name: written(measure) for name, measure in expected.items()}
    assert found.items == statements(run, expected, TRIALS)
    costs = {row[0]: row[1] for row in found.tables["costs"][1:]}
    assert costs == {cost.kind: f"{cost.money:,.2f}" for cost in tables.costs(run)}
    worst = tables.worst_trades(run)
    assert [row[-1] for row in found.tables["worst"][1:6]] == [f"{trade.profit:,.2f}" for trade in worst]
    assert [row[3] for row in found.tables["falls"][1:6]] == [
        fall.recovery or "not yet" for fall in tables.falls(run)
    ]
    assert [row[0] for row in found.tables["months"][1:]] == ["2019", "2020", "2021"]
    digests = dict(row for row in found.tables["digests"])
    assert (digests["orders"], digests["journal"]) == (run.outcome.order_hash, run.outcome.journal_head)
    assert ["risk.cool_down_bars", "20"] in found.tables["settings"]
    assert len(found.tables["regimes"]) == 6
    assert [row[0] for row in found.tables["periods-in-sample"][1:]] == ["chosen_on"]
    assert [row[0] for row in found.tables["periods-out-of-sample"][1:]] == ["kept_apart"]
    assert ("class", "out-of-sample") in found.attributes


def test_the_charts_draw_the_track_and_nothing_else() -> None:
    run, found = parsed()
    data = json.loads(found.scripts["data"])
    assert data["equity"] == pytest.approx(run.track.equity.tolist())
    assert data["benchmark"] == pytest.approx(run.benchmark.tolist())  # type: ignore[union-attr]
    assert min(data["drawdown"]) == pytest.approx(-tables.falls(run)[0].depth, abs=1e-6)
    assert data["gross"] == pytest.approx((run.track.gross / run.track.equity).tolist(), abs=1e-6)
    assert len({len(data[name]) for name in ("dates", "equity", "drawdown", "rolling", "gross", "net")}) == 1
    assert data["rolling"][: data["rolling_bars"] - 1] == [None] * (data["rolling_bars"] - 1)
    assert data["sample"] == "in-sample"


def test_the_page_needs_no_network() -> None:
    _, found = parsed()
    loaded = [(name, value) for name, value in found.attributes if name in ("src", "href", "action", "data")]
    assert loaded == []
    policy = next(
        value for name, value in found.attributes if name == "content" and value and "default-src" in value
    )
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "plotly.js v" in found.scripts["1"][:300]


def test_in_sample_and_out_of_sample_pages_have_different_colours() -> None:
    assert ("data-sample", "in-sample") in parsed()[1].attributes
    assert ("data-sample", "out-of-sample") in parsed(520, Sample.OUT)[1].attributes
    template = Path(__file__).parents[2] / "src" / "tuiconsole" / "reports" / "page.css"
    colours = dict(re.findall(r"--(in|out): (#[0-9a-f]{6});", template.read_text(encoding="utf-8")))
    assert colours["in"] != colours["out"]


def test_what_a_user_named_cannot_become_markup() -> None:
    run = rig.made(60)
    mean = replace(run, name="a", notes=("</script><script>alert(1)</script>",), symbols=("<b>A</b>", "B&B"))
    text = page(mean, TRIALS)
    assert "<script>alert" not in text
    assert "<b>A</b>" not in text
    found = Page(text)
    assert "</script><script>alert(1)</script>" in found.items


def test_long_runs_are_thinned_and_keep_their_extremes() -> None:
    run = rig.made(3 * MOST_POINTS)
    equity = run.track.equity.copy()
    equity[5001] *= 0.5
    data = charts(replace(run, track=replace(run.track, equity=equity)))
    assert {len(data[name]) for name in ("dates", "equity", "drawdown", "rolling", "gross")} == {MOST_POINTS}
    assert min(data["drawdown"]) < -0.45
    assert (
        np.diff(np.array([date.rstrip("Z") for date in data["dates"]], dtype="datetime64[s]"))
        .astype(int)
        .min()
        > 0
    )


def test_a_run_without_bars_still_has_a_page(tmp_path: Path) -> None:
    write(empty(rig.made(60)), tmp_path / "deep" / "r.html")
    found = Page((tmp_path / "deep" / "r.html").read_text(encoding="utf-8"))
    assert found.figures["sharpe"] == "n/a"
    assert "falls" not in found.tables
    with pytest.raises(StoreError, match="cannot be written"):
        write(empty(rig.made(60)), tmp_path / "deep")


def test_a_page_that_cannot_be_written_whole_leaves_what_was_there(tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    write_page("before", place)
    with pytest.raises(UnicodeEncodeError):
        write_page("half \ud800", place)
    assert place.read_text(encoding="utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
