"""The panel equals a naive history."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.market import Bars, Quality, ScreenedBars
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.panel import FIELDS, Panel

_N = 3


def _screened(rng: np.random.Generator, seq: int, ranges: bool, volume: bool, bad: bool) -> ScreenedBars:
    nothing = np.full(_N, np.nan)
    close = rng.uniform(1.0, 9.0, _N)
    opened, high, low = (rng.uniform(1.0, 9.0, _N) for _ in range(3)) if ranges else (nothing,) * 3
    bars = Bars(seq, seq, opened, high, low, close, rng.uniform(0.0, 9.0, _N) if volume else nothing)
    quality = np.zeros(_N, dtype=np.int8)
    if bad:
        quality[rng.integers(_N)] = Quality.JUMP
        close[rng.integers(_N)] *= 1.0
    return ScreenedBars(bars, close.copy(), quality)


def _naive(history: list[ScreenedBars], field: str, length: int) -> FloatArray:
    rows = np.full((length, _N), np.nan)
    for i, screened in enumerate(history[-length:], start=max(0, length - len(history))):
        name = "close" if field == "log_close" else field
        row = np.where(screened.quality == Quality.GOOD, getattr(screened.bars, name), np.nan)
        rows[i] = np.log(row) if field == "log_close" else row
    return rows


@given(
    seed=st.integers(0, 2**32 - 1),
    window=st.integers(1, 7),
    kinds=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=25),
    cut=st.integers(0, 25),
)
@settings(max_examples=80, deadline=None)
def test_windows_equal_naive_history(
    seed: int, window: int, kinds: list[tuple[bool, bool, bool]], cut: int
) -> None:
    """Every field, every length, sources that gain ranges late, and a save and restore in between."""
    rng = np.random.default_rng(seed)
    panel = Panel(_N, window)
    history: list[ScreenedBars] = []
    for seq, (ranges, volume, bad) in enumerate(kinds):
        if seq == cut:
            saved = decode_state(encode_state(panel.state()))
            panel = Panel(_N, window)
            panel.restore(saved)
        history.append(_screened(rng, seq, ranges, volume, bad))
        panel.push(history[-1])
    assert panel.count == len(history)
    for field in FIELDS:
        for length in range(1, window + 1):
            view = panel.window(field, length)
            assert view.base is not None
            assert view.flags.c_contiguous
            np.testing.assert_array_equal(view, _naive(history, field, length))
        np.testing.assert_array_equal(panel.latest(field), _naive(history, field, 1)[0])
        for ago in range(window):
            np.testing.assert_array_equal(panel.ago(field, ago), _naive(history, field, ago + 1)[0])
    assert panel.has_ranges == any(ranges for ranges, _, _ in kinds)
    assert panel.has_volume == any(volume for _, volume, _ in kinds)
    assert encode_state(panel.state()) == encode_state(decode_state(encode_state(panel.state())))


def test_bad_prices_never_enter() -> None:
    """A negative close that was flagged is NaN in both close and its logarithm, without a warning."""
    panel = Panel(2, 4)
    bars = Bars.close_only(1, 0, np.array([-5.0, 7.0]))
    panel.push(
        ScreenedBars(bars, np.array([np.nan, 7.0]), np.array([Quality.NOT_POSITIVE, 0], dtype=np.int8))
    )
    assert np.isnan(panel.latest("close")[0])
    assert np.isnan(panel.latest("log_close")[0])
    assert panel.latest("log_close")[1] == np.log(7.0)


def test_saved_state_is_a_copy() -> None:
    """Pushing on does not change what was saved."""
    rng = np.random.default_rng(1)
    panel = Panel(_N, 3)
    panel.push(_screened(rng, 0, True, True, False))
    saved = panel.state()
    before = encode_state(saved)
    for seq in range(1, 5):
        panel.push(_screened(rng, seq, True, True, False))
    assert encode_state(saved) == before


def test_limits_are_refused() -> None:
    """A window that is not held, and a panel without one."""
    panel = Panel(2, 4)
    for length in (0, 5):
        with pytest.raises(UsageError, match=f"holds 4 bars, {length} were asked for"):
            panel.window("close", length)
    with pytest.raises(UsageError, match="4 bars ago lies outside"):
        panel.ago("close", 4)
    with pytest.raises(UsageError, match="at least 1 bar, was 0"):
        Panel(2, 0)


def test_quotes_macro_time_and_sectors_survive_a_restart() -> None:
    """They may begin late and stop again; what is not given is NaN."""
    rng = np.random.default_rng(3)
    sectors = np.array([1, -1, 0])
    panel = Panel(_N, 4, sectors)
    given_macro, given_bid = np.full((9, len(MACRO_SERIES)), np.nan), np.full((9, _N), np.nan)
    for seq in range(9):
        bars = _screened(rng, seq, False, False, False).bars
        if 3 <= seq < 8:
            given_macro[seq] = rng.normal(size=len(MACRO_SERIES))
            quotes = BarQuotes(*rng.normal(size=(len(QUOTE_FIELDS), _N)))
            given_bid[seq] = quotes.bid
            bars = structs.replace(bars, macro=given_macro[seq], quotes=quotes, session=100 + seq)
        panel.push(ScreenedBars(bars, bars.close, np.zeros(_N, dtype=np.int8)))
        if seq in (1, 5):
            saved = decode_state(encode_state(panel.state()))
            panel = Panel(_N, 4, sectors)
            panel.restore(saved)
        first = max(0, seq - 3)
        length = seq - first + 1
        np.testing.assert_array_equal(panel.macro(length), given_macro[first : seq + 1])
        np.testing.assert_array_equal(panel.window("bid", length), given_bid[first : seq + 1])
        assert (panel.ts, panel.session) == (seq, 100 + seq if 3 <= seq < 8 else 0)
        assert panel.has_macro is panel.has_quotes is (seq >= 3)
    assert panel.sectors.tolist() == [1, -1, 0]
    assert Panel(2, 1).sectors.tolist() == [-1, -1]
    with pytest.raises(UsageError, match="holds 4 bars"):
        panel.macro(5)
