"""Screens as committed pictures, from frozen data and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from tuiconsole.domain.clock import EventClock
from tuiconsole.protocol.frames import VERSION, Welcome
from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.app import ConsoleApp
from tuiconsole.ui.client import Link, LinkState

from .frozen import frozen
from .support import options

STILL_LOOKS = 4

Compare = Callable[..., bool]


def _halted() -> Snapshot:
    base = frozen()
    header = msgspec.structs.replace(
        base.header,
        level="halted",
        level_text="drawdown 8.1 % from the all-time peak, limit 8.0 %",
        way_on="Look at the reason, press R to re-arm, then r to resume.",
    )
    return msgspec.structs.replace(base, header=header)


def _picture(
    snap_compare: Compare, size: tuple[int, int], keys: list[str], snapshot: Snapshot, **changes: Any
) -> bool:
    app = ConsoleApp(options(Path("/nonexistent/engine.sock"), **changes), EventClock())

    async def idle() -> None:
        await asyncio.Event().wait()

    app.client.run = idle  # type: ignore[method-assign]
    app.client.link = Link(LinkState.UP)
    app.client.welcome = Welcome(1, VERSION, "0.1", 1, "replay", "running", True)
    app.snapshot = snapshot

    async def ready(pilot: Pilot[int]) -> None:
        for _ in range(200):
            if app._shown is snapshot:
                break
            await pilot.pause(0.01)
        await pilot.press(*keys)
        before, still = "", 0
        for _ in range(100):  # until nothing has moved for a while, also on a busy machine
            await pilot.pause(0.1)
            now = app.export_screenshot()
            still = still + 1 if now == before else 0
            if still == STILL_LOOKS:
                break
            before = now

    return snap_compare(app, terminal_size=size, run_before=ready)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_desk(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert _picture(snap_compare, size, [], frozen())


def test_desk_small_halted_orders(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (80, 24), ["5"], _halted())


def test_desk_least_size(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (60, 20), [], frozen())


def test_desk_light(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (120, 40), ["6", "down"], _halted(), theme="light")


def test_desk_colourblind(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (120, 40), ["3", "m"], frozen(), theme="colourblind")


def test_desk_ascii(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (80, 24), ["2"], frozen(), ascii=True)


def test_help(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (120, 40), ["question_mark"], frozen())


def test_quit(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (80, 24), ["q"], frozen())


def test_rearm(snap_compare: Compare) -> None:
    assert _picture(snap_compare, (80, 24), ["R"], _halted())


def test_figures_that_come_before_the_desk_are_kept_for_it() -> None:
    app = ConsoleApp(options(Path("/nonexistent/engine.sock")), EventClock())
    app.snapshot = frozen()
    app.tick()
    assert app._shown is None
