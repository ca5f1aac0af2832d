"""The engine lock: one holder, known by pid and start time, freed by death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tuiconsole.engine.lock import EngineLock, Holder, process_started, wait_for_end

HOLD = """
import sys
from pathlib import Path
from tuiconsole.engine.lock import EngineLock
assert EngineLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def holding(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_free_lock_has_no_holder(tmp_path: Path) -> None:
    lock = EngineLock(tmp_path / "state.lock")
    assert lock.holder() is None
    assert lock.acquire()
    lock.release()
    assert EngineLock(tmp_path / "state.lock").holder() is None


def test_second_process_is_refused_and_sees_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    process = holding(path)
    lock = EngineLock(path)
    assert not lock.acquire()
    assert lock.holder() == Holder(process.pid, process_started(process.pid) or -1)
    end(process)
    assert lock.acquire()
    lock.release()


def test_stopped_holder_still_holds_and_sigkill_frees(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    process = holding(path)
    os.kill(process.pid, signal.SIGSTOP)
    holder = EngineLock(path).holder()
    assert holder is not None
    assert not wait_for_end(holder, 0.01)
    process.kill()
    assert wait_for_end(holder, 5.0)
    end(process)
    assert EngineLock(path).holder() is None


def test_a_reused_pid_is_not_taken_for_the_holder() -> None:
    assert wait_for_end(Holder(os.getpid(), 1), 0.01)
