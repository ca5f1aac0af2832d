"""The journal of a backfill: every piece that is in the store, so that an interrupted pull goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tuiconsole.market.providers.ranges import Range, union


@dataclass(frozen=True, slots=True)
class DonePiece:
    """A stretch of one symbol that is in the store.

    Attributes
    ----------
    provider
        Who gave it.
    start, end
        ``(start, end]`` in ns UTC.
    rows
        Bars in it; 0 where the vendor has none.
    """

    provider: str
    symbol: str
    interval_s: int
    start: int
    end: int
    rows: int


class BackfillJournal:
    """One line of JSON per finished piece, appended and made durable after the store has taken the bars.

    A line cut short by a crash is not counted: its piece is done again, from the kept answer where there is one,
    and the store knows bars it already has.

    Parameters
    ----------
    path
        The file; made by the first piece.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[tuple[str, int], list[Range]] = {}
        self._with_rows: set[tuple[str, int]] = set()
        try:
            lines = path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            lines = []
        self._torn = bool(lines) and not lines[-1].endswith(b"\n")
        for line in lines:
            piece = _read(line)
            if piece is not None:
                self._note(piece)

    def done(self, symbol: str, interval_s: int) -> list[Range]:
        """What is done of ``symbol``, whoever gave it."""
        return list(self._done.get((symbol, interval_s), ()))

    def has_rows(self, symbol: str, interval_s: int) -> bool:
        """Whether any bar of ``symbol`` came with a piece."""
        return (symbol, interval_s) in self._with_rows

    def add(self, finished: Iterable[DonePiece]) -> None:
        """Note that ``finished`` are in the store; durable when this returns."""
        chosen = list(finished)
        if not chosen:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(asdict(piece), sort_keys=True) + "\n" for piece in chosen)
        with self._path.open("ab") as file:
            file.write(b"\n" * self._torn + text.encode())
            file.flush()
            os.fsync(file.fileno())
        self._torn = False
        for piece in chosen:
            self._note(piece)

    def _note(self, piece: DonePiece) -> None:
        key = (piece.symbol, piece.interval_s)
        if piece.rows:
            self._with_rows.add(key)
        self._done[key] = union([*self._done.get(key, ()), (piece.start, piece.end)])


def _read(line: bytes) -> DonePiece | None:
    """The piece on a line, or None for one that was cut short."""
    try:
        piece = DonePiece(**json.loads(line))
    except (ValueError, TypeError):
        return None
    whole = all(isinstance(v, int) for v in (piece.interval_s, piece.start, piece.end, piece.rows))
    return piece if whole and line.endswith(b"\n") else None
