"""The layouts people have are recognised, and their times mean what they say."""

from __future__ import annotations

import gzip
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market.calendar import exchange_close
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.layout import recognise
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import ImportReport, import_bars
from tuiconsole.market.imports.tables import FileReader
from tuiconsole.market.tape import Tape

_DAILY = "ts,symbol,open,high,low,close,volume\n2024-07-02,B,1,2,1,2,10\n2024-07-03,B,2,3,2,3,11\n2024-07-02,A,5,6,5,6,\n"
_DETECT = Asked()


def _import(
    folder: Path,
    text: str | bytes,
    name: str = "prices.csv",
    asked: Asked = _DETECT,
    adjusted: bool | None = None,
) -> tuple[ImportReport, Tape]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    store = HistoryStore(folder / "store", EventClock(parse_iso("2100-01-01")))
    report = import_bars(store, path, asked, adjusted)
    return report, store.tape(None, report.reading.interval)


def _times(tape: Tape) -> list[str]:
    return [iso(int(ts)) for ts in tape.ts]


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        (_DAILY, "prices.csv", "file"),
        (gzip.compress(_DAILY.encode(), mtime=0), "prices.csv.gz", "file"),
        (_DAILY.replace(",", ";").replace("ts;symbol", "Date;Ticker"), "prices.csv", "file"),
        (_DAILY.replace(",", "\t"), "prices.txt", "file"),
        ("\ufeff" + _DAILY.replace("\n", "\r\n"), "prices.csv", "file"),
        (
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\n"
            "B.US,D,20240702,000000,1,2,1,2,10,0\nB.US,D,20240703,000000,2,3,2,3,11,0\nA.US,D,20240702,000000,5,6,5,6,,0\n",
            "daily.txt",
            "stooq",
        ),
        (
            "symbol,timestamp,open,high,low,close,volume,trade_count,vwap\n"
            "B,2024-07-02 04:00:00+00:00,1,2,1,2,10,5,1.5\nB,2024-07-03 04:00:00+00:00,2,3,2,3,11,5,1.5\n"
            "A,2024-07-02 04:00:00+00:00,5,6,5,6,,5,1.5\n",
            "alpaca.csv",
            "alpaca",
        ),
        (
            "S,t,o,h,l,c,v,n,vw\nB,2024-07-02T04:00:00Z,1,2,1,2,10,5,1\nB,2024-07-03T04:00:00Z,2,3,2,3,11,5,1\n"
            "A,2024-07-02T04:00:00Z,5,6,5,6,,5,1\n",
            "bars.csv",
            "alpaca",
        ),
        (
            "Date,Ticker,Open,High,Low,Close,Volume\n02-Jul-2024,B,1,2,1,2,10\n03-Jul-2024,B,2,3,2,3,11\n02-Jul-2024,A,5,6,5,6,\n",
            "us.csv",
            "file",
        ),
    ],
    ids=[
        "plain",
        "gzip",
        "semicolons",
        "tabs",
        "mark and CRLF",
        "stooq",
        "alpaca sdk",
        "alpaca rest",
        "month in letters",
    ],
)
def test_long_tables_of_days(tmp_path: Path, text: str | bytes, name: str, source: str) -> None:
    """3 July 2024 is a half-day: its bar exists at 13:00 New York time."""
    report, tape = _import(tmp_path, text, name)
    assert report.layout == source
    assert (report.reading.interval, report.reading.label) == ("1day", "session")
    assert report.written.new == 3
    assert tape.universe.symbols == ("A", "B")
    assert _times(tape) == ["2024-07-02T20:00:00Z", "2024-07-03T17:00:00Z"]
    assert tape.volume is not None
    assert tape.high is not None
    np.testing.assert_array_equal(tape.close, [[6, 2], [np.nan, 3]])
    np.testing.assert_array_equal(tape.high, [[6, 2], [np.nan, 3]])
    np.testing.assert_array_equal(tape.volume, [[np.nan, 10], [np.nan, 11]])


