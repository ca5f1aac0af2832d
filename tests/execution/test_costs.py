"""Costs: the square-root law, adverse rounding, exact fees, and a breakdown that adds up."""

import json
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.build import POINT, ints
from tuiconsole.domain.costs import IMPACT, IN_PRICE, CostPart
from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.money import MONEY_SCALE, notional
from tuiconsole.execution.costs import LARGEST_IMPACT, CostModel, permanent_impact, temporary_impact
from tuiconsole.execution.settings import ExecutionSettings

FREE = ExecutionSettings(
    fixed_usd=0.0,
    proportional_bps=0.0,
    half_spread_bps=0.0,
    temporary_impact=0.0,
    permanent_impact=0.0,
    capacity_penalty=0.0,
)
CENT = MONEY_SCALE // 100
REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "05_execution.json"


def one(universe, chosen, quantity, base, participation=0.0, sigma=0.02, first=1):
    priced = CostModel(universe, chosen).price(
        ints(0),
        ints(quantity),
        np.array([float(base)]),
        np.array([participation]),
        np.array([sigma]),
        ints(first),
    )
    return tuple(
        int(column[0])
        for column in (
            priced.price,
            priced.fee,
            priced.costs[CostPart.SPREAD],
            priced.costs[CostPart.TEMPORARY],
        )
    )


SHARES = Universe.of(["A"])


def test_the_square_root_law():
    share = np.array([0.001, 0.01, 0.04, 0.1])
    bps = temporary_impact(1.0, 0.5, np.full(4, 0.02), share) * 1e4
    np.testing.assert_allclose(bps, [6.32455532034, 20.0, 40.0, 63.2455532034], rtol=1e-11)
    doubled = temporary_impact(1.0, 0.5, np.full(4, 0.02), 2 * share) * 1e4
    np.testing.assert_allclose(doubled / bps, 2**0.5, rtol=1e-12)


def test_the_law_does_not_depend_on_the_period():
    day = temporary_impact(1.0, 0.5, np.array([0.02]), np.array([0.01]))
    hour = temporary_impact(1.0, 0.5, np.array([0.02]) / 8**0.5, np.array([0.01]) * 8)
    np.testing.assert_allclose(day, hour, rtol=1e-12)


def test_the_square_root_law_of_the_reference_set():
    if not REFERENCE.exists():
        pytest.skip("the shared reference set is not beside this repository")
    case = next(c for c in json.loads(REFERENCE.read_text())["cases"] if c["id"] == "sqrt_law")
    given_ = case["inputs"]
    share = np.array(given_["Q_over_ADV"])
    bps = temporary_impact(given_["Y"], 0.5, np.full(len(share), given_["sigma_daily"]), share) * 1e4
    np.testing.assert_allclose(bps, case["expected"]["impact_bp"], rtol=case["rtol"])


def test_costs_that_are_switched_off_are_nothing():
    assert one(SHARES, FREE, 10, 100 * POINT) == (100 * POINT, 0, 0, 0)
    assert one(SHARES, FREE, -10, 100 * POINT + 1) == (100 * POINT + 1, 0, 0, 0)


@pytest.mark.parametrize(("quantity", "price"), [(1000, 100.22), (-1000, 99.78)])
def test_spread_and_impact_move_the_price_against_the_desk(quantity, price):
    chosen = ExecutionSettings(half_spread_bps=2.0, temporary_impact=1.0, permanent_impact=0.0)
    filled, fee, spread, impact = one(SHARES, chosen, quantity, 100 * POINT, participation=0.01)
    assert filled == round(price * POINT)
    assert spread == 20 * MONEY_SCALE
    assert impact == 200 * MONEY_SCALE
    assert fee == 50 * CENT + round(price * 10) * CENT  # one basis point of 1000 shares


def test_the_fixed_part_is_due_with_the_first_fill_alone():
    assert one(SHARES, ExecutionSettings(proportional_bps=0.0), 10, 100 * POINT, first=1)[1] == 50 * CENT
    assert one(SHARES, ExecutionSettings(proportional_bps=0.0), 10, 100 * POINT, first=0)[1] == 0


def test_fees_are_rounded_half_even_to_cents():
    chosen = replace(FREE, proportional_bps=1.0)
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
    chosen = ExecutionSettings(permanent_impact=0.0, capacity_penalty=0.0)
    filled, _, _, impact = one(SHARES, chosen, -10, 100 * POINT, participation=1e6)
    assert filled == 100 * POINT - 2 * POINT // 100 - LARGEST_IMPACT * 100 * POINT
    assert impact == 10 * 50 * MONEY_SCALE
    assert one(SHARES, ExecutionSettings(), -10, 1, participation=1e6)[0] == 1


