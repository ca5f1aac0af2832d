"""The run store: what was saved comes back bit for bit, is never half there, and is refused when it was changed."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.research import rig
from tuiconsole.domain.errors import StoreError, UsageError
from tuiconsole.reports.run import Run
from tuiconsole.research.drafts import STORE_LOCK
from tuiconsole.research.runs import RunStore


def same(left: Run, right: Run) -> None:
    """Equal in every value and every array, bit for bit."""
    tables = {"track": right.track, "fills": right.fills, "executions": right.executions}
    assert replace(left, **tables, benchmark=None) == replace(right, benchmark=None)
    pairs = [(left.track, right.track), (left.fills, right.fills), (left.executions, right.executions)]
    for one, other in pairs:
        for name in one.__slots__:
            a, b = getattr(one, name), getattr(other, name)
            if isinstance(a, dict):
                assert list(a) == list(b)
                a, b = np.stack(list(a.values())), np.stack(list(b.values()))
            assert a.dtype == b.dtype, name
            np.testing.assert_array_equal(a, b, err_msg=name)
    np.testing.assert_array_equal(left.benchmark, right.benchmark)


def left(directory: Path) -> list[str]:
    """Names of everything in a store but its lock."""
    return sorted(path.name for path in directory.iterdir() if path.name != STORE_LOCK)


def test_a_saved_run_comes_back_bit_for_bit(tmp_path: Path) -> None:
    made = rig.run("first", crash_at=rig.core.WARMUP + 60)
    store = RunStore(tmp_path / "runs")
    assert store.list() == ()
    journal = tmp_path / "journal"
    journal.write_bytes(b"rows")
    assert store.save(made, {"sharpe": 1.5, "calmar": None}, journal) == made
    assert len(made.fills) > 0
    assert len(made.stops) > 0
    same(store.load("first"), made)
    (entry,) = store.list()
    assert (entry.name, entry.facts["metrics"]) == ("first", {"sharpe": 1.5, "calmar": None})
    kept = store.journal("first")
    assert kept is not None
    assert kept.read_bytes() == b"rows"
    assert not journal.exists()
    assert left(store.directory) == ["first"]
    store.remove("first")
    assert left(store.directory) == []


def test_names_are_taken_once_and_given_when_missing(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    assert [store.save(rig.run(), {}).name for _ in range(3)] == [
        "backtest-0001",
        "backtest-0002",
        "backtest-0003",
    ]
    store.remove("backtest-0002")
    assert store.save(rig.run(), {}).name == "backtest-0002"
    with pytest.raises(UsageError, match="already a run named backtest-0001"):
        store.save(rig.run("backtest-0001"), {"sharpe": 2.0})
    store.save(rig.run("backtest-0001"), {"sharpe": 3.0}, replaces=True)
    assert store.facts("backtest-0001")["metrics"] == {"sharpe": 3.0}
    for bad in ("", "../up", ".hidden", "a/b", "x" * 65, "a b"):
        with pytest.raises(UsageError, match="cannot name a run"):
            store.load(bad)
    with pytest.raises(UsageError, match="no run named nothing"):
        store.load("nothing")
    with pytest.raises(UsageError, match="no run named nothing"):
        store.remove("nothing")


def test_two_savers_never_share_a_name(tmp_path: Path) -> None:
    store, made, names = RunStore(tmp_path), rig.run(), []

    def save() -> None:
        names.extend(store.save(made, {}).name for _ in range(5))

    threads = [threading.Thread(target=save) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == [f"backtest-{i:04d}" for i in range(1, 21)]
    assert left(tmp_path) == sorted(names)


def test_an_interrupted_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore(tmp_path)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(RunStore, "_publish", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(rig.run("mine"), {})
    assert left(tmp_path) == []


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "runs"
    blocked.write_text("a file")
    with pytest.raises(StoreError, match="cannot be stored"):
        RunStore(blocked).save(rig.run("mine"), {})


@pytest.mark.parametrize("file", ["track.parquet", "fills.parquet"])
def test_a_changed_table_is_refused(tmp_path: Path, file: str) -> None:
    store = RunStore(tmp_path)
    store.save(rig.run("mine"), {})
    path = tmp_path / "mine" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match=f"{file} was changed"):
        store.load("mine")
    path.unlink()
    with pytest.raises(StoreError, match="mine cannot be read"):
        store.load("mine")


def test_another_version_and_a_torn_file_are_refused(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.save(rig.run("mine"), {})
    path = tmp_path / "mine" / "run.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"schema": 99}))
    with pytest.raises(StoreError, match="version 99"):
        store.load("mine")
    path.write_text(path.read_text()[:100])
    with pytest.raises(StoreError, match="cannot be read"):
        store.load("mine")


def test_one_run_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    store.save(rig.run("good"), {})
    store.save(rig.run("torn"), {})
    (tmp_path / "torn" / "run.json").write_text("{", encoding="utf-8")
    assert [entry.name for entry in store.list()] == ["good"]
    [sentence] = store.unreadable()
    assert "torn" in sentence
    assert "cannot be read" in sentence
