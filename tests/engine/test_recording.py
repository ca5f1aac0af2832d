"""The track of a backtest holds what the desk held, bar by bar, and every fill as it was journalled."""

from __future__ import annotations

import numpy as np

from tests.engine import rig
from tuiconsole.analytics.track import REGIME_LABELS
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.money import MONEY_SCALE, to_float
from tuiconsole.engine.backtest import run_backtest
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.recording import BLOCK_BARS, regime_codes
from tuiconsole.store.batch_journal import BatchJournal


def test_the_track_is_what_the_desk_held_at_every_bar() -> None:
    bars = BLOCK_BARS + 25
    tape = rig.market(rig.WARMUP + bars, crash_at=rig.WARMUP + 150)
    chosen = plan(rig.settings(tape), tape, "backtest")
    sink = rig.OrderHash(BatchJournal(None))
    found = run_backtest(make_session(chosen, sink), sink, EventClock(), cool_down_bars=20)
    track = found.track

    session, kept = rig.in_memory(chosen)
    desk = session.desk
    naive = []
    levels = 0
    while not session.ended:
        for _ in session.bar():
            pass
        if desk.level == DeskLevel.HALTED and desk.bars_at_level >= 20:
            break
        value = desk.ledger.market_value.tolist()
        label = desk.regimes.label()
        naive.append(
            (
                desk.ts,
                to_float(desk.ledger.equity),
                to_float(desk.ledger.cash),
                sum(abs(v) for v in value) / MONEY_SCALE,
                sum(value) / MONEY_SCALE,
                sum(v != 0 for v in value),
                int(desk.level),
                REGIME_LABELS.index(label) if label in REGIME_LABELS else -1,
            )
        )
        levels |= desk.level
    n = len(naive)
    assert n > 150
    assert levels == DeskLevel.HALTED
    columns = (
        track.ts,
        track.equity,
        track.cash,
        track.gross,
        track.net,
        track.holdings,
        track.level,
        track.regime,
    )
    for column, expected in zip(columns, zip(*naive, strict=True), strict=True):
        np.testing.assert_allclose(column[:n], expected, rtol=1e-14)
    assert len(track) == found.bars == bars
    np.testing.assert_allclose(track.cash + track.net, track.equity, rtol=1e-12)
    assert sum(len(record.number) for record in found.filled) == found.fills
    assert (
        sum(record.level == DeskLevel.HALTED for record in found.levels) == found.halts == found.rearmed > 0
    )
    assert kept.rows


def test_a_regime_that_is_not_known_is_minus_one() -> None:
    rows = np.array([[1 / 3, 1 / 3, 1 / 3, 0.9, 0.1], [0.2, 0.5, 0.3, 0.4, 0.6], [0.1, 0.2, 0.7, 0.6, 0.4]])
    assert regime_codes(rows).tolist() == [-1, 3, 4]
    assert [REGIME_LABELS[3], REGIME_LABELS[4]] == ["medium volatility, range", "high volatility, trend"]
