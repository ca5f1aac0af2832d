"""Symbol lists: CSV files with one row a symbol, the user's own before those that come with the program.

A list is a CSV file ``NAME.csv``. Only the column ``symbol`` is needed; the others may be missing or empty::

    # Anything about the list.
    # as of: 2025-12-31
    symbol,name,category,sector,calendar,currency,from,to
    AAPL,Apple,core,Information Technology,XNYS,USD,,
    WAMU,Washington Mutual,core,Financials,XNYS,USD,1997-01-02,2008-09-26

``from`` and ``to`` (sessions, both included; empty: open) make it point-in-time: a symbol may have several rows, one
for each stretch.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.market.vendor_symbols import house_symbol

CATEGORIES = ("core", "penny", "ETF", "index", "crypto", "FX")
"""What a row may be called; a share of either of the first two kinds."""

COLUMNS = ("symbol", "name", "category", "sector", "calendar", "currency", "from", "to")
OPEN_START, OPEN_END = -(2**31), 2**31
"""Stand for a stretch of membership without a first or last session."""

_PACKAGED = Path(__file__).parent / "packaged"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_EPOCH = date(1970, 1, 1).toordinal()
_BY_LOWER = {category.lower(): category for category in CATEGORIES}


@dataclass(frozen=True, slots=True)
class Listed:
    """One symbol of a list; texts are empty where the list says nothing.

    Attributes
    ----------
    category
        One of :data:`CATEGORIES`.
    calendar
        Exchange calendar, e.g. ``"XNYS"``.
    spans
        First and last session (days since 1970) of each stretch of membership; empty: always a member.
    """

    symbol: str
    name: str = ""
    category: str = ""
    sector: str = ""
    calendar: str = ""
    currency: str = ""
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SymbolList:
    """A named list.

    Attributes
    ----------
    origin
        ``"stored"`` in the history, ``"yours"``, ``"packaged"``, or ``"named"`` on the command line.
    as_of
        ISO date of the membership, or an empty text.
    notes
        The list's own comments.
    """

    name: str
    origin: str
    rows: tuple[Listed, ...]
    as_of: str = ""
    notes: tuple[str, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols in the list's order."""
        return tuple(row.symbol for row in self.rows)

    @property
    def by_symbol(self) -> Mapping[str, Listed]:
        """Row of each symbol."""
        return {row.symbol: row for row in self.rows}

    @property
    def point_in_time(self) -> bool:
        """Whether any row says from when to when its symbol belongs."""
        return any(row.spans for row in self.rows)

    @property
    def from_file(self) -> bool:
        """Whether it is a list that was written without looking at what the history holds."""
        return self.origin in ("yours", "packaged")

    @property
    def survivorship(self) -> str:
        """What the list's membership means for results on the past, in one sentence."""
        if self.point_in_time:
            return f"The list {self.name} says when each symbol belonged; outside, none takes new risk."
        which = f"the membership of {self.as_of}" if self.as_of else "one membership"
        return f"The list {self.name} has {which} for all dates: results on the past are survivorship-biased."


def read_list(path: Path, origin: str = "yours") -> SymbolList:
    """The list in a CSV file.

    Raises
    ------
    DataError
        The file cannot be read, has no symbols, or a row is malformed; the sentence names the line.
    """
    try:
        return _parsed(path.stem, origin, path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise DataError(f"The symbol list {path} cannot be read: {reason}.") from error


@lru_cache(maxsize=1)
def packaged_lists() -> Mapping[str, SymbolList]:
    """The lists that come with the program, by name."""
    return {path.stem: read_list(path, "packaged") for path in sorted(_PACKAGED.glob("*.csv"))}


def packaged_text(name: str) -> str:
    """The file of a packaged list, as it is, for a copy to edit."""
    return (_PACKAGED / f"{name}.csv").read_text(encoding="utf-8")


def own_lists(folder: Path | None) -> tuple[Path, ...]:
    """The files of the user's lists."""
    return tuple(sorted(folder.glob("*.csv"))) if folder is not None and folder.is_dir() else ()


def find_list(
    text: str, stored: Mapping[str, Sequence[str]], folder: Path | None, *, symbols_too: bool = True
) -> SymbolList:
    """What ``text`` names: a list of the history, else of the user's folder, else a packaged one, else symbols with commas.

    A list of the history takes what a file of the user's with its name says about its symbols.

    Parameters
    ----------
    stored
        Symbols of each list in the history.
    folder
        Of the user's files.

    Raises
    ------
    UsageError
        It names nothing.
    """
    name = text.strip()
    own = {path.stem: path for path in own_lists(folder)}
    file = read_list(own[name]) if name in own else packaged_lists().get(name)
    if name in stored:
        rows = file.by_symbol if file is not None else {}
        members = tuple(rows.get(symbol, Listed(symbol)) for symbol in stored[name])
        return SymbolList(name, "stored", members)
    if file is not None:
        return file
    symbols = tuple(dict.fromkeys(part.strip().upper() for part in name.split(",") if part.strip()))
    known = sorted({*stored, *own, *packaged_lists()})
    near = difflib.get_close_matches(name, known, 1, 0.8)
    if not symbols or near or not symbols_too:
        what = "names no symbol" if not symbols else "names no list"
        meant = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"The universe {text!r} {what}.", f"{meant}Lists: {', '.join(known)}.")
    return SymbolList("", "named", tuple(Listed(symbol) for symbol in symbols))


