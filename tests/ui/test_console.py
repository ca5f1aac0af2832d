"""The console driven by keys against a fake engine that speaks the real protocol."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import msgspec
import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from tuiconsole.protocol import frames as f
from tuiconsole.ui.client import LinkState
from tuiconsole.ui.screens.confirm import AskScreen, QuitScreen, RearmScreen

from .support import Bench, bench, strangers

pytestmark = pytest.mark.asyncio


async def _in_filter(b: Bench) -> None:
    await b.press("slash")
    assert isinstance(b.app.focused, Input)


async def _in_palette(b: Bench) -> None:
    await b.press("colon")
    await b.until(lambda: isinstance(b.app.screen, CommandPalette))


async def _in_help(b: Bench) -> None:
    await b.press("question_mark")
    await b.until(lambda: b.app.desk.sheet.kind == "help")


async def _in_quit(b: Bench) -> None:
    await b.press("q")
    await b.until(lambda: isinstance(b.app.screen, QuitScreen))


async def _in_rearm(b: Bench) -> None:
    b.engine.change_header(level="halted", level_text="drawdown", way_on="re-arm, then resume.")
    await b.until(lambda: "HALTED" in b.screen_text())
    await b.press("R")
    await b.until(lambda: isinstance(b.app.screen, RearmScreen))


async def _in_why(b: Bench) -> None:
    await b.press("w")
    await b.until(lambda: b.app.desk.sheet.kind == "why")


async def _in_alerts(b: Bench) -> None:
    await b.press("l")
    await b.until(lambda: b.app.desk.sheet.kind == "alerts")


async def _in_ask(b: Bench) -> None:
    await b.press("W")
    await b.until(lambda: isinstance(b.app.screen, AskScreen))


async def _on_desk(_b: Bench) -> None:
    return


@pytest.mark.parametrize("key", ["f9", "ctrl+backslash"])
@pytest.mark.parametrize(
    "place",
    [_on_desk, _in_filter, _in_palette, _in_help, _in_quit, _in_rearm, _in_why, _in_alerts, _in_ask],
)
async def test_stop_key_halts_then_kills_from_anywhere(tmp_path: Path, place: object, key: str) -> None:
    async with bench(tmp_path) as b:
        await place(b)  # type: ignore[operator]
        await b.press(key)
        await b.until(lambda: b.engine.asked(f.Halt))
        assert not b.engine.asked(f.Kill)
        await b.press(key)
        await b.until(lambda: b.engine.asked(f.Kill))
        assert len(b.engine.asked(f.Halt)) == 1
        assert len(b.engine.asked(f.Kill)[0].kill_id) == 16


async def test_halt_is_acknowledged_on_the_screen_with_the_way_on(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        await b.press("f9")
        await b.until(lambda: "2 working orders cancelled" in b.screen_text())
        await b.until(lambda: "Press R to re-arm" in b.screen_text())
        assert "■ HALTED" in b.screen_text()


async def test_second_press_after_three_seconds_is_halt_again(tmp_path: Path) -> None:
    class SlowClock:
        now = 0

        def now_ns(self) -> int:
            return self.now

        def monotonic_ns(self) -> int:
            return self.now

    async with bench(tmp_path) as b:
        clock = SlowClock()
        b.app.stop_key._clock = clock
        assert b.app.stop_key.next_verb() == "halt"
        clock.now = 3_000_000_001
        assert b.app.stop_key.next_verb() == "halt"
        clock.now += 2_999_999_999
        assert b.app.stop_key.next_verb() == "kill"


async def test_verb_is_started_when_the_engine_does_not_answer(tmp_path: Path) -> None:
    note = tmp_path / "verbs"
    script = tmp_path / "verb.py"
    script.write_text(
        "import sys, json, pathlib\n"
        f"with open({str(note)!r}, 'a') as out: out.write(' '.join(sys.argv[1:]) + chr(10))\n"
        "print(json.dumps({'latched': True}))\n"
    )
    async with bench(tmp_path, fallback_command=(sys.executable, str(script))) as b:
        b.engine.answers = False
        await b.press("f9")
        await b.until(lambda: "done by the verb" in b.screen_text(), 1000)
        assert "by the verb. Latched." in b.screen_text()
        await b.press("f9")
        await b.until(lambda: len(note.read_text().splitlines()) == 2, 1000)
        await b.until(lambda: "KILL done by the verb" in b.screen_text(), 1000)
        state = str(b.path.with_name("state.db"))
        assert note.read_text().splitlines() == [
            f"halt --state {state} --json",
            f"kill --state {state} --json",
        ]


async def test_failing_verb_is_told_loudly(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.engine.answers = False
        await b.press("f9")
        await b.until(lambda: "HALT by the verb FAILED (exit 1)" in b.screen_text(), 1000)


@pytest.mark.parametrize("how", ["refused", "not flat"])
async def test_a_kill_that_the_engine_does_not_finish_goes_to_the_verb(how: str, tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.engine.kill_fails = how
        await b.press("f9")
        await b.until(lambda: "HALT done" in b.screen_text(), 1000)
        await b.press("f9")
        await b.until(lambda: "KILL by the verb FAILED (exit 1)" in b.screen_text(), 1000)


async def test_every_figure_on_the_screen_is_in_the_snapshots_json(tmp_path: Path) -> None:
    for size in ((80, 24), (120, 40), (200, 60)):
        async with bench(tmp_path, size) as b:
            for key in ("1", "2", "3", "4", "5", "6"):
                await b.press(key)
                await b.pilot.pause()
                count, strange = strangers(b.screen_text(), b.engine.snapshot)
                assert count > 40
                assert not strange


async def test_agent_toggle_asks_for_the_other_state_and_shows_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("a", "space")
        await b.until(lambda: b.engine.asked(f.SwitchAgent))
        asked = b.engine.asked(f.SwitchAgent)[0]
        assert (asked.agent, asked.enabled) == ("momentum", False)
        await b.until(lambda: "[ ] momentum" in re.sub(r" +", " ", b.screen_text()))
        await b.press("down", "enter")
        await b.until(lambda: len(b.engine.asked(f.SwitchAgent)) == 2)
        assert b.engine.asked(f.SwitchAgent)[1].agent == "cross_momentum"


async def test_pause_resume_speed_and_acknowledge(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("p")
        await b.until(lambda: "‖ PAUSED" in b.screen_text())
        await b.press("r")
        await b.until(lambda: "● RUNNING" in b.screen_text())
        await b.press("plus")
        await b.until(lambda: "×2 bars/s" in b.screen_text())
        await b.press("minus")
        await b.until(lambda: "×1 bars/s" in b.screen_text())
        await b.press("A")
        await b.until(lambda: b.engine.asked(f.AcknowledgeAlerts))
        assert b.engine.asked(f.AcknowledgeAlerts)[0].up_to == 9
        assert [r.bars_per_second for r in b.engine.asked(f.SetSpeed)] == [2.0, 1.0]


async def test_quit_leaves_the_engine_by_default(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("q")
        await b.until(lambda: isinstance(b.app.screen, QuitScreen))
        await b.press("enter")
        await b.until(lambda: not b.app.is_running)
        assert b.app.return_value == 0
        assert not b.engine.asked(f.Shutdown)


async def test_quit_can_stop_the_engine_or_stay(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("q", "escape")
        await b.until(lambda: b.app.screen is b.app.desk)
        assert not b.engine.asked(f.Shutdown)
        await b.press("q")
        await b.until(lambda: isinstance(b.app.screen, QuitScreen))
        await b.press("down", "enter")
        await b.until(lambda: b.engine.asked(f.Shutdown) and not b.app.is_running)


async def test_why_shows_the_engines_answer_for_the_selected_order(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("5", "down", "w")
        await b.until(lambda: b.engine.asked(f.Why))
        assert b.engine.asked(f.Why)[0].order == "00ff00ff-411"
        await b.until(lambda: "zscore 20" in b.screen_text())
        await b.press("escape")
        await b.until(lambda: not b.app.desk.sheet.display)
        assert b.app.focused is b.app.desk.orders
        assert "▸" not in b.screen_text()


async def test_filter_narrows_and_escape_clears(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("1", "slash", *"rrc")
        assert [row.key for row in b.app.desk.positions.rows] == ["RRC"]
        await b.press("enter")
        assert b.app.focused is b.app.desk.positions
        await b.press("escape")
        assert len(b.app.desk.positions.rows) == 20


async def test_maximise_theme_tabs_and_palette(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        assert not b.app.desk.orders.display
        await b.press("5")
        await b.pilot.pause()
        assert b.app.desk.orders.display
        assert b.app.desk.risk.display
        await b.press("m")
        await b.pilot.pause()
        assert not b.app.desk.risk.display
        await b.press("t")
        assert b.app.brush.palette.name == "light"
        await b.press("tab")
        assert b.app.focused is b.app.desk.agents
        await b.press("colon")
        await b.until(lambda: isinstance(b.app.screen, CommandPalette))
        await b.press(*"agent breakout")
        await b.until(lambda: "agent breakout on" in b.screen_text())
        await b.press("enter", "enter")
        await b.until(lambda: b.engine.asked(f.SwitchAgent))
        assert b.engine.asked(f.SwitchAgent)[0].enabled


async def test_read_only_refuses_changes_but_stops(tmp_path: Path) -> None:
    async with bench(tmp_path, writer=False, read_only=True) as b:
        await b.until(lambda: "READ ONLY" in b.screen_text())
        await b.until(lambda: not b.app.client.may_write)
        await b.press("a", "space", "r", "R", "plus", "A")
        await b.pilot.pause()
        asked = {type(r) for r in b.engine.requests} - {f.Hello, f.Subscribe, f.Status}
        assert asked == set()
        assert "read-only" in b.screen_text()
        assert "resume" not in b.screen_text().splitlines()[-1]
        await b.press("f9")
        await b.until(lambda: b.engine.asked(f.Halt))


async def test_engine_death_is_told_and_the_console_reattaches(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.engine.stop()
        await b.until(lambda: "NO ENGINE" in b.screen_text(), 100)
        assert "F9 F9 kills" in b.screen_text()
        await b.until(lambda: "STALE" in b.screen_text())
        b.engine.requests.clear()
        await b.engine.start()
        await b.until(lambda: b.app.client.link.state is LinkState.UP, 100)
        await b.until(lambda: "NO ENGINE" not in b.screen_text())
        assert not b.engine.asked(f.Resume)
        assert not b.engine.asked(f.Rearm)


async def test_silent_engine_dims_and_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.engine.answers = False
        await b.until(lambda: "THE ENGINE IS SILENT" in b.screen_text(), 600)
        assert b.app.desk.positions.stale
        assert b.engine.asked(f.Status)
        b.engine.answers = True
        await b.until(lambda: not b.app.desk.positions.stale, 600)


async def test_sizes_without_crash_and_small_terminal_says_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        for width, height in ((60, 20), (300, 80), (80, 24), (100, 32), (179, 47), (61, 50), (250, 20)):
            await b.pilot.resize_terminal(width, height)
            await b.pilot.pause()
            lines = b.screen_text().splitlines()
            assert len(lines) == height
            assert "F9 STOP" in lines[1]
            assert "REPLAY" in lines[0]
        await b.pilot.resize_terminal(50, 12)
        await b.pilot.pause()
        assert "the console needs at least 60×20" in " ".join(b.screen_text().split())
        await b.pilot.resize_terminal(80, 24)
        await b.pilot.pause()
        assert "AAPL" in b.screen_text()


async def test_hidden_panels_do_no_work(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        before = b.app.desk.orders.rows
        orders = tuple(msgspec.structs.replace(o, reason="moved") for o in b.engine.snapshot.orders)
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, orders=orders))
        await b.until(lambda: b.app._shown is not None and b.app._shown.orders[0].reason == "moved")
        assert b.app.desk.orders.rows is before
        await b.press("5")
        assert b.app.desk.orders.rows[0].cells[-1].text == "moved"


async def test_ascii_screen_is_ascii(tmp_path: Path) -> None:
    for size in ((80, 24), (120, 40)):
        async with bench(tmp_path, size, ascii=True) as b:
            text = b.screen_text()
            assert not {c for c in text if not c.isascii()}, size


async def test_live_is_unmistakable_without_colour(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        b.engine.change_header(mode="live")
        await b.until(lambda: "!! LIVE !! REAL MONEY !!" in b.screen_text())


async def test_user_keys_are_in_force(tmp_path: Path) -> None:
    async with bench(tmp_path, keys={"stop": "f8", "pause": "f5"}) as b:
        assert "F8 STOP" in b.screen_text()
        await b.press("p")
        await b.press("f5")
        await b.until(lambda: b.engine.asked(f.Pause))
        assert len(b.engine.asked(f.Pause)) == 1
        await b.press("f8")
        await b.until(lambda: b.engine.asked(f.Halt))


async def test_status_json_and_screen_agree_on_hostile_names(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        evil = msgspec.structs.replace(b.engine.snapshot.positions[0], symbol="[red]\x1b[2J")
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, positions=(evil,)))
        await b.until(lambda: "[red]?[2J" in b.screen_text())
        assert json.loads(msgspec.json.encode(b.engine.snapshot))["positions"][0]["symbol"] == "[red]\x1b[2J"


async def test_table_of_other_columns_is_drawn_with_its_own(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        risk = b.app.desk.risk
        assert len(risk.table.columns) == 11
        for width, height in ((60, 24), (80, 24), (120, 50), (80, 24)):
            risk.display = False
            await b.pilot.pause()
            await b.pilot.resize_terminal(width, height)
            assert all(index < len(risk.table.columns) for index, _ in risk.fit.chosen)
            await b.pilot.pause()
            assert all(index < len(risk.table.columns) for index, _ in risk.fit.chosen)
