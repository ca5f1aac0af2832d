"""Files of corporate actions: factor files, ticker maps, and tables of splits and dividends."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.types import IntArray
from tuiconsole.market.actions import OPEN_END, Action, TickerSpan, split_ratio
from tuiconsole.market.calendar import NEW_YORK, to_utc
from tuiconsole.market.csv_rows import records
from tuiconsole.market.imports.layout import symbol_in
from tuiconsole.market.imports.spelling import KEEP, house_spelling

_EPOCH = date(1970, 1, 1).toordinal()
_STILL_IN_USE = date(2050, 1, 1).toordinal() - _EPOCH
_SAME = 1e-6
_FACTORS = {"date", "price_factor", "split_factor"}
_TICKERS = {"date", "ticker"}
_DIVIDEND = ("dividend", "dividends", "amount", "cash", "cash_amount", "rate")
_SPLIT = ("stock_splits", "split", "splits", "ratio", "split_ratio", "split_coefficient")
_Row = tuple[str, dict[str, str]]


def is_actions(header: Sequence[str]) -> bool:
    """Whether a file with these columns holds corporate actions, not bars."""
    names = {_plain(name) for name in header}
    return names >= _FACTORS or _is_tickers(names) or _is_table(names)


def read_actions_file(path: Path, spelling: str = "") -> tuple[tuple[Action, ...], tuple[TickerSpan, ...]]:
    """Splits and dividends, and ticker spans, of one CSV file; ``spelling`` says whose symbols they are.

    Raises :class:`DataError` with file and line for a row that cannot be understood.
    """
    with records(path) as lines:
        header = [_plain(name) for name in next(lines)[1]]
        rows: list[_Row] = []
        for line, cells in lines:
            where = f"{path.name}, line {line}:"
            if len(cells) != len(header):
                raise DataError(f"{where} {len(cells)} cells, expected {len(header)}.", "Complete the row.")
            rows.append((where, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    names = set(header)
    if names >= _FACTORS:
        return _from_factors(path, rows, spelling), ()
    if _is_tickers(names):
        return (), _from_map(rows, spelling)
    return _from_table(path, rows, spelling), ()


def _house(symbol: str, spelling: str) -> str:
    return symbol.strip() if spelling == KEEP else house_spelling(symbol, spelling or "file")


def _plain(name: str) -> str:
    return re.sub(r"[\s.\-]+", "_", name.strip().lower())


def _is_tickers(names: set[str]) -> bool:
    return names >= _TICKERS and bool(names & {"file", "instrument"}) and "close" not in names


def _is_table(names: set[str]) -> bool:
    ratio = {"new_rate", "old_rate"} <= names or bool(names & set(_SPLIT))
    return (
        bool(names & {"ex_date", "date"})
        and not names & {"close", "c"}
        and (ratio or bool(names & set(_DIVIDEND)))
    )


def _from_factors(path: Path, rows: list[_Row], spelling: str) -> tuple[Action, ...]:
    """Cumulative factors, each valid until its date: what changes from one row to the next happened after it."""
    by_symbol: dict[str, list[tuple[str, int, float, float, float]]] = {}
    for where, cells in rows:
        symbol = _house(cells.get("symbol") or symbol_in(path.name), spelling)
        reference = _number(where, cells.get("reference_price", "")) or 0.0
        price, split = (_positive(where, cells[name]) for name in ("price_factor", "split_factor"))
        by_symbol.setdefault(symbol, []).append((where, _day(where, cells["date"]), price, split, reference))
    found: list[Action] = []
    for symbol, steps in by_symbol.items():
        for (where, day, price, split, reference), (_, _, next_price, next_split, _) in pairwise(steps):
            ex_day = int(_next_weekday(np.array([day]))[0])
            known = _midnight(ex_day)
            if abs(split / next_split - 1.0) > _SAME:
                by = split / next_split
                found.append(
                    Action(symbol, ex_day, "split", split_ratio(by), 1.0 / split_ratio(by), known, path.name)
                )
            if abs(price / next_price - 1.0) > _SAME:
                if not reference > 0.0:
                    raise DataError(f"{where} a dividend without a reference price.", "Complete the row.")
                cash = round(reference * (1.0 - price / next_price), 6)
                found.append(Action(symbol, ex_day, "dividend", cash, price / next_price, known, path.name))
    return tuple(found)


def _from_map(rows: list[_Row], spelling: str) -> tuple[TickerSpan, ...]:
    """A row says until when an instrument had a ticker; its first row, when it began."""
    by_instrument: dict[str, list[tuple[int, str]]] = {}
    for where, cells in rows:
        instrument = _house(cells.get("instrument") or cells["file"], spelling)
        step = _day(where, cells["date"]), _house(cells["ticker"], spelling)
        by_instrument.setdefault(instrument, []).append(step)
    found: list[TickerSpan] = []
    for instrument, steps in by_instrument.items():
        first = min(day for day, _ in steps)
        for day, ticker in sorted(steps)[1:]:
            found.append(TickerSpan(instrument, ticker, first, OPEN_END if day >= _STILL_IN_USE else day))
            first = day + 1
    return tuple(found)


def _from_table(path: Path, rows: list[_Row], spelling: str) -> tuple[Action, ...]:
    """Rows of one action each, or Yahoo's with a dividend and a split side by side."""
    found: list[Action] = []
    for where, cells in rows:
        symbol = next(
            (cells[name] for name in ("symbol", "ticker", "initiating_symbol") if cells.get(name)), ""
        )
        stem = re.sub(r"[_-](actions|splits|dividends)", "", path.name)
        symbol = _house(symbol or symbol_in(stem), spelling)
        ex_day = _day(where, cells.get("ex_date") or cells["date"])
        declared = next((cells[n] for n in ("known", "declaration_date", "declared") if cells.get(n)), "")
        known = _midnight(_day(where, declared) if declared else ex_day)
        ratio, cash = _ratio(where, cells), _cash(where, cells)
        if ratio is not None and ratio != 1.0:
            found.append(Action(symbol, ex_day, "split", ratio, 1.0 / ratio, known, path.name))
        if cash:
            found.append(Action(symbol, ex_day, "dividend", cash, None, known, path.name))
    return _as_paid(found) if any("stock_splits" in cells for _, cells in rows) else tuple(found)


