"""How the parts of a running engine are: ok, degraded, or failed, each with a sentence why. Reads, never changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tuiconsole.domain.events import DeskLevel

if TYPE_CHECKING:
    from tuiconsole.engine.service import EngineService

State = Literal["ok", "degraded", "failed"]

_RANK: tuple[State, ...] = ("ok", "degraded", "failed")


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the engine; ``text`` is empty while it is ok."""

    name: str
    state: State
    text: str = ""


def components(service: EngineService) -> tuple[Component, ...]:
    """Feed, broker, store, policy, algos and the engine's own cycle, in this order."""
    return (
        _feed(service),
        _broker(service),
        _store(service),
        _policy(service),
        _algos(service),
        _cycle(service),
    )


def worst(found: tuple[Component, ...]) -> State:
    """The state of the whole: that of the part that is worst off."""
    return max((component.state for component in found), key=_RANK.index, default="ok")


def slow_cycle(cycle_ms: float, most_ms: float) -> str:
    """The alert on a decision cycle of ``cycle_ms``; empty when it took at most ``most_ms``."""
    if cycle_ms <= most_ms:
        return ""
    return (
        f"A decision cycle took {cycle_ms / 1e3:.1f} s (more than {most_ms / 1e3:g} s): prices were that old when "
        "orders left."
    )


def _feed(service: EngineService) -> Component:
    if service.pacer.stale():
        return Component("feed", "failed", "a bar that was due has not come")
    failing = service.pacer.failing()
    if failing:
        return Component("feed", "degraded", f"{', '.join(failing)} failed; another feed is in use")
    bad = np.count_nonzero(service.desk.quality)
    if bad and service.desk.bar_seq >= 0:
        return Component(
            "feed", "degraded", f"prices of {bad} of {len(service.desk.universe)} symbols are held back"
        )
    return Component("feed", "ok")


def _broker(service: EngineService) -> Component:
    link = service.link
    if link is not None and not link.broker.connected:
        return Component("broker", "failed", f"{link.broker.name} does not answer: {link.broker.trouble}")
    unknown = service.desk.orders.unknown()
    if unknown:
        return Component("broker", "degraded", f"the fate of {unknown} orders is not known")
    return Component("broker", "ok")


def _store(service: EngineService) -> Component:
    if service.failed:
        return Component("store", "failed", service.failed)
    if not service.latch_ok:
        return Component("store", "failed", "the latch cannot be read, which counts as stopped")
    return Component("store", "ok")


def _policy(service: EngineService) -> Component:
    desk = service.desk
    failed = sorted(desk.policy_state.get("failed") or ())
    if not failed:
        return Component("policy", "ok")
    alone = len(failed) >= len(desk.policy.agent_names)
    return Component(
        "policy", "failed" if alone else "degraded", f"switched off after a failure: {', '.join(failed)}"
    )


def _algos(service: EngineService) -> Component:
    desk = service.desk
    if desk.working is None:
        return Component("algos", "ok")
    waiting = [p.symbol for p in desk.working.parents if not desk.tradable[p.symbol]]
    if waiting and desk.level == DeskLevel.RUNNING:
        names = ", ".join(desk.universe.symbols[column] for column in waiting[:5])
        return Component("algos", "degraded", f"parents wait for a good price: {names}")
    return Component("algos", "ok")


def _cycle(service: EngineService) -> Component:
    last = service.cycles_ms[-1] if service.cycles_ms else 0.0
    text = slow_cycle(last, service.slow_cycle_ms)
    return Component("cycle", "degraded", text) if text else Component("cycle", "ok")
