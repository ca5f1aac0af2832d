"""What the trader's keys ask of the engine. The app adds everything that only looks."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from tuiconsole.protocol.frames import AcknowledgeAlerts, Rearm, Reconcile, Resume, SetSpeed, SwitchAgent, Why
from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.actions import BY_ID
from tuiconsole.ui.client import EngineClient
from tuiconsole.ui.commands import Commands, next_speed
from tuiconsole.ui.format import speed as speed_text
from tuiconsole.ui.keymap import Keymap
from tuiconsole.ui.screens.confirm import RearmAnswer, RearmScreen
from tuiconsole.ui.screens.reconcile import ReconcileAnswer, ReconcileScreen
from tuiconsole.ui.stop import StopKey
from tuiconsole.ui.terminal import GuardedApp
from tuiconsole.ui.widgets.agents import AgentsPanel


class TradingApp(GuardedApp):
    """The actions that change the desk, or ask it why."""

    client: EngineClient
    commands: Commands
    stop_key: StopKey
    keymap: Keymap
    snapshot: Snapshot | None

    def say(self, text: str, tone: str) -> None:
        """Show an answer to the trader."""
        raise NotImplementedError

    def may(self, action: str) -> bool:
        """True when this console can carry out ``action`` now."""
        return not BY_ID[action].writes or self.client.may_write

    def work(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run ``work`` beside the console."""
        self.run_worker(work, exit_on_error=True)

    def _level(self) -> str:
        return self.snapshot.header.level if self.snapshot is not None else ""

    def action_stop(self) -> None:
        """Halt; again within 3 s: Kill."""
        self.work(self.stop_key.press())

    def action_pause(self) -> None:
        """No new risk."""
        self.work(self.commands.pause())

    def action_resume(self) -> None:
        """Paused to Running."""
        if not self.commands.allowed():
            return
        if self._level() in ("halted", "killed"):
            self.say(f"The desk is {self._level()}: {self.keymap.name('rearm')} re-arms it first.", "warn")
        else:
            self.work(
                self.commands.send("Resume", lambda id: Resume(id=id, reason="Resumed with the resume key."))
            )

    def action_rearm(self) -> None:
        """Ask for the word and the reason, then re-arm."""
        if not self.commands.allowed() or isinstance(self.screen, RearmScreen):
            return
        if self._level() in ("running", "paused"):
            self.say(f"There is nothing to re-arm: the desk is {self._level()}.", "warn")
        else:
            self.push_screen(RearmScreen(), self._rearm)

    def _rearm(self, answer: RearmAnswer | None) -> None:
        if answer is not None:
            self.work(
                self.commands.send("Re-arm", lambda id: Rearm(id=id, word=answer.word, reason=answer.reason))
            )

    def action_reconcile(self) -> None:
        """Show what the broker says otherwise, and ask whether to adopt or ignore it."""
        if not self.commands.allowed() or isinstance(self.screen, ReconcileScreen):
            return
        found = self.snapshot.differences if self.snapshot is not None else ()
        if found:
            self.push_screen(ReconcileScreen(found), self._reconcile)
        else:
            self.say("The desk and its broker agree.", "running")

    def _reconcile(self, answer: ReconcileAnswer | None) -> None:
        if answer is not None:
            what = answer.action.capitalize()
            self.work(
                self.commands.send(
                    what, lambda id: Reconcile(id=id, action=answer.action, reason=answer.reason)
                )
            )

    def on_agents_panel_switch(self, message: AgentsPanel.Switch) -> None:
        """The trader switched an agent in the panel."""
        self.switch_agent(message.agent)

    def switch_agent(self, name: str) -> None:
        """Ask the engine to switch the agent ``name`` to what it is not."""
        agent = next((a for a in self.snapshot.agents if a.name == name), None) if self.snapshot else None
        if agent is not None and self.commands.allowed():
            on = not agent.enabled
            what = f"Agent {name} {'on' if on else 'off'}"
            self.work(self.commands.send(what, lambda id: SwitchAgent(id=id, agent=name, enabled=on)))

    def action_acknowledge(self) -> None:
        """Acknowledge every alert that has arrived."""
        alerts = self.snapshot.alerts if self.snapshot else ()
        if not any(not alert.acknowledged for alert in alerts):
            self.say("There is no open alert.", "plain")
        elif self.commands.allowed():
            up_to = max(alert.number for alert in alerts)
            self.work(
                self.commands.send("Alerts acknowledged", lambda id: AcknowledgeAlerts(id=id, up_to=up_to))
            )

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
        words = speed_text(speed)
        self.work(self.commands.send(words, lambda id: SetSpeed(id=id, bars_per_second=speed)))

    async def ask_why(self, order: str) -> tuple[str, dict[str, Any]]:
        """The engine's text and chain for ``order``; a refusal or a broken line is the text, without a chain."""
        answer = await self.commands.ask(lambda id: Why(id=id, order=order))
        return answer.text, getattr(answer, "body", {})
