"""What the console says about itself: banner, badges, and whether its figures are old. Pure."""

from __future__ import annotations

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import figures
from tuiconsole.ui.client import Link, LinkState
from tuiconsole.ui.format import plain

SILENT_AFTER_S = 2.0

Said = tuple[tuple[str, str], ...]
"""Pieces of text with their tones."""


def is_stale(link: Link, silence_s: float) -> bool:
    """True when the figures on the screen may no longer hold."""
    return link.state is not LinkState.UP or silence_s > SILENT_AFTER_S


def badges(link: Link, silence_s: float, *, link_slow: bool, may_write: bool, has_figures: bool) -> Said:
    """Badges at the right of the header."""
    said: list[tuple[str, str]] = []
    if link_slow:
        said.append(("LINK SLOW", "paused"))
    if has_figures and is_stale(link, silence_s):
        said.append((f"STALE {silence_s:.0f} s", "halted"))
    if link.state is LinkState.UP and not may_write:
        said.append(("READ ONLY", "paused"))
    return tuple(said)


def banner(link: Link, silence_s: float, snapshot: Snapshot | None, stop_key: str) -> Said:
    """Lines that need the trader: a silent or lost engine first, else why the desk is stopped and how to go on."""
    way_out = f"{stop_key} halts and {stop_key} {stop_key} kills (flattens) without it."
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
        lines = [(f"{figures.level_text(snapshot)}  {plain(header.level_text)}".rstrip(), header.level)]
        if header.way_on:
            lines.append((f"→ {plain(header.way_on)}", header.level))
        return tuple(lines)
    return ()
