"""Take the pictures of the documentation anew: real engines, real prices of 2007 and 2008, the real console.

Run ``python tools/take_pictures.py [FOLDER]``; it writes SVG files to ``docs/images``. It starts two engines on
a temporary directory, lets each play to the day of its pictures, slows it down, looks, and stops it.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from tuiconsole.engine.supervisor import spawn_engine, wait_ready
from tuiconsole.protocol.frames import SetSpeed, Shutdown
from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.app import ConsoleApp
from tuiconsole.ui.options import ConsoleOptions
from tuiconsole.verbs.common import Place

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
FAST, CAREFUL, SHOWN = 40.0, 8.0, 1.0
LARGE, SMALL = (120, 40), (80, 24)
TRIES = 6_000


class Studio:
    """A console on an engine of its own, and the folder its pictures go to."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int], folder: Path) -> None:
        self.app = app
        self.pilot = pilot
        self.folder = folder

    async def until(self, wanted: Callable[[Snapshot], bool]) -> None:
        """Wait until the engine has come to what is ``wanted``."""
        for _ in range(TRIES):
            if self.app.snapshot is not None and wanted(self.app.snapshot):
                return
            await self.pilot.pause(0.02)
        raise SystemExit("The engine never came to what the picture is to show.")

    async def slow_down(self) -> None:
        """Play at the speed that the pictures show, and let the last bars settle."""
        await self.app.client.request(lambda id: SetSpeed(id=id, bars_per_second=SHOWN))
        await self.until(lambda s: s.header.speed == SHOWN)
        bar = self.app.snapshot.header.bar if self.app.snapshot else 0
        await self.until(lambda s: s.header.bar > bar)

    async def take(self, name: str, *keys: str) -> None:
        """Press ``keys`` and write the picture ``name``."""
        await self.pilot.press(*keys)
        await self.settle()
        columns, rows = self.app.size
        path = self.folder / f"{name}-{columns}x{rows}.svg"
        path.write_text(self.app.export_screenshot(title="tuiconsole"), encoding="utf-8")
        sys.stdout.write(f"{path}\n")

    async def settle(self) -> None:
        """Wait until all that has arrived is painted."""
        for _ in range(20):
            await self.pilot.pause(0.02)


async def year_2007(studio: Studio) -> None:
    """A desk that trades, and why it sent an order."""
    await studio.until(lambda s: s.header.clock >= "2007-07-12")
    await studio.slow_down()
    await studio.pilot.press("A")
    await studio.until(lambda s: not s.alerts_open)
    studio.app.desk.alerts.reply("", "plain")
    await studio.take("desk", "1")
    await studio.take("why", "5", "down", "down", "w")
    await studio.pilot.press("escape")
    await studio.pilot.resize_terminal(*SMALL)
    await studio.take("desk", "1")


async def year_2008(studio: Studio) -> None:
    """A desk that its drawdown limit has halted."""
    await studio.until(lambda s: s.header.level == "halted")
    await studio.slow_down()
    studio.app.desk.alerts.reply("", "plain")
    await studio.take("halted", "1")


async def shoot(start: str, speed: float, scene: Callable[[Studio], object], folder: Path) -> None:
    """Start an engine at ``start`` with ``speed`` bars a second, run ``scene`` before its console, and stop it."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        config = Path(home) / "config.toml"
        config.write_text("", encoding="utf-8")
        place = Place.of(config, Path(home) / "state.db", "replay", speed, start)
        said = wait_ready(spawn_engine(place.paths.state, place.arguments))
        if said:
            raise SystemExit(said)
        options = ConsoleOptions(place.paths.socket, place.paths.state, (sys.executable,), mode_hint="replay")
        app = ConsoleApp(options)
        async with app.run_test(size=LARGE) as pilot:
            studio = Studio(app, pilot, folder)
            await studio.until(lambda s: app.client.may_write)
            made = scene(studio)
            if asyncio.iscoroutine(made):
                await made
            await app.client.request(lambda id: Shutdown(id=id, reason="pictures taken"))
            while app.client.connected:
                await pilot.pause(0.05)


def main() -> int:
    """Take all pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(shoot("2007-01-03", FAST, year_2007, folder))
    asyncio.run(shoot("2008-08-01", CAREFUL, year_2008, folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
