"""One CSV or Parquet file as a tape; every way a file can be bad is one sentence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market.tabular import read_tape
from tuiconsole.market.tape import Tape

_HEADER = "ts,symbol,open,high,low,close,volume\n"
_GOOD = (
    _HEADER
    + "2024-01-02,B,1,3,0.5,2,100\n"
    + "2024-01-02,A,10,11,9,10.5,\n"
    + "2024-01-03,B,2,3,1.5,nan,50\n"
    + "2024-01-04,A,10,11,9,-1,7\n"
)


def _write(folder: Path, text: str, name: str = "prices.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def _parquet(folder: Path, **columns: Any) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = folder / "prices.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    return path


def test_rows_become_columns(tmp_path: Path) -> None:
    """Alphabetical columns, NaN where absent, bad prices kept, sessions available at the New York close."""
    tape = read_tape(_write(tmp_path, _GOOD))
    assert (tape.name, tape.source, tape.universe.symbols) == ("prices", "prices.csv", ("A", "B"))
    assert [iso(int(ts)) for ts in tape.ts] == [
        "2024-01-02T21:00:00Z",
        "2024-01-03T21:00:00Z",
        "2024-01-04T21:00:00Z",
    ]
    np.testing.assert_array_equal(tape.close, [[10.5, 2.0], [np.nan, np.nan], [-1.0, np.nan]])
    np.testing.assert_array_equal(tape.volume, [[np.nan, 100.0], [np.nan, 50.0], [7.0, np.nan]])
    np.testing.assert_array_equal(tape.low, [[9.0, 0.5], [np.nan, 1.5], [9.0, np.nan]])
    assert tape.has_ranges
    assert tape.notes == ()
    assert str(tmp_path) not in repr(tape)


def test_layout_format_and_compression_do_not_matter(tmp_path: Path) -> None:
    """Sorted by time, one block per symbol, gzip, Parquet, with a byte-order mark: one digest."""
    head, *lines = _GOOD.splitlines()
    blocks = "\n".join([head, *sorted(lines, key=lambda line: (line.split(",")[1], line))]) + "\n"
    packed = tmp_path / "prices.csv.gz"
    packed.write_bytes(gzip.compress(_GOOD.encode()))
    table = _parquet(
        tmp_path,
        ts=np.array(["2024-01-02", "2024-01-02", "2024-01-03", "2024-01-04"], dtype="datetime64[us]"),
        symbol=["B", "A", "B", "A"],
        open=[1, 10, 2, 10],
        high=[3.0, 11.0, 3.0, 11.0],
        low=[0.5, 9.0, 1.5, 9.0],
        close=[2.0, 10.5, None, -1.0],
        volume=[100.0, None, 50.0, 7.0],
    )
    paths = [
        _write(tmp_path, _GOOD, "a.csv"),
        _write(tmp_path, blocks, "b.csv"),
        _write(tmp_path, "\ufeff" + _GOOD.replace("\n", "\r\n"), "c.csv"),
        _write(tmp_path, _GOOD.replace("ts,symbol", "TS, Symbol").replace("4,A,", "4,A,"), "d.csv"),
        packed,
        table,
    ]
    assert len({read_tape(path).digest for path in paths}) == 1


def test_close_alone_is_enough_and_other_columns_are_noted(tmp_path: Path) -> None:
    """Close-only tapes have no ranges; what is not used is told."""
    tape = read_tape(_write(tmp_path, "symbol,venue,close,ts,adj_close\nNA,X,5,2024-01-02,4\n"))
    assert tape.universe.symbols == ("NA",)
    assert tape.open is tape.high is tape.low is tape.volume is None
    assert tape.notes == ("prices.csv: columns not used: venue, adj_close.",)


def test_negative_volume_is_unknown(tmp_path: Path) -> None:
    """It is not a number of shares; the trader is told."""
    tape = read_tape(_write(tmp_path, "ts,symbol,close,volume\n2024-01-02,A,5,-1\n2024-01-03,A,5,0\n"))
    np.testing.assert_array_equal(tape.volume, [[np.nan], [0.0]])
    assert tape.notes == ("prices.csv: 1 negative volumes are taken as unknown.",)


@pytest.mark.parametrize(
    ("stamp", "timezone", "bar_seconds", "available"),
    [
        ("2024-07-03", "", 0, "2024-07-03T17:00:00Z"),
        ("2024-07-05", "America/New_York", 300, "2024-07-05T20:00:00Z"),
        ("2024-07-05", "UTC", 0, "2024-07-06"),
        ("2024-07-05T14:30:00Z", "", 0, "2024-07-05T14:30:00Z"),
        ("2024-07-05T14:30:00+02:00", "America/New_York", 300, "2024-07-05T12:35:00Z"),
        ("2024-07-05 09:30:00", "America/New_York", 60, "2024-07-05T13:31:00Z"),
        ("2024-01-05 09:30", "America/New_York", 0, "2024-01-05T14:30:00Z"),
        ("2024-07-05T00:00:00Z", "America/New_York", 0, "2024-07-05"),
    ],
)
def test_when_a_bar_is_available(
    tmp_path: Path, stamp: str, timezone: str, bar_seconds: int, available: str
) -> None:
    """Dates, zoned and wall-clock timestamps, starts of bars."""
    tape = read_tape(_write(tmp_path, f"ts,symbol,close\n{stamp},A,5\n"), timezone, bar_seconds)
    assert iso(int(tape.ts[0])) == available


_ROW = "2024-01-02,A,1,1,1,1,1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"^prices\.csv is empty\."),
        ("\n\n", r"^prices\.csv is empty\."),
        (_HEADER, r"has a header but no rows\."),
        ("ts,symbol,open\n2024-01-02,A,1\n", r"has no column close; it has ts, symbol, open\. Expected ts,"),
        ("a;b\n1;2\n", r"has no column ts and no column symbol and no column close; it has a;b"),
        ("ts,symbol,close,close\n2024-01-02,A,1,1\n", r"has the column close 2 times"),
        (_HEADER + _ROW + "2024-01-03,A,1,1\n", r"prices\.csv, line 3: 4 cells, expected 7\."),
        (_HEADER + _ROW + "\n2024-01-03,A,1,1,1,1,1,1\n", r"line 4: 8 cells, expected 7\."),
        (_HEADER + _ROW + "2024-01-03,A,1,1,1,12x,1\n", r"line 3: close '12x' is not a number\."),
        (_HEADER + _ROW + "2024-01-03,A,1,1,1,1,many\n", r"line 3: volume 'many' is not a number\."),
        (_HEADER + _ROW + "2024-02-30,A,1,1,1,1,1\n", r"line 3: '2024-02-30' is not a timestamp\."),
        (_HEADER + "03/01/2024,A,1,1,1,1,1\n", r"line 2: '03/01/2024' is not a timestamp\. Write it as"),
        (_HEADER + "1704200000,A,1,1,1,1,1\n", r"line 2: '1704200000' is not a timestamp\."),
        (_HEADER + _ROW + ",A,1,1,1,1,1\n", r"line 3: ts is empty\."),
        (_HEADER + _ROW + "2024-01-03,,1,1,1,1,1\n", r"line 3: symbol '' is not a printable word\."),
        (_HEADER + _ROW + "2024-01-03,A B,1,1,1,1,1\n", r"line 3: symbol 'A B' is not a printable word\."),
        (
            _HEADER + "2024-01-03,A,1,1,1,1,1\n\n" + _ROW,
            r"line 4: time goes back from 2024-01-03 to 2024-01-02 \(A\)\. Sort the file by ts, or by symbol",
        ),
        (
            _HEADER + "2024-01-03,A,1,1,1,1,1\n2024-01-02,B,1,1,1,1,1\n2024-01-01,B,1,1,1,1,1\n",
            r"line 4: time goes back from 2024-01-02 to 2024-01-01 \(B\)\.",
        ),
        (
            _HEADER + _ROW + "2024-01-02,B,1,1,1,1,1\n" + _ROW,
            r"line 4: a second row for A at 2024-01-02\. Keep one row",
        ),
        (
            _HEADER + "2024-01-02T10:00:00Z,A,1,1,1,1,1\n2024-01-02T11:00:00,A,1,1,1,1,1\n",
            r"line 3: some timestamps carry a time zone and some do not\.",
        ),
        (
            _HEADER + "2024-01-02T10:00:00,A,1,1,1,1,1\n",
            r"timestamps carry no time zone, so they could mean any hour\. Set feed\.timezone",
        ),
        (_HEADER + "2024-01-02,\udcff\udcfe,1,1,1,1,1\n", r"is not text in UTF-8\."),
    ],
)
def test_bad_csv_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    """What is wrong, where, and what to do; never a path, never a traceback."""
    with pytest.raises(DataError, match=message) as caught:
        read_tape(_write(tmp_path, text))
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.exit_code == 2


def test_bad_line_far_into_a_large_file(tmp_path: Path) -> None:
    """A fault after the reader has fixed its types is still found by line."""
    day = np.datetime64("1900-01-01")
    lines = [f"{day + i},A,1,1,1,1,1" for i in range(60_000)]
    lines[55_000] = lines[55_000].replace(",1,1,1,1,1", ",1,1,1,one,1")
    with pytest.raises(DataError, match=r"line 55002: close 'one' is not a number"):
        read_tape(_write(tmp_path, _HEADER + "\n".join(lines) + "\n"))


def test_wall_clock_hour_that_never_was(tmp_path: Path) -> None:
    """Times inside the skipped hour of spring would run backwards: refused."""
    text = "ts,symbol,close\n2024-03-10T02:59:00,A,1\n2024-03-10T03:00:00,A,1\n"
    with pytest.raises(DataError, match="times of bars must increase"):
        read_tape(_write(tmp_path, text), "America/New_York")


def test_missing_folder_and_unknown_files(tmp_path: Path) -> None:
    """The file that the trader named is named back."""
    with pytest.raises(DataError, match=r"gone\.csv does not exist\. Check feed\.path"):
        read_tape(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="is not a file"):
        read_tape(tmp_path)
    with pytest.raises(DataError, match=r"prices\.xlsx is neither CSV nor Parquet"):
        read_tape(_write(tmp_path, _GOOD, "prices.xlsx"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.parquet", b"", r"p\.parquet is empty"),
        ("p.parquet", b"not parquet at all, really", r"p\.parquet cannot be read as Parquet"),
        (
            "p.csv.gz",
            gzip.compress(_GOOD.encode() * 50, mtime=0)[:100],
            r"p\.csv\.gz is not a whole gzip file",
        ),
        ("p.csv.gz", _GOOD.encode(), r"p\.csv\.gz is not a whole gzip file"),
    ],
)
def test_broken_containers(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Truncated or mislabelled files."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_tape(path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"symbol": ["A"], "close": [1.0]}, r"has no column ts; it has symbol, close"),
        ({"ts": ["2024"], "symbol": ["A"], "close": [1.0]}, r"ts holds string, expected timestamps or dates"),
        (
            {"ts": np.array(["2024-01-02"], dtype="datetime64[s]"), "symbol": ["A"], "close": ["x"]},
            r"close holds string, expected numbers",
        ),
        (
            {
                "ts": np.array(["2024-01-02"] * 2, dtype="datetime64[s]"),
                "symbol": ["A", None],
                "close": [1.0, 1.0],
            },
            r"row 2: symbol is empty",
        ),
        (
            {
                "ts": np.array(["2024-01-02"] * 2, dtype="datetime64[s]"),
                "symbol": ["A", "A"],
                "close": [1.0, 1.0],
            },
            r"row 2: a second row for A at 2024-01-02",
        ),
        (
            {"ts": np.array(["2024-01-02", "2024-01-01"], dtype="datetime64[s]"), "symbol": ["A", "A"]}
            | {"close": [1.0, 1.0]},
            r"row 2: time goes back",
        ),
        (
            {
                "ts": np.array([], dtype="datetime64[s]"),
                "symbol": np.array([], dtype=str),
                "close": np.array([], float),
            },
            r"has a header but no rows",
        ),
    ],
)
def test_bad_parquet_is_one_sentence(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    """Columns, types, order, duplicates."""
    with pytest.raises(DataError, match=message):
        read_tape(_parquet(tmp_path, **columns))


def test_a_million_rows_of_parquet(tmp_path: Path) -> None:
    """200 symbols over 5,000 bars, every value in its place."""
    ts = np.repeat(np.arange(5_000) * 60_000_000_000, 200).astype("datetime64[ns]")
    names = np.tile(np.array([f"S{i:03d}" for i in range(200)]), 5_000)
    close = np.random.default_rng(3).uniform(1.0, 2.0, 1_000_000)
    path = _parquet(
        tmp_path, ts=ts, symbol=names, close=close, open=close, high=close, low=close, volume=close
    )
    tape = read_tape(path, "UTC")
    assert np.array_equal(tape.close.ravel(), close)


@given(
    st.sets(st.tuples(st.integers(0, 30), st.sampled_from(["A", "B", "C"])), min_size=1, max_size=40),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_pivot_keeps_every_value(
    tmp_path_factory: pytest.TempPathFactory, keys: set[Any], blocks: bool
) -> None:
    """Each row lands in its cell, and there is nothing else on the tape."""
    order = sorted(keys, key=(lambda key: (key[1], key[0])) if blocks else None)
    value = {key: 1.0 + i for i, key in enumerate(order)}
    lines = [f"{np.datetime64('2024-01-01') + day},{symbol},{value[day, symbol]}" for day, symbol in order]
    path = _write(tmp_path_factory.mktemp("pivot"), "ts,symbol,close\n" + "\n".join(lines) + "\n")
    tape: Tape = read_tape(path, "UTC")
    days = sorted({day for day, _ in keys})
    symbols = sorted({symbol for _, symbol in keys})
    assert tape.universe.symbols == tuple(symbols)
    expected = [[value.get((day, symbol), np.nan) for symbol in symbols] for day in days]
    np.testing.assert_array_equal(tape.close, expected)
