"""Pure parts: arrangement, columns, curves, bars, themes, speeds, explanation, terminal requirements."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.market import QUALITY_TEXT
from tuiconsole.ui import themes
from tuiconsole.ui.cells import Cell, Column, Field
from tuiconsole.ui.client import Link, LinkState
from tuiconsole.ui.commands import next_speed
from tuiconsole.ui.figures import header_fields, pnl_fields, title_fields
from tuiconsole.ui.format import SHORT_QUALITY
from tuiconsole.ui.keymap import build_keymap
from tuiconsole.ui.screens.arrangement import PANELS, Box, arrange, is_compact, sheet_box
from tuiconsole.ui.status import badges, banner, wrap
from tuiconsole.ui.terminal import require_terminal, size_sentence
from tuiconsole.ui.widgets import braille
from tuiconsole.ui.widgets.columns import fit_columns
from tuiconsole.ui.widgets.limits import paired
from tuiconsole.ui.widgets.paint import bar, fit, fit_fields, to_ascii

from .frozen import frozen


@settings(max_examples=80, deadline=None)
@given(
    width=st.integers(60, 300),
    height=st.integers(20, 80),
    chosen=st.sampled_from(PANELS),
    maximised=st.booleans(),
    banner_rows=st.integers(0, 5),
    limits=st.integers(0, 20),
    agents=st.integers(0, 12),
)
def test_boxes_tile_the_screen(
    width: int, height: int, chosen: str, maximised: bool, banner_rows: int, limits: int, agents: int
) -> None:
    boxes = arrange(
        width,
        height,
        chosen=chosen,
        maximised=maximised,
        banner_rows=banner_rows,
        limits=limits,
        agents=agents,
    )
    seen: set[tuple[int, int]] = set()
    for box in boxes.values():
        assert box.width > 0
        assert box.height > 0
        cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}
        assert not cells & seen
        seen |= cells
    assert len(seen) == width * height
    assert chosen in boxes
    if not maximised:
        assert "risk" in boxes
        if is_compact(width, height):
            assert boxes["risk"].height >= 5
        else:
            assert set(PANELS) <= set(boxes)
            assert min(boxes[panel].height for panel in PANELS) >= 3


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4), st.booleans()), min_size=1, max_size=9),
    st.integers(5, 200),
)
def test_columns_fit_or_only_rank_zero_is_left(spec: list[tuple[int, int, bool]], width: int) -> None:
    columns = [Column(f"c{i}", rank=rank, grow=grow) for i, (_, rank, grow) in enumerate(spec)]
    chosen, gap = fit_columns(columns, [natural for natural, _, _ in spec], width)
    total = sum(w for _, w in chosen) + gap * max(0, len(chosen) - 1)
    assert total <= width or len(chosen) == 1 or all(columns[i].rank == 0 for i, _ in chosen)
    assert [i for i, _ in chosen] == sorted(i for i, _ in chosen)


def test_paired_limits_keep_every_limit() -> None:
    from tuiconsole.ui.view import DeskView

    table = DeskView().risk(frozen())
    names = {row.cells[0].text for row in table.rows}
    shown = paired(table)
    assert len(shown.rows) == 5
    assert {cell.text for row in shown.rows for cell in row.cells} >= names


def test_curve_touches_top_and_bottom() -> None:
    rows = braille.line([1.0, 5.0, 2.0, 3.0], 8, 3)
    assert [len(row) for row in rows] == [8, 8, 8]
    assert rows[0].strip()
    assert rows[-1].strip()
    assert braille.line([2.0, 2.0], 4, 2) == ["    ", "⠉⠉⠉⠉"]
    deep = braille.area([0.0, 0.1, 0.2], 6, 2, 0.2)
    assert deep[1].strip()
    assert set("".join(braille.line([1.0, 2.0], 4, 3, ascii=True))) <= {" ", "*"}


def test_bars_and_fitting() -> None:
    assert bar(0.5, 4) == "██░░"
    assert bar(9.0, 3) == "███"
    assert fit("abcdef", 4, left=True) == "abc…"
    assert fit("ab", 4, left=False) == "  ab"
    assert to_ascii("● σ ██░ ▂") == "* s ##- +"
    assert to_ascii("日").isascii()
    assert to_ascii("→ ±") == "> ~"
    fields = [Field("a", Cell("1")), Field("b", Cell("2" * 10), rank=3), Field("c", Cell("3"), rank=1)]
    assert [field.label for field in fit_fields(fields, 12)] == ["a", "c"]


def test_speeds() -> None:
    assert [next_speed(v, 1) for v in (1.0, 3.0, 250.0, 0.0)] == [2.0, 5.0, 0.0, 0.0]
    assert [next_speed(v, -1) for v in (1.0, 0.25, 0.0)] == [0.5, 0.25, 250.0]


def test_shipped_themes_are_complete_and_found() -> None:
    shipped = {"dark", "light", "colourblind", "mono"}
    assert set(themes.theme_files(None)) >= shipped
    for name in sorted(shipped):
        palette = themes.load_theme(name)
        assert set(palette.styles) == set(themes.TONES)
    gain, loss = (themes.load_theme("colourblind").style(tone).color for tone in ("gain", "loss"))
    assert gain is not None
    assert loss is not None
    assert gain.triplet is not None
    assert gain.triplet.blue > gain.triplet.red


def test_users_theme_comes_first_and_bad_ones_are_refused(tmp_path: Path) -> None:
    source = themes.theme_files(None)["dark"].read_text(encoding="utf-8")
    (tmp_path / "dark.toml").write_text(source.replace('title = "Dark"', 'title = "Mine"'))
    assert themes.load_theme("dark", tmp_path).title == "Mine"
    with pytest.raises(UsageError, match=r"no theme 'nope'.*colourblind, dark, light, mono"):
        themes.load_theme("nope", tmp_path)
    (tmp_path / "bad.toml").write_text("title = 'x'\n[ui]\n[tones]\nshiny = 'red'\n")
    with pytest.raises(UsageError, match=r"unknown 'shiny'.*missing 'gain'"):
        themes.load_theme("bad", tmp_path)
    (tmp_path / "broken.toml").write_text("= what")
    with pytest.raises(UsageError, match="cannot be read"):
        themes.load_theme("broken", tmp_path)
    (tmp_path / "colour.toml").write_text(source.replace("#7fd88f", "#notacolour"))
    with pytest.raises(UsageError, match="colour"):
        themes.load_theme("colour", tmp_path)


def test_banner_wraps_whole_or_says_that_it_is_cut() -> None:
    said = (("one two three four five six seven", "halted"), ("→ go on", "halted"))
    assert [text for text, _ in wrap(said, 20, 5)] == ["one two three four", "  five six seven", "→ go on"]
    assert [text for text, _ in wrap(said, 20, 2)] == ["one two three four", "  five six seven…"]
    assert wrap((), 20, 5) == ()


def test_every_quality_of_the_engine_has_a_short_form() -> None:
    assert set(SHORT_QUALITY) == set(QUALITY_TEXT.values())
    assert max(map(len, SHORT_QUALITY.values())) <= 10


def test_columns_of_reasons_shrink_before_they_vanish() -> None:
    columns = [Column("a"), Column("why", grow=True, least=23, left=True), Column("flag", optional=True)]
    assert fit_columns(columns, [4, 40, 0], 40) == ([(0, 4), (1, 35)], 1)
    assert fit_columns(columns, [4, 40, 5], 26) == ([(0, 4), (1, 15), (2, 5)], 1)


def test_sheet_leaves_the_lines_around_it() -> None:
    assert sheet_box(80, 24, 0) == Box(0, 2, 80, 20)
    assert sheet_box(120, 40, 3) == Box(0, 5, 120, 33)
    assert sheet_box(200, 60, 0) == Box(44, 2, 112, 56)


def test_status_words() -> None:
    up, lost = Link(LinkState.UP), Link(LinkState.LOST, "The engine closed the connection.")
    name = build_keymap({}).name
    assert banner(up, 0.1, frozen(), name) == ()
    assert "NO ENGINE" in banner(lost, 0.1, frozen(), name)[0][0]
    assert banner(lost, 0.1, None, name, starting=True)[0][0].startswith("The engine is starting")
    assert "NO ENGINE" in banner(lost, 0.1, frozen(), name, starting=True)[0][0], "figures were there before"
    assert "F9 F9 kills" in banner(lost, 0.1, frozen(), name)[1][0]
    assert "SILENT" in banner(up, 3.0, frozen(), name)[0][0]
    said = badges(up, 3.2, link_slow=True, may_write=False, has_figures=True)
    assert [text for text, _ in said] == ["STALE 3 s", "READ ONLY", "LINK SLOW"]


@pytest.mark.parametrize(
    ("environ", "is_tty", "size", "words"),
    [
        ({"TERM": "dumb"}, True, (80, 24), "TERM='dumb'"),
        ({}, True, (80, 24), "TERM=''"),
        ({"TERM": "xterm"}, False, (80, 24), "needs a terminal"),
        ({"TERM": "xterm"}, True, (59, 24), "59×24.*60×20"),
        ({"TERM": "xterm"}, True, (80, 19), "80×19"),
    ],
)
def test_unusable_terminals_are_refused(
    environ: dict[str, str], is_tty: bool, size: tuple[int, int], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        require_terminal(environ, is_tty=is_tty, columns=size[0], rows=size[1])


def test_usable_terminal_is_accepted() -> None:
    require_terminal({"TERM": "xterm"}, is_tty=True, columns=60, rows=20)
    assert size_sentence(60, 20) == ""


def test_pacer_keeps_the_budget_and_forgives_a_whole_repaint() -> None:
    from tuiconsole.ui.pacing import BYTES_PER_S, Pacer

    pacer, written, now, step = Pacer(0), 0, 0, 83_000_000
    for _ in range(600):
        now += step
        if pacer.may_paint(now, written, 0):
            written += 2_500
    assert 0.8 * BYTES_PER_S < written / (now / 1e9) < 1.1 * BYTES_PER_S
    written += 200_000
    assert not pacer.may_paint(now, written, 0)
    assert pacer.may_paint(now + 600_000_000, written, 0)
    assert not pacer.may_paint(now + 1_200_000_000, written, 50_000)


def test_borrow_is_shown_when_there_is_any() -> None:
    base = frozen()
    assert "borrow" not in [field.label for field in pnl_fields(base)[1]]
    short = msgspec.structs.replace(base, pnl=msgspec.structs.replace(base.pnl, borrow=12.5))
    (shown,) = [field for field in pnl_fields(short)[1] if field.label == "borrow"]
    assert shown.cell.text == "12.50"


def test_a_live_market_shows_feed_market_and_age() -> None:
    base = frozen()
    header = replace(
        base.header,
        mode="paper",
        feed="yahoo 1min",
        market="closed, opens Mon 09:30",
        data_age_s=50_000.0,
        bars_total=0,
    )
    live = replace(base, header=header)
    texts = [field.cell.text for field in title_fields(live)]
    assert texts[1:] == ["yahoo 1min", "closed, opens Mon 09:30"]
    aged = next(field for field in header_fields(live, 30.0) if field.label == "data")
    assert (aged.cell.text, aged.cell.tone) == ("13.9 h", "plain"), "no alarm while the market is closed"
    stale = replace(base, header=replace(header, data_stale=True))
    assert next(field for field in header_fields(stale) if field.label == "data").cell.tone == "warn"


def test_a_replay_shows_its_pace_or_its_speed() -> None:
    base = frozen()
    for pace, text in ((0.0, "×1 bars/s"), (1.0, "original pace"), (10.0, "×10 market")):
        made = replace(base, header=replace(base.header, mode="replay", speed=1.0, pace=pace))
        assert text in [field.cell.text for field in title_fields(made)]
