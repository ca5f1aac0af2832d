"""Every figure on the console's screen is a value of the engine's own JSON: a real engine, a real socket, real panels."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from tests.engine import rig as core
from tests.system import rig
from tests.ui.support import strangers
from tuiconsole.protocol import frames
from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui import format as forms
from tuiconsole.ui.app import ConsoleApp
from tuiconsole.ui.options import ConsoleOptions

pytestmark = [pytest.mark.system, pytest.mark.asyncio, pytest.mark.timeout(120)]
SIZES = [(80, 24), (120, 40), (200, 60)]
PANELS = ("positions", "pnl", "signals", "risk", "orders", "agents")


@dataclass
class Console:
    """A console on a real engine."""

    app: ConsoleApp
    pilot: Pilot[int]

    async def until(self, condition: Callable[[], Any]) -> None:
        for _ in range(1000):
            if condition():
                return
            await self.pilot.pause(0.01)
        raise AssertionError(f"the condition never came true:\n{self.text}")

    @property
    def text(self) -> str:
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())


@contextlib.asynccontextmanager
async def console(desk: rig.SystemDesk, size: tuple[int, int]) -> AsyncIterator[Console]:
    app = ConsoleApp(ConsoleOptions(desk.paths.socket, desk.state, ("/bin/false",), mode_hint="replay"))
    async with app.run_test(size=size) as pilot:
        made = Console(app, pilot)
        await made.until(lambda: app._shown is not None and app._shown.header.tape_ended)
        yield made


def from_engine(desk: rig.SystemDesk) -> Snapshot:
    """The engine's snapshot as another client gets it, through JSON."""
    client = rig.Client(desk.paths.socket, read_only=True)
    client.send(frames.pack(frames.Subscribe(id=99)))
    while not isinstance(answer := client.read(), frames.Update):
        pass
    client.socket.close()
    return msgspec.json.decode(msgspec.json.encode(answer.snapshot), type=Snapshot)


@pytest.fixture
def calm(desk: rig.SystemDesk) -> rig.SystemDesk:
    """A desk at the end of its tape."""
    desk.engine(0).wait_event("end of tape")
    return desk


@pytest.fixture
def stormy(tmp_path: Path) -> Any:
    """A desk that its drawdown limit halted, at the end of its tape."""
    tape = core.market(core.WARMUP + 120, crash_at=core.WARMUP + 60)
    made = rig.make_desk(tmp_path, tape, rig.write_csv(tmp_path / "storm.csv", tape))
    try:
        made.engine(0).wait_event("end of tape")
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("size", SIZES)
async def test_every_figure_is_the_engines(calm: rig.SystemDesk, size: tuple[int, int]) -> None:
    truth = from_engine(calm)
    seen = 0
    async with console(calm, size) as c:
        for number in range(1, 7):
            await c.pilot.press(str(number))
            for _ in range(2):  # among the others, then alone
                await c.pilot.press("m")
                await c.pilot.pause()
                count, strange = strangers(c.text, truth)
                assert not strange, c.text
                seen += count
        assert c.app.snapshot is not None
        shown = msgspec.structs.replace(c.app.snapshot, made_ns=0)
    age = truth.header.data_age_s
    header = msgspec.structs.replace(shown.header, data_age_s=age)
    assert msgspec.structs.replace(shown, header=header) == msgspec.structs.replace(truth, made_ns=0)
    assert seen > 500


async def test_the_header_is_what_status_says(calm: rig.SystemDesk) -> None:
    said = json.loads(calm.run("status", "--json").out)
    async with console(calm, (80, 24)) as c:
        first, second = c.text.splitlines()[:2]
        assert f" {said['mode'].upper()} " in first
        assert f"● {said['state'].upper()} " in first
        assert " END OF TAPE " in first
        assert f"equity {forms.money(said['equity'])} " in second
        assert f"DD {forms.percent1(said['drawdown'])}/" in second
        await c.pilot.press("1", "m")
        await c.pilot.pause()
        for position in said["positions"]:
            row = next(
                line for line in c.text.splitlines() if line.lstrip(" │").startswith(position["symbol"])
            )
            for part in (
                forms.quantity(position["quantity"]),
                forms.price(position["last_price"]),
                forms.money_signed(position["unrealised_pnl"]),
            ):
                assert part in row


