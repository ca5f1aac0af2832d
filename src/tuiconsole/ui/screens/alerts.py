"""All alerts: severity, time, whole text, and whether they were acknowledged."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.figures import ALERT_TONES
from tuiconsole.ui.format import capital, clock, plain
from tuiconsole.ui.screens.dialog import TextScreen
from tuiconsole.ui.text import Line, line, wrapped
from tuiconsole.ui.widgets.pages import Pages
from tuiconsole.ui.widgets.paint import Brush

_INDENT = 2
MARKS = {True: "[acknowledged]", False: "[OPEN]"}


def alert_lines(snapshot: Snapshot | None, width: int) -> list[Line]:
    """Every alert of ``snapshot``, newest first, wrapped to ``width``."""
    if snapshot is None or not snapshot.alerts:
        return [line("No alerts yet.", "dim")]
    lines: list[Line] = []
    for alert in snapshot.alerts:
        seen = alert.acknowledged
        tone = "dim" if seen else ALERT_TONES.get(alert.severity, "warn")
        head = f"{capital(alert.severity):<8}"
        lines.append(
            (
                (head, tone),
                (f"  {clock(alert.clock)}  {plain(alert.code)}  ", "dim" if seen else "plain"),
                (MARKS[seen], "dim" if seen else "warn"),
            )
        )
        text = wrapped(plain(alert.text), width - _INDENT, "dim" if seen else "plain")
        lines += [((" " * _INDENT, "plain"), *made) for made in text]
        lines.append(line(""))
    return lines[:-1]


class AlertsScreen(TextScreen):
    """The list over the desk; it follows the desk while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "dismiss", "close", show=False, id="desk.alerts"),
        Binding("A", "app.acknowledge", "acknowledge", show=False, id="desk.acknowledge"),
    ]

    def __init__(self, brush: Brush, snapshot: Snapshot | None, acknowledge_key: str) -> None:
        ways = f"{acknowledge_key} acknowledges · y copies · escape closes"
        super().__init__(_title(snapshot), Pages(brush, partial(alert_lines, snapshot)), ways)
        self._shown = _alerts(snapshot)

    def show(self, snapshot: Snapshot) -> None:
        """Follow the desk."""
        if _alerts(snapshot) != self._shown:
            self._shown = _alerts(snapshot)
            self.frame.rename(_title(snapshot))
            self.pages.show(partial(alert_lines, snapshot))


def _alerts(snapshot: Snapshot | None) -> object:
    return (snapshot.alerts, snapshot.alerts_open) if snapshot is not None else None


def _title(snapshot: Snapshot | None) -> str:
    if snapshot is None:
        return "Alerts"
    return f"Alerts · {snapshot.alerts_open} open · newest {len(snapshot.alerts)}"
