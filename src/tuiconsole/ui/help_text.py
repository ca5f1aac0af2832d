"""Help: every key from the registry, and what the marks mean."""

from __future__ import annotations

import textwrap
from functools import partial

from tuiconsole.ui.actions import ACTIONS, FIXED_KEYS, key_name
from tuiconsole.ui.keymap import Keymap
from tuiconsole.ui.text import Line, line, wrapped
from tuiconsole.ui.widgets.sheet import Content

_INDENT = 15

MARKS: tuple[tuple[str, str], ...] = (
    ("● ‖ ■ ✖", "running, paused (no new risk), halted (and cancelled), killed (and flattened)"),
    ("▂ ▄ ▆", "an agent expects a rise; the higher, the surer (mean against its own sigma)"),
    ("▔ ▀", "an agent expects a fall"),
    ("·", "an agent has no opinion"),
    ("▁▄█", "an agent's weight over the last bars, from its lowest to its highest"),
    ("██░░", "how much of a limit is used; !! marks a breach"),
    ("KO !", "the price is not good: no new orders; the reason stands in the last column"),
    ("[x] [ ]", "an agent is on, off"),
    ("STALE", "the figures are old: the engine is silent or gone"),
    ("END OF TAPE", "the replay has no more bars; positions stay"),
    ("LINK SLOW", "the terminal does not keep up; frames are dropped, the screen is repainted afterwards"),
)


STOPPING = (
    "Pause < Halt < Kill. The stop key never asks. Halt and Kill last until re-armed, also over restarts.",
    "Re-arm leads to Paused, resume from there to Running. Quitting leaves the engine running unless you say so.",
)


def _entry(head: str, text: str, width: int, tone: str) -> list[Line]:
    first, *rest = textwrap.wrap(text, max(20, width - _INDENT))
    pad = " " * _INDENT
    return [
        ((f"  {head:<{_INDENT - 3}} ", "key"), (first, tone)),
        *(line(pad + part, tone) for part in rest),
    ]


def help_lines(keymap: Keymap, width: int) -> list[Line]:
    """The whole help text, wrapped to ``width``."""
    lines: list[Line] = [line("Keys", "accent")]
    for action in ACTIONS:
        keys = " ".join(key_name(key) for key in keymap.all_keys(action))
        everywhere = " Works in every screen and dialog." if action.priority else ""
        lines += _entry(keys, action.help + everywhere, width, "warn" if action.priority else "plain")
    lines += [line(""), line("Stopping", "accent")]
    for text in STOPPING:
        lines += [((("  ", "plain")), *made) for made in wrapped(text, width - 2)]
    lines += [line(""), line("Marks", "accent")]
    for mark, text in MARKS:
        lines += _entry(mark, text, width, "plain")
    lines += [line(""), line("In lists and dialogs", "accent")]
    for key, text in FIXED_KEYS.items():
        lines += _entry(key_name(key), text, width, "plain")
    return lines


def help_content(keymap: Keymap) -> Content:
    """The sheet that shows the help."""
    return Content("help", "Help", partial(help_lines, keymap))
