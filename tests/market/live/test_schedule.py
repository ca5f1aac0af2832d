"""When bars are due: sessions, holidays, half days, and calendars that never close."""

from __future__ import annotations

import pytest

from tuiconsole.domain.clock import parse_iso
from tuiconsole.domain.errors import ConfigError, DataError
from tuiconsole.market.live.schedule import Schedule, load_schedule

NOW = parse_iso("2025-11-26T15:00:00")


def at(text: str) -> int:
    return parse_iso(f"2025-{text}")


@pytest.fixture(scope="module")
def minutes() -> Schedule:
    return load_schedule("XNYS", 300, NOW)


@pytest.fixture(scope="module")
def days() -> Schedule:
    return load_schedule("XNYS", 86_400, NOW)


def test_bars_end_on_the_grid_of_their_session(minutes: Schedule) -> None:
    assert minutes.next_end(at("11-26T14:30:00")) == at("11-26T14:35:00")
    assert minutes.next_end(at("11-26T14:34:59")) == at("11-26T14:35:00")
    assert minutes.next_end(at("11-26T14:35:00")) == at("11-26T14:40:00")
    assert minutes.last_end(at("11-26T14:39:59")) == at("11-26T14:35:00")
    assert minutes.last_end(at("11-26T14:34:59")) == at("11-25T21:00:00")
    assert minutes.session_of(at("11-26T14:35:00")) * 86_400_000_000_000 == at("11-26")


def test_thanksgiving_is_closed_and_the_day_after_is_half(minutes: Schedule, days: Schedule) -> None:
    assert minutes.next_end(at("11-26T21:00:00")) == at("11-28T14:35:00")
    assert minutes.next_end(at("11-28T17:58:00")) == at("11-28T18:00:00")
    assert minutes.next_end(at("11-28T18:00:00")) == at("12-01T14:35:00")
    assert days.next_end(at("11-26T21:00:00")) == at("11-28T18:00:00")
    assert days.last_end(at("11-28T18:00:00")) == at("11-28T18:00:00")
    assert not minutes.is_open(at("11-27T16:00:00"))
    assert minutes.describe(at("11-28T15:00:00")) == "open until 13:00"
    assert minutes.describe(at("11-28T18:00:00")) == "closed, opens Mon 09:30"
    assert minutes.next_start(at("11-27T16:00:00")) == at("11-28T14:30:00")


def test_rows_of_a_service_find_their_bar_or_none(minutes: Schedule, days: Schedule) -> None:
    assert minutes.end_of(at("11-28T17:55:00")) == at("11-28T18:00:00")
    assert minutes.end_of(at("11-28T18:00:00")) == 0, "the row at the close is no bar"
    assert minutes.end_of(at("11-28T17:57:31")) == 0, "the forming row is no bar"
    assert minutes.end_of(at("11-28T14:25:00")) == 0, "before the open"
    assert days.end_of(at("11-28T14:30:00")) == days.end_of(at("11-28T17:59:59")) == at("11-28T18:00:00")


def test_the_last_bar_of_a_session_may_be_shorter() -> None:
    hours = load_schedule("XNYS", 3_600, NOW)
    assert hours.next_end(at("11-26T20:30:00")) == at("11-26T21:00:00")
    assert hours.end_of(at("11-26T20:30:00")) == at("11-26T21:00:00")


def test_the_last_ends_walk_back_over_nights_and_holidays(minutes: Schedule) -> None:
    assert minutes.ends(3, at("11-28T14:36:00")) == [
        at("11-26T20:55:00"),
        at("11-26T21:00:00"),
        at("11-28T14:35:00"),
    ]
    assert len(minutes.ends(10**6, int(minutes.closes[1]))) == 2 * 78


def test_years_hold_so_many_bars(minutes: Schedule, days: Schedule) -> None:
    assert 250 <= days.bars_per_year <= 252
    assert minutes.bars_per_year == days.bars_per_year * 78


def test_a_market_that_never_closes() -> None:
    crypto = load_schedule("24/7", 60, NOW)
    assert crypto.next_end(at("11-29T23:59:30")) == at("11-30T00:00:00")
    assert crypto.next_end(at("11-30T00:00:00")) == at("11-30T00:01:00")
    assert crypto.is_open(at("11-30T00:00:00"))
    assert crypto.bars_per_year == 365 * 1440
    assert crypto.session_of(at("11-30T00:00:00")) * 86_400_000_000_000 == at("11-29")


def test_beyond_the_calendar_there_is_a_sentence(days: Schedule) -> None:
    for ask in (days.next_end, days.next_start):
        with pytest.raises(DataError, match="ends here"):
            ask(int(days.closes[-1]))
    with pytest.raises(DataError, match="begins later"):
        days.last_end(0)
    with pytest.raises(ConfigError, match="no exchange calendar 'XMARS'"):
        load_schedule("XMARS", 60, NOW)
