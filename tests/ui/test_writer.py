"""The guarded writer on a real pty: never waits, drops whole frames, recovers, lets go."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty

from tuiconsole.ui.writer import MAX_PENDING_BYTES, GuardedWriter

FRAME = "x" * 10_000


def _drain(master: int, until: threading.Event, guard_s: float = 10.0) -> bytes:
    data, start = b"", time.monotonic()
    while not until.is_set() or select.select([master], [], [], 0.05)[0]:
        if select.select([master], [], [], 0.02)[0]:
            data += os.read(master, 65536)
        assert time.monotonic() - start < guard_s
    return data


def test_stalled_terminal_drops_frames_keeps_modes_and_recovers() -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    recovered, closed = threading.Event(), threading.Event()
    writer = GuardedWriter(slave, on_recovered=recovered.set, on_closed=closed.set)
    writer.start()
    try:
        start = time.monotonic()
        for _ in range(100):
            writer.write("\x1b[?2026h")
            writer.write(FRAME)
            writer.write("\x1b[?2026l")
        writer.write("\x1b[?25h")
        assert time.monotonic() - start < 2.0
        assert writer.dropping
        assert writer.pending <= MAX_PENDING_BYTES + 2 * len(FRAME)
        data = _drain(master, recovered)
        assert len(data) < 20 * len(FRAME)
        assert b"\x1b[?25h" in data
        assert data.endswith(b"\x1b[0m\x1b[?2026l")
        assert not writer.dropping
        assert not closed.is_set()
    finally:
        writer.stop()
        os.close(master)
        os.close(slave)


def test_stop_does_not_wait_for_a_stalled_terminal() -> None:
    master, slave = pty.openpty()
    writer = GuardedWriter(slave, on_recovered=lambda: None, on_closed=lambda: None)
    writer.start()
    for _ in range(20):
        writer.write(FRAME)
    start = time.monotonic()
    writer.stop()
    assert time.monotonic() - start < 2.0
    writer.abandon()
    os.close(master)
    os.close(slave)


def test_gone_terminal_is_told_once_and_swallowed() -> None:
    master, slave = pty.openpty()
    told: list[int] = []
    closed = threading.Event()
    writer = GuardedWriter(
        slave, on_recovered=lambda: None, on_closed=lambda: (told.append(1), closed.set())[0]
    )
    os.close(master)
    writer.start()
    writer.write(FRAME)
    assert closed.wait(10)
    writer.write(FRAME)
    writer.stop()
    assert told == [1]
    assert writer.pending == 0
    os.close(slave)
