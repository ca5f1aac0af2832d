"""The market side worked out ahead in blocks: the same journal, byte for byte, as bar by bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sma_cross import SmaCross
from tests.engine.rig import Kept, market
from tests.engine.rig import settings as desk_settings
from tuiconsole.domain.codec import encode_state
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.market import ScreenedBlock
from tuiconsole.domain.orders import OrderState
from tuiconsole.domain.policy import Decision, DecisionInputs, Policy, PolicyState
from tuiconsole.domain.records import Charged, Commanded, Decided, Filled, LevelChanged
from tuiconsole.domain.rng import generator
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.session import Session, Steps
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal

WARMUP = 120


def gapped(seed: int, n_bars: int, n_symbols: int, share: float, crash_at: int | None = None) -> Tape:
    """A market with missing prices, a late symbol and bad ticks."""
    tape = market(n_bars, seed, crash_at, n_symbols)
    rng = generator(seed, "gaps")
    close = np.where(rng.random(tape.close.shape) < share, np.nan, tape.close)
    close[: n_bars // 3, 0] = np.nan
    close[n_bars // 2, -1] *= 1.0 if share == 0.0 else 1.4
    return replace(tape, close=close)


class LongShort(SmaCross):
    """Long above the slow average and short below it; so it pays borrow, and closes before it turns."""

    def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        """Turn where the averages cross."""
        decision, after = super().decide(inputs, state)
        size = np.where(after["long"], 40, -40).astype(np.int64)
        return Decision(size, decision.acting, decision.sheet, decision.scalars), after


def session_on(tape: Tape, policy: Policy | None, volume: float = 5e6) -> tuple[Session, Kept]:
    """A session that keeps its records; trading starts after the warm-up. A small ``volume`` makes part fills."""
    base = desk_settings(tape, WARMUP)
    base = replace(base, execution=replace(base.execution, displayed_volume=volume))
    chosen = replace(plan(base, tape, "backtest", policy), start=WARMUP, warmup=0)
    sink = Kept([], BatchJournal(None))
    session = make_session(chosen, sink)
    session.open(chosen.opened)
    return session, sink


def use_machine_code(session: Session) -> None:
    """Have blocks worked out by kernels where there are some."""
    session.defence.use_machine_code()
    session.desk.market.use_machine_code()


def carry_out(session: Session, steps: Steps, cool_down_bars: int) -> None:
    """One bar, and the declared re-arming when it is due."""
    for _ in steps:
        pass
    desk = session.desk
    if desk.level == DeskLevel.HALTED and desk.bars_at_level >= cool_down_bars:
        for kind in (CommandKind.REARM, CommandKind.RESUME):
            name = f"test-{session.cursor}-{kind.name}"
            for _ in session.command(Command(desk.ts, kind, name, reason="cool-down", source="cool-down")):
                pass


def by_bars(session: Session, cool_down_bars: int = 5) -> None:
    """The whole tape, bar by bar."""
    while not session.ended:
        carry_out(session, session.bar(), cool_down_bars)


def by_blocks(session: Session, sizes: list[int], cool_down_bars: int = 5) -> None:
    """The whole tape in blocks of at most ``sizes`` in turn."""
    turn = 0
    while not session.ended:
        end = min(len(session.tape), session.cursor + sizes[turn % len(sizes)])
        for steps in session.bars_ahead(end):
            carry_out(session, steps, cool_down_bars)
        turn += 1


def same(blocks: tuple[Session, Kept], bars: tuple[Session, Kept]) -> None:
    """The same journal and the same state."""
    assert blocks[1].rows == bars[1].rows
    assert blocks[1].head == bars[1].head
    assert encode_state(blocks[0].state()) == encode_state(bars[0].state())


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**16),
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=3),
    n_symbols=st.sampled_from((1, 2, 7)),
    share=st.sampled_from((0.0, 0.03, 0.3)),
    crash=st.booleans(),
    policy=st.sampled_from((SmaCross, LongShort)),
    volume=st.sampled_from((5e6, 300.0)),
    kernels=st.booleans(),
)
def test_a_strategy_in_blocks_equals_itself_bar_by_bar(
    seed: int,
    sizes: list[int],
    n_symbols: int,
    share: float,
    crash: bool,
    policy: type[SmaCross],
    volume: float,
    kernels: bool,
) -> None:
    """Quiet stretches, part fills, borrow, gaps, halts and re-arms: the same rows and the same state, kernels or not."""
    tape = gapped(seed, 420, n_symbols, share, 200 if crash else None)
    blocks, bars = (session_on(tape, policy(tape.universe), volume) for _ in range(2))
    if kernels:
        use_machine_code(blocks[0])
    by_blocks(blocks[0], sizes)
    by_bars(bars[0])
    same(blocks, bars)
    assert bars[1].rows > 300


def test_what_the_runs_above_go_through() -> None:
    """Part fills, borrow and halts do happen in them, and most bars pass the venue by."""
    tape = gapped(4, 420, 2, 0.0, 200)
    session, sink = session_on(tape, LongShort(tape.universe), 300.0)
    passed: list[int] = []
    pass_by = session.venue.pass_by

    def noted(block: ScreenedBlock, first: int, end: int) -> None:
        passed.append(end - first)
        pass_by(block, first, end)

    session.venue.pass_by = noted  # type: ignore[method-assign]
    by_blocks(session, [200])
    kinds = {type(record) for record in sink.records}
    assert {Filled, Charged} <= kinds
    states = [s for record in sink.records if isinstance(record, Filled) for s in record.state.tolist()]
    assert OrderState.PARTIALLY_FILLED in states
    assert sum(passed) > 100
    halted, found = session_on(gapped(4, 420, 7, 0.0, 330), SmaCross(gapped(4, 420, 7, 0.0, 330).universe))
    by_blocks(halted, [200])
    assert {LevelChanged, Commanded} <= {type(record) for record in found.records}


def test_a_policy_is_asked_where_it_said_and_nowhere_else() -> None:
    tape = gapped(8, 420, 3, 0.0)
    asked: list[int] = []

    class Noted(SmaCross):
        def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
            asked.append(inputs.seq)
            return super().decide(inputs, state)

    blocks, bars = (session_on(tape, Noted(tape.universe)) for _ in range(2))
    by_blocks(blocks[0], [50])
    woken = asked.copy()
    asked.clear()
    by_bars(bars[0])
    assert asked == list(range(len(tape)))
    assert 5 < len(woken) < 60
    same(blocks, bars)
    decided = [record for record in bars[1].records if isinstance(record, Decided)]
    assert all(len(record.columns) for record in decided), "a decision without orders is not journalled"
    assert {record.bar_seq for record in decided} <= set(woken)


@pytest.mark.parametrize(("share", "kernels"), [(0.0, False), (0.03, True)])
def test_the_ensemble_in_blocks_equals_itself_bar_by_bar(share: float, kernels: bool) -> None:
    tape = gapped(5, 460, 6, share, 300)
    blocks, bars = (session_on(tape, None) for _ in range(2))
    if kernels:
        use_machine_code(blocks[0])
    by_blocks(blocks[0], [64])
    by_bars(bars[0])
    same(blocks, bars)
    assert blocks[0].desk.orders.fills_total > 0