async def test_every_row_of_every_table_can_be_seen_whole(calm: rig.SystemDesk) -> None:
    truth = from_engine(calm)
    async with console(calm, (200, 60)) as c:
        await c.pilot.press("5", "m")
        await c.pilot.pause()
        lines = [line for line in c.text.splitlines() if line.startswith("│")][1:]
        for order, line in zip(truth.orders, lines, strict=False):
            if line.strip("│ "):
                for part in (
                    order.symbol,
                    order.side,
                    order.reason,
                    forms.price(order.price),
                    order.clock[:10],
                ):
                    assert part in line, (order, line)
        await c.pilot.press("3")
        await c.pilot.pause()
        for signal in truth.signals:
            assert any(
                signal.symbol in line and forms.percent2_signed(signal.mean) in line
                for line in c.text.splitlines()
            )


@pytest.mark.parametrize("size", SIZES)
async def test_a_halted_desk_tells_the_whole_reason(stormy: rig.SystemDesk, size: tuple[int, int]) -> None:
    truth = from_engine(stormy)
    assert truth.header.level == "halted"
    async with console(stormy, size) as c:
        await c.until(lambda: "then r resumes)" in c.text)
        _, strange = strangers("\n".join(c.text.splitlines()[-30:]), truth)
        words = " ".join(c.text.split())
        assert " ".join(truth.header.level_text.removesuffix(truth.header.way_on).split()) in words
        assert truth.header.way_on in words
        assert "(R re-arms, then r resumes)" in words
        assert " R  re-arm " in c.text.splitlines()[-1]
        reasons = " ".join(alert.text for alert in truth.alerts) + truth.header.level_text
        assert not [figure for figure in strange if figure not in reasons], c.text
        await c.pilot.press("l")
        await c.until(lambda: c.app.desk.sheet.kind == "alerts")
        listed = " ".join(c.app.desk.sheet.pages.text.split())
        for alert in truth.alerts:
            assert " ".join(alert.text.split()) in listed


@pytest.mark.parametrize("size", SIZES[:2])
async def test_why_shows_the_chain_of_a_real_order(calm: rig.SystemDesk, size: tuple[int, int]) -> None:
    truth = from_engine(calm)
    filled = next(order for order in truth.orders if order.state == "filled")
    chain = json.loads(calm.run("why", filled.id, "--json").out)
    async with console(calm, size) as c:
        await c.pilot.press("W", *filled.id, "enter")
        await c.until(lambda: "gate" in c.app.desk.sheet.pages.text)
        text = " ".join(c.app.desk.sheet.pages.text.split())
    assert f"{filled.side.upper()} {forms.quantity(filled.quantity)} {filled.symbol}: filled at" in text
    assert f"costs {forms.money(chain['order']['cost'])}: fee {forms.money(chain['order']['fee'])}" in text
    for name, said in chain["agents"].items():
        if said.get("mean") is not None:
            assert f"{name} {forms.percent2_signed(said['mean'])} %" in text
    for fill in chain["fills"]:
        assert f"{forms.quantity(fill['quantity'])} {forms.price(fill['price'])}" in text


async def test_a_refused_order_can_be_explained(tmp_path: Path) -> None:
    tape = core.market(core.WARMUP + 30)
    data = rig.write_csv(tmp_path / "six.csv", tape)
    desk = rig.make_desk(tmp_path, tape, data, risk="order_notional_usd = 100.0")
    try:
        desk.engine(0).wait_event("end of tape")
        truth = from_engine(desk)
        assert truth.risk.refused_total > 0
        symbol = truth.risk.last_refusal.partition(":")[0]
        async with console(desk, (120, 40)) as c:
            assert f"refused {truth.risk.refused_total}" in c.text
            for decision in range(1, 40):
                await c.pilot.press("W", *f"{decision}:{symbol}", "enter")
                await c.until(lambda: "Asking" not in c.app.desk.sheet.pages.text)
                if "REFUSED" in c.app.desk.sheet.pages.text:
                    break
            text = " ".join(c.app.desk.sheet.pages.text.split())
            assert "REFUSED, never sent: BUY" in text
            assert "REFUSED by the rule" in text
    finally:
        desk.close()
