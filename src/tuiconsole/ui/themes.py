"""Themes: where they are found, and what they mean.

A theme is a TOML file of colours. It is looked for in the user's directory, then in the repository's ``themes/`` (an editable
install), then in the package (a wheel). Its ``[ui]`` colours dress borders, inputs and dialogs; its ``[tones]`` give every
tone of :class:`~tuiconsole.ui.cells.Cell` a style in Rich's words, e.g. ``"bold #56b4e9"``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from rich.errors import StyleSyntaxError
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

from tuiconsole.domain.errors import UsageError

PACKAGED = "themes_packaged"
WITHOUT_COLOUR = "mono"
"""The theme in force when the user has set ``NO_COLOR``."""
TONES = (
    "plain",
    "strong",
    "dim",
    "head",
    "accent",
    "gain",
    "loss",
    "warn",
    "critical",
    "bar",
    "cursor",
    "cursor_idle",
    "running",
    "paused",
    "halted",
    "killed",
    "mode",
    "live",
    "stop",
    "key",
    "curve",
    "drawdown",
    "stale",
)
_UI_REQUIRED = ("primary", "background", "surface", "panel", "foreground")
_UI_OPTIONAL = ("secondary", "accent", "warning", "error", "success")


@dataclass(frozen=True, slots=True)
class Palette:
    """A theme in use: the framework's part and the style of every tone."""

    name: str
    title: str
    theme: Theme
    styles: Mapping[str, Style]
    grounds: Mapping[str, Style]

    def style(self, tone: str) -> Style:
        """The style of ``tone``; an unknown tone is plain."""
        return self.styles.get(tone) or self.styles["plain"]


def _places(user_dir: Path | None) -> Iterator[Traversable]:
    if user_dir is not None:
        yield user_dir
    repository = Path(__file__).resolve().parents[3]
    if (repository / "src" / "tuiconsole").is_dir():
        yield repository / "themes"
    yield resources.files("tuiconsole") / PACKAGED


def theme_files(user_dir: Path | None) -> dict[str, Traversable]:
    """Every theme that can be chosen: name to file, the user's own before the shipped ones; names in order."""
    found: dict[str, Traversable] = {}
    for place in _places(user_dir):
        if place.is_dir():
            for entry in place.iterdir():
                if entry.name.endswith(".toml"):
                    found.setdefault(entry.name.removesuffix(".toml"), entry)
    return dict(sorted(found.items()))


def load_theme(name: str, user_dir: Path | None = None) -> Palette:
    """The theme called ``name``.

    Raises
    ------
    UsageError
        No such theme (the sentence lists those that exist), or its file is not a theme.
    """
    files = theme_files(user_dir)
    if name not in files:
        known = ", ".join(files) or "none was found"
        raise UsageError(f"There is no theme {name!r}.", f"Choose one of: {known}.")
    try:
        data = tomllib.loads(files[name].read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(
            f"The theme {name!r} cannot be read: {error}.", "Correct the file or remove it."
        ) from None
    return _palette(name, data)


def _palette(name: str, data: Mapping[str, Any]) -> Palette:
    ui, tones = data.get("ui"), data.get("tones")
    if not isinstance(ui, dict) or not isinstance(tones, dict):
        raise UsageError(f"The theme {name!r} needs the tables [ui] and [tones].")
    unknown = sorted({*ui} - {*_UI_REQUIRED, *_UI_OPTIONAL}) + sorted({*tones} - {*TONES})
    missing = [key for key in _UI_REQUIRED if key not in ui] + [key for key in TONES if key not in tones]
    if unknown or missing:
        wrong = ", ".join([f"unknown {key!r}" for key in unknown] + [f"missing {key!r}" for key in missing])
        raise UsageError(f"The theme {name!r} is not complete: {wrong}.", "Compare it with themes/dark.toml.")
    try:
        colours = {key: Color.parse(str(value)).hex for key, value in ui.items()}
        styles = {key: Style.parse(str(value)) for key, value in tones.items()}
    except (ColorParseError, StyleSyntaxError) as error:
        raise UsageError(f"The theme {name!r} names a colour that is none: {error}.") from None
    theme = Theme(
        f"desk-{name}",
        primary=colours["primary"],
        secondary=colours.get("secondary"),
        warning=colours.get("warning"),
        error=colours.get("error"),
        success=colours.get("success"),
        accent=colours.get("accent"),
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        dark=bool(data.get("dark", True)),
    )
    grounds = {key: Style(bgcolor=colours[key]) for key in ("background", "surface", "panel")}
    return Palette(name, str(data.get("title", name)), theme, styles, grounds)
