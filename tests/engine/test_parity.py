"""Parity: an honest recording is identical, and each cause of a difference is found when it is provoked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.engine.live_rig import SECOND, WARM_UP, LiveRig
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.events import CommandKind
from tuiconsole.domain.records import Updated
from tuiconsole.engine.build import PAPER
from tuiconsole.engine.launch import Launch, save_launch
from tuiconsole.engine.parity import ParityReport, check_parity
from tuiconsole.engine.paths import tape_path
from tuiconsole.engine.settings import Settings
from tuiconsole.market.live.recorded import RecordedBar, RecordedTape
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.parity import parity_of, parity_text

BARS = 80


async def record(home: Path, bars: int = BARS) -> LiveRig:
    """A session with everything that an honest one may hold."""
    made = LiveRig(home)
    await made.bars(bars)
    await made.close()
    return made


def compare(made: LiveRig, home: Path, settings: Settings | None = None) -> ParityReport:
    launch = Launch(PAPER, made.plan.settings)
    return check_parity(home / "state.db", launch, settings or launch.settings, EventClock())


def nothing() -> dict[str, int]:
    return {"data": 0, "latency": 0, "fill": 0, "code": 0}


async def test_an_honest_recording_is_identical(tmp_path: Path) -> None:
    made = await record(tmp_path)
    report = compare(made, tmp_path)
    assert report.identical, report.first
    assert (report.bars, report.unplayed, report.tape_sound, report.changed) == (BARS, 0, True, ())
    assert report.orders > 5
    assert report.fills > 5
    assert report.causes == report.consequences == nothing()
    assert report.equity == report.backtest_equity != 100_000.0


async def test_commands_are_inputs_of_both(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.service.command(CommandKind.DISABLE_AGENT, "breakout", source="console")
    for kind, after in (
        (CommandKind.PAUSE, 20),
        (CommandKind.RESUME, 24),
        (CommandKind.HALT, 40),
        (CommandKind.REARM, 44),
        (CommandKind.RESUME, 44),
        (CommandKind.ENABLE_AGENT, 50),
        (CommandKind.KILL, 60),
        (CommandKind.REARM, 64),
        (CommandKind.RESUME, 64),
    ):
        await made.bars(after)
        agent = "breakout" if kind == CommandKind.ENABLE_AGENT else ""
        await made.service.command(kind, agent, reason="a test", source="console")
    await made.bars(BARS)
    await made.close()
    report = compare(made, tmp_path)
    assert report.identical, report.first
    assert report.fills > 10


async def test_a_stop_that_overtook_orders_overtakes_them_again(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(12)
    decide, asked = made.session.desk.policy.decide, []

    def deciding(*given: Any) -> Any:
        answer = decide(*given)
        moved = answer[0].target != made.service.desk.ledger.quantity
        if not asked and (answer[0].acting & moved).any():
            asked.append(made.service.command(CommandKind.HALT, reason="now", source="console"))
            made.session.ask_urgently(_coming(asked))
        return answer

    made.session.desk.policy = _Deciding(made.session.desk.policy, deciding)
    while not asked:
        await made.bars(len(made.tape) - WARM_UP + 1)
    asked[0].close()
    await made.bars(len(made.tape) - WARM_UP + 3)
    await made.close()
    assert [r.text for r in made.records if isinstance(r, Updated)][-1].startswith("withheld")
    report = compare(made, tmp_path)
    assert report.identical, report.first


def _coming(asked: list[Any]) -> Any:
    from tuiconsole.domain.events import Command

    return Command(0, CommandKind.HALT, f"stop-{len(asked)}", reason="now", source="console")


class _Deciding:
    """A policy that is watched."""

    def __init__(self, policy: Any, decide: Callable[..., Any]) -> None:
        self._policy = policy
        self.decide = decide

    def __getattr__(self, name: str) -> Any:
        return getattr(self._policy, name)


async def test_a_changed_bar_is_data(tmp_path: Path) -> None:
    made = await record(tmp_path)
    path = tape_path(tmp_path / "state.db") / "00000000.seg"
    sound = path.read_bytes()
    tape = RecordedTape.open(tape_path(tmp_path / "state.db"))
    close = tape.bars(WARM_UP + 30).close
    at = sound.index(close.tobytes()) + 3
    path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x20]) + sound[at + 1 :])
    report = compare(made, tmp_path)
    assert not report.tape_sound
    assert "changed" in report.tape_trouble
    assert report.first is not None
    assert (report.first.bar, report.first.cause) == (WARM_UP + 30, "data")
    assert report.causes == nothing() | {"data": 1}
    assert report.consequences["code"] == report.consequences["fill"] == 0


async def test_a_tape_written_anew_with_another_bar_is_data(tmp_path: Path) -> None:
    made = await record(tmp_path)
    directory = tape_path(tmp_path / "state.db")
    tape = RecordedTape.open(directory)
    rows = [tape.recorded(i) for i in range(len(tape))]
    changed = rows[WARM_UP + 10]
    volume = changed.bars.volume * 2
    rows[WARM_UP + 10] = RecordedBar(
        structs.replace(changed.bars, volume=volume), changed.received, changed.feed
    )
    directory.rename(tmp_path / "before")
    RecordedTape.create(directory, tape.header, rows).close()
    report = compare(made, tmp_path)
    assert report.tape_sound, "its chain is whole again"
    assert report.first is not None
    assert (report.first.bar, report.first.cause) == (WARM_UP + 10, "data")


async def test_another_warm_up_or_a_shorter_tape_is_data(tmp_path: Path) -> None:
    made = await record(tmp_path)
    directory = tape_path(tmp_path / "state.db")
    tape = RecordedTape.open(directory)
    rows = [tape.recorded(i) for i in range(len(tape))]
    first = structs.replace(rows[5].bars, close=rows[5].bars.close * 1.01)
    directory.rename(tmp_path / "before")
    rows[5] = RecordedBar(first, 0, "scripted")
    RecordedTape.create(directory, tape.header, rows[: WARM_UP + 70]).close()
    report = compare(made, tmp_path)
    assert report.first is not None
    assert (report.first.bar, report.first.cause) == (-1, "data")
    assert report.causes["data"] == 1 + 10
    assert report.bars == BARS


async def test_bars_that_came_late_are_latency(tmp_path: Path) -> None:
    made = LiveRig(tmp_path)
    await made.bars(20)
    made.feed.silent = True
    await made.until(made.clock.now_ns() + 10_000 * SECOND)
    made.feed.silent = False
    await made.bars(BARS)
    await made.close()
    report = compare(made, tmp_path)
    assert report.first is not None
    assert report.first.cause == "latency"
    assert "held back" in report.first.text
    assert WARM_UP + 20 <= report.first.bar < WARM_UP + 55
    assert 1 <= report.causes["latency"] <= 35
    assert report.causes == nothing() | {"latency": report.causes["latency"]}
    assert report.consequences["latency"] > 0


async def test_other_costs_are_fills(tmp_path: Path) -> None:
    made = await record(tmp_path)
    base = made.plan.settings
    dearer = replace(
        base, execution=replace(base.execution, half_spread_bps=base.execution.half_spread_bps * 3)
    )
    report = compare(made, tmp_path, dearer)
    assert report.changed == ("execution.half_spread_bps",)
    assert report.first is not None
    assert report.first.cause == "fill"
    assert "was filled" in report.first.text
    assert report.causes["fill"] > 1
    assert report.causes["code"] == report.causes["data"] == report.causes["latency"] == 0


async def test_orders_that_travel_longer_are_latency(tmp_path: Path) -> None:
    made = await record(tmp_path)
    base = made.plan.settings
    slower = replace(base, execution=replace(base.execution, latency_bars=2))
    report = compare(made, tmp_path, slower)
    assert report.changed == ("execution.latency_bars",)
    assert report.first is not None
    assert report.first.cause == "latency"
    assert report.first.text.endswith("was filled at this bar in the session alone.")
    assert report.causes["code"] == report.causes["data"] == 0


async def test_another_configuration_is_code(tmp_path: Path) -> None:
    made = await record(tmp_path)
    base = made.plan.settings
    bolder = replace(base, sizing=replace(base.sizing, volatility_target=base.sizing.volatility_target * 1.5))
    report = compare(made, tmp_path, bolder)
    assert report.changed == ("sizing.volatility_target",)
    assert report.first is not None
    assert report.first.cause == "code"
    assert "another decision" in report.first.text
    assert report.causes["code"] == 1
    assert report.consequences["code"] > 10


async def test_the_verb_tells_people_and_scripts(tmp_path: Path) -> None:
    made = await record(tmp_path, 40)
    save_launch(tmp_path / "state.db", Launch(PAPER, made.plan.settings))
    place = Place.of(None, tmp_path / "state.db", None, None, None)
    body = parity_of(place, None)
    assert body["identical"]
    assert parity_text(body).startswith(
        "identical: the backtest decides as the recorded session did (40 bars, "
    )
    config = tmp_path / "other.toml"
    config.write_text("[sizing]\nvolatility_target = 0.05\n", encoding="utf-8")
    other = parity_of(Place.of(config, tmp_path / "state.db", None, None, None), config)
    text = parity_text(other)
    assert not other["identical"]
    assert text.splitlines()[0].startswith("NOT IDENTICAL (40 bars")
    assert "code           1" in text
    assert "Settings that were changed: sizing.volatility_target" in text
    assert set(other) == {
        "identical",
        "bars",
        "orders",
        "fills",
        "unplayed",
        "equity",
        "backtest_equity",
        "tape_sound",
        "tape_trouble",
        "changed_settings",
        "first",
        "causes",
        "consequences",
    }


def test_a_replay_has_no_recorded_session(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no recorded session"):
        check_parity(tmp_path / "state.db", Launch("replay", Settings()), Settings(), EventClock())
