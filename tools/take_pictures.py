"""Take the README's pictures: the real engine over 2007 to 2009, the real console, saved as SVG.

Run ``python tools/take_pictures.py``; it needs no network and writes to ``docs/images``.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from tuiconsole.engine.paths import DeskPaths
from tuiconsole.ui.app import ConsoleApp
from tuiconsole.ui.options import ConsoleOptions

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
FONTS = "font-family: 'DejaVu Sans Mono', 'Menlo', 'Consolas', monospace"
PATIENCE_S = 90.0
LOOK_S = 0.05


@dataclass(frozen=True)
class Picture:
    """One picture: where the replay starts, when to look, what to press first."""

    name: str
    size: tuple[int, int]
    start: str
    when: str
    speed: float
    level: str = "running"
    keys: tuple[str, ...] = ()


PICTURES = (
    Picture("desk-120x40", (120, 40), "2007-01-03", "2007-10-01", 40.0),
    Picture("desk-80x24", (80, 24), "2007-01-03", "2007-10-01", 40.0),
    Picture("halted-120x40", (120, 40), "2008-08-01", "2008-10-07", 20.0, level="halted"),
    Picture("why-120x40", (120, 40), "2007-01-03", "2007-06-01", 40.0, keys=("5", "w")),
)


def start_engine(state: Path, picture: Picture) -> "subprocess.Popen[bytes]":
    """An engine of its own for one picture, ready to be attached."""
    ready, tell = os.pipe()
    command = [sys.executable, "-m", "tuiconsole", "headless", "--state", str(state), "--feed", "replay"]
    command += ["--start", picture.start, "--speed", str(picture.speed), "--ready-fd", str(tell)]
    command += ["--log", str(state.with_suffix(".log"))]
    engine = subprocess.Popen(command, pass_fds=(tell,), stdout=subprocess.DEVNULL)
    os.close(tell)
    said = os.read(ready, 1024)
    os.close(ready)
    if said != b"ready\n":
        raise SystemExit(said.decode())
    return engine


async def take(picture: Picture, state: Path) -> None:
    """Attach, wait for the moment, save."""
    paths = DeskPaths.of(state)
    options = ConsoleOptions(
        socket_path=paths.socket, state_path=state, fallback_command=(sys.executable, "-m", "tuiconsole")
    )
    app = ConsoleApp(options)
    async with app.run_test(size=picture.size) as pilot:
        await asyncio.wait_for(moment(app, picture, pilot), PATIENCE_S)
        if picture.keys:
            await pilot.press(*picture.keys)
            await pilot.pause(1.0)
        drawing = app.export_screenshot()
    (IMAGES / f"{picture.name}.svg").write_text(at_home(drawing), encoding="utf-8")


def at_home(drawing: str) -> str:
    """``drawing`` with fonts of the reader's own machine: a picture fetches nothing from anywhere."""
    drawing = re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL)
    return re.sub(r"font-family: Fira Code, monospace", FONTS, drawing)


async def moment(app: ConsoleApp, picture: Picture, pilot: "Pilot[int]") -> None:
    """Return when the desk has reached the picture's day and level, and the screen shows it."""
    while True:
        await pilot.pause(LOOK_S)
        header = app.snapshot.header if app.snapshot is not None else None
        if header is not None and header.clock >= picture.when and header.level == picture.level:
            await pilot.pause(0.5)
            return


def main() -> None:
    """Take every picture."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    for picture in PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            engine = start_engine(Path(folder) / "state.db", picture)
            try:
                asyncio.run(take(picture, Path(folder) / "state.db"))
            finally:
                engine.terminate()
                engine.wait()


if __name__ == "__main__":
    main()
