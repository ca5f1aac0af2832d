"""Nobody opens ``state.db``, its log or its shared memory but SQLite: a plain ``open`` would drop SQLite's locks."""

from __future__ import annotations

import json
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
    ("headless", "--speed", "0", "--exit-at-end", "--json"),
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


def watched(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "XDG_RUNTIME_DIR": str(place),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_no_verb_opens_the_store_itself(desk: DeskFiles, tmp_path: Path) -> None:
    told = tmp_path / "opened.txt"
    module = ("-m", "tests.reliability.watched_files", str(told), json.dumps(VERBS))
    done = watched(desk.home, *module, *desk.options())
    assert done.returncode == 0, done.stderr
    assert told.read_text() == ""


def test_the_hook_sees_what_it_looks_for(tmp_path: Path) -> None:
    told = tmp_path / "opened.txt"
    code = (
        "from tests.reliability import watched_files as w\n"
        "w.cli.main = lambda arguments: open('x.db', 'w').close()\n"
        f"w.main({str(told)!r}, '[[\"status\"]]')"
    )
    assert watched(tmp_path, "-c", code).returncode == 0
    assert told.read_text() == "x.db\n"
