"""Dialogs, lists and lines of the console at the sizes that traders use."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.widgets import Input

from tuiconsole.domain.rng import generator
from tuiconsole.protocol import frames as f
from tuiconsole.ui.screens.confirm import RearmScreen
from tuiconsole.ui.screens.reconcile import ReconcileScreen

from .chain import refused
from .frozen import ORDERS, STALE, orders
from .support import Bench, bench

pytestmark = pytest.mark.asyncio
SIZES = [(80, 24), (120, 40)]
LONG = (
    "Drawdown 10.55 % from the all-time peak reached the 8 % limit: the desk is halted and working orders are "
    "cancelled. To go on: re-arm with a reason, then resume."
)


def flat(b: Bench) -> str:
    """The screen as one line, frames and runs of blanks removed."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", b.screen_text()).split())


def front(b: Bench) -> str:
    """The text of the sheet as one line."""
    return " ".join(b.app.desk.sheet.pages.text.split())


async def halted(b: Bench) -> None:
    b.engine.change_header(
        level="halted", level_text=LONG, way_on="To go on: re-arm with a reason, then resume."
    )
    await b.until(lambda: "■ HALTED" in b.screen_text())
    await b.pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_rearm_moves_between_its_two_fields(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        await halted(b)
        await b.press("R")
        await b.until(lambda: isinstance(b.app.screen, RearmScreen))
        text = flat(b)
        assert "1 Type the word rearm" in text
        assert "2 Why is it safe to trade again?" in text
        word, reason = b.app.screen.query_one("#word", Input), b.app.screen.query_one("#reason", Input)
        assert b.app.focused is word
        await b.press(*"rearm", "tab", *"calm")
        assert (word.value, reason.value) == ("rearm", "calm")
        await b.press("shift+tab")
        assert b.app.focused is word
        await b.press("down", "down", "up")
        assert b.app.focused is reason
        await b.press("enter")
        await b.until(lambda: b.engine.asked(f.Rearm))
        assert (b.engine.asked(f.Rearm)[0].word, b.engine.asked(f.Rearm)[0].reason) == ("rearm", "calm")


async def test_rearm_enter_leads_to_the_empty_field_and_complains_of_what_is_missing(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        await halted(b)
        await b.press("R", *"rearn", "enter")
        await b.until(lambda: getattr(b.app.focused, "id", "") == "reason")
        await b.press("enter")
        await b.until(lambda: "Type the word rearm exactly" in b.screen_text())
        assert getattr(b.app.focused, "id", "") == "word"
        await b.press(*(["backspace"] * 9), *"rearm", "tab", "enter")
        await b.until(lambda: "Write why it is safe" in b.screen_text())
        assert not b.engine.asked(f.Rearm)
        await b.press(*"calm", "enter")
        await b.until(lambda: b.engine.asked(f.Rearm))


async def test_rearm_and_resume_that_make_no_sense_say_so(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("R")
        await b.until(lambda: "nothing to re-arm: the desk is running" in b.screen_text())
        await halted(b)
        await b.press("r")
        await b.until(lambda: "The desk is halted: R re-arms it first" in b.screen_text())
        assert not b.engine.asked(f.Resume)


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
async def test_the_banner_is_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        await halted(b)
        text = flat(b)
        assert text.count("To go on:") == 1
        assert "■ HALTED " + LONG.partition(" To go on")[0] in text
        assert "→ To go on: re-arm with a reason, then resume. (R re-arms, then r resumes)" in text
        if size[0] >= 80:
            assert "gross exposure" in text


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
async def test_the_header_always_tells_what_matters(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size, read_only=True, writer=False) as b:
        await halted(b)
        b.engine.change_header(tape_ended=True, speed=0.0)
        await b.until(lambda: b.app._shown is not None and b.app._shown.header.tape_ended)
        await b.pilot.pause()
        first, second = b.screen_text().splitlines()[:2]
        assert first.startswith(" REPLAY ")
        assert first.endswith(" ■ HALTED ")
        assert " READ ONLY " in first
        assert " END OF TAPE " in first
        for part in ("equity 103,412.55", "day +0.42 %", "DD 1.2/8.0 %", " F9 STOP "):
            assert part in second
        assert "data" not in second
        assert size[0] < 100 or "max speed" in first


async def test_badges_give_way_to_the_level(tmp_path: Path) -> None:
    async with bench(tmp_path, (60, 20)) as b:
        b.engine.change_header(mode="live", tape_ended=True)
        await b.until(lambda: "LIVE" in b.screen_text())
        b.app.desk.header.show(b.engine.snapshot, (("STALE 12 s", "halted"), ("READ ONLY", "paused")))
        await b.pilot.pause()
        first = b.screen_text().splitlines()[0]
        assert first.startswith(" !! LIVE !! REAL MONEY !! ")
        assert first.endswith(" ● RUNNING ")
        assert "STALE 12 s" in first


async def test_the_age_of_the_data_grows_while_nothing_comes(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.engine.answers = False
        await b.until(lambda: re.search(r"data [1-9]\.\d s", b.screen_text()), 600)


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
async def test_regimes_are_short_and_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        assert "vol low 2 · mid 21 · high 77 %  trend 64 · range 36 %" in b.screen_text()


@pytest.mark.parametrize("size", SIZES)
async def test_reasons_of_orders_are_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        await b.press("5")
        await b.pilot.pause()
        text = b.screen_text()
        for order in b.engine.snapshot.orders[:4]:
            assert order.reason in text
        assert "2008-09-15 " in text
        assert "20:00" not in text.partition("5 Orders")[2]


async def test_orders_of_one_day_show_their_time(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        page = tuple(
            msgspec.structs.replace(o, clock=f"2008-09-15 14:{i:02d}")
            for i, o in enumerate(b.engine.snapshot.orders)
        )
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, orders=page))
        await b.until(lambda: "14:00 new" in " ".join(b.screen_text().split()))
        page = (msgspec.structs.replace(page[0], clock="2008-09-16 09:30"), *page[1:])
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, orders=page))
        await b.until(lambda: "09-16 09:30 new" in " ".join(b.screen_text().split()))


async def test_all_orders_can_be_reached(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        panel = b.app.desk.orders
        await b.press("5", "m")
        seen = {panel.rows[0].key}
        for _ in range(200):
            before = panel.selected
            await b.press("pagedown")
            await b.until(lambda: not panel._turning)
            await b.pilot.pause()
            seen |= {row.key for row in panel.rows}
            if panel.selected == before:
                break
        assert len(seen) == ORDERS
        assert panel.selected is not None
        assert panel.selected.key == "00ff00ff-1"
        assert f"of {ORDERS}" in b.screen_text()
        await b.press("home")
        await b.until(lambda: not panel._turning and panel.selected.key == "00ff00ff-412")
        await b.press("end")
        await b.until(lambda: not panel._turning and panel.selected.key == "00ff00ff-1")
        await b.until(lambda: re.search(rf"5 Orders · \d+-{ORDERS} of {ORDERS}", b.screen_text()))
        await b.press("pageup", "pageup", "pageup", "up")
        assert panel.selected.key != "00ff00ff-1"


async def test_an_older_page_stays_in_view_while_orders_are_added(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("5", "end")
        await b.until(lambda: b.app.desk.orders.rows_before == ORDERS - 60)
        later = orders(ORDERS - 63)
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, orders=later, orders_total=ORDERS + 3))
        await b.until(lambda: b.engine.asked(f.Subscribe)[-1].orders_offset == ORDERS - 60 + 3)


@pytest.mark.parametrize("size", SIZES)
async def test_cursors_can_reach_the_last_row_of_every_list(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        for key, last in (("1", "XOM"), ("3", "XOM")):
            await b.press(key, "end")
            await b.until(lambda: "-20 of 20" in b.screen_text())
            assert last in b.screen_text()
            await b.press("home")


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
async def test_why_can_be_read_to_its_end(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        await b.press("5", "w")
        await b.until(lambda: "SELL 99 MSFT: filled at 20.89" in b.screen_text())
        seen = b.screen_text()
        assert "more lines below" in seen
        first, second, *_, last = seen.splitlines()
        assert "REPLAY" in first
        assert "F9 STOP" in second
        assert last.startswith(" F9  STOP")
        for _ in range(20):
            await b.press("pagedown")
            await b.pilot.pause()
            seen += b.screen_text()
        for part in ("features", "agents", "gate", "fills", "record    decision 26"):
            assert part in seen
        assert "more lines below" not in b.screen_text()


async def test_why_follows_the_width(tmp_path: Path) -> None:
    async with bench(tmp_path, (120, 40)) as b:
        await b.press("5", "w")
        await b.until(lambda: "SELL 99 MSFT" in b.screen_text())
        await b.pilot.resize_terminal(80, 24)
        await b.until(lambda: max(map(len, b.screen_text().splitlines())) == 80)
        await b.until(lambda: max(map(len, b.app.desk.sheet.pages.text.splitlines())) <= 76)
        assert "more lines below" in b.screen_text()


async def test_a_refused_order_can_be_asked_about_by_name(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        answer = f.Done(id=0, text="Order 26:MSFT was refused", body=refused())
        original = b.engine._answer

        def answer_why(request: Any, writer: Any) -> None:
            if isinstance(request, f.Why):
                writer.write(f.pack(msgspec.structs.replace(answer, id=request.id)))
            else:
                original(request, writer)

        b.engine._answer = answer_why  # type: ignore[method-assign]
        await b.press("W", *"26:MSFT", "enter")
        await b.until(lambda: "REFUSED, never sent: SELL 99 MSFT" in b.screen_text())
        assert b.engine.asked(f.Why)[0].order == "26:MSFT"
        assert "REFUSED by the rule 'concentration'" in front(b)


async def test_an_unknown_order_is_answered_in_the_engines_words(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        await b.press("W", "enter")
        await b.until(lambda: "Type which order." in b.screen_text())
        await b.press(*"nonsense", "enter")
        await b.until(lambda: "'nonsense' is not an order id." in b.screen_text())


@pytest.mark.parametrize("size", SIZES)
async def test_alerts_are_listed_whole_and_acknowledged(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        alerts = (
            msgspec.structs.replace(b.engine.snapshot.alerts[0], severity="critical", text=LONG),
            b.engine.snapshot.alerts[1],
        )
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, alerts=alerts))
        await b.until(lambda: "alerts 1 open (l)" in b.screen_text())
        await b.press("l")
        await b.until(lambda: b.app.desk.sheet.kind == "alerts")
        await b.until(lambda: LONG in front(b))
        assert "are cancelled." in b.screen_text() or "orders are" in b.screen_text()
        text = front(b)
        assert "CRITICAL 2008-09-15 drawdown [OPEN]" in text
        assert "INFO 2008-09-12 feed [acknowledged]" in text
        await b.press("A")
        await b.until(lambda: b.engine.asked(f.AcknowledgeAlerts))
        seen = tuple(msgspec.structs.replace(a, acknowledged=True) for a in alerts)
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, alerts=seen, alerts_open=0))
        await b.until(lambda: "Alerts · 0 open" in b.screen_text() and "[OPEN]" not in b.screen_text())
        await b.press("l")
        await b.until(lambda: not b.app.desk.sheet.display)
        await b.press("A")
        await b.until(lambda: "There is no open alert." in b.screen_text())
        assert len(b.engine.asked(f.AcknowledgeAlerts)) == 1


@pytest.mark.parametrize("size", [(60, 20), *SIZES])
async def test_bad_prices_are_marked_with_their_reason(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        for key, name in (("1", "positions"), ("3", "signals")):
            await b.press(key, "slash", *"rrc", "enter")
            await b.pilot.pause()
            text = b.screen_text()
            assert re.search(r"RRC ! .* stale", text), name
            assert size[0] < 100 or f"RRC: {STALE}" in text
            await b.press("escape")
        good = tuple(msgspec.structs.replace(p, quality="good") for p in b.engine.snapshot.positions)
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, positions=good))
        await b.press("1")
        await b.until(lambda: " flag" not in b.screen_text().partition("Signals")[0])


async def test_footer_shows_what_can_be_done_now(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:

        def footer() -> str:
            return b.screen_text().splitlines()[-1]

        assert footer().startswith(" F9  STOP (again: KILL) ")
        assert "p pause" in footer()
        assert "re-arm" not in footer()
        assert "resume" not in footer()
        await b.press("p")
        await b.until(lambda: " r  resume" in footer())
        assert "pause" not in footer()
        await halted(b)
        await b.until(lambda: footer().startswith(" F9  STOP (again: KILL)  R  re-arm"))
        assert "resume" not in footer()
        await b.engine.stop()
        await b.until(lambda: "NO ENGINE" in b.screen_text())
        await b.until(lambda: "re-arm" not in footer() and "F9  STOP" in footer())
        await b.engine.start()


async def test_the_lease_is_taken_over_when_its_holder_leaves(tmp_path: Path) -> None:
    async with bench(tmp_path, writer=False) as b:
        await b.until(lambda: "READ ONLY" in b.screen_text())
        b.engine.writer_lease = True
        await b.until(lambda: "this one may change the desk now" in b.screen_text())
        await b.until(lambda: "READ ONLY" not in b.screen_text())
        await b.press("p", "r")
        await b.until(lambda: b.engine.asked(f.Resume))


async def test_the_engines_farewell_stays_on_the_screen(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        for stream in b.engine._streams:
            stream.write(f.pack(f.Goodbye("The engine stopped: night.")))
        await b.engine.stop()
        await b.until(lambda: "NO ENGINE. The engine stopped: night." in b.screen_text())
        await b.pilot.pause(0.3)
        assert "The engine stopped: night." in b.screen_text()
        await b.engine.start()


async def test_copying_goes_to_the_terminal_and_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path) as b:
        sent: list[str] = []
        driver = b.app._driver
        assert driver is not None
        monkeypatch.setattr(driver, "write", sent.append)
        await b.press("1", "y")
        file = tmp_path / "state-copy.txt"
        await b.until(file.exists)
        row = file.read_text().rstrip("\n")
        assert row.split("\t")[0] == "AAPL"
        encoded = base64.b64encode(row.encode()).decode()
        assert any(f"\x1b]52;c;{encoded}" in data for data in sent)
        assert file.stat().st_mode & 0o077 == 0
        await b.press("5", "w")
        await b.until(lambda: b.app.desk.sheet.kind == "why")
        await b.until(lambda: "SELL 99 MSFT" in front(b))
        await b.press("y")
        await b.until(lambda: file.read_text().startswith("SELL 99 MSFT: filled at 20.89\norder "))
        await b.press("escape", "2", "y")
        await b.until(lambda: file.read_text().startswith("all +3,412.55"))


async def test_the_desks_keys_work_over_a_sheet(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("question_mark")
        await b.until(lambda: "flattens everything" in front(b) and " Help " in b.screen_text())
        await b.press("p")
        await b.until(lambda: b.engine.asked(f.Pause))
        await b.until(lambda: "‖ PAUSED" in b.screen_text())
        assert b.app.desk.sheet.kind == "help"
        assert b.app.desk.sheet.region.y > b.app.desk.banner.region.y
        await b.press("l")
        await b.until(lambda: "drawdown 2.1 % above the warning" in front(b))
        await b.press("l")
        assert b.app.desk.sheet.kind == ""
        await b.press("question_mark", "3")
        assert b.app.desk.sheet.kind == ""
        assert b.app.focused is b.app.desk.signals
        await b.press("question_mark", "q")
        await b.until(lambda: not b.app.desk.sheet.display)
        assert b.app.screen is b.app.desk


@pytest.mark.parametrize("size", SIZES)
async def test_a_change_of_panels_is_painted_once(tmp_path: Path, size: tuple[int, int]) -> None:
    async with bench(tmp_path, size) as b:
        b.engine.answers = False
        await b.press("1")
        await b.pilot.pause(0.1)
        painted: list[int] = []
        display = b.app._display

        def count(screen: Any, update: Any) -> None:
            painted.append(sum(end - start for _, start, end in getattr(update, "spans", ())))
            display(screen, update)

        b.app._display = count  # type: ignore[method-assign]
        for _ in range(4):
            painted.clear()
            await b.press("m")
            await b.pilot.pause(0.1)
            assert sum(painted) <= 1.1 * size[0] * size[1]


async def test_keys_that_come_in_one_burst_all_count(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        b.app.action_panel(5)
        b.app.action_why()  # before the focus of the panel has been told
        await b.until(lambda: "SELL 99 MSFT" in b.screen_text())
        assert b.app.desk.sheet.kind == "why"


async def test_no_colour_means_no_colour_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with bench(tmp_path) as b:
        assert b.app.brush.palette.name == "mono"
        await b.press("t")
        await b.until(lambda: "NO_COLOR is set" in b.screen_text())
        assert b.app.brush.palette.name == "mono"


async def test_keys_repeated_too_fast_never_take_the_desk_away(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.press("colon", *"theme")
        await b.until(lambda: "theme (t)" in b.screen_text())
        for _ in range(4):  # without waiting for what the first one does
            b.app.simulate_key("enter")
        await b.until(lambda: b.app.screen is b.app.desk)
        await b.pilot.pause(0.1)
        assert b.app.screen is b.app.desk
        await b.press("q")
        for _ in range(4):
            b.app.simulate_key("escape")
        await b.pilot.pause(0.1)
        assert b.app.screen is b.app.desk
        await b.app.pop_screen()
        assert b.app.screen is b.app.desk
        assert "F9 STOP" in b.screen_text()


async def test_a_level_that_nobody_knows_any_more_is_said_to_be_old(tmp_path: Path) -> None:
    async with bench(tmp_path, (80, 24)) as b:
        await b.engine.stop()
        await b.until(lambda: "was ● RUNNING" in b.screen_text())
        await b.engine.start()
        await b.until(lambda: "was ●" not in b.screen_text() and "● RUNNING" in b.screen_text())


@pytest.mark.parametrize("seed", ["a", "b"])
async def test_bursts_of_keys_and_sizes_break_nothing(tmp_path: Path, seed: str) -> None:
    keys = [
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "m",
        "w",
        "W",
        "question_mark",
        "l",
        "y",
        "t",
        "a",
        "space",
        "enter",
        "escape",
        "tab",
        "shift+tab",
        "slash",
        "colon",
        "p",
        "r",
        "R",
        "A",
        "plus",
        "minus",
        "up",
        "down",
        "pageup",
        "pagedown",
        "home",
        "end",
        "j",
        "k",
        "x",
        "backspace",
        "f9",
    ]
    sizes = [(80, 24), (120, 40), (60, 20), (200, 60), (40, 10)]
    rng = generator(5, "keys", seed)
    async with bench(tmp_path) as b:
        b.engine.rate_hz = 20
        for _ in range(60):
            for index in rng.integers(0, len(keys), 4):
                b.app.simulate_key(keys[int(index)])
            if rng.random() < 0.1:
                await b.pilot.resize_terminal(*sizes[int(rng.integers(0, len(sizes)))])
            await b.pilot.pause(0.01)
        for _ in range(6):
            b.app.simulate_key("escape")
        await b.pilot.resize_terminal(80, 24)
        await b.until(lambda: "F9 STOP" in b.screen_text() and b.app.screen is b.app.desk)
        assert b.app.crash is None


@pytest.mark.parametrize("size", SIZES)
async def test_what_the_broker_says_otherwise_is_shown_and_settled(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    told = (
        "AAPL: 100 held here, 90 at the broker (adopt: the position is corrected at the last good price).",
    )
    async with bench(tmp_path, size) as b:
        await b.press("b")
        await b.until(lambda: "The desk and its broker agree" in b.screen_text())
        b.engine.publish(msgspec.structs.replace(b.engine.snapshot, differences=told))
        await b.until(lambda: b.app.snapshot is not None and b.app.snapshot.differences == told)
        await b.press("b")
        await b.until(lambda: isinstance(b.app.screen, ReconcileScreen))
        text = flat(b)
        assert "AAPL: 100 held here, 90 at the broker" in text
        await b.press(*"yes", "tab", *"x", "enter")
        await b.until(lambda: "Type adopt or ignore exactly" in b.screen_text())
        await b.press(*(["backspace"] * 3), *"adopt", "tab", "backspace", "enter")
        await b.until(lambda: "it goes to the journal" in b.screen_text())
        assert not b.engine.asked(f.Reconcile)
        await b.press(*"theirs", "enter")
        await b.until(lambda: b.engine.asked(f.Reconcile))
        asked = b.engine.asked(f.Reconcile)[0]
        assert (asked.action, asked.reason) == ("adopt", "theirs")
