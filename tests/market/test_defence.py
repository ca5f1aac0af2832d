"""The defence: rules one by one, then properties against a plain model of one symbol."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.context import QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.market import BarBlock, Bars, Quality, ScreenedBars
from tuiconsole.domain.rng import generator
from tuiconsole.market import calm
from tuiconsole.market.defence import RANGE_TOLERANCE, SPLIT_RATIOS, SPLIT_TOLERANCE, Defence, refused
from tuiconsole.market.settings import DefenceSettings

_NAN = float("nan")
Bar = tuple[float, float, float, float]


def _closes(
    values: list[float], settings: DefenceSettings | None = None
) -> tuple[list[Quality], list[float]]:
    """Verdicts and prices of one symbol that shows these closes."""
    defence = Defence(1, settings)
    screened = [defence.screen(Bars.close_only(i, i, np.array([v]))) for i, v in enumerate(values)]
    return [Quality(int(s.quality[0])) for s in screened], [float(s.price[0]) for s in screened]


def _bar(seq: int, *bars: Bar) -> Bars:
    columns = np.array(bars).T
    return Bars(seq, seq, columns[0], columns[1], columns[2], columns[3], np.ones(len(bars)))


def test_bad_tick_never_becomes_the_price() -> None:
    """A one-bar spike is held; the return to the old level is good at once."""
    quality, price = _closes([568.68, 456.90, 568.63], DefenceSettings(initial_deviation=0.001))
    assert [q.name for q in quality] == ["GOOD", "JUMP", "GOOD"]
    assert price == [568.68, 568.68, 568.63]


def test_confirmed_level_is_released_on_the_next_bar() -> None:
    """A real fall is held for one bar only, also when the confirming bar falls further."""
    quality, price = _closes([100.0, 39.0, 31.0, 32.0])
    assert [q.name for q in quality] == ["GOOD", "JUMP", "GOOD", "GOOD"]
    assert price == [100.0, 100.0, 31.0, 32.0]


def test_suspect_survives_a_missing_bar() -> None:
    """A gap between the jump and its confirmation changes nothing."""
    quality, price = _closes([100.0, 30.0, _NAN, 30.5])
    assert [q.name for q in quality] == ["GOOD", "JUMP", "MISSING", "GOOD"]
    assert price == [100.0, 100.0, 100.0, 30.5]


def test_no_deadlock() -> None:
    """A price that jumps about is accepted after the allowed number of bars, whatever it says."""
    settings = DefenceSettings(unconfirmed_bars=3)
    quality, price = _closes([100.0, 9.0, 1000.0, 9.0, 1000.0, 1010.0], settings)
    assert [q.name for q in quality] == ["GOOD", "JUMP", "SPLIT_LIKE", "JUMP", "GOOD", "GOOD"]
    assert price[-2:] == [1000.0, 1010.0]


@pytest.mark.parametrize(
    ("close", "verdict"),
    [
        (50.0, "SPLIT_LIKE"),
        (14.2, "SPLIT_LIKE"),
        (2000.0, "SPLIT_LIKE"),
        (66.0, "SPLIT_LIKE"),
        (39.0, "JUMP"),
    ],
)
def test_a_move_near_a_split_ratio_is_named_and_then_judged_like_any_jump(close: float, verdict: str) -> None:
    """A split waits for its confirmation like any jump; the fall of AIG on 2008-09-15 was none."""
    names, price = _closes([100.0, close, close * 1.01])
    assert [q.name for q in names] == ["GOOD", verdict, "GOOD"]
    assert price == [100.0, 100.0, close * 1.01]


def test_crossed_quotes_hold_the_bar_back() -> None:
    """A bid above the ask is no market; a locked one is, and so is one without quotes."""
    nothing = np.full(3, _NAN)
    defence = Defence(3)
    verdicts = []
    for seq, bid in enumerate(([9.9, 10.1, _NAN], [9.9, 10.0, _NAN], [10.2, 9.0, 9.0])):
        quotes = BarQuotes(
            np.array(bid), np.array([10.0, 10.0, _NAN]), nothing, nothing, nothing, nothing, nothing, nothing
        )
        close = np.full(3, 10.0 + 0.01 * seq)
        screened = defence.screen(structs.replace(Bars.close_only(seq, seq, close), quotes=quotes))
        verdicts.append([Quality(int(q)).name for q in screened.quality])
    assert verdicts == [["GOOD", "CROSSED", "GOOD"], ["GOOD", "GOOD", "GOOD"], ["CROSSED", "GOOD", "GOOD"]]
    assert screened.price.tolist() == [10.01, 10.02, 10.02]


def test_limit_follows_the_symbol() -> None:
    """After a calm stretch 9 % is a jump; after a wild one it is not."""
    calm = [100.0 * 1.001 ** (i % 2) for i in range(400)]
    wild = [100.0 * 1.05 ** (i % 2) for i in range(400)]
    assert _closes([*calm, 109.5])[0][-1] is Quality.JUMP
    assert _closes([*wild, 100.0 * 1.05 * 1.095])[0][-1] is Quality.GOOD


@pytest.mark.parametrize(
    ("close", "verdict"),
    [
        (_NAN, "MISSING"),
        (math.inf, "MISSING"),
        (-math.inf, "MISSING"),
        (0.0, "NOT_POSITIVE"),
        (-3.0, "NOT_POSITIVE"),
    ],
)
def test_no_usable_price(close: float, verdict: str) -> None:
    """The last good price stays and the reason is told."""
    quality, price = _closes([7.0, close, 7.1])
    assert [q.name for q in quality] == ["GOOD", verdict, "GOOD"]
    assert price == [7.0, 7.0, 7.1]


def test_never_seen() -> None:
    """NaN is the price until the first good one."""
    quality, price = _closes([_NAN, 0.0, 7.0, _NAN])
    assert [q.name for q in quality] == ["NEVER_SEEN", "NOT_POSITIVE", "GOOD", "MISSING"]
    assert np.isnan(price[:2]).all()


def test_stale_until_it_moves() -> None:
    """The tenth repetition is stale; a missing bar does not count; the first move is good."""
    closes = [5.0] * 10 + [_NAN] + [5.0] * 3 + [5.01, 5.01]
    names = [q.name for q in _closes(closes)[0]]
    assert names == ["GOOD"] * 10 + ["MISSING"] + ["STALE"] * 3 + ["GOOD"] * 2


@pytest.mark.parametrize(
    ("bar", "verdict"),
    [
        ((10.0, 10.2, 9.9, 10.1), "GOOD"),
        ((10.0, 10.2, 10.15, 10.1), "BAD_RANGE"),
        ((10.3, 10.2, 9.9, 10.1), "BAD_RANGE"),
        ((10.0, 9.9, 10.2, 10.1), "BAD_RANGE"),
        ((10.0, 10.1 * (1.0 - 1e-7), 9.9, 10.1), "GOOD"),
        ((10.0, 10.2, 0.0, 10.1), "NOT_POSITIVE"),
        ((-1.0, 10.2, 9.9, 10.1), "NOT_POSITIVE"),
        ((10.0, 10.2, -9.9, 10.1), "NOT_POSITIVE"),
        ((10.0, 18.0, 9.9, 10.1), "JUMP"),
        ((10.0, 10.2, 5.0, 10.1), "JUMP"),
        ((_NAN, 10.2, 11.0, 10.1), "GOOD"),
        ((10.0, 10.2, 9.9, _NAN), "MISSING"),
    ],
)
def test_ranges(bar: Bar, verdict: str) -> None:
    """Inconsistent ranges, rounding of single precision, wicks beyond the jump limit, incomplete ranges."""
    defence = Defence(2)
    defence.screen(_bar(0, (10.0, 10.1, 9.9, 10.0), (1.0, 1.0, 1.0, 1.0)))
    screened = defence.screen(_bar(1, bar, (1.0, 1.01, 0.99, 1.0)))
    assert [Quality(int(q)).name for q in screened.quality] == [verdict, "GOOD"]
    assert screened.price[0] == (bar[3] if verdict == "GOOD" else 10.0)


def test_wick_does_not_stop_a_confirmation() -> None:
    """The day after a crash is wild inside and confirms the level all the same."""
    defence = Defence(1)
    bars = [(100.0, 101.0, 99.0, 100.0), (70.0, 75.0, 30.0, 35.0), (20.0, 36.0, 10.0, 31.0)]
    names = [Quality(int(defence.screen(_bar(i, bar)).quality[0])).name for i, bar in enumerate(bars)]
    assert names == ["GOOD", "JUMP", "GOOD"]


def test_time_reversed_and_duplicate_bars_are_refused_whole() -> None:
    """The clock does not move, prices stay, and the next bar is judged as if nothing had come."""
    defence = Defence(2)
    first = defence.screen(Bars.close_only(100, 0, np.array([1.0, 2.0])))
    state = encode_state(defence.state())
    for ts, verdict in ((100, Quality.DUPLICATE), (99, Quality.TIME_REVERSED)):
        screened = defence.screen(Bars.close_only(ts, 1, np.array([9.0, 9.0])))
        assert screened.quality.tolist() == [verdict, verdict]
        assert screened.price.tolist() == [1.0, 2.0]
        assert refused(screened)
        assert encode_state(defence.state()) == state
    assert not refused(first)
    assert defence.screen(Bars.close_only(101, 2, np.array([1.1, 2.1]))).quality.tolist() == [0, 0]


def test_price_is_safe_to_keep() -> None:
    """Later bars and the source's own buffer do not change a price that was handed out."""
    buffer = np.array([1.0, 2.0])
    defence = Defence(2)
    first = defence.screen(Bars.close_only(0, 0, buffer))
    buffer[:] = [1.01, 2.02]
    second = defence.screen(Bars.close_only(1, 1, buffer))
    buffer[:] = [_NAN, 2.03]
    defence.screen(Bars.close_only(2, 2, buffer))
    assert first.price.tolist() == [1.0, 2.0]
    assert second.price.tolist() == [1.01, 2.02]
    with pytest.raises(ValueError, match="read-only"):
        second.price[0] = 5.0


