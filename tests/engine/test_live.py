"""The desk on a live market: record first, play then; wait while it is closed; hold back while data is late or silent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.live_rig import BEGIN, SECOND, WARM_UP, LiveRig
from tuiconsole.domain.clock import EventClock, iso, parse_iso
from tuiconsole.domain.errors import EngineError, StoreBindingError, StoreError, TapeDamaged
from tuiconsole.domain.events import CommandKind, DeskLevel
from tuiconsole.domain.market import Bars
from tuiconsole.domain.records import BarSeen, Commanded, Decided
from tuiconsole.engine.build import PAPER, REPLAY
from tuiconsole.engine.launch import Launch, save_launch
from tuiconsole.engine.live import LivePacer
from tuiconsole.engine.paths import tape_path
from tuiconsole.engine.session import FAULT_POINTS
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.source import decide
from tuiconsole.engine.verify import check_recorded, replay_journal
from tuiconsole.market.live.schedule import load_schedule
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.risk.latch import Latch
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.research import verify_desk


def seen(made: LiveRig) -> list[str]:
    return [iso(record.ts)[5:16] for record in made.records if isinstance(record, BarSeen)]


async def test_bars_are_recorded_before_they_are_played_and_traded(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    played: list[bool] = []
    bar = made.session.bar

    def watched() -> object:
        played.append(made.session.cursor < len(made.tape))
        return bar()

    made.session.bar = watched
    await made.bars(60)
    assert played == [True] * 60
    assert seen(made)[:2] == ["11-26T15:05", "11-26T15:10"]
    assert made.alerts() == []
    assert made.feed.asked == 60, "one question for each bar, none in vain"
    orders = sum(int(np.count_nonzero(r.number)) for r in made.records if isinstance(r, Decided))
    assert orders > 5
    assert made.session.desk.orders.fills_total > 5
    assert made.session.desk.settings.bars_per_year == pytest.approx(250 * 78, rel=0.02)
    await made.close()
    assert replay_journal(tmp_path / "state.db", Launch(PAPER, made.settings)) == made.rows


async def test_outside_the_session_the_desk_waits_visibly_and_without_alerts(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.until(parse_iso("2025-11-26T21:30:00"))
    assert seen(made)[-1] == "11-26T21:00"
    assert made.service.status()["market"] == "closed, opens Fri 09:30", "over Thanksgiving"
    assert made.service.status()["data_age_s"] == pytest.approx(1_800, abs=61), "since the last bar ended"
    before = made.feed.asked
    await made.until(parse_iso("2025-11-28T14:30:00"))
    assert made.feed.asked == before, "nothing is asked while nothing is due"
    assert made.service.snapshot(0, 1, 1).header.market == "open until 13:00"
    await made.until(parse_iso("2025-11-28T19:00:00"))
    assert seen(made)[-1] == "11-28T18:00", "the half day ends at one"
    assert made.service.status()["market"] == "closed, opens Mon 09:30"
    await made.until(parse_iso("2025-12-01T14:36:00"))
    assert seen(made)[-1] == "12-01T14:35"
    assert made.alerts() == []
    assert made.level == DeskLevel.RUNNING
    await made.close()


async def test_a_bar_that_fails_to_come_is_an_alert_and_no_new_risk(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(10)
    made.feed.silent = True
    due = made.schedule.next_end(made.tape.last_ts)
    await made.until(due + 60 * SECOND)
    assert made.alerts() == [], "not yet"
    await made.until(due + 800 * SECOND)
    assert made.alerts() == ["feed stale"], "and only once"
    assert (made.level, made.service.snapshot(0, 1, 1).header.data_stale) == (DeskLevel.PAUSED, True)
    assert "No bar for 2025-11-26T15:55:00Z" in made.service.desk.level_text
    assert made.service.status()["way_on"].startswith("It ends by itself with the next bar in time")
    made.feed.silent = False
    await made.bars(15)
    assert made.alerts() == ["feed stale", "feed fresh"]
    commands = [(r.kind, r.source) for r in made.records if isinstance(r, Commanded)]
    assert commands == [(CommandKind.PAUSE, "feed"), (CommandKind.RESUME, "feed")]
    assert made.level == DeskLevel.RUNNING
    await made.close()
    assert replay_journal(tmp_path / "state.db", Launch(PAPER, made.settings)) == made.rows


async def test_a_feed_that_is_down_is_told_and_asked_less_and_less_often(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(3)
    made.feed.down = True
    asked, due = made.feed.asked, made.schedule.next_end(made.tape.last_ts)
    await made.until(due + 600 * SECOND)
    assert made.alerts() == ["feed failed", "feed stale"]
    assert made.feed.asked - asked < 16
    made.feed.down = False
    await made.bars(6)
    assert made.alerts() == ["feed failed", "feed stale", "feed back", "feed fresh"]
    await made.close()


async def test_a_switch_of_feeds_is_an_alert_and_so_is_the_way_back(tmp_path: Path) -> None:
    made = LiveRig(tmp_path, feeds=2, failback_s=600)
    await made.bars(3)
    assert made.service.status()["feed"] == "scripted 5min"
    made.feed.down = True
    await made.bars(6)
    assert made.alerts() == ["feed failed", "feed switched"]
    assert made.service.status()["feed"] == "spare 5min"
    made.feed.down = False
    await made.bars(12)
    assert made.alerts() == ["feed failed", "feed switched", "feed switched"]
    assert made.service.status()["feed"] == "scripted 5min"
    assert (made.level, made.tape.check()) == (DeskLevel.RUNNING, WARM_UP + 12), "no bar was missed"
    assert [made.tape.recorded(WARM_UP + i).feed for i in (2, 4, 11)] == ["scripted", "spare", "scripted"]
    await made.close()
    assert replay_journal(tmp_path / "state.db", Launch(PAPER, made.settings)) == made.rows


async def test_symbols_that_lag_are_waited_for_and_then_missing(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(2)
    due = made.schedule.next_end(made.tape.last_ts)
    made.feed.lacks.add(due)
    await made.until(due + 10 * SECOND)
    assert len(made.tape) == WARM_UP + 2
    made.feed.lacks.clear()
    await made.bars(3)
    assert not np.isnan(made.tape.bars(WARM_UP + 2).close).any()
    due = made.schedule.next_end(due)
    made.feed.lacks.add(due)
    await made.bars(4)
    assert np.isnan(made.tape.bars(WARM_UP + 3).close[0])
    assert 23 * SECOND <= made.tape.recorded(WARM_UP + 3).received - due < 40 * SECOND
    await made.close()


async def test_bars_missed_while_the_engine_was_away_are_played_without_new_risk(tmp_path: Path) -> None:
    first = LiveRig(tmp_path)
    await first.bars(12)
    await first.close()
    away = EventClock(first.clock.now_ns() + 3_600 * SECOND)
    second = LiveRig(tmp_path, away)
    await second.bars(24)
    commands = [(CommandKind(r.kind), r.source) for r in second.records if isinstance(r, Commanded)]
    assert commands[0] == (CommandKind.PAUSE, "feed")
    assert "came late" in next(r for r in second.records if isinstance(r, Commanded)).reason
    await second.bars(26)
    assert [(CommandKind(r.kind), r.source) for r in second.records if isinstance(r, Commanded)][-1] == (
        CommandKind.RESUME,
        "feed",
    )
    held = second.records[1 : len(second.records)]
    grown = [r for r in held if isinstance(r, Decided) and r.bar_seq < WARM_UP + 23 and len(r.quantity)]
    for record in grown:
        assert (np.abs(record.position + record.quantity) <= np.abs(record.position)).all(), "only less"
    assert second.level == DeskLevel.RUNNING
    assert second.tape.check() == len(second.tape)
    await second.close()
    assert replay_journal(tmp_path / "state.db", Launch(PAPER, second.settings)) > 0


async def test_the_last_bar_of_a_session_is_not_late_before_the_next_opens(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    made.clock.advance_to(parse_iso("2025-11-26T20:56:00"))
    await made.until(parse_iso("2025-11-26T20:57:00"))
    assert seen(made)[-1] == "11-26T20:55"
    await made.close()
    again = LiveRig(tmp_path, EventClock(parse_iso("2025-11-26T23:00:00")))
    await again.until(parse_iso("2025-11-26T23:30:00"))
    assert seen(again) == ["11-26T21:00"]
    assert again.level == DeskLevel.RUNNING, "two hours after the close its last bar is still in time"
    await again.close()


async def test_a_traders_pause_is_never_ended_by_the_feed(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(5)
    await made.service.command(CommandKind.PAUSE, reason="lunch", source="console")
    await made.bars(8)
    assert (made.level, made.service.desk.level_text) == (DeskLevel.PAUSED, "lunch")
    await made.service.command(CommandKind.RESUME, source="console")
    made.feed.silent = True
    await made.until(made.clock.now_ns() + 600 * SECOND)
    assert made.level == DeskLevel.PAUSED
    outcome = await made.service.command(CommandKind.PAUSE, reason="I look at this", source="console")
    assert outcome.accepted
    made.feed.silent = False
    await made.bars(16)
    assert (made.level, made.service.desk.level_text) == (DeskLevel.PAUSED, "I look at this")
    await made.close()


async def test_a_pause_of_the_feed_is_not_latched(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(3)
    made.feed.silent = True
    await made.until(made.clock.now_ns() + 600 * SECOND)
    assert made.level == DeskLevel.PAUSED
    assert Latch(made.service.paths.latch).read().level == DeskLevel.RUNNING
    await made.service.command(CommandKind.PAUSE, reason="mine", source="console")
    await made.close()
    assert Latch(made.service.paths.latch).read().level == DeskLevel.PAUSED


async def test_a_halt_stays_whatever_the_feed_does(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(3)
    await made.service.command(CommandKind.HALT, source="console")
    made.feed.silent = True
    await made.until(made.clock.now_ns() + 600 * SECOND)
    made.feed.silent = False
    await made.bars(8)
    assert made.level == DeskLevel.HALTED
    with pytest.raises(EngineError, match="market sets the pace"):
        made.service.set_speed(5.0)
    await made.close()


async def test_a_tape_that_cannot_be_written_halts_the_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = LiveRig(tmp_path)
    await made.bars(3)

    def full(*_: object) -> None:
        raise StoreError("The recorded tape cannot be written: no space left.")

    monkeypatch.setattr(made.tape, "append", full)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(made.service, "rest_until_stopped", _stop)
        with pytest.raises(StopAsyncIteration):
            await made.bars(4)
    assert made.level == DeskLevel.HALTED
    assert "no space left" in made.service.failed
    assert seen(made)[-1] == "11-26T15:15", "what was not recorded was not played"
    await made.close()


async def _stop() -> None:
    raise StopAsyncIteration


async def test_a_crash_at_any_point_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    bars = 20
    whole = LiveRig(tmp_path / "whole")
    await whole.bars(bars)
    rows, head = whole.rows, await whole.close()
    for name in FAULT_POINTS:
        home = tmp_path / name.replace(" ", "-")
        made = LiveRig(home)
        made.session._fault = _crash_at(name, 7)
        try:
            await made.bars(bars)
        except Crash:
            made.crash()
            made = LiveRig(home, EventClock(made.clock.now_ns()))
            await made.bars(bars)
        assert len(made.tape) == WARM_UP + bars
        assert (made.rows, await made.close()) == (rows, head), name


class Crash(BaseException):
    """What SIGKILL looks like from inside: nobody catches it."""


def _crash_at(name: str, count: int) -> object:
    left = [count]

    def fault(passed: str) -> None:
        left[0] -= passed == name
        if left[0] == 0:
            left[0] = -1
            raise Crash

    return fault


async def test_verify_notices_a_tape_that_was_changed_or_lost(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(10)
    await made.close()
    state, launch = tmp_path / "state.db", Launch(PAPER, made.settings)
    save_launch(state, launch)
    path = tape_path(state) / "00000000.seg"
    sound = path.read_bytes()
    for at in (len(sound) - 40, len(sound) // 2, 300):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 4]) + sound[at + 1 :])
        with pytest.raises(TapeDamaged):
            check_recorded(state, launch)
        body = verify_desk(Place.of(None, state, None, None, None), chain_only=True)
        assert (body["ok"], "changed at byte" in body["text"]) == (False, True)
    path.write_bytes(sound[:-200])
    with pytest.raises(TapeDamaged, match=r"goes on to bar 270, but state\.tape holds 269"):
        replay_journal(state, launch)
    path.write_bytes(sound)
    assert replay_journal(state, launch) > 0


def _wanting(feed: str, network: bool = False) -> Settings:
    base = Settings()
    return replace(base, feed=replace(base.feed, feed=feed), feeds=FeedsSettings(network=network))


@pytest.mark.parametrize(
    ("feed", "network", "reached", "files", "mode"),
    [
        ("auto", False, True, (), REPLAY),
        ("auto", True, True, (), PAPER),
        ("auto", True, False, (), REPLAY),
        ("live", False, False, (), PAPER),
        ("replay", True, True, (), REPLAY),
        ("history", True, True, (), REPLAY),
        ("simulated", True, True, (), REPLAY),
        ("auto", True, True, ("state.db",), REPLAY),
        ("auto", False, False, ("state.db", "state.tape"), PAPER),
        ("live", False, False, ("state.db", "state.tape"), PAPER),
    ],
)
def test_the_market_is_decided_once_and_never_changed(
    tmp_path: Path, feed: str, network: bool, reached: bool, files: tuple[str, ...], mode: str
) -> None:
    for name in files:
        (tmp_path / name).mkdir() if name.endswith("tape") else (tmp_path / name).touch()
    looked: list[FeedsSettings] = []

    def reach(settings: FeedsSettings) -> bool:
        looked.append(settings)
        return reached

    assert decide(_wanting(feed, network), tmp_path / "state.db", reach)[0] == mode
    assert bool(looked) == (feed == "auto" and network and not files), "the network is not even looked at"


def test_a_replays_state_file_is_never_continued_live(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    with pytest.raises(StoreBindingError, match="belongs to a replay"):
        decide(_wanting("live"), tmp_path / "state.db", lambda _: True)


@pytest.mark.parametrize(
    ("calendar", "seconds"), [("24/7", 86_400), ("24/7", 60), ("XNYS", 86_400), ("XNYS", 300)]
)
def test_a_bar_that_comes_when_it_has_settled_is_never_late(
    tmp_path: Path, calendar: str, seconds: int
) -> None:
    made = LiveRig(tmp_path)
    schedule = load_schedule(calendar, seconds, BEGIN)
    clock = EventClock(BEGIN)
    pacer = LivePacer(made.tape, made.line, schedule, clock, FeedsSettings())
    end = schedule.next_end(BEGIN)
    for _ in range(3):
        settle_s = 900 if seconds == 86_400 else 3
        clock.advance_to(end + (settle_s + 30) * SECOND)
        assert not pacer._is_late(Bars.close_only(end, 0, np.ones(1)))
        end = schedule.next_end(end)
    made.crash()
