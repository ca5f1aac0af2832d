"""Recorded feeds: files of messages as they came, each line with the time of its reception.

Two ways of writing are read, packed with gzip or not: ``<ns> <message>``, and ``<seconds>: <message>`` with lines for
connections (``<url> <-> <seconds>``), for what was sent (``<url> <- <seconds>: …``) and for answers of requests
(``<url> -> <seconds>: …``). Several files are one stream in the order of their times.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tuiconsole.domain.books import BookEvent
from tuiconsole.domain.errors import DataError, MalformedBook
from tuiconsole.market.books.binance import BinanceFeed
from tuiconsole.market.books.coinbase import CoinbaseFeed
from tuiconsole.market.books.decimal_text import scaled
from tuiconsole.market.books.kraken import KrakenFeed
from tuiconsole.market.books.rebuilding import BookFeed

_LINE = re.compile(
    r"(?:(?P<url>\S+) (?P<way><->|<-|->) )?(?P<time>\d{9,10}\.\d{1,9}|\d{16,19}|\d{9,10})(?:: |:| |$)"
)
_NANOSECOND_DIGITS = 16
_LOOKED_AT = 200
_MARKS = (
    (BinanceFeed, ("binance.com", '"depthUpdate"', '"lastUpdateId"', "@depth", "@bookTicker", '"e":"')),
    (KrakenFeed, ("kraken.com", '"channelName"', '"channel":"book"', '"book-')),
    (CoinbaseFeed, ("coinbase.com", '"l2update"', '"l2_data"', '"product_id"')),
)


class Received(NamedTuple):
    """One recorded message: when it came (ns UTC), what it says, and the symbol that was asked for, if it is an answer."""

    ts: int
    payload: str
    asked: str = ""


def read_lines(path: Path) -> Iterator[Received]:
    """The messages of one file, in its order.

    Raises
    ------
    DataError
        The file cannot be read, or a line has no time.
    """
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8") if _packed(path) else path.open(encoding="utf-8") as file
        ):
            for number, line in enumerate(file, 1):
                if line.strip():
                    found = _received(path, number, line)
                    if found is not None:
                        yield found
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be read: {_why(error)}.") from error


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _received(path: Path, number: int, line: str) -> Received | None:
    head = _LINE.match(line)
    if head is None:
        raise DataError(
            f"{path.name}, line {number}: no time at its beginning.",
            "A recorded line is '<ns> <message>' or '<seconds>: <message>'.",
        )
    payload = line[head.end() :].strip()
    if head["way"] in ("<->", "<-") or not payload:
        return None
    asked = ""
    if head["way"] == "->":
        asked = parse_qs(urlsplit(head["url"]).query).get("symbol", [""])[0]
    return Received(_nanoseconds(head["time"]), payload, asked)


def _nanoseconds(text: str) -> int:
    return int(text) if len(text) >= _NANOSECOND_DIGITS and "." not in text else scaled(text, 9)


def feed_of(paths: Sequence[Path]) -> BookFeed:
    """A feed for the exchange whose messages these files hold.

    Raises
    ------
    DataError
        None of the first lines is of an exchange that is known.
    """
    for path in paths:
        for _, text in zip(range(_LOOKED_AT), _text(path), strict=False):
            line = text.replace(" ", "")
            for made, marks in _MARKS:
                if any(mark in line for mark in marks):
                    return made()
    raise DataError(
        f"{paths[0].name} holds no messages of an exchange that is known.",
        "Known are the depth streams of Binance, Kraken and Coinbase.",
    )


def _text(path: Path) -> Iterator[str]:
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8") if _packed(path) else path.open(encoding="utf-8") as file
        ):
            yield from file
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be read: {_why(error)}.") from error


def played(feed: BookFeed, paths: Sequence[Path]) -> Iterator[BookEvent]:
    """What the files say, event by event; messages that cannot be read are counted by the feed and passed over."""
    for received in merge(*map(read_lines, paths), key=lambda one: one.ts):
        try:
            if received.asked and isinstance(feed, BinanceFeed):
                yield from feed.snapshot(received.ts, received.asked, received.payload)
            else:
                yield from feed.read(received.ts, received.payload)
        except MalformedBook:
            continue  # counted in feed.malformed; the books that it may have been about are no longer trusted
