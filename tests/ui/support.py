"""A console against a fake engine, for pilot tests."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from textual.pilot import Pilot

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import view
from tuiconsole.ui.app import ConsoleApp
from tuiconsole.ui.options import ConsoleOptions

from .fake_engine import FakeEngine


@dataclass
class Bench:
    """App, pilot and engine of one test."""

    app: ConsoleApp
    pilot: Pilot[int]
    engine: FakeEngine
    path: Path

    async def until(self, condition: Callable[[], Any], tries: int = 400) -> None:
        """Let the loop run until ``condition`` holds; a generous guard, no fixed waits."""
        for _ in range(tries):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError("the condition never came true")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    def screen_text(self) -> str:
        """What the terminal would show, as text."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)


def strangers(screen: str, snapshot: Snapshot) -> tuple[int, list[str]]:
    """How many figures a screen shows, and those among them that no value of the snapshot's JSON is written as."""
    body = msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot)
    known = {token for cell in view.displayed(body) for token in _figures(cell.text)}
    words = re.sub(r"[1-6] (Positions|P&L|Signals|Risk|Orders|Agents)", "", screen)
    words = re.sub(r"\bdata +[\d.,]+ \w+", "", words)  # the age of the data grows while one looks
    words = re.sub(r"· [\d,]+-[\d,]+ of [\d,]+|\bF9\b|\bp99\b", "", words)
    shown = _figures(re.sub(r"\S*…", "", words))
    return len(shown), [figure for figure in shown if figure not in known]


def _figures(text: str) -> list[str]:
    return [token.rstrip(".,:-") for token in re.findall(r"\d[\d,.:-]*", text)]


def options(path: Path, **changes: Any) -> ConsoleOptions:
    values: dict[str, Any] = {"socket_path": path, "state_path": path.with_name("state.db")}
    values |= {"fallback_command": ("/bin/false",), "mode_hint": "replay"}
    return ConsoleOptions(**(values | changes))


@contextlib.asynccontextmanager
async def bench(
    tmp_path: Path, size: tuple[int, int] = (120, 40), *, writer: bool = True, **changes: Any
) -> AsyncIterator[Bench]:
    """A running console that has painted its first snapshot."""
    path = tmp_path / "e.sock"
    async with FakeEngine(path, writer=writer) as engine:
        app = ConsoleApp(options(path, **changes))
        async with app.run_test(size=size) as pilot:
            made = Bench(app, pilot, engine, path)
            await made.until(lambda: app._shown is not None and app.client.connected)
            yield made