def test_a_folder_with_one_file_per_symbol(tmp_path: Path) -> None:
    head = "Date,Open,High,Low,Close,Adj Close,Volume\n"
    folder = tmp_path / "yahoo" / "deep"
    folder.mkdir(parents=True)
    (tmp_path / "yahoo" / "BRK.B.csv").write_text(
        head + "2024-01-02,10,12,9,10,5,100\n2024-01-03,null,null,null,null,null,null\n"
    )
    (folder / "spy_daily.csv").write_text(head + "2024-01-03,20,20,20,20,20,7\n")
    (folder / "none.csv").write_text(head)
    store = HistoryStore(tmp_path / "store", EventClock(parse_iso("2100-01-01")))
    report = import_bars(store, tmp_path / "yahoo", _DETECT, universe="mine")
    assert (report.layout, report.adjusted, report.empty) == ("yahoo", "split", ("none.csv",))
    assert report.symbols == ("BRK.B", "SPY")
    assert report.written.flagged == {"no close": 1}
    assert store.manifest.universes == {"mine": ("BRK.B", "SPY")}
    tape = store.tape(None, "1day")
    np.testing.assert_array_equal(tape.close, [[10, np.nan], [np.nan, 20]])
    again = import_bars(store, tmp_path / "yahoo", _DETECT, adjusted=True)
    assert (again.adjusted, again.written.changed, again.written.same) == ("total", 1, 2)
    assert store.tape(["BRK.B"], "1day").bars(0).high[0] == 6.0


def test_a_wide_table_of_closes(tmp_path: Path) -> None:
    report, tape = _import(tmp_path, "Date,MSFT,AAPL,T\n2024-07-02,2,,7\n2024-07-05,3,1,\n")
    assert (report.written.given, report.written.flagged) == (4, {})
    assert tape.universe.symbols == ("AAPL", "MSFT", "T")
    np.testing.assert_array_equal(tape.close, [[np.nan, 2, 7], [1, 3, np.nan]])


@pytest.mark.parametrize(
    ("text", "adjusted"),
    [
        (
            "Price,Close,Close,High,High,Volume,Volume\nTicker,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT\nDate,,,,,,\n"
            "2024-07-02,5,,6,,10,\n2024-07-03,7,8,7.5,8.5,11,12\n",
            "total",
        ),
        (
            ",AAPL,AAPL,AAPL,AAPL,MSFT,MSFT,MSFT,MSFT\n,High,Close,Adj Close,Volume,High,Close,Adj Close,Volume\nDate,,,,,,,,\n"
            "2024-07-02,6,5,4,10,,,,\n2024-07-03,7.5,7,6,11,8.5,8,8,12\n",
            "split",
        ),
    ],
    ids=["field over ticker", "ticker over field"],
)
def test_two_header_rows(tmp_path: Path, text: str, adjusted: str) -> None:
    report, tape = _import(tmp_path, text)
    assert report.adjusted == adjusted
    assert (report.written.new, report.written.flagged) == (3, {})
    assert tape.universe.symbols == ("AAPL", "MSFT")
    assert tape.high is not None
    np.testing.assert_array_equal(tape.close, [[5, np.nan], [7, 8]])
    np.testing.assert_array_equal(tape.high, [[6, np.nan], [7.5, 8.5]])
    rows = (
        HistoryStore(tmp_path / "store")
        .query("SELECT symbol, row FROM bars_1day ORDER BY symbol, ts")
        .to_pylist()
    )
    assert [(r["symbol"], r["row"]) for r in rows] == [("AAPL", 4), ("AAPL", 5), ("MSFT", 5)]


def test_a_wide_parquet_table(tmp_path: Path) -> None:
    path = tmp_path / "wide.parquet"
    days = pa.array([19_906, 19_909], pa.date32())
    parquet.write_table(pa.table({"AAPL": [1.0, None], "Date": days, "T": [3.0, 4.0]}), path)
    store = HistoryStore(tmp_path / "store", EventClock(parse_iso("2100-01-01")))
    assert import_bars(store, path, _DETECT).written.new == 3
    np.testing.assert_array_equal(store.tape(None, "1day").close, [[1, 3], [np.nan, 4]])


def _session(first: str, last: str, minutes: int = 30, stamp: str = "2024-07-0{day} {time}:00") -> str:
    """Two days of bars with times from ``first`` to ``last`` inclusive."""
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (first, last))
    rows = [
        f"{stamp.format(day=day, time=f'{at // 60:02d}:{at % 60:02d}')},A,{at}"
        for day in (1, 2)
        for at in range(start, end + 1, minutes)
    ]
    return "datetime,symbol,close\n" + "\n".join(rows) + "\n"


