"""The ledger against an independent one in ``Decimal``, its identities, its atomicity and its state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.errors import DeskError, MoneyOverflow, UsageError
from tuiconsole.domain.events import Charges, Fills
from tuiconsole.domain.instruments import Currency, Instrument, Universe
from tuiconsole.domain.money import INT64_MAX, MONEY_SCALE
from tuiconsole.portfolio.ledger import Ledger

CENT = Decimal("0.00000001")
Row = tuple[int, int, int, int]


def make_fills(rows: Sequence[Row]) -> Fills:
    """Fills of ``(column, quantity, price, fee)``."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    number = np.arange(1, len(table) + 1)
    columns = (table[:, 0], table[:, 1], table[:, 2], table[:, 3])
    return Fills(1, number, *columns, np.zeros((len(CostPart), len(table)), dtype=np.int64), number)


class DecimalLedger:
    """The same accounting, written from the definitions: lots in ``Decimal``, no shared code."""

    def __init__(self, universe: Universe, capital: Decimal) -> None:
        self.items = universe.instruments
        self.cash = capital
        self.fees = Decimal(0)
        self.realised = Decimal(0)
        self.lots: list[list[list[Decimal]]] = [[] for _ in self.items]

    def money(self, column: int, price: int, quantity: Decimal) -> Decimal:
        item = self.items[column]
        exact = Decimal(price).scaleb(-item.price_decimals) * quantity * item.multiplier
        return exact.quantize(CENT, rounding=ROUND_HALF_EVEN)

    def fill(self, column: int, quantity: int, price: int, fee: int) -> Decimal:
        size = Decimal(quantity).scaleb(-self.items[column].quantity_decimals)
        value = self.money(column, price, size)
        self.cash -= value + Decimal(fee).scaleb(-8)
        self.fees += Decimal(fee).scaleb(-8)
        lots = self.lots[column]
        realised = Decimal(0)
        held = sum((lot[0] for lot in lots), Decimal(0))
        if held * size < 0:
            closed = min(abs(size), abs(held))
            closing_value = (value * closed / abs(size)).quantize(CENT, rounding=ROUND_HALF_EVEN)
            realised = -closing_value
            left = closed
            while left:
                lot = lots[0]
                used = min(left, abs(lot[0]))
                cost = (lot[1] * used / abs(lot[0])).quantize(CENT, rounding=ROUND_HALF_EVEN)
                realised -= cost
                lot[1] -= cost
                lot[0] -= used.copy_sign(lot[0])
                left -= used
                if lot[0] == 0:
                    assert lot[1] == 0
                    lots.pop(0)
            size -= closed.copy_sign(size)
            value -= closing_value
        if size:
            lots.append([size, value])
        self.realised += realised
        return realised

    def held(self, column: int) -> Decimal:
        return sum((lot[0] for lot in self.lots[column]), Decimal(0))

    def cost(self, column: int) -> Decimal:
        return sum((lot[1] for lot in self.lots[column]), Decimal(0))


def assert_identities(ledger: Ledger) -> None:
    values = sum(ledger.market_value.tolist())
    assert ledger.cash + values == ledger.equity
    assert ledger.capital + ledger.realised + ledger.unrealised_total - ledger.fees == ledger.equity
    assert sum(ledger.unrealised.tolist()) == ledger.unrealised_total
    assert sum(ledger.realised_by_symbol.tolist()) == ledger.realised
    assert sum(ledger.fees_by_symbol.tolist()) == ledger.fees
    assert ledger.net == values
    assert ledger.gross == sum(abs(v) for v in ledger.market_value.tolist())
    for column in range(len(ledger.quantity)):
        lots = ledger.lots(column)
        assert sum(q for q, _ in lots) == ledger.quantity[column]
        assert sum(c for _, c in lots) == ledger.cost[column]
        assert len({q > 0 for q, _ in lots}) <= 1, "lots of one symbol all point the same way"


