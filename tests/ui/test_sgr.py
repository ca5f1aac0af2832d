"""Leaner colour codes paint the same cells."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.ui.sgr import DEFAULT, _after, lean

SGR = re.compile(r"\x1b\[([\d;]*)m|(\x1b\[\d+;\d+H)|([^\x1b])")


def painted(data: str) -> list[tuple[str, object]]:
    """Every character with the style that can be seen on it."""
    style, cells = DEFAULT, []
    for match in SGR.finditer(data):
        if match[1] is not None:
            style = _after(style, match[1]) or DEFAULT
        elif match[2]:
            cells.append((match[2], None))
        elif match[3] == " " and not {"4", "7", "9"} & set(style[0].split(";")):
            cells.append((" ", style[2]))
        else:
            cells.append((match[3], style))
    return [*cells, ("end", style)]


STYLES = st.sampled_from(
    ["1", "31", "1;38;2;1;2;3", "38;5;9;48;2;4;5;6", "7;32;44", "4", "2;97;104", "3;39;49", "48;2;4;5;6"]
)
RUNS = st.lists(st.tuples(STYLES, st.text("ab ", min_size=1, max_size=4), st.booleans()), max_size=12)


@settings(max_examples=200, deadline=None)
@given(RUNS)
def test_same_picture_in_no_more_than_the_bytes(runs: list[tuple[str, str, bool]]) -> None:
    data = "".join(
        f"{chr(27) + '[3;1H' if move else ''}\x1b[{style}m{text}\x1b[0m" for style, text, move in runs
    )
    assert painted(lean(data)) == painted(data)
    assert len(lean(data)) <= len(data) + 2 * len(runs)


def test_unknown_codes_are_left_alone() -> None:
    for data in ("\x1b[58;5;1mA\x1b[0m", "\x1b[38;7mA\x1b[0m"):
        assert lean(data) == data


def test_repeated_styles_are_said_once() -> None:
    run = "\x1b[38;2;9;9;9;48;2;1;1;1mab\x1b[0m"
    assert len(lean(run * 20)) < len(run * 20) / 8


def test_without_colours_attributes_are_left() -> None:
    data = "\x1b[1;7;38;2;9;9;9;48;5;3mA\x1b[0m \x1b[31mB\x1b[0m"
    assert lean(data, colours=False) == "\x1b[1;7mA\x1b[0m B"


@settings(max_examples=100, deadline=None)
@given(RUNS)
def test_without_colours_nothing_else_changes(runs: list[tuple[str, str, bool]]) -> None:
    data = "".join(f"\x1b[{style}m{text}\x1b[0m" for style, text, _ in runs)
    made = lean(data, colours=False)
    assert not re.search(r"\x1b\[[\d;]*[34]\d[\d;]*m", made)
    assert SGR.sub(lambda match: match[3] or "", made) == "".join(text for _, text, _ in runs)


def test_attributes_go_off_alone_when_that_is_shorter() -> None:
    colour = "38;2;100;100;100;48;2;20;20;20"
    assert lean(f"\x1b[1;{colour}mA\x1b[0m\x1b[{colour}mB\x1b[0m").count(colour) == 1
    assert lean(f"\x1b[1;2;{colour}mA\x1b[0m\x1b[2;{colour}mB\x1b[0m").endswith("\x1b[22;2mB\x1b[0m")