def valid_name(name: str) -> bool:
    """Whether a list may be called so: letters, digits, - and _."""
    return _NAME.fullmatch(name) is not None


def _parsed(name: str, origin: str, text: str, file: str) -> SymbolList:
    notes, numbered = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            notes.append(line.lstrip().lstrip("#").strip())
        elif line.strip():
            numbered.append((number, line))
    header, *lines = numbered or [(1, "")]
    names = [word.strip().lower() for word in next(csv.reader([header[1]]), [])]
    if "symbol" not in names:
        raise DataError(
            f"{file}, line {header[0]}: no column symbol.",
            f"Expected symbol and any of {', '.join(COLUMNS[1:])}.",
        )
    rows: dict[str, Listed] = {}
    for number, line in lines:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        row = _row(dict(zip(names, cells, strict=False)), f"{file}, line {number}")
        rows[row.symbol] = _joined(rows.get(row.symbol), row, f"{file}, line {number}")
    if not rows:
        raise DataError(f"{file} names no symbol.", "Write one a line under the header.")
    as_of = next((note[6:].strip() for note in notes if note.lower().startswith("as of:")), "")
    kept = tuple(note for note in notes if note and not note.lower().startswith("as of:"))
    return SymbolList(name, origin, tuple(rows.values()), as_of, kept)


def _row(cells: Mapping[str, str], place: str) -> Listed:
    symbol = house_symbol(cells.get("symbol", ""))
    if not symbol or any(c.isspace() or not c.isprintable() for c in symbol):
        raise DataError(f"{place}: {symbol!r} is no symbol.", "Write one word, e.g. AAPL or BRK.B.")
    category = cells.get("category", "")
    if category and category.lower() not in _BY_LOWER:
        raise DataError(f"{place}: no category {category!r}.", f"Known: {', '.join(CATEGORIES)}.")
    currency = cells.get("currency", "").upper()
    if currency and not currency.isalnum():
        raise DataError(f"{place}: {currency!r} is no currency.", "Write a code such as USD.")
    first, last = _day(cells.get("from", ""), OPEN_START, place), _day(cells.get("to", ""), OPEN_END, place)
    if last < first:
        raise DataError(f"{place}: {symbol} leaves before it joins.", "Exchange from and to.")
    spans = () if (first, last) == (OPEN_START, OPEN_END) else ((first, last),)
    return Listed(
        symbol,
        cells.get("name", ""),
        _BY_LOWER.get(category.lower(), ""),
        cells.get("sector", ""),
        cells.get("calendar", ""),
        currency,
        spans,
    )


def _joined(before: Listed | None, row: Listed, place: str) -> Listed:
    """Several rows of one symbol are stretches of its membership."""
    if before is None:
        return row
    if not before.spans or not row.spans:
        raise DataError(f"{place}: {row.symbol} is listed twice.", "Keep one row, or give both from and to.")
    spans = tuple(sorted((*before.spans, *row.spans)))
    if any(later[0] <= earlier[1] for earlier, later in pairwise(spans)):
        raise DataError(
            f"{place}: stretches of {row.symbol} overlap.", "Let each begin after the one before."
        )
    return Listed(
        row.symbol,
        before.name or row.name,
        before.category or row.category,
        before.sector or row.sector,
        before.calendar or row.calendar,
        before.currency or row.currency,
        spans,
    )


def _day(text: str, default: int, place: str) -> int:
    if not text:
        return default
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH
    except ValueError:
        raise DataError(f"{place}: {text!r} is not a date.", "Write it as 2020-01-31.") from None
