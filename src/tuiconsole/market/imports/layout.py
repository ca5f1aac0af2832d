"""Which layout a file has, told by its column names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tuiconsole.domain.errors import DataError

_NAMES = {
    "ts": ("ts", "timestamp", "datetime", "date_time", "t", "open_time", "index", "__index_level_0__", ""),
    "date": ("date", "dtyyyymmdd", "day"),
    "time": ("time",),
    "symbol": ("symbol", "ticker", "sym", "code", "instrument", "name", "s"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last", "price", "close/last"),
    "adj_close": ("adj_close", "adjusted_close", "adjclose", "close_adj"),
    "volume": ("volume", "vol", "v"),
    "bid_open": ("bid_open", "bidopen", "open_bid"),
    "bid_high": ("bid_high", "bidhigh", "high_bid"),
    "bid_low": ("bid_low", "bidlow", "low_bid"),
    "bid": ("bid_close", "bidclose", "close_bid", "bid"),
    "ask_open": ("ask_open", "askopen", "open_ask"),
    "ask_high": ("ask_high", "askhigh", "high_ask"),
    "ask_low": ("ask_low", "asklow", "low_ask"),
    "ask": ("ask_close", "askclose", "close_ask", "ask"),
    "bid_size": ("bid_size", "bidsize", "bidvolume", "bid_volume"),
    "ask_size": ("ask_size", "asksize", "askvolume", "ask_volume"),
    "bid_depth": ("bid_depth",),
    "ask_depth": ("ask_depth",),
    "buy_volume": ("buy_volume",),
    "sell_volume": ("sell_volume",),
}
_ROLE = {name: role for role, names in _NAMES.items() for name in names}
_ROW_NUMBERS = ("", "index", "__index_level_0__")
_PRICES = ("open", "high", "low", "close")
NUMBERS = tuple(role for role in _NAMES if role not in ("ts", "date", "time", "symbol"))
"""Roles whose columns hold numbers."""
_SIDES = ("bid", "ask")
_TICK_SIZES = ("size", "qty", "quantity", "amount")
_TICK_PRICES = ("price", "last")
_SESSION_WORDS = ("open", "high", "low", "close", "adj_close", "volume")
_SYMBOL_TAIL = re.compile(
    r"([ _-](\d+)?(sec|min|minute|hour|day|daily|intraday|ohlcv|bars|prices)s?|[ _-]\d+[smhd]|[ _][smhd])$",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out.

    Attributes
    ----------
    kind
        ``"long"``: a row is a bar. ``"wide"``: a row is a time, and every other column the closes of a symbol.
    source
        ``"yahoo"``, ``"yfinance"``, ``"alpaca"``, ``"alphavantage"``, ``"stooq"``, ``"quotes"`` for bars of bid and ask without
        a close of their own, or ``"file"`` for any other.
    columns
        The file's name of the column for each role (ts or date and time, symbol, open … volume, adj_close, and quotes).
    ignored
        Columns that are not read.
    """

    kind: Literal["long", "wide"]
    source: str
    columns: Mapping[str, str]
    ignored: tuple[str, ...] = ()


def recognise(name: str, header: Sequence[str]) -> Layout:
    """The layout of a file called ``name`` with these columns; none that is known raises :class:`DataError`.

    >>> recognise("a.csv", ["Date", "Open", "High", "Low", "Close", "Adj Close", "Volume"]).source
    'yahoo'
    >>> recognise("a.csv", ["", "AAPL", "MSFT"]).kind
    'wide'
    """
    plain = [_plain(column) for column in header]
    roles: dict[str, str] = {}
    for role, words in _NAMES.items():
        named = [column for word in words for column, own in zip(header, plain, strict=True) if own == word]
        if named:
            roles[role] = named[0]
    timed = "ts" in roles or "date" in roles or "time" in roles
    _refuse_ticks(name, set(plain))
    quotes = timed and not {"close", "adj_close"} & set(roles) and set(_SIDES) <= set(roles)
    if timed and not quotes and "close" not in roles and "adj_close" not in roles:
        return _wide(name, header, plain)
    if not timed or not (quotes or "close" in roles or "adj_close" in roles):
        lacking = "a close" if timed else "a time"
        raise DataError(
            f"{name} has no column that looks like {lacking}; it has {', '.join(header) or 'none'}.",
            "Name them date or ts, symbol, open, high, low, close, volume.",
        )
    if "date" in roles or "ts" in roles:
        _one_time(roles)
    else:
        roles["ts"] = roles.pop("time")
    if not quotes:
        roles.setdefault("close", roles.get("adj_close", ""))
        for role in [f"{side}_{word}" for side in _SIDES for word in _PRICES[:3]]:
            roles.pop(role, None)
    ignored = tuple(column for column in header if column not in roles.values() and _plain(column))
    return Layout("long", "quotes" if quotes else _source(header, plain, roles), roles, ignored)


