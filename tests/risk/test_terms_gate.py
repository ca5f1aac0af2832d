"""Orders with terms at the gate: the table of what is legal, exits, links, replacements, and hostile batches of all of it."""

from __future__ import annotations

import os
from dataclasses import replace as with_settings
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tests.risk.books import EQUITY, NOW, PRICE, UNIVERSE, make_batch, make_book
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.money import MONEY_SCALE, notional
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
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.rng import generator
from tuiconsole.risk.gate import Gate
from tuiconsole.risk.replacements import Standing
from tuiconsole.risk.rules import Rule
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.risk.verdict import Book, Verdict

T, F = OrderType, TimeInForce
DOLLAR = 1_000_000
HOUR = 3_600 * 10**9
LOOSE = RiskSettings(order_notional_share=1.0, name_cap=1.0, cash_reserve=0.0)

GOOD: dict[OrderType, Terms] = {
    T.MARKET: Terms(),
    T.LIMIT: Terms(T.LIMIT, limit=9 * DOLLAR),
    T.STOP: Terms(T.STOP, stop=11 * DOLLAR),
    T.STOP_LIMIT: Terms(T.STOP_LIMIT, stop=11 * DOLLAR, limit=11 * DOLLAR),
    T.TRAILING_STOP: Terms(T.TRAILING_STOP, trail=DOLLAR, trail_unit=TrailUnit.PRICE),
    T.PEGGED: Terms(T.PEGGED, peg=Peg.MID),
}


def batch_of(rows: list[tuple[int, int, Terms]], purpose: int | list[int] = Purpose.POLICY) -> OrderBatch:
    """Orders ``(column, quantity, terms)``."""
    made = make_batch([(column, quantity) for column, quantity, _ in rows])
    codes = np.zeros(len(rows), dtype=np.int8)
    codes[:] = purpose
    return structs.replace(made, purpose=codes, terms=OrderTerms.of([terms for _, _, terms in rows]))


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

STOP_AT = Terms(T.STOP, F.GTC, stop=9 * DOLLAR)
TARGET_AT = Terms(T.LIMIT, F.GTC, limit=12 * DOLLAR)


def pair(group: int = -1, parent: int = 0) -> tuple[Terms, Terms]:
    return structs.replace(STOP_AT, oco=group, parent=parent), structs.replace(
        TARGET_AT, oco=group, parent=parent
    )


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


def bracket(quantity: int = 10) -> list[tuple[int, int, Terms]]:
    stop, target = pair(parent=-1)
    return [(0, 10, GOOD[T.LIMIT]), (0, -quantity, stop), (0, -quantity, target)]


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

HOSTILE = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "search" else 2_000
TIGHT = RiskSettings(
    order_notional_share=0.05, name_cap=0.06, order_notional_usd=4_000.0, orders_per_minute=40
)
GARBAGE = [0, 1, -1, 5, 2**31, 2**53, 2**62, 2**63 - 1, -(2**63), 10**15]


def hostile(rng: np.random.Generator, k: int) -> tuple[OrderBatch, Book]:
    """Batches with any terms, many nearly right, on books with positions, pending orders and exits."""
    n = len(UNIVERSE)
    rows: list[tuple[int, int, Terms]] = []
    purpose = [int(code) for code in rng.choice([0, 0, 0, 2, 2, 1, 7], k)]
    if rng.random() < 0.4:
        size = int(rng.choice([10, 100, 300]))
        rows = [
            (symbol, size * sign, terms)
            for (symbol, _, terms), sign in zip(bracket(), (1, -1, -1), strict=True)
        ]
        purpose[:3] = [0, 2, 2]
        k = max(k, 3)
        purpose += [0] * (k - len(purpose))
    for row in range(len(rows), k):
        terms = structs.asdict(GOOD[OrderType(int(rng.integers(0, 6)))])
        terms["tif"] = int(rng.choice([0, 0, 1, 1, 2, 3, 4, 5, 6]))
        terms["expiry"] = NOW + HOUR if terms["tif"] == F.GTD else 0
        if row and rng.random() < 0.2:
            terms["parent"] = -int(rng.integers(1, row + 2))
        if rng.random() < 0.2:
            terms["oco"] = -int(rng.integers(1, 3))
        if rng.random() < 0.15:
            name = str(rng.choice(list(terms)))
            small = name in ("type", "tif", "trail_unit", "peg")
            terms[name] = (
                int(rng.integers(-128, 128)) if small else int(rng.choice(np.array(GARBAGE, dtype=object)))
            )
        if rng.random() < 0.3:
            terms["limit"] = int(PRICE * rng.choice([0.5, 0.9, 0.9 - 1e-6, 1.1, 1.1 + 1e-6, 2.0])) * bool(
                terms["limit"]
            )
        quantity = int(rng.choice([1, -1, 10, -10, 100, -100, 390, 400, 401, -401, 0]))
        if rng.random() < 0.03:
            quantity = int(rng.choice(np.array(GARBAGE, dtype=object)))
        rows.append(
            (
                int(rng.integers(-1, n)) if rng.random() < 0.1 else int(rng.integers(0, 3)),
                quantity,
                Terms(**terms),
            )
        )
    position = {i: int(q) for i, q in enumerate(rng.choice([0, 0, 10, -10, 100, -100], 3))}
    pending = {i: int(q) for i, q in enumerate(rng.choice([0, 0, 0, 10, -10], 3))}
    book = make_book(
        position=position, pending=pending, level=DeskLevel(int(rng.choice([0] * 8 + [1, 2, 3])))
    )
    if rng.random() < 0.5:
        column = np.zeros(n, dtype=np.int64)
        column[:3] = [-int(np.sign(held)) * int(rng.choice([0, 5, 10])) for held in position.values()]
        book = structs.replace(book, exits=column)
    return batch_of(rows, purpose), book


