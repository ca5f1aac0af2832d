"""Orders with terms at the gate: the table of what is legal, exits, links, replacements, and hostile batches of all of it."""

from __future__ import annotations

from dataclasses import replace as with_settings
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tests.risk.books import EQUITY, NOW, UNIVERSE, make_batch, make_book
from tests.risk.hostile_terms import (
    DOLLAR,
    GARBAGE,
    GOOD,
    HOUR,
    STOP_AT,
    TIGHT,
    F,
    T,
    batch_of,
    bracket,
    judge_hostile,
    pair,
)
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.order_terms import (
    FAULT_TEXT,
    LEGAL_TIF,
    OrderTerms,
    OrderType,
    Peg,
    Terms,
    TermsFault,
    TimeInForce,
    TrailUnit,
    terms_faults,
)
from tuiconsole.domain.orders import Purpose
from tuiconsole.domain.rng import generator
from tuiconsole.risk.gate import Gate
from tuiconsole.risk.replacements import Standing
from tuiconsole.risk.rules import Rule
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.risk.verdict import Verdict

LOOSE = RiskSettings(order_notional_share=1.0, name_cap=1.0, cash_reserve=0.0)


def judged(
    rows: list[tuple[int, int, Terms]], purpose: int | list[int] = Purpose.POLICY, **book: Any
) -> Verdict:
    return Gate(LOOSE, UNIVERSE).judge(batch_of(rows, purpose), make_book(**book), 1)


def rules(*args: Any, **book: Any) -> list[Rule]:
    return [Rule(code) for code in judged(*args, **book).rule.tolist()]


def fault(terms: Terms, quantity: int = 10) -> TermsFault:
    found = terms_faults(OrderTerms.of([terms]), np.array([quantity]), NOW)
    return TermsFault(int(found[0]))


@pytest.mark.parametrize("kind", list(T), ids=lambda kind: kind.name)
@pytest.mark.parametrize("tif", list(F), ids=lambda tif: tif.name)
def test_every_type_with_every_time_in_force(kind: OrderType, tif: TimeInForce) -> None:
    terms = structs.replace(GOOD[kind], tif=tif, expiry=NOW + HOUR if tif == F.GTD else 0)
    legal = tif in LEGAL_TIF[kind]
    assert (fault(terms) == TermsFault.NONE) == legal
    verdict = judged([(0, 10, terms)])
    assert (verdict.approved is not None) == legal
    if not legal:
        assert verdict.rule.tolist() == [Rule.TERMS]
        assert verdict.sentence(0) == FAULT_TEXT[fault(terms)]


WRONG = [
    (TermsFault.CODE, {"type": 6}),
    (TermsFault.CODE, {"tif": -1}),
    (TermsFault.CODE, {"trail_unit": 9}),
    (TermsFault.CODE, {"peg": 4}),
    (TermsFault.NEGATIVE, {"type": T.LIMIT, "limit": -1}),
    (TermsFault.NEGATIVE, {"expiry": -1}),
    (TermsFault.TOO_LARGE, {"type": T.LIMIT, "limit": 2**53}),
    (TermsFault.MARKET_WAITS, {"tif": F.GTC}),
    (TermsFault.TRIGGER_AT_ONCE, {"type": T.STOP, "tif": F.IOC, "stop": 5}),
    (TermsFault.PEG_AT_ONCE, {"type": T.PEGGED, "tif": F.FOK, "peg": Peg.MID}),
    (TermsFault.LIMIT_MISSING, {"type": T.LIMIT}),
    (TermsFault.LIMIT_MISSING, {"type": T.STOP_LIMIT, "stop": 5}),
    (TermsFault.LIMIT_SENSELESS, {"limit": 5}),
    (TermsFault.LIMIT_SENSELESS, {"type": T.STOP, "stop": 5, "limit": 5}),
    (TermsFault.STOP_MISSING, {"type": T.STOP}),
    (TermsFault.STOP_SENSELESS, {"type": T.LIMIT, "limit": 5, "stop": 5}),
    (TermsFault.TRAIL_MISSING, {"type": T.TRAILING_STOP}),
    (TermsFault.TRAIL_MISSING, {"type": T.TRAILING_STOP, "trail": 5}),
    (TermsFault.TRAIL_MISSING, {"type": T.TRAILING_STOP, "trail": 10**6, "trail_unit": TrailUnit.PERCENT}),
    (TermsFault.TRAIL_SENSELESS, {"trail": 5}),
    (TermsFault.TRAIL_SENSELESS, {"trail_unit": TrailUnit.ATR}),
    (TermsFault.DISPLAY_SENSELESS, {"display": 5}),
    (TermsFault.DISPLAY_SENSELESS, {"type": T.LIMIT, "limit": 5, "tif": F.IOC, "display": 5}),
    (TermsFault.DISPLAY_SIZE, {"type": T.LIMIT, "limit": 5, "display": 10}),
    (TermsFault.PEG_MISSING, {"type": T.PEGGED}),
    (TermsFault.PEG_SENSELESS, {"peg": Peg.MID}),
    (TermsFault.PEG_SENSELESS, {"type": T.LIMIT, "limit": 5, "peg_offset": 5}),
    (TermsFault.EXPIRY_MISSING, {"type": T.LIMIT, "limit": 5, "tif": F.GTD}),
    (TermsFault.EXPIRY_MISSING, {"type": T.LIMIT, "limit": 5, "tif": F.GTD, "expiry": NOW}),
    (TermsFault.EXPIRY_SENSELESS, {"type": T.LIMIT, "limit": 5, "expiry": NOW + 1}),
]


