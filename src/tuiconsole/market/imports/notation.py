"""How a CSV file writes dates and numbers: found out where the file proves it, asked for where it does not."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.market.csv_rows import NULLS, opened
from tuiconsole.market.imports.number_texts import numbers_of_bytes

DateOrder = Literal["day-first", "month-first"]
ORDERS: tuple[DateOrder, ...] = ("day-first", "month-first")
DECIMALS = (".", ",")
_DATE = re.compile(rb"(?:^|[\s,;|\"'])((\d{1,2})([/.\-])(\d{1,2})\3\d{4})(?=[\s,;|\"'T]|$)", re.MULTILINE)
_DOUBTFUL = ((29, 2), (30, 2), (31, 2), (31, 4), (31, 6), (31, 9), (31, 11))
"""Days and months that no year, or not every year, has."""
_CHUNK, _OVERLAP = 1 << 20, 32
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_CERTAIN = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y")
_ORDERED = {"day-first": "%d{0}%m{0}%Y", "month-first": "%m{0}%d{0}%Y"}
_SPACES = " \u00a0\u202f'\u2019"
_SIGNS = "$€£"
_NOT_FINITE = ("inf", "-inf", "+inf", "infinity")


def time_formats(order: DateOrder | None) -> tuple[str, ...]:
    """The shapes in which times may be written, ISO 8601 apart; those with numbers alone only in ``order``.

    >>> "%d/%m/%Y %H:%M" in time_formats("day-first"), "%m/%d/%Y" in time_formats("day-first")
    (True, False)
    """
    ordered = () if order is None else tuple(_ORDERED[order].format(between) for between in "/.-")
    shapes = tuple(day + clock for day, clock in product((*ordered, *_CERTAIN), _TIMES))
    return (*shapes, "%Y%m%d %H:%M", "%Y%m%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class OrderFound:
    """What comes first in dates such as 03/04/2020, and how that is known: a date that proves it, or ``"asked"``."""

    order: DateOrder
    because: str


def is_ordered(text: bytes) -> bool:
    """Whether a date stands in ``text`` that has to be told which of day and month comes first."""
    return _DATE.search(text) is not None


def date_order(files: Iterable[Path], asked: str) -> OrderFound:
    """What comes first in the dates of ``files``: the first date above the twelfth tells.

    Raises
    ------
    UsageError
        ``asked`` is neither empty nor one of :data:`ORDERS`.
    DataError
        No date tells, and nothing was asked for.
    """
    if asked:
        return OrderFound(checked_order(asked), "asked")
    shown, name = "", ""
    for file in files:
        for date, first, second in _dates(file):
            if (first > 12) != (second > 12):
                return OrderFound("day-first" if first > 12 else "month-first", f"{date} in {file.name}")
            if not shown:
                shown, name = date, file.name
    raise DataError(
        f"{name}: dates such as {shown} may name the month or the day first, and no day above 12 tells.",
        "Add --dates day-first or --dates month-first.",
    )


def impossible_date(file: Path, order: DateOrder) -> str:
    """The first date of a CSV file that no calendar has, such as 30/02/2024; empty when there is none.

    The reader of CSV would take it for a day of the next month.
    """
    rest = b""
    with opened(file) as source:
        while chunk := source.read(_CHUNK):
            whole = rest + chunk
            found = _DATE.search(whole)
            wrong = "" if found is None else _impossible_in(whole, order, found[3])
            if wrong:
                return wrong
            rest = whole[-_OVERLAP:]
    return ""


def _impossible_in(text: bytes, order: DateOrder, between: bytes) -> str:
    """The first such date in ``text``, looked for by its few spellings."""
    for day, month in _DOUBTFUL:
        for written in {b"%02d" % month, b"%d" % month}:
            pair = (b"%d" % day, written) if order == "day-first" else (written, b"%d" % day)
            word = between.join((*pair, b""))
            at = text.find(word)
            while at >= 0:
                year = text[at + len(word) : at + len(word) + 4]
                alone = at == 0 or not text[at - 1 : at].isdigit()
                if alone and len(year) == 4 and year.isdigit() and day > monthrange(int(year), month)[1]:
                    return (word + year).decode()
                at = text.find(word, at + 1)
    return ""


def checked_order(asked: str) -> DateOrder:
    """``asked`` as an order of dates; anything else raises :class:`UsageError`."""
    for order in ORDERS:
        if order == asked:
            return order
    raise UsageError(f"--dates is {asked!r}, expected {' or '.join(ORDERS)}.")


def _dates(file: Path) -> Iterator[tuple[str, int, int]]:
    """Each ordered date of a CSV file with its first two numbers."""
    if file.suffix.lower() == ".parquet":
        return
    rest = b""
    with opened(file) as source:
        while chunk := source.read(_CHUNK):
            whole = rest + chunk
            for found in _DATE.finditer(whole):
                yield found[1].decode(), int(found[2]), int(found[4])
            rest = whole[-_OVERLAP:]


@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers are written.

    Attributes
    ----------
    decimal
        What stands before the decimals.
    parting
        Characters inside or around a number that say nothing: between thousands, and signs of money. Empty: none occur.
    """

    decimal: str = "."
    parting: str = ""


PLAIN = Numbers()
"""A point for decimals and nothing between thousands."""


