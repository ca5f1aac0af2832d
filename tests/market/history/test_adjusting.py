"""Raw prices are adjusted when they are read, each instrument by its own actions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, EventClock, parse_iso
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.actions import OPEN_END, Action, TickerSpan
from tuiconsole.market.history.records import Adjustment, Provenance
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.actions import read_actions_file
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import import_bars
from tuiconsole.market.tape import Tape

_SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
_D0 = 10_000


def _store(tmp_path: Path, prices: dict[str, list[float]], adjusted: Adjustment = "raw") -> HistoryStore:
    """Daily bars at 20:00 UTC from day 10,000."""
    store = HistoryStore(tmp_path, EventClock(parse_iso("2100-01-01")))
    ts = [(_D0 + d) * NANOSECONDS_PER_DAY + 72 * 10**12 for row in prices.values() for d in range(len(row))]
    symbol = [name for name, row in prices.items() for _ in row]
    close = [value for row in prices.values() for value in row]
    table = pa.table({"ts": ts, "symbol": symbol, "close": close, "volume": [100.0] * len(ts)})
    store.write("1day", table, Provenance("test", adjusted=adjusted))
    return store


def _actions(store: HistoryStore, *actions: Action) -> tuple[int, int, int]:
    with store.transaction() as transaction:
        return transaction.add_actions(actions)


def test_splits_dividends_and_raw(tmp_path: Path) -> None:
    store = _store(tmp_path, {"A": [40.0, 40.0, 19.0], "B": [7.0, 7.0, 7.0]})
    split = Action("A", _D0 + 2, "split", 2.0, None, 50)
    dividend = Action("A", _D0 + 1, "dividend", 4.0, None, 20)
    assert _actions(store, split, dividend) == (2, 0, 0)
    assert _actions(store, split, dividend) == (0, 0, 2)
    raw, adjusted = store.tape(None, "1day", adjusted=False), store.tape(None, "1day")
    np.testing.assert_array_equal(raw.close[:, 0], [40, 40, 19])
    np.testing.assert_allclose(adjusted.close[:, 0], [20, 20, 19])
    np.testing.assert_array_equal(adjusted.close[:, 1], [7, 7, 7])
    assert adjusted.volume is not None
    np.testing.assert_allclose(adjusted.volume[:, 0], [200, 200, 100])
    np.testing.assert_allclose(store.tape(["A"], "1day", dividends=True).close[:, 0], [18, 20, 19])
    np.testing.assert_allclose(store.tape(["A"], "1day", known_at=30).close[:, 0], [40, 40, 19])
    assert raw.digest != adjusted.digest
    assert _actions(store, Action("A", _D0 + 2, "split", 4.0, None, 50)) == (0, 1, 0)
    np.testing.assert_allclose(store.tape(["A"], "1day").close[:, 0], [10, 10, 19])


@pytest.mark.parametrize(("kind", "expected"), [("split", [18.0, 20.0, 19.0]), ("total", [20.0, 20.0, 19.0])])
def test_what_a_source_has_adjusted_is_not_adjusted_again(
    tmp_path: Path, kind: Adjustment, expected: list[float]
) -> None:
    """A dividend of 4 on a raw close of 40, where the source already halved prices for a later split."""
    store = _store(tmp_path, {"A": [20.0, 20.0, 19.0]}, kind)
    _actions(
        store, Action("A", _D0 + 2, "split", 2.0, None, 0), Action("A", _D0 + 1, "dividend", 4.0, None, 0)
    )
    np.testing.assert_allclose(store.tape(None, "1day").close[:, 0], [20, 20, 19])
    np.testing.assert_allclose(store.tape(None, "1day", dividends=True).close[:, 0], expected)


def test_tickers_become_instruments(tmp_path: Path) -> None:
    store = _store(
        tmp_path, {"NEW": [np.nan, np.nan, np.nan, 4.0], "OLD": [1.0, 2.0, 3.0], "FB": [5.0, 6.0, 7.0, 8.0]}
    )
    with store.transaction() as transaction:
        transaction.add_tickers(
            [
                TickerSpan("X", "OLD", 0, _D0 + 2),
                TickerSpan("X", "NEW", _D0 + 3, OPEN_END),
                TickerSpan("FB", "FB", _D0 + 2, OPEN_END),
            ]
        )
    tape = store.tape(None, "1day")
    other = f"FB.until-{np.datetime64(_D0 + 1, 'D')}"
    assert tape.universe.symbols == ("FB", other, f"NEW.until-{np.datetime64(_D0 + 2, 'D')}", "X")
    np.testing.assert_array_equal(tape.close[:, 3], [1, 2, 3, 4])
    np.testing.assert_array_equal(tape.close[:, 0], [np.nan, np.nan, 7, 8])
    np.testing.assert_array_equal(tape.close[:, 1], [5, 6, np.nan, np.nan])
    assert store.tape(["OLD"], "1day").universe.symbols == ("X",)
    np.testing.assert_array_equal(store.tape(["OLD"], "1day").close[:, 0], [1, 2, 3, 4])
    assert store.tape([other], "1day").close[:, 0].tolist() == [5.0, 6.0]
    assert store.symbols("1day") == ("FB", "NEW", "OLD")


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (
            "symbol,ex_date,new_rate,old_rate,cash\nA,2014-06-09,7,1,\nA,2014-08-07,,,0.47\n",
            "actions.csv",
            [("A", "2014-06-09", "split", 7.0), ("A", "2014-08-07", "dividend", 0.47)],
        ),
        (
            "Date,Dividends,Stock Splits\n2014-05-08,0.47,0\n2014-06-09,0,7.0\n2014-08-07,0.11,0\n",
            "AAPL_actions.csv",
            [
                ("AAPL", "2014-05-08", "dividend", 3.29),
                ("AAPL", "2014-06-09", "split", 7.0),
                ("AAPL", "2014-08-07", "dividend", 0.11),
            ],
        ),
        ("ticker,date,ratio\nAIG,2009-07-01,1:20\n", "splits.csv", [("AIG", "2009-07-01", "split", 0.05)]),
        (
            "symbol,date,price_factor,split_factor,reference_price\n"
            "A,20140102,0.9,0.142857,1\nA,20140606,0.9,0.142857,700\nA,20140806,0.9,1,95\nA,20501231,1,1,0\n",
            "factors.csv",
            [("A", "2014-06-09", "split", 7.0), ("A", "2014-08-07", "dividend", 9.5)],
        ),
    ],
)
def test_files_of_actions(
    tmp_path: Path, text: str, name: str, expected: list[tuple[str, str, str, float]]
) -> None:
    path = tmp_path / name
    path.write_text(text)
    actions, spans = read_actions_file(path)
    found = [(a.symbol, str(np.datetime64(a.ex_day, "D")), a.kind, pytest.approx(a.value)) for a in actions]
    assert sorted(found, key=lambda a: a[1]) == expected
    assert spans == ()
    assert all(a.known == parse_iso(f"{np.datetime64(a.ex_day, 'D')}T04:00:00Z") for a in actions)


def test_mistakes_in_actions_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for text, sentence in (
        ("symbol,ex_date,ratio\nA,soon,2\n", r"a\.csv, line 2: 'soon' is not a date"),
        ("symbol,ex_date,ratio\nA,2020-01-02,two\n", r"line 2: 'two' is not a number"),
        ("symbol,ex_date,ratio\nA,2020-01-02,1:0\n", r"line 2: '0' must be above zero"),
        ("symbol,ex_date,cash\nA,2020-01-02,-1\n", r"line 2: '-1' is no amount"),
        ("symbol,ex_date,cash\nA,2020-01-02\n", r"line 2: 2 cells, expected 3"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=sentence):
            read_actions_file(path)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> HistoryStore:
    """16 names raw, with their factors and tickers."""
    names = ("us_daily_raw_1998_2020.parquet", "corporate_actions_factors.csv", "ticker_map.csv")
    for name in names:
        if not (_SHARED / name).is_file():
            pytest.skip(f"real data file {name} is not beside the repository")
    store = HistoryStore(tmp_path_factory.mktemp("history"), EventClock(parse_iso("2100-01-01")))
    import_bars(store, _SHARED / names[0], Asked())
    for name in names[1:]:
        actions, spans = read_actions_file(_SHARED / name)
        with store.transaction() as transaction:
            transaction.add_actions(actions)
            transaction.add_tickers(spans)
    return store


def _returns(tape: Tape, symbol: str) -> FloatArray:
    close = tape.close[:, tape.universe.column(symbol)]
    return np.diff(np.log(close[~np.isnan(close)]))


def test_real_splits_become_ordinary_days(real: HistoryStore) -> None:
    """AAPL 2:1, 2:1, 7:1, 4:1; AIG 1:20; BAC, GOOGL, IBM, IWM, QQQ 2:1."""
    splits = {
        name: [action.value for action in actions if action.kind == "split"]
        for name, actions in real.actions().items()
    }
    assert splits["AAPL"] == [2.0, 2.0, 7.0, 4.0]
    assert splits["AIG"] == [1.5, 1.25, 1.5, 0.05]
    raw, adjusted = real.tape(None, "1day", adjusted=False), real.tape(None, "1day")
    for name, day in (
        ("AAPL", "2014-06-09"),
        ("AAPL", "2020-08-31"),
        ("AIG", "2009-07-01"),
        ("IBM", "1999-05-27"),
    ):
        at, column = raw.index_from(parse_iso(day)), raw.universe.column(name)
        jump, ordinary = (np.log(t.close[at, column] / t.close[at - 1, column]) for t in (raw, adjusted))
        assert abs(jump) > 0.65
        assert abs(ordinary) < 0.25 if name == "AIG" else abs(ordinary) < 0.05
    for name in ("AAPL", "GOOG", "GOOGL", "IBM", "IWM", "SPY"):
        worst = np.sort(np.abs(_returns(adjusted, name)))
        assert worst[-1] < {"AAPL": 0.75, "GOOGL": 0.35}.get(name, 0.22)


def test_real_tickers_are_the_right_companies(real: HistoryStore) -> None:
    tape = real.tape(None, "1day")
    spans = {}
    for i, name in enumerate(tape.universe.symbols):
        held = np.flatnonzero(~np.isnan(tape.close[:, i]))
        spans[name] = tuple(str(np.datetime64(int(tape.ts[k]), "ns"))[:10] for k in (held[0], held[-1]))
    assert spans["FB.1"] == ("1999-09-29", "2003-03-28")
    assert spans["FB"] == ("2012-05-18", "2020-12-31")
    assert spans["WM"] == ("1998-01-02", "2020-12-31")
    assert spans["WM.until-2009-08-04"] == ("1998-12-09", "2008-09-26")
    assert spans["GOOGL"] == ("2004-08-19", "2020-12-31")
    assert spans["GOOG"] == ("2014-03-27", "2020-12-31")
    assert np.abs(_returns(tape, "WM")).max() < 0.5
    assert real.tape(["WMI"], "1day").universe.symbols == ("WM",)
    assert real.tape(["QQQQ"], "1day").universe.symbols == ("QQQ",)


def test_adjusted_prices_agree_with_another_source(real: HistoryStore) -> None:
    """Returns of AAPL, AIG and BAC for splits and in total, against Yahoo's closes; those are of another print before 2010."""
    from pyarrow import compute, parquet

    path = _SHARED / "us_daily_ohlcv.parquet"
    if not path.is_file():
        pytest.skip("real data file us_daily_ohlcv.parquet is not beside the repository")
    tapes = {"close": real.tape(None, "1day"), "adj_close": real.tape(None, "1day", dividends=True)}
    for name in ("AAPL", "AIG", "BAC"):
        table = parquet.read_table(path, filters=compute.field("symbol") == name)
        days = table.column("ts").to_numpy().astype("datetime64[D]")
        for column, tape in tapes.items():
            own = tape.close[:, tape.universe.column(name)]
            mine = dict(
                zip((tape.ts - 1).astype("datetime64[ns]").astype("datetime64[D]").tolist(), own, strict=True)
            )
            pair = np.array(
                [
                    (mine.get(day, np.nan), value)
                    for day, value in zip(days.tolist(), table.column(column).to_numpy(), strict=True)
                ]
            )
            pair = pair[~np.isnan(pair).any(axis=1)]
            assert len(pair) > 5_000
            mine_log, yahoo_log = np.log(pair).T
            gap = np.abs(np.diff(mine_log) - np.diff(yahoo_log))
            assert np.median(gap) < 4e-4, (name, column)
            assert abs((mine_log[-1] - mine_log[0]) - (yahoo_log[-1] - yahoo_log[0])) < 0.02, (name, column)
            if name == "AAPL":
                assert np.sort(gap)[-3] < 0.014, column