def _as_paid(actions: list[Action]) -> tuple[Action, ...]:
    """Yahoo states dividends in today's shares: the cash per share of its day is that times the later splits."""
    splits = [(a.symbol, a.ex_day, a.value) for a in actions if a.kind == "split"]

    def paid(action: Action) -> float:
        later = [ratio for symbol, day, ratio in splits if symbol == action.symbol and day > action.ex_day]
        return action.value * float(np.prod(later))

    return tuple(
        Action(a.symbol, a.ex_day, a.kind, paid(a), None, a.known, a.source) if a.kind == "dividend" else a
        for a in actions
    )


def _ratio(where: str, cells: dict[str, str]) -> float | None:
    if cells.get("new_rate") and cells.get("old_rate"):
        return _positive(where, cells["new_rate"]) / _positive(where, cells["old_rate"])
    text = next((cells[name] for name in _SPLIT if cells.get(name)), "")
    parts = re.split(r"\s*(?::|/|\bfor\b)\s*", text)
    if len(parts) == 2:
        return _positive(where, parts[0]) / _positive(where, parts[1])
    value = _number(where, text)
    return value if value else None


def _cash(where: str, cells: dict[str, str]) -> float | None:
    if cells.get("new_rate"):
        return None
    return _number(where, next((cells[name] for name in _DIVIDEND if cells.get(name)), ""))


def _number(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise DataError(
            f"{where} {text!r} is not a number.", "Use a point and no thousands separator."
        ) from error
    if not np.isfinite(value) or value < 0.0:
        raise DataError(f"{where} {text!r} is no amount or ratio.", "Correct the row.")
    return value


def _positive(where: str, text: str) -> float:
    value = _number(where, text)
    if not value:
        raise DataError(f"{where} {text!r} must be above zero.", "Correct the row.")
    return value


def _day(where: str, text: str) -> int:
    compact = f"{text[:4]}-{text[4:6]}-{text[6:]}" if re.fullmatch(r"\d{8}", text) else text[:10]
    try:
        return date.fromisoformat(compact).toordinal() - _EPOCH
    except ValueError as error:
        raise DataError(f"{where} {text!r} is not a date.", "Write it as 2014-06-09.") from error


def _midnight(day: int) -> int:
    return int(to_utc(np.array([day * NANOSECONDS_PER_DAY], dtype=np.int64), NEW_YORK)[0])


def _next_weekday(days: IntArray) -> IntArray:
    return np.busday_offset(days.astype("datetime64[D]"), 1, roll="backward").astype(np.int64)
