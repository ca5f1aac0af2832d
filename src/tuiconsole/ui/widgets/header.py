"""The two lines that are always there: mode, feed, clock and level above; money, safety and the stop key below."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import figures
from tuiconsole.ui.format import plain
from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.paint import Brush, exactly

Badges = tuple[tuple[str, str], ...]
"""Texts with their tones, the most important first."""

MODE_TEXT = {"live": " !! LIVE !! REAL MONEY !! "}


class Header(Lines):
    """Mode and level can be told apart without colour: by words, marks and reverse video."""

    GROUND = "surface"

    def __init__(self, brush: Brush, mode_hint: str, stop_key: str, *, id: str = "header") -> None:
        super().__init__(brush, id=id)
        self._mode = mode_hint
        self._stop = f" {stop_key} STOP "
        self._snapshot: Snapshot | None = None
        self._badges: Badges = ()
        self._waited_s = 0.0
        self._stale = False

    def show(
        self, snapshot: Snapshot | None, badges: Badges, waited_s: float = 0.0, *, stale: bool = False
    ) -> None:
        """Show ``snapshot`` and ``badges`` (text and tone: read-only …), ``waited_s`` seconds after it came."""
        self._stale = stale
        self._snapshot = snapshot
        self._badges = badges
        self._waited_s = float(int(waited_s))
        self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """Both lines."""
        return [self._first(width), self._second(width)]

    def _first(self, width: int) -> Strip:
        snapshot = self._snapshot
        mode = plain(snapshot.header.mode if snapshot else self._mode).lower()
        left = Strip(
            [
                self.brush.segment(self._mode_text(mode), "live" if mode == "live" else "mode"),
                self.brush.segment(" ", "plain"),
            ]
        )
        right = self._right(width - left.cell_length)
        room = max(0, width - left.cell_length - right.cell_length - 1)
        middle = self.brush.fields(figures.title_fields(snapshot), room) if snapshot else Strip.blank(room)
        return exactly(Strip([*left, *middle, self.brush.segment(" ", "plain"), *right]), width)

    def _right(self, room: int) -> Strip:
        # the level always stands; badges go from the least important on when there is no room
        badges = list(self._badges)
        level: list[Segment] = []
        if self._snapshot is not None:
            if self._snapshot.header.tape_ended:
                badges.append(("END OF TAPE", "paused"))
            text, tone = figures.level_text(self._snapshot), self._snapshot.header.level
            if self._stale:
                text, tone = f"was {text}", "stale"  # nobody knows what it is now
            level.append(self.brush.segment(f" {text} ", tone))
        while True:
            pieces: list[Segment] = []
            for text, tone in badges:
                pieces += [self.brush.segment(f" {text} ", tone), self.brush.segment(" ", "plain")]
            strip = Strip([*pieces, *level])
            if strip.cell_length <= room or not badges:
                return strip
            badges.pop()

    def _mode_text(self, mode: str) -> str:
        return MODE_TEXT.get(mode, f" {mode.upper() or '?'} ")

    def _second(self, width: int) -> Strip:
        stop = self.brush.segment(self._stop, "stop")
        room = width - stop.cell_length - 1
        if self._snapshot is None:
            waiting = Strip([self.brush.segment(" waiting for the engine's first figures", "dim")])
            return exactly(Strip([*exactly(waiting, room), self.brush.segment(" ", "plain"), stop]), width)
        space = self.brush.segment(" ", "plain")
        money = self.brush.fields(figures.header_fields(self._snapshot, self._waited_s), room - 1)
        return exactly(Strip([space, *money, space, stop]), width)
