"""The two lines that are always there: mode, feed, clock and level above; money, safety and the stop key below."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import figures
from tuiconsole.ui.format import plain
from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.paint import Brush, exactly

MODE_TEXT = {"live": " !! LIVE !! REAL MONEY !! "}


class Header(Lines):
    """Mode and level can be told apart without colour: by words, marks and reverse video."""

    GROUND = "surface"

    def __init__(self, brush: Brush, mode_hint: str, stop_key: str, *, id: str = "header") -> None:
        super().__init__(brush, id=id)
        self._mode = mode_hint
        self._stop = f" {stop_key} STOP "
        self._snapshot: Snapshot | None = None
        self._badges: tuple[tuple[str, str], ...] = ()

    def show(self, snapshot: Snapshot | None, badges: tuple[tuple[str, str], ...]) -> None:
        """Show ``snapshot`` and ``badges`` (text and tone: link slow, stale, read-only …)."""
        self._snapshot = snapshot
        self._badges = badges
        self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """Both lines."""
        return [self._first(width), self._second(width)]

    def _first(self, width: int) -> Strip:
        snapshot = self._snapshot
        mode = plain(snapshot.header.mode if snapshot else self._mode).lower()
        left = [self.brush.segment(self._mode_text(mode), "live" if mode == "live" else "mode")]
        left.append(self.brush.segment(" ", "plain"))
        right: list[Segment] = []
        for text, tone in self._badges:
            right.append(self.brush.segment(f" {text} ", tone))
            right.append(self.brush.segment(" ", "plain"))
        if snapshot is not None:
            if snapshot.header.tape_ended:
                right.append(self.brush.segment(" TAPE ENDED ", "paused"))
                right.append(self.brush.segment(" ", "plain"))
            level = snapshot.header.level
            right.append(self.brush.segment(f" {figures.level_text(snapshot)} ", level))
        room = width - Strip(left).cell_length - Strip(right).cell_length - 1
        middle = (
            self.brush.fields(figures.title_fields(snapshot), max(0, room))
            if snapshot
            else Strip.blank(max(0, room))
        )
        return exactly(Strip([*left, *middle, self.brush.segment(" ", "plain"), *right]), width)

    def _mode_text(self, mode: str) -> str:
        return MODE_TEXT.get(mode, f" {mode.upper() or '?'} ")

    def _second(self, width: int) -> Strip:
        stop = self.brush.segment(self._stop, "stop")
        room = width - stop.cell_length - 1
        if self._snapshot is None:
            waiting = Strip([self.brush.segment(" waiting for the engine's first figures", "dim")])
            return exactly(Strip([*exactly(waiting, room), self.brush.segment(" ", "plain"), stop]), width)
        space = self.brush.segment(" ", "plain")
        money = self.brush.fields(figures.header_fields(self._snapshot), room - 1)
        return exactly(Strip([space, *money, space, stop]), width)
