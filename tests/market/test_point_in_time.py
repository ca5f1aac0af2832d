"""Nothing is known before it was released; revisions keep all vintages; lags are never too short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, EventClock, iso, parse_iso
from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.errors import DataError
from tuiconsole.market.fundamentals import price_earnings, ratios
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.macro_import import import_macro
from tuiconsole.market.macro_series import economic_surprise, macro_releases, surprises
from tuiconsole.market.point_in_time import PointSeries, combined
from tuiconsole.market.point_in_time_store import (
    RETRIEVED,
    VENDOR_DATE,
    VENDOR_TIME,
    Appended,
    Fact,
    PointInTimeStore,
    Text,
)
from tuiconsole.market.release_lags import ReleaseLag, lag_of, released
from tuiconsole.market.shocks import events_as_of, market_events

_SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
ROWS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 20), st.floats(-5, 5, allow_nan=False)), max_size=25
)
NOW = parse_iso("2025-03-01")


def series(rows: list[tuple[int, int, float]]) -> PointSeries:
    return PointSeries.of([r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])


def plainly(rows: list[tuple[int, int, float]], ts: int) -> float:
    """What is known at ``ts``, written down without any cleverness."""
    known: dict[int, tuple[int, int, float]] = {}
    for i, (reference, release, value) in enumerate(rows):
        if release <= ts and (release, i) >= known.get(reference, (-1, -1, 0.0))[:2]:
            known[reference] = (release, i, value)
    return known[max(known)][2] if known else float("nan")


@given(ROWS, st.lists(st.integers(-2, 24), max_size=12))
def test_the_join_is_the_plain_one(rows: list[tuple[int, int, float]], moments: list[int]) -> None:
    got = series(rows).as_of(np.array(moments, dtype=np.int64))
    np.testing.assert_array_equal(got, [plainly(rows, ts) for ts in moments])


@given(ROWS, ROWS, st.integers(0, 20))
def test_no_join_sees_a_row_released_later(
    rows: list[tuple[int, int, float]], later: list[tuple[int, int, float]], ts: int
) -> None:
    """Whatever is released after a moment, nothing known at that moment changes: plain, derived or combined."""
    future = [(reference, ts + 1 + release, value) for reference, release, value in later]
    before, after = series(rows), series(rows + future)
    moments = np.arange(ts + 1, dtype=np.int64)
    np.testing.assert_array_equal(before.as_of(moments), after.as_of(moments))
    np.testing.assert_array_equal(before.reference_as_of(moments), after.reference_as_of(moments))
    for rule in (lambda d, v: float(v.sum()), lambda d, v: float(v[-1] - v[0] + d[-1])):
        np.testing.assert_array_equal(
            before.derived(2, rule).as_of(moments), after.derived(2, rule).as_of(moments)
        )
    half, half_after = series(rows[::2]), series(rows[::2] + future)
    np.testing.assert_array_equal(
        combined(before, half, np.subtract).as_of(moments),
        combined(after, half_after, np.subtract).as_of(moments),
    )
    shock, shock_after = (economic_surprise({"PAYEMS": s}) for s in (before, after))
    np.testing.assert_array_equal(shock.as_of(moments), shock_after.as_of(moments))


def fact(reference: int, release: int, value: float, basis: str = VENDOR_TIME, name: str = "eps") -> Fact:
    return Fact(name, "A", reference, release, value, basis, "test")


def test_revisions_keep_all_vintages(tmp_path: Path) -> None:
    store = PointInTimeStore(tmp_path, EventClock(NOW))
    assert store.append("fundamentals", [fact(10, 20, 1.0), fact(30, 40, 2.0)]) == Appended(2, 0, 0)
    assert store.append("fundamentals", [fact(10, 20, 1.0), fact(10, 25, 1.5)]) == Appended(1, 1, 1)
    found = store.series("fundamentals", "eps", "A")
    assert found.as_of(np.array([19, 20, 24, 25, 39, 40])).tolist()[1:] == [1.0, 1.0, 1.5, 1.5, 2.0]
    assert len(found) == 3


@pytest.mark.parametrize("basis", ["lag 45 days", VENDOR_DATE])
def test_a_value_that_changed_without_notice_counts_from_now(tmp_path: Path, basis: str) -> None:
    """By the rule the new value would count from day 20; nobody knew it then."""
    clock = EventClock(NOW)
    store = PointInTimeStore(tmp_path, clock)
    store.append("fundamentals", [fact(10, 20, 1.0, basis)])
    clock.advance_to(NOW + 7)
    assert store.append("fundamentals", [fact(10, 20, 1.1, basis)]).revisions == 1
    assert store.append("fundamentals", [fact(10, 20, 1.1, basis)]) == Appended(0, 1, 0)
    found = store.series("fundamentals", "eps", "A")
    assert found.as_of(np.array([20, NOW + 6, NOW + 7])).tolist() == [1.0, 1.0, 1.1]
    table = store.table("fundamentals")
    assert table is not None
    assert table["basis"].to_pylist() == [basis, f"{RETRIEVED}; revision"]


def test_the_bars_store_leaves_the_figures_alone(tmp_path: Path) -> None:
    PointInTimeStore(tmp_path, EventClock(NOW)).append("macro", [fact(1, 2, 3.0)])
    bars = pa.table({"ts": pa.array([NOW], pa.int64()), "symbol": ["A"], "close": [1.0]})
    HistoryStore(tmp_path).write("1day", bars, Provenance("test"))
    assert len(PointInTimeStore(tmp_path, EventClock(NOW)).series("macro", "eps", "A")) == 1


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = PointInTimeStore(tmp_path, EventClock(NOW))
    store.append("macro", [fact(1, 2, 3.0)])
    path = tmp_path / "point_in_time" / "macro.parquet"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match=r"macro\.parquet cannot be read"):
        store.series("macro", "eps")


def test_texts_are_joined_by_release(tmp_path: Path) -> None:
    store = PointInTimeStore(tmp_path, EventClock(NOW))
    texts = [
        Text(str(i), entity, release, release, "t", "b", "u", "s", 0.5, 1.0, VENDOR_TIME)
        for i, (entity, release) in enumerate([("A", 5), ("A", 9), ("B", 7)])
    ]
    assert store.add_texts("news", texts) == Appended(3, 0)
    assert store.add_texts("news", texts) == Appended(0, 3)
    assert [t.release for t in store.texts_as_of("news", "A", 8)] == [5]
    assert [t.release for t in store.texts_as_of("news", "A", 9, since=5)] == [9]
    assert store.texts_as_of("news", "B", 6) == []


def reports(values: dict[str, list[float]], lag_days: int = 45) -> dict[str, PointSeries]:
    ends = [parse_iso(d) for d in ("2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31")]
    ends += [parse_iso(d) for d in ("2024-03-31", "2024-06-30", "2024-09-30", "2024-12-31")]
    found = {}
    for name, numbers in values.items():
        chosen = ends[: len(numbers)]
        found[name] = PointSeries.of(chosen, [e + lag_days * NANOSECONDS_PER_DAY for e in chosen], numbers)
    return found


def test_ratios_as_they_could_be_worked_out(tmp_path: Path) -> None:
    given_ = reports(
        {
            "eps": [1.0, 1.0, 1.0, 1.0, 1.5, 1.5, 1.5, 1.5],
            "net_income": [10.0] * 8,
            "equity": [200.0] * 7 + [-5.0],
            "debt": [50.0] * 4 + [100.0] * 4,
        }
    )
    found = ratios(given_)
    ts = np.array([parse_iso(d) for d in ("2024-02-13", "2024-02-14", "2025-02-13", "2025-02-14")])
    assert found["eps_ttm"].as_of(ts).tolist()[1:] == [4.0, 5.5, 6.0]
    assert np.isnan(found["eps_ttm"].as_of(ts)[0])
    assert found["eps_growth"].as_of(ts)[3] == pytest.approx(0.5)
    assert np.isnan(found["eps_growth"].as_of(ts)[:3]).all()
    assert found["return_on_equity"].as_of(ts)[[1, 2]].tolist() == [0.2, 0.2]
    assert np.isnan(found["return_on_equity"].as_of(ts)[3]), "the last equity is negative"
    assert found["debt_to_equity"].as_of(ts)[[1, 2]].tolist() == [0.25, 0.5]
    got = price_earnings(np.array([40.0, 40.0, 55.0, 60.0]), ts, found["eps_ttm"])
    assert got[1:].tolist() == [10.0, 10.0, 10.0]


def test_a_missing_quarter_makes_no_year() -> None:
    whole = reports({"eps": [1.0] * 8})["eps"]
    gap = PointSeries.of(
        np.delete(whole.reference, 3), np.delete(whole.release, 3), np.delete(whole.value, 3)
    )
    after = np.array([parse_iso("2024-12-01")])
    assert np.isnan(ratios({"eps": gap})["eps_ttm"].as_of(after)[0])
    assert ratios({"eps": whole})["eps_ttm"].as_of(after)[0] == 4.0


@pytest.mark.parametrize(
    ("name", "reference", "out"),
    [
        ("DGS10", "2024-06-28", "2024-07-03T04:00:00Z"),  # a Friday: by the end of Tuesday
        ("VIXCLS", "2024-06-28", "2024-07-02T04:00:00Z"),
        ("CPIAUCSL", "2024-01-01", "2024-02-21T05:00:00Z"),  # published on 13 February
        ("UNRATE", "2024-01-01", "2024-02-16T05:00:00Z"),  # published on 2 February
        ("DCOILWTICO", "2024-06-03", "2024-06-14T04:00:00Z"),
        ("M2SL", "2024-01-01", "2024-03-04T05:00:00Z"),  # published on 27 February
    ],
)
def test_lags_cover_the_publishers_calendars(name: str, reference: str, out: str) -> None:
    at = np.array([parse_iso(reference)])
    assert iso(int(released(at, lag_of(name, at))[0])) == out


@given(st.integers(0, 20_000), st.integers(0, 90), st.booleans())
def test_a_lag_never_ends_before_its_days_are_over(day: int, days: int, business: bool) -> None:
    moment = int(released(np.array([day * NANOSECONDS_PER_DAY]), ReleaseLag(days, business, ""))[0])
    assert moment > (day + days + 1) * NANOSECONDS_PER_DAY
    assert moment < (day + days * 7 / 5 + 5) * NANOSECONDS_PER_DAY


@pytest.mark.parametrize(("step", "days"), [(1, 3), (7, 12), (30, 75), (91, 135), (365, 500)])
def test_an_unknown_series_gets_the_lag_of_its_spacing(step: int, days: int) -> None:
    references = np.arange(20, dtype=np.int64) * step * NANOSECONDS_PER_DAY
    assert lag_of("MYSTERY", references).days == days


def test_import_of_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "macro.csv"
    path.write_text(
        "ts,series,value,source\n2024-01-01,UNRATE,3.7,x\n2024-02-01,UNRATE,3.9,x\n2024-03-01,DGS10,,x\n"
    )
    store = PointInTimeStore(tmp_path, EventClock(NOW))
    added, bases = import_macro(store, path)
    assert added.new == 2
    assert bases["UNRATE"].startswith("lag 45 days (BLS")
    source = macro_releases(store)
    assert source is not None
    got = source.as_of(np.array([parse_iso("2024-02-15"), parse_iso("2024-02-17"), parse_iso("2024-03-19")]))
    column = got[:, MACRO_SERIES.index("unemployment")]
    assert np.isnan(column[0])
    assert column[1:].tolist() == [3.7, 3.9]
    table = store.table("macro")
    assert table is not None
    assert table["single_vintage"].to_pylist() == [True, True]


def test_import_of_stated_releases(tmp_path: Path) -> None:
    path = tmp_path / "vintages.csv"
    path.write_text(
        "ts,release,series,value\n2024-01-01,2024-02-02T13:30:00,PAYEMS,353\n2024-01-01,2024-03-08T13:30:00,PAYEMS,229\n"
    )
    store = PointInTimeStore(tmp_path, EventClock(NOW))
    import_macro(store, path)
    found = store.series("macro", "PAYEMS")
    moments = np.array(
        [parse_iso(t) for t in ("2024-02-02T13:30:00", "2024-03-08T13:29:59", "2024-03-08T13:30:00")]
    )
    assert found.as_of(moments).tolist() == [353.0, 353.0, 229.0]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "ts,series\n2024-01-01,X\n", "no column value"),
        ("a.csv", "ts,series,value\nyesterday,X,1\n", "the column ts must hold dates"),
        ("a.csv", "ts,series,value\n2024-01-01,X,much\n", "must hold numbers"),
        ("a.txt", "", "neither a CSV nor a Parquet"),
        ("a.parquet", "no", "cannot be read"),
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        import_macro(PointInTimeStore(tmp_path, EventClock(NOW)), tmp_path / name)


def test_the_real_macro_file(tmp_path: Path) -> None:
    """CPI of May 2018 was published on 12 June; no bar of that day or before may see it."""
    path = _SHARED / "macro.parquet"
    if not path.is_file():
        pytest.skip("real data file macro.parquet is not beside the repository")
    store = PointInTimeStore(tmp_path, EventClock(NOW))
    added, _ = import_macro(store, path)
    assert added.new > 135_000
    source = macro_releases(store)
    assert source is not None
    moments = np.array([parse_iso("2018-06-12T20:00:00Z"), parse_iso("2018-06-21T20:00:00Z")])
    prices = source.as_of(moments)[:, MACRO_SERIES.index("consumer_prices")]
    assert prices[0] < prices[1]
    filled = np.isfinite(source.as_of(moments)).all(axis=0)
    assert sorted(np.array(MACRO_SERIES)[~filled].tolist()) == ["dollar", "gold"]
    assert [s["rows"] for s in store.summary("macro") if s["series"] == "CPILFESL"] == [743]


def test_surprise_is_measured_against_what_was_expected() -> None:
    days = np.arange(20, dtype=np.int64) * 10
    noise = np.random.default_rng(3).normal(0.0, 1.0, 20)
    actual = PointSeries.of(days, days + 5, 100.0 + noise)
    expected = PointSeries.of(days, days + 1, np.full(20, 100.0))
    got = surprises(actual, expected)
    np.testing.assert_allclose(got.value, noise[12:] / [noise[:i].std(ddof=1) for i in range(12, 20)])
    np.testing.assert_array_equal(got.release, days[12:] + 5)


def test_without_expectations_the_pace_is_expected_to_go_on() -> None:
    """The expectation of a value knows nothing of it: the last value plus the mean change before it."""
    days = np.arange(16, dtype=np.int64) * 10
    values = np.cumsum(np.random.default_rng(4).normal(1.0, 0.5, 16))
    got = surprises(PointSeries.of(days, days + 5, values))
    errors = np.array([values[i] - values[i - 1] - np.diff(values[:i]).mean() for i in range(2, 16)])
    np.testing.assert_allclose(got.value, [errors[i] / errors[:i].std(ddof=1) for i in range(12, 14)])
    np.testing.assert_array_equal(got.reference, days[14:])


def test_the_calendar_of_shocks(tmp_path: Path) -> None:
    events = market_events(tmp_path)
    assert len(events) >= 60
    lehman = next(e for e in events if "Lehman" in e.title)
    assert (iso(lehman.reference), iso(lehman.release)) == ("2008-09-15", "2008-09-16T04:00:00Z")
    cut = next(e for e in events if e.title.startswith("Six central banks"))
    assert iso(cut.release) == "2008-10-08T11:00:00Z"
    assert lehman not in events_as_of(events, parse_iso("2008-09-15T20:00:00Z"))
    assert lehman in events_as_of(events, parse_iso("2008-09-16T20:00:00Z"), since=parse_iso("2008-09-15"))
    assert [e.release for e in events] == sorted(e.release for e in events)


def test_the_users_own_events(tmp_path: Path) -> None:
    own = tmp_path / "point_in_time" / "events.csv"
    own.parent.mkdir()
    header = "date,time_utc,kind,region,title\n"
    own.write_text(
        header + "2008-09-15,05:45,default,US,Lehman Brothers files for bankruptcy\n2026-01-05,,own,X,Mine\n"
    )
    events = market_events(tmp_path)
    assert [iso(e.release) for e in events if "Lehman" in e.title] == ["2008-09-15T05:45:00Z"]
    assert events[-1].title == "Mine"
    for bad in (
        "date,title\n",
        header + "soon,,a,b,c\n",
        header + "2026-01-05,noon,a,b,c\n",
        header + "2026-01-05,,,b,c\n",
    ):
        own.write_text(bad)
        with pytest.raises(DataError, match=r"events\.csv"):
            market_events(tmp_path)
