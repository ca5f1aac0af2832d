"""Implementation shortfall: the textbook's case, and effects that add up to the whole in every case."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.reference import case
from tuiconsole.analytics.executions import ExecutionTable, slippage_bps, volume_weighted_price
from tuiconsole.analytics.shortfall import EFFECTS, Intent, Part, Shortfall, shortfall


def test_the_textbooks_case():
    known = case("cfa_impulse_robotics_buy")
    given_, wanted = known["inputs"], known["expected"]
    cents = {
        name: round(100 * given_[name])
        for name in ("decision_px", "revised_benchmark", "fill_px", "cancel_px")
    }
    filled = given_["filled"]
    lost = (cents["fill_px"] - cents["revised_benchmark"]) * filled
    intent = Intent(given_["ordered"], cents["decision_px"], cents["cancel_px"], 0)
    found = shortfall(intent, [Part(cents["fill_px"], filled, 100 * given_["fees"], 0, lost, 0)])
    paper = intent.money(cents["decision_px"], given_["ordered"])
    assert found.total / 100 == wanted["IS"]
    assert found.total / paper == pytest.approx(wanted["IS_pct"], abs=known["atol"])
    assert found.fees / paper == pytest.approx(wanted["explicit"], abs=known["atol"])
    assert (found.impact + found.timing) / paper == pytest.approx(wanted["realized"], abs=known["atol"])
    assert found.delay / paper == pytest.approx(wanted["delay"], abs=known["atol"])
    assert found.opportunity / paper == pytest.approx(wanted["missed"], abs=known["atol"])


prices = st.integers(1, 10**9)
fills = st.lists(
    st.tuples(prices, st.integers(1, 10**6), *[st.integers(0, 10**8)] * 4), min_size=0, max_size=8
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    rows=fills,
    left=st.integers(0, 10**6),
    decision=prices,
    final=prices,
    exponent=st.integers(-4, 4),
    multiplier=st.sampled_from([1, 50]),
    buys=st.booleans(),
)
def test_the_effects_add_up_to_paper_less_reality(rows, left, decision, final, exponent, multiplier, buys):
    """The whole is computed apart from its parts: what paper earned less what the account earned."""
    side = 1 if buys else -1
    parts = [Part(price, side * size, *costs) for price, size, *costs in rows]
    filled = sum(part.quantity for part in parts)
    quantity = filled + side * left
    if not quantity:
        return
    intent = Intent(quantity, decision, final, exponent, multiplier)
    found = shortfall(intent, parts)
    paper = intent.money(final, quantity) - intent.money(decision, quantity)
    spent = sum(intent.money(part.price, part.quantity) for part in parts)
    reality = intent.money(final, filled) - spent - sum(part.fee for part in parts)
    assert found.total == paper - reality == sum(found)
    assert isinstance(found.total, int)
    exact = Fraction(10) ** exponent * multiplier
    value = (final - decision) * quantity * exact
    earned = sum(((final - p.price) * p.quantity for p in parts), 0) * exact - sum(p.fee for p in parts)
    assert abs(found.total - (value - earned)) <= multiplier * (len(parts) + 3)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(price=prices, size=st.integers(1, 10**6), decision=prices, cost=st.integers(0, 10**6))
def test_one_fill_has_no_timing_and_a_full_one_no_opportunity(price, size, decision, cost):
    found = shortfall(Intent(-size, decision, 7, 0), [Part(price, -size, 3, cost, 0, 0)])
    assert found.timing == found.opportunity == 0
    assert found.delay == (decision - price) * size - cost, "a sale below the decision's price has lost"
    assert (found.spread, found.fees) == (cost, 3)


def test_nothing_filled_is_opportunity_alone():
    assert shortfall(Intent(10, 100, 103, 0), []) == Shortfall(opportunity=30)
    assert shortfall(Intent(-10, 100, 103, 0), []).total == -30
    assert Shortfall._fields == EFFECTS


def table(filled, average, price):
    n = len(filled)
    nothing = np.zeros(n, dtype=np.int64)
    return ExecutionTable(
        nothing,
        nothing,
        nothing,
        nothing,
        filled,
        filled,
        filled * 100.0,
        np.full(n, 100.0),
        average,
        {},
        {"vwap": price},
    )


def test_slippage_is_weighted_by_money_and_signed_by_side():
    found = table(np.array([10.0, -30.0]), np.array([101.0, 101.0]), np.array([100.0, 100.0]))
    assert slippage_bps(found, "vwap") == pytest.approx((10 * 100.0 - 30 * 100.0) / 40)
    nothing = table(np.array([10.0]), np.array([np.nan]), np.array([100.0]))
    assert np.isnan(slippage_bps(nothing, "vwap"))


def test_the_volume_weighted_price():
    close, volume = np.array([10.0, 12.0]), np.array([100.0, 300.0])
    assert volume_weighted_price(close, None, None, volume) == 11.5
    ranged = volume_weighted_price(close, np.array([11.0, np.nan]), np.array([9.0, np.nan]), volume)
    assert ranged == 11.5
    assert np.isnan(volume_weighted_price(close, None, None, None))
    assert np.isnan(volume_weighted_price(close, None, None, np.zeros(2)))