def legal(terms: Terms, quantity: int) -> bool:
    """The table once more, in words of its own."""
    kind, tif = terms.type, terms.tif
    if not (0 <= kind <= 5 and 0 <= tif <= 6 and 0 <= terms.peg <= 3 and 0 <= terms.trail_unit <= 3):
        return False
    numbers = (terms.limit, terms.stop, terms.trail, terms.display, terms.peg_offset)
    if any(not 0 <= value <= 2**52 for value in numbers):
        return False
    rests = tif in (F.DAY, F.GTC, F.GTD)
    fits = {
        T.MARKET: rests is False or tif == F.DAY,
        T.LIMIT: terms.limit > 0,
        T.STOP: rests and terms.stop > 0,
        T.STOP_LIMIT: rests and terms.stop > 0 and terms.limit > 0,
        T.TRAILING_STOP: rests and terms.trail > 0 and terms.trail_unit > 0,
        T.PEGGED: rests and terms.peg > 0,
    }[OrderType(kind)]
    may = {
        "limit": kind in (T.LIMIT, T.STOP_LIMIT, T.PEGGED),
        "stop": kind in (T.STOP, T.STOP_LIMIT, T.TRAILING_STOP),
        "trail": kind == T.TRAILING_STOP,
        "trail_unit": kind == T.TRAILING_STOP,
        "peg": kind == T.PEGGED,
        "peg_offset": kind == T.PEGGED,
        "display": kind == T.LIMIT and rests and terms.display < abs(quantity),
        "expiry": tif == F.GTD and terms.expiry > NOW,
    }
    percent = terms.trail_unit != TrailUnit.PERCENT or terms.trail < 10**6
    dated = tif != F.GTD or terms.expiry > NOW
    return fits and percent and dated and all(getattr(terms, name) == 0 or ok for name, ok in may.items())


def check(batch: OrderBatch, book: Book, verdict: Verdict) -> None:
    """Nothing that was approved may be what it must not."""
    passed = np.flatnonzero(verdict.rule == 0).tolist()
    assert (verdict.approved is not None) == bool(passed)
    assert batch.terms is not None
    closing: dict[int, dict[int, int]] = {}
    for i in passed:
        column, quantity, terms = int(batch.symbol[i]), int(batch.quantity[i]), batch.terms.at(i)
        assert 0 <= column < len(UNIVERSE)
        assert quantity
        assert legal(terms, quantity)
        assert terms.revision == 0
        position, pending = int(book.position[column]), int(book.pending[column])
        exits = 0 if book.exits is None else int(book.exits[column])
        purpose = int(batch.purpose[i])
        assert purpose in (0, 1, 2)
        assert book.level < DeskLevel.HALTED or purpose == Purpose.FLATTEN
        if terms.parent:
            parent = -terms.parent - 1
            assert parent < i
            assert verdict.rule[parent] == 0
        for child in range(i + 1, len(batch)):
            assert int(batch.terms.parent[child]) != -(i + 1) or verdict.rule[child] == 0
        if terms.oco:
            assert not verdict.rule[batch.terms.oco == terms.oco].any()
        if purpose == Purpose.PROTECTIVE and terms.parent:
            parent = -terms.parent - 1
            assert int(batch.symbol[parent]) == column
            assert quantity * int(batch.quantity[parent]) < 0
            assert abs(quantity) <= abs(int(batch.quantity[parent]))
        elif purpose == Purpose.PROTECTIVE:
            groups = closing.setdefault(column, {})
            key = terms.oco or i + 1
            groups[key] = max(abs(quantity), groups.get(key, 0))
            leaving = min(0, pending * int(np.sign(position)))
            assert quantity * position < 0
            assert sum(groups.values()) + abs(exits) - leaving <= abs(position)
        else:
            assert exits * quantity <= 0
            assert pending * quantity <= 0
            after = position + pending
            reduces = quantity * after < 0 and abs(quantity) <= min(abs(after), abs(position))
            if not reduces:
                assert book.level == DeskLevel.RUNNING
                assert purpose == Purpose.POLICY
                worst = max(PRICE, terms.limit, terms.stop)
                assert (
                    notional(worst, abs(quantity), UNIVERSE.instruments[column].money_exponent)
                    <= 4_000 * MONEY_SCALE
                )
                if terms.limit:
                    side = 1 if quantity > 0 else -1
                    assert side * (terms.limit - (terms.stop or PRICE)) <= 0.1 * (terms.stop or PRICE)


def test_hostile_orders_never_escape() -> None:
    rng = generator(21, "hostile terms")
    seen = {"approved": 0, "exits": 0, "linked": 0}
    for _ in range(0, HOSTILE, 5):
        batch, book = hostile(rng, int(rng.integers(1, 9)))
        verdict = Gate(TIGHT, UNIVERSE).judge(batch, book, 3)
        check(batch, book, verdict)
        assert batch.terms is not None
        good = verdict.rule == 0
        seen["approved"] += int(good.sum())
        seen["exits"] += int((good & (batch.purpose == Purpose.PROTECTIVE)).sum())
        seen["linked"] += int((good & (batch.terms.parent != 0)).sum())
    assert min(seen.values()) > HOSTILE // 1_000, seen


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