@pytest.mark.parametrize(
    ("text", "zone", "label"),
    [
        (_session("09:30", "15:30"), "America/New_York", "start"),
        (_session("10:00", "16:00"), "America/New_York", "end"),
        (_session("00:00", "23:30"), "UTC", "start"),
        (_session("13:30", "19:30", stamp="2024-07-0{day}T{time}:00Z"), "", "start"),
        (_session("14:00", "20:00", stamp="2024-07-0{day}T{time}:00Z"), "", "end"),
        (_session("09:30", "15:30", stamp="2024-07-0{day}T{time}:00-04:00"), "", "start"),
    ],
)
def test_the_label_is_detected_from_the_session(tmp_path: Path, text: str, zone: str, label: str) -> None:
    report, tape = _import(tmp_path, text, asked=Asked(timezone=zone))
    assert (report.reading.interval, report.reading.label) == ("30min", label)
    assert report.reading.label_from == "detected"
    first = {"UTC": "2024-07-01T00:30:00Z"}.get(zone, "2024-07-01T14:00:00Z")
    assert _times(tape)[0] == first


def test_the_surge_at_the_opening_tells_the_label_with_extended_hours(tmp_path: Path) -> None:
    for surge, label in (("09:30", "start"), ("10:00", "end")):
        rows = _session("04:00", "20:00").splitlines()[1:]
        volumes = [f"{row},{900 if row.split(',')[0].endswith(f'{surge}:00') else 100}" for row in rows]
        text = "datetime,symbol,close,volume\n" + "\n".join(volumes) + "\n"
        report, _ = _import(tmp_path / label, text, asked=Asked(timezone="America/New_York"))
        assert report.reading.label == label


def test_a_label_can_be_asked_for(tmp_path: Path) -> None:
    text = _session("09:30", "15:30")
    report, tape = _import(tmp_path, text, asked=Asked(timezone="America/New_York", label="end"))
    assert (report.reading.label, report.reading.label_from) == ("end", "asked")
    assert _times(tape)[0] == "2024-07-01T13:30:00Z"
    (origin,) = HistoryStore(tmp_path / "store").manifest.origins
    assert (origin.provenance.label, origin.provenance.zone) == ("end", "America/New_York")


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_numbers_since_1970_in_any_unit(tmp_path: Path, unit: int) -> None:
    start = 1_719_840_600
    rows = "".join(f"{(start + 60 * k) * unit},BTC,{k + 1}\n" for k in range(3))
    report, tape = _import(tmp_path, f"t,s,c\n{rows}", asked=Asked(label="start"))
    assert report.reading.interval == "1min"
    assert _times(tape) == ["2024-07-01T13:31:00Z", "2024-07-01T13:32:00Z", "2024-07-01T13:33:00Z"]


@pytest.mark.parametrize(
    ("zone", "end"),
    [
        ("", "2024-07-03T17:00:00Z"),
        ("US/Eastern", "2024-07-03T17:00:00Z"),
        ("America/Toronto", "2024-07-03T20:00:00Z"),
        ("Europe/Berlin", "2024-07-03T22:00:00Z"),
        ("UTC", "2024-07-04"),
    ],
)
def test_a_date_ends_at_the_close_or_with_its_day(tmp_path: Path, zone: str, end: str) -> None:
    """3 July 2024: a half-day in New York, a full one in Toronto; elsewhere the close is not known."""
    _, tape = _import(tmp_path, "date,symbol,close\n2024-07-03,A,5\n", asked=Asked(timezone=zone))
    assert _times(tape) == [end]


@pytest.mark.parametrize(
    "date", ["2024-07-02", "20240702", "2024/07/02", "02-Jul-2024", "2024.07.02", "1719878400"]
)
def test_dates_as_people_write_them(tmp_path: Path, date: str) -> None:
    _, tape = _import(tmp_path, f"date,symbol,close\n{date},A,5\n", asked=Asked(interval="1day"))
    assert _times(tape) == ["2024-07-02T20:00:00Z"]


def test_the_best_name_of_a_role_is_taken() -> None:
    layout = recognise("a.csv", ["Name", "Last", "Price", "Ticker", "Close", "Time", "Date", "Sector"])
    assert layout.columns["symbol"] == "Ticker"
    assert layout.columns["close"] == "Close"
    assert layout.ignored == ("Name", "Last", "Price", "Sector")


