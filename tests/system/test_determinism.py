"""The same inputs give the same bytes, whoever runs them: other hash seeds, other folders, other shells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system import rig
from tests.system.rig import SystemDesk
from tuiconsole.domain.codec import decode_record
from tuiconsole.domain.records import Opened
from tuiconsole.engine.backtest import OrderHash
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.readers import journal_rows

pytestmark = pytest.mark.system


def backtest(desk: SystemDesk, folder: Path, hash_seed: str) -> dict[str, object]:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tuiconsole", "backtest", "--json", "--config", str(desk.config)],
        capture_output=True,
        text=True,
        env=desk.environment | {"PYTHONHASHSEED": hash_seed},
        cwd=folder,
        timeout=rig.TIMEOUT_S,
        check=True,
    )
    assert list(folder.iterdir()) == [], "a backtest leaves no file behind"
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_two_backtests_are_equal_byte_for_byte(desk: SystemDesk, tmp_path: Path) -> None:
    one = backtest(desk, tmp_path / "one", "1")
    two = backtest(desk, tmp_path / "two", "4242")
    measured = ("seconds", "symbol_bars_per_s", "run")
    assert {k: v for k, v in one.items() if k not in measured} == {
        k: v for k, v in two.items() if k not in measured
    }
    assert int(one["orders"]) > 50  # type: ignore[call-overload]


def test_replay_and_backtest_give_the_same_orders(desk: SystemDesk, whole: rig.Whole, tmp_path: Path) -> None:
    """The live engine at full speed and the backtest differ in their first row, which names the mode, alone."""
    tested = backtest(desk, tmp_path / "one", "7")
    engine = desk.engine(0)
    engine.wait_event("end of tape")
    assert engine.terminate()["head"] == whole.head
    records = [decode_record(payload) for _, payload in journal_rows(desk.state)]
    counted = OrderHash(BatchJournal(None))
    for record in records:
        counted.append(record)
    counted.close()
    assert counted.orders == tested["orders"] == len(whole.orders)
    assert counted.hexdigest() == tested["order_hash"]
    assert whole.equity == tested["final_equity"]
    first = records[0]
    assert isinstance(first, Opened)
    assert first.mode == "replay"
    assert tested["journal_head"] != whole.head
