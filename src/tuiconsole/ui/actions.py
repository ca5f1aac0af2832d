"""The one list of what the trader can do at the console. Bindings, footer, help, palette and docs are all made from it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Risk(enum.Enum):
    """What an action can do to the money."""

    NONE = "looks only"
    SAFETY = "takes risk off; never asks"
    CHANGE = "changes the desk"
    DANGER = "lets risk back on; asks first"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the trader can do.

    Attributes
    ----------
    id
        Name of the action: of the method ``action_<id>`` on the app, and of the key in ``[keys]`` of the configuration.
    key
        Default key in Textual's spelling; the user may choose another.
    also
        Further keys that always work.
    label
        One or two words for the footer; empty keeps it out of there.
    rank
        Place in the footer; higher ranks are left out first when the line is short.
    writes
        Needs the writer lease; refused on a read-only console.
    priority
        Works with inputs, the palette and every dialog in front.
    """

    id: str
    key: str
    help: str
    risk: Risk = Risk.NONE
    label: str = ""
    rank: int = 9
    also: tuple[str, ...] = ()
    writes: bool = False
    priority: bool = False
    screens: tuple[str, ...] = ("desk",)

    @property
    def call(self) -> str:
        """The action as Textual calls it: ``panel_3`` is ``panel(3)``."""
        name, _, number = self.id.partition("_")
        return f"{name}({number})" if number else self.id


EVERYWHERE = ("desk", "help", "why", "alerts", "ask", "quit", "rearm", "palette")

ACTIONS: tuple[Action, ...] = (
    Action(
        "stop",
        "f9",
        "Halt at once: no new risk, working orders cancelled. Again within 3 s: KILL, which flattens everything.",
        Risk.SAFETY,
        "STOP (again: KILL)",
        0,
        also=("ctrl+backslash",),
        priority=True,
        screens=EVERYWHERE,
    ),
    Action(
        "help", "question_mark", "Show all keys and what the marks mean.", label="help", rank=1, also=("f1",)
    ),
    Action(
        "pause", "p", "Pause: keep positions and working orders, take no new risk.", Risk.SAFETY, "pause", 2
    ),
    Action("resume", "r", "Resume from Paused to Running.", Risk.DANGER, "resume", 3, writes=True),
    Action(
        "rearm",
        "R",
        "Re-arm after a halt or kill: type the word and a reason; the desk is then Paused.",
        Risk.DANGER,
        "re-arm",
        3,
        writes=True,
    ),
    Action(
        "reconcile",
        "b",
        "What the broker says otherwise: adopt or ignore it, with a reason.",
        Risk.DANGER,
        "broker differs",
        3,
        writes=True,
    ),
    Action("agents", "a", "Go to the agents; space or enter switches one on or off.", label="agents", rank=3),
    Action(
        "why",
        "w",
        "Why was the selected order sent? Prices, agents, target, verdict, fills.",
        label="why",
        rank=3,
    ),
    Action("ask", "W", "Why of any order: type its number or id, or DECISION:SYMBOL of a refused one."),
    Action(
        "filter", "slash", "Filter the rows of the panel in focus; escape clears.", label="filter", rank=5
    ),
    Action(
        "palette",
        "colon",
        "Command palette: every action by name.",
        label="commands",
        rank=4,
        also=("ctrl+o",),
    ),
    Action(
        "maximise", "m", "Maximise the panel in focus; again: back.", label="maximise", rank=6, also=("f11",)
    ),
    Action("alerts", "l", "List all alerts with their whole text.", label="alerts", rank=5),
    Action(
        "acknowledge",
        "A",
        "Acknowledge all alerts seen so far.",
        Risk.CHANGE,
        "ack",
        5,
        writes=True,
        screens=("desk", "alerts"),
    ),
    Action(
        "copy",
        "y",
        "Copy the selected row, or the text in front: to the terminal's clipboard (OSC 52) and to a file.",
        label="copy",
        rank=8,
        screens=("desk", "why", "alerts", "help"),
    ),
    Action("theme", "t", "Next theme.", label="theme", rank=7),
    Action(
        "faster",
        "plus",
        "Replay faster.",
        Risk.CHANGE,
        "faster",
        8,
        also=("equals_sign",),
        writes=True,
    ),
    Action("slower", "minus", "Replay slower.", Risk.CHANGE, "slower", 8, writes=True),
    Action(
        "quit",
        "q",
        "Leave the console; asks whether the engine keeps running.",
        label="quit",
        rank=2,
        also=("ctrl+q", "ctrl+c"),
    ),
    Action("panel_1", "1", "Positions."),
    Action("panel_2", "2", "P&L with equity and drawdown curve."),
    Action("panel_3", "3", "Signals."),
    Action("panel_4", "4", "Risk limits."),
    Action("panel_5", "5", "Orders."),
    Action("panel_6", "6", "Agents."),
)

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}

FIXED_KEYS: dict[str, str] = {
    "tab": "next panel",
    "shift+tab": "panel before",
    "up": "row up",
    "down": "row down",
    "k": "row up",
    "j": "row down",
    "pageup": "page up",
    "pagedown": "page down",
    "home": "first row",
    "end": "last row",
    "space": "switch the selected agent",
    "enter": "switch the selected agent, or why of the selected order",
    "escape": "close a dialog, leave the filter",
}
"""Keys that belong to lists and dialogs and cannot be given away."""

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "ctrl+backslash": "^\\",
    "full_stop": ".",
    "comma": ",",
}


def key_name(key: str) -> str:
    """``key`` as printed on a keyboard.

    >>> key_name("f9"), key_name("question_mark"), key_name("ctrl+o")
    ('F9', '?', '^O')
    """
    if key in _NAMES:
        return _NAMES[key]
    if key.startswith("ctrl+"):
        return "^" + key_name(key.removeprefix("ctrl+")).upper()
    return key if len(key) == 1 else key.capitalize() if key[0] != "f" else key.upper()
