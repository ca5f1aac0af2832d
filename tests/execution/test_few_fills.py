"""A few whole fills in plain numbers: bit for bit what arrays give, and left to them where they are not ordinary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.build import approved, batch, closes, ranged
from tuiconsole.domain.codec import encode_state
from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.events import Fills
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.execution import paper
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.execution.settings import ExecutionSettings

UNIVERSES = (
    Universe.of(["A", "B", "C"]),
    Universe((Instrument("A"), Instrument("B", tick=10_000, lot=10), Instrument("C", multiplier=50))),
    Universe(
        (Instrument("A"), Instrument("B"), Instrument("C", price_decimals=4, quantity_decimals=2, tick=5))
    ),
    Universe((Instrument("A"), Instrument("B"), Instrument("C", price_decimals=6, quantity_decimals=4))),
)
SETTINGS = (
    ExecutionSettings(),
    ExecutionSettings(proportional_bps=0.35, fixed_usd=1.0, tick_usd=0.01, impact_decay=0.0),
    ExecutionSettings(temporary_impact=10.0, initial_volatility=0.9, capacity_penalty=0.0),
    ExecutionSettings(adverse_selection=0.1),
    ExecutionSettings(temporary_exponent=0.6),
    ExecutionSettings(capacity_free=1e-5, memory_bars=2),
)
prices = st.tuples(*[st.one_of(st.floats(0.5, 900.0), st.floats(1e-7, 1e10))] * 3)
sizes = st.one_of(st.integers(-300, 300), st.integers(-(10**9), 10**9))
steps = st.lists(
    st.tuples(
        prices,
        st.tuples(*[st.one_of(st.just(np.nan), st.floats(0.0, 1e7))] * 3),
        st.lists(st.tuples(st.integers(0, 2), sizes.filter(bool)), max_size=3, unique_by=lambda row: row[0]),
        st.sampled_from([(0, 0, 0)] * 6 + [(0, 4, 0)]),
    ),
    min_size=2,
    max_size=7,
)


def drive(rows, universe: Universe, chosen: ExecutionSettings, with_volume: bool, most: int):
    """What the venue answered to every bar, and its state at the end."""
    venue, answers, number = PaperVenue(universe, chosen), [], 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper, "MOST_FILLS", most)
        for ts, (price, volume, orders, quality) in enumerate(rows, start=1):
            bar = ranged(ts, price, price, price, price, volume, quality)
            try:
                answers.append(venue.on_bars(bar if with_volume else closes(ts, price, quality)))
            except MoneyOverflow:
                return answers, b"overflow"
            if orders:
                venue.submit(approved(batch(number, orders, ts=ts)))
                number += len(orders)
    return answers, encode_state(venue.state())


def assert_same(few: Fills | None, many: Fills | None) -> None:
    assert (few is None) == (many is None)
    if few is None or many is None:
        return
    for name in Fills.__struct_fields__:
        ours, theirs = getattr(few, name), getattr(many, name)
        if isinstance(theirs, np.ndarray):
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), name
            assert ours.tobytes() == theirs.tobytes(), name
        else:
            assert ours == theirs, name


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    rows=steps,
    universe=st.sampled_from(UNIVERSES),
    chosen=st.sampled_from(SETTINGS),
    with_volume=st.booleans(),
)
def test_few_fills_equal_many(rows, universe: Universe, chosen: ExecutionSettings, with_volume: bool) -> None:
    few, state = drive(rows, universe, chosen, with_volume, paper.MOST_FILLS)
    many, expected = drive(rows, universe, chosen, with_volume, 0)
    for ours, theirs in zip(few, many, strict=True):
        assert_same(ours, theirs)
    assert state == expected


@pytest.mark.parametrize("seed", range(3))
def test_ordinary_orders_do_not_need_arrays(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long positions on liquid symbols: 300 bars of real-looking prices, and not one is left to the arrays."""
    rng = np.random.default_rng(seed)
    logs = np.cumsum(rng.normal(0.0, 0.02, (300, 3)), axis=0)
    held, rows = np.zeros(3, dtype=np.int64), []
    for price in 100.0 * np.exp(logs):
        wanted = rng.integers(0, 2, 3) * rng.integers(1, 400, 3) - held
        held += wanted
        orders = [(column, int(size)) for column, size in enumerate(wanted) if size]
        rows.append((tuple(price), (2e6, 1e6, 3e6), orders, (0, 0, 0)))
    many = drive(rows, UNIVERSES[0], SETTINGS[0], True, 0)
    monkeypatch.setattr(PaperVenue, "_execute", None)
    few = drive(rows, UNIVERSES[0], SETTINGS[0], True, paper.MOST_FILLS)
    assert sum(len(fills) for fills in few[0] if fills is not None) > 300
    for ours, theirs in zip(few[0], many[0], strict=True):
        assert_same(ours, theirs)
    assert few[1] == many[1]
