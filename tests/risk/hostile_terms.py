"""Hostile batches of orders with terms, and what none that the gate approves may be; written without the gate's own rules."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from msgspec import structs

from tests.risk.books import NOW, PRICE, UNIVERSE, make_batch, make_book
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.money import MONEY_SCALE, notional
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Peg, Terms, TimeInForce, TrailUnit
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.rng import generator
from tuiconsole.risk.gate import Gate
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.risk.verdict import Book, Verdict

T, F = OrderType, TimeInForce
DOLLAR = 1_000_000
HOUR = 3_600 * 10**9

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


STOP_AT = Terms(T.STOP, F.GTC, stop=9 * DOLLAR)
TARGET_AT = Terms(T.LIMIT, F.GTC, limit=12 * DOLLAR)


def pair(group: int = -1, parent: int = 0) -> tuple[Terms, Terms]:
    return structs.replace(STOP_AT, oco=group, parent=parent), structs.replace(
        TARGET_AT, oco=group, parent=parent
    )


def bracket(quantity: int = 10) -> list[tuple[int, int, Terms]]:
    stop, target = pair(parent=-1)
    return [(0, 10, GOOD[T.LIMIT]), (0, -quantity, stop), (0, -quantity, target)]


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


@dataclass
class Judged:
    """How many orders passed, and what was approved that must not be."""

    approved: int = 0
    exits: int = 0
    linked: int = 0
    judged: int = 0
    wrong: list[str] = field(default_factory=list)


def judge_hostile(count: int) -> Judged:
    """Put at least ``count`` hostile orders before the gate."""
    rng = generator(21, "hostile terms")
    found = Judged()
    while found.judged < count:
        batch, book = hostile(rng, int(rng.integers(1, 9)))
        verdict = Gate(TIGHT, UNIVERSE).judge(batch, book, 3)
        try:
            check(batch, book, verdict)
        except AssertionError as error:
            found.wrong.append(f"order {found.judged}: {error}")
        assert batch.terms is not None
        good = verdict.rule == 0
        found.judged += len(batch)
        found.approved += int(good.sum())
        found.exits += int((good & (batch.purpose == Purpose.PROTECTIVE)).sum())
        found.linked += int((good & (batch.terms.parent != 0)).sum())
    return found
