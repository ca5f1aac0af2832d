"""Bars are dated by the days of their own market, and a year has as many of them as that market has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.engine.build import plan
from tuiconsole.engine.settings import Settings
from tuiconsole.market.dating import COINS, CURRENCIES, EXCHANGE, Dating, dating_of
from tuiconsole.market.exchange_sessions import exchange_sessions
from tuiconsole.market.history.coarsening import coarsen
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import import_bars
from tuiconsole.market.settings import FeedSettings
from tuiconsole.market.tabular import read_tape
from tuiconsole.market.tape import Tape, mixture
from tuiconsole.market.universes.instruments import universe_of

_MINUTE, _DAY = 60 * 10**9, 86_400 * 10**9


@pytest.mark.parametrize(
    ("moment", "exchange", "coins", "currencies"),
    [
        ("2024-07-02T20:00:00Z", "2024-07-02", "2024-07-02", "2024-07-02"),
        ("2024-07-02T21:00:00Z", "2024-07-02", "2024-07-02", "2024-07-02"),
        ("2024-07-02T21:00:01Z", "2024-07-02", "2024-07-02", "2024-07-03"),
        ("2024-01-02T22:00:00Z", "2024-01-02", "2024-01-02", "2024-01-02"),
        ("2024-01-02T22:00:01Z", "2024-01-02", "2024-01-02", "2024-01-03"),
        ("2024-07-03T00:00:00Z", "2024-07-02", "2024-07-02", "2024-07-03"),
        ("2024-07-03T00:00:01Z", "2024-07-02", "2024-07-03", "2024-07-03"),
        ("2024-07-07T21:01:00Z", "2024-07-07", "2024-07-07", "2024-07-08"),
    ],
)
def test_a_bar_belongs_to_the_day_of_its_last_moment(
    moment: str, exchange: str, coins: str, currencies: str
) -> None:
    ts = np.array([parse_iso(moment)], dtype=np.int64)
    found = [iso(int(one.sessions(ts)[0]) * _DAY) for one in (EXCHANGE, COINS, CURRENCIES)]
    assert found == [exchange, coins, currencies]


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(7_000, 22_000), st.sampled_from([EXCHANGE, COINS, CURRENCIES, Dating("Asia/Tokyo")]))
def test_a_day_ends_on_itself(day: int, dating: Dating) -> None:
    days = np.array([day], dtype=np.int64)
    assert dating.sessions(dating.ends(days)).tolist() == [day]


def test_the_dating_of_a_universe() -> None:
    assert dating_of(universe_of(["BTC-USD", "ETH-USD"])) == COINS
    assert dating_of(universe_of(["EUR-USD", "XAU-USD"])) == CURRENCIES
    assert dating_of(universe_of(["AAPL", "^GSPC"])) == EXCHANGE
    assert dating_of(universe_of(["AAPL", "BTC-USD"])) == Dating(mixed=True)
    assert dating_of(universe_of(["EUR-USD", "BTC-USD"])) == Dating("UTC", 24, 365, mixed=True)


def _tape(symbols: list[str], ts: np.ndarray) -> Tape:
    universe = universe_of(symbols)
    return Tape("T", "t", universe, ts, np.ones((len(ts), len(symbols))), dating=dating_of(universe))


def test_a_year_of_coins_has_365_days_and_never_closes() -> None:
    first = parse_iso("2024-01-01")
    days = first + _DAY * np.arange(1, 60, dtype=np.int64)
    daily = _tape(["BTC-USD"], days)
    assert daily.bars_per_year == 365.0
    assert daily.sessions.tolist() == list(range(first // _DAY, first // _DAY + 59))
    chosen = plan(Settings(feed=FeedSettings(start="2024-02-01")), daily, "backtest")
    assert chosen.settings.engine.bars_per_year == 365.0
    minutes = first + _MINUTE * np.arange(1, 14 * 1_440 + 1, dtype=np.int64)
    assert _tape(["BTC-USD"], minutes).bars_per_year == 1_440 * 365.0


def test_a_year_of_currencies_has_260_days_with_sunday_evenings_in_monday() -> None:
    first = parse_iso("2024-07-07T21:00:00Z")
    hours = np.concatenate(
        [first + 7 * _DAY * week + 60 * _MINUTE * np.arange(1, 121, dtype=np.int64) for week in range(3)]
    )
    tape = _tape(["EUR-USD"], hours)
    assert tape.bars_per_year == 24 * 260.0
    assert len(np.unique(tape.sessions)) == 15
    assert np.unique(tape.sessions, return_counts=True)[1].tolist() == [24] * 15


def test_a_mixture_says_what_it_does() -> None:
    first = parse_iso("2024-01-01")
    coins = [first + _DAY * k for k in range(1, 366)]
    shares = [t - 3 * 3_600 * 10**9 for t in coins if (t // _DAY + 2) % 7 < 5]
    tape = _tape(["AAPL", "BTC-USD"], np.array(sorted(coins + shares), dtype=np.int64))
    per_year = tape.bars_per_year
    assert per_year is not None
    assert per_year == pytest.approx((len(coins) + len(shares)) / 365 * 365)
    (sentence,) = mixture(tape)
    assert "dated by the clock of America/New_York, and 626 bars make a year" in sentence
    assert mixture(_tape(["BTC-USD"], np.array(coins))) == ()


def test_imported_days_end_as_their_own_market_does(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("AAPL", "BTC-USD", "EURUSD=X"):
        (folder / f"{name}.csv").write_text("date,close\n2024-07-02,1\n2024-07-03,2\n")
    store = HistoryStore(tmp_path / "store", EventClock(parse_iso("2100-01-01")))
    report = import_bars(store, folder, Asked())
    ends = {one.symbol: (iso(one.first), iso(one.last)) for one in store.coverage("1day")}
    assert ends == {
        "AAPL": ("2024-07-02T20:00:00Z", "2024-07-03T17:00:00Z"),
        "BTC-USD": ("2024-07-03", "2024-07-04"),
        "EUR-USD": ("2024-07-02T21:00:00Z", "2024-07-03T21:00:00Z"),
    }
    assert report.reading.zone_of(report.symbols) == "America/New_York and UTC and America/New_York at 17:00"
    tape = store.tape(["BTC-USD"], "1day")
    assert tape.dating == COINS
    assert [iso(int(day) * _DAY) for day in tape.sessions] == ["2024-07-02", "2024-07-03"]
    asked = HistoryStore(tmp_path / "asked", EventClock(parse_iso("2100-01-01")))
    import_bars(asked, folder, Asked(timezone="America/New_York"))
    assert {iso(one.first) for one in asked.coverage("1day")} == {"2024-07-02T20:00:00Z"}


def test_a_file_played_as_it_is_is_dated_alike(tmp_path: Path) -> None:
    path = tmp_path / "coins.csv"
    path.write_text("ts,symbol,close\n2024-07-06,BTC-USD,1\n2024-07-07,BTC-USD,2\n")
    tape = read_tape(path)
    assert [iso(int(ts)) for ts in tape.ts] == ["2024-07-07", "2024-07-08"]
    assert tape.dating == COINS
    assert read_tape(path, "America/New_York").dating == EXCHANGE


def test_sessions_of_currencies_run_from_sunday_to_friday() -> None:
    """Over the change of clocks of 10 March 2024, and equal to what bars are dated by."""
    first, last = parse_iso("2024-03-07") // _DAY, parse_iso("2024-03-12") // _DAY
    found = exchange_sessions("24/5", first, last)
    assert [iso(int(day) * _DAY) for day in found.days] == [
        "2024-03-07",
        "2024-03-08",
        "2024-03-11",
        "2024-03-12",
    ]
    assert [iso(int(ts)) for ts in found.opens[1:3]] == ["2024-03-07T22:00:00Z", "2024-03-10T21:00:00Z"]
    assert [iso(int(ts)) for ts in found.closes[1:3]] == ["2024-03-08T22:00:00Z", "2024-03-11T21:00:00Z"]
    np.testing.assert_array_equal(CURRENCIES.ends(found.days), found.closes)
    np.testing.assert_array_equal(CURRENCIES.sessions(found.opens + 1), found.days)


def test_a_day_of_currencies_made_of_hours_holds_its_sunday_evening(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "store", EventClock(parse_iso("2100-01-01")))
    hours = [parse_iso("2024-07-07T22:00:00Z") + 3_600 * 10**9 * k for k in range(50)]
    closes = pa.array([1.0 + k / 100 for k in range(50)])
    times = pa.array(hours, pa.timestamp("ns", tz="UTC"))
    store.write(
        "1h", pa.table({"ts": times, "symbol": ["EUR-USD"] * 50, "close": closes}), Provenance("file")
    )
    made = coarsen(store, "1day", "1h")
    assert made.written.new == 2
    tape = store.tape(["EUR-USD"], "1day")
    assert [iso(int(ts)) for ts in tape.ts] == ["2024-07-08T21:00:00Z", "2024-07-09T21:00:00Z"]
    assert [iso(int(day) * _DAY) for day in tape.sessions] == ["2024-07-08", "2024-07-09"]
    assert tape.close[:, 0].tolist() == [1.0 + 23 / 100, 1.0 + 47 / 100]
    (held,) = store.inspect("1h")
    assert (held.calendar, len(held.gaps.outside), len(held.gaps.missing)) == ("24/5", 0, 0)
