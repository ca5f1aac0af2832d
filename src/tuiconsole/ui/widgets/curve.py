"""The P&L panel: results in figures, the equity curve in braille, and the drawdown hanging under it."""

from __future__ import annotations

from textual.strip import Strip

from tuiconsole.protocol.snapshot import Pnl, Snapshot
from tuiconsole.ui import figures
from tuiconsole.ui.cells import Cell
from tuiconsole.ui.widgets import braille
from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.paint import Brush, exactly

_DRAWDOWN_SHARE = 3


class PnlPanel(Lines, can_focus=True):
    """Figures in two lines, then the curve over the rest of the panel."""

    def __init__(self, title: str, brush: Brush, *, id: str) -> None:
        super().__init__(brush, id=id)
        self.heading = title
        self.border_title = title
        self._snapshot: Snapshot | None = None
        self._curve: tuple[Pnl, int, int, int, list[Strip]] | None = None
        self.stale = False

    def show(self, snapshot: Snapshot) -> None:
        """Show ``snapshot``."""
        self._snapshot = snapshot
        self.redraw()

    def set_stale(self, stale: bool) -> None:
        """Dim everything while the figures are old."""
        if stale != self.stale:
            self.stale = stale
            self.redraw()

    def draw(self, width: int, height: int) -> list[Strip]:
        """Figures and curve."""
        if self._snapshot is None:
            return [exactly(Strip([self.brush.segment("no figures yet", "dim")]), width)]
        over = self.brush.style("stale") if self.stale else None
        lines = [self.brush.fields(fields, width, over) for fields in figures.pnl_fields(self._snapshot)][
            :height
        ]
        room = height - len(lines)
        if room >= 2:
            lines.extend(self._chart(self._snapshot, width, room))
        return lines

    def _chart(self, snapshot: Snapshot, width: int, height: int) -> list[Strip]:
        known = self._curve
        key = (width, height, self.brush.version * 2 + self.stale)
        if known is not None and known[1:4] == key and known[0].curve == snapshot.pnl.curve:
            return known[4]
        strips = self._plot(snapshot, width, height)
        self._curve = (snapshot.pnl, *key, strips)
        return strips

    def _plot(self, snapshot: Snapshot, width: int, height: int) -> list[Strip]:
        points = snapshot.pnl.curve
        if len(points) < 2:
            return [
                exactly(Strip([self.brush.segment("the curve begins with the second bar", "dim")]), width)
            ]
        high, low, deepest = figures.curve_marks(snapshot)
        labels = max(len(high.text), len(low.text), len(deepest.text) + 5)
        plot_width = width - labels - 1
        if plot_width < 12:
            labels, plot_width = 0, width
        below = max(1, height // _DRAWDOWN_SHARE) if height >= 3 else 0
        above = height - below
        ascii = self.brush.ascii
        equity = braille.line([point.equity for point in points], plot_width, above, ascii=ascii)
        falls = [point.drawdown for point in points]
        drawdown = braille.area(falls, plot_width, below, max(falls), ascii=ascii)
        marks: list[Cell | None] = [None] * height
        marks[0] = high
        marks[above - 1] = low if above > 1 else marks[above - 1]
        if below:
            marks[-1] = Cell(f"DD {deepest.text} %", deepest.tone, deepest.path, deepest.form)
        tones = ["curve"] * above + ["drawdown"] * below
        return [
            self._line(text, tone, mark, labels, width)
            for text, tone, mark in zip(equity + drawdown, tones, marks, strict=True)
        ]

    def _line(self, text: str, tone: str, mark: Cell | None, labels: int, width: int) -> Strip:
        over = self.brush.style("stale") if self.stale else None
        pieces = [self.brush.segment(text, tone, over)]
        if labels:
            label = (mark.text if mark else "").rjust(labels + 1)
            pieces.append(self.brush.segment(label, mark.tone if mark else "dim", over))
        return exactly(Strip(pieces), width)
