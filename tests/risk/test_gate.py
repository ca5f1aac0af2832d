"""The gate, rule by rule at one unit either side of each limit, and against an oracle on hostile batches."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.instruments import AssetClass, Instrument, Universe
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.rng import generator
from tuiconsole.risk.approved import genuine
from tuiconsole.risk.gate import Gate
from tuiconsole.risk.rules import RULE_TEXT, Rule, sentence
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.risk.verdict import Book, Verdict

from .books import EQUITY, NOW, PRICE, UNIVERSE, make_batch, make_book
from .oracle import Oracle

OPEN = RiskSettings(
    name_cap=1.0,
    gross_cap=10.0,
    net_cap=10.0,
    cash_reserve=0.0,
    order_notional_share=10.0,
    order_quantity_max=1e9,
)
INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1


def rules_of(
    orders: Sequence[tuple[int, int]],
    book: Book | None = None,
    limits: RiskSettings = OPEN,
    universe: Universe = UNIVERSE,
    **batch: Any,
) -> list[Rule]:
    """The rule of each order; the oracle must agree."""
    wanted = make_batch(orders, **batch)
    book = book or make_book()
    verdict = Gate(limits, universe).judge(wanted, book, 1)
    check_shape(verdict, wanted, 1)
    found = [Rule(code) for code in verdict.rule.tolist()]
    assert found == Oracle(limits, universe).expected(wanted, book)
    return found


def check_shape(verdict: Verdict, batch: OrderBatch, first: int) -> None:
    """Numbers run without gaps over the approved; what is approved is exactly what was asked for."""
    passed = np.flatnonzero(verdict.rule == 0)
    assert verdict.number[passed].tolist() == list(range(first, first + len(passed)))
    assert not verdict.number[verdict.rule != 0].any()
    assert not verdict.value[passed].any()
    assert not verdict.limit[passed].any()
    if not len(passed):
        assert verdict.approved is None
        return
    assert verdict.approved is not None
    assert genuine(verdict.approved)
    sent = verdict.approved.batch
    assert sent.number.tolist() == verdict.number[passed].tolist()
    for name in ("symbol", "quantity", "reference_price", "purpose"):
        assert getattr(sent, name).tolist() == getattr(batch, name)[passed].tolist()


def test_an_ordinary_batch_passes() -> None:
    assert rules_of([(0, 100), (1, -50), (7, 1)], limits=RiskSettings()) == [Rule.APPROVED] * 3


def test_an_empty_batch_is_an_empty_verdict() -> None:
    verdict = Gate(OPEN, UNIVERSE).judge(make_batch([]), make_book(), 1)
    assert verdict.approved is None
    assert len(verdict.rule) == len(verdict.number) == 0


@pytest.mark.parametrize("column", [-1, 8, INT64_MIN, INT64_MAX])
def test_unknown_symbol(column: int) -> None:
    assert rules_of([(column, 10), (3, 10)]) == [Rule.UNKNOWN_SYMBOL, Rule.APPROVED]


def test_zero_quantity() -> None:
    assert rules_of([(0, 0)]) == [Rule.ZERO_QUANTITY]
    assert rules_of([(0, 0)], make_book(position={0: 5})) == [Rule.ZERO_QUANTITY]


@pytest.mark.parametrize("quantity", [INT64_MIN, INT64_MAX, 2**60 + 1, -(2**62)])
def test_quantities_beyond_reason_are_not_computed(quantity: int) -> None:
    assert rules_of([(0, quantity)]) == [Rule.NOT_COMPUTED]
    assert rules_of([(0, quantity)], make_book(position={0: 7})) == [Rule.NOT_COMPUTED]


@pytest.mark.parametrize(("extra", "rule"), [(0, Rule.APPROVED), (1, Rule.SIZE)])
def test_size_at_one_unit(extra: int, rule: Rule) -> None:
    limits = dataclasses.replace(OPEN, order_quantity_max=500)
    assert rules_of([(0, 500 + extra), (1, -500 - extra)], limits=limits) == [rule, rule]


@pytest.mark.parametrize(("price", "rule"), [(PRICE, Rule.APPROVED), (PRICE + 1, Rule.NOTIONAL)])
def test_notional_at_one_unit(price: int, rule: Rule) -> None:
    """1,000 shares at 10.00 are 10,000 USD exactly; one price unit more is too much."""
    book = make_book(price_scaled={0: price})
    by_share = dataclasses.replace(OPEN, order_notional_share=0.10)
    by_money = dataclasses.replace(OPEN, order_notional_usd=10_000.0)
    for limits in (by_share, by_money):
        assert rules_of([(0, 1000)], book, limits, price=price) == [rule]
        assert rules_of([(0, -1000)], book, limits, price=price) == [rule]


@pytest.mark.parametrize(
    ("reference", "rule"),
    [
        (11_000_000, Rule.APPROVED),
        (11_000_001, Rule.COLLAR),
        (9_000_000, Rule.APPROVED),
        (8_999_999, Rule.COLLAR),
        (INT64_MAX, Rule.COLLAR),
        (0, Rule.MISSING_REFERENCE),
        (-1, Rule.MISSING_REFERENCE),
        (INT64_MIN, Rule.MISSING_REFERENCE),
    ],
)
def test_collar_at_one_unit(reference: int, rule: Rule) -> None:
    assert rules_of([(0, 10)], price=reference) == [rule]


@pytest.mark.parametrize("price", [0, -1, INT64_MIN, INT64_MAX, 2**60 + 1])
def test_no_usable_price(price: int) -> None:
    assert rules_of([(0, 10)], make_book(price_scaled={0: price})) == [Rule.MISSING_REFERENCE]


def test_a_flagged_price_is_stale() -> None:
    assert rules_of([(0, 10), (1, 10)], make_book(tradable={0: False})) == [
        Rule.STALE_REFERENCE,
        Rule.APPROVED,
    ]


@pytest.mark.parametrize(
    ("age_ns", "rule"),
    [
        (0, Rule.APPROVED),
        (60 * 10**9, Rule.APPROVED),
        (60 * 10**9 + 1, Rule.STALE_REFERENCE),
        (-1, Rule.STALE_REFERENCE),
    ],
)
def test_an_old_or_future_decision_is_stale(age_ns: int, rule: Rule) -> None:
    assert rules_of([(0, 10)], ts=NOW - age_ns) == [rule]


def test_a_symbol_twice_in_a_batch() -> None:
    assert rules_of([(2, 10), (1, 10), (2, 5), (2, -5)]) == [
        Rule.APPROVED,
        Rule.APPROVED,
        Rule.DUPLICATE,
        Rule.DUPLICATE,
    ]


def test_a_working_order_in_the_same_direction() -> None:
    book = make_book(pending={0: 10, 1: -10}, position={0: 0, 1: 50})
    assert rules_of([(0, 5), (1, -5)], book) == [Rule.DUPLICATE, Rule.DUPLICATE]
    assert rules_of([(0, -5), (1, 5)], book) == [Rule.APPROVED, Rule.APPROVED]


@pytest.mark.parametrize(("extra", "rule"), [(0, Rule.APPROVED), (1, Rule.POSITION)])
def test_position_at_one_unit(extra: int, rule: Rule) -> None:
    limits = dataclasses.replace(OPEN, position_quantity_max=300)
    book = make_book(position={0: 200, 1: -200})
    assert rules_of([(0, 100 + extra), (1, -100 - extra)], book, limits) == [rule, rule]


@pytest.mark.parametrize(("extra", "rule"), [(0, Rule.APPROVED), (1, Rule.CONCENTRATION)])
def test_concentration_at_one_share(extra: int, rule: Rule) -> None:
    """15 % of 100,000 USD are 1,500 shares at 10.00; working orders count."""
    limits = dataclasses.replace(OPEN, name_cap=0.15)
    book = make_book(position={0: 1000, 1: -1000, 2: 1000}, pending={2: -300})
    orders = [(0, 500 + extra), (1, -500 - extra), (2, 500 + extra)]
    assert rules_of(orders, book, limits) == [rule] * 3
    assert rules_of([(0, 500)], structs.replace(book, equity=EQUITY - 1), limits) == [Rule.CONCENTRATION]


@pytest.mark.parametrize(("extra", "last"), [(0, Rule.APPROVED), (1, Rule.GROSS)])
def test_gross_is_cumulative(extra: int, last: Rule) -> None:
    limits = dataclasses.replace(OPEN, gross_cap=1.0)
    book = make_book(position={0: 4000, 1: -2000}, pending={2: 1000})
    assert rules_of([(3, 1000), (4, -1000), (5, 1000 + extra)], book, limits) == [
        Rule.APPROVED,
        Rule.APPROVED,
        last,
    ]


def test_a_later_smaller_order_still_fits() -> None:
    limits = dataclasses.replace(OPEN, gross_cap=0.5)
    assert rules_of([(0, 4000), (1, 2000), (2, 1000)], limits=limits) == [
        Rule.APPROVED,
        Rule.GROSS,
        Rule.APPROVED,
    ]


def test_reducing_orders_make_room_first() -> None:
    limits = dataclasses.replace(OPEN, gross_cap=1.0)
    book = make_book(position={7: 10_000}, cash=0)
    assert rules_of([(0, 4000), (1, 1), (7, -4000)], book, limits) == [
        Rule.APPROVED,
        Rule.GROSS,
        Rule.APPROVED,
    ]


def test_a_sale_at_a_bad_price_makes_no_room() -> None:
    limits = dataclasses.replace(OPEN, gross_cap=1.0)
    book = make_book(position={7: 10_000}, tradable={7: False})
    assert rules_of([(0, 4000), (7, -4000)], book, limits) == [Rule.GROSS, Rule.APPROVED]


@pytest.mark.parametrize(("extra", "rule"), [(0, Rule.APPROVED), (1, Rule.NET)])
def test_net_both_ways(extra: int, rule: Rule) -> None:
    limits = dataclasses.replace(OPEN, net_cap=0.5)
    assert rules_of([(0, 3000), (1, 2000 + extra)], limits=limits)[1] == rule
    assert rules_of([(0, -3000), (1, -2000 - extra)], limits=limits)[1] == rule
    assert rules_of([(0, 3000), (1, -1000), (2, 3000 + extra)], limits=limits)[2] == rule


@pytest.mark.parametrize(("extra", "rule"), [(0, Rule.APPROVED), (1, Rule.CASH_RESERVE)])
def test_cash_reserve(extra: int, rule: Rule) -> None:
    """5 % of 100,000 USD stay: 9,500 shares at 10.00 can be bought; a short sale pays for nothing."""
    limits = dataclasses.replace(OPEN, cash_reserve=0.05)
    assert rules_of([(0, 5000), (1, -4000), (2, 4500 + extra)], limits=limits)[2] == rule
    book = make_book(position={7: 1000}, cash=90_000 * MONEY_SCALE)
    assert rules_of([(0, 9500 + extra), (7, -1000)], book, limits)[0] == rule


@pytest.mark.parametrize(
    ("loss", "rule"), [(2_500 * MONEY_SCALE - 1, Rule.APPROVED), (2_500 * MONEY_SCALE, Rule.DAILY_LOSS)]
)
def test_daily_loss_at_one_unit(loss: int, rule: Rule) -> None:
    book = make_book(equity=EQUITY - loss, session_start_equity=EQUITY, position={1: 5})
    assert rules_of([(0, 10), (1, -5)], book) == [rule, Rule.APPROVED]


@pytest.mark.parametrize("peak", ["month_peak_equity", "peak_equity"])
@pytest.mark.parametrize(
    ("fall", "rule"), [(8_000 * MONEY_SCALE - 1, Rule.APPROVED), (8_000 * MONEY_SCALE, Rule.DRAWDOWN)]
)
def test_drawdown_at_one_unit(peak: str, fall: int, rule: Rule) -> None:
    book = make_book(equity=EQUITY - fall, **{peak: EQUITY}, position={1: 5})
    assert rules_of([(0, 10), (1, -5)], book) == [rule, Rule.APPROVED]


@pytest.mark.parametrize("equity", [0, -1, -EQUITY])
def test_nothing_new_without_equity(equity: int) -> None:
    book = make_book(
        equity=equity, position={1: 5}, session_start_equity=1, month_peak_equity=1, peak_equity=1
    )
    assert Gate(OPEN, UNIVERSE).judge(make_batch([(0, 10)]), book, 1).approved is None
    assert rules_of([(1, -5)], book) == [Rule.APPROVED]


def test_order_rate_over_event_time() -> None:
    limits = dataclasses.replace(OPEN, orders_per_minute=3)
    gate = Gate(limits, UNIVERSE)

    def send(second: int, *orders: tuple[int, int], **book: Any) -> list[int]:
        ts = NOW + second * 10**9
        return gate.judge(make_batch(orders, ts=ts), make_book(ts=ts, **book), 1).rule.tolist()

    assert send(0, (0, 1), (1, 1)) == [0, 0]
    assert send(30, (0, 1), (1, 1)) == [0, Rule.ORDER_RATE]
    assert send(59, (0, 1)) == [Rule.ORDER_RATE]
    assert send(59, (0, -1), position={0: 1}) == [0], "reducing is never slowed down"
    assert send(60, (0, 1), (1, 1), (2, 1)) == [0, 0, Rule.ORDER_RATE]
    assert send(40, (3, 1)) == [Rule.ORDER_RATE], "time that runs backwards frees nothing"
    assert send(200, (0, 1), (1, 1), (2, 1)) == [0, 0, 0]


def test_the_rate_survives_a_restart() -> None:
    limits = dataclasses.replace(OPEN, orders_per_minute=3)
    gate, other = Gate(limits, UNIVERSE), Gate(limits, UNIVERSE)
    gate.judge(make_batch([(0, 1), (1, 1)]), make_book(), 1)
    other.restore(decode_state(encode_state(gate.state())))
    for each in (gate, other):
        assert each.judge(make_batch([(2, 1), (3, 1)]), make_book(), 3).rule.tolist() == [0, Rule.ORDER_RATE]
    assert encode_state(gate.state()) == encode_state(other.state())


MODES = [
    # level, purpose, held, order, rule
    (DeskLevel.PAUSED, Purpose.POLICY, 10, -10, Rule.APPROVED),
    (DeskLevel.PAUSED, Purpose.POLICY, -10, 4, Rule.APPROVED),
    (DeskLevel.PAUSED, Purpose.POLICY, 10, -11, Rule.CROSSES_ZERO),
    (DeskLevel.PAUSED, Purpose.POLICY, 10, 1, Rule.MODE),
    (DeskLevel.PAUSED, Purpose.POLICY, 0, 1, Rule.MODE),
    (DeskLevel.HALTED, Purpose.POLICY, 10, -10, Rule.MODE),
    (DeskLevel.HALTED, Purpose.POLICY, 0, 10, Rule.MODE),
    (DeskLevel.HALTED, Purpose.FLATTEN, 10, -10, Rule.APPROVED),
    (DeskLevel.KILLED, Purpose.POLICY, 10, -10, Rule.MODE),
    (DeskLevel.KILLED, Purpose.FLATTEN, 10, -10, Rule.APPROVED),
    (DeskLevel.KILLED, Purpose.FLATTEN, -10, 10, Rule.APPROVED),
    (DeskLevel.KILLED, Purpose.FLATTEN, 10, -11, Rule.CROSSES_ZERO),
    (DeskLevel.KILLED, Purpose.FLATTEN, 10, 1, Rule.MODE),
    (DeskLevel.KILLED, Purpose.FLATTEN, 0, -1, Rule.MODE),
    (DeskLevel.RUNNING, Purpose.FLATTEN, 10, 1, Rule.MODE),
    (DeskLevel.RUNNING, Purpose.FLATTEN, 10, -10, Rule.APPROVED),
    (DeskLevel.RUNNING, Purpose.POLICY, 10, -20, Rule.APPROVED),
    (DeskLevel.RUNNING, 2, 10, -10, Rule.MODE),
    (DeskLevel.RUNNING, -128, 0, 10, Rule.MODE),
]


@pytest.mark.parametrize(("level", "purpose", "held", "order", "rule"), MODES)
def test_modes(level: DeskLevel, purpose: int, held: int, order: int, rule: Rule) -> None:
    book = make_book(level=level, position={0: held})
    assert rules_of([(0, order)], book, purpose=purpose) == [rule]


def test_reducing_skips_price_size_rate_and_book_rules() -> None:
    limits = RiskSettings(order_quantity_max=1, order_notional_usd=1, orders_per_minute=1, gross_cap=0.01)
    book = make_book(
        position={0: 900, 1: -900, 2: 900},
        price_scaled={0: 0},
        tradable={1: False},
        equity=EQUITY // 2,
        peak_equity=EQUITY,
        session_start_equity=EQUITY,
        cash=0,
    )
    orders = [(0, -900), (1, 900), (2, -1)]
    assert rules_of(orders, book, limits, price=1, ts=NOW - 10**15) == [Rule.APPROVED] * 3


def test_working_orders_shrink_what_may_be_closed() -> None:
    book = make_book(level=DeskLevel.PAUSED, position={0: 10, 1: 10, 2: -10}, pending={1: 5, 2: -5})
    assert rules_of([(1, -10), (2, 10)], book) == [Rule.APPROVED, Rule.APPROVED]
    assert rules_of([(1, -11), (2, 11)], book) == [Rule.CROSSES_ZERO, Rule.CROSSES_ZERO]
    closing = make_book(level=DeskLevel.PAUSED, position={0: 10}, pending={0: -6})
    assert rules_of([(0, -4)], closing) == [Rule.DUPLICATE]


def test_lots() -> None:
    universe = Universe((Instrument("A", lot=100), Instrument("B", lot=1)))
    book = make_book(universe, position={0: 250})
    assert rules_of([(0, 150), (1, 3)], book, universe=universe) == [Rule.LOT, Rule.APPROVED]
    assert rules_of([(0, -200)], book, universe=universe) == [Rule.APPROVED]
    assert rules_of([(0, -250)], book, universe=universe) == [Rule.APPROVED], (
        "a whole odd position may be closed"
    )
    assert rules_of([(0, -150)], book, universe=universe) == [Rule.LOT]


def test_an_index_is_not_bought_but_a_position_in_one_can_be_closed() -> None:
    """Whatever else is wrong with the order, the sentence says that there is nothing to buy."""
    universe = Universe((Instrument("SPY"), Instrument("^GSPC", AssetClass.INDEX)))
    gate = Gate(RiskSettings(), universe)
    verdict = gate.judge(make_batch([(0, 10), (1, 10)]), make_book(universe), 1)
    assert verdict.rule.tolist() == [Rule.APPROVED, Rule.NOT_HOLDABLE]
    assert verdict.sentence(1) == (
        "The symbol is an index: it can be looked at, not bought or sold; trade a fund or a future on it."
    )
    for quantity in (1, -1, 10**7, -(10**7)):
        assert gate.judge(make_batch([(1, quantity)]), make_book(universe), 1).rule == [Rule.NOT_HOLDABLE]
    held = make_book(universe, position={1: 50})
    assert gate.judge(make_batch([(1, -50)]), held, 1).rule == [Rule.APPROVED]
    assert gate.judge(make_batch([(1, 1)]), held, 1).rule == [Rule.NOT_HOLDABLE]


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 2**32))
def test_no_order_on_an_index_ever_adds_to_a_position_in_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    batch, book = hostile(rng, WITH_INDICES, int(rng.integers(1, 30)))
    verdict = Gate(OPEN, WITH_INDICES).judge(batch, book, 1)
    for i in np.flatnonzero(verdict.rule == Rule.APPROVED).tolist():
        column, quantity = int(batch.symbol[i]), int(batch.quantity[i])
        if not WITH_INDICES.holdable[column]:
            assert quantity * int(book.position[column]) < 0
            assert abs(quantity) <= abs(int(book.position[column]))


def test_a_holding_without_a_price_bars_new_risk() -> None:
    book = make_book(position={5: 10}, price_scaled={5: 0})
    verdict = Gate(OPEN, UNIVERSE).judge(make_batch([(0, 1), (5, -10)]), book, 1)
    assert verdict.rule.tolist() == [Rule.GROSS, 0]
    assert "not known" in verdict.sentence(0)


def test_an_uncomputable_book_bars_new_risk_and_lets_out() -> None:
    book = make_book(position={5: 2**62, 6: 10})
    verdict = Gate(OPEN, UNIVERSE).judge(make_batch([(0, 1), (6, -10)]), book, 1)
    assert verdict.rule.tolist() == [Rule.NOT_COMPUTED, 0]


@pytest.mark.parametrize("name", ["symbol", "quantity", "reference_price"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 1.5])
def test_columns_of_floats_are_refused_whole(name: str, value: float) -> None:
    batch = make_batch([(0, 10), (1, 10)])
    wrong = structs.replace(batch, **{name: np.array([value, 1.0])})
    verdict = Gate(OPEN, UNIVERSE).judge(wrong, make_book(), 1)
    assert verdict.approved is None
    assert verdict.rule.tolist() == [Rule.NOT_COMPUTED] * 2


def test_malformed_batches_and_books_are_refused_whole() -> None:
    gate, batch, book = Gate(OPEN, UNIVERSE), make_batch([(0, 10), (7, 10)]), make_book()
    short = structs.replace(batch, quantity=batch.quantity[:1])
    square = structs.replace(batch, symbol=batch.symbol.reshape(2, 1))
    codes = structs.replace(batch, purpose=np.zeros(2, dtype=np.int64))  # type: ignore[arg-type]
    lists = structs.replace(batch, quantity=[10, 10])  # type: ignore[arg-type]
    for wrong in (short, square, codes, lists):
        assert gate.judge(wrong, book, 1).rule.tolist() == [Rule.NOT_COMPUTED] * 2
    for name in ("position", "price_scaled", "tradable"):
        small = structs.replace(book, **{name: getattr(book, name)[:3]})
        assert gate.judge(batch, small, 1).approved is None
    assert gate.judge(batch, book, 1).approved is not None, "nothing of it stays behind"


def test_figures_of_a_refusal() -> None:
    limits = RiskSettings()
    book = make_book(position={0: 1000})
    verdict = Gate(limits, UNIVERSE).judge(make_batch([(0, 501), (1, 3001)]), book, 1)
    assert verdict.rule.tolist() == [Rule.CONCENTRATION, Rule.NOTIONAL]
    assert verdict.value.tolist() == [0.1501, 30_010.0]
    assert verdict.limit.tolist() == [0.15, 30_000.0]
    assert verdict.sentence(0) == "Too much of the equity would be in one symbol: 15.01%, limit 15.00%."
    assert (
        verdict.sentence(1)
        == "The order is worth more than one order may be: 30,010.00 in money, limit 30,000.00 in money."
    )


@pytest.mark.parametrize("rule", list(Rule))
def test_every_rule_has_a_sentence(rule: Rule) -> None:
    assert RULE_TEXT[rule].endswith(".")
    for value, limit in ((1.0, 2.0), (float("nan"), float("nan")), (float("inf"), 1.0), (-3.5, 0.0)):
        assert sentence(rule, value, limit).endswith(".")


KINDS: list[dict[str, int]] = [
    {},
    {"lot": 100},
    {"price_decimals": 2, "multiplier": 50},
    {"price_decimals": 8, "quantity_decimals": 8, "lot": 1000},
    {"price_decimals": 6, "quantity_decimals": 4},
    {"price_decimals": 12},
]
UNITS = Universe(tuple(Instrument(f"U{i}", **KINDS[i % len(KINDS)]) for i in range(36)))
STOCKS = Universe.of([f"T{i}" for i in range(40)])
WITH_INDICES = Universe(
    tuple(Instrument(f"T{i}", AssetClass.INDEX if i % 7 == 3 else AssetClass.EQUITY) for i in range(40))
)
TIGHT = RiskSettings(
    name_cap=0.15,
    order_quantity_max=2_000,
    net_cap=0.5,
    position_quantity_max=1_900,
    orders_per_minute=6,
    order_notional_share=0.2,
)
GARBAGE = [
    0,
    1,
    -1,
    INT64_MIN,
    INT64_MAX,
    INT64_MIN + 1,
    2**60,
    2**60 + 1,
    -(2**60) - 1,
    2**62,
    2**31,
    -(2**32),
]


def hostile(rng: np.random.Generator, universe: Universe, k: int) -> tuple[OrderBatch, Book]:
    """A batch and a book where anything may be wrong, and much lies just at a limit."""
    n = len(universe)

    def spoil(column: np.ndarray, share: float) -> np.ndarray:
        bad = rng.random(len(column)) < share
        column[bad] = rng.choice(np.array(GARBAGE, dtype=np.int64), int(bad.sum()))
        return column

    scale = universe.quantity_scale
    price = (rng.choice([0.01, 1.0, 10.0, 333.333333], n) * universe.price_scale).astype(np.int64)
    position = (rng.choice([0, 0, 0, 0, 1, -1, 20, -20, 500], n) * scale).astype(np.int64)
    pending = (rng.choice([0, 0, 0, 0, 0, 1, -1, 20], n) * scale).astype(np.int64)
    symbol = rng.permutation(n)[:k]
    symbol[rng.random(k) < 0.02] = symbol[0]
    symbol = spoil(symbol if rng.random() < 0.5 else np.sort(symbol), 0.03)
    known = np.clip(symbol, 0, n - 1)
    quantity = rng.choice([1, -1, 100, -100, 150, 1500, 2000, 2001, -2001, 0], k) * scale[known]
    quantity += rng.choice([0] * 18 + [1, -1], k)
    closing = rng.random(k) < 0.3
    quantity[closing] = -(position + pending)[known][closing] + rng.choice([0, 0, 1, -1], int(closing.sum()))
    reference = price[known] + rng.choice([0] * 9 + [1], k) * (price[known] // 10 + rng.integers(-1, 2, k))
    equity = int(rng.choice([100_000, 100_000, 100_000, 30_000, 1_000, 1, 0, -5])) * MONEY_SCALE + int(
        rng.integers(-1, 2)
    )
    start = max(equity * 40 // 39 + int(rng.integers(-2, 2)), 1) if rng.random() < 0.2 else max(equity, 1)
    peak = max(equity * 25 // 23 + int(rng.integers(-2, 2)), 1) if rng.random() < 0.2 else max(equity, 1)
    level = DeskLevel(int(rng.choice([0] * 12 + [1, 2, 3])))
    batch = OrderBatch(
        1,
        NOW - int(rng.choice([0, 0, 0, 0, 0, 60 * 10**9, 60 * 10**9 + 1, -1])),
        np.zeros(k, dtype=np.int64),
        symbol,
        spoil(quantity, 0.03),
        spoil(reference, 0.03),
        rng.choice([0] * 20 + [1, 2, -1], k).astype(np.int8),
    )
    book = Book(
        level,
        NOW,
        spoil(price, 0.02) if rng.random() < 0.3 else price,
        rng.random(n) < 0.95,
        position,
        pending,
        equity - int(rng.integers(0, 60_000)) * MONEY_SCALE,
        equity,
        start,
        peak,
        max(equity, 1),
    )
    return batch, book


OF_TERMS = {Rule.TERMS, Rule.LIMIT_COLLAR, Rule.NOT_REPLACEABLE}
"""Rules of orders that are more than market orders; see test_terms_gate."""


def test_100_000_hostile_orders_never_escape() -> None:
    """Every one of them gets the rule that the oracle finds in exact integers, approvals and refusals alike."""
    rng = generator(11, "hostile orders")
    judged, seen = 0, dict.fromkeys(set(Rule) - OF_TERMS, 0)
    while judged < 100_000:
        universe = (UNITS, STOCKS, WITH_INDICES)[judged % 3]
        batch, book = hostile(rng, universe, int(rng.integers(1, 36)))
        verdict = Gate(TIGHT, universe).judge(batch, book, 5)
        check_shape(verdict, batch, 5)
        expected = Oracle(TIGHT, universe).expected(batch, book)
        assert verdict.rule.tolist() == expected
        judged += len(batch)
        for rule in expected:
            seen[rule] += 1
    del seen[Rule.CHILDREN]  # these orders have no parents; tests/risk/test_children.py has those that do
    assert min(seen.values()) > 20, seen


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([TIGHT, OPEN, RiskSettings()]))
def test_it_equals_the_oracle(seed: int, limits: RiskSettings) -> None:
    rng = np.random.default_rng(seed)
    universe = [UNITS, STOCKS, WITH_INDICES][seed % 3]
    batch, book = hostile(rng, universe, int(rng.integers(1, 20)))
    verdict = Gate(limits, universe).judge(batch, book, 1)
    check_shape(verdict, batch, 1)
    assert verdict.rule.tolist() == Oracle(limits, universe).expected(batch, book)


def test_totally_random_integers_are_judged_without_raising() -> None:
    rng = generator(12, "random bytes")
    gate = Gate(RiskSettings(), UNIVERSE)
    for _ in range(300):
        k, n = int(rng.integers(1, 20)), len(UNIVERSE)
        words = rng.integers(INT64_MIN, INT64_MAX, (6, max(k, n)), dtype=np.int64)
        batch = OrderBatch(
            1,
            int(words[0, 0]),
            words[0, :k],
            words[1, :k] % n,
            words[2, :k],
            words[3, :k],
            np.zeros(k, np.int8),
        )
        book = make_book(position={}, cash=int(words[5, 0]), equity=int(words[5, 1]))
        book = structs.replace(book, position=words[3, :n], pending=words[4, :n], price_scaled=words[5, :n])
        for i in np.flatnonzero(gate.judge(batch, book, 1).rule == 0).tolist():
            held, quantity = int(book.position[batch.symbol[i]]), int(batch.quantity[i])
            assert held * quantity < 0, "only a reducing order can pass here"
            assert abs(quantity) <= abs(held)
