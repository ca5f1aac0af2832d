"""Calendar, macro series and quotes against their definitions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import exchange_calendars
import numpy as np
import pytest

from tests.features.drive import FIRST_SESSION, Series, drive, one, random_walk
from tests.features.test_banks import BARS, returns_of
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS
from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.features.holidays import is_session
from tuiconsole.market.panel import Panel

EPOCH = date(1970, 1, 1)
UNSCHEDULED = {
    "1994-04-27",
    "2001-09-11",
    "2001-09-12",
    "2001-09-13",
    "2001-09-14",
    "2004-06-11",
    "2007-01-02",
    "2012-10-29",
    "2012-10-30",
    "2018-12-05",
    "2025-01-09",
}


def at(day: date, hour: int, minute: int = 0) -> ScreenedBars:
    """A bar of one symbol on ``day`` at that time, UTC."""
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
    ts = int(moment.timestamp()) * NANOSECONDS_PER_SECOND
    bars = Bars(ts, 0, *(np.array([1.0]) for _ in range(5)), (day - EPOCH).days)
    return ScreenedBars(bars, bars.close, np.zeros(1, dtype=np.int8))


def on(names: list[str], bars: list[ScreenedBars]) -> np.ndarray:
    features, panel = FeatureSet(names, 1), Panel(1, 1)
    out = []
    for bar in bars:
        panel.push(bar)
        features.update(panel)
        out.append(features.values[:, 0].copy())
    return np.array(out)


@pytest.mark.filterwarnings("ignore:Series.values")
def test_sessions_are_those_of_new_york_but_for_closings_no_one_could_know() -> None:
    calendar = exchange_calendars.get_calendar("XNYS", start="1990-01-01", end="2035-12-31")
    days = np.arange((date(1990, 1, 2) - EPOCH).days, (date(2035, 12, 28) - EPOCH).days)
    known = {int(day.timestamp()) // 86400 for day in calendar.sessions}
    wrong = {
        str(EPOCH + timedelta(days=int(day)))
        for day, found in zip(days, is_session(days), strict=True)
        if bool(found) is not (int(day) in known)
    }
    assert wrong == UNSCHEDULED


def test_days_of_a_known_month() -> None:
    names = [
        "weekday",
        "month",
        "day_of_month",
        "month_session",
        "month_sessions_left",
        "turn_of_month",
        "sessions_to_holiday",
        "sessions_since_holiday",
        "sessions_to_expiry",
        "days_since_session",
        "days_to_session",
    ]
    days = [date(2024, 7, day) for day in (1, 3, 5, 8, 19, 31)]
    found = on(names, [at(day, 20) for day in days])
    expected = [
        # Monday 1 July 2024: Juneteenth was 7 sessions ago, Independence Day is in 2; expiry on the 19th
        [0, 7, 1, 1, 21, 1, 2, 8, 13, 3, 1],
        [2, 7, 3, 3, 19, 1, 0, 10, 11, 1, 2],
        [4, 7, 5, 4, 18, 0, 40, 1, 10, 2, 3],
        [0, 7, 8, 5, 17, 0, 39, 2, 9, 3, 1],
        [4, 7, 19, 14, 8, 0, 30, 11, 0, 1, 3],
        [2, 7, 31, 22, 0, 1, 22, 19, 12, 1, 1],
    ]
    np.testing.assert_array_equal(found, expected)


def test_quarter_year_and_the_circle_of_the_year() -> None:
    names = ["quarter_sessions_left", "year_sessions_left", "day_of_year_sin", "day_of_year_cos"]
    found = on(names, [at(date(2023, 1, 1), 20), at(date(2023, 9, 29), 20), at(date(2024, 12, 31), 20)])
    assert found[0].tolist() == [62.0, 250.0, 0.0, 1.0]
    assert found[1, 0] == 0.0
    np.testing.assert_allclose(found[:, 2] ** 2 + found[:, 3] ** 2, 1.0, rtol=1e-12)
    assert found[2, 1] == 0.0


def test_the_time_of_the_session_follows_new_york_through_summer_time() -> None:
    names = ["session_fraction", "session_sin", "session_cos", "bars_since_open"]
    winter, summer = date(2024, 1, 8), date(2024, 7, 8)
    bars = [at(winter, 14, 30), at(winter, 21), at(summer, 13, 30), at(summer, 16, 45), at(summer, 21)]
    found = on(names, bars)
    np.testing.assert_allclose(found[:, 0], [0.0, 1.0, 0.0, 0.5, 60.0 * 7.5 / 390.0], rtol=1e-12)
    np.testing.assert_allclose(found[3, 1:3], [0.0, -1.0], atol=1e-12)
    assert found[:, 3].tolist() == [0.0, 1.0, 0.0, 1.0, 2.0]


def test_the_calendar_of_the_series_that_the_tests_drive() -> None:
    weekday = one("weekday", random_walk(12))[:, 0]
    assert weekday.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]
    assert (EPOCH + timedelta(days=FIRST_SESSION)).isoformat() == "2000-01-03"


def macro_of(series: Series, name: str) -> np.ndarray:
    assert series.macro is not None
    return series.macro[:, MACRO_SERIES.index(name)]


def test_levels_spreads_changes_and_scores_of_macro_series() -> None:
    series = random_walk(BARS)
    m = {name: macro_of(series, name) for name in MACRO_SERIES}
    slope = m["yield_10y"] - m["yield_2y"]
    names = [
        "macro_vix",
        "macro_yield_slope",
        "macro_yield_curvature",
        "macro_quality_spread",
        "macro_breakeven",
        "macro_vix_change_5",
        "macro_yield_slope_change_21",
        "macro_oil_change_21",
        "macro_oil_score_60",
    ]
    found = drive(names, series)
    assert np.ptp(found[60:], axis=2).max() == 0.0
    log_oil = np.log(m["oil"])
    for row in range(60, BARS):
        window = log_oil[row - 59 : row + 1]
        expected = [
            m["vix"][row],
            slope[row],
            2.0 * m["yield_5y"][row] - m["yield_2y"][row] - m["yield_10y"][row],
            m["yield_baa"][row] - m["yield_aaa"][row],
            m["yield_10y"][row] - m["yield_real_10y"][row],
            m["vix"][row] - m["vix"][row - 5],
            slope[row] - slope[row - 21],
            log_oil[row] - log_oil[row - 21],
            (window[-1] - window.mean()) / window.std(),
        ]
        np.testing.assert_allclose(found[row, :, 0], expected, rtol=1e-8, atol=1e-12)


def test_a_series_that_is_not_given_is_nan_and_hurts_no_other() -> None:
    series = random_walk(100)
    assert series.macro is not None
    series.macro[:, MACRO_SERIES.index("yield_2y")] = np.nan
    series.macro[40, MACRO_SERIES.index("vix")] = np.nan
    names = ["macro_yield_slope", "macro_vix_change_5", "beta_vix_20", "macro_vix_score_20"]
    found = drive(names, series)
    assert np.isnan(found[:, 0]).all()
    assert np.flatnonzero(np.isnan(found[:, 1, 0])).tolist() == [0, 1, 2, 3, 4, 40, 45]
    assert np.isfinite(found[20:, 2]).all()
    assert np.flatnonzero(np.isnan(found[19:, 3, 0])).tolist() == [21]


@pytest.mark.parametrize(("family", "name", "logs"), [("beta_vix", "vix", False), ("beta_oil", "oil", True)])
def test_betas_to_macro_series(family: str, name: str, logs: bool) -> None:
    series = random_walk(160)
    factor = np.diff(np.log(macro_of(series, name)) if logs else macro_of(series, name))
    r = returns_of(series)[1:]
    found = one(f"{family}_60", series)[1:]
    for row in range(59, len(r)):
        expected = np.polyfit(factor[row - 59 : row + 1], r[row - 59 : row + 1], 1)[0]
        np.testing.assert_allclose(found[row], expected, rtol=1e-7, atol=1e-12)


def quotes_of(series: Series) -> dict[str, np.ndarray]:
    return {name: getattr(series.quotes, name) for name in QUOTE_FIELDS}


def test_the_newest_quotes() -> None:
    series = random_walk(30)
    q, close = quotes_of(series), series.close
    middle = (q["bid"] + q["ask"]) / 2.0
    microprice = (q["bid"] * q["ask_size"] + q["ask"] * q["bid_size"]) / (q["bid_size"] + q["ask_size"])
    expected = {
        "quoted_spread": (q["ask"] - q["bid"]) / middle,
        "effective_spread": 2.0 * np.abs(close - middle) / middle,
        "touch_imbalance": (q["bid_size"] - q["ask_size"]) / (q["bid_size"] + q["ask_size"]),
        "depth_imbalance": (q["bid_depth"] - q["ask_depth"]) / (q["bid_depth"] + q["ask_depth"]),
        "microprice_distance": (microprice - middle) / middle,
        "touch_share": (q["bid_size"] + q["ask_size"]) / (q["bid_depth"] + q["ask_depth"]),
    }
    found = drive(list(expected), series)
    for row, values in enumerate(expected.values()):
        np.testing.assert_allclose(found[:, row], values, rtol=1e-9, atol=1e-12)


def test_crossed_and_missing_quotes_say_nothing() -> None:
    series = random_walk(12)
    q = quotes_of(series)
    q["bid"][5, 0], q["ask"][6, 1], q["bid_size"][7, 2] = 1e6, np.nan, np.nan
    found = drive(["quoted_spread", "touch_imbalance", "microprice_distance"], series)
    assert np.argwhere(np.isnan(found[:, 0])).tolist() == [[5, 0], [6, 1]]
    for row in (1, 2):
        assert np.argwhere(np.isnan(found[:, row])).tolist() == [[5, 0], [6, 1], [7, 2]]


def cont(q: dict[str, np.ndarray], row: int, symbol: int) -> float:
    """Equation 4 of Cont, Kukanov, Stoikov (2014), case by case."""
    (b1, b0), (a1, a0), (qb1, qb0), (qa1, qa0) = (
        (q[name][row, symbol], q[name][row - 1, symbol]) for name in ("bid", "ask", "bid_size", "ask_size")
    )
    e = 0.0
    if b1 >= b0:
        e += qb1
    if b1 <= b0:
        e -= qb0
    if a1 <= a0:
        e -= qa1
    if a1 >= a0:
        e += qa0
    return float(e)


def test_order_flow_over_several_bars() -> None:
    series = random_walk(90)
    q = quotes_of(series)
    q["bid"][40:44, 1] = q["bid"][40, 1]
    q["ask"][40:44, 1] = q["ask"][40, 1]
    r = returns_of(series)
    spread = 2.0 * (q["ask"] - q["bid"]) / (q["ask"] + q["bid"])
    signed, both = q["buy_volume"] - q["sell_volume"], q["buy_volume"] + q["sell_volume"]
    depth = (q["bid_size"] + q["ask_size"]) / 2.0
    names = [
        "order_flow_imbalance_20",
        "trade_imbalance_20",
        "quoted_spread_mean_20",
        "quoted_spread_score_20",
        "kyle_lambda_60",
    ]
    found = drive(names, series)
    for row in range(61, 90):
        rows = slice(row - 19, row + 1)
        for symbol in range(5):
            flow = sum(cont(q, at_row, symbol) for at_row in range(row - 19, row + 1))
            window = spread[rows, symbol]
            long = slice(row - 59, row + 1)
            expected = [
                flow / depth[rows, symbol].sum(),
                signed[rows, symbol].sum() / both[rows, symbol].sum(),
                window.mean(),
                (window[-1] - window.mean()) / window.std(),
                np.polyfit(signed[long, symbol] / 1e6, r[long, symbol], 1)[0],
            ]
            np.testing.assert_allclose(found[row, :, symbol], expected, rtol=1e-6, atol=1e-12)


def test_quotes_that_come_late_need_their_own_window() -> None:
    series = random_walk(70)
    for column in quotes_of(series).values():
        column[:30] = np.nan
    found = one("quoted_spread_mean_20", series)
    assert np.isnan(found[:45]).all()
    assert np.isfinite(found[50:]).all()
