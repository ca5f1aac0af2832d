"""What each command does to the desk: one function per command, each returning effects like any event."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.effects import Effect, Journal, Severity
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.records import AgentChanged, Commanded
from tuiconsole.engine.flattening import flatten_when_clear
from tuiconsole.engine.order_commands import change_order
from tuiconsole.engine.reconciling import adopt, ignore

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk

FEED = "feed"
"""Source of the pauses that a late or silent live feed makes; they end by themselves, a trader's do not."""

BROKER = "broker"
"""Source of the pauses that a silent broker makes; they end by themselves too."""

PASSING = (FEED, BROKER)

LEVEL_NAMES = {level: level.name.lower() for level in DeskLevel}
WAY_ON = {
    DeskLevel.RUNNING: "",
    DeskLevel.PAUSED: "To go on: resume.",
    DeskLevel.HALTED: "To go on: re-arm with a reason, then resume.",
    DeskLevel.KILLED: "To go on: check that the book is flat, re-arm with a reason, then resume.",
}


def _answer(desk: Desk, command: Command, refusal: str = "") -> Journal:
    desk.last_answer = Commanded(
        command.ts,
        int(command.kind),
        command.id,
        command.argument,
        command.reason,
        command.source,
        not refusal,
        refusal,
    )
    return Journal(desk.last_answer)


def _pause(desk: Desk, command: Command) -> list[Effect]:
    text = command.reason or "Paused by the trader."
    passing = desk.level_cause in PASSING and command.source not in PASSING
    if desk.level == DeskLevel.PAUSED and desk.release_session >= 0:
        desk.release_session = -1  # a breaker's pause would end by itself; the trader's does not
        desk.level_text = text
        return [_answer(desk, command)]
    if desk.level >= DeskLevel.PAUSED and not (desk.level == DeskLevel.PAUSED and passing):
        return [_answer(desk, command, f"The desk is already {LEVEL_NAMES[desk.level]}.")]
    return [_answer(desk, command), *desk.set_level(DeskLevel.PAUSED, command.source, text)]


def _halt(desk: Desk, command: Command) -> list[Effect]:
    if desk.level >= DeskLevel.HALTED:
        return [_answer(desk, command, f"The desk is already {LEVEL_NAMES[desk.level]}.")]
    text = command.reason or "Halted by the trader."
    return [
        _answer(desk, command),
        *desk.set_level(DeskLevel.HALTED, command.source, text),
        desk.alert(Severity.CRITICAL, "halt", f"{text} {WAY_ON[DeskLevel.HALTED]}"),
    ]


def _kill(desk: Desk, command: Command) -> list[Effect]:
    repeated = desk.level == DeskLevel.KILLED
    effects: list[Effect] = [_answer(desk, command)]
    if not repeated:
        desk.kill_id = command.id
        text = command.reason or "Killed by the trader."
        effects += desk.set_level(DeskLevel.KILLED, command.source, text)
        effects.append(desk.alert(Severity.CRITICAL, "kill", f"{text} {WAY_ON[DeskLevel.KILLED]}"))
    desk.flatten_due = bool(np.any(desk.ledger.quantity))
    desk.flat_told = not desk.flatten_due
    desk.stop_bars = desk.stop_tries = 0
    return effects + flatten_when_clear(desk)


def _rearm(desk: Desk, command: Command) -> list[Effect]:
    if desk.level < DeskLevel.HALTED:
        return [_answer(desk, command, f"Nothing to re-arm: the desk is {LEVEL_NAMES[desk.level]}.")]
    if not command.reason.strip():
        return [_answer(desk, command, "Re-arming needs a reason, which is journalled.")]
    desk.breakers.rearm(desk.ledger.equity)
    desk.flatten_due, desk.flat_told = False, True
    text = f"Re-armed: {command.reason} Limits count from the equity of this moment."
    return [_answer(desk, command), *desk.set_level(DeskLevel.PAUSED, command.source, text)]


def _resume(desk: Desk, command: Command) -> list[Effect]:
    if desk.level == DeskLevel.RUNNING:
        return [_answer(desk, command, "The desk is already running.")]
    if desk.level >= DeskLevel.HALTED:
        sentence = f"The desk is {LEVEL_NAMES[desk.level]}: re-arm it with a reason first."
        return [_answer(desk, command, sentence)]
    if len(desk.reconciliation.open):
        sentence = (
            "The broker differs from the desk: adopt or ignore the differences first (tuiconsole reconcile)."
        )
        return [_answer(desk, command, sentence)]
    return [_answer(desk, command), *desk.set_level(DeskLevel.RUNNING, command.source, command.reason)]


def _switch_agent(desk: Desk, command: Command) -> list[Effect]:
    name, enable = command.argument, command.kind == CommandKind.ENABLE_AGENT
    if name not in desk.policy.agent_names:
        known = ", ".join(desk.policy.agent_names) or "none"
        return [_answer(desk, command, f"Unknown agent {name!r}. Known agents: {known}.")]
    if enable != (name in desk.disabled):
        return [_answer(desk, command, f"Agent {name} is already {'on' if enable else 'off'}.")]
    desk.disabled = desk.disabled - {name} if enable else desk.disabled | {name}
    if enable and name in desk.policy_state.get("failed", {}):
        failed = {k: v for k, v in desk.policy_state["failed"].items() if k != name}
        desk.policy_state = {**desk.policy_state, "failed": failed}
    return [_answer(desk, command), Journal(AgentChanged(desk.ts, name, enable, command.reason))]


def _acknowledge(desk: Desk, command: Command) -> list[Effect]:
    up_to = int(command.argument) if command.argument.isdecimal() else desk.alerts.last_number
    if not desk.alerts.acknowledge(up_to):
        return [_answer(desk, command, "There is no alert to acknowledge.")]
    return [_answer(desk, command)]


def _settle(desk: Desk, command: Command) -> list[Effect]:
    if not len(desk.reconciliation.open):
        return [_answer(desk, command, "Nothing differs: the desk and its broker agree.")]
    if not command.reason.strip():
        return [
            _answer(desk, command, "Adopting or ignoring a difference needs a reason, which is journalled.")
        ]
    done = ignore(desk) if command.kind == CommandKind.IGNORE else adopt(desk, command.reason)
    return [_answer(desk, command), *done]


def _change_order(desk: Desk, command: Command) -> list[Effect]:
    effects, refusal = change_order(desk, command)
    return [_answer(desk, command, refusal), *effects]


COMMANDS: dict[CommandKind, Callable[[Desk, Command], list[Effect]]] = {
    CommandKind.PAUSE: _pause,
    CommandKind.HALT: _halt,
    CommandKind.KILL: _kill,
    CommandKind.REARM: _rearm,
    CommandKind.RESUME: _resume,
    CommandKind.ENABLE_AGENT: _switch_agent,
    CommandKind.DISABLE_AGENT: _switch_agent,
    CommandKind.ACKNOWLEDGE_ALERTS: _acknowledge,
    CommandKind.ADOPT: _settle,
    CommandKind.IGNORE: _settle,
    CommandKind.CANCEL_ORDER: _change_order,
    CommandKind.REPLACE_ORDER: _change_order,
}
"""What to do for each kind of command."""
