"""The whole desk on a simulated market: it trades, repeats itself, and pays borrow when it may go short."""

from dataclasses import replace
from pathlib import Path

import pytest

from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.records import Charged, Filled
from tuiconsole.engine.build import load_tape
from tuiconsole.engine.settings import Settings
from tuiconsole.market.settings import FeedSettings, SimulationSettings
from tuiconsole.portfolio.settings import SizingSettings
from tuiconsole.research.backtests import backtest
from tuiconsole.store.batch_journal import read_batch_journal

MARKET = Settings(
    feed=FeedSettings(feed="simulated", start="2006-01-02"),
    simulation=SimulationSettings(symbols=8, bars=760, sectors=4),
)


def run(settings, journal=None):
    return backtest(settings, load_tape(settings), WallClock(), journal=journal).result


def test_the_same_seed_is_the_same_backtest():
    one, again = run(MARKET), run(MARKET)
    assert one.orders > 20
    assert (one.journal_head, one.final_equity) == (again.journal_head, again.final_equity)
    other = run(replace(MARKET, simulation=replace(MARKET.simulation, seed=8)))
    assert other.order_hash != one.order_hash


def test_shorts_pay_borrow_into_the_ledger(tmp_path: Path):
    short = replace(MARKET, sizing=SizingSettings(allow_short=True))
    short = replace(short, execution=replace(short.execution, borrow_annual_bps=1000.0))
    dear = run(short, tmp_path / "journal")
    free = run(replace(short, execution=replace(short.execution, borrow_annual_bps=0.0)))
    records = list(read_batch_journal(tmp_path / "journal"))
    charged = sum(int(record.amount.sum()) for record in records if isinstance(record, Charged))
    assert charged > 0
    assert {record.days for record in records if isinstance(record, Charged)} >= {1, 3}, "weekends count"
    told = sum(int(r.costs[CostPart.BORROW].sum()) for r in records if isinstance(r, Filled))
    assert 0 < told <= charged, "covers tell what they were charged; open shorts have not told yet"
    assert dear.final_equity != free.final_equity
    assert dear.final_equity == pytest.approx(free.final_equity - charged / MONEY_SCALE, rel=0.02)
