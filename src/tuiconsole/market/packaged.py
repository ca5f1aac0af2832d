"""The packaged history: 20 large US stocks, real adjusted daily closes 1990-2022.

It is a data file inside skfolio, read without importing skfolio, whose import takes seconds.
"""

from __future__ import annotations

import gzip
import zlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tuiconsole.domain.errors import DataError
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.market.calendar import exchange_close
from tuiconsole.market.sectors import sector_of
from tuiconsole.market.tape import Tape

PACKAGED_NAME = "S&P-20"
_FILE = Path("datasets") / "data" / "sp500_dataset.csv.gz"
_REMEDY = "Install the skfolio package into this environment, or name a data file with feed.path."


def packaged_path() -> Path:
    """Where the data file lies; :class:`DataError` when skfolio or the file is not installed."""
    found = find_spec("skfolio")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / _FILE
        if path.is_file():
            return path
    raise DataError("The packaged price history is not installed.", _REMEDY)


def packaged_tape() -> Tape:
    """The packaged history as a close-only tape of 20 symbols; a bar exists at its exchange's close.

    Raises
    ------
    DataError
        When the file is missing or not the table it should be.
    """
    path = packaged_path()
    try:
        with gzip.open(path) as file:
            raw = file.read()
        header, *lines = raw.replace(b"\r", b"").splitlines()
        symbols = header.decode("ascii").split(",")[1:]
        dates = np.array([line[:10].decode("ascii") for line in lines], dtype="datetime64[D]")
        cells = b",".join(line[11:] for line in lines).split(b",")
        close = np.array([float(cell or b"nan") for cell in cells]).reshape(len(lines), len(symbols))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(f"The packaged price history cannot be read: {error}.", _REMEDY) from error
    universe = Universe(tuple(Instrument(symbol, sector=sector_of(symbol)) for symbol in symbols))
    return Tape(PACKAGED_NAME, "packaged", universe, exchange_close(dates.astype(np.int64)), close)
