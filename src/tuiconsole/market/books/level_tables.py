"""Order books as tables: rows of LOBSTER, snapshots and changes in CSV files.

Known CSV layouts: one row for each snapshot (``asks[0].price, asks[0].amount, bids[0].price, …``), one row for each changed
level (``is_snapshot, side, price, amount``, times in microseconds), the same with Binance's numbers (``first_update_id,
last_update_id, side, update_type, price, qty, pu``, times in milliseconds), and trades (``id, side, price, amount``).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from tuiconsole.domain.books import BookEvent, BookScale, Level
from tuiconsole.domain.errors import DataError, MalformedBook
from tuiconsole.domain.order_book import Ladder
from tuiconsole.market.books.binance import BinanceFeed
from tuiconsole.market.books.rebuilding import BookFeed, RebuiltBook, Trust

_SIDES = {"buy": 1, "sell": -1}
_LOBSTER_SCALE = BookScale(4, 0)
_NS_PER_SECOND_DIGITS = 9
_NEW, _PARTIAL_CANCEL, _DELETE, _EXECUTED, _HIDDEN = 1, 2, 3, 4, 5

_UNREADABLE = (
    MalformedBook,
    AttributeError,
    LookupError,
    OSError,
    OverflowError,
    TypeError,
    ValueError,
    csv.Error,
)
"""What a row can do wrong: missing, short, of another type, too large, not a number."""

Row = Mapping[str, str]


class TableFeed(BookFeed):
    """Books of tables; there are no messages to read."""

    least_scale = BookScale(8, 8)

    def __init__(self, name: str = "table") -> None:
        super().__init__()
        self.name = name

    def _read(self, ts: int, payload: str | bytes) -> list[BookEvent]:
        raise MalformedBook("A table of levels has no messages.")

    def show(self, ts: int, book: RebuiltBook, bids: list[Level], asks: list[Level]) -> BookEvent:
        """The visible levels are these now: the first time as a snapshot, later as what changed."""
        if book.trust is Trust.WAITING:
            return book.adopt(ts, bids, asks)
        return book.advance(ts, changes(book.book.bids, bids), changes(book.book.asks, asks))


def changes(before: Ladder, after: Iterable[Level]) -> list[Level]:
    """What makes ``after`` of ``before``: changed and new levels with their sizes, those gone with 0."""
    wanted = dict(after)
    gone = [(price, 0) for price in before.sizes if price not in wanted]
    return gone + [level for level in wanted.items() if before.sizes.get(level[0]) != level[1]]


def csv_books(path: Path) -> tuple[BookFeed, Iterator[BookEvent]]:
    """The feed of a CSV file and what it says, event by event.

    Raises
    ------
    DataError
        The file cannot be read or has none of the known layouts; while events are taken, a row that cannot be.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            names = set(next(csv.reader(file), ()))
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read: {error}.") from error
    if "update_type" in names:
        binance = BinanceFeed()
        return binance, _checked(path, _numbered(binance, path))
    feed = TableFeed()
    if "asks[0].price" in names:
        return feed, _checked(path, _snapshots(feed, path))
    if "is_snapshot" in names:
        return feed, _checked(path, _levels(feed, path))
    if {"id", "side", "price", "amount"} <= names:
        return feed, _checked(path, _trades(feed, path))
    raise DataError(
        f"{path.name} is no table of an order book that is known.", "See docs/data.md, Order books."
    )


def _checked(path: Path, events: Iterator[BookEvent]) -> Iterator[BookEvent]:
    """Whatever is wrong with a row is told as :class:`DataError`."""
    try:
        yield from events
    except _UNREADABLE as error:
        raise DataError(f"{path.name} has a row that cannot be read: {error}.") from error


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _snapshots(feed: TableFeed, path: Path) -> Iterator[BookEvent]:
    for row in _rows(path):
        sides: dict[str, list[tuple[str, str]]] = {"bids": [], "asks": []}
        for side, levels in sides.items():
            for place in range(len(row)):
                price = row.get(f"{side}[{place}].price")
                if not price:
                    break
                levels.append((price, row[f"{side}[{place}].amount"]))
        book = feed.book(row["symbol"])
        yield feed.show(_microseconds(row), book, *book.levels(sides["bids"], sides["asks"]))


def _levels(feed: TableFeed, path: Path) -> Iterator[BookEvent]:
    for (_, symbol), group in groupby(_rows(path), lambda row: (row["local_timestamp"], row["symbol"])):
        rows = list(group)
        book = feed.book(symbol)
        whole = rows[0]["is_snapshot"] == "true"
        bids, asks = book.levels(_side(rows, "bid"), _side(rows, "ask"))
        if whole:
            yield book.adopt(_microseconds(rows[0]), bids, asks)
        elif book.live:
            yield book.advance(_microseconds(rows[0]), bids, asks)


