"""Exits on the desk: brackets that a strategy asks for and ATR exits of every position, through stops and restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.engine import rig
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.events import Command, CommandKind
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_terms import OrderType, TimeInForce
from tuiconsole.domain.orders import OrderState, Purpose
from tuiconsole.domain.policy import DecisionInputs, OrderPrices
from tuiconsole.domain.records import Filled, Record, ReplaceAsked, Termed
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.session import Session
from tuiconsole.execution.settings import ProtectionSettings
from tuiconsole.market.tape import Tape
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.strategy import Strategy

OPEN = RiskSettings(
    name_cap=1.0,
    order_notional_share=1.0,
    daily_loss=1.0,
    session_drawdown=1.0,
    month_drawdown=1.0,
    drawdown=1.0,
)


class Scripted(Strategy):
    """Wants what the test's functions say, of the first symbol alone."""

    weight: Any = staticmethod(lambda bar: 0.5)
    named: Any = staticmethod(lambda bar: None)

    def weights(self, bar: DecisionInputs) -> FloatArray:
        wanted = np.zeros(len(bar.price))
        wanted[0] = type(self).weight(bar)
        return wanted

    def prices(self, bar: DecisionInputs, wanted: FloatArray) -> OrderPrices | None:
        found: OrderPrices | None = type(self).named(bar)
        return found


def tape(prices: list[float], spread: float = 0.0) -> Tape:
    """Daily bars of A along ``prices`` (after 30 calm ones) and of B, flat; with ranges where ``spread`` is given."""
    path = np.array([100.0] * 30 + prices)
    close = np.stack((path, np.full(len(path), 50.0)), axis=1) + (np.arange(len(path)) % 2 * 0.01)[:, None]
    ts = (rig.FIRST_DAY + np.arange(len(path))) * NANOSECONDS_PER_DAY + 21 * 3600 * 10**9
    universe = Universe.of(("A", "B"))
    if not spread:
        return Tape(name="SHORT", source="test", universe=universe, ts=ts, close=close)
    before = np.vstack((close[:1], close[:-1]))
    high, low = np.maximum(before, close) + spread, np.minimum(before, close) - spread
    volume = np.full(close.shape, 1e7)
    return Tape("SHORT", "test", universe, ts, close, before, high, low, volume)


class Driven:
    """A session on ``prices`` with a scripted strategy."""

    def __init__(
        self,
        prices: list[float],
        weight: Any = lambda bar: 0.5,
        named: Any = lambda bar: None,
        spread: float = 0.0,
        **protection: float,
    ) -> None:
        market = tape(prices, spread)
        base = rig.settings(market, 30)
        chosen = replace(base, risk=OPEN, protection=ProtectionSettings(**protection))  # type: ignore[arg-type]
        kind = type("Wanting", (Scripted,), {"weight": staticmethod(weight), "named": staticmethod(named)})
        self.plan = plan(chosen, market, "replay", kind(market.universe))
        self.session, self.sink = rig.in_memory(self.plan)
        self.desk = self.session.desk

    def bars(self, count: int = 1) -> list[Record]:
        before = len(self.sink.records)
        for _ in range(count):
            for _ in self.session.bar():
                pass
        return self.sink.records[before:]

    def tell(self, kind: CommandKind, reason: str = "") -> list[Record]:
        before = len(self.sink.records)
        for _ in self.session.command(Command(self.desk.ts, kind, f"c{before}", "", reason, "test")):
            pass
        return self.sink.records[before:]

    def again(self) -> None:
        """Go on in a fresh session from the encoded state."""
        state = decode_state(encode_state(self.session.state()))
        fresh: Session = make_session(self.plan, self.sink)
        fresh.restore(state)
        self.session, self.desk = fresh, fresh.desk

    @property
    def held(self) -> int:
        return int(self.desk.ledger.quantity[0])

    def exits(self) -> list[tuple[str, int, float]]:
        """Working exits: type, open quantity, price."""
        scale = int(self.desk.universe.price_scale[0])
        rows = [self.desk.orders.row(number) for number in self.desk.orders.working().tolist()]
        return [
            (OrderType(row.terms.type).name, row.leaves, (row.terms.stop or row.terms.limit) / scale)
            for row in rows
            if row.purpose == Purpose.PROTECTIVE
        ]