instruments = st.builds(
    lambda p, q, m: (p, q, m), st.integers(0, 12), st.integers(0, 8), st.sampled_from([1, 1, 10, 50])
).filter(
    lambda units: units[0] + units[1] >= 4
)  # coarser units at these prices leave int64, which has tests of its own
universes = st.lists(instruments, min_size=1, max_size=3).map(
    lambda units: Universe(
        tuple(
            Instrument(f"S{i}", price_decimals=p, quantity_decimals=q, multiplier=m)
            for i, (p, q, m) in enumerate(units)
        )
    )
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Universe, list[list[Row]], list[list[int]]]:
    universe = draw(universes)
    n = len(universe)
    row = st.tuples(
        st.integers(0, n - 1),
        st.one_of(st.integers(-40, 40), st.integers(-90_000, 90_000)).filter(bool),
        st.integers(1, 2_000_000),
        st.integers(-500, 10**8),
    )
    batches = draw(st.lists(st.lists(row, min_size=1, max_size=6), min_size=1, max_size=8))
    prices = st.lists(st.integers(0, 2_000_000), min_size=n, max_size=n)
    marks = draw(st.lists(prices, min_size=len(batches), max_size=len(batches)))
    return universe, batches, marks


@settings(max_examples=150, deadline=None)
@given(histories())
def test_equals_a_decimal_ledger_and_keeps_its_identities(
    history: tuple[Universe, list[list[Row]], list[list[int]]],
) -> None:
    universe, batches, marks = history
    capital = 10_000 * MONEY_SCALE
    ledger = Ledger(universe, capital)
    with localcontext() as context:
        context.prec = 80
        other = DecimalLedger(universe, Decimal(10_000))
        last = [0] * len(universe)
        for batch, mark in zip(batches, marks, strict=True):
            realised = ledger.apply(make_fills(batch))
            expected = [other.fill(*row) for row in batch]
            assert [Decimal(int(r)).scaleb(-8) for r in realised] == expected
            assert_identities(ledger)
            ledger.mark(np.array(mark, dtype=np.int64))
            assert_identities(ledger)
            last = [new or old for new, old in zip(mark, last, strict=True)]
            for column, item in enumerate(universe.instruments):
                held = other.held(column)
                assert Decimal(int(ledger.quantity[column])).scaleb(-item.quantity_decimals) == held
                assert Decimal(int(ledger.cost[column])).scaleb(-8) == other.cost(column)
                if last[column]:
                    value = other.money(column, last[column], held)
                    assert Decimal(int(ledger.market_value[column])).scaleb(-8) == value
            assert Decimal(ledger.cash).scaleb(-8) == other.cash
            assert Decimal(ledger.fees).scaleb(-8) == other.fees
            assert Decimal(ledger.realised).scaleb(-8) == other.realised


@settings(max_examples=80, deadline=None, derandomize=True)
@given(histories(), st.booleans())
def test_exposure_known_without_a_sum_is_gross_and_net(
    history: tuple[Universe, list[list[Row]], list[list[int]]], long: bool
) -> None:
    universe, batches, marks = history
    ledger = Ledger(universe, 10_000 * MONEY_SCALE)
    for batch, mark in zip(batches, marks, strict=True):
        rows = [(column, abs(size) if long else size, price, fee) for column, size, price, fee in batch]
        ledger.apply(make_fills(rows))
        price = np.array(mark, dtype=np.int64)
        price.flags.writeable = False
        assert ledger.exposure(price) is None, "not marked at these"
        ledger.mark(price)
        again = Ledger(universe, MONEY_SCALE)
        again.restore(decode_state(encode_state(ledger.state())))
        again.mark(price)
        for book in (ledger, again):
            known = book.exposure(price)
            assert (known is not None) == (price.min() > 0 and book.quantity.min() >= 0)
            assert known in (None, (book.gross, book.net))


@settings(max_examples=40, deadline=None)
@given(histories(), st.integers(0, 7))
def test_state_continues_bit_for_bit(
    history: tuple[Universe, list[list[Row]], list[list[int]]], cut: int
) -> None:
    universe, batches, marks = history
    whole, resumed = Ledger(universe, MONEY_SCALE), Ledger(universe, MONEY_SCALE)
    for index, (batch, mark) in enumerate(zip(batches, marks, strict=True)):
        whole.apply(make_fills(batch))
        whole.mark(np.array(mark, dtype=np.int64))
        if index == min(cut, len(batches) - 1):
            resumed.restore(decode_state(encode_state(whole.state())))
        elif index > cut:
            resumed.apply(make_fills(batch))
            resumed.mark(np.array(mark, dtype=np.int64))
    assert encode_state(resumed.state()) == encode_state(whole.state())
    assert resumed.equity == whole.equity
    assert resumed.unrealised_total == whole.unrealised_total
    assert_identities(resumed)


