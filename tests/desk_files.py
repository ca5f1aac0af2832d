"""A small desk on disk for the command line's tests: configuration, tape as CSV, and a state file that has traded."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.engine import rig as core
from tests.system.rig import write_config, write_csv
from tuiconsole.config import load
from tuiconsole.engine.build import Plan, load_tape, plan
from tuiconsole.engine.launch import Launch, save_launch
from tuiconsole.market.tape import Tape
from tuiconsole.risk.latch import Latch

BARS = 140


@dataclass(frozen=True)
class DeskFiles:
    """One desk's directory."""

    home: Path
    tape: Tape

    @property
    def config(self) -> Path:
        return self.home / "config.toml"

    @property
    def state(self) -> Path:
        return self.home / "state.db"

    @property
    def data(self) -> Path:
        return self.home / "six.csv"

    def options(self) -> list[str]:
        """The options that name it."""
        return ["--config", str(self.config), "--state", str(self.state)]

    def snapshot(self) -> dict[str, bytes]:
        """Bytes of every file of the store; only while nothing has it open."""
        return {
            path.name: path.read_bytes()
            for path in sorted(self.home.iterdir())
            if path.name.startswith("state")
        }

    def copy_to(self, home: Path) -> DeskFiles:
        """The same desk elsewhere."""
        shutil.copytree(self.home, home, dirs_exist_ok=True)
        text = self.config.read_text(encoding="utf-8").replace(str(self.data), str(home / "six.csv"))
        (home / "config.toml").write_text(text, encoding="utf-8")
        return DeskFiles(home, self.tape)


def fresh(home: Path, tape: Tape) -> DeskFiles:
    """A desk that has never traded."""
    home.mkdir(exist_ok=True)
    made = DeskFiles(home, tape)
    write_config(made.config, tape, write_csv(made.data, tape))
    return made


def trade(desk: DeskFiles, bars: int = BARS, mode: str = "replay") -> None:
    """Have the desk trade ``bars`` bars into its state file, as an engine would."""
    settings = load(desk.config).desk
    chosen = plan(settings, load_tape(settings), mode)
    session, store = core.on_disk(chosen, desk.state)
    core.drive(session, store, core.WARMUP + bars)
    store.checkpoint(session.state())
    store.close()
    save_launch(desk.state, Launch(mode, settings))
    Latch(desk.state.with_suffix(".latch")).create()


def planned_again(desk: DeskFiles) -> Plan:
    """The plan of this desk."""
    settings = load(desk.config).desk
    return plan(settings, load_tape(settings), "replay")
