"""What durability costs: one commit of the store, one group commit, one bar from tick to order handed over."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks.engines import CLOCK, folder, running, seconds_since
from benchmarks.markets import synthetic
from benchmarks.rows import MeasurementFailed, Row, percentile
from benchmarks.sessions import WARMUP, chosen, durable_session, go_on, replay_plan
from tuiconsole.domain.records import BarSeen
from tuiconsole.domain.types import CodeArray, IntArray
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.store.binding import Binding
from tuiconsole.store.state_store import StateStore
from tuiconsole.store.writer import Writer

TICK_P50_MS, TICK_P99_MS = 1.0, 5.0
"""Tick to order handed over, durable commit included; set for a loop of quotes, not for daily bars."""
PACE_HZ = 50.0
CYCLE_P99_MS = 250.0
_BLOCK = b"\0" * 4096
_NOTHING: IntArray = np.empty(0, dtype=np.int64)
_NO_CODES: CodeArray = np.empty(0, dtype=np.int8)


def _ms(action: Callable[[], object], times: int) -> list[float]:
    found = []
    for _ in range(times):
        began = CLOCK.monotonic_ns()
        action()
        found.append(1e3 * seconds_since(began))
    return found


def bare_fsync(place: Path, times: int) -> list[float]:
    """Milliseconds to append 4 KiB to a file and fsync it: what the disk itself takes."""
    descriptor = os.open(place / "block", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write() -> None:
        os.write(descriptor, _BLOCK)
        os.fsync(descriptor)

    try:
        return _ms(write, times)
    finally:
        os.close(descriptor)


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report."""
    times = 100 if quick else 400
    with folder() as place:
        disk = bare_fsync(place, times)
        alone, group = _commits(place, times)
    with folder() as place:
        tick = _tick_to_order(place, 200 if quick else 1_500)
    rows = [Row("4 KiB appended and fsynced, p50", percentile(disk, 50), "ms", note=_p99(disk))]
    rows += [
        _beside(f"{what}, p50", values, disk)
        for what, values in (
            ("store: one row committed (synchronous=FULL)", alone),
            ("writer thread: four rows as a group, to durable", group),
        )
    ]
    rows += [
        Row(
            "tick to order handed over, p50",
            percentile(tick, 50),
            "ms",
            TICK_P50_MS,
            note=f"{len(tick)} bars with orders",
        ),
        Row(
            "tick to order handed over, p99",
            percentile(tick, 99),
            "ms",
            TICK_P99_MS,
            note="five agents, 20 symbols",
        ),
    ]
    return [*rows, _cycle(2.0 if quick else 8.0)]


def _p99(values: list[float]) -> str:
    return f"p99 {percentile(values, 99):.2f} ms of {len(values)}"


def _beside(what: str, values: list[float], disk: list[float]) -> Row:
    p50 = percentile(values, 50)
    ratio = p50 / percentile(disk, 50)
    return Row(what, p50, "ms", ratio=ratio, against="the bare fsync", note=_p99(values))


def _commits(place: Path, times: int) -> tuple[list[float], list[float]]:
    """Milliseconds per commit of one row, and per group of four through the writer thread."""
    found = chosen(synthetic(20, WARMUP + 2))
    store = StateStore.open(place / "commits.db", Binding.of(found.opened), CLOCK)
    store.append(found.opened)
    store.commit()
    bar = BarSeen(1, 1, b"0" * 16, _NOTHING, _NO_CODES, 1, 1, 0, 0, 0)

    def one() -> None:
        store.append(bar)
        store.commit()

    alone = _ms(one, times)
    writer = Writer(store)

    def four() -> None:
        for _ in range(4):
            writer.append(bar)
        writer.submit().result()

    try:
        return alone, _ms(four, times)
    finally:
        writer.close()


def _tick_to_order(place: Path, bars: int) -> list[float]:
    """Milliseconds from a bar taken in to its orders handed to the venue, for the bars that sent any."""
    taken_ns = 0
    found: list[float] = []

    def pass_(point: str) -> None:
        nonlocal taken_ns
        if point == "bar taken":
            taken_ns = CLOCK.monotonic_ns()
        elif point == "submitted":
            found.append(1e3 * seconds_since(taken_ns))

    session, writer = durable_session(place / "tick.db", replay_plan(packaged_tape()), pass_)
    found.clear()
    try:
        for _ in range(bars):
            for _ in chain(session.bar(), go_on(session)):
                writer.submit().result()
    finally:
        writer.close()
    return found


def _cycle(seconds: float) -> Row:
    """The engine's own figure for handling one bar, at fifty bars a second with a subscriber."""
    with (
        folder() as place,
        running(place / "state.db", "--feed", "replay", "--speed", str(PACE_HZ)) as engine,
    ):
        began = CLOCK.monotonic_ns()
        with engine.client(read_only=True) as client:
            client.subscribe()
            header = client.next_snapshot().header
            while seconds_since(began) < seconds:
                header = client.next_snapshot().header
    if not header.bar:
        raise MeasurementFailed("the engine traded no bar")
    note = f"{header.bar} bars at {PACE_HZ:.0f} a second, 20 symbols, checkpoints included"
    return Row("engine: cycle of one bar, p99", header.cycle_p99_ms, "ms", CYCLE_P99_MS, note=note)
