"""The recorded tape: every live bar is written here before the desk sees it, so that a restart can play it again.

A directory of append-only segments of :data:`SEGMENT_BARS` bars. A segment is a row of frames: length (4 bytes, big-endian),
payload (canonical bytes), link (32 bytes). The first frame holds the :class:`TapeHeader`, every further one a bar. A link is
``SHA-256(link before | payload)`` and the chain runs on from segment to segment, so no bar can be changed, cut out or put in
without breaking it. A frame that a crash cut short was never played; it is set aside when the tape is opened for writing.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.errors import StoreError, TapeDamaged
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.market import BarBlock, Bars
from tuiconsole.domain.types import FloatArray
from tuiconsole.market.universes.instruments import retold

SEGMENT_BARS = 1024
FORMAT = 1
_LENGTH_BYTES, _LINK_BYTES = 4, 32
_GENESIS = bytes(_LINK_BYTES)
_COLUMNS = ("open", "high", "low", "close", "volume")
_CACHED_SEGMENTS = 2
_REMEDY = "Restore the tape from a backup; the desk must not trade on it."


@dataclass(frozen=True, slots=True)
class TapeHeader:
    """What a recorded tape holds.

    Attributes
    ----------
    name
        Short label for the header of the console, e.g. ``"yahoo 1min"``.
    family
        The kind of source its bars may come from, e.g. ``"yahoo"``; another family is another tape.
    interval
        Length of a bar, e.g. ``"1min"`` or ``"1day"``.
    calendar
        Exchange calendar that says when bars are due, e.g. ``"XNYS"``.
    start
        Index of the first bar that trades; the bars before it only warm the indicators.
    bars_per_year
        Of this interval and calendar, for annual figures.
    listed
        What was known of the instruments, see :func:`~tuiconsole.market.universes.instruments.told`.
    """

    name: str
    family: str
    interval: str
    calendar: str
    timezone: str
    symbols: tuple[str, ...]
    start: int
    bars_per_year: float
    listed: tuple[tuple[str, ...], ...] = ()

    def content(self) -> dict[str, Any]:
        """What is written and hashed; :attr:`listed` only where there is a list."""
        found = asdict(self)
        if not self.listed:
            del found["listed"]
        return found

    def universe(self) -> Universe:
        """The instruments, as they were known when the tape began."""
        return retold(self.symbols, self.listed)


@dataclass(frozen=True, slots=True)
class RecordedBar:
    """A bar, when it was received (ns UTC of the wall clock), and which feed it came from."""

    bars: Bars
    received: int
    feed: str


@dataclass(slots=True)
class _Segment:
    number: int
    head: bytes
    bars: list[RecordedBar] = field(default_factory=list)
    size: int = 0


class RecordedTape:
    """A tape that grows. Opened for writing by the one engine, for reading by everybody else."""

    def __init__(
        self,
        directory: Path,
        header: TapeHeader,
        last: _Segment,
        file: BinaryIO | None,
        checked: bool = True,
    ) -> None:
        self.directory = directory
        self.header = header
        self.name = header.name
        self.universe = header.universe()
        self._last = last
        self._file = file
        self._checked = checked
        self._older: dict[int, _Segment] = {}

    # ---- making and opening ---------------------------------------------------------------------------------

    @classmethod
    def create(cls, directory: Path, header: TapeHeader, warm_up: Sequence[RecordedBar]) -> RecordedTape:
        """A new tape that begins with ``warm_up``; the directory appears whole or not at all.

        Raises :class:`StoreError` when it cannot be written.
        """
        fresh = directory.with_name(directory.name + ".new")
        try:
            if fresh.exists():
                for old in fresh.iterdir():
                    old.unlink()
            fresh.mkdir(mode=0o700, parents=True, exist_ok=True)
            tape = cls(fresh, header, _Segment(-1, _GENESIS), None)
            tape._begin_segment()
            for bar in warm_up:
                tape._write(bar)
            tape._sync()
            fresh.rename(directory)
            _sync_directory(directory.parent)
        except OSError as error:
            raise _unwritable(directory, error) from error
        tape.directory = directory
        return tape

    @classmethod
    def open(cls, directory: Path, *, writing: bool = False, checked: bool = True) -> RecordedTape:
        """The tape in ``directory``; its last segment is checked, older ones when they are played or checked.

        Parameters
        ----------
        checked
            False plays what can be read, changed or not, so that what was changed can be shown; never to trade on.

        Raises
        ------
        TapeDamaged
            There is no tape, or it was changed or cut.
        """
        numbers = _segments(directory)
        while writing and len(numbers) > 1 and _begun_at_a_crash(directory, numbers[-1]):
            _path(directory, numbers.pop()).unlink()
        if not numbers or numbers != list(range(len(numbers))):
            raise TapeDamaged(f"{directory.name} holds no whole recorded tape.", _REMEDY)
        first = next(_frames(_path(directory, 0), _GENESIS if checked else None, 0), None)
        if first is None:
            raise TapeDamaged(f"{directory.name} has no header.", _REMEDY)
        header = _header(first[0])
        last = _read_segment(directory, numbers[-1], header, checked=checked, torn=writing)
        file: BinaryIO | None = None
        if writing:
            try:
                file = _path(directory, last.number).open("r+b")
                _set_aside(file, last, directory)
            except OSError as error:
                raise _unwritable(directory, error) from error
        return cls(directory, header, last, file, checked)

    # ---- playing --------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._last.number * SEGMENT_BARS + len(self._last.bars)

    def bars(self, index: int) -> Bars:
        """The cross-section at ``index`` (0 ≤ index < len), with ``seq`` = ``index``."""
        return self.recorded(index).bars

    def recorded(self, index: int) -> RecordedBar:
        """The bar at ``index`` with when and from where it was received; beyond the end raises :class:`TapeDamaged`."""
        number, position = divmod(index, SEGMENT_BARS)
        if not 0 <= index < len(self):
            raise TapeDamaged(
                f"The journal goes on to bar {index + 1}, but {self.directory.name} holds {len(self)}.",
                _REMEDY,
            )
        if number == self._last.number:
            return self._last.bars[position]
        if number not in self._older:
            while len(self._older) >= _CACHED_SEGMENTS:
                del self._older[next(iter(self._older))]
            self._older[number] = _read_segment(self.directory, number, self.header, checked=self._checked)
        return self._older[number].bars[position]

    def block(self, first: int, end: int) -> BarBlock:
        """The cross-sections ``first`` (inclusive) to ``end`` (exclusive); as :meth:`bars` of each."""
        rows = [self.bars(index) for index in range(first, end)]
        columns = {name: np.stack([getattr(row, name) for row in rows]) for name in _COLUMNS}
        nothing: FloatArray = np.full(len(self.universe), np.nan)
        return BarBlock(
            seq=first,
            ts=[row.ts for row in rows],
            session=[row.session for row in rows],
            nothing=nothing,
            macro=None,
            quotes=None,
            **columns,
        )

    @property
    def last_ts(self) -> int:
        """Time of the newest bar in ns UTC; 0 on an empty tape."""
        return self.bars(len(self) - 1).ts if len(self) else 0

    @property
    def binding(self) -> str:
        """What a store is bound to: source, interval, calendar, universe and the bars of the warm-up; not what came later."""
        header = self.header
        digest = hashlib.sha256(encode_state(header.content()))
        for index in range(header.start):
            digest.update(_payload(self.recorded(index)))
        parts = (header.name, "live", header.family, header.interval, header.calendar, digest.hexdigest())
        return ":".join(parts)

    def check(self) -> int:
        """Walk the whole chain; the number of bars. Raises :class:`TapeDamaged` at the first frame that was changed."""
        link = _GENESIS
        for number in range(self._last.number + 1):
            link = _read_segment(self.directory, number, self.header, link).head
        return len(self)

    # ---- recording ------------------------------------------------------------------------------------------

    def append(self, bars: Bars, received: int, feed: str) -> None:
        """Write the next bar; it is durable when this returns. ``seq`` becomes its index.

        Raises
        ------
        StoreError
            It cannot be written, or the tape is open for reading.
        """
        if self._file is None:
            raise StoreError(f"{self.directory.name} is open for reading.", "Only the engine records.")
        try:
            if len(self._last.bars) == SEGMENT_BARS:
                self._begin_segment()
            self._write(RecordedBar(bars, received, feed))
            self._sync()
        except OSError as error:
            raise _unwritable(self.directory, error) from error

    def close(self) -> None:
        """Close the file; nothing more is recorded."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin_segment(self) -> None:
        if self._file is not None:
            self._sync()
            self._file.close()
        before = self._last
        if before.number >= 0:
            self._older[before.number] = before
        self._last = _Segment(before.number + 1, before.head)
        self._file = _path(self.directory, self._last.number).open("xb")
        self._put(encode_state({"format": FORMAT, "segment": self._last.number, **self.header.content()}))
        _sync_directory(self.directory)

    def _write(self, bar: RecordedBar) -> None:
        if len(self._last.bars) == SEGMENT_BARS:
            self._begin_segment()
        payload = _payload(bar)
        self._put(payload)
        self._last.bars.append(_bar(payload, len(self)))

    def _put(self, payload: bytes) -> None:
        assert self._file is not None
        link = _link(self._last.head, payload)
        frame = len(payload).to_bytes(_LENGTH_BYTES, "big") + payload + link
        self._file.write(frame)
        self._last.head = link
        self._last.size += len(frame)

    def _sync(self) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())


