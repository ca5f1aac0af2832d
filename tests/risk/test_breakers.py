"""Breakers at one unit either side of each limit, their references, their sentences, their state."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.risk.breakers import Breakers
from tuiconsole.risk.settings import RiskSettings

CAPITAL = 100_000 * MONEY_SCALE


def causes(breakers: Breakers, session: int, month: int, equity: int) -> list[str]:
    return [trip.cause for trip in breakers.update(0, session, month, equity)]


def climb(*equities: int) -> Breakers:
    """Breakers after one bar per session, all in one month."""
    breakers = Breakers(RiskSettings(), CAPITAL)
    for session, equity in enumerate(equities):
        breakers.update(0, session, 0, equity)
    return breakers


def test_a_quiet_day_trips_nothing() -> None:
    breakers = Breakers(RiskSettings(), CAPITAL)
    assert breakers.update(0, 0, 0, CAPITAL) == ()
    assert breakers.update(0, 0, 0, CAPITAL * 2) == ()
    assert breakers.peak == breakers.month_peak == breakers.session_peak == 2 * CAPITAL
    assert breakers.session_start == CAPITAL


@pytest.mark.parametrize(("short", "expected"), [(1, []), (0, ["session loss"])])
def test_session_loss_at_one_unit(short: int, expected: list[str]) -> None:
    breakers = Breakers(RiskSettings(), CAPITAL)
    assert causes(breakers, 0, 0, CAPITAL * 975 // 1000 + short) == expected


def test_session_loss_counts_from_the_session_before() -> None:
    breakers = climb(CAPITAL * 98 // 100)
    assert causes(breakers, 1, 0, CAPITAL * 96 // 100) == []
    assert breakers.session_start == CAPITAL * 98 // 100
    assert causes(breakers, 1, 0, CAPITAL * 95 // 100) == ["session drawdown", "session loss"]


@pytest.mark.parametrize(("short", "expected"), [(1, []), (0, ["session drawdown"])])
def test_session_drawdown_at_one_unit(short: int, expected: list[str]) -> None:
    breakers = Breakers(RiskSettings(), CAPITAL)
    breakers.update(0, 0, 0, CAPITAL * 2)
    assert causes(breakers, 0, 0, 2 * CAPITAL * 97 // 100 + short) == expected


@pytest.mark.parametrize(("short", "expected"), [(1, []), (0, ["drawdown", "month drawdown"])])
def test_drawdown_at_one_unit(short: int, expected: list[str]) -> None:
    breakers = climb(CAPITAL * 98 // 100, CAPITAL * 96 // 100, CAPITAL * 94 // 100)
    assert causes(breakers, 3, 0, CAPITAL * 92 // 100 + short) == expected


def test_a_new_month_measures_from_the_end_of_the_one_before() -> None:
    breakers = climb(CAPITAL * 98 // 100, CAPITAL * 96 // 100, CAPITAL * 94 // 100)
    assert causes(breakers, 3, 1, CAPITAL * 92 // 100) == ["drawdown"]
    assert breakers.month_peak == CAPITAL * 94 // 100
    assert breakers.peak == CAPITAL


def test_a_limit_that_stays_reached_speaks_at_every_bar() -> None:
    breakers = Breakers(RiskSettings(), CAPITAL)
    first = causes(breakers, 0, 0, CAPITAL * 9 // 10)
    assert first == ["drawdown", "month drawdown", "session drawdown", "session loss"]
    assert causes(breakers, 0, 0, CAPITAL * 9 // 10) == first
    assert causes(breakers, 1, 0, CAPITAL * 9 // 10) == ["drawdown", "month drawdown"]


@pytest.mark.parametrize("equity", [0, -5])
def test_no_equity_halts(equity: int) -> None:
    trips = Breakers(RiskSettings(drawdown=1.0, month_drawdown=1.0, session_drawdown=1.0), CAPITAL).update(
        0, 0, 0, equity
    )
    assert trips[0].level == DeskLevel.HALTED
    assert Breakers(RiskSettings(), 0).update(0, 0, 0, 0)[0].level == DeskLevel.HALTED


def test_what_a_trip_says() -> None:
    trips = climb().update(0, 0, 0, CAPITAL * 917 // 1000)
    halt, pause = trips[0], trips[-1]
    assert halt.level == DeskLevel.HALTED
    assert not halt.until_next_session
    assert (halt.value, halt.limit) == ("8.3 %", "8 %")
    assert halt.text == (
        "Drawdown 8.3 % from the all-time peak reached the 8 % limit: the desk is halted and working orders are "
        "cancelled. To go on: re-arm with a reason, then resume."
    )
    assert pause.level == DeskLevel.PAUSED
    assert pause.until_next_session
    assert pause.limit == "2.5 %"
    assert "until the next session" in pause.text
    assert [trip.level for trip in trips] == sorted((trip.level for trip in trips), reverse=True)


def test_rearming_starts_every_allowance_anew() -> None:
    breakers = climb(CAPITAL * 9 // 10)
    breakers.rearm(CAPITAL * 9 // 10)
    assert causes(breakers, 0, 0, CAPITAL * 9 // 10) == []
    assert causes(breakers, 1, 1, CAPITAL * 9 // 10 * 976 // 1000) == []
    assert causes(breakers, 1, 1, CAPITAL * 9 // 10 * 975 // 1000) == ["session loss"]
    assert breakers.peak == CAPITAL * 9 // 10


def test_limits_for_the_screen() -> None:
    breakers = climb(CAPITAL * 95 // 100)
    assert breakers.limits() == [
        ("session loss", 0.05, 0.025, "pause"),
        ("session drawdown", 0.05, 0.03, "halt"),
        ("month drawdown", 0.05, 0.08, "halt"),
        ("drawdown", 0.05, 0.08, "halt"),
    ]
    gain = climb(CAPITAL * 2)
    assert [used for _, used, _, _ in gain.limits()] == [0.0] * 4


bars = st.lists(
    st.tuples(
        st.integers(0, 1), st.integers(0, 1), st.integers(800, 1100).map(lambda v: v * CAPITAL // 1000)
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(bars, st.integers(0, 40))
def test_equals_the_definitions_and_survives_a_restart(path: list[tuple[int, int, int]], cut: int) -> None:
    limits = RiskSettings()
    breakers, resumed = Breakers(limits, CAPITAL), Breakers(limits, CAPITAL)
    session = month = 0
    history = [(0, 0, CAPITAL)]
    for index, (next_session, next_month, equity) in enumerate(path):
        month += next_month
        session += 1 if next_month else next_session
        if index == cut:
            resumed.restore(decode_state(encode_state(breakers.state())))
        trips = breakers.update(index, session, month, equity)
        if index >= cut:
            assert resumed.update(index, session, month, equity) == trips
        before = [e for s, _, e in history if s < session][-1:] or [CAPITAL]
        in_session = [before[0], *(e for s, _, e in history[1:] if s == session), equity]
        earlier = [e for _, m, e in history if m < month][-1:] or [CAPITAL]
        in_month = [earlier[0], *(e for _, m, e in history[1:] if m == month), equity]
        history.append((session, month, equity))
        expected = []
        for name, reference, limit in (
            ("drawdown", max(e for _, _, e in history), Fraction(8, 100)),
            ("month drawdown", max(in_month), Fraction(8, 100)),
            ("session drawdown", max(in_session), Fraction(3, 100)),
            ("session loss", before[0], Fraction(25, 1000)),
        ):
            if Fraction(reference - equity, reference) >= limit:
                expected.append(name)
        assert [trip.cause for trip in trips] == expected
        assert breakers.session_start == before[0]
