"""Bars at which nothing can happen, taken in together: the same figures and the same journal rows as one by one.

While the desk runs, nothing rests at the venue and the policy need not be asked, a bar changes marks, breakers, periods and the
curve, and leaves one row. Whatever could be more than that (a breaker's trip, a suspicion to tell) ends the stretch before its
bar, which is then taken in like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, month_key
from tuiconsole.domain.market import Quality
from tuiconsole.domain.money import INT64_MAX
from tuiconsole.domain.records import BarSeen
from tuiconsole.domain.types import CodeArray, IntArray

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk
    from tuiconsole.engine.market_side import ObservedBlock

_NO_COLUMNS: IntArray = np.zeros(0, dtype=np.int64)
_NO_VERDICTS: CodeArray = np.zeros(0, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class QuietStretch:
    """What consecutive quiet bars left: one journal row each, in order, and the equity after each (money)."""

    rows: list[BarSeen]
    equity: list[int]


def pass_quietly(desk: Desk, seen: ObservedBlock, first: int, until: int, totals: list[int]) -> QuietStretch:
    """Take bars ``[first, until)`` of ``seen`` into ``desk``, or as many as are quiet; the desk must be running.

    Parameters
    ----------
    totals
        Market value of what is held after each of these bars, money.
    """
    screened = seen.screened
    ledger, breakers, periods, curve = desk.ledger, desk.breakers, desk.periods, desk.curve
    cash, realised, fees, level = ledger.cash, ledger.realised, ledger.fees, int(desk.level)
    times, sessions, digests = screened.bars.ts, seen.sessions, seen.digests
    done = QuietStretch([], [])
    month_of, month, changed = -1, 0, -1
    seq = screened.bars.seq
    for index in range(first, until):
        columns, verdicts = _NO_COLUMNS, _NO_VERDICTS
        if screened.flagged[index]:
            columns = np.flatnonzero(screened.quality[index])
            verdicts = screened.quality[index][columns]
            if (verdicts == Quality.SPLIT_LIKE).any():
                break
        session, ts = max(sessions[index], periods.session), times[index]
        equity = cash + totals[index - first]
        if session != month_of:
            month_of, month = session, month_key(session * NANOSECONDS_PER_DAY)
        if not -INT64_MAX <= equity <= INT64_MAX or breakers.update(ts, session, month, equity):
            break
        if session != periods.session:
            changed = index
        periods.update(session, equity)
        curve.add(ts, equity)
        done.equity.append(equity)
        done.rows.append(
            BarSeen(seq + index, ts, digests[index], columns, verdicts, equity, cash, realised, fees, level)
        )
    if done.rows:
        _leave(desk, seen, first + len(done.rows) - 1, totals[len(done.rows) - 1], first, changed)
    return done


def _leave(desk: Desk, seen: ObservedBlock, last: int, total: int, first: int, changed: int) -> None:
    """Leave the desk as bar ``last`` leaves it; its session began at bar ``changed``, or before them all (-1)."""
    ledger = desk.ledger
    ledger.mark(seen.price_scaled[last], seen.bounds_at(last), total)
    before = ledger.profit()._replace(mark=seen.price_scaled[changed - 1]) if changed > first else None
    desk.passed(seen.at(last, False, total), last - first + 1, changed >= 0, before)
    desk.ts = max(desk.ts, seen.screened.bars.ts[last])