@dataclass
class _Model:
    """One symbol, judged in plain Python from the documented rules."""

    rules: DefenceSettings
    price: float = _NAN
    suspect: float = _NAN
    scale: float = 0.0
    unchanged: int = 0
    waiting: int = 0
    seen: bool = False

    def __post_init__(self) -> None:
        self.scale = self.rules.initial_deviation

    def judge(self, bar: Bar) -> Quality:
        opened, high, low, close = bar
        if not math.isfinite(close):
            return Quality.MISSING if self.seen else Quality.NEVER_SEEN
        whole = all(math.isfinite(v) for v in bar)
        if min(bar if whole else (close,)) <= 0.0:
            return Quality.NOT_POSITIVE
        bottom, top = min(opened, close), max(opened, close)
        if whole and (low * (1 - RANGE_TOLERANCE) > bottom or top > high * (1 + RANGE_TOLERANCE)):
            return Quality.BAD_RANGE
        limit = max(self.rules.minimum_jump, self.rules.jump_deviations * self.scale)
        move = abs(math.log(close) - math.log(self.price)) if self.seen else 0.0
        wick = whole and max(math.log(high / top), math.log(bottom / low)) > limit
        near_suspect = abs(math.log(close) - math.log(self.suspect)) <= limit
        self.unchanged = self.unchanged + 1 if close == self.price else 0
        doubtful = (move > limit and not near_suspect) or (move <= limit and wick)
        if doubtful and self.waiting < self.rules.unconfirmed_bars:
            self.waiting += 1
            self.suspect = close if move > limit else _NAN
            ratios = (abs(move - math.log(ratio)) <= SPLIT_TOLERANCE for ratio in SPLIT_RATIOS)
            return Quality.SPLIT_LIKE if move > limit and any(ratios) else Quality.JUMP
        self.waiting, self.suspect = 0, _NAN
        if self.unchanged >= self.rules.stale_bars:
            return Quality.STALE
        if self.seen:
            self.scale += (min(move, limit) - self.scale) / self.rules.memory_bars
        self.price, self.seen = close, True
        return Quality.GOOD


