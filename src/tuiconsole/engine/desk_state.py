"""Everything a desk needs to go on, as an encodable value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tuiconsole.domain.codec import decode_record, encode_record
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.records import Decided

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk

_PLAIN = (
    "level_text",
    "level_cause",
    "release_session",
    "kill_id",
    "flatten_due",
    "flat_told",
    "stop_bars",
    "stop_tries",
    "ts",
    "bar_seq",
    "decisions",
    "refused_total",
    "last_refusal",
    "tape_ended",
    "bars_at_level",
)
_PARTS = (
    "panel",
    "features",
    "regimes",
    "ledger",
    "orders",
    "gate",
    "breakers",
    "periods",
    "curve",
    "alerts",
    "protection",
    "reconciliation",
)


def state_of(desk: Desk) -> dict[str, Any]:
    """The state of ``desk`` between two events."""
    return {
        "plain": {name: getattr(desk, name) for name in _PLAIN},
        "parts": {name: getattr(desk, name).state() for name in _PARTS},
        "policy": desk.policy_state,
        "disabled": sorted(desk.disabled),
        "level": int(desk.level),
        "price": desk.price,
        "price_scaled": desk.price_scaled,
        "quality": desk.quality,
        "pnl": desk.profit.state(),
        "recent": [encode_record(record) for record in desk.recent],
        "weights": list(desk.weight_history),
        "working": None if desk.working is None else desk.working.state(),
    }


def restore(desk: Desk, state: dict[str, Any]) -> None:
    """Have ``desk`` go on from :func:`state_of`."""
    for name in _PLAIN:
        if name in state["plain"]:  # checkpoints of earlier versions hold fewer
            setattr(desk, name, state["plain"][name])
    for name in _PARTS:
        getattr(desk, name).restore(state["parts"][name])
    if desk.working is not None:
        desk.working.restore(state["working"])
    desk.policy_state = state["policy"]
    desk.disabled = frozenset(state["disabled"])
    desk.level = DeskLevel(state["level"])
    desk.price, desk.price_scaled = state["price"], state["price_scaled"]
    desk.quality = state["quality"]
    desk.tradable = desk.quality == 0
    desk.regime = desk.regimes.probabilities
    desk.profit.restore(state["pnl"])
    desk.recent.clear()
    for raw in state["recent"]:
        record = decode_record(raw)
        if isinstance(record, Decided):
            desk.recent.append(record)
    desk.weight_history.clear()
    desk.weight_history.extend(state["weights"])
