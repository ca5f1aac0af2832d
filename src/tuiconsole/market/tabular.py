"""One CSV or Parquet file as a tape."""

from __future__ import annotations

from pathlib import Path

from tuiconsole.domain.errors import DataError
from tuiconsole.market.rows import tape_of
from tuiconsole.market.tape import Tape


def read_tape(path: Path, timezone: str = "", bar_seconds: int = 0) -> Tape:
    """Read a file with the columns ``ts, symbol, close`` and optionally ``open, high, low, volume`` and quotes.

    Quotes are ``bid, ask, bid_size, ask_size, bid_depth, ask_depth, buy_volume, sell_volume``, any of them.

    Rows are sorted by ts, or by symbol and then ts; symbols become columns in alphabetical order, so the same
    data gives the same tape in either layout. A (ts, symbol) that is absent is NaN. Bad prices are kept: the
    defence judges them.

    Parameters
    ----------
    path
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    timezone
        Zone of timestamps that carry none. When every one of these is a midnight they are session dates:
        available at the New York close, or at the end of the day in any other zone.
    bar_seconds
        Added to timestamps that name the start of a bar; 0 when they name its end. Session dates ignore it.

    Raises
    ------
    DataError
        One sentence for anything that makes the file unusable, with the line where there is one.
    """
    import pyarrow

    from tuiconsole.market.arrow_rows import read_parquet_rows
    from tuiconsole.market.csv_rows import read_csv_rows

    if not path.exists():
        raise DataError(f"The data file {path} does not exist.", "Check feed.path.")
    if not path.is_file():
        raise DataError(f"{path} is not a file.", "Set feed.path to one CSV or Parquet file.")
    ending = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if ending not in (".csv", ".csv.gz", ".parquet"):
        raise DataError(f"{path.name} is neither CSV nor Parquet.", "Name it .csv, .csv.gz or .parquet.")
    try:
        rows = read_parquet_rows(path) if ending == ".parquet" else read_csv_rows(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path.name} cannot be opened: {reason}.", "Check its permissions.") from error
    tape = tape_of(rows, timezone, bar_seconds)
    del rows
    pyarrow.default_memory_pool().release_unused()
    return tape