def test_multipliers_and_fine_quantities_count():
    contract = Universe((Instrument("F", multiplier=50),))
    chosen = replace(FREE, proportional_bps=1.0, half_spread_bps=10.0)
    filled, fee, spread, _ = one(contract, chosen, 2, 4000 * POINT)
    assert spread == 2 * 50 * 4 * MONEY_SCALE
    assert fee == round(2 * 50 * filled / POINT / 1e4 * 100) * CENT
    coin = Universe((Instrument("C", quantity_decimals=8, price_decimals=6),))
    filled, fee, spread, _ = one(coin, chosen, 150_000_000, 30_000 * POINT)
    assert spread == 45 * MONEY_SCALE
    assert fee == round(1.5 * filled / POINT / 1e4 * 100) * CENT


def test_values_beyond_int64_in_between_stay_exact_and_beyond_it_at_the_end_raise():
    coin = Universe((Instrument("C", quantity_decimals=8, price_decimals=6),))
    chosen = replace(FREE, proportional_bps=1.0)
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
        st.floats(-0.01, 0.01),
        st.floats(0.5, 2.0),
    ),
    min_size=1,
    max_size=6,
)
MIXED = (
    Universe(
        (
            Instrument("A"),
            Instrument("B", tick=10_000, lot=10),
            Instrument("C", price_decimals=6, quantity_decimals=4, tick=5),
        )
    ),
    Universe((Instrument("A"), Instrument("B", tick=10_000), Instrument("C", multiplier=50))),
    Universe.of(["A", "B", "C"]),
)


@given(
    rows=rows,
    universe=st.sampled_from(MIXED),
    fixed=st.sampled_from([0.0, 0.5, 1.0]),
    bps=st.sampled_from([0.0, 0.35, 1.0, 12.5]),
    adverse=st.sampled_from([0.0, 0.1]),
)
@settings(max_examples=200, derandomize=True)
def test_a_batch_equals_decimal_arithmetic_and_adds_up(rows, universe, fixed, bps, adverse):
    chosen = ExecutionSettings(fixed_usd=fixed, proportional_bps=bps, adverse_selection=adverse)
    symbol, quantity, base, share, sigma, first, displaced, stress = (
        list(column) for column in zip(*rows, strict=True)
    )
    priced = CostModel(universe, chosen).price(
        ints(*symbol),
        ints(*quantity),
        np.array(base, dtype=np.float64),
        np.array(share),
        np.array(sigma),
        ints(*first),
        np.array(displaced),
        np.array(stress),
    )
    assert (priced.costs >= 0).all()
    assert not priced.costs[CostPart.BORROW].any()
    for i, (s, q, b, p, v, f, moved, m) in enumerate(rows):
        item = universe.instruments[s]
        price, fee = int(priced.price[i]), int(priced.fee[i])
        parts = priced.costs[:, i].tolist()
        assert price % item.tick == 0
        assert (price - b) * np.sign(q) >= 0 or price == item.tick
        assert sum(parts[IN_PRICE]) == item.multiplier * notional(abs(price - b), abs(q), item.money_exponent)
        assert parts[CostPart.COMMISSION_FIXED] + parts[CostPart.COMMISSION_PROPORTIONAL] == fee
        assert parts[CostPart.COMMISSION_FIXED] == f * Decimal(repr(fixed)) * MONEY_SCALE
        value = item.multiplier * Decimal(notional(price, abs(q), item.money_exponent))
        exact = value * Decimal(repr(bps)) / 10_000
        cents = (exact / CENT).to_integral_value(rounding=ROUND_HALF_EVEN)
        assert parts[CostPart.COMMISSION_PROPORTIONAL] == int(cents) * CENT
        shares = (
            0.314 * v * p**0.5,
            0.05 * v * p + max(0.0, moved * np.sign(q)),
            0.05 * m * v * max(0.0, p / 0.02 - 1.0),
            adverse * v,
        )
        unit = abs(q) * item.multiplier * 10.0**item.money_exponent
        if sum(shares) < LARGEST_IMPACT and price > item.tick:
            for part, expected in zip(parts[IMPACT], shares, strict=True):
                assert part == pytest.approx(expected * b * unit, abs=1.001 * unit + 1)


def test_both_ways_of_counting_money_agree():
    rng = np.random.default_rng(2)
    universe = Universe.of(["A", "B"])
    fast, exact = CostModel(universe, ExecutionSettings()), CostModel(universe, ExecutionSettings())
    exact._plain = False  # as for instruments that divide: Python's integers
    for _ in range(50):
        given_ = (
            rng.integers(0, 2, 8),
            rng.integers(1, 4000, 8) * rng.choice([-1, 1], 8),
            rng.integers(1, 500 * POINT, 8).astype(np.float64),
            rng.random(8) * 0.1,
            rng.random(8) * 0.05,
            rng.integers(0, 2, 8),
        )
        one_, other = fast.price(*given_), exact.price(*given_)
        assert one_.price.tolist() == other.price.tolist()
        assert one_.fee.tolist() == other.fee.tolist()
        assert one_.costs.tolist() == other.costs.tolist()


def test_an_empty_batch_costs_nothing():
    nothing = ints()
    priced = CostModel(SHARES, FREE).price(nothing, nothing, np.empty(0), np.empty(0), np.empty(0), nothing)
    assert len(priced.price) == len(priced.fee) == 0


