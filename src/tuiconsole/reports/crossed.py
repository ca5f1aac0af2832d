"""A cross-validation as one HTML file: the paths that no choice has seen, and apart from them what was chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuiconsole.analytics.performance import wealth
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.reports import strip
from tuiconsole.reports.charts import MOST_POINTS
from tuiconsole.reports.figures import MISSING, STUDY_FIGURES, write
from tuiconsole.reports.html import rendered, write_page

TEMPLATE = "crossed.html.j2"


def write_crossed(body: Mapping[str, Any], paths: Sequence[Curve], path: Path) -> None:
    """Write the page of one cross-validation.

    Parameters
    ----------
    body
        The verb's answer.
    paths
        Its paths, out-of-sample.

    Raises
    ------
    UsageError
        A path was seen by a choice, or the packages for HTML reports are not installed.
    StoreError
        The file cannot be written.
    """
    write_page(crossed_page(body, paths), path)


def crossed_page(body: Mapping[str, Any], paths: Sequence[Curve]) -> str:
    """The whole page; errors as in :func:`write_crossed`."""
    for curve in paths:
        if curve.sample is not Sample.OUT:
            raise UsageError(
                f"An {curve.sample.value} curve cannot be drawn as a path of a cross-validation."
            )
    seen, unseen, noise = body["in_sample"], body["out_of_sample"], body["overfitting"]
    ts = strip.resampled(paths[0].ts.astype(float), MOST_POINTS)
    data = {
        "dates": [iso(int(stamp)) for stamp in ts.tolist()],
        "paths": [
            [round(value, 6) for value in strip.resampled(wealth(curve.returns)[1:], MOST_POINTS).tolist()]
            for curve in paths
        ],
        "sharpe": unseen["sharpe"],
    }
    judged = {
        "sharpe_deviation": unseen["sharpe_deviation"],
        "sharpe_worst": unseen["sharpe_worst"],
        "share_below_zero": unseen["share_below_zero"],
        "overfitting_probability": noise["probability"],
        "overfitting_loss": noise["probability_of_loss"],
    }
    figures = [("Sharpe, mean", _text(unseen["sharpe_mean"], "ratio"), "sharpe")]
    figures += [(label, _text(judged[name], unit), name) for name, (label, unit) in STUDY_FIGURES.items()]
    chosen = [
        ("Parameters", ", ".join(f"{name}={value}" for name, value in seen["best"].items()), "best"),
        ("Sharpe", _text(seen["sharpe"], "ratio"), "sharpe"),
        ("Deflated Sharpe", _text(seen["deflated_sharpe"], "probability"), "deflated_sharpe"),
    ]
    return rendered(
        TEMPLATE,
        data,
        policy=body["policy"],
        tape=body["tape"],
        combinations=body["combinations"],
        trials=body["trials"],
        notes=body.get("notes", ()),
        splits=unseen["splits"],
        figures=figures,
        chosen=chosen,
    )


def _text(value: float | None, unit: Any) -> str:
    return MISSING if value is None else write(value, unit)
