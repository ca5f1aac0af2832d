"""Environments of the peers: each package in its own, at a pinned version, under ``.bench/``."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rows import MeasurementFailed

ROOT = Path(__file__).resolve().parent.parent / ".bench"
SCRIPTS = Path(__file__).resolve().parent / "peer_scripts"
_INSTALL_S = 600
_RUN_S = 900


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that backtests: its name, what to install, and its script."""

    name: str
    requirements: tuple[str, ...]
    script: str
    many_symbols: bool = True

    @property
    def folder(self) -> Path:
        """Where its environment is."""
        return ROOT / self.script

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def installed(self) -> bool:
        """Whether its environment is there, at these versions."""
        stamp = self.folder / ".installed"
        return stamp.is_file() and stamp.read_text(encoding="utf-8") == " ".join(self.requirements)

    def install(self) -> None:
        """Make its environment; :class:`MeasurementFailed` says why it could not be made."""
        if self.installed:
            return
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(self.folder)], check=True)
            pip = [
                str(self.python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
            ]
            subprocess.run(
                [*pip, *self.requirements], check=True, capture_output=True, text=True, timeout=_INSTALL_S
            )
        except subprocess.CalledProcessError as error:
            last = (error.stderr or "").strip().splitlines()[-1:] or ["no message"]
            raise MeasurementFailed(f"{self.name} could not be installed: {last[0]}") from error
        except subprocess.TimeoutExpired as error:
            raise MeasurementFailed(f"{self.name} could not be installed in {_INSTALL_S} s") from error
        (self.folder / ".installed").write_text(" ".join(self.requirements), encoding="utf-8")

    def run(self, data: Path, fast: int, slow: int) -> dict[str, Any]:
        """One run on ``data``: ``seconds`` of processor time, ``fills``, ``equity``."""
        command = [
            str(self.python),
            str(SCRIPTS / f"{self.script}_cross.py"),
            str(data),
            str(fast),
            str(slow),
        ]
        try:
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=_RUN_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
            raise MeasurementFailed(f"{self.name} did not run: {said}") from error
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found


PEERS = (
    Peer("NautilusTrader 1.221", ("nautilus_trader==1.221.0",), "nautilus"),
    Peer("backtrader 1.9.78", ("backtrader==1.9.78.123", "numpy", "pandas"), "backtrader"),
    Peer("vectorbt 1.2", ("vectorbt==1.2.0",), "vectorbt"),
    Peer("backtesting.py 0.6.6", ("backtesting==0.6.6",), "backtesting", many_symbols=False),
)
