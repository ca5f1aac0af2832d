"""The history store: write bars and corporate actions, read them as tapes, coverage or SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tuiconsole.domain.clock import Clock, WallClock
from tuiconsole.domain.errors import DataError
from tuiconsole.market.actions import Action, TickerMap
from tuiconsole.market.history.adjusting import Adjusting, actions_by_instrument
from tuiconsole.market.history.manifest import Manifest, load_manifest, remove_strays, sole_writer
from tuiconsole.market.history.records import Coverage, Provenance, WriteReport
from tuiconsole.market.history.tables import ticker_map
from tuiconsole.market.history.transaction import Transaction
from tuiconsole.market.intervals import canonical_interval
from tuiconsole.market.tape import Tape

if TYPE_CHECKING:
    from tuiconsole.market.history.inspection import SymbolReport
    from tuiconsole.market.universes.lists import SymbolList

_Answer = TypeVar("_Answer")
_TRIES = 5


class HistoryStore:
    """Bars of any length under one folder.

    Parameters
    ----------
    root
        The folder; made by the first write.
    clock
        Where the time of a write is read; default the machine's.

    Examples
    --------
    >>> import tempfile, pyarrow as pa
    >>> bars = pa.table({"ts": [0, 86_400_000_000_000], "symbol": ["AAA", "AAA"], "close": [10.0, 11.0]})
    >>> store = HistoryStore(Path(tempfile.mkdtemp()))
    >>> store.write("1day", bars, Provenance("example")).new, store.write("1day", bars, Provenance("example")).same
    (2, 2)
    >>> store.tape(["AAA"], "1day").close[:, 0].tolist()
    [10.0, 11.0]
    """

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        self.root = root
        self._clock = clock or WallClock()

    @property
    def manifest(self) -> Manifest:
        """The state as it is now."""
        return load_manifest(self.root)

    def write(self, interval: str, bars: Any, provenance: Provenance) -> WriteReport:
        """Store bars; all of them or, after an interruption, none.

        Parameters
        ----------
        interval
            Length of the bars, e.g. ``"1min"`` or ``"1day"``.
        bars
            Arrow table ``ts`` (ns UTC, **end of the bar**; a daily bar at its exchange's close), ``symbol``,
            ``close`` and where known ``open, high, low, volume`` (float64; null or NaN where unknown), and
            optionally ``row``, the line in the source. Raw prices unless ``provenance`` says otherwise.

        Returns
        -------
        What was new, what replaced another value, what was there already. The same rows twice change nothing.

        Raises
        ------
        DataError
            Columns are missing or of a wrong type, or the folder cannot be written.
        """
        with self.transaction() as transaction:
            return transaction.add(interval, bars, provenance)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Several writes that become visible together, when the block ends without an error."""
        with sole_writer(self.root):
            manifest = self.manifest
            remove_strays(self.root, manifest)
            transaction = Transaction(self.root, manifest, self._clock.now_ns())
            try:
                yield transaction
            except FileNotFoundError as error:
                raise _lacking(self.root, error) from error
            except BaseException:
                remove_strays(self.root, manifest)
                raise
            transaction.commit()

    def symbols(self, interval: str) -> tuple[str, ...]:
        """The symbols with bars of this length, as they were written, in alphabetical order."""
        from tuiconsole.market.history import reading

        name = canonical_interval(interval)
        return self.consistently(lambda manifest: reading.symbols(self.root, manifest, name))

    def coverage(self, interval: str) -> tuple[Coverage, ...]:
        """What the store holds of each symbol."""
        from tuiconsole.market.history import reading

        name = canonical_interval(interval)
        return self.consistently(lambda manifest: reading.coverage(self.root, manifest, name))

    def tape(
        self,
        symbols: Sequence[str] | None,
        interval: str,
        start: int | None = None,
        end: int | None = None,
        adjusted: bool = True,
        *,
        dividends: bool = False,
        known_at: int | None = None,
        chosen: SymbolList | None = None,
    ) -> Tape:
        """Bars as a tape, one column for each instrument, whatever its ticker was.

        Parameters
        ----------
        symbols
            Instruments or tickers, default all. Columns are in alphabetical order.
        start, end
            Bars with ``start <= ts < end`` (ns UTC); default all.
        adjusted
            Adjust raw prices and volumes for splits.
        dividends
            Take dividends out of earlier prices too (total return).
        known_at
            Adjust for the actions known by then alone (ns UTC); default all.
        chosen
            The list that the symbols come from: says what they are and when they belonged. Of one in a file, symbols without
            bars are left out and named in the tape's notes.

        Raises
        ------
        DataError
            There are no such bars, or a symbol is not stored.
        """
        from tuiconsole.market.history import taping

        name, how = canonical_interval(interval), Adjusting(adjusted, dividends, known_at)
        wanted = None if symbols is None else tuple(symbols)
        return self.consistently(
            lambda now: taping.tape(self.root, now, wanted, name, (start, end), how, chosen)
        )

    def actions(self) -> Mapping[str, Sequence[Action]]:
        """Stored splits and dividends of each instrument."""
        return self.consistently(lambda manifest: actions_by_instrument(self.root, manifest))

    def ticker_map(self) -> TickerMap:
        """Which instrument a ticker meant when."""
        return self.consistently(lambda manifest: ticker_map(self.root, manifest))

    def inspect(self, interval: str, symbols: Sequence[str] | None = None) -> tuple[SymbolReport, ...]:
        """What is held of each instrument (default all) and what is doubtful about it."""
        from tuiconsole.market.history.inspection import inspect

        name = canonical_interval(interval)
        return self.consistently(lambda manifest: inspect(self.root, manifest, name, symbols))

    def query(self, sql: str) -> Any:
        """The answer of DuckDB to ``sql``, as an Arrow table.

        One view per interval (``bars_1day``, ``bars_5min``, …; ``aside_1day`` for rows put aside) and the table
        ``origins``. SQL reaches these alone: no file, no network, and nothing it does is kept.

        Raises
        ------
        DataError
            The SQL is wrong; the sentence is DuckDB's own.
        """
        from tuiconsole.market.history.sql import answer

        return self.consistently(lambda manifest: answer(self.root, manifest, sql))

    def consistently(self, question: Callable[[Manifest], _Answer]) -> _Answer:
        """The answer to ``question`` about one state of the store.

        It is asked again with the next state when a write has replaced the files it was reading.
        """
        manifest = self.manifest
        for _ in range(_TRIES):
            try:
                return question(manifest)
            except FileNotFoundError as error:
                later = self.manifest
                if later == manifest:
                    raise _lacking(self.root, error) from error
                manifest = later
        raise DataError(f"The history in {self.root} changes faster than it can be read.", "Try again.")


def _lacking(root: Path, error: FileNotFoundError) -> DataError:
    """What to say when a piece that the manifest names is not there."""
    return DataError(
        f"The history in {root} lacks the file {error.filename or error}, which its manifest names.",
        "Restore it, or import again into another history.root.",
    )
