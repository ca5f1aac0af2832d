"""Splits that nobody recorded, met while something was held, are named with what they were worth."""

from __future__ import annotations

import numpy as np
import pytest

from tuiconsole.analytics.track import FillTable
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.tape import Tape
from tuiconsole.research.unpaid_moves import doubtful_moves, unpaid_moves, unpaid_sentence

DAYS = 40


def tape(close: FloatArray) -> Tape:
    ts = (18_000 + np.arange(DAYS)) * NANOSECONDS_PER_DAY
    return Tape("made", "made", Universe.of(("A", "B", "C")), ts, close)


def quiet() -> FloatArray:
    wiggle = np.where(np.arange(DAYS) % 2, 1.005, 0.995)
    return np.array([100.0, 50.0, 20.0]) * wiggle[:, None]


def bought(market: Tape, *rows: tuple[int, int, float]) -> FillTable:
    """Fills ``(bar, column, quantity)``."""
    bars, columns, quantities = (np.array(part) for part in zip(*rows, strict=True))
    n = len(rows)
    price = market.close[bars, columns]
    return FillTable(
        market.ts[bars],
        np.arange(n),
        columns,
        quantities.astype(np.float64),
        price,
        quantities * price,
        np.zeros(n),
        np.zeros(n, dtype=np.bool_),
        np.zeros(n),
    )


def test_a_reverse_split_that_nobody_recorded_is_named_with_what_it_was_worth() -> None:
    close = quiet()
    close[20:, 1] *= 16.0
    market = tape(close)
    (move,) = unpaid_moves(market, 5, DAYS - 5, bought(market, (8, 1, 10.0), (8, 0, 5.0)))
    assert (move.symbol, move.ts) == ("B", market.ts[20])
    assert move.worth == pytest.approx(10 * (close[20, 1] - close[19, 1]))
    assert move.ratio == pytest.approx(16.0, rel=0.02)
    (said,) = unpaid_sentence((move,), "USD")
    assert "B 2019-05-04 by" in said
    assert f"({move.worth:+,.0f} USD)" in said


@pytest.mark.parametrize("ratio", [0.5, 0.25, 2.0, 178.0])
def test_splits_of_every_size_are_seen(ratio: float) -> None:
    close = quiet()
    close[20:, 2] *= ratio
    market = tape(close)
    assert len(unpaid_moves(market, 0, DAYS, bought(market, (3, 2, -4.0)))) == 1


@pytest.mark.parametrize(
    "fills", [((21, 1, 10.0),), ((20, 1, 10.0),), ((4, 1, 10.0), (12, 1, -10.0)), ((4, 0, 10.0),)]
)
def test_what_was_not_held_over_the_move_says_nothing(fills: tuple[tuple[int, int, float], ...]) -> None:
    close = quiet()
    close[20:, 1] *= 16.0
    market = tape(close)
    assert unpaid_moves(market, 0, DAYS, bought(market, *fills)) == ()
    assert unpaid_sentence((), "USD") == ()


def test_results_of_many_runs_name_the_moves_of_their_time() -> None:
    close = quiet()
    close[20:, 1] *= 16.0
    close[30:, 2] *= 0.5
    market = tape(close)
    (said,) = doubtful_moves(market, int(market.ts[0]), int(market.ts[-1]))
    assert said.startswith("Prices moved like a split or another company's: B 2019-05-04, C 2019-05-14. ")
    (said,) = doubtful_moves(market, int(market.ts[25]), int(market.ts[-1]))
    assert "B 2019" not in said
    assert doubtful_moves(market, int(market.ts[0]), int(market.ts[19])) == ()


def test_a_crash_of_61_per_cent_is_a_market_s() -> None:
    close = quiet()
    close[20:, 0] *= 0.39
    market = tape(close)
    assert unpaid_moves(market, 0, DAYS, bought(market, (3, 0, 10.0))) == ()
