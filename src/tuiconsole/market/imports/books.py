"""Recorded order books: checked as they are rebuilt, and made into bars with quotes and depth in the history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.books import BookEvent
from tuiconsole.domain.errors import DataError
from tuiconsole.market.books.bars import BookBars
from tuiconsole.market.books.level_tables import csv_books, lobster_books
from tuiconsole.market.books.rebuilding import BookFeed, RebuiltBook
from tuiconsole.market.books.recorded import feed_of, played
from tuiconsole.market.books.statistics import SpreadStatistics
from tuiconsole.market.history.records import Provenance, WriteReport
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.interval_grid import interval_grid
from tuiconsole.market.intervals import canonical_interval, interval_seconds
from tuiconsole.market.ticks import BAR_COLUMNS
from tuiconsole.market.universes.instruments import calendar_of
from tuiconsole.market.vendor_symbols import house_symbol

_QUOTES = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "USD")
_KRAKEN_NAMES = {"XBT": "BTC", "XDG": "DOGE"}


@dataclass(frozen=True, slots=True)
class BookReport:
    """What a recorded stream holds of one symbol: the rebuilt book with its counts, and its spread."""

    symbol: str
    rebuilt: RebuiltBook
    spread: SpreadStatistics


@dataclass(frozen=True, slots=True)
class BooksReport:
    """What was read, and what was stored of it.

    Attributes
    ----------
    malformed
        Messages that could not be read.
    sound
        No gap, nothing crossed, no wrong checksum, nothing malformed, and every book known at the end that had changes.
    written
        None when nothing was to be stored.
    """

    exchange: str
    malformed: int
    books: tuple[BookReport, ...]
    written: WriteReport | None

    @property
    def sound(self) -> bool:
        """Whether everything fitted."""
        counts = [one.rebuilt.counts for one in self.books]
        wrong = sum(count.gaps + count.crossed + count.mismatched for count in counts)
        return (
            not wrong
            and not self.malformed
            and all(one.rebuilt.live or not one.rebuilt.counts.unplaced for one in self.books)
        )


def house_pair(symbol: str) -> str:
    """An exchange's pair as the house writes it.

    >>> house_pair("BTCUSDT"), house_pair("ADA/XBT"), house_pair("SKL-USD")
    ('BTC-USDT', 'ADA-BTC', 'SKL-USD')
    """
    word = symbol.upper()
    if "/" in word:
        return house_symbol("-".join(_KRAKEN_NAMES.get(part, part) for part in word.split("/")))
    if "-" not in word:
        quote = next((one for one in _QUOTES if word.endswith(one) and len(word) > len(one) + 1), "")
        word = f"{word[: -len(quote)]}-{quote}" if quote else word
    return house_symbol(word)


def open_books(paths: Sequence[Path], midnight: int = 0) -> tuple[BookFeed, Iterable[BookEvent]]:
    """The feed of recorded files, and its events: messages of an exchange, or one table of levels (CSV, LOBSTER's Parquet).

    Raises
    ------
    DataError
        The files hold nothing that is known; while events are taken, a file that cannot be read on.
    """
    suffixes = {path.suffix for path in paths}
    if suffixes & {".csv", ".parquet"} and len(paths) > 1:
        raise DataError("Tables of levels are read one at a time.", "Name one CSV or Parquet file.")
    if ".csv" in suffixes:
        return csv_books(paths[0])
    if ".parquet" in suffixes:
        return lobster_books(paths[0], midnight)
    feed = feed_of(paths)
    return feed, played(feed, paths)


def import_books(
    store: HistoryStore | None, paths: Sequence[Path], interval: str, levels: int, midnight: int = 0
) -> BooksReport:
    """Rebuild the books of recorded files and store bars of ``interval``; intervals not over at the last event are left out.

    Parameters
    ----------
    store
        None: only look.
    levels
        Levels of each side whose sizes are a bar's depth.
    midnight
        Of LOBSTER's day, ns UTC.
    """
    name = canonical_interval(interval)
    seconds = interval_seconds(name)
    feed, events = open_books(paths, midnight)
    spreads: dict[str, SpreadStatistics] = {}
    bars: dict[str, BookBars] = {}
    for event in events:
        symbol = event.symbol
        spread = spreads.get(symbol)
        if spread is None:
            spread = spreads[symbol] = SpreadStatistics()
            scale = feed.books[symbol].scale
            if store is not None and scale is not None:
                calendar = calendar_of(_stored_name(feed, symbol))
                bars[symbol] = BookBars(interval_grid(calendar, seconds, event.ts, event.ts), scale, levels)
        spread.take(event)
        if symbol in bars:
            bars[symbol].take(event)
    if not feed.books:
        raise DataError(f"{paths[0].name} holds no order book and no trade.")
    written = None if store is None else _write(store, feed, name, bars, paths[0].name)
    reports = (
        BookReport(symbol, book, spreads.get(symbol, SpreadStatistics()))
        for symbol, book in feed.books.items()
    )
    return BooksReport(feed.name, feed.malformed, tuple(reports), written)


def _stored_name(feed: BookFeed, symbol: str) -> str:
    return house_symbol(symbol) if feed.name == "LOBSTER" else house_pair(symbol)


def _write(
    store: HistoryStore, feed: BookFeed, interval: str, bars: dict[str, BookBars], origin: str
) -> WriteReport:
    import pyarrow

    parts = []
    for symbol, made in bars.items():
        found = made.bars()
        parts.append(
            pyarrow.table(
                {
                    "ts": pyarrow.array(found.ts).view(pyarrow.timestamp("ns", tz="UTC")),
                    "symbol": pyarrow.array([_stored_name(feed, symbol)] * len(found.ts), pyarrow.string()),
                    **{column: found.columns[column] for column in BAR_COLUMNS},
                }
            )
        )
    table = pyarrow.concat_tables(parts) if parts else None
    if table is None or not len(table):
        raise DataError(
            f"{origin} holds no interval of {interval} with a trade that is over.", "Try shorter bars."
        )
    return store.write(interval, table, Provenance("books", origin))
