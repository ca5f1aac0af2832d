"""Desks that work their orders: restarted at any bar, part-filled, amended, stopped; no parent's children exceed it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.engine import rig
from tests.engine.test_blocks import gapped
from tests.engine.test_parents import ALGOS, never_exceeded, planned, started, traded
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.domain.events import Command, CommandKind, DeskLevel
from tuiconsole.domain.records import Sliced
from tuiconsole.domain.rng import generator
from tuiconsole.engine.build import make_session
from tuiconsole.engine.session import Session

_WARMUP, _BARS = 120, 240


@dataclass(frozen=True, slots=True)
class Worked:
    """What one desk did, and what was wrong about it."""

    parents: int
    children: int
    restarts: int
    stops: int
    wrong: str


def work(seed: int) -> Worked:
    """One desk on a market of its own, its settings drawn from ``seed``."""
    rng = generator(seed, "worked orders")
    tape = gapped(seed, _BARS, 4, 0.02, int(rng.choice([0, 200])) or None)
    chosen = planned(
        traded(tape, seed) if rng.random() < 0.5 else tape,
        str(rng.choice(ALGOS)),
        _WARMUP,
        algo_horizon_bars=int(rng.integers(1, 12)),
        displayed_volume=float(rng.choice([5e6, 3_000.0, 200.0])),
        choose_orders=bool(rng.random() < 0.5),
        choice_exploration=0.5,
    )
    session, sink = started(chosen)
    restarts = stops = 0
    while not session.ended:
        for _ in session.bar():
            pass
        if rng.random() < 0.05:
            session, restarts = _restarted(session, chosen, sink), restarts + 1
        if rng.random() < 0.02:
            stops += 1
            _stop_and_go_on(session, stops)
        if session.desk.level >= DeskLevel.HALTED:
            _go_on(session, f"b{session.cursor}")
    children = sum(len(record.number) for record in sink.records if isinstance(record, Sliced))
    try:
        parents = never_exceeded(session, sink)
    except AssertionError as broken:
        return Worked(0, children, restarts, stops, f"seed {seed}: children exceed their parent ({broken})")
    return Worked(parents, children, restarts, stops, "")


def _restarted(session: Session, chosen: object, sink: rig.Kept) -> Session:
    again = make_session(chosen, sink)  # type: ignore[arg-type]
    again.restore(decode_state(encode_state(session.state())))
    return again


def _stop_and_go_on(session: Session, number: int) -> None:
    for _ in session.command(Command(session.desk.ts, CommandKind.HALT, f"h{number}", reason="soak")):
        pass
    _go_on(session, f"r{number}")


def _go_on(session: Session, name: str) -> None:
    for kind in (CommandKind.REARM, CommandKind.RESUME):
        for _ in session.command(Command(session.desk.ts, kind, f"{name}{kind.name}", reason="soak")):
            pass
