"""A walk-forward as one HTML file: what was chosen and what came of it, in tables, charts and colours of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuiconsole.analytics.measures import UNITS
from tuiconsole.analytics.performance import wealth
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.reports import strip
from tuiconsole.reports.charts import MOST_POINTS
from tuiconsole.reports.figures import LABELS, MISSING, write
from tuiconsole.reports.html import rendered, write_page

TEMPLATE = "forward.html.j2"


def write_forward(body: Mapping[str, Any], curve: Curve, path: Path) -> None:
    """Write the page of one walk-forward.

    Parameters
    ----------
    body
        The verb's answer.
    curve
        Its line, out-of-sample.

    Raises
    ------
    UsageError
        ``curve`` was seen by a choice, or the packages for HTML reports are not installed.
    StoreError
        The file cannot be written.
    """
    write_page(forward_page(body, curve), path)


def forward_page(body: Mapping[str, Any], curve: Curve) -> str:
    """The whole page; errors as in :func:`write_forward`."""
    if curve.sample is not Sample.OUT:
        raise UsageError(f"An {curve.sample.value} curve cannot be drawn as the result of a walk-forward.")
    windows = body["windows"]
    grown = strip.resampled(wealth(curve.returns)[1:], MOST_POINTS)
    ts = strip.resampled(curve.ts.astype(float), MOST_POINTS)
    data = {
        "dates": [iso(int(stamp)) for stamp in ts.tolist()],
        "wealth": [round(value, 6) for value in grown.tolist()],
        "chosen_until": [window["train"][1] for window in windows],
        "promised": [_finite(window["in_sample_sharpe"]) for window in windows],
    }
    figures = [
        (LABELS[name], MISSING if value is None else write(value, UNITS[name]), name)
        for name, value in body["out_of_sample"].items()
        if name in LABELS
    ]
    return rendered(
        TEMPLATE,
        data,
        policy=body["policy"],
        tape=body["tape"],
        combinations=body["combinations"],
        trials=body["trials"],
        notes=body.get("notes", ()),
        windows=windows,
        figures=figures,
        ratio=lambda value: _text(value, "ratio"),
        share=lambda value: _text(value, "share"),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _text(value: float | None, unit: Any) -> str:
    return MISSING if _finite(value) is None or value is None else write(value, unit)
