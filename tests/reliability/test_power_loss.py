"""What was acknowledged outlives a power loss at any write, sync or renaming; and the simulation can fail."""

from __future__ import annotations

import pytest

from tests.engine import rig
from tests.reliability import sqlite_shim
from tests.reliability.desk_losses import lose_power_while_latching, trade
from tests.reliability.power_loss import lose_power
from tuiconsole.store import connection, opening, signed_head

pytestmark = pytest.mark.skipif(
    sqlite_shim.library() is None, reason="the functions of this Python's SQLite cannot be reached"
)
SEEDS = 50


def test_no_acknowledged_row_is_lost() -> None:
    found = [lose_power(seed) for seed in range(SEEDS)]
    assert [wrong for each in found for wrong in each.wrong] == []
    assert sum(each.acknowledged_lost for each in found) == 0
    assert sum(each.losses for each in found) > SEEDS


@pytest.mark.parametrize("mode", ["OFF", "NORMAL"])
def test_a_store_that_does_not_wait_for_the_disk_is_convicted(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both survive every SIGKILL: only lost power tells."""
    weak = tuple(pragma.replace("FULL", mode) for pragma in connection._WRITER_PRAGMAS)
    assert weak != connection._WRITER_PRAGMAS
    monkeypatch.setattr(connection, "_WRITER_PRAGMAS", weak)
    assert sum(lose_power(seed).acknowledged_lost for seed in range(6)) > 0


def test_a_key_whose_name_was_not_synced_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (opening, signed_head):
        monkeypatch.setattr(module, "sync_directory", lambda directory: None)
    wrong = [text for seed in range(20) for text in lose_power(seed).wrong]
    assert any("key" in text for text in wrong)


def test_a_desk_trades_on_as_if_the_power_had_stayed() -> None:
    chosen = rig.planned(rig.market())
    undisturbed = trade(chosen, None)
    assert len(undisturbed.orders) > 20
    losses = 0
    for seed in range(1, 9):
        found = trade(chosen, seed)
        assert found.wrong == []
        assert (found.head, found.orders) == (undisturbed.head, undisturbed.orders), seed
        losses += found.losses
    assert losses >= 6


def test_a_latch_is_never_lowered_by_a_power_loss() -> None:
    assert [wrong for seed in range(300) for wrong in lose_power_while_latching(seed)] == []
