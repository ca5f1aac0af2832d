"""Files of ticks: bars with quotes in the store and on its tapes; real ones against their vendor's own minutes."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from tuiconsole.domain.clock import EventClock, parse_iso
from tuiconsole.domain.errors import DataError
from tuiconsole.market.history.coarsening import coarsen
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.ticks import import_ticks

SECOND = 1_000_000_000
OPEN = parse_iso("2025-11-26T14:30:00Z")
_FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def _file(folder: Path, **columns: Any) -> Path:
    n = len(columns["ts"])
    ts = pa.array(columns.pop("ts"), pa.timestamp("ns", tz="UTC"))
    table = pa.table({"ts": ts, "symbol": ["AAA"] * n, **columns})
    path = folder / "ticks.parquet"
    parquet.write_table(table, path)
    return path


def test_a_side_of_nothing_is_no_update_and_quotes_stay_in_the_store(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "history", EventClock(parse_iso("2100-01-01")))
    path = _file(
        tmp_path,
        ts=[OPEN + s * SECOND for s in (0, 1, 2, 3, 6, 8, 61)],
        price=[None, None, 10.0, 99.0, 10.2, None, 10.1],
        size=[None, None, 5.0, 5.0, 7.0, None, 1.0],
        bid=[9.9, 0.0, None, None, None, 9.8, None],
        ask=[0.0, 10.1, None, None, None, 0.0, None],
        suspicious=[0, 0, 0, 1, 0, 0, 0],
    )
    report = import_ticks(store, path, "5s")
    assert (report.trades, report.quotes, report.left_out, report.symbols) == (3, 3, 1, ("AAA",))
    assert (report.written.new, import_ticks(store, path, "5s").written.same) == (2, 2)
    tape = store.tape(None, "5s")
    assert tape.bid is not None
    assert tape.ask is not None
    assert tape.buy_volume is not None
    assert (tape.bid_depth, tape.high is None) == (None, False)
    assert tape.bid[:, 0].tolist() == [9.9, 9.8]
    assert tape.ask[:, 0].tolist() == [10.1, 10.1]
    assert np.array_equal(
        tape.buy_volume[:, 0], [np.nan, 7.0], equal_nan=True
    )  # the first: at the midpoint, nothing before
    assert tape.bars(1).quotes is not None
    plain = {"ts": [OPEN + 15 * SECOND], "symbol": ["BBB"], "close": [3.0]}
    store.write("5s", pa.table(plain), Provenance("file"))
    both = store.tape(None, "5s")
    assert both.bid is not None
    assert np.array_equal(both.bid[:, 0], [9.9, 9.8, np.nan], equal_nan=True)
    assert np.isnan(both.bid[:, 1]).all()
    for day in range(1, 12):  # pieces are joined, and quotes go along
        row = {"ts": [OPEN + (600 + day) * SECOND], "symbol": ["BBB"], "close": [3.0]}
        store.write("5s", pa.table(row), Provenance("file"))
    later = store.tape(None, "5s")
    assert later.bid is not None
    assert later.bid[:2, 0].tolist() == [9.9, 9.8]
    assert coarsen(store, "10s", "5s").written.new > 0
    ten = store.tape(["AAA"], "10s")
    assert ten.bid is not None
    assert (ten.bid[0, 0], ten.close[0, 0]) == (9.8, 10.2)


def test_a_file_that_holds_no_ticks_is_refused(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "history", EventClock(parse_iso("2100-01-01")))
    path = _file(tmp_path, ts=[OPEN], price=[None], size=[None], bid=[9.0])
    table = parquet.read_table(path)
    with pytest.raises(DataError, match="holds no trade"):
        import_ticks(store, _file(tmp_path, ts=[OPEN], price=[0.0], size=[1.0]), "1min")
    parquet.write_table(table.drop_columns("size"), path)
    with pytest.raises(DataError, match="no column size"):
        import_ticks(store, path, "1min")
    with pytest.raises(DataError, match="is not a file"):
        import_ticks(store, tmp_path, "1min")
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        import_ticks(store, tmp_path / "x.parquet", "1min")


def test_real_ticks_make_the_vendors_minutes(tmp_path: Path) -> None:
    names = ("us_ticks_lean.parquet", "us_1min_lean_trades.parquet", "us_1min_lean_nbbo.parquet")
    if not all((_FOLDER / name).is_file() for name in names):
        pytest.skip("the real ticks of IBM are not beside the repository")
    store = HistoryStore(tmp_path, EventClock(parse_iso("2100-01-01")))
    report = import_ticks(store, _FOLDER / names[0], "1min")
    assert (report.trades, report.quotes, report.left_out) == (308_275, 234_815, 2)
    tape = store.tape(["IBM"], "1min")
    assert tape.bid is not None
    assert tape.ask is not None
    assert tape.volume is not None
    trades, quotes = (parquet.read_table(_FOLDER / name).to_pandas() for name in names[1:])
    trades, quotes = trades[trades.symbol == "IBM"], quotes[quotes.symbol == "IBM"]
    ends = quotes.ts.astype("datetime64[ns, UTC]").astype("int64").to_numpy() + 60 * SECOND
    common, ours, theirs = np.intersect1d(tape.ts, ends, return_indices=True)
    assert len(common) == 849
    assert np.array_equal(tape.bid[ours, 0], quotes.bid_close.to_numpy()[theirs])
    assert np.array_equal(tape.ask[ours, 0], quotes.ask_close.to_numpy()[theirs])
    assert not (tape.bid > tape.ask).any()
    ends = trades.ts.astype("datetime64[ns, UTC]").astype("int64").to_numpy() + 60 * SECOND
    common, ours, theirs = np.intersect1d(tape.ts, ends, return_indices=True)
    assert len(common) == 877
    assert float(np.mean(tape.volume[ours, 0] == trades.volume.to_numpy()[theirs])) > 0.99
    assert float(np.mean(np.abs(tape.close[ours, 0] / trades.close.to_numpy()[theirs] - 1.0) < 1e-9)) > 0.8


def _many(n: int, seed: int) -> dict[str, Any]:
    """Trades and one-sided quotes of two symbols over some minutes, in the order of a clock that stutters."""
    rng = np.random.default_rng(seed)
    ts = OPEN + np.sort(rng.integers(0, 900, n)) * SECOND
    trade = rng.random(n) < 0.5
    side = rng.random(n) < 0.5
    price = 10.0 + np.round(rng.normal(0.0, 0.1, n), 2)
    return {
        "ts": pa.array(ts, pa.timestamp("ns", tz="UTC")),
        "symbol": np.where(rng.random(n) < 0.3, "BBB", "AAA"),
        "price": np.where(trade, price, 0.0),
        "size": np.where(trade, rng.integers(1, 500, n), 0).astype(np.float64),
        "bid": np.where(~trade & side, price - 0.02, 0.0),
        "ask": np.where(~trade & ~side, price + 0.02, 0.0),
    }


@pytest.mark.parametrize("order", ["time", "symbol", "newest first", "trades first"])
@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz"])
def test_batches_make_the_same_bars_whatever_the_order_of_the_file(
    tmp_path: Path, order: str, ending: str
) -> None:
    table = pa.table(_many(900, 3))
    if order == "symbol":
        table = table.take(pa.array(np.argsort(table.column("symbol").to_pylist(), kind="stable")))
    elif order == "newest first":
        table = table.take(pa.array(np.argsort(-table.column("ts").cast("int64").to_numpy(), kind="stable")))
    elif order == "trades first":
        table = table.take(pa.array(np.argsort(table.column("price").to_numpy() == 0.0, kind="stable")))
    path = tmp_path / f"ticks.{ending}"
    if ending == "parquet":
        parquet.write_table(table, path, row_group_size=64)
    else:
        from pyarrow import csv

        with pa.output_stream(str(path), compression="gzip" if ending == "csv.gz" else None) as sink:
            csv.write_csv(table, sink)
    clock = EventClock(parse_iso("2100-01-01"))
    tapes = []
    for rows in (50, 10_000):
        store = HistoryStore(tmp_path / f"h{rows}", clock)
        report = import_ticks(store, path, "5s", rows)
        assert report.trades + report.quotes == 900
        tapes.append(store.tape(None, "5s"))
    assert len(tapes[0]) > 100
    assert tapes[0].digest == tapes[1].digest


def test_a_large_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    n, rows = 400_000, 8_192
    rng = np.random.default_rng(1)
    path = tmp_path / "large.parquet"
    columns = {
        "ts": pa.array(OPEN + np.arange(n) * (SECOND // 20), pa.timestamp("ns", tz="UTC")),
        "symbol": pa.array(np.full(n, "AAA")).dictionary_encode(),
        "price": 10.0 + rng.normal(0.0, 0.1, n),
        "size": np.full(n, 100.0),
    }
    parquet.write_table(pa.table(columns), path, row_group_size=rows)
    store = HistoryStore(tmp_path / "history", EventClock(parse_iso("2100-01-01")))
    import_ticks(
        store, _file(tmp_path, ts=[OPEN, OPEN + SECOND * 99], price=[1.0, 1.0], size=[1.0, 1.0]), "1min"
    )
    tracemalloc.start()
    report = import_ticks(store, path, "1min", rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.trades == n
    assert report.written.given > 300
    assert peak < 12 * 8 * n / 4  # a quarter of the ticks' own arrays


def test_two_spellings_in_one_file_are_refused(tmp_path: Path) -> None:
    rows = {"ts": pa.array([OPEN] * 2, pa.timestamp("ns", tz="UTC")), "price": [1.0, 1.0], "size": [1.0, 1.0]}
    path = tmp_path / "two.parquet"
    parquet.write_table(pa.table({**rows, "symbol": ["BRK-B", "BRK.B"]}), path)
    with pytest.raises(DataError, match=r"BRK-B and BRK\.B are two spellings of BRK\.B"):
        import_ticks(HistoryStore(tmp_path / "history"), path, "1min")
