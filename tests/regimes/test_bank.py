from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.machine_code import machine_code
from tuiconsole.domain.rng import generator
from tuiconsole.regimes.bank import REGIME_NAMES, RegimeBank
from tuiconsole.regimes.settings import RegimeSettings

SHORT = RegimeSettings(
    volatility_warmup_bars=5,
    history_bars=40,
    history_minimum_bars=20,
    trend_window_bars=20,
    trend_span_bars=4,
)


def cross_section(bars: int, seed: int = 1, volatility: float = 0.2, gaps: float = 0.1) -> np.ndarray:
    rng = generator(seed, "cross-section")
    out = rng.normal(0.0, volatility / math.sqrt(252.0), (bars, 1)) + rng.normal(0.0, 0.01, (bars, 6))
    out[rng.random(out.shape) < gaps] = np.nan
    return out


def run(returns: np.ndarray, settings: RegimeSettings = SHORT) -> tuple[RegimeBank, np.ndarray]:
    bank = RegimeBank(settings, 252.0)
    seen = []
    for row in returns:
        bank.update(row)
        seen.append(bank.probabilities)
    return bank, np.array(seen)


def test_it_starts_with_equal_shares() -> None:
    bank = RegimeBank(RegimeSettings(), 252.0)
    np.testing.assert_array_equal(bank.probabilities, [1 / 3, 1 / 3, 1 / 3, 0.5, 0.5])
    assert len(REGIME_NAMES) == len(bank.probabilities)
    assert bank.label() == "not yet known"
    assert math.isnan(bank.volatility)


def test_the_label_names_the_likeliest() -> None:
    calm = np.full((300, 3), 0.001) + cross_section(300, gaps=0.0, volatility=0.01)[:, :3] * 0.01
    wild = cross_section(300, volatility=0.9)
    assert run(calm, RegimeSettings())[0].label() == "low volatility, trend"
    bank, _ = run(wild, RegimeSettings())
    assert bank.label().startswith("high volatility, ")
    path = "trend" if bank.probabilities[3] > 0.5 else "range"
    assert bank.label().endswith(path)


def test_the_market_is_the_mean_of_what_is_there() -> None:
    returns = cross_section(100)
    mean = np.nanmean(returns, axis=1)[:, None]
    np.testing.assert_allclose(run(returns)[1], run(mean)[1], rtol=1e-9)


def test_a_bar_without_any_return_changes_nothing() -> None:
    bank, seen = run(cross_section(60))
    before = encode_state(bank.state())
    bank.update(np.full(6, np.nan))
    bank.update(np.empty(0))
    assert encode_state(bank.state()) == before
    np.testing.assert_array_equal(bank.probabilities, seen[-1])


def test_probabilities_handed_out_are_not_overwritten() -> None:
    bank, _ = run(cross_section(30))
    before = bank.probabilities
    kept = before.copy()
    bank.update(np.full(6, 0.2))
    np.testing.assert_array_equal(before, kept)
    assert not np.array_equal(bank.probabilities, kept)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**20), volatility=st.floats(0.0, 3.0), gaps=st.floats(0.0, 1.0))
def test_both_groups_sum_to_one(seed: int, volatility: float, gaps: float) -> None:
    _, seen = run(cross_section(60, seed, volatility, gaps))
    assert ((seen >= 0.0) & (seen <= 1.0)).all()
    np.testing.assert_allclose(seen[:, :3].sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(seen[:, 3:].sum(axis=1), 1.0, rtol=1e-12)


@pytest.mark.parametrize("cut", [0, 1, 4, 19, 20, 47, 99])
def test_a_restart_continues_bit_for_bit(cut: int) -> None:
    returns = cross_section(120)
    bank, whole = run(returns)
    first, _ = run(returns[:cut])
    second = RegimeBank(SHORT, 252.0)
    second.restore(decode_state(encode_state(first.state())))
    np.testing.assert_array_equal(second.probabilities, first.probabilities)
    assert second.label() == first.label()
    for row, expected in zip(returns[cut:], whole[cut:], strict=True):
        second.update(row)
        np.testing.assert_array_equal(second.probabilities, expected)
    assert encode_state(second.state()) == encode_state(bank.state())


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 80), min_size=1, max_size=4),
    seed=st.integers(0, 2**16),
    gaps=st.sampled_from((0.0, 0.1, 0.95)),
    kernels=st.booleans(),
)
def test_blocks_equal_bars_bit_for_bit(sizes: list[int], seed: int, gaps: float, kernels: bool) -> None:
    returns = cross_section(160, seed, gaps=gaps)
    returns[20:30] = 0.0
    expected_bank, expected = run(returns)
    bank, first, turn, seen = RegimeBank(SHORT, 252.0), 0, 0, []
    while first < len(returns):
        if kernels:
            bank.use_machine_code()
        size = sizes[turn % len(sizes)]
        seen.append(bank.update_block(returns[first : first + size]))
        np.testing.assert_array_equal(bank.probabilities, seen[-1][-1])
        saved = decode_state(encode_state(bank.state()))
        bank = RegimeBank(SHORT, 252.0)
        bank.restore(saved)
        first, turn = first + size, turn + 1
    np.testing.assert_array_equal(np.concatenate(seen), expected)
    assert encode_state(bank.state()) == encode_state(expected_bank.state())


@pytest.mark.parametrize(
    ("window", "span"), [(10, 2), (11, 2), (17, 3), (64, 16), (127, 31), (128, 5), (250, 9)]
)
def test_kernels_have_the_bits_of_numpy_at_any_window(window: int, span: int) -> None:
    """Sums of windows go through every remainder of eight; those over 128 bars stay with NumPy."""
    rules = RegimeSettings(trend_window_bars=window, trend_span_bars=span)
    plain, kernels = RegimeBank(rules, 252.0), RegimeBank(rules, 252.0)
    kernels.use_machine_code()
    rng = generator(window, "market")
    returns = rng.normal(0.0, 0.01, (2500, 3)) * rng.choice([0.1, 1.0, 5.0], (2500, 1))
    returns[900:1200] = 0.0
    for block in np.split(returns, [1, 7, 800, 801]):
        assert kernels.update_block(block).tobytes() == plain.update_block(block).tobytes()
    assert encode_state(kernels.state()) == encode_state(plain.state())


def test_logarithm_exponential_and_root_of_kernels_are_those_of_python() -> None:
    """A kernel's functions are the C library's, as Python's are; NumPy's logarithm is another and no kernel takes it."""

    def functions(values: np.ndarray, found: np.ndarray) -> None:
        for i in range(len(values)):
            found[i, 0] = math.exp(values[i])
            found[i, 1] = math.log(abs(values[i]))
            found[i, 2] = math.sqrt(abs(values[i]))

    values = np.concatenate(
        [generator(7, "values").normal(0.0, scale, 50_000) for scale in (1e-8, 0.1, 3.0, 100.0)]
    )
    found = np.empty((len(values), 3))
    machine_code(functions, (), (Path(__file__),), "This test")(values, found)
    expected = [(math.exp(v), math.log(abs(v)), math.sqrt(abs(v))) for v in values.tolist()]
    assert found.tobytes() == np.array(expected).tobytes()
