"""All alerts: severity, time, whole text, and whether they were acknowledged."""

from __future__ import annotations

from functools import partial

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.figures import ALERT_TONES
from tuiconsole.ui.format import capital, clock, plain
from tuiconsole.ui.text import Line, line, wrapped
from tuiconsole.ui.widgets.sheet import Content

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


def alerts_content(acknowledge_key: str, snapshot: Snapshot | None) -> Content:
    """The sheet that lists the alerts of ``snapshot`` and follows the desk."""
    title, key = "Alerts", None
    if snapshot is not None:
        title = f"Alerts · {snapshot.alerts_open} open · newest {len(snapshot.alerts)}"
        key = snapshot.alerts
    return Content(
        "alerts",
        title,
        partial(alert_lines, snapshot),
        f"{acknowledge_key} acknowledges · y copies · escape closes",
        partial(alerts_content, acknowledge_key),
        key,
    )