def test_a_round_trip_in_shares() -> None:
    ledger = Ledger(Universe.of(["ABC", "DEF"]), 100_000 * MONEY_SCALE)
    ledger.apply(make_fills([(0, 100, 10_000_000, MONEY_SCALE), (0, 100, 12_000_000, MONEY_SCALE)]))
    assert ledger.cash == (100_000 - 2_200 - 2) * MONEY_SCALE
    assert ledger.average_price(0) == 11.0
    ledger.mark(np.array([15_000_000, 0]))
    assert ledger.unrealised.tolist() == [800 * MONEY_SCALE, 0]
    realised = ledger.apply(make_fills([(0, -150, 15_000_000, 0)]))
    assert realised.tolist() == [(500 + 150) * MONEY_SCALE]  # 100 bought at 10, then 50 bought at 12
    assert ledger.quantity.tolist() == [50, 0]
    assert ledger.cost.tolist() == [600 * MONEY_SCALE, 0]
    assert_identities(ledger)


def test_one_fill_closes_and_opens() -> None:
    ledger = Ledger(Universe.of(["ABC"]), 100_000 * MONEY_SCALE)
    ledger.apply(make_fills([(0, 10, 10_000_000, 0)]))
    realised = ledger.apply(make_fills([(0, -30, 11_000_000, 0)]))
    assert realised.tolist() == [10 * MONEY_SCALE]
    assert ledger.lots(0) == ((-20, -220 * MONEY_SCALE),)
    assert ledger.average_price(0) == 11.0
    ledger.mark(np.array([9_000_000]))
    assert ledger.unrealised.tolist() == [40 * MONEY_SCALE]
    assert ledger.apply(make_fills([(0, 20, 9_000_000, 0)])).tolist() == [40 * MONEY_SCALE]
    assert ledger.quantity.tolist() == [0]
    assert math.isnan(ledger.average_price(0))
    assert ledger.equity == (100_000 + 50) * MONEY_SCALE


def test_multiplier_counts() -> None:
    future = Universe((Instrument("ES", price_decimals=2, multiplier=50),))
    ledger = Ledger(future, 10**6 * MONEY_SCALE)
    ledger.apply(make_fills([(0, 2, 400_000, 0)]))  # 2 contracts at 4,000.00
    assert ledger.cost[0] == 400_000 * MONEY_SCALE
    assert ledger.average_price(0) == 4000.0


def test_partial_closes_lose_no_money_where_the_units_round() -> None:
    """Price and quantity decimals together exceed those of money: each fill rounds once, half-even."""
    coin = Universe((Instrument("BTC", price_decimals=6, quantity_decimals=8),))
    ledger = Ledger(coin, 0)
    ledger.apply(make_fills([(0, 3, 1_500_000, 0)]))  # 3e-8 coins at 1.5: 4.5e-8 rounds to 4 units
    assert ledger.cost.tolist() == [4]
    taken = [int(ledger.apply(make_fills([(0, -1, 1_500_000, 0)]))[0]) for _ in range(3)]
    assert ledger.cost.tolist() == [0]
    assert ledger.cash == sum(taken) == ledger.realised
    assert_identities(ledger)


