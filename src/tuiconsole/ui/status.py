"""What the console says about itself: banner, badges, and whether its figures are old. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import figures
from tuiconsole.ui.client import Link, LinkState
from tuiconsole.ui.format import plain

SILENT_AFTER_S = 2.0
LEAST_WIDTH = 20

Said = tuple[tuple[str, str], ...]
"""Pieces of text with their tones."""


def is_stale(link: Link, silence_s: float) -> bool:
    """True when the figures on the screen may no longer hold."""
    return link.state is not LinkState.UP or silence_s > SILENT_AFTER_S


def badges(link: Link, silence_s: float, *, link_slow: bool, may_write: bool, has_figures: bool) -> Said:
    """Badges at the right of the header, the most important first."""
    said: list[tuple[str, str]] = []
    if has_figures and is_stale(link, silence_s):
        said.append((f"STALE {silence_s:.0f} s", "halted"))
    if link.state is LinkState.UP and not may_write:
        said.append(("READ ONLY", "paused"))
    if link_slow:
        said.append(("LINK SLOW", "paused"))
    return tuple(said)


def banner(
    link: Link,
    silence_s: float,
    snapshot: Snapshot | None,
    name: Callable[[str], str],
    *,
    starting: bool = False,
) -> Said:
    """What needs the trader: a silent or lost engine first, else why the desk is stopped and how to go on.

    Parameters
    ----------
    name
        The key of an action as printed on a keyboard.
    starting
        Whether the engine that this console spawned is still getting ready.
    """
    if starting and snapshot is None and link.state is LinkState.LOST:
        return (
            ("The engine is starting: it recovers its journal, or fetches prices to warm up with.", "plain"),
        )
    stop = name("stop")
    way_out = f"{stop} halts and {stop} {stop} kills (flattens) without it."
    if link.state is LinkState.REFUSED:
        return ((f"The engine refuses this console: {link.text} {way_out}", "critical"),)
    if link.state is LinkState.LOST:
        return (
            (f"NO ENGINE. {plain(link.text)} Positions stay as they are.", "critical"),
            (f"{way_out} Trying to reattach; trading is not resumed by that.", "critical"),
        )
    if link.state is LinkState.UP and silence_s > SILENT_AFTER_S:
        return (
            (f"THE ENGINE IS SILENT for {silence_s:.0f} s. What you see is old.", "critical"),
            (way_out, "critical"),
        )
    if snapshot is not None and snapshot.header.level != "running":
        header = snapshot.header
        keys = f"{name('resume')} resumes"
        if header.level != "paused":
            keys = f"{name('rearm')} re-arms, then {keys}"
        reason = plain(header.level_text).removesuffix(plain(header.way_on)).rstrip()
        why = f"{figures.level_text(snapshot)}  {reason}".rstrip()
        return (why, header.level), (f"→ {plain(header.way_on)} ({keys})".replace("→  ", "→ "), header.level)
    return ()


def wrap(said: Said, width: int, most: int) -> Said:
    """``said`` in lines of at most ``width`` cells, whole if ``most`` lines are enough, else cut with ``…``."""
    lines = [
        (part, tone)
        for text, tone in said
        for part in textwrap.wrap(text, max(LEAST_WIDTH, width), subsequent_indent="  ") or [""]
    ]
    if len(lines) > most > 0:
        text, tone = lines[most - 1]
        lines = [*lines[: most - 1], (f"{text[: width - 1]}…", tone)]
    return tuple(lines)