def numbers_asked(decimal: str) -> Numbers | None:
    """What the user says about decimals, anything usual between thousands allowed; None for nothing.

    Raises :class:`UsageError` when it is neither a point nor a comma.
    """
    if not decimal:
        return None
    if decimal not in DECIMALS:
        raise UsageError(f"--decimal is {decimal!r}, expected a point or a comma.")
    return Numbers(decimal, f"{'.' if decimal == ',' else ','}{_SPACES}{_SIGNS}")


def numbers_of(file: str, cells: Iterable[str]) -> Numbers:
    """How these cells write numbers; those that are none are passed over.

    A comma is certainly for decimals where other than three digits follow it, certainly between thousands where it occurs
    twice or before a point. A point alone before three digits is taken for decimals.

    Raises :class:`DataError` when cells contradict each other, or nothing tells what a comma is for.

    >>> numbers_of("a.csv", ["1.234,5", "12"]), numbers_of("a.csv", ["12.5", "1,234"]).decimal
    (Numbers(decimal=',', parting='.'), '.')
    """
    proof: dict[str, str] = {}
    open_cases: dict[str, str] = {}
    parting = set()
    for cell in cells:
        text = cell.strip().lstrip("+-")
        parting |= {c for c in text if c in _SPACES or c in _SIGNS}
        text = "".join(c for c in text if c not in _SPACES and c not in _SIGNS)
        if not text or set(text) - set("0123456789.,"):
            continue
        meant, certain = _decimal_of(text)
        if meant:
            (proof if certain else open_cases).setdefault(meant, cell.strip())
            parting |= {c for c in ".," if c in text and c != meant and certain}
    if len(proof) > 1:
        raise DataError(
            f"{file} writes decimals in two ways: {proof['.']} and {proof[',']}.", "Write all alike."
        )
    if not proof and "," in open_cases:
        raise DataError(
            f"{file}: the comma in {open_cases[',']} may be for decimals or between thousands.",
            "Add --decimal . or --decimal ,",
        )
    decimal = next(iter(proof), ".")
    parting |= {c for c in open_cases if c != decimal}
    return Numbers(decimal, "".join(sorted(parting)))


def _decimal_of(text: str) -> tuple[str, bool]:
    """Which character a number has for decimals, and whether that is certain; empty when it tells nothing."""
    commas, points = text.count(","), text.count(".")
    if commas and points:
        return (",", True) if text.rfind(",") > text.rfind(".") else (".", True)
    if commas > 1:
        return ".", True
    if points > 1:
        return ",", True
    if not commas and not points:
        return "", False
    mark = "," if commas else "."
    head, _, tail = text.partition(mark)
    certain = len(tail) != 3 or not 1 <= len(head) <= 3 or head.startswith("0")
    return mark, certain


def as_numbers(column: Any, numbers: Numbers) -> Any:
    """An Arrow column of texts as float64; cells that stand for nothing are null.

    Raises ``pyarrow.ArrowInvalid`` for a cell that is not written so. Thousands must come in threes: ``1,23`` is no number
    with a comma between thousands.
    """
    import pyarrow
    from pyarrow import compute

    between = "".join(c for c in numbers.parting if c not in _SIGNS)
    proven = numbers_of_bytes(column, numbers.decimal, between, _SIGNS)
    if proven is not None:
        return proven
    text = compute.utf8_trim_whitespace(column.cast(pyarrow.string()))
    nothing = compute.is_in(text, value_set=pyarrow.array(sorted(NULLS), pyarrow.string()))
    text = compute.if_else(nothing, pyarrow.scalar(None, pyarrow.string()), text)
    if compute.all(compute.match_substring_regex(text, _shape(numbers))).as_py() is False:
        raise pyarrow.ArrowInvalid("a cell is no number")
    text = compute.replace_substring_regex(text, f"[{re.escape(numbers.parting + _SIGNS)} +]", "")
    if numbers.decimal != ".":
        text = compute.replace_substring(text, numbers.decimal, ".")
    return text.cast(pyarrow.float64())


def _shape(numbers: Numbers) -> str:
    """The regular expression of a whole number in this notation."""
    between = re.escape("".join(c for c in numbers.parting if c not in _SIGNS))
    sign = f"[{_SIGNS}]?"
    whole = f"(?:[0-9]+|[0-9]{{1,3}}(?:[{between}][0-9]{{3}})+)" if between else "[0-9]+"
    decimals = f"{re.escape(numbers.decimal)}[0-9]*"
    return f"^[+-]?{sign}(?:{whole}(?:{decimals})?|{decimals})(?:[eE][+-]?[0-9]+)? ?{sign}$"


def check_number(where: str, name: str, text: str, numbers: Numbers) -> None:
    """Refuse a cell that is neither empty nor a number in this notation."""
    if text in NULLS or re.fullmatch(_shape(numbers), text) or text.lower() in _NOT_FINITE:
        return
    remedy, asked = "Correct it.", _SPACES in numbers.parting
    if not asked and set(text) <= set(f"0123456789+-.,{_SPACES}{_SIGNS}"):
        remedy = "Add --decimal . or --decimal , to say how numbers are written."
    raise DataError(f"{where} {name} {text!r} is not a number.", remedy)


def number_cells(rows: Iterable[Sequence[str]], places: Sequence[int]) -> Iterator[str]:
    """The cells of these columns, row by row; rows that are too short are passed over."""
    for row in rows:
        if len(row) > max(places, default=-1):
            yield from (row[at] for at in places)
