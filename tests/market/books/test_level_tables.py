"""Tables of books: LOBSTER's messages against its levels, CSV snapshots and changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.market.books.messages import SAMPLES, sample
from tuiconsole.domain.books import DepthUpdate, TradePrint
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.order_book import OrderBook
from tuiconsole.domain.rng import generator
from tuiconsole.market.books.level_tables import changes, csv_books, lobster_books
from tuiconsole.market.books.rebuilding import Trust

UNIT = 10**8


def _lobster() -> Path:
    path = SAMPLES.parent / "lob_lobster_aapl_10lvl.parquet"
    if not path.is_file():
        pytest.skip("the LOBSTER sample is not beside the repository")
    return path


def test_every_lobster_message_agrees_with_the_levels() -> None:
    feed, events = lobster_books(_lobster(), midnight=10**18)
    beside, trades, hidden = OrderBook(), [], 0
    import pyarrow.parquet as pq

    rows = iter(pq.read_table(_lobster()).to_pylist())
    for event in events:
        if isinstance(event, TradePrint):
            trades.append(event)
            continue
        assert isinstance(event, DepthUpdate)
        beside.apply(event)
        row = next(rows)
        hidden += row["type"] == 5
        assert list(beside.bids.levels()) == [(row[f"bid_px_{k}"], row[f"bid_sz_{k}"]) for k in range(1, 11)]
        assert list(beside.asks.levels()) == [(row[f"ask_px_{k}"], row[f"ask_sz_{k}"]) for k in range(1, 11)]
        assert event.ts == 10**18 + round(row["seconds"] * 1e9)
    book = feed.books["AAPL"]
    assert (book.counts.checked, book.counts.mismatched, book.counts.crossed) == (937, 0, 0)
    assert (len(trades), hidden) == (159, 61)
    assert {trade.side for trade in trades} == {1, -1}


def test_what_changed_between_two_views() -> None:
    book = OrderBook()
    book.replace([], [(5, 1), (6, 2), (7, 3)])
    found = changes(book.asks, [(4, 9), (6, 2), (7, 1)])
    assert sorted(found) == [(4, 9), (5, 0), (7, 1)]


@pytest.mark.parametrize(("levels", "asked"), [(5, 116.5708), (25, 116.5708)])
def test_snapshots_of_a_csv_file(levels: int, asked: float) -> None:
    feed, events = csv_books(sample(f"l2_csv/binance-futures_book_snapshot_{levels}_BTCUSDT.csv"))
    found = list(events)
    book = feed.books["BTCUSDT"]
    assert [event.snapshot for event in found] == [True, *[False] * 9]
    assert found[0].ts == 1598918403810979000
    assert len(book.book.bids) == len(book.book.asks) == levels
    assert book.book.asks.best == round(asked * 100 * UNIT)


def test_levels_trades_and_numbered_rows_of_csv_files() -> None:
    feed, events = csv_books(sample("l2_csv/deribit_incremental_book_L2_BTC-PERPETUAL.csv"))
    assert len(list(events)) == 1
    assert len(feed.books["BTC-PERPETUAL"].book.asks) == 15
    _, events = csv_books(sample("l2_csv/bitmex_trades_XBTUSD.csv"))
    trades = list(events)
    assert (trades[0].price, trades[0].size, trades[0].side) == (853_150_000_000, 2152 * UNIT, -1)
    feed, events = csv_books(sample("l2_csv/btcusdt-depth-snap.csv"))
    assert len(list(events)) == 1
    assert feed.books["BTCUSDT"].book.bids.best == 2037700
    feed, events = csv_books(sample("l2_csv/btcusdt-depth-update.csv"))
    assert list(events) == []
    assert feed.books["BTCUSDT"].trust is Trust.WAITING


def test_a_snapshot_and_later_changes_that_do_not_belong_together_break_off(tmp_path: Path) -> None:
    snap = sample("l2_csv/btcusdt-depth-snap.csv").read_text(encoding="utf-8")
    later = sample("l2_csv/btcusdt-depth-update.csv").read_text(encoding="utf-8").partition("\n")[2]
    path = tmp_path / "both.csv"
    path.write_text(snap.rstrip("\n") + "\n" + later, encoding="utf-8")
    feed, events = csv_books(path)
    assert [type(event).__name__ for event in events] == ["DepthUpdate", "BookBroken"]
    assert feed.books["BTCUSDT"].counts.gaps == 1


_SOUND = (
    "symbol,timestamp,local_timestamp,asks[0].price,asks[0].amount,bids[0].price,bids[0].amount\nX,1,1,2.5,1,2.4,3\nX,2,2,2.5,2,,\n",
    "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\ne,X,1,1,true,ask,1.5,2\ne,X,2,2,false,bid,1.4,1\n",
    "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\ne,X,1,1,a,sell,1.5,2\n",
    "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\nX,1,5,5,b,snap,1.50,1.0,-1\n"
    "X,2,6,7,a,set,1.60,2.0,5\n",
)


def test_hostile_tables_are_read_or_refused_with_one_error(tmp_path: Path) -> None:
    random, path, refused = generator(4, "hostile tables"), tmp_path / "x.csv", 0
    pieces = ['"', "\n", ",,", "-1", "9" * 40, "nan", "\x00", "é", "1e5", "true,", "X,1"]
    for _ in range(400):
        text = _SOUND[int(random.integers(len(_SOUND)))]
        for _ in range(int(random.integers(0, 4))):
            at, gone = int(random.integers(len(text) + 1)), int(random.integers(0, 9))
            text = text[:at] + pieces[int(random.integers(len(pieces)))] + text[at + gone :]
        path.write_bytes(text.encode()[: int(random.integers(len(text) // 2, len(text) + 1))])
        try:
            list(csv_books(path)[1])
        except DataError:
            refused += 1
    assert 100 < refused < 390


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no table"),
        ("a,b\n1,2\n", "no table"),
        ("symbol,local_timestamp,asks[0].price,asks[0].amount\nX,1,abc,1\n", "cannot be read"),
        ("symbol,local_timestamp,is_snapshot,side,price,amount\nX,z,true,ask,1,1\n", "cannot be read"),
        ("symbol,local_timestamp,asks[0].price\nX,1,1.5\n", "cannot be read"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        list(csv_books(path)[1])
    with pytest.raises(DataError):
        lobster_books(path)
