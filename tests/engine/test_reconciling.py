"""The desk trades only while it and its broker agree, or the trader accepted the difference; through restarts and replays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tests.engine.test_protection import Driven, bracket
from tuiconsole.domain.accounts import AccountView, OpenOrder
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.events import CommandKind, DeskLevel
from tuiconsole.domain.order_terms import TimeInForce
from tuiconsole.domain.orders import OrderState
from tuiconsole.domain.records import Alerted, Checked, Commanded, Corrected, Filled, LevelChanged, Record
from tuiconsole.engine.build import make_session
from tuiconsole.engine.recovery import recover
from tuiconsole.store.binding import Binding
from tuiconsole.store.recovery import CatchUp
from tuiconsole.store.state_store import StateStore

RUNNING, PAUSED = DeskLevel.RUNNING, DeskLevel.PAUSED


class Tampered(Driven):
    """A desk whose broker says something else: ``wrong`` changes what the venue tells of the account."""

    wrong: Any = None

    def check(self) -> list[Record]:
        honest = self.session.venue.account
        if self.wrong is not None:
            self.session.venue.account = lambda: self.wrong(honest())  # type: ignore[method-assign]
        before = len(self.sink.records)
        for _ in self.session.check_account():
            pass
        if self.wrong is not None:
            del self.session.venue.account
        return self.sink.records[before:]


def held(view: AccountView, quantity: int) -> AccountView:
    positions = view.positions.copy()
    positions[0] += quantity
    return replace(view, positions=positions)


def desk(**more: Any) -> Tampered:
    return Tampered([100.0] * 12, **more)


def test_an_honest_venue_is_never_news() -> None:
    driven = desk(named=bracket(90, 110, limit=97, tif=TimeInForce.GTC))
    for _ in range(8):
        driven.bars(1)
        assert driven.check() == []


def test_a_difference_pauses_until_it_is_gone() -> None:
    driven = desk()
    driven.bars(2)
    driven.wrong = lambda view: held(view, -10)
    records = driven.check()
    assert [type(record) for record in records] == [Checked, Alerted, LevelChanged]
    assert (driven.desk.level, driven.desk.level_cause) == (PAUSED, "reconciliation")
    assert "A: 500 held here" in driven.desk.level_text.replace("499", "500")
    assert driven.check() == [], "the same answer is no news"
    [refused] = driven.tell(CommandKind.RESUME)
    assert isinstance(refused, Commanded)
    assert not refused.accepted
    driven.wrong = None
    assert [type(record) for record in driven.check()] == [Checked, Alerted, LevelChanged]
    assert driven.desk.level == RUNNING


def test_a_pause_of_the_trader_is_not_ended_by_reconciling() -> None:
    driven = desk()
    driven.bars(2)
    driven.tell(CommandKind.PAUSE)
    driven.wrong = lambda view: held(view, -10)
    driven.check()
    driven.wrong = None
    driven.check()
    assert driven.desk.level == PAUSED


@pytest.mark.parametrize("kind", [CommandKind.ADOPT, CommandKind.IGNORE])
def test_settling_needs_a_difference_and_a_reason(kind: CommandKind) -> None:
    driven = desk()
    driven.bars(2)
    [nothing] = driven.tell(kind, "why not")
    assert isinstance(nothing, Commanded)
    assert "Nothing differs" in nothing.text
    driven.wrong = lambda view: held(view, -10)
    driven.check()
    [unreasoned] = driven.tell(kind)
    assert isinstance(unreasoned, Commanded)
    assert "needs a reason" in unreasoned.text
    assert driven.desk.level == PAUSED


def test_adopting_takes_the_brokers_word_and_journals_the_reason() -> None:
    driven = desk()
    driven.bars(2)
    before, equity = driven.held, driven.desk.ledger.equity
    driven.wrong = lambda view: replace(held(view, -10), cash=123 * 10**8)
    driven.check()
    records = driven.tell(CommandKind.ADOPT, "the broker is right")
    corrected = [record for record in records if isinstance(record, Corrected)]
    assert [(one.symbol, one.quantity) for one in corrected] == [(0, -10), (-1, 0)]
    assert {one.text for one in corrected} == {"the broker is right"}
    assert driven.held == before - 10
    assert driven.desk.ledger.cash == 123 * 10**8
    assert driven.desk.ledger.equity != equity
    assert driven.desk.level == RUNNING
    assert driven.check() == []


def test_ignoring_holds_for_as_long_as_the_difference_stays_the_same() -> None:
    driven = desk()
    driven.bars(2)
    driven.wrong = lambda view: held(view, -10)
    driven.check()
    driven.tell(CommandKind.IGNORE, "a transfer is under way")
    assert driven.desk.level == RUNNING
    assert driven.check() == []
    driven.again()
    assert driven.check() == []
    driven.wrong = lambda view: held(view, -11)
    assert driven.check()
    assert driven.desk.level == PAUSED


def test_missed_fills_and_lost_orders_are_adopted() -> None:
    driven = desk(named=bracket(90, 110, limit=97, tif=TimeInForce.GTC))
    driven.bars(1)
    number = int(driven.desk.orders.working()[0])
    order = driven.desk.orders.row(number)

    def wrong(view: AccountView) -> AccountView:
        rest = [one for one in view.orders if one.number == number]
        return held(replace(view, orders=(replace(rest[0], filled=40, price=97_000_000),)), 40)

    driven.wrong = wrong
    driven.check()
    records = driven.tell(CommandKind.ADOPT, "the line was cut")
    [fill] = [record for record in records if isinstance(record, Filled)]
    assert (fill.number.tolist(), fill.quantity.tolist(), fill.price.tolist()) == (
        [number],
        [40],
        [97_000_000],
    )
    assert driven.held == 40
    assert driven.desk.orders.row(number).filled == 40
    assert driven.desk.orders.pending[0] == order.quantity - 40
    assert [driven.desk.orders.row(number + i).state for i in (1, 2)] == [OrderState.CANCELED] * 2
    assert driven.desk.orders.overfills == driven.desk.orders.unexpected == 0


def test_a_foreign_order_cannot_be_adopted_but_ignored() -> None:
    driven = desk()
    driven.bars(2)
    driven.wrong = lambda view: replace(view, orders=(*view.orders, OpenOrder(0, 1, 5, 0, 0, "their-9")))
    driven.check()
    driven.tell(CommandKind.ADOPT, "mine")
    assert driven.desk.level == PAUSED
    assert len(driven.desk.reconciliation.open) == 1
    driven.tell(CommandKind.IGNORE, "the other desk's")
    assert driven.desk.level == RUNNING


def test_nothing_new_is_traded_while_the_account_differs() -> None:
    driven = desk(weight=lambda bar: 0.0 if bar.seq < 34 else 0.5)
    driven.bars(2)
    driven.wrong = lambda view: held(view, 10)
    driven.check()
    driven.bars(6)
    assert driven.held == 0
    assert driven.desk.orders.next_number == 1


def test_recovery_drives_checks_and_answers_again(tmp_path: Path) -> None:
    driven = desk()
    driven.bars(2)
    driven.wrong = lambda view: held(view, -10)
    driven.check()
    driven.tell(CommandKind.ADOPT, "the broker is right")
    driven.bars(2)
    store = StateStore.open(tmp_path / "state.db", Binding.of(driven.plan.opened), EventClock())
    for record in driven.sink.records:
        store.append(record)
    store.commit()
    catch_up = CatchUp(store, store.tail(0))
    session = make_session(driven.plan, catch_up)
    assert recover(session, catch_up, None, driven.plan.opened) == len(driven.sink.records)
    assert session.desk.ledger.quantity.tolist() == driven.desk.ledger.quantity.tolist()
    assert session.desk.ledger.cash == driven.desk.ledger.cash
    assert np.array_equal(session.desk.orders.pending, driven.desk.orders.pending)
    assert store.head == driven.sink.head
    store.close()
