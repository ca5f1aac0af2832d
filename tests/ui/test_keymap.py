"""One registry of actions; the user's keys, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuiconsole.domain.errors import ConfigError
from tuiconsole.ui.actions import ACTIONS, BY_ID, FIXED_KEYS, Risk, key_name
from tuiconsole.ui.keymap import AVOIDED, build_keymap, normalise


def test_defaults_have_no_conflict_and_avoid_terminal_chords() -> None:
    keymap = build_keymap({})
    used = [key for action in ACTIONS for key in keymap.all_keys(action)]
    assert len(used) == len(set(used))
    assert not set(used) & set(FIXED_KEYS)
    assert not {action.key for action in ACTIONS} & AVOIDED


def test_safety_needs_no_lease_and_danger_does() -> None:
    for action in ACTIONS:
        if action.risk is Risk.SAFETY:
            assert not action.writes
        if action.risk is Risk.DANGER:
            assert action.writes
    assert BY_ID["stop"].priority
    assert BY_ID["stop"].also == ("ctrl+backslash",)


def test_every_action_has_a_method_on_the_app() -> None:
    from tuiconsole.ui.app import ConsoleApp

    for action in ACTIONS:
        assert hasattr(ConsoleApp, "action_" + action.call.partition("(")[0]), action.id


def test_remap() -> None:
    keymap = build_keymap({"pause": "F5", "stop": "f8", "help": "ctrl+g"})
    assert (keymap.key("pause"), keymap.key("stop"), keymap.key("help")) == ("f5", "f8", "ctrl+g")
    assert keymap.name("stop") == "F8"


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"pauze": "x"}, "no action 'pauze'"),
        ({"pause": "r"}, "both 'pause' and 'resume'"),
        ({"pause": "tab"}, "next panel"),
        ({"pause": "ctrl+s"}, "belongs to terminals"),
        ({"pause": "hyper+x"}, "not a key"),
        ({"pause": ""}, "not a key"),
        ({"stop": "x"}, "typed into inputs"),
        ({"pause": "f1"}, "both"),
    ],
)
def test_refused_with_a_sentence(wishes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build_keymap(wishes)


def test_spelling() -> None:
    assert [normalise(k) for k in ("?", "Ctrl+G", "F5", "R", "r", "+")] == [
        "question_mark", "ctrl+g", "f5", "R", "r", "plus",
    ]  # fmt: skip
    assert [key_name(k) for k in ("f9", "question_mark", "ctrl+backslash", "R", "space")] == [
        "F9",
        "?",
        "^\\",
        "R",
        "Space",
    ]


def test_every_key_is_in_the_docs() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "console.md").read_text(encoding="utf-8")
    for action in ACTIONS:
        if not action.id.startswith("panel_"):
            assert f"`{key_name(action.key)}`" in page, action.id
