"""What the real desk journals on ordinary bars is what a stretch's columns hold: same types, shapes, order and bytes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks.sma_cross import SmaCross
from tests.engine.rig import in_memory, market, planned, settings
from tests.store.stretches import in_columns
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.records import BarSeen, Decided, Filled, Record, Updated
from tuiconsole.engine.build import plan
from tuiconsole.store.stretch_rows import RowEncoder, StretchRows

pytest.importorskip("numba")

WARMUP = 120


def bars(records: list[Record]) -> Iterator[list[Record]]:
    """The records of one bar after the other: executions before its own row, decisions after it."""
    current: list[Record] = []
    for record in records:
        begun = any(isinstance(item, BarSeen) for item in current)
        if begun and isinstance(record, Filled | BarSeen):
            yield current
            current = []
        current.append(record)
    yield current


def ordinary(bar: list[Record]) -> bool:
    """Whether the bar left only what a stretch can hold."""
    kinds = [type(record) for record in bar if not isinstance(record, Filled)]
    filled = [record for record in bar if isinstance(record, Filled)]
    approved = all(np.all(record.number) for record in bar if isinstance(record, Decided))
    whole = all(not record.forced and np.all(record.state == 3) for record in filled)
    return kinds in ([BarSeen], [BarSeen, Decided, Updated]) and len(filled) <= 1 and approved and whole


def stretches(records: list[Record]) -> Iterator[list[Record]]:
    """The longest runs of ordinary bars at one level."""
    run: list[Record] = []
    level = -1
    for bar in bars(records):
        own = next((record.level for record in bar if isinstance(record, BarSeen)), -1)
        fits = ordinary(bar)
        if run and (not fits or own != level):
            yield run
            run = []
        if fits:
            run, level = run + bar, own
    if run:
        yield run


def agreed(records: list[Record]) -> int:
    """How many decisions were in stretches, each of which has the bytes of its records."""
    encoder, decisions = RowEncoder(), 0
    for run in stretches(records):
        rows = columns(run)
        buffer, row_end = encoder.encode(rows)
        starts = [0, *row_end.tolist()]
        found = [buffer[a + 4 : b].tobytes() for a, b in itertools.pairwise(starts)]
        assert found == [encode_record(record) for record in run]
        decisions += sum(isinstance(record, Decided) for record in run)
    return decisions


def columns(run: list[Record]) -> StretchRows:
    shapes = [(len(r.sheet), len(r.scalars)) for r in run if isinstance(r, Decided)]
    return in_columns(run, shapes[0] if shapes else (0, 0))


def test_a_strategy_s_rows() -> None:
    tape = market(500, n_symbols=40)
    session, sink = in_memory(plan(settings(tape, WARMUP), tape, "replay", SmaCross(tape.universe)))
    for steps in session.bars_ahead(len(tape)):
        for _ in steps:
            pass
    assert agreed(sink.records) > 100


def test_the_ensemble_s_rows() -> None:
    tape = market(420)
    session, sink = in_memory(planned(tape))
    while session.cursor < len(tape):
        for _ in session.bar():
            pass
    assert agreed(sink.records) > 20
