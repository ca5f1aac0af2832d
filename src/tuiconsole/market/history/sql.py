"""SQL over the store: DuckDB in memory sees the bars as views, and nothing else of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import DataError
from tuiconsole.market.history.manifest import Manifest, Piece

_NEWEST = "SELECT * FROM {name} QUALIFY row_number() OVER (PARTITION BY symbol, ts ORDER BY seq DESC) = 1"


def answer(root: Path, manifest: Manifest, sql: str) -> Any:
    """The answer to ``sql`` as an Arrow table; wrong SQL raises :class:`DataError` with DuckDB's sentence."""
    import duckdb

    connection = duckdb.connect(":memory:")
    try:
        connection.execute("SET TimeZone = 'UTC'")
        for name, source in _sources(root, manifest).items():
            connection.register(name, source)
        for interval, pieces in manifest.bars.items():
            text = _NEWEST if _overlap(pieces) else "SELECT * FROM {name}"
            connection.execute(f"CREATE VIEW bars_{interval} AS {text.format(name=f'pieces_{interval}')}")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        found = connection.sql(sql)
        if found is None:
            raise DataError("The question to the history has no answer.", "Ask with SELECT.")
        return found.to_arrow_table()
    except duckdb.Error as error:
        raise DataError(
            f"The question to the history is wrong: {str(error).strip().splitlines()[0]}"
        ) from error
    finally:
        connection.close()


def _sources(root: Path, manifest: Manifest) -> dict[str, Any]:
    import pyarrow
    from pyarrow import dataset

    found: dict[str, Any] = {}
    for prefix, groups in (("pieces", manifest.bars), ("aside", manifest.aside)):
        for interval, pieces in groups.items():
            files = [str(root / piece.file) for piece in pieces]
            for file in files:
                Path(file).stat()
            found[f"{prefix}_{interval}"] = dataset.dataset(files, format="parquet")
    found["origins"] = pyarrow.table(
        {
            "origin": list(range(len(manifest.origins))),
            **{
                name: [getattr(origin.provenance, name) for origin in manifest.origins]
                for name in ("source", "file", "label", "label_from", "zone", "adjusted")
            },
            **{
                name: [getattr(origin, name) for origin in manifest.origins]
                for name in ("first_written", "last_written", "writes")
            },
        }
    )
    return found


def _overlap(pieces: tuple[Piece, ...]) -> bool:
    """Whether two pieces may hold the same bar."""
    buckets = [piece.bucket for piece in pieces]
    return len(set(buckets)) < len(buckets)
