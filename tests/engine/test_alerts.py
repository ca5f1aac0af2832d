"""Alerts are numbered, bounded, and stay until acknowledged."""

from __future__ import annotations

from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.effects import Severity
from tuiconsole.engine.alerts import KEPT, AlertLog


def test_numbers_count_from_one_and_acknowledging_is_monotone() -> None:
    log = AlertLog()
    assert [log.raise_(5, Severity.INFO, "a", str(i)).number for i in range(3)] == [1, 2, 3]
    assert log.open_count == 3
    assert log.acknowledge(2) == 2
    assert log.acknowledge(1) == 0
    assert log.open_count == 1
    assert log.acknowledge(99) == 1
    assert log.open_count == 0


def test_view_is_bounded_and_newest_first() -> None:
    log = AlertLog()
    for i in range(KEPT + 50):
        log.raise_(i, Severity.WARNING, "c", str(i))
    assert [a.number for a in log.newest(3)] == [KEPT + 50, KEPT + 49, KEPT + 48]
    assert len(log.newest(10_000)) == KEPT
    assert log.newest(0) == ()


def test_state_round_trip() -> None:
    log, again = AlertLog(), AlertLog()
    log.raise_(1, Severity.CRITICAL, "halt", "text")
    log.acknowledge(1)
    log.raise_(2, Severity.INFO, "end", "text")
    again.restore(decode_state(encode_state(log.state())))
    assert again.newest(9) == log.newest(9)
    assert again.open_count == 1
    assert again.raise_(3, Severity.INFO, "x", "y").number == 3
