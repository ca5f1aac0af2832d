"""Alerts of the desk: numbered, kept until acknowledged, bounded."""

from __future__ import annotations

from typing import Any

from tuiconsole.domain.effects import Severity
from tuiconsole.domain.records import Alerted

KEPT = 200


class AlertLog:
    """The newest alerts and which of them the trader has seen.

    Alerts live in the journal; this is the bounded view that the screen shows.
    """

    def __init__(self) -> None:
        self._alerts: list[Alerted] = []
        self.last_number = 0
        self.acknowledged_up_to = 0

    def raise_(self, ts: int, severity: Severity, code: str, text: str) -> Alerted:
        """Number a new alert, keep it, and return the record to journal."""
        self.last_number += 1
        alert = Alerted(ts, self.last_number, int(severity), code, text)
        self._alerts.append(alert)
        if len(self._alerts) > KEPT:
            del self._alerts[0]
        return alert

    def acknowledge(self, up_to: int) -> int:
        """Mark alerts up to number ``up_to`` as seen; returns how many are newly seen."""
        before = self.acknowledged_up_to
        self.acknowledged_up_to = max(before, min(up_to, self.last_number))
        return self.acknowledged_up_to - before

    @property
    def open_count(self) -> int:
        """Alerts not acknowledged."""
        return self.last_number - self.acknowledged_up_to

    def newest(self, count: int) -> tuple[Alerted, ...]:
        """At most ``count`` alerts, newest first."""
        return tuple(reversed(self._alerts[-count:])) if count > 0 else ()

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "alerts": [[a.ts, a.number, a.severity, a.code, a.text] for a in self._alerts],
            "last": self.last_number,
            "acknowledged": self.acknowledged_up_to,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._alerts = [Alerted(*row) for row in state["alerts"]]
        self.last_number, self.acknowledged_up_to = state["last"], state["acknowledged"]
