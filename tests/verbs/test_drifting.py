"""What `drift` says when a policy reads nothing that can be compared."""

from __future__ import annotations

from tuiconsole.verbs.drifting import drift_text


def test_features_in_currency_alone_leave_nothing_to_compare() -> None:
    body = {"live": ["2020-01-03", "2020-12-31"], "reference": ["2004-12-30", "2007-12-31"], "features": []}
    assert drift_text(body, 80).startswith("Nothing to compare: every feature that the policy reads")
    body["features"] = [{"name": "rsi_14", "psi": 0.3, "ks": 0.05, "flagged": True}]
    assert "DRIFT  rsi_14" in drift_text(body, 80)