def test_the_capacity_penalty_begins_above_the_free_share():
    chosen = replace(FREE, capacity_penalty=0.05, capacity_free=0.02)
    share = np.array([0.01, 0.02, 0.04, 0.10])
    priced = CostModel(SHARES, chosen).price(
        ints(0, 0, 0, 0),
        ints(100, 100, -100, 100),
        np.full(4, 100.0 * POINT),
        share,
        np.full(4, 0.02),
        ints(0, 0, 0, 0),
        None,
        np.array([1.5, 1.5, 1.5, 0.7]),
    )
    assert (np.abs(priced.price - 100 * POINT) / 100).tolist() == [0, 0, 1500, 2800]  # 15 and 28 bp
    assert priced.costs[CostPart.CAPACITY].tolist() == [0, 0, 15 * MONEY_SCALE, 28 * MONEY_SCALE]


def test_nobody_earns_from_his_own_impact():
    chosen = replace(FREE, permanent_impact=0.1)
    priced = CostModel(SHARES, chosen).price(
        ints(0, 0),
        ints(100, -100),
        np.full(2, 100.0 * POINT),
        np.full(2, 0.01),
        np.full(2, 0.02),
        ints(0, 0),
        np.full(2, 0.001),  # earlier buys hold the market up by 10 bp
    )
    assert priced.price.tolist() == [100 * POINT + 101_000, 100 * POINT - 1_000]
    assert priced.moved.tolist() == pytest.approx([2e-5, -2e-5])


def cases():
    if not REFERENCE.exists():
        pytest.skip("the shared reference set is not beside this repository")
    return {case["id"]: case for case in json.loads(REFERENCE.read_text())["cases"]}


def test_almgren_2005_of_the_reference_set():
    case = cases()["almgren2005_IBM"]
    given_ = case["inputs"]
    sigma, share = np.array([given_["sigma_daily"]]), given_["X_over_V"]
    gamma = given_["gamma"] * given_["Theta_over_V"] ** given_["delta"]
    moved = permanent_impact(gamma, sigma, np.array([share]))[0] * 1e4
    for days, expected in zip(given_["T_days"], case["expected"]["values"], strict=True):
        rate = np.array([share / days])
        temporary = temporary_impact(given_["eta"], given_["beta"], sigma, rate)[0] * 1e4
        assert moved == pytest.approx(expected["I_bp"], rel=1e-10)
        assert temporary == pytest.approx(expected["K_bp"], rel=1e-10)
        assert moved / 2 + temporary == pytest.approx(expected["J_bp"], rel=1e-10)


def liquidation(given_, risk_aversion):
    """The holdings of Almgren and Chriss (2000), eq. 16 to 19, and the temporary coefficient that goes with them."""
    step = given_["T"] / given_["N"]
    eta = given_["eta"] - given_["gam"] * step / 2
    kappa_tilde = np.sqrt(risk_aversion * given_["sig"] ** 2 / eta)
    kappa = np.arccosh(kappa_tilde**2 * step**2 / 2 + 1) / step
    left = np.arange(given_["N"], -1, -1) * step
    if kappa == 0.0:
        return given_["X"] * left / given_["T"], eta
    return given_["X"] * np.sinh(kappa * left) / np.sinh(kappa * given_["T"]), eta


def cost_of(given_, risk_aversion, price=50.0, sigma=0.02, volume=5e6):
    """What the model charges for that liquidation, its fills one after the other, without decay."""
    holdings, eta = liquidation(given_, risk_aversion)
    scale = sigma * price / volume  # from dollars per share to this model's dimensionless numbers
    chosen = replace(
        FREE,
        half_spread_bps=given_["eps"] / price * 1e4,
        temporary_impact=eta / scale,
        temporary_exponent=1.0,
        permanent_impact=given_["gam"] / scale,
    )
    model = CostModel(Universe((Instrument("A", quantity_decimals=6, price_decimals=8),)), chosen)
    displaced, paid = 0.0, 0.0
    for shares in -np.diff(holdings):
        priced = model.price(
            ints(0),
            ints(-round(shares * 1e6)),
            np.array([price * 1e8]),
            np.array([shares / volume]),
            np.array([sigma]),
            ints(0),
            np.array([displaced]),
        )
        displaced += float(priced.moved[0])
        paid += int(priced.costs[IN_PRICE].sum()) / MONEY_SCALE
    return holdings, paid


def test_almgren_chriss_2000_of_the_reference_set():
    case = cases()["ac2000_paper"]
    for name, expected in case["expected"]["by_lambda"].items():
        holdings, paid = cost_of(case["inputs"], float(name))
        np.testing.assert_allclose(holdings, expected["holdings"], rtol=1e-8, atol=1e-4)
        assert paid == pytest.approx(expected["E_cost"], rel=1e-8)


def test_the_short_end_of_the_independent_table():
    case = cases()["drip_short_end_table"]
    for risk_aversion, expected in zip(case["inputs"]["lambdas"], case["expected"]["E_M"], strict=True):
        assert cost_of(case["inputs"], risk_aversion)[1] / 1e6 == pytest.approx(expected, rel=case["rtol"])
