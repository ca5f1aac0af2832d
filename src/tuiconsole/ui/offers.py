"""What can be done right now: which actions the footer shows, and which of them the trader is waiting for. Pure."""

from __future__ import annotations

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.actions import ACTIONS, Action

WAYS_ON = {"paused": "resume", "halted": "rearm", "killed": "rearm"}
"""The action that leads on from a level at which the desk is stopped."""

_NEEDS_ENGINE = {"pause", "why"}


def offers(snapshot: Snapshot | None, *, connected: bool, may_write: bool) -> tuple[tuple[Action, bool], ...]:
    """Labelled actions that would do something now, each with whether it is the way on; the way on comes second.

    Parameters
    ----------
    snapshot
        What the trader sees; None before the first one.
    connected, may_write
        Whether the engine is there, and whether this console holds the writer lease.
    """
    way_on = WAYS_ON.get(snapshot.header.level, "") if snapshot is not None else ""
    if snapshot is not None and snapshot.differences and way_on == "resume":
        way_on = "reconcile"
    told = [
        (action, action.id == way_on)
        for action in ACTIONS
        if action.label
        and _possible(action.id, snapshot)
        and (may_write or not action.writes)
        and (connected or (not action.writes and action.id not in _NEEDS_ENGINE))
    ]
    return tuple(sorted(told, key=lambda offer: 0 if offer[0].priority else 1 if offer[1] else 2))


def _possible(action: str, snapshot: Snapshot | None) -> bool:
    if snapshot is None:
        return action not in {
            "resume",
            "rearm",
            "reconcile",
            "acknowledge",
            "faster",
            "slower",
            "why",
            "copy",
        }
    header = snapshot.header
    return {
        "pause": header.level == "running",
        "resume": header.level == "paused",
        "reconcile": bool(snapshot.differences),
        "rearm": header.level in ("halted", "killed"),
        "acknowledge": snapshot.alerts_open > 0,
        "alerts": bool(snapshot.alerts),
        "why": bool(snapshot.orders),
        "faster": header.mode == "replay" and not header.tape_ended and header.speed != 0,
        "slower": header.mode == "replay" and not header.tape_ended,
    }.get(action, True)
