"""What the footer offers, by level, lease and line."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tuiconsole.protocol.snapshot import Snapshot
from tuiconsole.ui.actions import ACTIONS
from tuiconsole.ui.offers import offers

from .frozen import frozen


def at(**changes: Any) -> Snapshot:
    base = frozen()
    return msgspec.structs.replace(base, header=msgspec.structs.replace(base.header, **changes))


def names(snapshot: Snapshot | None, *, connected: bool = True, may_write: bool = True) -> dict[str, bool]:
    found = offers(snapshot, connected=connected, may_write=may_write)
    assert found[0] == (ACTIONS[0], False)
    return {action.id: urgent for action, urgent in found}


@pytest.mark.parametrize(
    ("level", "there", "missing", "urgent"),
    [
        ("running", "pause", {"resume", "rearm"}, None),
        ("paused", "resume", {"pause", "rearm"}, "resume"),
        ("halted", "rearm", {"pause", "resume"}, "rearm"),
        ("killed", "rearm", {"pause", "resume"}, "rearm"),
    ],
)
def test_each_level_has_its_way_on(level: str, there: str, missing: set[str], urgent: str | None) -> None:
    found = names(at(level=level))
    assert there in found
    assert not missing & set(found)
    assert [name for name, is_urgent in found.items() if is_urgent] == ([urgent] if urgent else [])
    if urgent:
        assert list(found)[:2] == ["stop", urgent]


def test_a_reader_is_offered_nothing_that_writes() -> None:
    found = names(at(level="halted"), may_write=False)
    assert not set(found) & {action.id for action in ACTIONS if action.writes}
    assert {"stop", "help", "why", "quit"} <= set(found)


def test_without_an_engine_stopping_and_looking_are_left() -> None:
    found = names(frozen(), connected=False, may_write=False)
    assert {"stop", "help", "quit", "alerts"} <= set(found)
    assert not set(found) & {"pause", "why", "resume", "rearm", "acknowledge", "faster"}
    assert {"stop", "help", "quit"} <= set(names(None))
    assert not set(names(None)) & {"resume", "rearm", "why"}


def test_speed_can_be_changed_while_the_tape_runs() -> None:
    assert {"faster", "slower"} <= set(names(frozen()))
    assert not {"faster", "slower"} & set(names(at(tape_ended=True)))
    assert not {"faster", "slower"} & set(names(at(mode="paper")))
    assert "faster" not in names(at(speed=0.0))
    calm = msgspec.structs.replace(frozen(), alerts_open=0)
    assert "acknowledge" not in names(calm)
