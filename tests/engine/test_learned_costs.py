"""What the cost model gets wrong is learned from the journal's fills, and told of when it is proven."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine import rig
from tuiconsole.domain.order_terms import OrderType
from tuiconsole.engine.build import Plan, plan
from tuiconsole.engine.learned_costs import LearnedCosts
from tuiconsole.execution.residual import ResidualModel
from tuiconsole.execution.slippage import CATEGORIES, base_bps
from tuiconsole.store.connection import open_reader
from tuiconsole.store.filled_orders import fills_after

CROWDED = 2_500.0
"""Shares a bar: orders are beyond the free share, and pay a capacity penalty that the base does not know."""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Path]:
    tape = rig.market(700)
    base = rig.settings(tape)
    execution = replace(base.execution, displayed_volume=CROWDED, max_participation=1.0, capacity_penalty=0.5)
    chosen = plan(replace(base, execution=execution), tape, "replay")
    path = tmp_path_factory.mktemp("learned") / "state.db"
    session, store = rig.on_disk(chosen, path)
    rig.drive(session, store, len(tape), 10_000)
    assert session.desk.orders.fills_total > 150
    store.close()
    return chosen, path


def watch_on(ran: tuple[Plan, Path]) -> LearnedCosts:
    chosen, path = ran
    watch = LearnedCosts(path, chosen.tape, chosen.settings.execution, 21)
    watch.model.residual = ResidualModel(CATEGORIES, least=60, refit=30)
    return watch


def test_every_fill_is_read_once_with_its_bar(ran: tuple[Plan, Path]) -> None:
    chosen, path = ran
    read, row = [], 0
    while fills := fills_after(path, row, 40):
        read += fills
        row = fills[-1].row
    with open_reader(path) as connection:
        known = connection.execute(
            "SELECT row, ts, symbol, quantity, price FROM fills ORDER BY row, item"
        ).fetchall()
    assert [(f.row, f.ts, f.symbol, f.quantity, f.price) for f in read] == known
    assert all(int(chosen.tape.bars(f.bar).ts) == f.ts for f in read)
    assert {f.kind for f in read} == {OrderType.MARKET}
    assert all(f.in_price > 0 for f in read)


def test_a_penalty_that_the_base_does_not_know_is_learned_and_told_once(ran: tuple[Plan, Path]) -> None:
    chosen, _ = ran
    watch = watch_on(ran)
    told = [watch.tell(bar) for bar in range(rig.WARMUP, len(chosen.tape), 21) if watch.due(bar - bar % 21)]
    spoken = [text for text in told if text]
    assert len(spoken) == 1
    assert "learned part of expected slippage is used from now on" in spoken[0]
    assert watch.model.residual.in_use
    fills = [f for f in fills_after(ran[1], 0, 100_000) if f.bar >= 500]
    made = watch._trades(fills)
    base = base_bps(made, chosen.settings.execution)
    assert watch.model.expected_bps(made).mean() > 1.1 * base.mean()


def test_looking_once_or_often_teaches_the_same(ran: tuple[Plan, Path]) -> None:
    chosen, _ = ran
    once, again = watch_on(ran), watch_on(ran)
    assert once.tell(len(chosen.tape)) == again.tell(len(chosen.tape))
    assert once.tell(len(chosen.tape)) == "", "nothing new, nothing told"
    np.testing.assert_array_equal(
        once.model.residual.state()["better"], again.model.residual.state()["better"]
    )


def test_too_few_fills_are_never_used(ran: tuple[Plan, Path]) -> None:
    chosen, path = ran
    watch = LearnedCosts(path, chosen.tape, chosen.settings.execution, 21)
    assert watch.tell(len(chosen.tape)) == ""
    assert not watch.model.residual.in_use
    assert not LearnedCosts(path, chosen.tape, chosen.settings.execution, 0).due(21)