def _refuse_ticks(name: str, plain: set[str]) -> None:
    """Trades and single quotes are no bars: say which verb takes them."""
    trades = plain & set(_TICK_PRICES) and plain & set(_TICK_SIZES) and not plain & set(_SESSION_WORDS)
    quotes = set(_SIDES) <= plain and not any(_ROLE.get(word) in (*_PRICES, "bid_open") for word in plain)
    if trades or quotes:
        raise DataError(
            f"{name} holds {'trades' if trades else 'single quotes'}, not bars.",
            f"Make bars of ticks: tuiconsole data import-ticks {name} --interval 1min"
            + ("" if trades else "; in a file of bars call the columns bid_close and ask_close")
            + ".",
        )


def _one_time(roles: dict[str, str]) -> None:
    """Keep one column of time, or a date with its time of day; a column of row numbers beside a date is no time."""
    if "date" in roles and _plain(roles.get("ts", "ts")) in _ROW_NUMBERS:
        roles.pop("ts")
    if "date" in roles and "time" in roles:
        roles.pop("ts", None)
    elif "ts" in roles:
        roles.pop("date", None)
        roles.pop("time", None)
    else:
        roles["ts"] = roles.pop("date")


def _source(header: Sequence[str], plain: list[str], roles: Mapping[str, str]) -> str:
    if any(column.strip().startswith("<") for column in header):
        return "stooq"
    if "split_coefficient" in plain:
        return "alphavantage"
    if {"n", "vw"} & set(plain) or {"trade_count", "vwap"} <= set(plain):
        return "alpaca"
    return "yahoo" if "adj_close" in roles and set(_PRICES) <= set(roles) else "file"


def _wide(name: str, header: Sequence[str], plain: list[str]) -> Layout:
    at = next(i for i, word in enumerate(plain) if _ROLE.get(word) in ("ts", "date", "time"))
    symbols = [column for i, column in enumerate(header) if i != at]
    words = [_ROLE.get(_plain(column)) for column in symbols]
    if not symbols or "symbol" in words or (words.count("high") and words.count("low")):
        raise DataError(
            f"{name} has no column close; it has {', '.join(header)}.",
            "Name the columns date or ts, symbol, open, high, low, close, volume.",
        )
    if len(set(symbols)) < len(symbols):
        twice = next(column for column in symbols if symbols.count(column) > 1)
        raise DataError(f"{name} has the column {twice} more than once.", "Keep one of them.")
    return Layout("wide", "file", {"ts": header[at]})


def _plain(column: str) -> str:
    """A column's name in lower case, without brackets, numbering and blanks.

    >>> _plain("<CLOSE>"), _plain("Adj Close"), _plain("4. close")
    ('close', 'adj_close', 'close')
    """
    word = re.sub(r"^\d+\.\s*", "", column.strip().strip("<>").lower())
    word = re.sub(r"[\s.\-]+", "_", word)
    return "" if word.startswith("unnamed:") else word


def role_of(column: str) -> str:
    """The role that a column's name stands for; empty when it is none.

    >>> role_of("Adj Close"), role_of("<VOL>"), role_of("colour")
    ('adj_close', 'volume', '')
    """
    return _ROLE.get(_plain(column), "")


def symbol_in(file_name: str) -> str:
    """The symbol that a file's name stands for, as the file's maker writes it.

    >>> symbol_in("aapl.us.txt"), symbol_in("SPY_1min.csv.gz"), symbol_in("BRK-B.csv"), symbol_in("^gspc-daily.csv")
    ('AAPL.US', 'SPY', 'BRK-B', '^GSPC')
    """
    stem = re.sub(r"\.(csv|txt|tsv|parquet)(\.gz)?$", "", file_name, flags=re.I)
    return _SYMBOL_TAIL.sub("", stem).upper().strip()
