"""Symbols outside their membership take no new risk, whichever way the tape is driven."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sma_cross import SmaCross
from tests.engine.rig import market
from tests.engine.test_blocks import LongShort, by_bars, by_blocks, gapped, same, session_on
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.policy import DecisionInputs
from tuiconsole.domain.records import Filled
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.session import Session
from tuiconsole.market.history.opening import stored_tape
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.settings import FeedSettings, HistorySettings
from tuiconsole.market.tape import Tape
from tuiconsole.research.tripwires import survivorship
from tuiconsole.strategy import Strategy

N = 420


def in_and_out(tape: Tape, seed: int) -> Tape:
    """Every symbol belongs for stretches of random length."""
    rng = generator(seed, "membership")
    turns = rng.random(tape.close.shape) < 0.02
    return replace(tape, members=np.cumsum(turns, axis=0) % 2 == 0)


class Everything(Strategy):
    """An equal share of everything, always."""

    def weights(self, bar: DecisionInputs) -> FloatArray:
        """A tenth each."""
        return np.full(len(bar.price), 0.1)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**16),
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=3),
    policy=st.sampled_from((SmaCross, LongShort, Everything)),
    share=st.sampled_from((0.0, 0.1)),
)
def test_blocks_equal_bars_and_no_position_grows_outside(
    seed: int, sizes: list[int], policy: Any, share: float
) -> None:
    tape = in_and_out(gapped(seed, N, 4, share), seed)
    blocks, bars = (session_on(tape, policy(tape.universe)) for _ in range(2))
    by_blocks(blocks[0], sizes)
    by_bars(bars[0])
    same(blocks, bars)
    held = np.zeros(4, dtype=np.int64)
    assert tape.members is not None
    index = {int(ts): i for i, ts in enumerate(tape.ts)}
    for record in bars[1].records:
        if isinstance(record, Filled):
            decided = index[record.ts] - 1
            for column, quantity in zip(record.symbol.tolist(), record.quantity.tolist(), strict=True):
                before, held[column] = int(held[column]), held[column] + quantity
                if not tape.members[decided, column]:
                    assert abs(int(held[column])) < abs(before)
                    assert int(held[column]) * before >= 0


def _final(session: Session) -> list[int]:
    by_bars(session)
    held: list[int] = session.desk.ledger.quantity.tolist()
    return held


@pytest.mark.parametrize("policy", [Everything, None])
def test_a_strategy_and_the_ensemble_leave_with_the_universe(policy: Any) -> None:
    tape = market(N, 3)
    always = _final(session_on(tape, policy and policy(tape.universe))[0])
    gone = int(np.argmax(always))
    members = np.ones(tape.close.shape, dtype=bool)
    members[350:, gone] = False
    left = replace(tape, members=members)
    leaving = _final(session_on(left, policy and policy(tape.universe))[0])
    assert always[gone] > 0
    assert leaving[gone] == 0
    assert any(leaving)


def test_membership_is_part_of_the_tape_and_of_its_slices() -> None:
    tape = gapped(5, N, 4, 0.0)
    everyone = replace(tape, members=np.ones(tape.close.shape, dtype=bool))
    some = in_and_out(tape, 1)
    assert len({tape.digest, everyone.digest, some.digest}) == 3
    part = some.tail(50)
    assert some.members is not None
    assert part.members is not None
    assert np.array_equal(part.members, some.members[-50:])
    assert some.bars(7).members is not None
    assert np.array_equal(np.stack([some.block(5, 9).at(i).members for i in range(4)]), some.members[5:9])
    assert "leave the universe" in survivorship(replace(everyone, members=_leaver(tape))).text


def _leaver(tape: Tape) -> Any:
    members = np.ones(tape.close.shape, dtype=bool)
    members[-100:, 0] = False
    return members


def test_a_list_with_dates_reaches_the_desk_from_its_file(tmp_path: Path) -> None:
    day = NANOSECONDS_PER_DAY
    ts = [(18_262 + i) * day + 21 * 3_600 * 1_000_000_000 for i in range(5)]
    store = HistoryStore(tmp_path / "history")
    rows = {"ts": ts * 2, "symbol": ["AAA"] * 5 + ["BBB"] * 5, "close": [10.0] * 10}
    store.write("1day", pa.table(rows), Provenance("test", adjusted="split"))
    lists = tmp_path / "universes"
    lists.mkdir()
    (lists / "banks.csv").write_text(
        "symbol,sector,from,to\nAAA,Banks,2020-01-02,2020-01-03\nBBB,,,\nGONE,,,\n", encoding="utf-8"
    )
    history = HistorySettings(root=str(store.root), universes=str(lists), macro=False)
    tape = stored_tape(FeedSettings(feed="history", universe="banks"), history)
    assert tape.universe.sectors == ("Banks", "")
    assert tape.members is not None
    assert tape.members.T.astype(int).tolist() == [[0, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert tape.notes == (
        "The list banks says when each symbol belonged; outside, none takes new risk.",
        "1 of 3 symbols of banks have no bars here: GONE.",
    )
    with pytest.raises(Exception, match="no bars of 1day for GONE"):
        stored_tape(FeedSettings(feed="history", universe="AAA,GONE"), history)
    plain = stored_tape(FeedSettings(feed="history", universe="AAA,BBB"), history)
    assert (plain.members, plain.notes) == (None, ())
    assert plain.digest != tape.digest
