"""The verb parity: a recorded live session against the backtest shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.errors import EngineError
from tuiconsole.verbs.common import Place

_MEANING = {
    "data": "the tape holds other bars than the session saw",
    "latency": "bars came late and the session held back, or orders came to the venue at another bar",
    "fill": "orders that both sent were filled otherwise",
    "code": "same inputs, another decision: program or configuration changed",
}


def parity_of(place: Place, config: Path | None) -> dict[str, Any]:
    """Compare the recorded session at ``place``; the verb's stable keys.

    Parameters
    ----------
    config
        When a configuration is named, decide with it; otherwise with what the session was started with.
    """
    from tuiconsole.engine.launch import load_launch
    from tuiconsole.engine.parity import as_json, check_parity

    launch = load_launch(place.paths.state)
    if launch is None:
        raise EngineError(f"There is no desk at {place.paths.state}.", "Name its state file with --state.")
    settings = launch.settings if config is None else place.config.desk
    return as_json(check_parity(place.paths.state, launch, settings, WallClock()))


def parity_text(body: dict[str, Any]) -> str:
    """The comparison for people."""
    compared = f"{body['bars']:,} bars, {body['orders']:,} orders, {body['fills']:,} fills"
    if body["identical"]:
        lines = [f"identical: the backtest decides as the recorded session did ({compared})"]
    else:
        first = body["first"]
        lines = [
            f"NOT IDENTICAL ({compared})",
            f"first at bar {first['bar']}, {first['clock']}: {first['cause']}. {first['text']}",
            f"{'cause':<9} {'bars':>6} {'then':>6}",
        ]
        lines += [
            f"{cause:<9} {count:>6,} {body['consequences'][cause]:>6,}  {_MEANING[cause]}"
            for cause, count in body["causes"].items()
            if count or body["consequences"][cause]
        ]
        lines.append(
            f"equity {body['equity']:,.2f} in the session, {body['backtest_equity']:,.2f} in the backtest"
        )
    if not body["tape_sound"]:
        lines.append(f"The tape is not sound: {body['tape_trouble']}")
    if body["changed_settings"]:
        lines.append(f"Settings that were changed: {', '.join(body['changed_settings'])}")
    if body["unplayed"]:
        lines.append(f"{body['unplayed']} bars were recorded and not played yet.")
    return "\n".join(lines)