def _payload(bar: RecordedBar) -> bytes:
    bars = bar.bars
    columns = [np.asarray(getattr(bars, name), dtype=np.float64) for name in _COLUMNS]
    return encode_state([bars.ts, bars.session, bar.received, bar.feed, *columns])


def _bar(payload: bytes, index: int) -> RecordedBar:
    try:
        ts, session, received, feed, *columns = decode_state(payload)
        for column in columns:
            column.flags.writeable = False
        opened, high, low, close, volume = columns
    except (msgspec.DecodeError, ValueError, TypeError, AttributeError) as error:
        raise TapeDamaged(f"Bar {index} of the recorded tape cannot be read: {error}.", _REMEDY) from error
    return RecordedBar(Bars(ts, index, opened, high, low, close, volume, session), received, feed)


def _header(payload: bytes) -> TapeHeader:
    try:
        found: dict[str, Any] = decode_state(payload)
        if found.pop("format") != FORMAT:
            raise TapeDamaged("The recorded tape has another format.", "Use the version that wrote it.")
        del found["segment"]
        listed = tuple(tuple(row) for row in found.pop("listed", ()))
        return TapeHeader(**{**found, "symbols": tuple(found["symbols"]), "listed": listed})
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise TapeDamaged(f"The header of the recorded tape cannot be read: {error}.", _REMEDY) from error


