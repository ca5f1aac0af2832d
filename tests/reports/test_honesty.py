"""What a reader is told before believing a run."""

from __future__ import annotations

from dataclasses import replace

from tests.reports import rig
from tuiconsole.reports.figures import figures
from tuiconsole.reports.honesty import statements
from tuiconsole.reports.run import Run

CAP, CASH = "Too much of the equity would be in one symbol.", "Too little cash would be left."


def told(run: Run) -> list[str]:
    return statements(run, figures(run, None), None)


def test_refusals_are_told_with_their_reasons() -> None:
    run = rig.made()
    run = replace(run, outcome=replace(run.outcome, refused=1_203, refusals={CAP: 1_200, CASH: 3}))
    assert (
        "The gate refused 1,203 orders: Too much of the equity would be in one symbol (1,200); Too little cash would be left "
        "(3). The limits are in [risk]."
    ) in told(run)


def test_a_run_without_orders_says_so_and_why() -> None:
    run = rig.made()
    refused = replace(run, outcome=replace(run.outcome, orders=0, refused=7, refusals={CAP: 7}))
    assert any(
        text.startswith("Nothing was traded. The gate refused 7 orders: Too much") for text in told(refused)
    )
    idle = replace(run, outcome=replace(run.outcome, orders=0, refused=0))
    assert "Nothing was traded: no order was ever wanted." in told(idle)
    assert not any("Nothing was traded" in text for text in told(run))
