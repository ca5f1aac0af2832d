"""The tape that the feed settings choose from the history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tuiconsole.domain.clock import WallClock, iso
from tuiconsole.market.history.manifest import Manifest
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.settings import FeedSettings, HistorySettings
from tuiconsole.market.tape import Tape
from tuiconsole.market.universes.lists import SymbolList, find_list


def stored_tape(settings: FeedSettings, history: HistorySettings) -> Tape:
    """The bars that ``settings`` choose, adjusted as ``history`` says, with the stored macro series as they were released.

    Raises
    ------
    UsageError
        Nothing has the universe's name, a symbol is not stored, or there are no bars of that length.
    """
    root = Path(history.root).expanduser()
    store = HistoryStore(root)
    chosen = chosen_list(settings.universe, store.manifest, history)
    tape = store.tape(
        None if chosen is None else chosen.symbols,
        settings.interval,
        adjusted=history.prices != "raw",
        dividends=history.prices == "total",
        chosen=chosen,
    )
    if not history.macro:
        return tape
    from tuiconsole.market.macro_series import macro_releases
    from tuiconsole.market.point_in_time_store import PointInTimeStore

    source = macro_releases(PointInTimeStore(root, WallClock()), history.macro_ages())
    if source is None:
        return tape
    old = source.outdated(int(tape.ts[-1]))
    notes = [
        f"Macro series {name}: no value since {iso(at)[:10]}, so it is unknown from {source.age_days[name]} days later on."
        for name, at in old.items()
        if at >= int(tape.ts[0])
    ]
    return replace(tape.with_macro(source), notes=(*tape.notes, *notes))


def chosen_list(universe: str, manifest: Manifest, history: HistorySettings) -> SymbolList | None:
    """What ``universe`` names: a list of the history, of the user's folder or of the program, or symbols with commas between.

    None when it is empty: everything stored.

    >>> chosen_list("spy, qqq", Manifest(), HistorySettings()).symbols, chosen_list("", Manifest(), HistorySettings())
    (('SPY', 'QQQ'), None)
    """
    if not universe.strip():
        return None
    return find_list(universe, manifest.universes, Path(history.universes).expanduser())