def bracket(loss: float, profit: float, limit: float = float("nan"), tif: int = TimeInForce.DAY) -> Any:
    def named(bar: DecisionInputs) -> OrderPrices:
        n = len(bar.price)
        return OrderPrices(np.full(n, limit), None, np.full(n, loss), np.full(n, profit), tif)

    return named


def test_a_bracket_of_a_strategy_opens_guards_and_closes_its_position() -> None:
    driven = Driven([100, 100, 104, 111, 111, 111], named=bracket(95, 110))
    records = driven.bars(1)
    [terms] = [record for record in records if isinstance(record, Termed)]
    assert terms.kind.tolist() == [OrderType.MARKET, OrderType.STOP, OrderType.LIMIT]
    assert terms.number.tolist() == [1, 2, 3]
    assert terms.parent.tolist() == [0, 1, 1]
    assert terms.oco.tolist() == [0, 2, 2]
    assert driven.desk.orders.pending[0] > 0
    driven.bars(1)
    assert driven.held > 0
    assert driven.exits() == [("STOP", -driven.held, 95.0), ("LIMIT", -driven.held, 110.0)]
    driven.bars(2)
    assert driven.held == 0
    assert driven.exits() == []
    assert driven.desk.orders.row(2).state == OrderState.CANCELED
    driven.bars(2)  # the strategy still wants the position: the side stays closed
    assert driven.held == 0
    assert not len(driven.desk.orders.working())


def test_a_side_that_an_exit_closed_opens_again_after_something_else_was_wanted() -> None:
    wanted = {33: 0.0}
    driven = Driven(
        [100, 100, 90, 90, 90, 90, 90, 90],
        weight=lambda bar: wanted.get(bar.seq, 0.5),
        named=lambda bar: OrderPrices(stop_loss=0.95 * bar.price, take_profit=2.0 * bar.price),
    )
    driven.bars(3)
    assert driven.held == 0
    driven.bars(3)
    assert driven.held > 0


def test_a_policys_sale_cancels_the_exits_first_and_the_rest_is_guarded_again() -> None:
    wanted = {32: 0.25}
    driven = Driven(
        [100] * 8,
        weight=lambda bar: wanted.get(bar.seq, 0.5 if bar.seq < 32 else 0.25),
        named=bracket(95, 110),
    )
    driven.bars(3)
    whole = driven.held
    sale = driven.desk.orders.row(4)
    assert (sale.purpose, -whole < sale.quantity < 0) == (Purpose.POLICY, True)
    assert [size for _, size, _ in driven.exits()] == [-whole - sale.quantity] * 2  # what the sale leaves
    driven.bars(1)
    assert 0 < driven.held < whole
    assert driven.exits() == [("STOP", -driven.held, 95.0), ("LIMIT", -driven.held, 110.0)]
    driven.bars(3)
    assert len(driven.exits()) == 2


def test_a_limit_entry_that_is_not_reached_ends_with_the_day_and_is_asked_for_again() -> None:
    driven = Driven([100, 100, 100, 96, 96], named=bracket(90, 110, limit=97))
    driven.bars(2)
    assert driven.desk.orders.row(1).state == OrderState.EXPIRED
    assert driven.desk.orders.row(2).state == OrderState.CANCELED
    driven.bars(2)
    assert driven.held > 0
    assert [price for _, _, price in driven.exits()] == [90.0, 110.0]


