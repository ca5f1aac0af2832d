"""The console: wiring of client, desk screen, keys and themes. Nothing that trades lives here."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock, WallClock
from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import status
from tuiconsole.ui.actions import ACTIONS
from tuiconsole.ui.alert_list import alerts_content
from tuiconsole.ui.client import EngineClient, Link, LinkState
from tuiconsole.ui.clipboard import copy
from tuiconsole.ui.commands import Commands
from tuiconsole.ui.crash import crash_error, write_details
from tuiconsole.ui.explain import explain
from tuiconsole.ui.help_text import help_content
from tuiconsole.ui.keymap import build_keymap
from tuiconsole.ui.offers import offers
from tuiconsole.ui.options import ConsoleOptions
from tuiconsole.ui.pacing import Pacer
from tuiconsole.ui.palette import ActionProvider
from tuiconsole.ui.screens.arrangement import PANELS
from tuiconsole.ui.screens.confirm import LEAVE, STOP, AskScreen, QuitScreen
from tuiconsole.ui.screens.desk import DeskScreen
from tuiconsole.ui.stop import StopKey
from tuiconsole.ui.terminal import GuardedDriver, GuardedPalette, require_terminal, terminal_size
from tuiconsole.ui.text import wrapped
from tuiconsole.ui.themes import WITHOUT_COLOUR, load_theme, theme_files
from tuiconsole.ui.trading import TradingApp
from tuiconsole.ui.widgets.orders import OrdersPanel
from tuiconsole.ui.widgets.paint import Brush
from tuiconsole.ui.widgets.sheet import Content

TICK_S = 1 / 12
REPLY_S = 8.0


def _bindings() -> list[BindingType]:
    made: list[BindingType] = []
    for action in ACTIONS:
        call, words, first = action.call, action.help, action.priority
        made.append(Binding(action.key, call, words, show=False, priority=first, id=f"desk.{action.id}"))
        made.extend(Binding(key, call, words, show=False, priority=first) for key in action.also)
    return made


class ConsoleApp(TradingApp):
    """The Textual application of the console."""

    CSS_PATH = "console.tcss"
    TITLE = "tuiconsole"
    BINDINGS: ClassVar[list[BindingType]] = _bindings()
    COMMANDS: ClassVar[set[type[Provider]]] = {ActionProvider}  # type: ignore[assignment]
    COMMAND_PALETTE_BINDING = "colon"
    ESCAPE_TO_MINIMIZE = False
    NOTIFICATION_TIMEOUT = REPLY_S

    def __init__(self, options: ConsoleOptions, clock: Clock | None = None) -> None:
        self.keymap = build_keymap(options.keys)
        super().__init__(driver_class=GuardedDriver)
        palette = load_theme(WITHOUT_COLOUR if self.no_color else options.theme, options.user_theme_dir)
        self.animation_level = "none"  # every frame of an animation is bytes on the line
        self.options = options
        self.clock: Clock = clock or WallClock()
        self.register_theme(palette.theme)
        self.theme = palette.theme.name
        self.set_keymap({f"desk.{name}": key for name, key in self.keymap.keys.items()})
        self.brush = Brush(palette, ascii=options.ascii)
        self.set_class(options.ascii, "ascii")
        self.snapshot: Snapshot | None = None
        self.client = EngineClient(
            options.socket_path,
            read_only=options.read_only,
            on_snapshot=self._take,
            on_link=self._link_changed,
            clock=self.clock,
        )
        self.commands = Commands(self.client, self.say, lambda: self.keymap.name("stop"))
        self.stop_key = StopKey(
            self.client, options.fallback_command, options.state_path, self.clock, self.say
        )
        self.desk = DeskScreen(self.brush, self.keymap, options.mode_hint)
        self._shown: Snapshot | None = None
        self._reply_until_ns = 0
        self._taken_ns = self.clock.monotonic_ns()
        self._pacer = Pacer(self._taken_ns)
        self._only_looks = False

    def on_mount(self) -> None:
        """Open the desk, connect, and start the coalescing timer."""
        asyncio.get_running_loop().set_exception_handler(
            lambda _loop, context: self.note(context.get("exception"))
        )
        self.push_screen(self.desk)
        self.work(self.client.run())
        self.set_interval(TICK_S, self.tick)

    def tick(self) -> None:
        """Paint the newest snapshot, unless the terminal is behind or has had its share of bytes."""
        if self.options.startup_failure is not None and self.options.startup_failure():
            self.exit(1)
            return
        now = self.clock.monotonic_ns()
        driver = self._driver if isinstance(self._driver, GuardedDriver) else None
        fresh = self.snapshot if self.snapshot is not self._shown and self.desk.is_mounted else None
        if fresh is not None and (
            driver is None or self._pacer.may_paint(now, driver.bytes_written, driver.backlog_bytes)
        ):
            self._shown = fresh
            self.desk.show(fresh)
        if self._reply_until_ns and now > self._reply_until_ns:
            self._reply_until_ns = 0
            self.desk.alerts.reply("", "plain")
        self._tell_status(driver is not None and driver.link_slow)

    def _tell_status(self, slow: bool) -> None:
        if not self.desk.is_mounted:
            return
        link, silence = self.client.link, self.client.silence_s()
        badges = status.badges(
            link,
            silence,
            link_slow=slow,
            may_write=self.client.may_write,
            has_figures=self.snapshot is not None,
        )
        starting = self.options.starting is not None and self.options.starting()
        lines = status.banner(link, silence, self._shown, self.keymap.name, starting=starting)
        waited_s = (self.clock.monotonic_ns() - self._taken_ns) / NANOSECONDS_PER_SECOND
        self.desk.say(lines, badges, stale=status.is_stale(link, silence), waited_s=waited_s)
        client = self.client
        self.desk.footer.show(offers(self._shown, connected=client.connected, may_write=client.may_write))

    def note(self, error: BaseException | None) -> None:
        """Write down what failed beside the console's own work; on the terminal it would only spoil the picture."""
        if error is not None:
            write_details(error, self.options.crash_log, self.clock)

    def say(self, text: str, tone: str) -> None:
        """Show an answer in front of the alerts for a while, and what it changed at once."""
        self._pacer.forgive()
        self._reply_until_ns = self.clock.monotonic_ns() + int(REPLY_S * NANOSECONDS_PER_SECOND)
        self.desk.alerts.reply(text, tone)

    def _take(self, snapshot: Snapshot) -> None:
        before, self.snapshot = self.snapshot, snapshot
        self._taken_ns = self.clock.monotonic_ns()
        if before is None or before.header.level != snapshot.header.level:
            self._pacer.forgive()
            self.call_later(self.tick)

    def _link_changed(self, link: Link) -> None:
        only_looks = link.state is LinkState.UP and not self.client.may_write
        if self._only_looks and self.client.may_write:
            self.say("The other console has left: this one may change the desk now.", "running")
        self._only_looks = only_looks
        self.tick()

    def action_why(self) -> None:
        """Ask why the selected order was sent."""
        row = self.desk.orders.selected
        if self.screen is not self.desk:
            return
        if self.desk.sheet.kind == "why":
            self.desk.close_sheet()
        elif row is None:
            self.say("There is no order to ask about.", "warn")
        else:
            self._explain(row.key)

    def action_ask(self) -> None:
        """Ask for an order by name."""
        if self.screen is self.desk:
            self.push_screen(AskScreen(), self._explain)

    def _explain(self, order: str | None) -> None:
        if order is not None:
            waiting = partial(wrapped, "Asking the engine …", tone="dim")
            self.desk.open_sheet(Content("why", f"Why {order}", waiting, key=order))
            self.work(self._fill_why(order))

    async def _fill_why(self, order: str) -> None:
        text, chain = await self.ask_why(order)
        shown = self.desk.sheet.content
        if shown is not None and (shown.kind, shown.key) == ("why", order):
            self.desk.sheet.put(replace(shown, make=partial(explain, text, chain)))

    def action_alerts(self) -> None:
        """List all alerts; again: back."""
        self._toggle_sheet(alerts_content(self.keymap.name("acknowledge"), self.snapshot))

    def action_help(self) -> None:
        """Show the help; again: back."""
        self._toggle_sheet(help_content(self.keymap))

    def _toggle_sheet(self, content: Content) -> None:
        if self.screen is not self.desk:
            return
        if self.desk.sheet.kind == content.kind:
            self.desk.close_sheet()
        else:
            self.desk.open_sheet(content)

    def action_copy(self) -> None:
        """Copy the text in front, or what is selected."""
        self.say(*copy(self.desk.text_in_front(), self.copy_to_clipboard, self.options.copy_file))

    def on_orders_panel_page_wanted(self, message: OrdersPanel.PageWanted) -> None:
        """The trader turns the page of orders."""
        self.client.show_orders(message.offset)

    def action_palette(self) -> None:
        """Open the command palette."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(GuardedPalette(id="--command-palette"))

    def action_agents(self) -> None:
        """Go to the agents."""
        self._on_desk("agents")

    def action_panel(self, number: int) -> None:
        """Go to panel ``number``."""
        self._on_desk(PANELS[number - 1])

    def _on_desk(self, panel: str) -> None:
        if self.screen is self.desk:
            self.desk.choose(panel)

    def action_filter(self) -> None:
        """Filter the chosen table."""
        if self.screen is self.desk:
            self.desk.open_filter()

    def action_maximise(self) -> None:
        """The chosen panel alone, or all again."""
        if self.screen is self.desk:
            self.desk.toggle_maximised()

    def action_theme(self) -> None:
        """Next theme."""
        if self.no_color:
            self.say("NO_COLOR is set: there is one theme, without colours.", "plain")
            return
        names = list(theme_files(self.options.user_theme_dir))
        here = names.index(self.brush.palette.name)
        palette = load_theme(names[(here + 1) % len(names)], self.options.user_theme_dir)
        self.register_theme(palette.theme)
        self.brush.use(palette)
        self.theme = palette.theme.name
        self.desk.restyle()
        self.say(f"Theme: {palette.title}", "plain")

    async def action_quit(self) -> None:
        """Ask what becomes of the engine."""
        if self.screen is self.desk:
            self.push_screen(QuitScreen(self.brush, may_stop=self.client.may_write), self._quit)

    def _quit(self, answer: str | None) -> None:
        if answer == LEAVE:
            self.exit(0)
        elif answer == STOP:
            self.work(self._stop_engine_and_leave())

    async def _stop_engine_and_leave(self) -> None:
        if await self.commands.shutdown():
            self.exit(0)


def run_console(options: ConsoleOptions) -> int:
    """Open the console and stay until the trader leaves; the exit code.

    Raises
    ------
    UsageError
        No usable terminal, unknown theme, or keys that cannot be granted.
    DeskError
        The console failed; details are in a file beside the state file.
    """
    columns, rows = terminal_size()
    is_tty = sys.stdin.isatty() and (sys.stderr.isatty() or sys.stdout.isatty())
    require_terminal(os.environ, is_tty=is_tty, columns=columns, rows=rows)
    app = ConsoleApp(options)
    threading.excepthook = lambda failure: app.note(failure.exc_value)
    try:
        result = app.run(mouse=options.mouse)
    except Exception as error:  # noqa: BLE001 - whatever fails, the trader gets a sentence, not a traceback
        app.crash = app.crash or error
    else:
        if app.crash is None:
            return app.return_code or result or 0
    raise crash_error(app.crash, options.crash_log, app.clock) from app.crash
