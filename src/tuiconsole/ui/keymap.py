"""Which key does what, after the user's wishes; a wish that cannot be granted is refused with a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tuiconsole.domain.errors import ConfigError
from tuiconsole.ui.actions import ACTIONS, BY_ID, FIXED_KEYS, Action, key_name

AVOIDED = {f"ctrl+{letter}" for letter in "basicpjmhik"}
"""Chords that terminals, multiplexers or inputs already use."""

_WORDS = {
    "?": "question_mark",
    "/": "slash",
    ":": "colon",
    "+": "plus",
    "-": "minus",
    "=": "equals_sign",
    "\\": "backslash",
    ".": "full_stop",
    ",": "comma",
    ";": "semicolon",
    "'": "apostrophe",
    "!": "exclamation_mark",
    "#": "number_sign",
    "*": "asterisk",
    " ": "space",
}
_NAMED = {
    "tab",
    "enter",
    "escape",
    "space",
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "pageup",
    "pagedown",
}
_NAMED |= {"insert", "delete", "backspace"} | {f"f{n}" for n in range(1, 25)} | set(_WORDS.values())


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys in force: ``keys[action id]`` in Textual's spelling."""

    keys: Mapping[str, str]

    def key(self, action: str) -> str:
        """The main key of ``action`` in Textual's spelling."""
        return self.keys[action]

    def name(self, action: str) -> str:
        """The main key of ``action`` as printed on a keyboard."""
        return key_name(self.keys[action])

    def all_keys(self, action: Action) -> tuple[str, ...]:
        """Main key and the further ones."""
        return (self.keys[action.id], *action.also)


def normalise(key: str) -> str:
    """``key`` in Textual's spelling: ``?`` becomes ``question_mark``, ``Ctrl+X`` ``ctrl+x``.

    Raises :class:`~tuiconsole.domain.errors.ConfigError` when it names no key.
    """
    text = key if key == " " else key.strip()
    *modifiers, last = text.split("+") if len(text) > 1 and not text.endswith("+") else [text]
    last = _WORDS.get(last, last)
    last = last if len(last) == 1 and not modifiers else last.lower()
    modifiers = [modifier.lower() for modifier in modifiers]
    known = last in _NAMED or (len(last) == 1 and last.isalnum())
    if not known or any(modifier not in {"ctrl", "alt", "shift"} for modifier in modifiers):
        raise ConfigError(
            f"{key!r} is not a key.", "Write a letter, a digit, a sign, f1 to f24, or ctrl+letter."
        )
    return "+".join([*modifiers, last])


def build_keymap(wishes: Mapping[str, str]) -> Keymap:
    """The keymap after the user's ``wishes`` (action id to key).

    Raises
    ------
    ConfigError
        Unknown action, no such key, a key that lists or terminals need, or two actions on one key.
    """
    keys = {action.id: action.key for action in ACTIONS}
    for action, wish in wishes.items():
        if action not in BY_ID:
            raise ConfigError(
                f"There is no action {action!r} to give a key to.", f"Known: {', '.join(BY_ID)}."
            )
        key = normalise(wish)
        if key in FIXED_KEYS:
            raise ConfigError(
                f"The key {wish!r} for {action!r} is taken: {FIXED_KEYS[key]}.", "Choose another."
            )
        if key in AVOIDED:
            raise ConfigError(
                f"The key {wish!r} for {action!r} belongs to terminals and inputs.", "Choose another."
            )
        if BY_ID[action].priority and len(key) == 1:
            raise ConfigError(
                f"The key {wish!r} for {action!r} would be typed into inputs.", "Choose f1 to f24."
            )
        keys[action] = key
    _refuse_conflicts(keys)
    return Keymap(keys)


def _refuse_conflicts(keys: Mapping[str, str]) -> None:
    owner: dict[str, str] = {}
    for action in ACTIONS:
        for key in (keys[action.id], *action.also):
            if key in owner and owner[key] != action.id:
                raise ConfigError(
                    f"The key {key_name(key)!r} would do both {owner[key]!r} and {action.id!r}.",
                    "Give one of them another key under [keys].",
                )
            owner[key] = action.id
