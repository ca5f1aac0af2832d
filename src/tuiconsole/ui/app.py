"""The console: wiring of client, desk screen, keys and themes. Nothing that trades lives here."""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock, WallClock
from tuiconsole.protocol.frames import AcknowledgeAlerts, Rearm, Resume, SetSpeed, SwitchAgent, Why
from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import status
from tuiconsole.ui.actions import ACTIONS, BY_ID
from tuiconsole.ui.client import EngineClient, Link
from tuiconsole.ui.commands import Commands, next_speed
from tuiconsole.ui.keymap import build_keymap
from tuiconsole.ui.options import ConsoleOptions
from tuiconsole.ui.pacing import Pacer
from tuiconsole.ui.palette import ActionProvider
from tuiconsole.ui.screens.arrangement import PANELS
from tuiconsole.ui.screens.confirm import LEAVE, STOP, QuitScreen, RearmAnswer, RearmScreen
from tuiconsole.ui.screens.desk import DeskScreen
from tuiconsole.ui.screens.help import HelpScreen
from tuiconsole.ui.screens.why import WhyScreen
from tuiconsole.ui.stop import StopKey
from tuiconsole.ui.terminal import GuardedDriver, require_terminal, terminal_size
from tuiconsole.ui.themes import load_theme, theme_files
from tuiconsole.ui.widgets.agents import AgentsPanel
from tuiconsole.ui.widgets.paint import Brush

TICK_S = 1 / 12
REPLY_S = 8.0


def _bindings() -> list[BindingType]:
    made: list[BindingType] = []
    for action in ACTIONS:
        call, words, first = action.call, action.help, action.priority
        made.append(Binding(action.key, call, words, show=False, priority=first, id=f"desk.{action.id}"))
        made.extend(Binding(key, call, words, show=False, priority=first) for key in action.also)
    return made


