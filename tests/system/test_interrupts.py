"""Ctrl-C in a terminal, while a long verb is at work: one sentence, exit code 130, nothing half-written."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tuiconsole.cli import main
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.research.runs import RunStore
from tuiconsole.research.trials import TrialCounter

pytestmark = pytest.mark.system
_GUARD_S = 60.0
_STOP_HERE = """
import fcntl, os, signal, sys, termios
if os.getpid() == os.getsid(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

def stop_here():
    os.write(1, b"AT WORK\\n")
    signal.pause()
"""
_VERB = """
from tuiconsole.cli import main
sys.exit(main(sys.argv[1:]))
"""
_IMPORT = f"""{_STOP_HERE}
from tuiconsole.market.imports.tables import FileReader
read = FileReader.parts
def parts(self, path):
    if path.name == "BBB.csv":
        stop_here()
    return read(self, path)
FileReader.parts = parts
{_VERB}"""
_PULL = f"""{_STOP_HERE}
from tuiconsole.market.providers import pull
from tuiconsole.verbs import pull as verb
def pull_bars(wanted, providers, journal, sink, clock, show):
    stop_here()
pull.pull_bars = pull_bars
{_VERB}"""
_RUN = _STOP_HERE + _VERB
_POLICY = """
import numpy as np, os, signal
from tuiconsole.strategy import Strategy

class Slow(Strategy):
    size = 0.1
    needs = ()

    def weights(self, bar):
        if bar.seq > 100:
            with open("/dev/tty", "wb", buffering=0) as tty:
                tty.write(b"AT WORK")
            signal.pause()
        return np.full(len(bar.price), self.size)
"""


@dataclass(frozen=True)
class Seen:
    """What the terminal showed after Ctrl-C, and how the process ended."""

    text: str
    code: int


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "config.toml").write_text('[history]\nroot = "bars"\n[feed]\nwarmup_bars = 60\n')
    (tmp_path / "my.py").write_text(_POLICY)
    days = np.busday_offset("2020-01-02", np.arange(160), roll="forward")
    (tmp_path / "prices").mkdir()
    for name in ("AAA", "BBB"):
        rows = "".join(f"{day},{50 + k % 7}\n" for k, day in enumerate(days))
        (tmp_path / "prices" / f"{name}.csv").write_text(f"Date,Close\n{rows}")


def _interrupted(program: str, *words: str) -> Seen:
    """Run ``program`` in a terminal of its own, type Ctrl-C once it is at work, and wait for its end."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    text, typed = b"", False
    while select.select([master], [], [], _GUARD_S)[0]:
        try:
            some = os.read(master, 4_096)
        except OSError:
            break
        text += some
        if not typed and b"AT WORK" in text:
            os.write(master, b"\x03")
            typed = True
    os.close(master)
    code = process.wait(_GUARD_S)
    assert typed, text.decode()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\^C|AT WORK", "", text.decode())
    assert "Traceback" not in shown, shown
    return Seen(" ".join(shown.split()), code)


def test_an_import_stores_nothing_and_can_be_started_again(tmp_path: Path) -> None:
    seen = _interrupted(_IMPORT, "data", "import", "prices")
    assert seen.code == 130
    assert seen.text.endswith(
        "Interrupted: nothing of prices was stored, and the history is as it was. Start the import again."
    )
    store = HistoryStore(tmp_path / "bars")
    assert store.symbols("1day") == ()
    assert list(store.root.rglob("*.parquet")) == []
    assert main(["data", "import", "prices"]) == 0
    assert store.symbols("1day") == ("AAA", "BBB")


def test_a_pull_says_that_it_goes_on_where_it_was() -> None:
    seen = _interrupted(_PULL, "data", "pull", "AAPL", "--provider", "yahoo")
    assert seen.code == 130
    assert seen.text.endswith(
        "Interrupted: 0 bars of finished pieces are stored. The same command goes on where it was."
    )


def test_a_backtest_leaves_no_run_no_trial_and_no_journal(tmp_path: Path) -> None:
    assert main(["data", "import", "prices"]) == 0
    (tmp_path / "journal.bin").write_bytes(b"an earlier one")
    more = ("--policy", "my.py:Slow", "--journal", "journal.bin", "--runs", "runs")
    seen = _interrupted(_RUN, "backtest", "--feed", "history", "--start", "2020-04-01", *more)
    assert seen.code == 130
    found = re.search(
        r"Interrupted: the backtest stopped.*; no run was stored and no trial counted\. ", seen.text
    )
    assert found, seen.text
    assert RunStore(tmp_path / "runs").list() == ()
    assert TrialCounter(tmp_path / "runs").evaluations() == 0
    assert (tmp_path / "journal.bin").read_bytes() == b"an earlier one"
    assert not (tmp_path / "journal.bin.part").exists()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_sweep_stops_with_all_its_workers(tmp_path: Path, jobs: str) -> None:
    assert main(["data", "import", "prices"]) == 0
    more = ("--policy", "my.py:Slow", "--grid", "size=0.1,0.2,0.3", "--jobs", jobs, "--runs", "runs")
    seen = _interrupted(_RUN, "sweep", "--feed", "history", "--start", "2020-04-01", *more)
    assert seen.code == 130
    assert seen.text.endswith(
        "Interrupted: no combination was kept, shown or counted as a trial. Start the sweep again, or a smaller one."
    )
    assert TrialCounter(tmp_path / "runs").evaluations() == 0


def test_any_other_verb_has_a_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tuiconsole.verbs.data_info.data_info", stopped)
    assert main(["data", "info"]) == 130
    assert capsys.readouterr().err.strip() == (
        "Interrupted: what was stored before is whole. Start the command again."
    )
    assert main(["data", "info", "--json"]) == 130
    assert '"error": "Interrupted' in capsys.readouterr().out