def test_shown_arrays_never_change() -> None:
    ledger = Ledger(Universe.of(["A", "B"]), MONEY_SCALE)
    seen = ledger.quantity
    ledger.apply(make_fills([(0, 5, 1_000_000, 0)]))
    assert seen.tolist() == [0, 0]
    assert ledger.quantity.tolist() == [5, 0]
    with pytest.raises(ValueError, match="read-only"):
        ledger.quantity[0] = 7


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 10, 1_000_000, 0), (1, INT64_MAX, INT64_MAX, 0)],
        [(0, 10, 1_000_000, 0), (0, 10**15, 1_000_000, 0)],
        [(0, 10, 1_000_000, INT64_MAX), (0, 10, 1_000_000, INT64_MAX)],
        [(0, -1, 1, 0), (0, INT64_MAX, 1, 0), (0, INT64_MAX, 1, 0)],
    ],
)
def test_overflow_books_nothing(rows: list[Row]) -> None:
    ledger = Ledger(Universe.of(["A", "B"]), 1000 * MONEY_SCALE)
    ledger.apply(make_fills([(0, 3, 2_000_000, 5)]))
    before = encode_state(ledger.state())
    with pytest.raises(MoneyOverflow):
        ledger.apply(make_fills(rows))
    assert encode_state(ledger.state()) == before
    assert_identities(ledger)


def test_mark_overflow_changes_nothing() -> None:
    ledger = Ledger(Universe.of(["A", "B"]), 1000 * MONEY_SCALE)
    ledger.apply(make_fills([(0, 1000, 1_000_000, 0)]))
    before = encode_state(ledger.state())
    with pytest.raises(MoneyOverflow):
        ledger.mark(np.array([INT64_MAX, 1]))
    assert encode_state(ledger.state()) == before


def test_a_large_product_that_fits_money_is_exact() -> None:
    """60,000 USD with 8 decimals times 12 coins with 8 decimals overflows int64 before the division, not after."""
    coin = Universe((Instrument("BTC", price_decimals=8, quantity_decimals=8),))
    ledger = Ledger(coin, 10**6 * MONEY_SCALE)
    ledger.apply(make_fills([(0, 12 * 10**8, 60_000 * 10**8, 0)]))
    ledger.mark(np.array([60_000 * 10**8 + 1]))
    assert ledger.market_value.tolist() == [720_000 * MONEY_SCALE + 12]
    assert_identities(ledger)


@pytest.mark.parametrize("row", [(2, 1, 1, 0), (-1, 1, 1, 0), (0, 0, 1, 0), (0, 1, 0, 0), (0, 1, -5, 0)])
def test_impossible_fills_are_refused_whole(row: Row) -> None:
    ledger = Ledger(Universe.of(["A", "B"]), 1000 * MONEY_SCALE)
    before = encode_state(ledger.state())
    with pytest.raises(DeskError, match="cannot be booked"):
        ledger.apply(make_fills([(0, 1, 1_000_000, 0), row]))
    assert encode_state(ledger.state()) == before


def test_no_fills_change_nothing() -> None:
    ledger = Ledger(Universe.of(["A"]), MONEY_SCALE)
    assert ledger.apply(make_fills([])).shape == (0,)
    assert ledger.equity == MONEY_SCALE


def test_unlike_currencies_never_reach_a_ledger() -> None:
    with pytest.raises(UsageError, match="A is in USD and B in EUR"):
        Universe((Instrument("A"), Instrument("B", currency=Currency("EUR", 2))))


def test_borrow_is_a_cost_of_its_own():
    ledger = Ledger(Universe.of(["A", "B"]), 1_000 * MONEY_SCALE)
    ledger.apply(make_fills([(0, -10, 50_000_000, 100)]))
    ledger.charge(Charges(2, np.array([0]), np.array([7 * MONEY_SCALE]), 1))
    assert (ledger.borrow, ledger.borrow_by_symbol.tolist()) == (7 * MONEY_SCALE, [7 * MONEY_SCALE, 0])
    assert ledger.fees == 100
    capital = 1_000 * MONEY_SCALE
    assert capital + ledger.realised + ledger.unrealised_total - ledger.fees - ledger.borrow == ledger.equity
    again = Ledger(Universe.of(["A", "B"]), capital)
    again.restore(decode_state(encode_state(ledger.state())))
    assert (again.equity, again.borrow, again.borrow_by_symbol.tolist()) == (
        ledger.equity,
        ledger.borrow,
        ledger.borrow_by_symbol.tolist(),
    )
    large = Charges(3, np.array([0]), np.array([2**62]), 1)
    again.charge(large)
    with pytest.raises(MoneyOverflow):
        again.charge(large)
    assert again.borrow == 7 * MONEY_SCALE + 2**62
