"""The tape that the feed settings choose from the history."""

from __future__ import annotations

from pathlib import Path

from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.errors import UsageError
from tuiconsole.market.history.manifest import Manifest
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.settings import FeedSettings, HistorySettings
from tuiconsole.market.tape import Tape


def stored_tape(settings: FeedSettings, history: HistorySettings) -> Tape:
    """The bars that ``settings`` choose, adjusted as ``history`` says, with the stored macro series as they were released.

    Raises
    ------
    UsageError
        No stored list has the universe's name, a symbol is not stored, or there are no bars of that length.
    """
    root = Path(history.root).expanduser()
    store = HistoryStore(root)
    tape = store.tape(
        chosen_symbols(settings.universe, store.manifest),
        settings.interval,
        adjusted=history.prices != "raw",
        dividends=history.prices == "total",
    )
    if not history.macro:
        return tape
    from tuiconsole.market.macro_series import macro_releases
    from tuiconsole.market.point_in_time_store import PointInTimeStore

    source = macro_releases(PointInTimeStore(root, WallClock()))
    return tape if source is None else tape.with_macro(source)


def chosen_symbols(universe: str, manifest: Manifest) -> tuple[str, ...] | None:
    """The symbols that ``universe`` names: a stored list, or symbols with commas between; None for all.

    >>> chosen_symbols("spy, qqq", Manifest()), chosen_symbols("", Manifest())
    (('SPY', 'QQQ'), None)
    """
    text = universe.strip()
    if not text:
        return None
    if text in manifest.universes:
        return manifest.universes[text]
    symbols = tuple(dict.fromkeys(part.strip().upper() for part in text.split(",") if part.strip()))
    if not symbols:
        known = ", ".join(sorted(manifest.universes)) or "none yet"
        raise UsageError(f"The universe {universe!r} names no symbol.", f"Stored lists: {known}.")
    return symbols
