"""What killed writers leave in the run store is swept by the next one; what living ones write is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.research import rig
from tuiconsole.research.drafts import STORE_LOCK, delete, draft
from tuiconsole.research.runs import RunStore

WRITER = """
import signal, sys
from pathlib import Path
from tests.research import rig
from tuiconsole.research import runs
def stuck(*_):
    print("writing", flush=True)
    signal.pause()
runs.RunStore._publish = stuck
runs.RunStore(Path(sys.argv[1])).save(rig.run("mine"), {})
"""


@contextmanager
def writer(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in the middle of storing a run: its tables are written, the run is not."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True
    ) as found:
        assert found.stdout is not None
        assert found.stdout.readline() == "writing\n"
        try:
            yield found
        finally:
            os.kill(found.pid, signal.SIGKILL)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.name != STORE_LOCK)


def test_the_next_write_sweeps_what_a_killed_writer_left_and_nothing_of_a_living_one(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with writer(tmp_path):
        (living, _) = alive = names(tmp_path)
        with writer(tmp_path):
            assert len(names(tmp_path)) == 4
        left = set(names(tmp_path)) - set(alive)
        (folder,) = (name for name in left if not name.endswith(".lock"))
        assert (tmp_path / folder / "track.parquet").is_file(), "killed in the middle"
        store.save(rig.run("mine"), {})
        assert names(tmp_path) == [*alive, "mine"]
        assert (tmp_path / living / "track.parquet").is_file()
    store.require_writable()
    assert names(tmp_path) == ["mine"]
    assert [entry.name for entry in store.list()] == ["mine"]


def test_a_removal_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    for name in (".removed-1", ".partial-2", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text("{}", encoding="utf-8")
    with draft(tmp_path) as place:
        assert names(tmp_path) == [place.name, f"{place.name}.lock", "kept"]
    delete(tmp_path / "kept")
    assert names(tmp_path) == []


def test_a_directory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(NotADirectoryError), draft(tmp_path / "file"):
        raise AssertionError("not reached")