def _link(before: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(before + payload).digest()


def _read_segment(
    directory: Path,
    number: int,
    header: TapeHeader,
    link: bytes | None = None,
    checked: bool = True,
    torn: bool = False,
) -> _Segment:
    """One segment, its chain checked from ``link`` (default: the end of the one before); ``torn`` as in :func:`_frames`."""
    path = _path(directory, number)
    before = _end_of(_path(directory, number - 1)) if link is None and number else link or _GENESIS
    segment = _Segment(number, before)
    for count, (payload, head, size) in enumerate(_frames(path, before if checked else None, number, torn)):
        segment.head, segment.size = head, size
        if count:
            segment.bars.append(_bar(payload, number * SEGMENT_BARS + count - 1))
        elif _header(payload) != header:
            raise TapeDamaged(f"{path.name} belongs to another tape.", _REMEDY)
    if len(segment.bars) < SEGMENT_BARS and _path(directory, number + 1).exists():
        raise TapeDamaged(f"{path.name} of the recorded tape was cut short.", _REMEDY)
    return segment


def _set_aside(file: BinaryIO, last: _Segment, directory: Path) -> None:
    """Keep what stands behind the last whole frame in a file of its own, and go on from that frame."""
    file.seek(last.size)
    rest = file.read()
    if rest:
        (directory / f"{last.number:08d}.torn").write_bytes(rest)
        file.truncate(last.size)
        file.seek(last.size)


def _frames(
    path: Path, link: bytes | None, number: int, torn: bool = False
) -> Iterator[tuple[bytes, bytes, int]]:
    """``(payload, link, bytes so far)`` of each whole frame; what a crash left unfinished at the end is passed over.

    Without a ``link`` to begin with the chain is not checked. With ``torn`` a last frame that breaks the chain counts as
    unfinished: lost power may have kept its length and not its bytes. If it was played, the journal goes on beyond the tape.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TapeDamaged(f"{path} cannot be read: {error.strerror}.", _REMEDY) from error
    position = 0
    while position + _LENGTH_BYTES <= len(data):
        length = int.from_bytes(data[position : position + _LENGTH_BYTES], "big")
        end = position + _LENGTH_BYTES + length + _LINK_BYTES
        if not length or end > len(data):
            return
        payload = data[position + _LENGTH_BYTES : end - _LINK_BYTES]
        stands = data[end - _LINK_BYTES : end]
        if link is not None:
            link = _link(link, payload)
            if link != stands and torn and end == len(data):
                return
            if link != stands:
                raise TapeDamaged(
                    f"Segment {number} of the recorded tape was changed at byte {position}.", _REMEDY
                )
        yield payload, stands, end
        position = end


def _begun_at_a_crash(directory: Path, number: int) -> bool:
    """Whether a segment was never made durable: its header is not whole, and at most the bar written with it follows."""
    frames = list(_frames(_path(directory, number), None, number))
    if not frames:
        return True
    payload, stands, _ = frames[0]
    return len(frames) <= 2 and _link(_end_of(_path(directory, number - 1)), payload) != stands


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(-_LINK_BYTES, os.SEEK_END)
            return file.read(_LINK_BYTES)
    except OSError as error:
        raise TapeDamaged(f"{path} cannot be read: {error.strerror}.", _REMEDY) from error


def _segments(directory: Path) -> list[int]:
    return sorted(int(path.stem) for path in directory.glob("*.seg") if path.stem.isdecimal())


def _path(directory: Path, number: int) -> Path:
    return directory / f"{number:08d}.seg"


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(directory: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The recorded tape {directory} cannot be written: {error.strerror}.",
        "Make room, or make the directory writable by you.",
    )