_PRICES = st.sampled_from(
    [
        100.0,
        100.5,
        101.3,
        97.0,
        88.0,
        123.0,
        51.0,
        52.0,
        49.5,
        10.0,
        1000.0,
        0.0,
        -1.0,
        _NAN,
        math.inf,
        5e-324,
        1e308,
    ]
)
_BARS = st.one_of(
    _PRICES.map(lambda close: (_NAN, _NAN, _NAN, close)),
    st.tuples(_PRICES, _PRICES, _PRICES, _PRICES),
    st.tuples(_PRICES, _PRICES).map(lambda p: (p[0], max(p), min(p), p[1])),
    st.tuples(_PRICES, st.floats(1.0, 1.6), st.floats(0.6, 1.0)).map(
        lambda p: (p[0], p[0] * p[1], p[0] * p[2], p[0])
    ),
)
_RULES = DefenceSettings(
    jump_deviations=5.0, unconfirmed_bars=3, stale_bars=3, memory_bars=10, initial_deviation=0.03
)


def _run(rows: list[list[Bar]], defence: Defence) -> list[ScreenedBars]:
    return [defence.screen(_bar(i, *row)) for i, row in enumerate(rows)]


@given(st.lists(st.tuples(_BARS, _BARS, _BARS).map(list), min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_every_verdict_equals_the_plain_model(rows: list[list[Bar]]) -> None:
    """Column by column, through fast and slow paths alike."""
    screened = _run(rows, Defence(3, _RULES))
    for column in range(3):
        model = _Model(_RULES)
        for row, seen in zip(rows, screened, strict=True):
            assert Quality(int(seen.quality[column])) is model.judge(row[column])
            assert seen.price[column] == model.price or not model.seen


@given(st.lists(st.tuples(_BARS, _BARS).map(list), min_size=1, max_size=30))
@settings(max_examples=100, deadline=None)
def test_prices_are_positive_and_change_only_when_good(rows: list[list[Bar]]) -> None:
    """Once seen, a price is never NaN, zero or negative; only GOOD moves it, and to the close."""
    screened = _run(rows, Defence(2, _RULES))
    before = np.full(2, np.nan)
    for seen in screened:
        good = seen.quality == Quality.GOOD
        assert (seen.price[good] == seen.bars.close[good]).all()
        np.testing.assert_array_equal(seen.price[~good], before[~good])
        assert ((seen.price > 0.0) & np.isfinite(seen.price) | np.isnan(before) & ~good).all()
        before = seen.price


@given(
    st.lists(st.tuples(_BARS, _BARS).map(list), min_size=1, max_size=30),
    st.integers(0, 30),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_saved_and_restored_continues_bit_for_bit(rows: list[list[Bar]], cut: int, calm: bool) -> None:
    """The same verdicts, prices and final state as without the interruption."""
    if calm:
        rows = [
            [(p, p * 1.01, p * 0.99, p) for p in (50.0 + 0.1 * i, 60.0 - 0.2 * i)] for i in range(len(rows))
        ]
    whole, first = Defence(2, _RULES), Defence(2, _RULES)
    expected = _run(rows, whole)
    for i, row in enumerate(rows):
        if i == cut:
            saved = decode_state(encode_state(first.state()))
            first = Defence(2, _RULES)
            first.restore(saved)
        seen = first.screen(_bar(i, *row))
        assert seen.price.tobytes() == expected[i].price.tobytes()
        assert seen.quality.tobytes() == expected[i].quality.tobytes()
    assert encode_state(first.state()) == encode_state(whole.state())


@given(st.integers(0, 2**32 - 1), st.integers(0, 2))
@settings(max_examples=50, deadline=None)
def test_symbols_do_not_influence_each_other(seed: int, calm_column: int) -> None:
    """A calm symbol gets the same verdicts and prices whether its neighbours are calm or mad."""
    rng = np.random.default_rng(seed)
    calm = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, 60)))
    mad = 100.0 * np.exp(rng.normal(0.0, 1.0, (60, 3)))
    mad[rng.random((60, 3)) < 0.2] = np.nan
    mad[:, calm_column] = calm
    alone, together = Defence(1), Defence(3)
    for i in range(60):
        one = alone.screen(Bars.close_only(i, i, calm[i : i + 1]))
        all_three = together.screen(Bars.close_only(i, i, mad[i]))
        assert one.quality[0] == all_three.quality[calm_column]
        assert one.price[0] == all_three.price[calm_column]


