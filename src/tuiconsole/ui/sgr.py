"""Shorter colour codes: the same picture in fewer bytes, for slow lines. Pure.

Textual writes every run of text as *set everything*, text, *reset*. Only what differs from the text before needs saying, and
the colour of a blank's letter needs no saying at all. On the desk's own frames this saves more than half of the bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache

Style = tuple[str, str, str]
"""Attributes (``;``-joined, in order), foreground and background as SGR parameters; empty = default."""

DEFAULT: Style = ("", "", "")
_TOKEN = re.compile(r"\x1b\[([\d;]*)m|\x1b\[[\d;?<>=]*[ -/]*[@-ln-~]|[^\x1b]+|\x1b")
_SHOWS_ON_BLANKS = frozenset({"4", "7", "9", "21", "53"})
_OFF = {
    "1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "6": "25", "7": "27", "8": "28", "9": "29", "21": "24",
    "51": "54", "52": "54", "53": "55",
}  # fmt: skip
"""Every attribute, and what switches it off again."""


@lru_cache(maxsize=4096)
def _after(style: Style, parameters: str) -> Style | None:
    """The style after an SGR sequence, or None when it is not one that we know."""
    attributes, foreground, background = style
    kept = [a for a in attributes.split(";") if a]
    codes = iter((parameters or "0").split(";"))
    for code in codes:
        number = int(code or 0)
        if number == 0:
            kept, foreground, background = [], "", ""
        elif str(number) in _OFF:
            if str(number) not in kept:
                kept.append(str(number))
        elif str(number) in _OFF.values():
            kept = [attribute for attribute in kept if _OFF[attribute] != str(number)]
        elif number in (38, 48):
            kind = next(codes, "")
            rest = [next(codes, "") for _ in range({"5": 1, "2": 3}.get(kind, 0))]
            if not rest or "" in rest:
                return None
            colour = ";".join((str(number), kind, *rest))
            foreground, background = (colour, background) if number == 38 else (foreground, colour)
        elif 30 <= number <= 37 or 90 <= number <= 97:
            foreground = str(number)
        elif 40 <= number <= 47 or 100 <= number <= 107:
            background = str(number)
        elif number == 39:
            foreground = ""
        elif number == 49:
            background = ""
        else:
            return None
    return ";".join(sorted(kept, key=int)), foreground, background


@lru_cache(maxsize=8192)
def _change(now: Style, want: Style) -> str:
    """The shortest sequence from one style to another."""
    if now == want:
        return ""
    if want == DEFAULT:
        return "\x1b[0m"
    parts = _attribute_change(now[0], want[0])
    if now[1] != want[1]:
        parts.append(want[1] or "39")
    if now[2] != want[2]:
        parts.append(want[2] or "49")
    anew = ["0", *(part for part in want if part)]
    return f"\x1b[{min(';'.join(parts), ';'.join(anew), key=len)}m"


def _attribute_change(now: str, want: str) -> list[str]:
    before, after = (set(text.split(";")) - {""} for text in (now, want))
    off = {_OFF[attribute] for attribute in before - after}
    kept = {attribute for attribute in after & before if _OFF[attribute] in off}  # bold and dim go together
    return [*sorted(off, key=int), *sorted((after - before) | kept, key=int)]


@lru_cache(maxsize=1024)
def _plain_blanks(attributes: str) -> bool:
    return not _SHOWS_ON_BLANKS & set(attributes.split(";"))


def lean(data: str, *, colours: bool = True) -> str:
    r"""``data`` with every style change said once and as shortly as possible; unknown sequences leave it untouched.

    ``data`` must begin and end in the default style, as every frame does. Without ``colours`` only attributes are written.

    >>> lean("\x1b[1;31mA\x1b[0m\x1b[1;31mB\x1b[0m")
    '\x1b[1;31mAB\x1b[0m'
    """
    now = want = DEFAULT
    out: list[str] = []
    for token in _TOKEN.finditer(data):
        text = token[0]
        if token[1] is not None:
            after = _after(want, token[1])
            if after is None:
                return data
            want = after if colours else (after[0], "", "")
            continue
        if text[0] == "\x1b":
            if text[-1] != "H":  # erasing and the like depend on the style
                out.append(_change(now, want))
                now = want
            out.append(text)
            continue
        if not text.strip("\r\n"):  # moves the cursor, draws nothing
            out.append(text)
            continue
        target = want
        if text.isspace() and _plain_blanks(want[0]) and _plain_blanks(now[0]):
            target = (now[0], now[1], want[2])
        out.append(_change(now, target))
        out.append(text)
        now = target
    out.append(_change(now, want))
    return "".join(out)