class ConsoleApp(App[int], inherit_bindings=False):
    """The Textual application of the console."""

    CSS_PATH = "console.tcss"
    TITLE = "tuiconsole"
    BINDINGS: ClassVar[list[BindingType]] = _bindings()
    COMMANDS: ClassVar[set[type[Provider]]] = {ActionProvider}  # type: ignore[assignment]
    COMMAND_PALETTE_BINDING = "colon"
    ESCAPE_TO_MINIMIZE = False
    NOTIFICATION_TIMEOUT = REPLY_S

    def __init__(self, options: ConsoleOptions, clock: Clock | None = None) -> None:
        palette = load_theme(options.theme, options.user_theme_dir)
        self.keymap = build_keymap(options.keys)
        super().__init__(driver_class=GuardedDriver)
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
        self._pacer = Pacer(self.clock.monotonic_ns())

    def on_mount(self) -> None:
        """Open the desk, connect, and start the coalescing timer."""
        self.push_screen(self.desk)
        self._work(self.client.run())
        self.set_interval(TICK_S, self.tick)

    def tick(self) -> None:
        """Paint the newest snapshot, unless the terminal is behind or has had its share of bytes."""
        if self.options.startup_failure is not None and self.options.startup_failure():
            self.exit(1)
            return
        now = self.clock.monotonic_ns()
        driver = self._driver if isinstance(self._driver, GuardedDriver) else None
        if self.snapshot is not self._shown and (
            driver is None or self._pacer.may_paint(now, driver.bytes_written, driver.backlog_bytes)
        ):
            self._shown = self.snapshot
            if self.snapshot is not None and self.desk.is_mounted:
                self.desk.show(self.snapshot)
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
        lines = status.banner(link, silence, self._shown, self.keymap.name("stop"))
        self.desk.say(lines, badges, stale=status.is_stale(link, silence))
        self.desk.footer.set_read_only(self.client.connected and not self.client.may_write)

    def say(self, text: str, tone: str) -> None:
        """Show an answer in front of the alerts for a while, and what it changed at once."""
        self._pacer.forgive()
        self._reply_until_ns = self.clock.monotonic_ns() + int(REPLY_S * NANOSECONDS_PER_SECOND)
        self.desk.alerts.reply(text, tone)

    def may(self, action: str) -> bool:
        """True when this console can carry out ``action`` now."""
        return not BY_ID[action].writes or self.client.may_write

    def _take(self, snapshot: Snapshot) -> None:
        before, self.snapshot = self.snapshot, snapshot
        if before is None or before.header.level != snapshot.header.level:
            self._pacer.forgive()
            self.call_later(self.tick)

    def _link_changed(self, _link: Link) -> None:
        self.tick()

    def _work(self, work: Coroutine[Any, Any, Any]) -> None:
        self.run_worker(work, exit_on_error=True)

    def action_stop(self) -> None:
        """Halt; again within 3 s: Kill."""
        self._work(self.stop_key.press())

    def action_pause(self) -> None:
        """No new risk."""
        self._work(self.commands.pause())

    def action_resume(self) -> None:
        """Paused to Running."""
        if self.commands.allowed():
            self._work(self.commands.send("Resume", lambda id: Resume(id=id, reason="resume key")))

    def action_rearm(self) -> None:
        """Ask for the word and the reason, then re-arm."""
        if self.commands.allowed() and not isinstance(self.screen, RearmScreen):
            self.push_screen(RearmScreen(), self._rearm)

    def _rearm(self, answer: RearmAnswer | None) -> None:
        if answer is not None:
            self._work(
                self.commands.send("Re-arm", lambda id: Rearm(id=id, word=answer.word, reason=answer.reason))
            )

    def on_agents_panel_switch(self, message: AgentsPanel.Switch) -> None:
        """The trader switched an agent in the panel."""
        self.switch_agent(message.agent)

    def switch_agent(self, name: str) -> None:
        """Ask the engine to switch the agent ``name`` to what it is not."""
        agent = next((a for a in self.snapshot.agents if a.name == name), None) if self.snapshot else None
        if agent is not None and self.commands.allowed():
            on = not agent.enabled
            self._work(self.commands.send("Agent", lambda id: SwitchAgent(id=id, agent=name, enabled=on)))

    def action_acknowledge(self) -> None:
        """Acknowledge every alert that has been shown."""
        alerts = self._shown.alerts if self._shown else ()
        if alerts and self.commands.allowed():
            up_to = max(alert.number for alert in alerts)
            self._work(self.commands.send("Alerts", lambda id: AcknowledgeAlerts(id=id, up_to=up_to)))

    def action_faster(self) -> None:
        """Replay faster."""
        self._change_speed(1)

    def action_slower(self) -> None:
        """Replay slower."""
        self._change_speed(-1)

    def _change_speed(self, step: int) -> None:
        if self.snapshot is None or not self.commands.allowed():
            return
        if self.snapshot.header.mode != "replay":
            self.say("The speed can be changed in replay only.", "warn")
            return
        speed = next_speed(self.snapshot.header.speed, step)
        self._work(self.commands.send("Speed", lambda id: SetSpeed(id=id, bars_per_second=speed)))

    def action_why(self) -> None:
        """Ask why the selected order was sent."""
        row = self.desk.orders.selected
        if row is None:
            self.say("There is no order to ask about.", "warn")
        elif self.screen is self.desk:
            self.push_screen(WhyScreen(self.brush, row.key, self._ask_why))

    async def _ask_why(self, order: str) -> tuple[str, dict[str, Any]]:
        done = await self.commands.send("Why", lambda id: Why(id=id, order=order))
        return (
            (done.text, done.body)
            if done
            else ("The engine gave no answer; see the line below the panels.", {})
        )

    def action_help(self) -> None:
        """Show the help."""
        if self.screen is self.desk:
            self.push_screen(HelpScreen(self.brush, self.keymap))

    def action_palette(self) -> None:
        """Open the command palette."""
        self.action_command_palette()

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
            self._work(self._stop_engine_and_leave())

    async def _stop_engine_and_leave(self) -> None:
        if await self.commands.shutdown():
            self.exit(0)


def run_console(options: ConsoleOptions) -> int:
    """Open the console and stay until the trader leaves; the exit code.

    Raises
    ------
    UsageError
        No usable terminal, unknown theme, or keys that cannot be granted.
    """
    columns, rows = terminal_size()
    is_tty = sys.stdin.isatty() and (sys.stderr.isatty() or sys.stdout.isatty())
    require_terminal(os.environ, is_tty=is_tty, columns=columns, rows=rows)
    app = ConsoleApp(options)
    result = app.run(mouse=options.mouse)
    return app.return_code or result or 0
