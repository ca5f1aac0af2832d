"""Costs: the square-root law, adverse rounding, exact fees, and a breakdown that adds up."""

import json
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.build import POINT, ints
from tuiconsole.domain.costs import IMPACT, CostPart
from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.money import MONEY_SCALE, notional, round_to_currency
from tuiconsole.execution.costs import LARGEST_IMPACT, CostModel, square_root_impact
from tuiconsole.execution.settings import ExecutionSettings

FREE = ExecutionSettings(fixed_usd=0.0, proportional_bps=0.0, half_spread_bps=0.0, impact_coefficient=0.0)
CENT = MONEY_SCALE // 100
REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "05_execution.json"


def one(universe, chosen, quantity, base, participation=0.0, sigma=0.02, first=1):
    priced = CostModel(universe, chosen).price(
        ints(0), ints(quantity), ints(base), np.array([participation]), np.array([sigma]), ints(first)
    )
    return tuple(
        int(column[0])
        for column in (priced.price, priced.fee, priced.costs[CostPart.SPREAD], priced.costs[CostPart.TEMPORARY])
    )


SHARES = Universe.of(["A"])


def test_the_square_root_law():
    share = np.array([0.001, 0.01, 0.04, 0.1])
    bps = square_root_impact(1.0, np.full(4, 0.02), share) * 1e4
    np.testing.assert_allclose(bps, [6.32455532034, 20.0, 40.0, 63.2455532034], rtol=1e-11)
    doubled = square_root_impact(1.0, np.full(4, 0.02), 2 * share) * 1e4
    np.testing.assert_allclose(doubled / bps, 2**0.5, rtol=1e-12)


def test_the_law_does_not_depend_on_the_period():
    day = square_root_impact(1.0, np.array([0.02]), np.array([0.01]))
    hour = square_root_impact(1.0, np.array([0.02]) / 8**0.5, np.array([0.01]) * 8)
    np.testing.assert_allclose(day, hour, rtol=1e-12)


def test_the_square_root_law_of_the_reference_set():
    if not REFERENCE.exists():
        pytest.skip("the shared reference set is not beside this repository")
    case = next(c for c in json.loads(REFERENCE.read_text())["cases"] if c["id"] == "sqrt_law")
    given_ = case["inputs"]
    share = np.array(given_["Q_over_ADV"])
    bps = square_root_impact(given_["Y"], np.full(len(share), given_["sigma_daily"]), share) * 1e4
    np.testing.assert_allclose(bps, case["expected"]["impact_bp"], rtol=case["rtol"])


def test_costs_that_are_switched_off_are_nothing():
    assert one(SHARES, FREE, 10, 100 * POINT) == (100 * POINT, 0, 0, 0)
    assert one(SHARES, FREE, -10, 100 * POINT + 1) == (100 * POINT + 1, 0, 0, 0)


@pytest.mark.parametrize(("quantity", "price"), [(1000, 100.22), (-1000, 99.78)])
def test_spread_and_impact_move_the_price_against_the_desk(quantity, price):
    chosen = ExecutionSettings(half_spread_bps=2.0, impact_coefficient=1.0)
    filled, fee, spread, impact = one(SHARES, chosen, quantity, 100 * POINT, participation=0.01)
    assert filled == round(price * POINT)
    assert spread == 20 * MONEY_SCALE
    assert impact == 200 * MONEY_SCALE
    assert fee == 50 * CENT + round(price * 10) * CENT  # one basis point of 1000 shares


def test_the_fixed_part_is_due_with_the_first_fill_alone():
    assert one(SHARES, ExecutionSettings(proportional_bps=0.0), 10, 100 * POINT, first=1)[1] == 50 * CENT
    assert one(SHARES, ExecutionSettings(proportional_bps=0.0), 10, 100 * POINT, first=0)[1] == 0


def test_fees_are_rounded_half_even_to_cents():
    chosen = ExecutionSettings(0.0, 1.0, 0.0, 0.0)
    fees = [one(SHARES, chosen, q, 50 * POINT)[1] for q in (1, 3, 5, 7)]  # 0.5, 1.5, 2.5, 3.5 cents
    assert fees == [0, 2 * CENT, 2 * CENT, 4 * CENT]


@pytest.mark.parametrize(("quantity", "price"), [(5, 100_250_000), (-5, 100_000_000)])
def test_prices_are_rounded_to_the_tick_on_the_adverse_side(quantity, price):
    coarse = Universe((Instrument("A", tick=250_000),))
    filled, _, spread, impact = one(coarse, FREE, quantity, 100_100_000)
    assert filled == price
    assert spread == 5 * abs(price - 100_100_000) * 100
    assert impact == 0


