"""Decisions worked over several bars: sums, restarts, stops, and the same journal in every way of driving the desk."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sma_cross import SmaCross
from tests.engine import rig
from tests.engine.test_blocks import by_bars, by_blocks, gapped
from tests.engine.test_recovery import Crash, FaultAt
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, EventClock
from tuiconsole.domain.codec import decode_state, encode_record, encode_state
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.order_terms import OrderType
from tuiconsole.domain.orders import TERMINAL_STATES, OrderEvent
from tuiconsole.domain.parents import ParentEvent
from tuiconsole.domain.records import (
    BarSeen,
    Decided,
    Filled,
    LevelChanged,
    Parented,
    Rewarded,
    Sliced,
    Styled,
    Termed,
    Updated,
)
from tuiconsole.engine.backtest import OrderHash, run_backtest
from tuiconsole.engine.build import Plan, make_session, plan
from tuiconsole.engine.order_rows import OrderRowKeeper
from tuiconsole.engine.parents import parents_now
from tuiconsole.engine.session import FAULT_POINTS, Session
from tuiconsole.execution.order_choice import Style
from tuiconsole.market.tape import Tape
from tuiconsole.research.order_choices import always, choice_log, sentences
from tuiconsole.store.audit import verify_chain
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.verbs.engine import status_text

ALGOS = ("twap", "vwap", "pov", "is")


def traded(tape: Tape, seed: int) -> Tape:
    """The tape with volumes: one number in a hundred missing."""
    rng = np.random.default_rng(seed)
    volume = rng.lognormal(9.0, 1.0, tape.close.shape).round()
    volume[rng.random(volume.shape) < 0.01] = np.nan
    return replace(tape, volume=volume)


def planned(tape: Tape, algo: str, warmup: int = rig.WARMUP, **more: object) -> Plan:
    base = rig.settings(tape, warmup)
    execution = replace(base.execution, algo=algo, **more)  # type: ignore[arg-type]
    return plan(replace(base, execution=execution), tape, "replay")


def started(chosen: Plan) -> tuple[Session, rig.Kept]:
    sink = rig.Kept([], BatchJournal(None))
    session = make_session(chosen, sink)
    session.warm_up()
    session.open(chosen.opened)
    return session, sink


def never_exceeded(session: Session, sink: rig.Kept) -> int:
    """Check every parent of the journal against its children; how many parents there were."""
    most: dict[int, int] = {}
    children: defaultdict[int, list[int]] = defaultdict(list)
    quantity: dict[int, int] = {}
    filled: defaultdict[int, int] = defaultdict(int)
    for record in sink.records:
        if isinstance(record, Parented):
            for number, size in zip(record.number.tolist(), record.quantity.tolist(), strict=True):
                most[number] = max(most.get(number, 0), abs(size))
        elif isinstance(record, Sliced):
            for number, parent in zip(record.number.tolist(), record.parent.tolist(), strict=True):
                if number:
                    children[parent].append(number)
        elif isinstance(record, Decided):
            quantity.update(zip(record.number.tolist(), record.quantity.tolist(), strict=True))
        elif isinstance(record, Filled):
            for number, size in zip(record.number.tolist(), record.quantity.tolist(), strict=True):
                filled[number] += size
        for parent, numbers in children.items():
            assert sum(abs(filled[n]) for n in numbers) <= most[parent]
    live = {o.number for o in session.desk.orders.recent(0, 10_000) if o.state not in TERMINAL_STATES}
    for parent, numbers in children.items():
        taken = sum(abs(quantity[n]) if n in live else abs(filled[n]) for n in numbers)
        assert taken <= most[parent]
    return len(most)


@settings(max_examples=16, deadline=None, derandomize=True)
@given(
    algo=st.sampled_from(ALGOS),
    seed=st.integers(0, 1000),
    bars=st.integers(1, 9),
    volume=st.sampled_from([None, 3_000.0, 300.0]),
    crash=st.booleans(),
    choose=st.booleans(),
)
def test_children_never_exceed_their_parent(
    algo: str, seed: int, bars: int, volume: float | None, crash: bool, choose: bool
) -> None:
    """Amended at many bars, part-filled where the market is thin, stopped by breakers in a fall."""
    tape = gapped(seed, 260, 4, 0.02, 200 if crash else None)
    chosen = planned(
        traded(tape, seed) if volume is None else tape,
        algo,
        120,
        choose_orders=choose,
        algo_horizon_bars=bars,
        displayed_volume=volume or 5e6,
    )
    session, sink = started(chosen)
    by_bars(session)
    assert never_exceeded(session, sink) > 0


@pytest.mark.parametrize(("algo", "choose"), [*((algo, False) for algo in ALGOS), ("is", True)])
def test_blocks_and_bars_leave_the_same_journal(algo: str, choose: bool) -> None:
    tape = traded(gapped(5, 420, 6, 0.02, 330), 5)
    chosen = planned(tape, algo, 200, choose_orders=choose)
    (first, kept), (second, other) = started(chosen), started(chosen)
    by_bars(first)
    by_blocks(second, [64, 7])
    assert kept.head == other.head
    assert encode_state(first.state()) == encode_state(second.state())
    assert first.desk.orders.fills_total > 40


@pytest.mark.parametrize("name", FAULT_POINTS)
@pytest.mark.parametrize("nth", [3, 31])
def test_a_crash_at_every_named_moment_loses_no_parent(
    name: str, nth: int, whole: tuple[Plan, bytes, bytes], tmp_path: Path
) -> None:
    chosen, head, state = whole
    path = tmp_path / "state.db"
    store = None
    try:
        session, store = rig.on_disk(chosen, path, FaultAt(name, nth))
        rig.drive(session, store, BARS, 7)
    except Crash:
        pass
    finally:
        if store is not None:
            store._connection.close()  # what was not committed is gone, as in a crash
    session, store = rig.on_disk(chosen, path)
    rig.drive(session, store, BARS, 7)
    assert store.head == head
    assert encode_state(session.state()) == state
    store.close()
    assert verify_chain(path).ok


BARS = rig.WARMUP + 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, bytes, bytes]:
    """An uninterrupted run, with part fills and parents open nearly always."""
    thin = {"displayed_volume": 1_000.0, "algo_horizon_bars": 4}
    chosen = planned(rig.market(), "is", choose_orders=True, choice_exploration=0.5, **thin)
    session, store = rig.on_disk(chosen, tmp_path_factory.mktemp("whole") / "state.db")
    rig.drive(session, store, BARS, 7)
    assert session.desk.orders.fills_total > 40
    assert len(session.desk.working or ()) > 0
    ended = (chosen, store.head, encode_state(session.state()))
    store.close()
    return ended


@pytest.mark.parametrize(("algo", "choose"), [*((algo, False) for algo in ALGOS), ("twap", True)])
def test_a_restored_desk_goes_on_as_the_one_it_was_saved_from(algo: str, choose: bool) -> None:
    bar = np.arange(420)  # six bars a session
    ts = (rig.FIRST_DAY + bar // 6) * NANOSECONDS_PER_DAY + (15 + bar % 6) * 3600 * 10**9
    tape = replace(traded(rig.market(420, 8), 8), ts=ts)
    chosen = planned(tape, algo, algo_horizon_bars=5, choose_orders=choose, choice_exploration=0.5)
    (first, kept), (second, other) = started(chosen), started(chosen)
    while first.cursor < 350:
        for _ in first.bar():
            pass
    assert len(first.desk.working or ()) > 0
    rows = len(kept.records)
    second.restore(decode_state(encode_state(first.state())))
    del other.records[:]
    for session in (first, second):
        by_bars(session)
    assert [encode_record(r) for r in kept.records[rows:]] == [encode_record(r) for r in other.records]
    assert encode_state(first.state()) == encode_state(second.state())


@pytest.mark.parametrize("algo", ["direct", "twap", "pov"])
def test_a_backtest_that_passes_quiet_bars_slices_as_one_that_does_not(algo: str) -> None:
    """A policy that says when it wakes: most bars go by without it, and parents are worked in them all the same."""
    steps = np.random.default_rng(4).normal(0.0, 0.01, (700, 6))
    tape = replace(rig.market(700), close=np.round(50.0 * np.exp(steps.cumsum(axis=0)), 4))
    slow = planned(tape, algo, algo_horizon_bars=600)  # less than a share a bar: at most bars nothing rests
    chosen = replace(slow, policy=SmaCross(tape.universe))
    (first, kept), (second, other) = started(chosen), started(chosen)
    run_backtest(first, OrderHash(kept), EventClock(), 20)  # type: ignore[arg-type]
    by_bars(second, 20)
    assert kept.head == other.head
    assert first.desk.orders.fills_total > 20


def with_parents(algo: str = "twap") -> tuple[Session, rig.Kept]:
    """A session in the middle of working some parents that add risk."""
    session, sink = started(planned(rig.market(), algo, algo_horizon_bars=8))
    while not (session.desk.working and session.desk.working.adding_risk(session.desk.ledger.quantity)):
        for _ in session.bar():
            pass
    return session, sink


def told(session: Session, kind: CommandKind) -> None:
    for _ in session.command(Command(session.desk.ts, kind, f"x-{kind.name}", reason="test")):
        pass


@pytest.mark.parametrize("kind", [CommandKind.HALT, CommandKind.KILL])
def test_a_stop_ends_every_parent_before_anything_else(kind: CommandKind) -> None:
    session, sink = with_parents()
    told(session, kind)
    assert len(session.desk.working or ()) == 0
    assert len(session.desk.gate.children) == 0
    after = sink.records[[isinstance(r, LevelChanged) for r in sink.records].index(True) :]
    ended = next(r for r in after if isinstance(r, Parented))
    assert set(ended.event.tolist()) == {ParentEvent.STOPPED}
    orders = session.desk.orders.next_number
    for _ in range(12):
        for _ in session.bar():
            pass
    assert session.desk.orders.next_number == orders, "nothing is sliced after a stop"


def test_a_pause_ends_what_adds_risk_and_goes_on_with_what_reduces() -> None:
    session, sink = with_parents()
    told(session, CommandKind.PAUSE)
    position = np.abs(session.desk.ledger.quantity + session.desk.orders.pending)
    for _ in range(10):
        for _ in session.bar():
            pass
        now = np.abs(session.desk.ledger.quantity + session.desk.orders.pending)
        assert (now <= position).all()
    assert session.desk.level == DeskLevel.PAUSED
    events = [e for r in sink.records if isinstance(r, Parented) for e in r.event.tolist()]
    assert ParentEvent.STOPPED in events


def test_twap_spreads_a_decision_evenly_and_is_hurries() -> None:
    """One decision of a policy that never speaks again: the slices are those of the schedule."""
    sizes = {}
    for algo in ("twap", "is"):
        chosen = planned(rig.market(), algo, algo_horizon_bars=5, algo_risk_aversion=1e-3)
        session, sink = started(chosen)
        while session.desk.orders.fills_total < 60:
            for _ in session.bar():
                pass
        by_parent: defaultdict[int, list[int]] = defaultdict(list)
        amended = {
            number
            for r in sink.records
            if isinstance(r, Parented)
            for number, event in zip(r.number.tolist(), r.event.tolist(), strict=True)
            if event == ParentEvent.AMENDED
        }
        for record in sink.records:
            if isinstance(record, Filled):
                continue
            if isinstance(record, Sliced):
                decided = sink.records[sink.records.index(record) - 1]
                assert isinstance(decided, Decided)
                assert decided.number.tolist() == record.number.tolist()
                for parent, quantity in zip(record.parent.tolist(), decided.quantity.tolist(), strict=True):
                    by_parent[parent].append(abs(quantity))
        sizes[algo] = [s for p, s in by_parent.items() if p not in amended and len(s) == 5 and sum(s) > 50]
    assert sizes["twap"]
    assert all(max(s) - min(s) <= 1 for s in sizes["twap"])
    assert all(s[0] > s[-1] for s in sizes["is"])


def test_status_shows_what_is_worked() -> None:
    session, _ = with_parents()
    for _ in session.bar():
        pass
    desk = session.desk
    rows = parents_now(desk)
    assert desk.working is not None
    assert [row["number"] for row in rows] == [parent.number for parent in desk.working.parents]
    for row in rows:
        assert 0 < abs(row["taken"]) <= abs(row["quantity"])
        assert 1 <= row["bar"] <= row["bars"] == 8
    body = {**dict.fromkeys(("state", "mode", "feed", "clock", "journal_head"), "x"), "parents": rows}
    text = status_text(
        {
            **body,
            "equity": 0,
            "cash": 0,
            "working_orders": 0,
            "positions": [],
            "agents": [],
            "journal_rows": 0,
        }
    )
    assert f"parent {rows[0]['number']}: {rows[0]['symbol']} " in text
    assert parents_now(started(planned(rig.market(), "direct"))[0].desk) == []


def test_direct_orders_know_no_parents() -> None:
    session, sink = started(planned(rig.market(), "direct"))
    by_bars(session)
    assert session.desk.working is None
    assert not any(isinstance(r, Parented | Sliced) for r in sink.records)


def chosen_orders(quoted: bool = False) -> tuple[Session, rig.Kept]:
    """A run in which half of the order types are chosen by lot."""
    tape = rig.market(620)
    if quoted:
        sizes = np.full(tape.close.shape, 400.0)
        tape = replace(tape, bid=tape.close * 0.9996, ask=tape.close * 1.0004, bid_size=sizes, ask_size=sizes)
    session, sink = started(
        planned(tape, "twap", algo_horizon_bars=6, choose_orders=True, choice_exploration=0.5)
    )
    by_bars(session)
    return session, sink


@pytest.mark.parametrize("quoted", [False, True])
def test_chosen_order_types_are_sent_logged_and_rewarded(quoted: bool) -> None:
    session, sink = chosen_orders(quoted)
    assert never_exceeded(session, sink) > 40
    arms: dict[int, int] = {}
    kinds: dict[int, int] = {}
    rewarded: set[int] = set()
    for record in sink.records:
        if isinstance(record, Styled):
            arms.update(zip(record.number.tolist(), record.arm.tolist(), strict=True))
            assert ((record.propensity > 0.0) & (record.propensity <= 1.0)).all()
            assert record.context.shape == (len(record.number), 5)
        elif isinstance(record, Termed):
            kinds.update(zip(record.number.tolist(), record.kind.tolist(), strict=True))
        elif isinstance(record, Rewarded):
            assert rewarded.isdisjoint(record.number.tolist())
            rewarded |= set(record.number.tolist())
    assert set(arms.values()) == ({0, 1, 2, 3} if quoted else {0, 1, 2}), "a peg needs quotes to follow"
    expected = {Style.LIMIT: OrderType.LIMIT, Style.PEGGED: OrderType.PEGGED}
    for number, arm in arms.items():
        assert kinds.get(number, OrderType.MARKET) == expected.get(Style(arm), OrderType.MARKET)
    live = set(session.desk.orders.working().tolist())
    assert set(arms) - live - {0} == rewarded - {0}, "every finished child teaches, once"
    assert session.desk.working is not None
    assert session.desk.working.styles is not None


def test_a_resting_child_has_one_bar_and_its_rest_is_sent_with_the_next_slice() -> None:
    _, sink = chosen_orders()
    sent: dict[int, int] = {}
    ended: dict[int, int] = {}
    bar = -1
    limits: set[int] = set()
    for record in sink.records:
        if isinstance(record, BarSeen):
            bar = record.seq
        elif isinstance(record, Styled):
            limits |= {
                n
                for n, a in zip(record.number.tolist(), record.arm.tolist(), strict=True)
                if a == Style.LIMIT
            }
            sent.update(dict.fromkeys(record.number.tolist(), bar))
        elif isinstance(record, Updated):
            ended.update(
                {
                    n: bar
                    for n, e in zip(record.number.tolist(), record.event.tolist(), strict=True)
                    if e == OrderEvent.CANCELED
                }
            )
    cancelled = [number for number in limits if number in ended]
    assert len(cancelled) > 5
    assert all(ended[number] == sent[number] + 1 for number in cancelled)


def test_what_the_choices_were_worth_is_told_from_the_log() -> None:
    """The estimate of a type by itself agrees with what that type did cost when it was drawn."""
    tape = rig.market(900)
    base = planned(tape, "twap", algo_horizon_bars=6, choose_orders=True, choice_exploration=1.0)
    session, sink = started(base)
    keeper = OrderRowKeeper()
    by_bars(session)
    for record in sink.records:
        keeper.other(record)
    log = choice_log(keeper.rows())
    assert len(log) > 200
    later = slice(len(log) // 2, None)
    for each in always(log):
        if each.style == Style.PEGGED:
            assert each.effective == 0.0
            continue
        own = log.reward[later][log.arm[later] == each.style]
        assert each.snips.value == pytest.approx(float(own.mean()), abs=1e-9), (
            "drawn alike, weights are alike"
        )
        assert each.ips.value == pytest.approx(float(own.mean()), abs=4 * each.ips.error)
        assert each.robust.value == pytest.approx(float(own.mean()), abs=3 * each.robust.error)
    said = sentences(keeper.rows())
    assert "Order types were chosen by a bandit" in said[0]
    assert "market " in said[0]
    assert "limit " in said[0]
    assert sentences(OrderRowKeeper().rows()) == ()