@pytest.mark.parametrize(("expected", "fields"), WRONG)
def test_each_illegal_combination_has_its_sentence(expected: TermsFault, fields: dict[str, int]) -> None:
    terms = Terms(**fields)
    assert fault(terms) == expected
    verdict = judged([(0, 10, terms)])
    assert verdict.rule.tolist() == [Rule.TERMS]
    assert verdict.sentence(0) == FAULT_TEXT[expected]
    assert verdict.sentence(0).endswith(".")


def test_every_fault_has_a_sentence_of_its_own() -> None:
    assert set(FAULT_TEXT) == set(TermsFault)
    assert len(set(FAULT_TEXT.values())) == len(TermsFault)


def test_an_order_is_valued_at_the_worst_price_it_may_trade_at() -> None:
    tight = with_settings(LOOSE, order_notional_usd=100.0)
    for terms, most in (
        (Terms(T.LIMIT, limit=9 * DOLLAR), 10),
        (Terms(T.LIMIT, limit=10_500_000), 9),
        (Terms(T.STOP, stop=20 * DOLLAR), 5),
        (Terms(T.STOP_LIMIT, stop=20 * DOLLAR, limit=21 * DOLLAR), 4),
        (Terms(T.TRAILING_STOP, trail=10 * DOLLAR, trail_unit=TrailUnit.PRICE), 5),
        (Terms(T.TRAILING_STOP, trail=250_000, trail_unit=TrailUnit.PERCENT), 8),
    ):
        for quantity, rule in ((most, Rule.APPROVED), (most + 1, Rule.NOTIONAL)):
            verdict = Gate(tight, UNIVERSE).judge(batch_of([(0, quantity, terms)]), make_book(), 1)
            assert verdict.rule.tolist() == [rule], (terms, quantity)


@pytest.mark.parametrize(
    ("quantity", "terms", "rule"),
    [
        (10, Terms(T.LIMIT, limit=11 * DOLLAR), Rule.APPROVED),
        (10, Terms(T.LIMIT, limit=11 * DOLLAR + 1), Rule.LIMIT_COLLAR),
        (10, Terms(T.LIMIT, limit=1), Rule.APPROVED),
        (-10, Terms(T.LIMIT, limit=9 * DOLLAR), Rule.APPROVED),
        (-10, Terms(T.LIMIT, limit=9 * DOLLAR - 1), Rule.LIMIT_COLLAR),
        (10, Terms(T.STOP_LIMIT, stop=20 * DOLLAR, limit=22 * DOLLAR + 1), Rule.LIMIT_COLLAR),
        (10, Terms(T.STOP, stop=10 * DOLLAR), Rule.TERMS),
        (-10, Terms(T.STOP, stop=10 * DOLLAR), Rule.TERMS),
        (-10, Terms(T.STOP, stop=9_999_999), Rule.APPROVED),
    ],
)
def test_prices_through_the_market(quantity: int, terms: Terms, rule: Rule) -> None:
    assert rules([(0, quantity, terms)]) == [rule]


# ---- exits and links ---------------------------------------------------------------------------------------------------


def exits_of(quantity: int) -> dict[str, Any]:
    column = np.zeros(len(UNIVERSE), dtype=np.int64)
    column[0] = quantity
    return {"exits": column}


GUARD = Purpose.PROTECTIVE
OK, CROSSES, DUPLICATE, MODE = Rule.APPROVED, Rule.CROSSES_ZERO, Rule.DUPLICATE, Rule.MODE