def _side(rows: list[dict[str, str]], side: str) -> list[tuple[str, str]]:
    return [(row["price"], row["amount"]) for row in rows if row["side"] == side]


def _trades(feed: TableFeed, path: Path) -> Iterator[BookEvent]:
    for row in _rows(path):
        side = _SIDES.get(row["side"], 0)
        yield feed.book(row["symbol"]).trade(_microseconds(row), row["price"], row["amount"], side)


def _microseconds(row: Row) -> int:
    return int(row["local_timestamp"]) * 1_000


def _numbered(feed: BinanceFeed, path: Path) -> Iterator[BookEvent]:
    """Rows with Binance's numbers are written as its messages, so that one code keeps its rules."""
    for _, group in groupby(
        _rows(path), lambda row: (row["symbol"], row["update_type"], row["last_update_id"])
    ):
        rows = list(group)
        first = rows[0]
        bids, asks = (
            [(row["price"], row["qty"]) for row in rows if row["side"] == side] for side in ("b", "a")
        )
        last = int(first["last_update_id"])
        message: dict[str, Any] = {"lastUpdateId": last, "bids": bids, "asks": asks, "s": first["symbol"]}
        if first["update_type"] != "snap":
            message = {"e": "depthUpdate", "s": first["symbol"], "b": bids, "a": asks}
            message |= {"U": int(first["first_update_id"]), "u": last}
            message |= {"pu": int(first["pu"])} if int(first["pu"]) >= 0 else {}
        yield from feed.read(int(first["timestamp"]) * 1_000_000, msgspec.json.encode(message))


def lobster_books(path: Path, midnight: int = 0) -> tuple[BookFeed, Iterator[BookEvent]]:
    """Rows of LOBSTER in Parquet: the message and the visible levels after it, side by side.

    Parameters
    ----------
    midnight
        The day's midnight at the exchange in ns UTC: LOBSTER's times are seconds after it.

    Returns
    -------
    The feed, and events: the visible levels as they change, and executions as trades. For each message at a visible price
    it is checked that the level changed by just its size (``Counts.checked`` and ``mismatched``).

    References
    ----------
    Huang and Polak, "LOBSTER: Limit Order Book Reconstruction System" (2011).
    """
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataError(f"{path.name} cannot be read as Parquet: {str(error).splitlines()[0]}.") from error
    missing = {"symbol", "seconds", "type", "size", "price", "direction", "ask_px_1"} - set(
        table.column_names
    )
    if missing:
        raise DataError(f"{path.name} has no column {min(missing)}.", "LOBSTER's rows have it.")
    feed = TableFeed("LOBSTER")
    return feed, _checked(path, _lobster(feed, table, midnight))


def _lobster(feed: TableFeed, table: Any, midnight: int) -> Iterator[BookEvent]:
    depth = sum(name.startswith("ask_px_") for name in table.column_names)
    for row in table.to_pylist():
        book = feed.books.get(row["symbol"])
        if book is None:
            book = feed.books[row["symbol"]] = RebuiltBook(row["symbol"], _LOBSTER_SCALE)
        ts = midnight + round(row["seconds"] * 10**_NS_PER_SECOND_DIGITS)
        bids, asks = (
            [
                (row[f"{side}_px_{place}"], row[f"{side}_sz_{place}"])
                for place in range(1, depth + 1)
                if row[f"{side}_sz_{place}"] > 0 and row[f"{side}_px_{place}"] > 0
            ]
            for side in ("bid", "ask")
        )
        if book.live:
            _agree(book, row, dict(bids if row["direction"] > 0 else asks))
        if row["type"] in (_EXECUTED, _HIDDEN):
            texts = f"{row['price'] // 10**4}.{row['price'] % 10**4:04d}", str(row["size"])
            yield book.trade(ts, *texts, -int(row["direction"]))
        yield feed.show(ts, book, bids, asks)


def _agree(book: RebuiltBook, row: Mapping[str, Any], after: dict[int, int]) -> None:
    """Whether the level that the message names changed by its size."""
    ladder = book.book.side(row["direction"])
    price, size = row["price"], row["size"]
    sign = {_NEW: 1, _PARTIAL_CANCEL: -1, _DELETE: -1, _EXECUTED: -1}.get(row["type"], 0)
    if not sign or price * ladder.side < ladder.worst * ladder.side or price not in {*ladder.sizes, *after}:
        return
    book.counts.checked += 1
    book.counts.mismatched += after.get(price, 0) - ladder.sizes.get(price, 0) != sign * size
