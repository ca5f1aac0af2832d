"""SIGKILL at any moment loses nothing: the restarted engine ends where an undisturbed one ends."""

from __future__ import annotations

import pytest

from tests.reliability.kills import kill_again_and_again
from tests.system import rig
from tests.system.rig import SystemDesk

pytestmark = pytest.mark.system

KILLS = 10


def test_sigkill_at_every_named_moment(desk: SystemDesk, whole: rig.Whole) -> None:
    """At each of the moments, in a write of SQLite and from outside; the full size is 500 kills."""
    found = kill_again_and_again(desk, whole, 11, KILLS)
    assert found.wrong == []
    assert (found.kills, found.orders) == (KILLS, len(whole.orders))
    assert len(set(found.moments)) == KILLS - 1
    assert found.by_itself >= KILLS - 4, "few came to the end of the tape before their moment"


def test_sigkill_while_starting(desk: SystemDesk, whole: rig.Whole) -> None:
    """A start that dies half way leaves nothing that keeps the next one from trading."""
    for event in ("started", "ready"):
        engine = desk.engine(0, ready=False)
        engine.wait_event(event)
        engine.kill()
    engine = desk.engine(0)
    engine.wait_event("end of tape")
    assert engine.terminate()["head"] == whole.head