def test_times_in_any_order_never_move_the_clock_back() -> None:
    """Only strictly later bars are judged."""
    defence = Defence(1)
    times = [5, 3, 5, 6, 6, 1, 9]
    screened = [defence.screen(Bars.close_only(t, i, np.array([1.0 + i / 100]))) for i, t in enumerate(times)]
    judged = [s.bars.ts for s in screened if not refused(s)]
    assert judged == [5, 6, 9]
    assert all(a < b for a, b in pairwise(judged))


def _block(rows: list[list[Bar]], first: int, end: int, ranges: bool) -> BarBlock:
    table = np.array(rows[first:end], dtype=np.float64)
    opened, high, low, close = (np.ascontiguousarray(table[:, :, k]) for k in range(4))
    steps = list(range(first, end))
    some = (opened, high, low) if ranges else (None, None, None)
    nothing = np.full(close.shape[1], np.nan)
    return BarBlock(first, steps, steps, close, *some, volume=None, nothing=nothing)


_CALM_BARS = st.floats(0.97, 1.03).map(lambda move: (move, 1.05 * move, 0.95 * move, move))


@given(
    st.lists(st.tuples(_BARS, _CALM_BARS, _CALM_BARS).map(list), min_size=1, max_size=60),
    st.lists(st.booleans(), min_size=60, max_size=60),
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.booleans(),
    st.sampled_from((0, 4, None)),
)
@settings(max_examples=220, deadline=None, derandomize=True)
def test_blocks_equal_bars_bit_for_bit(
    rows: list[list[Bar]], wild: list[bool], sizes: list[int], ranges: bool, narrow: int | None
) -> None:
    """Calm prices with gaps, bad ticks, first prices and stale ones between; prices, verdicts and state.

    As arrays, as plain floats, and by the kernel (None).
    """
    with pytest.MonkeyPatch.context() as patch:
        if narrow is not None:
            patch.setattr(calm, "_NARROW", narrow)
        _compare(rows, wild, sizes, ranges, narrow is None)


