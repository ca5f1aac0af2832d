"""Borrow of shorts: by calendar day, on what was held over night, told again when the short is covered."""

import numpy as np
import pytest

from tests.execution.build import approved, batch, closes, ints
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.execution.borrow import Borrow
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.execution.settings import ExecutionSettings

UNIVERSE = Universe.of(["A", "B"])
RATE = ExecutionSettings(borrow_annual_bps=365.0)  # one basis point a day
PRICES = (100.0, 50.0)


def day(n):
    return n * NANOSECONDS_PER_DAY + 1


def bar(made, n, prices=PRICES):
    return made.on_bars(closes(day(n), prices))


def shorted(chosen=RATE):
    made = PaperVenue(UNIVERSE, chosen)
    bar(made, 10)
    made.submit(approved(batch(1, [(0, -1000), (1, 10)])))
    bar(made, 11)
    return made


def test_nothing_is_charged_on_the_day_a_short_is_opened():
    assert shorted().due is None


def test_a_day_costs_the_rate_on_the_value_at_the_last_price():
    made = shorted()
    bar(made, 12, (110.0, 50.0))
    assert (made.due.ts, made.due.symbol.tolist(), made.due.days) == (day(12), [0], 1)
    assert made.due.amount.tolist() == [10 * MONEY_SCALE]  # 1 bp of 1000 x 100, not of 110
    bar(made, 12, (110.0, 50.0))
    assert made.due is None, "a second bar of the same day"


def test_a_weekend_counts_its_days():
    made = shorted()
    bar(made, 14)
    assert (made.due.days, made.due.amount.tolist()) == (3, [30 * MONEY_SCALE])


def test_a_cover_tells_what_its_part_was_charged():
    made = shorted()
    bar(made, 12)
    made.submit(approved(batch(3, [(0, 250)])))
    fills = bar(made, 13)
    assert made.due.amount.tolist() == [10 * MONEY_SCALE], "the day before the cover is still owed"
    assert fills.costs[CostPart.BORROW].tolist() == [5 * MONEY_SCALE]
    made.submit(approved(batch(4, [(0, 1000)])))  # turns long: the rest of the short is covered
    fills = bar(made, 14)
    assert fills.costs[CostPart.BORROW].tolist() == [15 * MONEY_SCALE + 750 * MONEY_SCALE // 100]
    bar(made, 15)
    assert made.due is None


def test_days_without_a_short_cost_nothing_when_one_is_opened_later():
    made = shorted()
    made.submit(approved(batch(3, [(0, 1000)])))
    bar(made, 12)
    for n in range(13, 40):
        bar(made, n)
    made.submit(approved(batch(4, [(0, -10)])))
    bar(made, 40)
    assert made.due is None
    bar(made, 41)
    assert made.due.days == 1


def test_a_restart_goes_on_with_the_same_charges():
    made = shorted()
    bar(made, 12)
    again = PaperVenue(UNIVERSE, RATE)
    again.restore(decode_state(encode_state(made.state())))
    for venue in (made, again):
        venue.submit(approved(batch(3, [(0, 500)])))
        fills = bar(venue, 15)
        assert venue.due.amount.tolist() == [30 * MONEY_SCALE]
        assert fills.costs[CostPart.BORROW].tolist() == [20 * MONEY_SCALE]


def test_a_rate_of_zero_charges_nothing():
    made = shorted(ExecutionSettings(borrow_annual_bps=0.0))
    bar(made, 12)
    assert made.due is None


def test_contracts_count_their_multiplier_and_their_decimals():
    coin = Universe((Instrument("C", multiplier=50, quantity_decimals=4),))
    made = Borrow(coin, 365.0)
    made.begin(day(1), -1)
    charges = made.pass_to(day(2), -1, ints(-15_000), np.array([200.0]))
    assert charges.amount.tolist() == [pytest.approx(1.5 * 50 * 200.0 * 1e-4 * MONEY_SCALE)]
    assert made.pass_to(day(1), -1, ints(-15_000), np.array([200.0])) is None, "a bar out of its time"
