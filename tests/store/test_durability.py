"""Processes that die and disks that fill up while the store is written."""

import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.desk import OPENED, bar_seen, open_store
from tuiconsole.domain.rng import generator
from tuiconsole.store.audit import verify_chain

WRITER = """
import sys
from pathlib import Path
from tests.store.desk import bar_seen, open_store, OPENED
from tuiconsole.store.writer import Writer
writer = Writer(open_store(Path(sys.argv[1])))
if writer.rows == 0:
    writer.append(OPENED)
while True:
    for part in range(3):
        writer.append(bar_seen(writer.rows % 5000))
    writer.checkpoint({"rows": writer.rows}) if writer.rows % 10 == 0 else None
    sys.stdout.write(f"{writer.submit().result()}\\n")
    sys.stdout.flush()
"""


def test_sigkill_in_the_middle_of_writing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path, rng, before = tmp_path / "state.db", generator(3, "kills"), 0
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            acknowledged = [int(child.stdout.readline()) for _ in range(int(rng.integers(5, 120)))]
            child.send_signal(signal.SIGKILL)
            rest = child.stdout.read()
            child.wait(30)
        acknowledged += [int(line) for line in rest.splitlines() if rest.endswith("\n")]
        store = open_store(path)
        assert store.rows >= acknowledged[-1] > before
        before = store.rows
        store.close()
        report = verify_chain(path, projections=True)
        assert report.ok, report.text
        assert report.rows == before


FILLER = """
import resource, sys
from pathlib import Path
from tests.store.desk import bar_seen, open_store, OPENED
from tuiconsole.domain.errors import StoreError
store = open_store(Path(sys.argv[1]))
store.append(OPENED)
store.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
refused = 0
try:
    for seq in range(5000):
        store.append(bar_seen(seq))
        store.commit()
except StoreError as error:
    print(error)
for action in (lambda: store.append(bar_seen(0)), store.commit, lambda: store.checkpoint({})):
    try:
        action()
    except StoreError:
        refused += 1
print(refused, store.durable_rows)
store.close()
"""


def test_a_file_that_may_not_grow_stops_the_store(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    done = subprocess.run(
        [sys.executable, "-c", FILLER, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    sentence, counts = done.stdout.splitlines()
    refused, durable = map(int, counts.split())
    assert "cannot be written: " in sentence
    assert refused == 3
    assert 1 < durable < 5000
    report = verify_chain(path, projections=True)
    assert report.ok
    assert report.rows >= durable
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 300_000


@pytest.mark.parametrize("seed", range(8))
def test_a_torn_log_gives_back_everything_acknowledged(tmp_path: Path, seed: int) -> None:
    """What a power loss may leave: the log up to the last sync, and any part of what was written after it."""
    rng = generator(seed, "torn")
    live = tmp_path / "live"
    live.mkdir()
    store = open_store(live / "state.db")
    store.append(OPENED)
    for seq in range(int(rng.integers(1, 12))):
        store.append(bar_seen(seq))
    store.commit()
    acknowledged = store.rows
    synced = log_size(live)
    for seq in range(20):
        store.append(bar_seen(100 + seq))
    store.commit()
    torn = tmp_path / "torn"
    subprocess.run(
        ["cp", "-r", str(live), str(torn)], check=True
    )  # never opened here while the store is open
    unsynced = log_size(live)
    store.close()
    (torn / "state.db-shm").unlink(missing_ok=True)
    cut = int(rng.integers(synced, unsynced))
    log = (torn / "state.db-wal").read_bytes()
    (torn / "state.db-wal").write_bytes(log[:cut] + rng.bytes(int(rng.integers(0, 5000))))
    again = open_store(torn / "state.db")
    assert again.rows == acknowledged
    again.append(bar_seen(999))
    again.close()
    assert verify_chain(torn / "state.db", projections=True).ok
    shutil.rmtree(torn)


def log_size(directory: Path) -> int:
    return (directory / "state.db-wal").stat().st_size