def test_a_resting_entry_is_cancelled_when_it_is_not_wanted_any_more() -> None:
    driven = Driven(
        [100] * 6,
        weight=lambda bar: 0.5 if bar.seq < 32 else 0.0,
        named=bracket(90, 110, limit=97, tif=TimeInForce.GTC),
    )
    driven.bars(2)
    assert len(driven.desk.orders.working()) == 3
    driven.bars(1)
    assert not len(driven.desk.orders.working())
    assert not driven.desk.orders.pending.any()


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_atr_exits_are_placed_when_a_position_opens(spread: float) -> None:
    driven = Driven([100, 100, 100, 100], spread=spread, stop_atr=2.0, target_atr=3.0)
    driven.bars(2)
    assert driven.held > 0
    entry = driven.desk.ledger.average_price(0)
    exits = driven.exits()
    distance = (entry - exits[0][2]) / 2.0
    assert exits[1][2] == pytest.approx(entry + 3.0 * distance, abs=1e-5)
    assert [size for _, size, _ in exits] == [-driven.held] * 2
    assert distance == pytest.approx(2.01 if spread else 0.01, abs=1e-4)


def grown(stop: float) -> Driven:
    return Driven(
        [100, 100, 101, 102, 103, 104, 105, 90, 90, 90],
        weight=lambda bar: 0.25 if bar.seq < 33 else 0.5,
        spread=1.0,
        stop_atr=stop,
    )


def test_exits_grow_with_the_position_by_a_replacement() -> None:
    driven = grown(3.0)
    driven.bars(4)
    before = driven.held
    assert driven.exits()[0][1] == -before
    records = driven.bars(1)
    [asked] = [record for record in records if isinstance(record, ReplaceAsked)]
    assert driven.held > before
    assert (asked.before, asked.quantity, asked.rule, asked.revision) == (-before, -driven.held, 0, 1)
    assert driven.exits()[0][1] == -driven.held
    assert driven.desk.orders.row(asked.number).client_id("d").endswith("r1")


def test_a_stop_that_is_reached_leaves_the_book_flat_and_nothing_working() -> None:
    driven = grown(3.0)
    driven.bars(10)
    assert driven.held == 0
    assert not len(driven.desk.orders.working())
    assert not driven.session.venue.positions().any()


def test_restarts_at_every_bar_change_nothing() -> None:
    straight, broken = grown(3.0), grown(3.0)
    straight.bars(10)
    for _ in range(10):
        broken.bars(1)
        broken.again()
    names = [type(record).__name__ for record in straight.sink.records]
    assert [type(record).__name__ for record in broken.sink.records] == names
    assert broken.sink.head == straight.sink.head


def test_a_halt_cancels_exits_and_they_return_once_the_desk_is_re_armed() -> None:
    driven = grown(3.0)
    driven.bars(4)
    driven.tell(CommandKind.HALT)
    assert driven.exits() == []
    driven.bars(1)
    assert driven.exits() == []
    driven.tell(CommandKind.REARM, "looked at it")
    driven.bars(1)
    assert [size for _, size, _ in driven.exits()] == [-driven.held]


def test_a_kill_flattens_past_the_exits() -> None:
    driven = grown(3.0)
    driven.bars(4)
    records = driven.tell(CommandKind.KILL)
    assert driven.held == 0
    assert [record.forced for record in records if isinstance(record, Filled)] == [True]
    assert driven.exits() == []


def test_no_exit_ever_turns_a_position_around() -> None:
    rng = np.random.default_rng(8)
    prices = list(np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.02, 120))), 2))
    weights = rng.choice([0.0, 0.2, 0.4, 0.6], 200)
    driven = Driven(
        prices, weight=lambda bar: float(weights[bar.seq]), spread=1.0, stop_atr=1.5, target_atr=2.0
    )
    exits = 0
    for _ in range(120):
        for record in driven.bars(1):
            exits += isinstance(record, Filled) and any(
                driven.desk.orders.row(number).purpose == Purpose.PROTECTIVE
                for number in record.number.tolist()
            )
        assert driven.held >= 0
        working = driven.exits()
        leaving = min(int(driven.desk.orders.pending[0]), 0)
        assert all(size == -(driven.held + leaving) for _, size, _ in working)
        assert driven.desk.orders.unexpected == 0
    assert exits >= 10
    assert driven.desk.refused_total == 0
