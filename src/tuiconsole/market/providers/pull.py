"""Pulling bars: what is missing, from the first vendor that gives it, into the store, piece by piece.

Each vendor in turn is asked for what the ones before it did not give. A piece counts as done when the store has
taken it; an interruption or the end of a quota loses nothing that was stored before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, Clock, iso
from tuiconsole.market.providers.backfill_journal import BackfillJournal, DonePiece
from tuiconsole.market.providers.columns import actions_schema, bars_schema, joined
from tuiconsole.market.providers.contract import Answer, BarProvider, Fault, FaultKind
from tuiconsole.market.providers.ranges import Range, pieces, union, without

if TYPE_CHECKING:
    import pyarrow as pa

    BarSink = Callable[[str, pa.Table, pa.Table], None]
    """Makes bars and actions, given by the named vendor, durable."""

_PIECES_HELD = 25
"""Pieces held in memory before they are written: a crash costs at most so many, and the kept answers give them back."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to pull: symbols, the length of a bar in seconds, and ``(start, end]`` in ns UTC."""

    symbols: tuple[str, ...]
    interval_s: int
    start_ns: int
    end_ns: int


@dataclass
class PullReport:
    """What a pull did.

    Attributes
    ----------
    pieces, stored
        Stretches (of one symbol each) that were missing, and that are now in the store.
    already
        Symbols of which nothing was missing.
    rows, actions
        Bars and actions handed to the store.
    by_provider
        Stretches that each vendor gave.
    left
        Stretches that nobody gave, with the last vendor's fault.
    until_ns
        When the first vendor that ran out of requests answers again, ns UTC; 0 when none ran out.
    """

    pieces: int = 0
    stored: int = 0
    already: int = 0
    rows: int = 0
    actions: int = 0
    by_provider: dict[str, int] = field(default_factory=dict)
    left: list[tuple[str, Range, Fault]] = field(default_factory=list)
    until_ns: int = 0

    def sentence(self) -> str:
        """What is done, what is left, and when it can go on; empty when nothing is left."""
        if not self.left:
            return ""
        symbols = sorted({symbol for symbol, _, _ in self.left})
        some = ", ".join(symbols[:5]) + (" …" if len(symbols) > 5 else "")
        done = f"{self.stored} of {self.pieces} pieces are stored and stay so, {len(self.left)} are left ({some})"
        if self.until_ns:
            return f"The vendors take no more requests: {done}; run the same command again after {iso(self.until_ns)}."
        return f"{done}: {self.left[-1][2].sentence}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of one symbol that is still missing, and why the last vendor did not give it.

    ``asked`` is false when that vendor holds no such bars of anything, and so cannot know.
    """

    symbol: str
    stretch: Range
    fault: Fault | None = None
    asked: bool = False


def pull_bars(
    wanted: Wanted,
    providers: Sequence[BarProvider],
    journal: BackfillJournal,
    sink: BarSink,
    clock: Clock,
    progress: Callable[[int, int, str], None] | None = None,
) -> PullReport:
    """Bring what is missing of ``wanted`` into the store.

    Parameters
    ----------
    providers
        Vendors in the order in which they are asked.
    sink
        Takes what came; a piece is noted in ``journal`` after it returned.
    progress
        Told pieces done, pieces in all, and who gave the last one.
    """
    return _Pull(wanted, journal, sink, clock, progress).run(providers)


class _Pull:
    """One pull on its way."""

    def __init__(
        self,
        wanted: Wanted,
        journal: BackfillJournal,
        sink: BarSink,
        clock: Clock,
        progress: Callable[[int, int, str], None] | None,
    ) -> None:
        now = clock.now_ns()
        self._wanted, self._journal, self._sink, self._progress = wanted, journal, sink, progress
        self._finished_before = now // NANOSECONDS_PER_DAY * NANOSECONDS_PER_DAY
        self._stretch = (wanted.start_ns, min(wanted.end_ns, now))
        self._held: dict[str, list[tuple[Answer, list[DonePiece]]]] = {}
        self._report = PullReport()
        self._given: set[str] = set()
        self._kinds: dict[str, set[FaultKind]] = {}

    def run(self, providers: Sequence[BarProvider]) -> PullReport:
        parts = self._missing(providers[0])
        report = self._report
        report.pieces = len(parts)
        try:
            for provider in providers:
                parts = self._ask(provider, parts) if parts else parts
        finally:
            self._flush()
        self._settle(parts)
        return report

    def _missing(self, first: BarProvider) -> list[_Part]:
        longest = first.longest_piece_ns(self._wanted.interval_s) or self._stretch[1] - self._stretch[0] or 1
        parts: list[_Part] = []
        for symbol in self._wanted.symbols:
            left = without(self._stretch, self._journal.done(symbol, self._wanted.interval_s))
            self._report.already += not left
            parts += [_Part(symbol, piece) for stretch in left for piece in pieces(stretch, longest)]
        return parts

    def _ask(self, provider: BarProvider, parts: list[_Part]) -> list[_Part]:
        """Ask one vendor for ``parts``; what it did not give comes back."""
        name, seconds = provider.name, self._wanted.interval_s
        longest, earliest = provider.longest_piece_ns(seconds), provider.earliest_ns(seconds)
        if not longest:
            fault = Fault(FaultKind.NOT_FOUND, name, f"{name} offers no bars of {seconds} seconds.")
            return self._refused(parts, fault, asked=False)
        before = Fault(FaultKind.NOT_FOUND, name, f"{name} keeps no bars before {iso(earliest)}.")
        old = [
            _Part(p.symbol, (p.stretch[0], min(earliest, p.stretch[1])))
            for p in parts
            if p.stretch[0] < earliest
        ]
        left = self._refused(old, before, asked=False)
        recent = [
            _Part(p.symbol, (max(earliest, p.stretch[0]), p.stretch[1]))
            for p in parts
            if p.stretch[1] > earliest
        ]
        stopped: Fault | None = None
        for symbols, stretch in _requests(recent, longest, provider.symbols_per_request):
            if stopped is not None:
                left += self._refused([_Part(symbol, stretch) for symbol in symbols], stopped)
                continue
            answer = provider.bars(symbols, seconds, *stretch)
            stopped = next((fault for fault in answer.faults if fault.stops_provider), None)
            if stopped is not None and stopped.until_ns:
                self._report.until_ns = min(filter(None, (self._report.until_ns, stopped.until_ns)))
            left += self._accept(name, symbols, stretch, answer)
        return left

    def _refused(self, parts: Iterable[_Part], fault: Fault, *, asked: bool = True) -> list[_Part]:
        """``parts`` with the reason why a vendor did not give them."""
        chosen = [_Part(part.symbol, part.stretch, fault.about(part.symbol), asked) for part in parts]
        for part in chosen:
            self._kinds.setdefault(part.symbol, set()).add(fault.kind)
        return chosen

    def _accept(self, name: str, symbols: Sequence[str], stretch: Range, answer: Answer) -> list[_Part]:
        """Hold what came; the parts that did not come."""
        import pyarrow.compute as pc

        counted = {row["values"]: row["counts"] for row in pc.value_counts(answer.bars["symbol"]).to_pylist()}
        left: list[_Part] = []
        given: list[DonePiece] = []
        for symbol in symbols:
            fault, rows = answer.fault_of(symbol), counted.get(symbol, 0)
            if fault is not None:
                left += self._refused([_Part(symbol, stretch)], fault)
                continue
            given.append(self._piece(name, symbol, stretch, rows))
            if rows:
                self._given.add(symbol)
        if given:
            self._held.setdefault(name, []).append((answer, given))
            self._report.stored += len(given)
            self._report.rows += answer.bars.num_rows
            self._report.actions += answer.actions.num_rows
            self._report.by_provider[name] = self._report.by_provider.get(name, 0) + len(given)
        if self._progress is not None:
            self._progress(self._report.stored, max(self._report.pieces, self._report.stored), name)
        if sum(len(held) for held in self._held.values()) >= _PIECES_HELD:
            self._flush()
        return left

    def _piece(self, name: str, symbol: str, stretch: Range, rows: int) -> DonePiece:
        """A finished piece; the day that is still under way is not finished, whatever came of it."""
        end = max(stretch[0], min(stretch[1], self._finished_before))
        return DonePiece(name, symbol, self._wanted.interval_s, stretch[0], end, rows)

    def _flush(self) -> None:
        """Write what is held, then note it."""
        held, self._held = self._held, {}
        for name, got in held.items():
            self._sink(
                name,
                joined([answer.bars for answer, _ in got], bars_schema()),
                joined([answer.actions for answer, _ in got], actions_schema()),
            )
            self._journal.add(piece for _, given in got for piece in given if piece.end > piece.start)

    def _settle(self, parts: Iterable[_Part]) -> None:
        """What nobody gave: nothing is left of a known symbol where every vendor says that it has no bars there."""
        done: list[DonePiece] = []
        for part in parts:
            known = part.symbol in self._given or self._journal.has_rows(part.symbol, self._wanted.interval_s)
            fault = part.fault
            if fault is None or (known and part.asked and self._kinds[part.symbol] == {FaultKind.NOT_FOUND}):
                done.append(self._piece("", part.symbol, part.stretch, 0))
                self._report.stored += 1
            else:
                self._report.left.append((part.symbol, part.stretch, fault))
        self._journal.add(piece for piece in done if piece.end > piece.start)
        self._report.pieces = max(self._report.pieces, self._report.stored + len(self._report.left))


def _requests(
    parts: Sequence[_Part], longest: int, symbols_per_request: int
) -> Iterator[tuple[tuple[str, ...], Range]]:
    """``parts`` as requests: stretches of one symbol joined, cut to length, and symbols of one stretch together."""
    by_symbol: dict[str, list[Range]] = {}
    for part in parts:
        by_symbol.setdefault(part.symbol, []).append(part.stretch)
    by_stretch: dict[Range, list[str]] = {}
    for symbol, stretches in by_symbol.items():
        for stretch in union(stretches):
            for piece in pieces(stretch, longest):
                by_stretch.setdefault(piece, []).append(symbol)
    for piece, symbols in by_stretch.items():
        for i in range(0, len(symbols), symbols_per_request):
            yield tuple(symbols[i : i + symbols_per_request]), piece
