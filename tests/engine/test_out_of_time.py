"""A bar out of its time opens no session: it neither forgets the session's loss nor ends a pause."""

from __future__ import annotations

import numpy as np
from msgspec import structs

from tests.engine import rig
from tuiconsole.domain.market import Quality


def test_a_bar_that_runs_backwards_keeps_the_session() -> None:
    session, _ = rig.in_memory(rig.planned(rig.market()))
    for _ in range(30):
        for _ in session.bar():
            pass
    desk = session.desk
    before = (desk.breakers.session_start, desk.periods.session, desk.periods.session_start)
    assert desk.ledger.quantity.any()
    now = session.tape.bars(session.cursor - 1)
    screened = session.defence.screen(structs.replace(now, ts=now.ts - 1, session=now.session - 1))
    assert (screened.quality == Quality.TIME_REVERSED).all()
    desk.handle(screened)
    assert (desk.breakers.session_start, desk.periods.session, desk.periods.session_start) == before
    assert not np.any(desk.tradable)
