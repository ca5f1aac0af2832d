"""Every feature, driven in blocks of bars, equals itself driven bar by bar: bit for bit, state included."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.drive import EXAMPLES, Series, drive, random_walk
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.context import QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.market import BarBlock, ScreenedBlock
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.features.catalogue import request
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel

BARS = 260
SIZES = (7, 64, BARS)


def block_of(series: Series, first: int, end: int) -> ScreenedBlock:
    """The bars of ``series`` as a block after the defence."""
    rows = slice(first, end)
    each = [series.bar(row).bars for row in range(first, end)]
    quality = np.stack([series.bar(row).quality for row in range(first, end)])
    ranges = each[0].high is not each[0].low
    quotes = series.quotes and BarQuotes(*(getattr(series.quotes, name)[rows] for name in QUOTE_FIELDS))
    bars = BarBlock(
        seq=first,
        ts=[bar.ts for bar in each],
        session=[bar.session for bar in each],
        close=series.close[rows],
        open=series.open[rows] if ranges else None,
        high=series.high[rows] if ranges else None,
        low=series.low[rows] if ranges else None,
        volume=series.shares[rows] if ranges else None,
        nothing=np.full(series.close.shape[1], np.nan),
        macro=None if series.macro is None else series.macro[rows],
        quotes=quotes,
    )
    flagged = quality.any(axis=1).tolist()
    return ScreenedBlock(bars, series.close[rows], quality, flagged, not any(flagged))


def feature_set(names: Sequence[str], n_symbols: int, kernels: bool) -> FeatureSet:
    """A set whose blocks are done by kernels where there are some, or by NumPy where it may be."""
    features = FeatureSet(names, n_symbols)
    if kernels:
        features.use_machine_code()
    return features


def drive_blocks(
    names: Sequence[str], series: Series, sizes: Sequence[int], restart: bool, kernels: bool = False
) -> FloatArray:
    """Values ``[n_bars, n_features, n_symbols]`` by blocks of ``sizes`` in turn; saved and loaded between."""
    n_symbols = series.close.shape[1]
    features = feature_set(names, n_symbols, kernels)
    panel = Panel(n_symbols, features.panel_window, series.sectors)
    out, first, turn = np.empty((len(series), len(names), n_symbols)), 0, 0
    while first < len(series):
        end = min(len(series), first + sizes[turn % len(sizes)])
        panel.push_block(block_of(series, first, end))
        out[first:end] = features.update_block(panel, end - first)
        np.testing.assert_array_equal(features.values, out[end - 1])
        if restart:
            saved = decode_state(encode_state({"features": features.state(), "panel": panel.state()}))
            features = feature_set(names, n_symbols, kernels)
            panel = Panel(n_symbols, features.panel_window, series.sectors)
            features.restore(saved["features"])
            panel.restore(saved["panel"])
        first, turn = end, turn + 1
    return out


def same_bits(a: FloatArray, b: FloatArray) -> None:
    """Equal in every bit, but for which NaN it is."""
    np.testing.assert_array_equal(a, b)
    known = ~np.isnan(a)
    np.testing.assert_array_equal(np.signbit(a[known]), np.signbit(b[known]))


def same_rows(names: Sequence[str], a: FloatArray, b: FloatArray) -> None:
    """Equal in every bit, feature by feature."""
    for row, name in enumerate(names):
        np.testing.assert_array_equal(a[:, row], b[:, row], err_msg=name)
    same_bits(a, b)


def market(with_gaps: bool) -> Series:
    series = random_walk(BARS)
    gone = generator(3, "gaps").random((BARS, 5)) < 0.05
    gone[:130, 3] = True
    return series.without(gone) if with_gaps else series


@cache
def bar_by_bar(with_gaps: bool) -> FloatArray:
    return drive(EXAMPLES, market(with_gaps))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("with_gaps", [False, True])
def test_blocks_equal_bars(size: int, with_gaps: bool) -> None:
    same_rows(
        EXAMPLES, drive_blocks(EXAMPLES, market(with_gaps), [size], restart=False), bar_by_bar(with_gaps)
    )


MOMENTS = ("rolling_mean_20", "zscore_5", "rolling_mean_50", "rolling_std_20", "rolling_std_7", "zscore_50")


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=4),
    seed=st.integers(0, 2**16),
    share=st.sampled_from((0.0, 0.01, 0.3)),
    n_symbols=st.sampled_from((1, 3, 150)),
    restart=st.booleans(),
    rows=st.sampled_from((1, 3, 6)),
)
def test_moments_by_a_kernel_in_any_blocks_under_any_gaps(
    sizes: list[int], seed: int, share: float, n_symbols: int, restart: bool, rows: int
) -> None:
    """Symbols that come late, prices that stand still, anchors that move: the bits of one bar after the other."""
    series = random_walk(330, n_symbols, seed=seed)
    gone = generator(seed, "gaps").random((330, n_symbols)) < share
    gone[:70, 0] |= share > 0.0
    series.close[150:240, -1] = series.close[150, -1]
    series = series.without(gone)
    names = MOMENTS[:rows]
    same_bits(drive_blocks(names, series, sizes, restart, kernels=True), drive(names, series))


def test_a_bank_goes_on_alike_after_blocks_by_kernels_and_without() -> None:
    """The saved state is the same, sums and stored rows, in the middle of windows too."""
    series = random_walk(260, 4).without(generator(6, "gaps").random((260, 4)) < 0.03)
    saved = []
    for kernels in (False, True):
        features = feature_set(MOMENTS, 4, kernels)
        panel = Panel(4, features.panel_window, series.sectors)
        for first, end in ((0, 33), (33, 34), (34, 240), (240, 260)):
            panel.push_block(block_of(series, first, end))
            features.update_block(panel, end - first)
            saved.append(encode_state(features.state()))
    assert saved[:4] == saved[4:]


def test_several_windows_of_one_bank() -> None:
    wanted = [request(name) for name in EXAMPLES]
    names = [
        "_".join((each.feature.family, *(str(p + extra) for p in each.parameters)))
        for each in wanted
        for extra in (30, 0, 1, 9)
    ]
    series = random_walk(BARS).without(generator(5, "gaps").random((BARS, 5)) < 0.04)
    same_rows(names, drive_blocks(names, series, [50], restart=False), drive(names, series))


@settings(max_examples=3, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 90), min_size=1, max_size=4),
    seed=st.integers(0, 2**16),
    share=st.floats(0.0, 0.3),
    n_symbols=st.sampled_from((1, 3, 150)),
)
def test_all_features_in_any_blocks_under_any_gaps(
    sizes: list[int], seed: int, share: float, n_symbols: int
) -> None:
    series = random_walk(160, n_symbols, seed=seed)
    series = series.without(generator(seed, "gaps").random((160, n_symbols)) < share)
    same_bits(drive_blocks(EXAMPLES, series, sizes, restart=True), drive(EXAMPLES, series))


def test_one_symbol_and_close_only() -> None:
    series = random_walk(160, 1).close_only()
    same_bits(drive_blocks(EXAMPLES, series, [33], restart=False), drive(EXAMPLES, series))
