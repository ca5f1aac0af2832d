"""The line-API table that every list of the desk is: fixed head, cursor, filter, and repaint of changed cells only."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tuiconsole.ui.cells import Row, Table
from tuiconsole.ui.format import plain
from tuiconsole.ui.widgets.columns import Fit
from tuiconsole.ui.widgets.drawing import draw_head, draw_row
from tuiconsole.ui.widgets.paint import Brush, exactly, to_ascii

HEAD_LINES = 1
FAR = 100_000
CURSOR = ("", "cursor_idle", "cursor")
_MEMORY = 2_000


class Grid(ScrollView, can_focus=True):
    """A table of cells. Give it a :class:`~tuiconsole.ui.cells.Table`; it repaints what differs from the last one.

    Parameters
    ----------
    title
        Words on the border, ours only (never text from outside).
    brush
        Shared by all widgets of the screen.
    empty
        What is said when there are no rows.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("home", f"move({-FAR})", "first", show=False),
        Binding("end", f"move({FAR})", "last", show=False),
    ]

    def __init__(self, title: str, brush: Brush, empty: str, *, id: str) -> None:
        super().__init__(id=id)
        self.heading = title
        self.border_title = title
        self.brush = brush
        self.empty = empty
        self.table = Table((), ())
        self.rows: tuple[Row, ...] = ()
        self.cursor = 0
        self._chosen = False  # the cursor was moved by hand: it stays on its row, the first one included
        self.filter_text = ""
        self.stale = False
        self.rows_before = (
            0  # rows before the first one here, and rows in all: for tables that hold one page of many
        )
        self.rows_total = 0
        self.area = Size(0, 0)  # of the content: as it is, or as it is about to be
        self.fit = Fit()
        self._strips: dict[tuple[Row, int, int, bool], Strip] = {}

    def show(self, table: Table) -> None:
        """Show ``table``; only rows and cells that differ from the last one are repainted."""
        before, notes_before = self.rows, self.table.notes
        self.table = table
        self.rows = self._filtered(table.rows)
        self.fit.measure(table.columns, self.rows)
        refitted = self._refit(self.size.width)
        if refitted or len(self.rows) != len(before) or len(table.notes) != len(notes_before):
            self._follow(before)
            self._resized()
            self.refresh()
            return
        self._follow(before)
        for index, (old, new) in enumerate(zip(before, self.rows, strict=True)):
            if old is not new and old != new:
                self._repaint(index, old, new)
        for offset, (old_line, new_line) in enumerate(zip(notes_before, table.notes, strict=True)):
            if old_line != new_line:
                self.refresh(Region(0, self._notes_top() + offset, self.size.width, 1))
        self._tell_position()

    def set_filter(self, text: str) -> None:
        """Show only rows that contain ``text`` in any cell; empty shows all."""
        self.filter_text = text.strip().casefold()
        before = self.rows
        self.rows = self._filtered(self.table.rows)
        self._follow(before)
        self._resized()
        self.refresh()

    def set_stale(self, stale: bool) -> None:
        """Dim everything while the figures are old."""
        if stale != self.stale:
            self.stale = stale
            self.refresh()

    @property
    def allow_vertical_scroll(self) -> bool:
        """True: the bar is hidden, scrolling is not forbidden."""
        return True

    def restyle(self) -> None:
        """Draw again after the palette changed."""
        self._strips.clear()
        self.refresh()

    @property
    def selected(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.cursor < len(self.rows) else None

    def action_move(self, by: int) -> None:
        """Move the cursor ``by`` rows."""
        if self.rows:
            self._chosen = True
            self.go_to(min(max(self.cursor + by, 0), len(self.rows) - 1))

    def go_to(self, row: int) -> None:
        """Put the cursor on ``row``."""
        before, self.cursor = self.cursor, max(0, row)
        self._scroll_to_cursor()
        if self.cursor != before:
            self._repaint_line(before)
            self._repaint_line(self.cursor)
            self._tell_position()

    def action_page(self, by: int) -> None:
        """Move the cursor one page up or down."""
        self.action_move(by * max(1, self._room() - 1))

    def on_focus(self) -> None:
        """The cursor brightens."""
        self._repaint_line(self.cursor)

    def on_blur(self) -> None:
        """The cursor fades."""
        self._repaint_line(self.cursor)

    def on_resize(self, _event: events.Resize) -> None:
        """Fit columns to the new width."""
        prepared = self.area == self.size
        self.area = self.size
        changed = self._refit(self.size.width)
        self._resized()
        self._scroll_to_cursor()
        if changed or not prepared:
            self.refresh()

    def prepare(self, width: int, height: int) -> None:
        """Fit columns for a content area that the panel is about to get, so that its first frame is right."""
        if height > 0:
            self.area = Size(width, height)
            self._refit(width)
            self._tell_position()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked."""
        index = event.y - self.gutter.top - HEAD_LINES + self.scroll_offset.y
        if 0 <= index < len(self.rows):
            self.action_move(index - self.cursor)

    def render_line(self, y: int) -> Strip:
        """Line ``y`` of the visible content."""
        return self._line(y, self.size.width).apply_style(self.brush.ground())

    def _line(self, y: int, width: int) -> Strip:
        if y < HEAD_LINES:
            return draw_head(self.brush, self.table.columns, self.fit, width)
        notes_top = self._notes_top()
        if 0 <= y - notes_top < len(self.table.notes):
            over = self.brush.style("stale") if self.stale else None
            return self.brush.fields(self.table.notes[y - notes_top], width, over)
        index = y - HEAD_LINES + self.scroll_offset.y
        if index < len(self.rows):
            return self._row(index, width)
        if not self.rows and y == HEAD_LINES:
            text = f"no row contains “{self.filter_text}”" if self.filter_text else self.empty
            return exactly(Strip([self.brush.segment(text, "dim")]), width, self.brush.segment("…", "dim"))
        return Strip.blank(width)

    def _filtered(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        if not self.filter_text:
            return rows
        return tuple(
            row for row in rows if any(self.filter_text in cell.text.casefold() for cell in row.cells)
        )

    def _refit(self, width: int) -> bool:
        changed = self.fit.refit(self.table.columns, width)
        if changed is not None:
            self._strips.clear()
        return bool(changed)

    def _follow(self, before: tuple[Row, ...]) -> None:
        # the cursor stays on the row it was on when rows come and go
        key = before[self.cursor].key if self.cursor < len(before) else None
        if key is None or (self.cursor < len(self.rows) and self.rows[self.cursor].key == key):
            return
        at_top = self.cursor == 0 and not self._chosen
        found = next((i for i, row in enumerate(self.rows) if row.key == key), None)
        self.cursor = (
            0 if at_top or (found is None and not self.rows) else min(found or 0, len(self.rows) - 1)
        )
        self._scroll_to_cursor()

    def _notes_top(self) -> int:
        height = self.area.height
        room_for_notes = height - HEAD_LINES - min(len(self.rows), 3)
        return height - min(len(self.table.notes), max(0, room_for_notes))

    def _room(self) -> int:
        return max(0, self._notes_top() - HEAD_LINES)

    def _resized(self) -> None:
        hidden_by_notes = self.area.height - self._notes_top()
        size = Size(self.size.width, len(self.rows) + HEAD_LINES + hidden_by_notes)
        # not through the attribute: that would lay out and repaint the whole screen once more
        self.set_reactive(Widget.virtual_size, size)
        if self.scroll_offset.y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False)
        self._tell_position()

    def _tell_position(self) -> None:
        room, here = self._room(), len(self.rows)
        first, total = self.scroll_offset.y, max(here, self.rows_total) if not self.filter_text else here
        text = (
            f" · {self.rows_before + first + 1:,}-{self.rows_before + min(first + room, here):,} of {total:,}"
        )
        filtered = f" · filter “{self.filter_text}”" if self.filter_text else ""
        title = self._words(self.heading + (text if total > room > 0 and here else "") + filtered)
        if title != self.border_title:
            self.border_title = title
        note = self.selected.note if self.selected is not None else ""
        said = self._words(plain(note)) if note else ""
        if said != (self.border_subtitle or ""):
            self.border_subtitle = said

    def _words(self, text: str) -> str:
        return (to_ascii(text) if self.brush.ascii else text).replace("[", r"\[")

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Keep the position on the border right while scrolling."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_position()

    def _scroll_to_cursor(self) -> None:
        room, top = self._room(), self.scroll_offset.y
        if room <= 0:
            return
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + room:
            self.scroll_to(y=self.cursor - room + 1, animate=False)

    def _repaint_line(self, index: int) -> None:
        y = index - self.scroll_offset.y + HEAD_LINES
        if HEAD_LINES <= y < self._notes_top():
            self.refresh(Region(0, y, self.size.width, 1))

    def _repaint(self, index: int, old: Row, new: Row) -> None:
        y = index - self.scroll_offset.y + HEAD_LINES
        if not HEAD_LINES <= y < self._notes_top():
            return
        chosen, gap = self.fit.chosen, self.fit.gap
        x = start = end = 0
        for column, width in chosen:
            if old.cells[column] != new.cells[column]:
                start, end = (start if end else x), x + width
            x += width + gap
        if end:  # one region for the row: two would repaint the line's beginning twice
            self.refresh(Region(start, y, end - start, 1))

    def _row(self, index: int, width: int) -> Strip:
        row = self.rows[index]
        on_cursor = index == self.cursor
        mark = 0 if not on_cursor else 2 if self.has_focus else 1
        key = (row, mark, self.brush.version, self.stale)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > _MEMORY:
                self._strips.clear()
            over = self.brush.style("stale" if self.stale else CURSOR[mark]) if mark or self.stale else None
            strip = draw_row(self.brush, self.table.columns, self.fit, row, width, over)
            self._strips[key] = strip
        return strip
