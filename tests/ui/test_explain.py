"""The answer to *why*: sections in the order of the data, human units, whole at every width."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tuiconsole.ui.explain import explain
from tuiconsole.ui.text import grid, joined, line, table, words, wrapped
from tuiconsole.ui.units import label, value

from .chain import CHAIN, TEXT, refused

ORDER = ["bar", "prices", "features", "regime", "agents", "blend", "sizing", "target", "gate", "intent"]
WIDTHS = (44, 60, 68, 102)


def told(chain: dict[str, Any], width: int = 102, text: str = TEXT) -> list[str]:
    return [words(made) for made in explain(text, chain, width)]


@pytest.mark.parametrize("width", WIDTHS)
def test_sections_follow_the_data_and_fit(width: int) -> None:
    lines = told(CHAIN, width)
    heads = [text.split()[0] for text in lines if text[:1].islower()]
    sections = [head for head in heads if head in ORDER or head in ("updates", "fills", "record")]
    assert sections == [*ORDER, "updates", "fills", "record"]
    if width >= 60:
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_no_raw_stamps_no_whole_hashes_no_long_floats(width: int) -> None:
    text = "\n".join(told(CHAIN, width))
    assert not re.search(r"\d{12,}", text)
    assert not re.search(r"[0-9a-f]{20,}", text)
    assert not re.search(r"\d\.\d{5,}", text)
    assert "e-0" not in text


def test_the_order_comes_first_with_its_costs() -> None:
    lines = told(CHAIN)
    assert lines[0] == "SELL 99 MSFT: filled at 20.89"
    assert lines[1] == "order 00ff00ff-20 · decided 2007-02-08 21:00 · 1 of 1 wanted orders approved"
    assert lines[2] == "costs 1.22: fee 0.71, spread 0.41, impact 0.09"
    assert lines[3].startswith(
        "commission fixed 0.50, commission proportional 0.21, spread 0.41, temporary 0.08"
    )
    assert "realised -60.27" in " ".join(lines[3:5])


def test_units_are_those_of_people() -> None:
    text = " ".join(" ".join(told(CHAIN)).split())
    for part in (
        "momentum 252/21 +12.1 %",
        "zscore 20 -2.08",
        "donchian high 55 22.50",
        "volatility low 100 %",
        "mean_reversion +0.20 % 2.47 % 5 19.6 % +0.02 +0.17 %",
        "expects +0.04 % ± 4.17 % over 15 bars",
        "target weight 5.7 %",
        "from 7.8 % to 5.7 % of equity: hold 269, had 368",
        "sell 99 MSFT at about 21.09",
        "2007-02-09 21:00 -99 20.89 0.71 0.41 0.09 -60.27",
    ):
        assert part in text, part
    assert value("unknown_thing", 0.000012) == "1.2e-05"
    assert value("level", None) == "–"
    assert label("donchian_high") == "donchian high"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_refused_order_says_so_first_and_by_which_rule(width: int) -> None:
    lines = told(refused(), width)
    assert lines[0] == "REFUSED, never sent: SELL 99 MSFT"
    assert lines[1].startswith("26:MSFT · decided 2007-02-08 21:00")
    text = " ".join(" ".join(lines).split())
    assert "REFUSED by the rule 'concentration': was 0.1512, allowed 0.15" in text
    assert "none yet" in text


def test_another_shape_is_shown_as_the_engines_text() -> None:
    assert told({}, 60, "one\n\ntwo \x1b[2J") == ["one", "", "two ?[2J"]
    long = told({"decision": 4}, 40, "bar       " + "word " * 30)
    assert max(map(len, long)) <= 40
    assert long[1].startswith(" " * 10)


def test_agents_without_an_opinion_say_so() -> None:
    agents = {"quiet": {"mean": None, "sigma": None, "weight": 0.2, "horizon": 5.0}, "gone": {}}
    text = "\n".join(told({**CHAIN, "agents": agents}))
    assert re.search(r"quiet +no opinion +– +5 +20.0 % +– +–", text)
    assert "gone" not in text


def test_text_blocks() -> None:
    assert joined(["aa", "bb", "cc"], 9) == [line("aa · bb"), line("cc")]
    assert wrapped("", 30) == [line("")]
    items = [(f"name{i}", str(i)) for i in range(7)]
    for width in (12, 30, 60, 100):
        lines = [words(made) for made in grid(items, width)]
        assert all(f"name{i}" in " ".join(lines) for i in range(7))
        assert width < 12 or max(map(len, lines)) <= width
    assert len(grid(items, 100)) < len(grid(items, 30)) < len(grid(items, 12))
    rows = [words(made) for made in table(("who", "a"), [("a very long name indeed", "1.00")], 16)]
    assert [len(row) for row in rows] == [16, 16]
    assert "…" in rows[1]
