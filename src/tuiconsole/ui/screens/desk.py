"""The desk: everything at one glance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.cells import Table
from tuiconsole.ui.keymap import Keymap
from tuiconsole.ui.screens.arrangement import PANELS, Box, arrange, is_compact, sheet_box
from tuiconsole.ui.status import Said, wrap
from tuiconsole.ui.terminal import size_sentence
from tuiconsole.ui.view import DeskView, orders_offset
from tuiconsole.ui.widgets.agents import AgentsPanel
from tuiconsole.ui.widgets.alerts import AlertLine, Banner
from tuiconsole.ui.widgets.curve import PnlPanel
from tuiconsole.ui.widgets.footer import Footer, Tabs
from tuiconsole.ui.widgets.header import Header
from tuiconsole.ui.widgets.limits import LimitsPanel
from tuiconsole.ui.widgets.lines import Lines
from tuiconsole.ui.widgets.orders import OrdersPanel
from tuiconsole.ui.widgets.paint import Brush
from tuiconsole.ui.widgets.sheet import Content, Sheet
from tuiconsole.ui.widgets.table import Grid

BANNER_SHARE = 4
TITLES = {
    "positions": "Positions",
    "pnl": "P&L",
    "signals": "Signals",
    "risk": "Risk",
    "orders": "Orders",
    "agents": "Agents",
}


class DeskScreen(Screen[None]):
    """Header, six panels, alerts and keys; arranged for the size of the terminal."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_panel(1)", "next panel", show=False),
        Binding("shift+tab", "next_panel(-1)", "panel before", show=False),
        Binding("escape", "leave_filter", "leave", show=False),
    ]
    focused: Reactive[Widget | None] = Reactive(
        None, repaint=False
    )  # the base repaints the screen on every move

    def __init__(self, brush: Brush, keymap: Keymap, mode_hint: str) -> None:
        super().__init__(id="desk")
        self.brush = brush
        self.header = Header(brush, mode_hint, keymap.name("stop"))
        self.banner = Banner(brush)
        self.tabs = Tabs(brush, [(name, f"{i} {TITLES[name]}") for i, name in enumerate(PANELS, 1)])
        self.alerts = AlertLine(brush, keymap.name("alerts"))
        self.footer = Footer(brush, keymap)
        self.filter = Input(placeholder="filter: type, enter keeps, escape clears", id="filter", compact=True)
        self.too_small = Static("", id="too-small", markup=False)
        self.sheet = Sheet(brush)
        self.positions = Grid(_title(1, "positions"), brush, "no positions", id="positions")
        self.pnl = PnlPanel(_title(2, "pnl"), brush, id="pnl")
        self.signals = Grid(
            _title(3, "signals"), brush, "no opinions yet: the agents are warming up", id="signals"
        )
        self.risk = LimitsPanel(_title(4, "risk"), brush, "no limits", id="risk")
        self.orders = OrdersPanel(_title(5, "orders"), brush, "no orders yet", id="orders")
        self.agents = AgentsPanel(_title(6, "agents"), brush, "no agents", id="agents")
        self.chosen = PANELS[0]
        self.maximised = False
        self._view = DeskView()
        self._tables: dict[Grid, Callable[[Snapshot], Table]] = {
            self.positions: self._view.positions,
            self.signals: self._view.signals,
            self.risk: self._view.risk,
            self.agents: self._view.agents,
        }
        self._snapshot: Snapshot | None = None
        self._said: Said = ()
        self._banner: Said = ()
        self._told: tuple[Said, int, bool] = ((), 0, False)
        self._placed: dict[str, Box] = {}

    def compose(self) -> ComposeResult:
        """All widgets; :meth:`place` decides which are seen."""
        yield from (self.header, self.banner, self.tabs)
        yield from self.panels()
        yield from (self.alerts, self.footer, self.filter, self.sheet, self.too_small)

    def panels(self) -> tuple[Grid | PnlPanel, ...]:
        """The six panels in the order of their keys."""
        return (self.positions, self.pnl, self.signals, self.risk, self.orders, self.agents)

    def on_mount(self) -> None:
        """Start with the first panel in focus."""
        self.filter.display = False
        self.too_small.display = False
        self.sheet.display = False
        self.place()
        self.positions.focus()

    def on_resize(self, _event: events.Resize) -> None:
        """Arrange for the new size."""
        self._wrap_banner()
        self.place()

    def show(self, snapshot: Snapshot) -> None:
        """Show ``snapshot`` on every panel that is visible; hidden ones do no work."""
        before, self._snapshot = self._snapshot, snapshot
        self._told = (self._told[0], 0, False)
        self.header.show(snapshot, self._told[0])
        self.alerts.show(snapshot)
        self.sheet.follow(snapshot)
        if before is None or _row_counts(before) != _row_counts(snapshot):
            self.place()
        for panel in self.panels():
            if panel.display:
                self._fill(panel, snapshot)

    def say(self, banner: Said, badges: Said, *, stale: bool, waited_s: float) -> None:
        """Show what the console has to say about itself, ``waited_s`` seconds after the last snapshot came."""
        told = (badges, int(waited_s), stale)
        if told != self._told:
            self._told = told
            self.header.show(self._snapshot, badges, waited_s, stale=stale)
        if banner != self._said:
            self._said = banner
            self._wrap_banner()
        for panel in self.panels():
            panel.set_stale(stale and self._snapshot is not None)

    def _wrap_banner(self) -> None:
        width, height = self.app.size
        rows = len(self._banner)
        self._banner = wrap(self._said, width - 2, max(2, height // BANNER_SHARE))
        self.banner.show(self._banner)
        if rows != len(self._banner):
            self.place()

    def open_sheet(self, content: Content) -> None:
        """Lay a sheet with ``content`` over the panels."""
        self.sheet.put(content)
        self.place()
        self.sheet.pages.focus()

    @on(Sheet.Closed)
    def close_sheet(self) -> None:
        """Take the sheet away and go back to the panel."""
        if self.sheet.content is not None:
            self.choose(self.chosen)

    def choose(self, panel: str) -> None:
        """Bring ``panel`` up and focus it; a sheet goes away."""
        self.sheet.put(None)
        self.chosen = panel
        self.place()
        self.query_one(f"#{panel}", Widget).focus()

    def action_next_panel(self, step: int) -> None:
        """Go to the next panel, or the one before."""
        self.choose(PANELS[(PANELS.index(self.chosen) + step) % len(PANELS)])

    def toggle_maximised(self) -> None:
        """The chosen panel alone, or all again."""
        self.maximised = not self.maximised
        self.place()

    def text_in_front(self) -> str:
        """The sheet's text; else the chosen panel's selected row with tabs between its cells, or its lines."""
        if self.sheet.content is not None:
            return self.sheet.pages.text
        panel = self.query_one(f"#{self.chosen}")
        if isinstance(panel, Grid):
            row = panel.selected
            return "\t".join(cell.text for cell in row.cells) if row is not None else ""
        return self.pnl.text

    def restyle(self) -> None:
        """Draw everything in the current palette."""
        for widget in self.query(Lines):
            widget.restyle()
        for panel in self.query(Grid):
            panel.restyle()
        self.sheet.pages.refresh()

    def open_filter(self) -> None:
        """Let the trader type a filter for the chosen table."""
        if isinstance(self.query_one(f"#{self.chosen}"), Grid):
            self.filter.display = True
            self.filter.value = ""
            self.filter.focus()

    def action_leave_filter(self) -> None:
        """Close the sheet, else the filter line with its filter, else leave the maximised view."""
        if self.sheet.content is not None:
            self.close_sheet()
            return
        grid = self.query_one(f"#{self.chosen}")
        if self.filter.display or (isinstance(grid, Grid) and grid.filter_text):
            if isinstance(grid, Grid):
                grid.set_filter("")
            self._close_filter()
        elif self.maximised:
            self.toggle_maximised()

    @on(Input.Changed, "#filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        grid = self.query_one(f"#{self.chosen}")
        if isinstance(grid, Grid) and self.filter.display:
            grid.set_filter(event.value)

    @on(Input.Submitted, "#filter")
    def _close_filter(self) -> None:
        self.filter.display = False
        self.query_one(f"#{self.chosen}", Widget).focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The panel in focus is the chosen one."""
        name = event.widget.id or ""
        if event.widget is not self.focused:
            return  # the focus has moved on since: keys come faster than events
        if name in PANELS and (name != self.chosen or self.sheet.content is not None):
            self.sheet.put(None)
            self.chosen = name
            self.place()

    def place(self) -> None:
        """Put every widget where :func:`arrange` says and hide the others."""
        width, height = self.app.size
        sentence = size_sentence(width, height)
        if bool(sentence) != bool(self.too_small.display):
            self.too_small.display = bool(sentence)
        if sentence:
            self.too_small.update(sentence)
        limits, agents = _row_counts(self._snapshot)
        boxes = arrange(
            width,
            height,
            chosen=self.chosen,
            maximised=self.maximised,
            banner_rows=len(self._banner),
            limits=limits,
            agents=agents,
        )
        if sentence:
            boxes = {"header": boxes["header"], "footer": boxes["footer"]}
            boxes["too-small"] = Box(0, 2, width, max(1, height - 3))
        boxes["filter"] = Box(0, height - 2, width, 1)
        if self.sheet.content is not None and not sentence:
            boxes["sheet"] = sheet_box(width, height, len(self._banner))
        self.set_class(is_compact(width, height), "compact")
        self.tabs.choose(self.chosen)
        if boxes != self._placed:
            self._placed = boxes
            for widget in (self.header, self.banner, self.tabs, self.alerts, self.footer, *self.panels()):
                self._put(widget, boxes.get(widget.id or ""))
            self._put(self.filter, boxes["filter"], keep_display=True)
            self._put(self.sheet, boxes.get("sheet"))
            self._put(self.too_small, boxes.get("too-small"))

    def _put(self, widget: Widget, box: Box | None, *, keep_display: bool = False) -> None:
        was_hidden = not widget.display
        if not keep_display:
            widget.display = box is not None
        if box is None:
            return
        styles = widget.styles
        styles.offset = (box.x, box.y)
        styles.width, styles.height = box.width, box.height
        if was_hidden and self._snapshot is not None and isinstance(widget, Grid | PnlPanel):
            self._fill(widget, self._snapshot)
        if isinstance(widget, Grid | Lines):
            gutter = widget.gutter
            widget.prepare(box.width - gutter.width, box.height - gutter.height)

    def _fill(self, panel: Any, snapshot: Snapshot) -> None:
        if isinstance(panel, PnlPanel):
            panel.show(snapshot)
        elif isinstance(panel, OrdersPanel):
            panel.show_page(self._view.orders(snapshot), orders_offset(snapshot), snapshot.orders_total)
        else:
            panel.show(self._tables[panel](snapshot))


def _title(number: int, panel: str) -> str:
    return f"{number} {TITLES[panel]}"


def _row_counts(snapshot: Snapshot | None) -> tuple[int, int]:
    return (len(snapshot.risk.limits), len(snapshot.agents)) if snapshot else (10, 5)
