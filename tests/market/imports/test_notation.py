"""Dates and numbers as vendors write them: read where a file proves it, asked for where it does not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports import notation
from tuiconsole.market.imports.notation import Numbers, as_numbers, numbers_of
from tuiconsole.market.imports.number_texts import numbers_of_bytes
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import ImportReport, import_bars
from tuiconsole.market.imports.tables import FileReader
from tuiconsole.market.tape import Tape


def _import(folder: Path, text: str, asked: Asked | None = None) -> tuple[ImportReport, Tape]:
    folder.mkdir(exist_ok=True)
    (folder / "A.csv").write_text(text)
    store = HistoryStore(folder / "store", EventClock(parse_iso("2100-01-01")))
    report = import_bars(store, folder / "A.csv", asked or Asked())
    return report, store.tape(None, report.reading.interval)


def _days(tape: Tape) -> list[str]:
    return [iso(int(ts))[:10] for ts in tape.ts]


@pytest.mark.parametrize("between", ["/", ".", "-"])
def test_a_day_above_the_twelfth_tells_what_comes_first(tmp_path: Path, between: str) -> None:
    rows = [("03", "04"), ("13", "05")]
    day = "".join(f"{a}{between}{b}{between}2024,{a}\n" for a, b in rows)
    month = "".join(f"{b}{between}{a}{between}2024,{a}\n" for a, b in rows)
    asked = Asked(interval="1day")
    for k, (text, order) in enumerate(((day, "day-first"), (month, "month-first"))):
        report, tape = _import(tmp_path / str(k), f"date,close\n{text}", asked)
        assert _days(tape) == ["2024-04-03", "2024-05-13"]
        assert report.dates is not None
        assert report.dates.order == order
        assert report.dates.because.endswith("2024 in A.csv")


def test_dates_that_prove_nothing_are_asked_for(tmp_path: Path) -> None:
    text = "date,close\n03/04/2024,1\n04/04/2024,2\n"
    with pytest.raises(DataError, match=r"03/04/2024 may name the month or the day first.*--dates day-first"):
        _import(tmp_path, text)
    assert _days(_import(tmp_path, text, Asked(dates="day-first"))[1]) == ["2024-04-03", "2024-04-04"]
    month = Asked(dates="month-first", interval="1day")
    assert _days(_import(tmp_path / "m", text, month)[1]) == ["2024-03-04", "2024-04-04"]
    with pytest.raises(UsageError, match="--dates is 'day', expected day-first or month-first"):
        _import(tmp_path, text, Asked(dates="day"))


def test_dates_that_contradict_each_other_are_told_with_the_line(tmp_path: Path) -> None:
    sentence = r"A\.csv, line 3: '05/13/2024' is not a time, day first \(13/05/2024 in A\.csv\)"
    with pytest.raises(DataError, match=sentence):
        _import(tmp_path, "date,close\n13/05/2024,1\n05/13/2024,1\n")


@pytest.mark.parametrize(
    ("wrong", "fine", "order"),
    [
        ("30/02/2024", "29/02/2024", "day-first"),
        ("29.02.2023", "28.02.2023", "day-first"),
        ("02/30/2024", "02/29/2024", "month-first"),
        ("11-31-2024", "11-30-2024", "month-first"),
        ("31/4/2024", "30/4/2024", "day-first"),
    ],
)
def test_a_date_that_no_calendar_has_is_refused(tmp_path: Path, wrong: str, fine: str, order: str) -> None:
    for asked in (Asked(interval="1day"), Asked(interval="1day", dates=order)):
        with pytest.raises(
            DataError, match=f"A.csv: {re.escape(wrong)} is no date, {order.replace('-', ' ')}"
        ):
            _import(tmp_path, f"date,close\n{fine},1\n{wrong},1\n", asked)
    assert len(_import(tmp_path / "fine", f"date,close\n{fine},1\n", Asked(interval="1day"))[1]) == 1


@pytest.mark.parametrize("date", ["31/12/24", "0024-12-31", "31.12.24"])
def test_years_of_two_digits_are_told_with_their_line(tmp_path: Path, date: str) -> None:
    with pytest.raises(
        DataError, match=r"A\.csv, (line 2: '31.12.24' is not a time|column date cannot be read)"
    ):
        _import(tmp_path, f"date,close\n{date},1\n")


def test_proof_far_down_a_large_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notation, "_CHUNK", 64)
    text = "date,close\n" + "01/02/2024,1\n" * 40 + "01/31/2024,1\n"
    report, tape = _import(tmp_path, text, Asked(interval="1day"))
    assert report.dates is not None
    assert report.dates.order == "month-first"
    assert _days(tape) == ["2024-01-02", "2024-01-31"]


@pytest.mark.parametrize(
    "rows",
    [
        "ts,close\n05/13/2024 9:30 AM,1\n05/13/2024 12:00 PM,2\n05/13/2024 01:00:00 pm,3\n",
        "date,time,close\n13.05.2024,9:30 AM,1\n13.05.2024,12:00 PM,2\n13.05.2024,01:00 pm,3\n",
        "date,time,close\n2024-05-13,09:30AM,1\n2024-05-13,12:00PM,2\n2024-05-13,01:00PM,3\n",
    ],
)
def test_clocks_with_am_and_pm(tmp_path: Path, rows: str) -> None:
    asked = Asked(interval="1min", timezone="America/New_York", label="end")
    _, tape = _import(tmp_path, rows, asked)
    assert [iso(int(ts))[11:16] for ts in tape.ts] == ["13:30", "16:00", "17:00"]


def test_a_clock_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="column time cannot be read as times: it holds '29:31 AM' as a time of day"
    ):
        _import(tmp_path, "date,time,close\n2024-05-13,29:31 AM,1\n", Asked(timezone="UTC"))


@pytest.mark.parametrize(
    ("text", "close", "volume"),
    [
        (
            'date,close,volume\n2024-05-13,1.5,"1,234,567"\n2024-05-14,"1,002.25",7\n',
            [1.5, 1002.25],
            [1234567, 7],
        ),
        (
            "date;close;volume\n2024-05-13;1,5;1.234.567\n2024-05-14;1.002,25;7\n",
            [1.5, 1002.25],
            [1234567, 7],
        ),
        ("date;close;volume\n13.05.2024;1,5;12\n14.05.2024;2,25;7\n", [1.5, 2.25], [12, 7]),
        ("date,close,volume\n2024-05-13,$1.5,1 234\n2024-05-14,$2.25,7\n", [1.5, 2.25], [1234, 7]),
        ("date,close,volume\n2024-05-13,1'002.5,NA\n2024-05-14,2.25,\n", [1002.5, 2.25], [np.nan, np.nan]),
    ],
)
def test_numbers_as_people_write_them(
    tmp_path: Path, text: str, close: list[float], volume: list[float]
) -> None:
    _, tape = _import(tmp_path, text)
    assert tape.volume is not None
    np.testing.assert_array_equal(tape.close[:, 0], close)
    np.testing.assert_array_equal(tape.volume[:, 0], volume)


def test_a_comma_that_proves_nothing_is_asked_for(tmp_path: Path) -> None:
    text = "date;close\n2024-05-13;1,234\n2024-05-14;1,235\n"
    with pytest.raises(DataError, match=r"the comma in 1,234 may be for decimals or between thousands"):
        _import(tmp_path, text)
    assert _import(tmp_path / "c", text, Asked(decimal=","))[1].close[:, 0].tolist() == [1.234, 1.235]
    assert _import(tmp_path / "p", text, Asked(decimal="."))[1].close[:, 0].tolist() == [1234.0, 1235.0]
    with pytest.raises(UsageError, match="expected a point or a comma"):
        _import(tmp_path, text, Asked(decimal="x"))
    with pytest.raises(DataError, match=r"writes decimals in two ways: 1\.5 and 1,25"):
        _import(tmp_path, "date;close;volume\n2024-05-13;1,25;1.5\n")
    with pytest.raises(DataError, match=r"A\.csv, line 2: close '1,23,4' is not a number\. Correct it"):
        _import(tmp_path, 'date,close\n2024-05-13,"1,23,4"\n', Asked(decimal="."))


def test_thousands_that_come_late_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows of a file, and the first file of a folder, need not show how all numbers are written."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "A.csv").write_text("date,close,volume\n2024-05-13,1.5,9\n")
    (folder / "B.csv").write_text('date,close,volume\n2024-05-13,1.5,"1,009"\n')
    store = HistoryStore(tmp_path / "store", EventClock(parse_iso("2100-01-01")))
    import_bars(store, folder, Asked())
    volume = store.tape(None, "1day").volume
    assert volume is not None
    assert volume.tolist() == [[9.0, 1009.0]]
    text = "date,symbol,close,volume\n" + "".join(f"2024-05-13,S{k},1.5,9\n" for k in range(2_500))
    (tmp_path / "C.csv").write_text(text + '2024-05-13,LAST,1.5,"1,009"\n')
    with pytest.raises(DataError, match=r"line 2502: volume '1,009' is not a number\. Add --decimal"):
        list(FileReader(100).parts(tmp_path / "C.csv"))
    parts = list(FileReader(100, decimal=".").parts(tmp_path / "C.csv"))
    assert len(parts) > 1
    assert parts[-1].table.column("volume").to_pylist()[-1] == 1009.0


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("1,234.5", 1234.5),
        ("-1,234,567", -1234567.0),
        ("$12", 12.0),
        ("", None),
        ("1e3", 1000.0),
        ("1,23", "refused"),
        ("1234,567", "refused"),
        (",123", "refused"),
        ("1,2345", "refused"),
        ("1.5,123", "refused"),
        ("1.2.3", "refused"),
        ("1,234,56", "refused"),
        ("one", "refused"),
        (" 7", 7.0),
        ("1\u00a0234", "refused"),
        ("NA", None),
    ],
)
@pytest.mark.parametrize("around", [[], ["5", "6,000"], [""]])
def test_a_cell_is_a_number_or_refused(cell: str, found: float | str | None, around: list[str]) -> None:
    """Whatever stands beside it, and whether bytes or the regular expression decide."""
    column = pa.chunked_array([[*around, cell, *around]])
    numbers = Numbers(".", ",")
    if found == "refused":
        with pytest.raises(pa.ArrowInvalid):
            as_numbers(column, numbers)
    else:
        assert as_numbers(column, numbers).to_pylist()[len(around)] == found


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.text("0123456789.,-+ $", max_size=9), min_size=1, max_size=4))
def test_bytes_prove_only_what_the_regular_expression_accepts(cells: list[str]) -> None:
    numbers = Numbers(".", ",")
    proven = numbers_of_bytes(pa.chunked_array([cells]), ".", ",", "$")
    if proven is None:
        return
    for cell, value in zip(cells, proven.to_pylist(), strict=True):
        plain = cell.replace("$", "")
        if plain:
            assert re.fullmatch(notation._shape(numbers), plain)
            assert value == float(plain.replace(",", ""))
        else:
            assert value is None


_STYLES = [Numbers(".", ","), Numbers(",", "."), Numbers(".", " "), Numbers(",", "\u00a0"), Numbers(".", "'")]


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.decimals(0, 10**9, places=2).map(float), min_size=1, max_size=20),
    st.sampled_from(_STYLES),
)
def test_every_notation_reads_back(values: list[float], style: Numbers) -> None:
    written = [
        f"{value:,.2f}".replace(",", "_").replace(".", style.decimal).replace("_", style.parting)
        for value in values
    ]
    found = numbers_of("a.csv", [*written, f"1{style.parting}000{style.decimal}25"])
    assert found == style
    assert as_numbers(pa.chunked_array([written]), found).to_pylist() == values
