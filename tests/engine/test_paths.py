"""Files of a desk: no two desks share one, and a verb finds the engine's socket from any environment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tuiconsole.domain.errors import EngineError
from tuiconsole.engine.launch import launch_path
from tuiconsole.engine.lock import EngineLock
from tuiconsole.engine.paths import DeskPaths, require_private, runtime_directory


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime directory with a short path."""
    with tempfile.TemporaryDirectory(prefix="tc-") as found:
        monkeypatch.setenv("XDG_RUNTIME_DIR", found)
        yield Path(found)


def test_desks_side_by_side_share_no_file(tmp_path: Path) -> None:
    names = ["state.db", "desk.v1.db", "desk.v2.db", "state.sqlite", "desk"]
    every = []
    for name in names:
        paths = DeskPaths.of(tmp_path / name)
        every += [paths.latch, paths.lock, paths.log, paths.own_socket, launch_path(paths.state)]
    assert len(set(every)) == len(every)
    assert DeskPaths.of(tmp_path / "state.db").latch.name == "state.latch"


def test_a_running_engine_is_found_from_another_environment(
    tmp_path: Path, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = DeskPaths.of(tmp_path / "state.db")
    lock = EngineLock(paths.lock)
    assert lock.acquire(socket=str(paths.socket))
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    elsewhere = DeskPaths.of(tmp_path / "state.db")
    assert elsewhere.own_socket != paths.own_socket
    assert elsewhere.socket == paths.own_socket
    lock.release()
    assert elsewhere.socket == elsewhere.own_socket, "without an engine our own place counts"


def test_a_long_runtime_directory_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tmp_path / ("d" * 90)
    base.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    assert base not in runtime_directory().parents
    assert len(os.fsencode(DeskPaths.of(tmp_path / "state.db").own_socket)) <= 107


def test_a_directory_that_others_may_enter_is_refused_but_names_are_still_known(
    tmp_path: Path, runtime: Path
) -> None:
    open_to_all = runtime / "tuiconsole"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    paths = DeskPaths.of(tmp_path / "state.db")
    with pytest.raises(EngineError, match="can be entered by others"):
        _ = paths.socket
    open_to_all.rmdir()
    open_to_all.write_text("")
    with pytest.raises(EngineError):
        require_private(open_to_all)
