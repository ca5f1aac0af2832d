"""Serves ``why``: the chain behind an order, with the gate's rules named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuiconsole.risk.rules import Rule
from tuiconsole.store.explain import explain

RULE_NAMES = {int(rule): rule.name.lower().replace("_", " ") for rule in Rule}


def why(state: Path, order: str) -> dict[str, Any]:
    """The chain behind ``order``, ready for JSON; :class:`UsageError` when there is no such order."""
    return explain(state, order, rule_names=RULE_NAMES)