@pytest.mark.parametrize(
    ("held", "pending", "exits", "quantities", "expected"),
    [
        (10, 0, 0, [-10], [OK]),
        (10, 0, 0, [-11], [CROSSES]),
        (10, 0, 0, [10], [MODE]),
        (0, 0, 0, [-10], [MODE]),
        (10, 0, -10, [-1], [MODE]),
        (10, 0, -6, [-4], [OK]),
        (10, 0, -6, [-5], [CROSSES]),
        (10, -4, 0, [-6], [OK]),
        (10, -4, 0, [-7], [CROSSES]),
        (10, 5, 0, [-10], [OK]),
        (-10, 0, 0, [10], [OK]),
        (-10, 0, 6, [5], [CROSSES]),
        (10, 0, 0, [-6, -4], [OK, OK]),
        (10, 0, 0, [-6, -5], [OK, CROSSES]),
    ],
)
def test_exits_close_at_most_what_nothing_else_closes(
    held: int, pending: int, exits: int, quantities: list[int], expected: list[Rule]
) -> None:
    book = {"position": {0: held}, "pending": {0: pending}, **(exits_of(exits) if exits else {})}
    rows = [(0, quantity, STOP_AT) for quantity in quantities]
    assert rules(rows, GUARD, **book) == expected


def test_a_pair_that_cancels_each_other_counts_once() -> None:
    stop, target = pair()
    assert rules([(0, -10, stop), (0, -10, target)], GUARD, position={0: 10}) == [OK, OK]
    assert rules([(0, -10, stop), (0, -11, target)], GUARD, position={0: 10}) == [Rule.TERMS, CROSSES]
    verdict = judged([(0, -10, stop), (0, -10, target)], GUARD, position={0: 10})
    assert verdict.approved is not None
    assert verdict.approved.batch.terms is not None
    assert verdict.approved.batch.terms.oco.tolist() == [1, 1]


def test_exits_need_no_good_price_but_a_desk_that_is_not_halted() -> None:
    for level, expected in ((0, OK), (1, OK), (2, MODE), (3, MODE)):
        book = {
            "position": {0: 10},
            "tradable": {0: False},
            "price_scaled": {0: 0},
            "level": DeskLevel(level),
        }
        assert rules([(0, -10, STOP_AT)], GUARD, **book) == [expected]


def test_no_other_order_closes_what_working_exits_may_close() -> None:
    book = {"position": {0: 10}, **exits_of(-10)}
    assert rules([(0, -10, Terms())], **book) == [DUPLICATE]
    plain = Gate(LOOSE, UNIVERSE).judge(make_batch([(0, -10)]), make_book(**book), 1)
    assert plain.rule.tolist() == [DUPLICATE]
    assert rules([(0, 5, Terms())], **book) == [OK]


PURPOSES = [Purpose.POLICY, GUARD, GUARD]


def test_a_bracket_passes_as_one_and_its_links_become_numbers() -> None:
    verdict = Gate(LOOSE, UNIVERSE).judge(batch_of(bracket(), list(PURPOSES)), make_book(), 7)
    assert verdict.rule.tolist() == [OK] * 3
    assert verdict.approved is not None
    terms = verdict.approved.batch.terms
    assert terms is not None
    assert (terms.parent.tolist(), terms.oco.tolist()) == ([0, 7, 7], [0, 8, 8])


def test_a_bracket_is_refused_as_one() -> None:
    refused = judged(bracket(11), list(PURPOSES))
    assert refused.approved is None
    assert refused.rule.tolist() == [Rule.TERMS, CROSSES, CROSSES]
    assert refused.sentence(0) == FAULT_TEXT[TermsFault.EXIT_REFUSED]
    poor = judged(bracket(), list(PURPOSES), cash=0)
    assert poor.approved is None
    assert poor.rule.tolist() == [Rule.CASH_RESERVE, Rule.TERMS, Rule.TERMS]
    assert poor.sentence(1) == FAULT_TEXT[TermsFault.PARENT_REFUSED]


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ([(1, {"parent": 1})], TermsFault.PARENT_LINK),
        ([(1, {"parent": -2})], TermsFault.PARENT_LINK),
        ([(1, {"parent": -99})], TermsFault.PARENT_LINK),
        ([(0, {"parent": -1})], TermsFault.PARENT_LINK),
        ([(1, {"oco": -1})], TermsFault.OCO_ALONE),
        ([(0, {"oco": 5}), (1, {"oco": 5})], TermsFault.OCO_ALONE),
        ([(0, {"oco": -1}), (1, {"oco": -1})], TermsFault.OCO_SYMBOLS),
        ([(0, {"revision": 1})], TermsFault.REVISION),
    ],
)
def test_links_that_lead_nowhere(links: list[tuple[int, dict[str, int]]], expected: TermsFault) -> None:
    rows = [(0, 10, GOOD[T.LIMIT]), (1, 10, GOOD[T.LIMIT])]
    for row, fields in links:
        rows[row] = (*rows[row][:2], structs.replace(rows[row][2], **fields))
    verdict = judged(rows)
    assert verdict.sentence(links[-1][0]) == FAULT_TEXT[expected]