def test_newest_first_and_date_with_time(tmp_path: Path) -> None:
    text = "<DATE>,<TIME>,<CLOSE>\n20240702,100000,3\n20240702,093100,2\n20240702,093000,1\n"
    report, tape = _import(
        tmp_path, text, "aapl.us.txt", Asked(timezone="America/New_York", label="start", interval="1min")
    )
    assert report.symbols == ("AAPL",)
    assert _times(tape) == ["2024-07-02T13:31:00Z", "2024-07-02T13:32:00Z", "2024-07-02T14:01:00Z"]
    assert tape.close[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_row_numbers_beside_a_date_are_no_times(tmp_path: Path) -> None:
    report, tape = _import(tmp_path, ",Date,Close\n0,2024-07-02,5\n1,2024-07-03,6\n", "A.csv")
    assert _times(tape) == ["2024-07-02T20:00:00Z", "2024-07-03T17:00:00Z"]
    assert report.ignored == ()


def test_slashed_dates_need_a_day_that_tells_what_comes_first(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "A.csv").write_text("date,close\n07/02/2024,5\n07/03/2024,6\n")
    store = HistoryStore(tmp_path / "store")
    with pytest.raises(DataError, match="07/02/2024 may name the month or the day first"):
        import_bars(store, folder, _DETECT)
    assert store.symbols("1day") == ()
    (folder / "B.csv").write_text("date,close\n07/16/2024,5\n07/17/2024,6\n")
    import_bars(store, folder, _DETECT)
    assert _times(store.tape(("A",), "1day")) == ["2024-07-02T20:00:00Z", "2024-07-03T17:00:00Z"]


def test_a_second_row_of_one_time_is_put_aside_with_its_line(tmp_path: Path) -> None:
    report, tape = _import(tmp_path, "date,symbol,close\n2024-07-02,A,5\n2024-07-03,A,6\n2024-07-02,A,7\n")
    assert (report.written.new, report.written.put_aside) == (2, 1)
    assert report.written.flagged == {"contradicts another row of the same time": 1}
    assert tape.close[:, 0].tolist() == [7.0, 6.0]
    rows = HistoryStore(tmp_path / "store").query("SELECT close, row FROM aside_1day").to_pylist()
    assert rows == [{"close": 5.0, "row": 2}]


_WRONG = [
    ("", "p.csv", "is empty"),
    ("date,symbol,close\n", "p.csv", "a header but no rows"),
    ("a,b\n1,2\n", "p.csv", "no column that looks like a time; it has a, b"),
    ("date,symbol,open,high,low\n2024-01-02,A,1,1,1\n", "p.csv", "no column close"),
    (
        "date,symbol,close\n2024-01-02,A,1\n2024-01-03,A,one\n",
        "p.csv",
        r"p\.csv, line 3: close 'one' is not a number",
    ),
    ("date,symbol,close\n2024-01-02,A,1\n2024-01-03,A\n", "p.csv", r"p\.csv, line 3: 2 cells, expected 3"),
    ("date,symbol,close\n2024-01-02,A,1\nsoon,A,1\n", "p.csv", r"p\.csv, line 3: 'soon' is not a time"),
    ("date,symbol,close\n2024-01-02,A,1\n2024-01-03,,1\n", "p.csv", r"p\.csv, line 3: the symbol is empty"),
    ("ts,symbol,close\n2024-01-02 10:00:00,A,1\n2024-01-02 10:01:00,A,1\n", "p.csv", "carry no time zone"),
    (
        "ts,symbol,close\n2024-01-02T10:00:00Z,A,1\n2024-01-02T10:01:00Z,A,1\n",
        "p.csv",
        "--label start or --label end",
    ),
    ("ts,symbol,close\n2024-01-02T10:00:00Z,A,1\n", "p.csv", "one bar alone does not tell"),
    ("date,symbol,close\n2024-01-02,A,1\n2024-01-09,A,1\n2024-01-16,A,1\n", "p.csv", "7 days apart"),
    ("date,close\r2024-01-02,1\r", "A.csv", "ends its lines with a carriage return alone"),
    ("date,close\n2024-01-02,1\n".encode("utf-16"), "A.csv", "is not text in UTF-8"),
    ("date,close\n2024-01-02,1\n", "My prices (final).csv", "its name is no symbol"),
    (
        "ts,close\n2024-01-02T10:00:00Z,1\n2024-01-02T10:01:00,1\n",
        "A.csv",
        "column ts cannot be read as times",
    ),
    (b"\x1f\x8b\x08broken", "p.csv.gz", "not a whole gzip file"),
    (b"PAR1nothing", "p.parquet", "cannot be read as Parquet"),
    ("x", "p.xlsx", "neither CSV nor Parquet"),
]


@pytest.mark.parametrize(("text", "name", "sentence"), _WRONG)
def test_a_mistake_is_one_sentence_and_nothing_is_stored(
    tmp_path: Path, text: str | bytes, name: str, sentence: str
) -> None:
    with pytest.raises(DataError, match=sentence):
        _import(tmp_path, text, name)
    assert HistoryStore(tmp_path / "store").symbols("1day") == ()
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_one_broken_file_of_a_folder_stores_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(5):
        (folder / f"S{n}.csv").write_text("date,close\n2024-01-02,1\n")
    (folder / "S9.csv").write_text("date,close\n2024-01-02,bad\n")
    store = HistoryStore(tmp_path / "store")
    with pytest.raises(DataError, match=r"S9\.csv, line 2: close 'bad'"):
        import_bars(store, folder, _DETECT)
    assert store.symbols("1day") == ()
    with pytest.raises(DataError, match="holds no CSV or Parquet file"):
        import_bars(store, tmp_path / "store", _DETECT)
    with pytest.raises(DataError, match="does not exist"):
        import_bars(store, tmp_path / "gone", _DETECT)


def test_actions_among_the_bars_of_a_folder_are_taken_along(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "A.csv").write_text("date,close\n2024-01-02,40\n2024-01-03,20\n")
    (folder / "splits.csv").write_text("symbol,ex_date,ratio\nA,2024-01-03,2:1\n")
    store = HistoryStore(tmp_path / "store", EventClock(parse_iso("2100-01-01")))
    assert import_bars(store, folder, _DETECT).actions == 1
    assert store.tape(None, "1day").close[:, 0].tolist() == [20.0, 20.0]


@pytest.mark.parametrize("name", ["large.csv", "large.csv.gz", "large.parquet"])
def test_a_large_file_comes_in_parts(tmp_path: Path, name: str) -> None:
    """Rows and their lines are the same as those of the file read as a whole."""
    rows = [
        (f"2024-{m:02d}-{d:02d}", f"S{k}", m * 100 + d + k / 4)
        for k in range(40)
        for m in range(1, 13)
        for d in range(1, 29)
    ]
    path = tmp_path / name
    if name.endswith("parquet"):
        days = np.array([day for day, _, _ in rows], dtype="datetime64[D]")
        table = pa.table({"date": days, "symbol": [s for _, s, _ in rows], "close": [c for *_, c in rows]})
        parquet.write_table(table, path, row_group_size=3_000)
    else:
        text = "date,symbol,close\n" + "".join(f"{day},{symbol},{close}\n" for day, symbol, close in rows)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    whole, small = (list(FileReader(n).parts(path)) for n in (2_000_000, 1_000))
    assert len(whole) == 1
    assert len(small) > 5
    assert [part.first_row for part in small] == np.cumsum(
        [0, *(len(part.table) for part in small[:-1])]
    ).tolist()
    assert small[-1].bytes_read == path.stat().st_size
    for column in ("ts", "close"):
        joined = pa.concat_tables([part.table.select([column]) for part in small])
        assert joined.column(column).to_pylist() == whole[0].table.column(column).to_pylist()


_SYMBOLS = st.sampled_from(["A", "BRK.B", "NA", "TRUE", "1", "RY.X", "^GSPC"])
_CLOSES = st.floats(0.0001, 1e7, allow_subnormal=False)


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.tuples(st.integers(10_000, 20_000), _SYMBOLS),
        st.tuples(_CLOSES, st.integers(0, 10**12)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([",", ";", "\t"]),
    st.randoms(use_true_random=False),
)
def test_what_a_file_says_is_what_the_tape_says(
    tmp_path_factory: pytest.TempPathFactory,
    rows: dict[tuple[int, str], tuple[float, int]],
    delimiter: str,
    shuffle: Random,
) -> None:
    """Any rows in any order and with any delimiter: the tape has exactly these closes and volumes, at the session's close."""
    columns = ["Date", "Symbol", "Close", "Volume"]
    shuffle.shuffle(columns)
    items = list(rows.items())
    shuffle.shuffle(items)
    lines = [delimiter.join(columns)]
    for (day, symbol), (close, volume) in items:
        cells = {
            "Date": str(np.datetime64(day, "D")),
            "Symbol": symbol,
            "Close": repr(close),
            "Volume": str(volume),
        }
        lines.append(delimiter.join(cells[column] for column in columns))
    folder = tmp_path_factory.mktemp("import")
    report, tape = _import(folder, "\n".join(lines) + "\n", asked=Asked(interval="1day"))
    assert report.written.new == len(rows)
    assert tape.volume is not None
    found = {
        (int(day), name): (tape.close[i, k], tape.volume[i, k])
        for i, day in enumerate(tape.sessions)
        for k, name in enumerate(tape.universe.symbols)
        if not np.isnan(tape.close[i, k])
    }
    assert found == rows
    np.testing.assert_array_equal(tape.ts, exchange_close(tape.sessions))
