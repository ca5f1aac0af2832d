"""The parents of one desk by themselves: opened, amended, ended, sliced; the counter is the gate's own."""

import numpy as np
import pytest

from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.parents import ParentEvent
from tuiconsole.execution.algos.volume_profile import VolumeProfile
from tuiconsole.execution.algos.working import Working
from tuiconsole.execution.settings import ExecutionSettings
from tuiconsole.risk.children import Children

N = 3
MINUTE = 60_000_000_000
EVERYWHERE = np.ones(N, dtype=bool)
NOTHING = np.zeros(N, dtype=np.int64)
PRICE = np.full(N, 50_000_000, dtype=np.int64)


class Rig:
    def __init__(self, **settings):
        self.children = Children()
        chosen = ExecutionSettings(**{"algo": "twap", "algo_horizon_bars": 4, **settings})
        self.working = Working(Universe.of(["A", "B", "C"]), chosen, self.children)
        self.bar, self.order = -1, 0
        self.price = PRICE.copy()

    def next(self, volume=None, session=0):
        self.bar += 1
        shown = None if volume is None else np.full(N, float(volume))
        good = np.zeros(N, dtype=np.int8)
        self.working.learn(self.bar, self.bar * MINUTE, session, self.price / 1e6, shown, good)

    def want(self, *orders):
        symbol, quantity = (np.array(column, dtype=np.int64) for column in zip(*orders, strict=True))
        n = len(symbol)
        batch = OrderBatch(
            9,
            0,
            np.zeros(n, dtype=np.int64),
            symbol,
            quantity,
            self.price[symbol],
            np.full(n, Purpose.POLICY, dtype=np.int8),
        )
        acting = np.zeros(N, dtype=bool)
        acting[symbol] = True
        keep = np.flatnonzero(quantity)
        return self.working.revise(batch.take(keep), acting)

    def slice(self, fill=True):
        """This bar's children, taken and filled whole; signed quantity by column."""
        due = self.working.slices(1, EVERYWHERE, NOTHING, self.price)
        for parent, quantity in zip(due.parents, due.batch.quantity.tolist(), strict=True):
            self.order += 1
            number = np.array([self.order])
            self.children.sent(number, np.array([parent.number]), np.array([quantity]))
            state = np.array([3 if fill else 5], dtype=np.int8)
            self.children.followed(number, state, np.array([quantity if fill else 0]))
        return dict(zip(due.batch.symbol.tolist(), due.batch.quantity.tolist(), strict=True))


def test_a_parent_is_sliced_to_its_whole_and_then_done():
    rig = Rig()
    rig.next()
    (opened,) = rig.want((1, 103))
    assert (opened.event, opened.parent.quantity, opened.parent.bars) == (ParentEvent.OPENED, 103, 4)
    found = [rig.slice().get(1, 0)]
    for _ in range(3):
        rig.next()
        found.append(rig.slice().get(1, 0))
    assert found == [26, 26, 26, 25]
    assert [change.event for change in rig.working.ended()] == [ParentEvent.DONE]
    assert len(rig.working) == len(rig.children) == 0


def test_what_did_not_fill_is_caught_up_by_the_next_slice():
    rig = Rig()
    rig.next()
    rig.want((0, -100))
    assert rig.slice(fill=False) == {0: -25}
    rig.next()
    assert rig.slice() == {0: -50}


def test_more_of_the_same_amends_and_weighs_the_decisions_prices():
    rig = Rig()
    rig.next()
    rig.want((0, 100))
    rig.slice()
    rig.next()
    rig.price[0] = 60_000_000
    (changed,) = rig.want((0, 175))
    assert (changed.event, changed.parent.quantity, changed.taken) == (ParentEvent.AMENDED, 200, 25)
    assert changed.parent.reference_price == 55_000_000
    assert rig.working.unsent().tolist() == [175, 0, 0]
    assert rig.want((0, 175)) == [], "nothing changed"
    (less,) = rig.want((0, 25))
    assert (less.parent.quantity, less.parent.reference_price) == (50, 55_000_000)


def test_nothing_further_or_the_other_side_ends_it():
    rig = Rig()
    rig.next()
    rig.want((0, 100), (1, 100))
    rig.slice()
    done = rig.want((0, 0))
    assert [(change.event, change.parent.symbol) for change in done] == [(ParentEvent.DONE, 0)]
    turned = rig.want((1, -40))
    assert [change.event for change in turned] == [ParentEvent.DONE, ParentEvent.OPENED]
    assert rig.working.unsent().tolist() == [0, -40, 0]


def test_what_is_left_when_its_time_is_over_is_given_up():
    rig = Rig(algo="pov", algo_participation=0.01)
    rig.next(volume=1_000)
    rig.want((0, 500))
    sent = [rig.slice().get(0, 0)]
    for _ in range(3):
        rig.next(volume=1_000)
        assert rig.working.ended() == []
        sent.append(rig.slice().get(0, 0))
    assert sent == [10, 10, 10, 10], "one in a hundred of the volume"
    rig.next(volume=1_000)
    (over,) = rig.working.ended()
    assert (over.event, over.taken) == (ParentEvent.EXPIRED, 40)


def test_a_horizon_in_minutes_counts_the_tapes_own_bars():
    rig = Rig(algo_horizon_minutes=10.0)
    for _ in range(3):
        rig.next()
    (opened,) = rig.want((0, 100))
    assert opened.parent.bars == 10


def test_vwap_follows_the_profile_of_sessions_that_are_over():
    rig = Rig(algo="vwap")
    for session in range(3):
        for volume in (600, 200, 200):
            rig.next(volume, session)
    rig.next(600, 3)
    rig.want((0, 100))  # the coming bars: 200, 200, and the 600 and 200 of the next session
    found = [rig.slice().get(0, 0)]
    for volume, session in ((200, 3), (200, 3), (600, 4)):
        rig.next(volume, session)
        found.append(rig.slice().get(0, 0))
    assert found == [17, 17, 50, 16]


def test_the_profile_never_knows_the_bar_that_comes():
    profile = VolumeProfile(1)
    for session in range(4):
        for volume in (10.0, 30.0):
            profile.update(session, np.array([volume]))
    before = profile.ahead(0, 2).tolist()
    assert before == [10.0, 30.0]
    profile.update(4, np.array([1e9]))
    assert profile.ahead(0, 1).tolist() == [30.0]
    assert profile.ahead(0, 3)[1] > 1e6, "once it is over it counts"


@pytest.mark.parametrize("missing", [np.array([np.nan]), None])
def test_a_profile_without_volume_knows_nothing(missing):
    profile = VolumeProfile(1)
    for session in range(3):
        profile.update(session, missing)
    assert np.isnan(profile.ahead(0, 2)).all()


def test_stopping_ends_all_or_those_named():
    rig = Rig()
    rig.next()
    rig.want((0, 10), (1, -10), (2, 10))
    assert rig.working.adding_risk(np.array([5, 5, -5])) == [0]
    assert [change.parent.symbol for change in rig.working.stop([1])] == [1]
    assert {change.event for change in rig.working.stop()} == {ParentEvent.STOPPED}
    assert len(rig.working) == 0