# ---- replacements --------------------------------------------------------------------------------------------------------

WORKING = Terms(T.LIMIT, F.GTC, limit=9 * DOLLAR)


def changed(
    quantity: int,
    filled: int = 0,
    before: int = 100,
    symbol: int = 0,
    settings: RiskSettings = LOOSE,
    **fields: Any,
) -> Verdict:
    terms = structs.replace(WORKING, **{"revision": 1, **fields})
    batch = structs.replace(batch_of([(symbol, quantity, terms)]), number=np.array([5], dtype=np.int64))
    now = Standing(0, before, filled, before - filled, Purpose.POLICY, WORKING)
    book = make_book(pending={0: before - filled}, position={0: filled})
    return Gate(settings, UNIVERSE).judge_replacement(batch, now, book)


def test_a_reduction_is_no_new_risk() -> None:
    stopped = with_settings(LOOSE, order_notional_usd=1.0, orders_per_minute=1)
    assert changed(99, settings=stopped).rule.tolist() == [OK]
    assert changed(101, settings=stopped).rule.tolist() == [Rule.NOTIONAL]


def test_added_quantity_and_better_prices_are_judged_on_the_book_without_the_order() -> None:
    one_order = with_settings(LOOSE, order_notional_usd=1_100.0)  # 110 at 10 dollars
    assert changed(110, settings=one_order).rule.tolist() == [OK]
    assert changed(111, settings=one_order).rule.tolist() == [Rule.NOTIONAL]
    assert changed(140, filled=30, settings=one_order).rule.tolist() == [OK]
    assert changed(100, limit=10_500_000).rule.tolist() == [OK]
    assert changed(100, limit=11 * DOLLAR + 1).rule.tolist() == [Rule.LIMIT_COLLAR]
    verdict = changed(110)
    assert verdict.number.tolist() == [5]
    assert verdict.approved is not None
    assert verdict.approved.batch.number.tolist() == [5]


@pytest.mark.parametrize(
    ("quantity", "fields", "expected"),
    [
        (0, {}, TermsFault.NOTHING_LEFT),
        (-100, {}, TermsFault.NOTHING_LEFT),
        (30, {}, TermsFault.NOTHING_LEFT),
        (50, {"revision": 0}, TermsFault.REVISION),
        (50, {"revision": 2}, TermsFault.REVISION),
        (50, {"type": T.MARKET, "limit": 0}, TermsFault.REVISION),
        (50, {"parent": 3}, TermsFault.REVISION),
        (50, {"oco": 3}, TermsFault.REVISION),
    ],
)
def test_what_is_no_change_of_the_order_is_refused(
    quantity: int, fields: dict[str, int], expected: TermsFault
) -> None:
    verdict = changed(quantity, filled=30, **fields)
    assert verdict.approved is None
    assert verdict.sentence(0) == FAULT_TEXT[expected]
    assert changed(50, symbol=1).approved is None


# ---- hostile orders ------------------------------------------------------------------------------------------------------

HOSTILE = 2_000


def test_hostile_orders_never_escape() -> None:
    found = judge_hostile(HOSTILE)
    assert found.wrong == []
    assert min(found.approved, found.exits, found.linked) > 20, found


def test_hostile_replacements_never_escape() -> None:
    rng = generator(22, "hostile changes")
    passed = 0
    for _ in range(HOSTILE // 4):
        before = int(rng.choice([100, -100, 10]))
        filled = int(np.sign(before)) * int(rng.choice([0, 3, 9]))
        fields = {"revision": int(rng.choice([0, 1, 1, 1, 2]))}
        if rng.random() < 0.3:
            fields["limit"] = int(rng.choice(np.array([*GARBAGE, 10_500_000, 11_000_001], dtype=object)))
        quantity = int(rng.choice(np.array([*GARBAGE, 50, 100, 150, 500, -50, -150], dtype=object)))
        verdict = changed(quantity, filled, before, settings=TIGHT, **fields)
        if verdict.approved is None:
            continue
        passed += 1
        assert quantity * before > 0
        assert abs(quantity) > abs(filled)
        assert fields["revision"] == 1
        if abs(quantity) > abs(before):
            assert abs(quantity - filled) * 10 <= 4_000
        assert 0 < fields.get("limit", 1) <= 2**52
    assert passed > HOSTILE // 100


def test_equity_is_what_the_books_say() -> None:
    assert EQUITY == 100_000 * MONEY_SCALE
