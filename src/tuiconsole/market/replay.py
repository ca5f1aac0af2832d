"""A replay: a tape, the bar where trading begins, and the bars before it that only warm the indicators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.clock import iso, parse_iso
from tuiconsole.domain.errors import ConfigError, DataError
from tuiconsole.domain.market import Bars
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.settings import PACKAGED, FeedSettings, HistorySettings, SimulationSettings
from tuiconsole.market.tabular import read_tape
from tuiconsole.market.tape import Tape


@dataclass(frozen=True, eq=False, slots=True)
class Replay:
    """Which part of a tape is played.

    Attributes
    ----------
    start
        Index of the first bar on which the desk may trade.
    warmup
        Index of the first bar that is played at all; ``warmup <= start``.
    """

    tape: Tape
    start: int
    warmup: int

    def __len__(self) -> int:
        """Bars played, warm-up included."""
        return len(self.tape) - self.warmup

    @property
    def binding(self) -> str:
        """What a store is bound to: another tape, start or warm-up is another text."""
        return f"{self.tape.name}:{self.tape.digest}:{self.start}:{self.warmup}"

    def bars(self, first: int | None = None) -> Iterator[Bars]:
        """The bars from index ``first`` (default: the first of the warm-up) to the end of the tape."""
        for index in range(self.warmup if first is None else first, len(self.tape)):
            yield self.tape.bars(index)


def replay_from(tape: Tape, start: str, warmup_bars: int) -> Replay:
    """A replay of ``tape`` that trades from the first bar on or after ``start``.

    Parameters
    ----------
    start
        ISO date or date-time; empty for the first bar of the tape.
    warmup_bars
        Bars before it that are played without trading, as far as the tape has them.

    Raises
    ------
    ConfigError
        ``start`` is not an ISO date.
    DataError
        ``start`` is after the last bar.
    """
    try:
        ts = parse_iso(start) if start else int(tape.ts[0])
    except ValueError as error:
        raise ConfigError(f"feed.start is {start!r}, expected an ISO date such as 2007-01-03.") from error
    index = tape.index_from(ts)
    if index == len(tape):
        raise DataError(
            f"feed.start {start} is after the last bar of {tape.source} ({iso(int(tape.ts[-1]))}).",
            f"Set feed.start between {iso(int(tape.ts[0]))} and that time.",
        )
    return Replay(tape, index, max(0, index - warmup_bars))


def open_tape(
    settings: FeedSettings,
    history: HistorySettings | None = None,
    simulation: SimulationSettings | None = None,
) -> Tape:
    """The tape that ``settings`` name: stored bars, a simulated market, a file, or the packaged history."""
    if settings.feed == "simulated":
        return _simulated(simulation or SimulationSettings())
    if settings.feed == "history":
        from tuiconsole.market.history.opening import stored_tape

        return stored_tape(settings, history or HistorySettings())
    if not settings.path:
        return packaged_tape()
    return read_tape(Path(settings.path).expanduser(), settings.timezone, settings.bar_seconds)


def _simulated(settings: SimulationSettings) -> Tape:
    from tuiconsole.market.calibration import calibrated
    from tuiconsole.market.simulated import simulated_tape

    if settings.calibrate:
        recorded = (
            packaged_tape()
            if settings.calibrate == PACKAGED
            else read_tape(Path(settings.calibrate).expanduser(), "", 0)
        )
        settings = calibrated(settings, recorded)
    return simulated_tape(settings)


def open_replay(settings: FeedSettings) -> Replay:
    """The replay that ``settings`` describe; errors as in :func:`replay_from` and :func:`open_tape`."""
    return replay_from(open_tape(settings), settings.start, settings.warmup_bars)