def test_impact_is_bounded_and_a_sale_keeps_a_price():
    filled, _, _, impact = one(SHARES, ExecutionSettings(), -10, 100 * POINT, participation=1e6)
    assert filled == 100 * POINT - 2 * POINT // 100 - LARGEST_IMPACT * 100 * POINT
    assert impact == 10 * 50 * MONEY_SCALE
    assert one(SHARES, ExecutionSettings(), -10, 1, participation=1e6)[0] == 1


def test_multipliers_and_fine_quantities_count():
    contract = Universe((Instrument("F", multiplier=50),))
    chosen = ExecutionSettings(0.0, 1.0, 10.0, 0.0)
    filled, fee, spread, _ = one(contract, chosen, 2, 4000 * POINT)
    assert spread == 2 * 50 * 4 * MONEY_SCALE
    assert fee == round(2 * 50 * filled / POINT / 1e4 * 100) * CENT
    coin = Universe((Instrument("C", quantity_decimals=8, price_decimals=6),))
    filled, fee, spread, _ = one(coin, chosen, 150_000_000, 30_000 * POINT)
    assert spread == 45 * MONEY_SCALE
    assert fee == round(1.5 * filled / POINT / 1e4 * 100) * CENT


def test_values_beyond_int64_in_between_stay_exact_and_beyond_it_at_the_end_raise():
    coin = Universe((Instrument("C", quantity_decimals=8, price_decimals=6),))
    chosen = ExecutionSettings(0.0, 1.0, 0.0, 0.0)
    size, base = 10**13, 5 * 10**12  # 100,000 coins at 5,000,000: 5e25 before scaling
    with pytest.raises(MoneyOverflow):
        one(coin, chosen, size, base)
    filled, fee, _, _ = one(coin, chosen, 10**11, 30_000 * POINT)  # 1000 coins, 30,000,000
    assert filled == 30_000 * POINT
    assert fee == 3000 * MONEY_SCALE
    with pytest.raises(MoneyOverflow):
        one(SHARES, chosen, 2**60, POINT)


rows = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(-50_000, 50_000).filter(bool),
        st.integers(1000, 10**10),
        st.floats(0, 0.2),
        st.floats(1e-6, 0.2),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=6,
)
MIXED = Universe(
    (
        Instrument("A"),
        Instrument("B", tick=10_000, lot=10),
        Instrument("C", price_decimals=6, quantity_decimals=4, tick=5),
    )
)


@given(rows=rows, fixed=st.sampled_from([0.0, 0.5, 1.0]), bps=st.sampled_from([0.0, 0.35, 1.0, 12.5]))
@settings(max_examples=120)
def test_a_batch_equals_decimal_arithmetic_and_adds_up(rows, fixed, bps):
    chosen = ExecutionSettings(fixed_usd=fixed, proportional_bps=bps)
    symbol, quantity, base, share, sigma, first = (list(column) for column in zip(*rows, strict=True))
    priced = CostModel(MIXED, chosen).price(
        ints(*symbol), ints(*quantity), ints(*base), np.array(share), np.array(sigma), ints(*first)
    )
    for i, (s, q, b, *_, f) in enumerate(rows):
        item = MIXED.instruments[s]
        price, fee = int(priced.price[i]), int(priced.fee[i])
        spread, impact = int(priced.costs[CostPart.SPREAD, i]), int(priced.costs[IMPACT, i].sum())
        assert price % item.tick == 0
        assert (price - b) * np.sign(q) >= 0 or price == item.tick
        assert spread >= 0
        assert impact >= 0
        slipped = notional(abs(price - b), abs(q), item.money_exponent)
        assert abs(spread + impact - slipped) <= (0 if item.money_exponent >= 0 else 2)
        value = Decimal(notional(price, abs(q), item.money_exponent))
        exact = value * Decimal(repr(bps)) / 10_000 + f * Decimal(repr(fixed)) * MONEY_SCALE
        cents = (exact / CENT).to_integral_value(rounding=ROUND_HALF_EVEN)
        assert fee == int(cents) * CENT
        assert fee == round_to_currency(fee, 2)


def test_an_empty_batch_costs_nothing():
    nothing = ints()
    priced = CostModel(SHARES, FREE).price(nothing, nothing, nothing, np.empty(0), np.empty(0), nothing)
    assert len(priced.price) == len(priced.fee) == 0
