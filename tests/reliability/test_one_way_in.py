"""Nobody opens ``state.db``, its log or its shared memory but SQLite: a plain ``open`` would drop SQLite's locks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
VERBS = (
    ("status",),
    ("why", "1"),
    ("verify",),
    ("doctor", "--json"),
    ("backup", "copy"),
    ("archive", "--days", "0"),
    ("halt",),
    ("kill",),
    ("restore", "copy", "--overwrite"),
)


@pytest.fixture
def desk(tmp_path: Path) -> DeskFiles:
    made = desk_files.fresh(tmp_path / "desk", rig.market(rig.WARMUP + 80))
    desk_files.trade(made, bars=60)
    return made


def run(desk: DeskFiles, told: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.reliability.watched_files", str(told), *arguments, *desk.options()],
        cwd=desk.home,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "XDG_RUNTIME_DIR": str(desk.home),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_verb_opens_the_store_itself(desk: DeskFiles, tmp_path: Path) -> None:
    told = tmp_path / "opened.txt"
    for verb, *rest in VERBS:
        done = run(desk, told, verb, *rest)
        assert done.returncode == 0 or verb == "doctor", (verb, done.stderr)
    assert told.read_text() == ""


def test_the_hook_sees_what_it_looks_for(tmp_path: Path) -> None:
    told, code = tmp_path / "opened.txt", "open('x.db', 'w').close()"
    subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; from tests.reliability import watched_files as w\n"
            f"w.cli.main = lambda arguments: {code}\nw.main({str(told)!r})",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        timeout=60,
        check=True,
    )
    assert told.read_text() == "x.db\n"
