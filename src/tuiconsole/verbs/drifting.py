"""The verb that compares the features of now with those before the start."""

from __future__ import annotations

from typing import Any

from tuiconsole.verbs.columns import table
from tuiconsole.verbs.common import Place

LEAST_BARS = 20
"""Bars that either stretch must have."""


def run_drift(place: Place, end: str | None) -> dict[str, Any]:
    """Compare; the verb's stable keys."""
    from tuiconsole.domain.clock import iso
    from tuiconsole.domain.errors import UsageError
    from tuiconsole.engine.build import load_tape, plan
    from tuiconsole.engine.drift import FeatureDrift, stretches
    from tuiconsole.research.backtests import end_index

    settings = place.config.desk
    tape = load_tape(settings)
    chosen = plan(settings, tape, "backtest")
    last = len(tape) if end is None else end_index(end, tape, chosen.start)
    if chosen.start < LEAST_BARS or last - chosen.start < LEAST_BARS:
        raise UsageError(
            f"There are {chosen.start} bars before the start and {last - chosen.start} after it; {LEAST_BARS} of each are "
            "needed to compare.",
            "Choose another --start, or a later --end.",
        )
    which = stretches(settings.drift, chosen.start, last)
    drift = FeatureDrift(
        tape, chosen.policy.needs, settings.defence, settings.regimes, chosen.settings.engine.bars_per_year
    )
    found = drift.compare(which)
    return {
        "ok": not any(each.flagged for each in found),
        "reference": [
            iso(int(tape.ts[which.reference[0]]))[:10],
            iso(int(tape.ts[which.reference[1] - 1]))[:10],
        ],
        "live": [iso(int(tape.ts[which.live[0]]))[:10], iso(int(tape.ts[which.live[1] - 1]))[:10]],
        "features": [
            {
                "name": each.name,
                "psi": each.psi,
                "ks": each.ks,
                "reference": each.reference,
                "live": each.live,
                "flagged": each.flagged,
            }
            for each in found
        ],
    }


def drift_text(body: dict[str, Any], width: int) -> str:
    """The comparison for people."""
    if not body["features"]:
        return "Nothing to compare: every feature that the policy reads is measured in currency, and drifts with the price."
    rows = []
    for each in body["features"]:
        psi, ks = ("n/a" if each[k] != each[k] else f"{each[k]:.2f}" for k in ("psi", "ks"))
        rows.append(["DRIFT" if each["flagged"] else "ok", each["name"], psi, ks])
    return "\n".join(
        [
            f"features of {body['live'][0]} to {body['live'][1]} against {body['reference'][0]} to {body['reference'][1]}",
            *table(["", "feature", "PSI", "KS"], rows, width, left=("feature",)),
            "limits: PSI 0.25, KS 0.10; features measured in currency are left out",
        ]
    )
