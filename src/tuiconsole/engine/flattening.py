"""Seeing a stop through: cancels are asked for until they are answered, a kill closes positions until none is left.

A halt or kill does not end with its first messages. At every bar a stopped desk looks whether orders still work: they are
cancelled again. A killed one looks whether anything is held: it is closed again, with more and more bars between the tries,
each told as NOT FLAT. All of it is state of the desk, so a restart goes on where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.effects import Cancel, Effect, Journal, Severity
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.orders import Purpose
from tuiconsole.domain.types import IntArray
from tuiconsole.engine.ordering import find
from tuiconsole.execution.oms import flatten_orders

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk

_PATIENCE_BARS = 3
"""Bars that a cancel or a closing order is given before it is asked for again."""
_LONGEST_PATIENCE_BARS = 24
_SHOWN = 8


def flatten_when_clear(desk: Desk) -> list[Effect]:
    """Kill's flatten, once no order is left that could still fill."""
    if not desk.flatten_due or len(desk.orders.working()):
        return []
    desk.flatten_due = False
    batch = flatten_orders(desk.ledger.quantity, desk.price_scaled, desk.decisions + 1, desk.ts)
    if not len(batch):
        return []
    return desk.judge(batch, None, immediate=True)


def flat_report(desk: Desk) -> Journal:
    """What a kill's closing orders have left."""
    left = np.flatnonzero(desk.ledger.quantity)
    desk.flat_told = not len(left)
    if not len(left):
        return desk.alert(Severity.CRITICAL, "flat", "Kill is complete: the book is flat.")
    return desk.alert(
        Severity.CRITICAL, "not flat", f"NOT FLAT after the kill: {_names(desk, left)} still held."
    )


def see_through(desk: Desk) -> list[Effect]:
    """What a stopped desk does at a bar: nothing once it is quiet, and flat after a kill."""
    working = desk.orders.working()
    killed = desk.level == DeskLevel.KILLED
    held = killed and bool(np.any(desk.ledger.quantity))
    if not len(working) and not held:
        return _calm(desk, killed)
    desk.stop_bars += 1
    if desk.stop_bars < min(_PATIENCE_BARS << desk.stop_tries, _LONGEST_PATIENCE_BARS):
        return []
    desk.stop_bars = 0
    desk.stop_tries = min(desk.stop_tries + 1, _LONGEST_PATIENCE_BARS)
    if not killed:
        return [_not_quiet(desk, working), Cancel(desk.ts, working)]
    desk.flatten_due = held
    desk.flat_told = False
    effects: list[Effect] = [_not_flat(desk, working)]
    return [*effects, Cancel(desk.ts, working)] if len(working) else effects + flatten_when_clear(desk)


def _calm(desk: Desk, killed: bool) -> list[Effect]:
    desk.stop_bars = desk.stop_tries = 0
    if not killed or desk.flat_told:
        return []
    desk.flatten_due = False
    return [flat_report(desk)]


def _not_quiet(desk: Desk, working: IntArray) -> Journal:
    text = f"{len(working)} orders are not known to be cancelled; they are cancelled again."
    return desk.alert(Severity.CRITICAL, "still working", text)


def _not_flat(desk: Desk, working: IntArray) -> Journal:
    held = np.flatnonzero(desk.ledger.quantity)
    closing = [order for number in working.tolist() if (order := find(desk, number)) is not None]
    open_ = sum(order.purpose == Purpose.FLATTEN for order in closing)
    left = f"{_names(desk, held)} still held" if len(held) else "nothing is held"
    text = f"NOT FLAT (try {desk.stop_tries}): {left}, {len(working)} orders unanswered, {open_} of them to close positions."
    return desk.alert(Severity.CRITICAL, "not flat", text)


def _names(desk: Desk, columns: IntArray) -> str:
    return ", ".join(desk.universe.symbols[int(column)] for column in columns[:_SHOWN])