def _compare(rows: list[list[Bar]], wild: list[bool], sizes: list[int], ranges: bool, kernel: bool) -> None:
    quiet = (1.0, 1.05, 0.95, 1.0)
    rows = [[row[0] if wild[i] else quiet, *row[1:]] for i, row in enumerate(rows)]
    for i, row in enumerate(rows):
        if i % 7 == 3:
            row[2] = (_NAN,) * 4
    alone, blocks = Defence(3, _RULES), Defence(3, _RULES)
    if kernel:
        blocks.use_machine_code()
    nothing = np.full(3, np.nan)
    expected = []
    for i, row in enumerate(rows):
        bars = _bar(i, *row)
        expected.append(alone.screen(bars if ranges else Bars(i, i, *(nothing,) * 3, bars.close, nothing)))
    first, turn = 0, 0
    while first < len(rows):
        end = min(len(rows), first + sizes[turn % len(sizes)])
        found = blocks.screen_block(_block(rows, first, end, ranges))
        for i in range(first, end):
            assert found.price[i - first].tobytes() == expected[i].price.tobytes()
            assert found.quality[i - first].tolist() == expected[i].quality.tolist()
            assert found.flagged[i - first] == bool(expected[i].quality.any())
        first, turn = end, turn + 1
    assert encode_state(blocks.state()) == encode_state(alone.state())


@pytest.mark.parametrize("quotes", [False, True])
@pytest.mark.parametrize("n_symbols", [1, 9, 200])
def test_long_calm_markets_by_the_kernel(n_symbols: int, quotes: bool) -> None:
    """Ranges, gaps, late symbols, prices that stand still, a crossed quote and bad ticks, at vector widths and beside them."""
    rng, shape = generator(n_symbols, "calm"), (700, n_symbols)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.012, shape), axis=0))
    close[300:340, -1] = close[300, -1]
    close[500, 0] *= 1.7
    close[rng.random(shape) < 0.01] = np.nan
    close[:90, n_symbols // 2] = np.nan
    spread = np.abs(rng.normal(0.0, 0.004, shape))
    high, low = close * (1.0 + spread), close * (1.0 - spread)
    high[600, 0] = low[600, 0] * 0.9
    bid, ask = close * 0.999, close * 1.001
    bid[400, 0] = ask[400, 0] * 1.01
    nothing = np.full(n_symbols, np.nan)
    columns = BarQuotes(bid, ask, *(nothing,) * (len(QUOTE_FIELDS) - 2)) if quotes else None
    steps = list(range(700))
    block = BarBlock(0, steps, steps, close, close, high, low, None, nothing, quotes=columns)
    bars, blocks = Defence(n_symbols, _RULES), Defence(n_symbols, _RULES)
    blocks.use_machine_code()
    found = blocks.screen_block(block)
    each = [bars.screen(block.at(i)) for i in steps]
    assert found.price.tobytes() == np.stack([bar.price for bar in each]).tobytes()
    np.testing.assert_array_equal(found.quality, np.stack([bar.quality for bar in each]))
    assert encode_state(blocks.state()) == encode_state(bars.state())
    assert len(np.unique(found.quality)) > 3
    assert not found.price.flags.writeable


@pytest.mark.parametrize("kernel", [False, True])
def test_a_source_with_half_a_range_is_judged_bar_by_bar(kernel: bool) -> None:
    """High and low without an open say nothing of the range: the same verdicts, whatever was asked for."""
    close = 50.0 * np.exp(np.cumsum(generator(3, "half").normal(0.0, 0.01, (60, 2)), axis=0))
    steps = list(range(60))
    block = BarBlock(0, steps, steps, close, None, close * 1.01, close * 0.99, None, np.full(2, np.nan))
    bars, blocks = Defence(2), Defence(2)
    if kernel:
        blocks.use_machine_code()
    found = blocks.screen_block(block)
    assert found.price.tobytes() == np.stack([bars.screen(block.at(i)).price for i in steps]).tobytes()
    assert encode_state(blocks.state()) == encode_state(bars.state())
    assert found.all_good
