"""CSV files into the history store, and stored days as a tape; beside pandas on the same files."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines import folder
from benchmarks.markets import synthetic
from benchmarks.rows import MeasurementFailed, Row
from tuiconsole.domain.clock import WallClock
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import import_bars
from tuiconsole.market.tape import Tape

ROWS_PER_S = 1_000_000.0
LOAD_S = 1.0
YEARS_10 = 2_520
_COLUMNS = "Date,Open,High,Low,Close,Volume"
_FIELDS = ("open", "high", "low", "close", "volume")
_CLOCK = WallClock()


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    symbols, repeats = (100, 2) if quick else (500, 5)
    tape = synthetic(symbols, YEARS_10)
    n = symbols * YEARS_10
    with folder() as place:
        files = write_files(tape, place / "files")
        whole = write_whole(tape, place / "whole.csv")
        stores = iter(HistoryStore(place / f"store-{k}") for k in range(3 * repeats + 1))
        many, many_cpu, kept = _fastest(repeats, lambda: _imported(next(stores), place / "files", n))
        pandas_many, _, _ = _fastest(repeats, lambda: _kept_by_pandas(files, place))
        one, one_cpu, _ = _fastest(repeats, lambda: _imported(next(stores), whole, n))
        pandas_one, _, _ = _fastest(repeats, lambda: _kept_by_pandas([whole], place))
        again, _, _ = _fastest(repeats, lambda: import_bars(kept, place / "files", Asked()))
        load, _, loaded = _fastest(repeats, lambda: kept.tape(None, "1day"))
        if not np.array_equal(loaded.close, tape.close):
            raise MeasurementFailed("the tape that was loaded is not the one that was written")
        frame = _read_pandas(whole)
        frame.to_parquet(place / "whole.parquet")
        pivot, _, _ = _fastest(repeats, lambda: _pivoted_by_pandas(place / "whole.parquet"))
    against = "pandas: read_csv, concat, to_parquet; unchecked"
    return [
        _rate(f"import, {symbols} CSV files of 10 years", n, many, many_cpu, pandas_many, against),
        _rate(f"import, one CSV file of {n / 1e6:.2f} million rows", n, one, one_cpu, pandas_one, against),
        Row("the same import again, nothing new", n / again, "rows/s", note=f"{again:.2f} s"),
        Row(
            f"10 years x {symbols} symbols of days as a tape",
            load,
            "s",
            budget=LOAD_S,
            ratio=load / pivot,
            against="pandas: read_parquet and a pivot per column",
        ),
    ]


def _rate(what: str, n: int, seconds: float, processor: float, peer: float, against: str) -> Row:
    note = f"{n / processor:,.0f} per second of processor time"
    return Row(what, n / seconds, "rows/s", ROWS_PER_S, True, peer / seconds, against, note)


def _fastest(repeats: int, work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Least seconds of wall time and of processor time over some repeats, and the last answer."""
    wall = processor = float("inf")
    answer = None
    for _ in range(repeats):
        gc.collect()
        began, used = _CLOCK.monotonic_ns(), time.process_time()
        answer = work()
        wall = min(wall, (_CLOCK.monotonic_ns() - began) / 1e9)
        processor = min(processor, time.process_time() - used)
    return wall, processor, answer


def _imported(store: HistoryStore, path: Path, n: int) -> HistoryStore:
    report = import_bars(store, path, Asked())
    if report.written.new != n:
        raise MeasurementFailed(f"{report.written.new} of {n} rows were stored")
    return store


def _read_pandas(path: Path) -> Any:
    import pandas

    return pandas.read_csv(path, parse_dates=["Date"])


def _kept_by_pandas(files: list[Path], place: Path) -> None:
    import pandas

    frames = [_read_pandas(file) for file in files]
    pandas.concat(frames).to_parquet(place / "pandas.parquet")


def _pivoted_by_pandas(path: Path) -> list[Any]:
    import pandas

    frame = pandas.read_parquet(path)
    return [frame.pivot(index="Date", columns="Symbol", values=name.title()).to_numpy() for name in _FIELDS]


def write_files(tape: Tape, place: Path) -> list[Path]:
    """One CSV file per symbol."""
    place.mkdir()
    dates = np.datetime_as_string(tape.ts.astype("datetime64[ns]").astype("datetime64[D]"))
    files = []
    for column, symbol in enumerate(tape.universe.symbols):
        lines = [
            f"{day},{close},{close},{close},{close},{10_000_000 + row}"
            for row, (day, close) in enumerate(zip(dates, tape.close[:, column].tolist(), strict=True))
        ]
        files.append(place / f"{symbol}.csv")
        files[-1].write_text("\n".join((_COLUMNS, *lines, "")), encoding="ascii")
    return files


def write_whole(tape: Tape, path: Path) -> Path:
    """One long CSV file, a block per symbol."""
    dates = np.datetime_as_string(tape.ts.astype("datetime64[ns]").astype("datetime64[D]"))
    with path.open("w", encoding="ascii") as file:
        file.write(f"Symbol,{_COLUMNS}\n")
        for column, symbol in enumerate(tape.universe.symbols):
            closes = tape.close[:, column].tolist()
            file.writelines(
                f"{symbol},{day},{close},{close},{close},{close},10000000\n"
                for day, close in zip(dates, closes, strict=True)
            )
    return path
