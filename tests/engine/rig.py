"""A small market and the real desk on it, for the engine's tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, EventClock, iso
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.records import Record
from tuiconsole.domain.rng import generator
from tuiconsole.engine.backtest import OrderHash
from tuiconsole.engine.build import Plan, make_session, plan
from tuiconsole.engine.recovery import recover
from tuiconsole.engine.session import Session
from tuiconsole.engine.settings import Settings
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.binding import Binding
from tuiconsole.store.recovery import CatchUp
from tuiconsole.store.state_store import StateStore

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
WARMUP = 280
FIRST_DAY = 12_000


def market(n_bars: int = 420, seed: int = 3, crash_at: int | None = None, n_symbols: int = 6) -> Tape:
    """Trending, correlated closes; ``crash_at`` drops every price by 9 % for three bars from that bar on."""
    rng = generator(seed, "market")
    drift = np.where(np.arange(n_symbols) % 2 == 0, 0.0012, 0.0003)
    common = rng.normal(0.0, 0.006, (n_bars, 1))
    returns = drift + common + rng.normal(0.0, 0.008, (n_bars, n_symbols))
    if crash_at is not None:
        returns[crash_at : crash_at + 3] = -0.06
    close = np.round(50.0 * np.exp(np.cumsum(returns, axis=0)), 4)
    ts = (FIRST_DAY + np.arange(n_bars)) * NANOSECONDS_PER_DAY + 21 * 3600 * 1_000_000_000
    names = SYMBOLS if n_symbols == len(SYMBOLS) else tuple(f"S{i:03d}" for i in range(n_symbols))
    return Tape(name="TEST-6", source="test", universe=Universe.of(names), ts=ts, close=close)


def settings(tape: Tape, warmup: int = WARMUP) -> Settings:
    """Default settings, starting after ``warmup`` bars of ``tape``."""
    base = Settings()
    start = iso(int(tape.ts[warmup]))[:10]
    return replace(base, feed=replace(base.feed, start=start, warmup_bars=warmup))


def planned(tape: Tape, mode: str = "replay", warmup: int = WARMUP) -> Plan:
    """The plan of a desk on ``tape``."""
    return plan(settings(tape, warmup), tape, mode)


@dataclass
class Kept:
    """A journal sink that keeps every record, for looking at."""

    records: list[Record]
    inner: BatchJournal

    @property
    def rows(self) -> int:
        return self.inner.rows

    @property
    def head(self) -> bytes:
        return self.inner.head

    def append(self, record: Record) -> None:
        self.records.append(record)
        self.inner.append(record)

    def commit(self) -> None:
        self.inner.commit()

    def close(self) -> None:
        self.inner.close()


def in_memory(chosen: Plan) -> tuple[Session, Kept]:
    """A warmed-up session whose records are kept in memory."""
    sink = Kept([], BatchJournal(None))
    session = make_session(chosen, sink)
    session.warm_up()
    session.open(chosen.opened)
    return session, sink


def on_disk(
    chosen: Plan, path: Path, fault: object = None, prepare: Callable[[Session], None] = lambda session: None
) -> tuple[Session, StateStore]:
    """A recovered session on the store at ``path``: what every start of the engine does."""
    store = StateStore.open(path, Binding.of(chosen.opened), EventClock())
    return recovered(chosen, store, prepare, fault), store


def recovered(
    chosen: Plan,
    store: StateStore,
    prepare: Callable[[Session], None] = lambda session: None,
    fault: object = None,
) -> Session:
    """A session that goes on where ``store`` ends; ``prepare`` sees it before anything is driven again."""
    checkpoint = store.last_checkpoint()
    sink = CatchUp(store, store.tail(checkpoint.seq if checkpoint else 0))
    session = make_session(chosen, sink, fault=fault)  # type: ignore[arg-type]
    prepare(session)
    recover(session, sink, checkpoint.state if checkpoint else None, chosen.opened)
    return session


def drive(session: Session, store: StateStore, bars: int, checkpoint_every: int = 16) -> None:
    """Carry the session on to tape index ``bars`` as the live engine does, without waiting."""
    while session.cursor < bars:
        for _ in session.bar():
            store.commit()
        if session.cursor % checkpoint_every == 0:
            store.checkpoint(session.state())
            session.fault("checkpoint written")


__all__ = [
    "FIRST_DAY",
    "Kept",
    "OrderHash",
    "drive",
    "in_memory",
    "market",
    "on_disk",
    "planned",
    "recovered",
    "settings",
]
