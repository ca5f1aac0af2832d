"""Tables with two header rows, a field and a ticker over each column, as pandas writes what yfinance downloads."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.market.csv_rows import NULLS
from tuiconsole.market.imports.layout import Layout, role_of

_FIRST_ROW = 4
_FIELDS = ("open", "high", "low", "close", "adj_close", "volume")


def grouped_columns(head: str) -> list[tuple[str, str]] | None:
    r"""Role and ticker over each column but the first, from the first lines of a file; None when it has no such head.

    >>> grouped_columns("Price,Close,Open\nTicker,SPY,SPY\nDate,,\n2024-01-02,1,2\n")
    [('close', 'SPY'), ('open', 'SPY')]
    >>> grouped_columns("Date,Close\n2024-01-02,1\n2024-01-03,1\n") is None
    True
    """
    rows = list(csv.reader(head.splitlines()[:3]))
    if len(rows) < 3 or not len(rows[0]) == len(rows[1]) == len(rows[2]) > 1:
        return None
    if rows[2][0].strip().lower() not in ("date", "datetime") or any(cell.strip() for cell in rows[2][1:]):
        return None
    for fields, tickers in ((rows[0], rows[1]), (rows[1], rows[0])):
        roles = [role_of(field) for field in fields[1:]]
        if "close" in roles and all(role in _FIELDS for role in roles):
            return [(role, ticker.strip()) for role, ticker in zip(roles, tickers[1:], strict=True)]
    return None


def read_grouped(path: Path, columns: list[tuple[str, str]]) -> tuple[Layout, Any]:
    """The file as a long table with the columns ``ts, symbol, row`` and those that it has; a ticker's empty rows are none.

    Without a column of adjusted closes prices are adjusted for dividends too: that is what yfinance does unless told not to.
    """
    import pyarrow
    from pyarrow import csv as arrow_csv

    names = [f"{role} {ticker}" for role, ticker in columns]
    try:
        table = arrow_csv.read_csv(
            path,
            read_options=arrow_csv.ReadOptions(skip_rows=_FIRST_ROW - 1, column_names=["ts", *names]),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pyarrow.float64()), null_values=sorted(NULLS)
            ),
        )
    except pyarrow.ArrowException as error:
        raise DataError(f"{path.name} cannot be read as CSV: {str(error).splitlines()[0]}.") from error
    roles = [role for role in _FIELDS if any(role == one for one, _ in columns)]
    parts = []
    for ticker in dict.fromkeys(ticker for _, ticker in columns):
        values = {role: table.column(f"{role} {ticker}").to_numpy() for role, one in columns if one == ticker}
        some = np.flatnonzero(~np.all([np.isnan(column) for column in values.values()], axis=0))
        held = {role: values.get(role, np.full(len(table), np.nan))[some] for role in roles}
        ts = table.column("ts").take(pyarrow.array(some))
        parts.append(
            pyarrow.table({"ts": ts, "symbol": [ticker] * len(some), **held, "row": some + _FIRST_ROW})
        )
    source = "yahoo" if "adj_close" in roles else "yfinance"
    return Layout("long", source, {"ts": "ts", "symbol": "symbol"}), pyarrow.concat_tables(parts)
