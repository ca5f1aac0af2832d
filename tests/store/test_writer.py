import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.store.desk import OPENED, bar_seen, open_store, records
from tuiconsole.domain.errors import StoreError
from tuiconsole.store import writer as writer_module
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.state_store import Batch, StateStore
from tuiconsole.store.writer import Writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


class Gate:
    """Holds the writer's thread inside ``write`` until it is let go, and counts the transactions."""

    def __init__(self, store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entered, self.go = threading.Event(), threading.Event()
        self.sizes: list[int] = []
        inner = store._transaction

        def held(batch: Batch) -> None:
            self.sizes.append(len(batch.rows))
            self.entered.set()
            assert self.go.wait(20)
            inner(batch)

        monkeypatch.setattr(store, "_transaction", held)


def test_everything_submitted_is_durable_and_chained(path: Path) -> None:
    with Writer(open_store(path)) as writer:
        futures = []
        for record in records(40):
            writer.append(record)
            futures.append(writer.submit())
        durable = [future.result(20) for future in futures]
        assert all(rows >= wanted for wanted, rows in enumerate(durable, start=1))
        assert writer.rows == writer.durable_rows == len(futures)
        head = writer.head
    report = verify_chain(path, projections=True)
    assert report.ok
    assert report.head == head.hex()


def test_waiting_submits_become_one_commit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(path)
    gate = Gate(store, monkeypatch)
    writer = Writer(store)
    writer.append(OPENED)
    first = writer.submit()
    assert gate.entered.wait(20)
    later = []
    for seq in range(30):
        writer.append(bar_seen(seq))
        later.append(writer.submit())
    assert not first.done()
    gate.go.set()
    assert [future.result(20) for future in [first, *later]] == [1] + [31] * 30
    assert gate.sizes == [1, 30]
    writer.close()


def test_a_checkpoint_is_of_the_rows_when_it_was_asked_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(path)
    gate = Gate(store, monkeypatch)
    writer = Writer(store)
    state = {"bars": 0}
    writer.append(OPENED)
    checkpoint = writer.checkpoint(state)
    state["bars"] = 99
    writer.append(bar_seen(0))
    writer.submit()
    gate.go.set()
    assert checkpoint.result(20) >= 1
    writer.close()
    store = open_store(path)
    found = store.last_checkpoint()
    assert found is not None
    assert (found.seq, found.decode()) == (1, {"bars": 0})
    assert store.rows == 2
    store.close()


def test_a_failure_fails_all_waiting_and_all_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(path)
    store.append(OPENED)
    store.commit()
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count={pages}")
    gate = Gate(store, monkeypatch)
    told: list[StoreError] = []
    writer = Writer(store, told.append)
    futures = []
    for seq in range(200):
        writer.append(bar_seen(seq))
        if seq % 50 == 0:
            futures.append(writer.submit())
    futures.append(writer.submit())
    gate.go.set()
    failed = [future.exception(20) for future in futures]
    assert any(failed)
    assert all(isinstance(error, StoreError) for error in failed if error)
    assert failed[-1] is not None
    assert "disk is full" in str(failed[-1])
    assert len(told) == 1
    assert writer.failure is not None
    for action in (
        lambda: writer.append(bar_seen(0)),
        writer.submit,
        lambda: writer.checkpoint({}),
        writer.commit,
    ):
        with pytest.raises(StoreError, match="disk is full"):
            action()
    durable = writer.durable_rows
    writer.close()
    assert verify_chain(path).ok
    assert verify_chain(path).rows == durable


def test_an_unexpected_fault_leaves_nobody_waiting(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(path)

    def broken(batch: Batch) -> None:
        raise MemoryError

    monkeypatch.setattr(store, "write", broken)
    writer = Writer(store)
    writer.append(OPENED)
    assert isinstance(writer.submit().exception(20), StoreError)
    with pytest.raises(StoreError, match="MemoryError"):
        writer.append(OPENED)
    monkeypatch.undo()
    writer.close()


def test_a_stalled_disk_is_a_failure_not_a_growing_queue(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "MAX_WAITING", 4)
    store = open_store(path)
    gate = Gate(store, monkeypatch)
    writer = Writer(store)
    writer.append(OPENED)
    writer.submit()
    assert gate.entered.wait(20)
    for seq in range(4):
        writer.append(bar_seen(seq))
        writer.submit()
    writer.append(bar_seen(4))
    with pytest.raises(StoreError, match="stalled"):
        writer.submit()
    with pytest.raises(StoreError, match="stalled"):
        writer.append(bar_seen(11))
    gate.go.set()
    writer.close()
    assert verify_chain(path).rows == 6, "what was handed over is written all the same"


def test_closing_twice_and_appending_after(path: Path) -> None:
    writer = Writer(open_store(path))
    writer.append(OPENED)
    writer.close()
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.append(OPENED)
    assert verify_chain(path).rows == 1, "close commits what was appended"


async def test_a_loop_waits_without_blocking(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(path)
    gate = Gate(store, monkeypatch)
    writer = Writer(store)
    writer.append(OPENED)
    waiting = asyncio.wrap_future(writer.submit())
    assert await asyncio.to_thread(gate.entered.wait, 20)
    given_up = asyncio.wrap_future(writer.submit())
    given_up.cancel()
    assert not waiting.done()
    gate.go.set()
    assert await waiting == 1
    await asyncio.to_thread(writer.close)


def test_what_was_submitted_survives_an_interpreter_that_just_ends(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.store.desk import *; from tuiconsole.store.writer import Writer\n"
        "w = Writer(open_store(Path(sys.argv[1])))\n"
        "for r in records(50): w.append(r); w.submit()\n"
        "print(w.rows)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert verify_chain(path).ok
    assert verify_chain(path).rows == int(done.stdout)
