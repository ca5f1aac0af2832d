"""Help: every key from the registry, and what the marks mean."""

from __future__ import annotations

import textwrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tuiconsole.ui.actions import ACTIONS, FIXED_KEYS, key_name
from tuiconsole.ui.explain import Line
from tuiconsole.ui.keymap import Keymap
from tuiconsole.ui.widgets.pages import Pages
from tuiconsole.ui.widgets.paint import Brush

_INDENT, _WIDTH, _FRAME = 15, 110, 8

MARKS: tuple[tuple[str, str], ...] = (
    ("● ‖ ■ ✖", "running, paused (no new risk), halted (and cancelled), killed (and flattened)"),
    ("▂ ▄ ▆", "an agent expects a rise; the higher, the surer (mean against its own sigma)"),
    ("▔ ▀", "an agent expects a fall"),
    ("·", "an agent has no opinion"),
    ("██░░", "how much of a limit is used; !! marks a breach"),
    ("[x] [ ]", "an agent is on, off"),
    ("STALE", "the figures are old: the engine is silent or gone"),
    ("LINK SLOW", "the terminal does not keep up; frames are dropped, the screen is repainted afterwards"),
)


STOPPING = (
    "Pause < Halt < Kill. The stop key never asks. Halt and Kill last until re-armed, also over restarts.",
    "Re-arm leads to Paused, resume from there to Running. Quitting leaves the engine running unless you say so.",
)


def _entry(head: str, text: str, width: int, tone: str) -> list[Line]:
    room = max(20, width - _INDENT)
    first, *rest = textwrap.wrap(text, room)
    pad = " " * _INDENT
    return [(f"  {head:<{_INDENT - 3}} {first}", tone), *((pad + line, tone) for line in rest)]


def help_lines(keymap: Keymap, width: int) -> list[Line]:
    """The whole help text, wrapped to ``width``."""
    lines: list[Line] = [("Keys", "accent")]
    for action in ACTIONS:
        keys = " ".join(key_name(key) for key in keymap.all_keys(action))
        everywhere = " Works in every screen and dialog." if len(action.screens) > 1 else ""
        lines += _entry(keys, action.help + everywhere, width, "warn" if action.priority else "plain")
    lines += [("", "plain"), ("Stopping", "accent")]
    for text in STOPPING:
        lines += [(f"  {line}", "plain") for line in textwrap.wrap(text, max(20, width - 2))]
    lines += [("", "plain"), ("Marks", "accent")]
    for mark, text in MARKS:
        lines += _entry(mark, text, width, "plain")
    lines += [("", "plain"), ("In lists and dialogs", "accent")]
    for key, text in FIXED_KEYS.items():
        lines += _entry(key_name(key), text, width, "plain")
    return lines


class HelpScreen(ModalScreen[None]):
    """The help text over the desk."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,enter", "dismiss", "close")]

    def __init__(self, brush: Brush, keymap: Keymap) -> None:
        super().__init__()
        self._brush = brush
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        with Vertical(classes="dialog wide") as box:
            box.border_title = " Help "
            box.border_subtitle = " escape closes "
            yield Pages(
                self._brush, help_lines(self._keymap, min(_WIDTH, self.app.size.width * 96 // 100) - _FRAME)
            )
