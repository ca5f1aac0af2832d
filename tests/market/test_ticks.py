"""Ticks into bars: the stream agrees with the whole file, quotes stand, trades are signed, and lates are dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import parse_iso
from tuiconsole.domain.rng import generator
from tuiconsole.market.interval_grid import interval_grid
from tuiconsole.market.ticks import BAR_COLUMNS, TICK_FIELDS, Standing, Ticks, TickStream, tick_bars

SECOND = 1_000_000_000
OPEN = parse_iso("2025-11-26T14:30:00Z")
GRID = {s: interval_grid("XNYS", s, OPEN, OPEN + 86_400 * SECOND) for s in (5, 60, 300, 86_400)}
NAN = float("nan")


def _ticks(*rows: tuple[float, dict[str, float]]) -> Ticks:
    ts = np.array([OPEN + round(at * SECOND) for at, _ in rows], dtype=np.int64)
    return Ticks(ts, *(np.array([row.get(name, NAN) for _, row in rows]) for name in TICK_FIELDS))


def _bars(ticks: Ticks, seconds: int = 5) -> dict[str, Any]:
    found, _ = tick_bars(ticks, GRID[seconds], int(ticks.ts.max()) + 1, Standing())
    return {
        "end": ((found.ts - OPEN) // SECOND).tolist(),
        **{name: found.columns[name].tolist() for name in BAR_COLUMNS},
    }


def test_bars_hold_trades_and_the_quote_that_stood_at_their_end() -> None:
    found = _bars(
        _ticks(
            (0.0, {"bid": 9.9, "bid_size": 3.0}),
            (0.5, {"ask": 10.1, "ask_size": 4.0}),
            (1.0, {"price": 10.1, "size": 100.0}),
            (2.0, {"price": 9.9, "size": 50.0}),
            (4.0, {"bid": 9.95, "bid_size": 7.0}),
            (5.0, {"price": 10.5, "size": 1.0}),  # at the boundary: the next bar's
            (12.0, {"ask": 10.2, "ask_size": 5.0}),  # nothing traded in (10, 15]
            (17.0, {"price": 10.0, "size": 20.0}),
            (21.0, {"price": 10.0, "size": 20.0}),
        )
    )
    assert found["end"] == [5, 10, 20]
    assert (found["open"], found["close"]) == ([10.1, 10.5, 10.0], [9.9, 10.5, 10.0])
    assert (found["high"], found["low"]) == ([10.1, 10.5, 10.0], [9.9, 10.5, 10.0])
    assert found["volume"] == [150.0, 1.0, 20.0]
    assert (found["bid"], found["bid_size"]) == ([9.95, 9.95, 9.95], [7.0, 7.0, 7.0])
    assert (found["ask"], found["ask_size"]) == ([10.1, 10.1, 10.2], [4.0, 4.0, 5.0])
    assert found["buy_volume"] == [100.0, 1.0, 0.0]
    assert found["sell_volume"] == [50.0, 0.0, 20.0]  # 10.0 is below the midpoint of 9.95 and 10.2


def test_a_trade_is_signed_by_the_quote_before_its_time_and_else_by_its_change() -> None:
    quote = {"bid": 9.0, "ask": 11.0}
    found = _bars(
        _ticks(
            (1.0, {"price": 10.0, "size": 1.0}),  # nothing known
            (2.0, {"price": 10.5, "size": 2.0}),  # up
            (3.0, {"price": 10.5, "size": 4.0}),  # up before
            (6.0, quote),
            (6.0, {"price": 10.2, "size": 8.0}),  # that quote came with it, and says nothing: down
            (7.0, {"price": 10.0, "size": 16.0}),  # at the midpoint: down
            (8.0, {"price": 9.5, "size": 32.0}),  # below it
            (9.0, {"bid": 12.0}),  # crossed: no quote to go by
            (9.5, {"price": 9.5, "size": 64.0}),  # down before
            (11.0, {"price": 1.0, "size": 1.0}),
        )
    )
    assert found["buy_volume"] == [6.0, 0.0]
    assert found["sell_volume"] == [0.0, 8.0 + 16.0 + 32.0 + 64.0]
    assert found["volume"] == [7.0, 120.0]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**16),
    n=st.integers(1, 250),
    seconds=st.sampled_from((5, 60, 300, 86_400)),
    jitter_s=st.sampled_from((0.0, 3.0, 400.0)),
    pieces=st.integers(1, 12),
)
def test_the_stream_equals_the_whole_file_less_what_came_late(
    seed: int, n: int, seconds: int, jitter_s: float, pieces: int
) -> None:
    rng = generator(seed, "ticks")
    at = np.sort(rng.integers(-1_800, 24_000, n)) * SECOND // 4 + OPEN
    kind = rng.integers(0, 4, n)
    price = np.round(50.0 + rng.normal(0.0, 0.05, n).cumsum(), 2)
    rows = {
        "price": np.where(kind < 2, price, NAN),
        "size": np.where(kind < 2, rng.integers(1, 500, n) * 1.0, NAN),
        "bid": np.where(kind == 2, price - 0.02, NAN),
        "bid_size": np.where(kind == 2, 100.0, NAN),
        "ask": np.where(kind == 3, price + 0.02, NAN),
        "ask_size": np.where(kind == 3, 200.0, NAN),
    }
    arrival = np.argsort(at + (rng.random(n) * jitter_s * SECOND).astype(np.int64), kind="stable")
    ticks = Ticks(at, *(rows[name] for name in TICK_FIELDS)).take(arrival)
    stream, found, taken = TickStream(GRID[seconds]), [], []
    until = int(at[0])
    for part in np.array_split(np.arange(n), min(pieces, n)):
        some = ticks.take(part)
        ends = GRID[seconds].ends(some.ts + 1)
        in_time = np.where(ends == 0, some.ts >= until, ends > until) if found else np.full(len(part), True)
        taken.append(some.take(in_time))
        before = stream.late
        stream.add(some)
        assert stream.late - before == np.count_nonzero(~in_time)
        until = max(until, int(some.ts.max()))
        found.append(stream.close(until))
        assert (found[-1].ts <= until).all()
    kept = taken[0]
    for more in taken[1:]:
        kept = kept.plus(more)
    whole, _ = tick_bars(kept.take(kept.ts < until), GRID[seconds], until, Standing())
    assert np.concatenate([one.ts for one in found]).tolist() == whole.ts.tolist()
    for name in BAR_COLUMNS:
        joined = np.concatenate([one.columns[name] for one in found])
        assert np.array_equal(joined, whole.columns[name], equal_nan=True), name
