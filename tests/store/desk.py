"""A small desk's records, made up from a seed: orders, refusals, fills, alerts and all the rest."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.orders import OrderEvent, OrderState
from tuiconsole.domain.records import (
    AgentChanged,
    Alerted,
    BarSeen,
    Commanded,
    Decided,
    Filled,
    LevelChanged,
    Opened,
    Record,
    TapeEnded,
    Updated,
)
from tuiconsole.domain.rng import generator
from tuiconsole.store.binding import Binding
from tuiconsole.store.state_store import StateStore

SYMBOLS = ("AAPL", "BAC", "XOM")
AGENTS = ("momentum", "reversion")
SHEET = (
    "price",
    "feature:return_1",
    "mean:momentum",
    "sigma:momentum",
    "mean:reversion",
    "sigma:reversion",
    "blend_mean",
    "blend_sigma",
    "target_weight",
)
SCALARS = ("regime:volatility_low", "weight:momentum", "weight:reversion", "kelly", "equity")
DAY = 86_400_000_000_000
START = 14_000 * DAY
DESK = "00c0ffee"
OPENED = Opened(
    schema=1,
    desk=DESK,
    mode="replay",
    tape="packaged:abc:0:250",
    configuration="c0",
    seed=7,
    capital=100_000 * 10**8,
    symbols=SYMBOLS,
    agents=AGENTS,
    sheet=SHEET,
    scalars=SCALARS,
)
BINDING = Binding.of(OPENED)


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def codes(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int8)


def bar_seen(seq: int, equity: int = 100_000 * 10**8, flagged: tuple[int, ...] = ()) -> BarSeen:
    return BarSeen(
        seq=seq,
        ts=START + seq * DAY,
        digest=seq.to_bytes(16, "little"),
        flagged=ints(*flagged),
        quality=codes(*(4 for _ in flagged)),
        equity=equity,
        cash=equity // 2,
        realised=seq,
        fees=seq * 2,
        level=0,
    )


def decided(seq: int, numbers: tuple[int, ...] = (1, 0), purpose: int = 0) -> Decided:
    """A decision on the first ``len(numbers)`` symbols; number 0 = refused."""
    k = len(numbers)
    sheet = np.arange(len(SHEET) * k, dtype=np.float64).reshape(len(SHEET), k) / 7.0 + seq
    sheet[2, -1] = np.nan
    return Decided(
        seq=seq,
        bar_seq=seq,
        ts=START + seq * DAY,
        scalars=np.linspace(0.0, 1.0, len(SCALARS)),
        columns=np.arange(k, dtype=np.int64),
        sheet=sheet,
        position=np.arange(k, dtype=np.int64) * 10,
        target=np.arange(k, dtype=np.int64) * 10 + 100,
        quantity=np.full(k, 100, dtype=np.int64),
        reference_price=np.full(k, 50_000_000, dtype=np.int64),
        number=ints(*numbers),
        rule=codes(*(0 if n else 3 for n in numbers)),
        value=np.array([0.0 if n else 0.2 for n in numbers]),
        limit=np.array([0.0 if n else np.nan for n in numbers]),
        purpose=codes(*(purpose for _ in numbers)),
    )


def updated(
    seq: int, *numbers: int, event: int = OrderEvent.ACKNOWLEDGED, state: int = OrderState.NEW
) -> Updated:
    return Updated(
        ts=START + seq * DAY,
        number=ints(*numbers),
        event=codes(*(event for _ in numbers)),
        state=codes(*(state for _ in numbers)),
        text="",
    )


COSTS = (60_000_000, 40_000_000, 50_000_000, 15_000_000, 5_000_000, 4_000_000, 1_000_000, 9_000_000)
"""Money of each part of a fill's cost: 1.00 fee, 0.50 spread, 0.25 impact, and 0.09 of borrow paid before."""


def filled(
    seq: int,
    *numbers: int,
    quantity: int = 100,
    price: int = 50_010_000,
    symbol: int = 0,
    forced: bool = False,
) -> Filled:
    k = len(numbers)
    return Filled(
        ts=START + seq * DAY,
        number=ints(*numbers),
        symbol=np.full(k, symbol, dtype=np.int64),
        quantity=np.full(k, quantity, dtype=np.int64),
        price=np.full(k, price, dtype=np.int64),
        fee=np.full(k, 100_000_000, dtype=np.int64),
        costs=np.repeat(np.array(COSTS, dtype=np.int64)[:, None], k, axis=1),
        execution=np.array(numbers, dtype=np.int64) + 1000 * seq,
        realised=np.full(k, 7, dtype=np.int64),
        state=codes(*(int(OrderState.FILLED) for _ in numbers)),
        forced=forced,
    )


def records(bars: int, seed: int = 1) -> Iterator[Record]:
    """A whole session: ``Opened``, then bars with their fills, decisions and acknowledgements, and rare things."""
    rng = generator(seed, "records")
    yield OPENED
    number, alert = 1, 1
    working: list[tuple[int, int]] = []
    for seq in range(bars):
        for order, column in working:
            size, price = int(rng.integers(-300, 300)) or 1, int(rng.integers(1, 10**9))
            yield filled(seq, order, quantity=size, price=price, symbol=column, forced=bool(rng.integers(2)))
        yield bar_seen(
            seq, int(rng.integers(1, 10**15)), tuple(np.flatnonzero(rng.integers(0, 2, 3)).tolist())
        )
        approved = rng.integers(0, 2, int(rng.integers(1, 4))).tolist()
        numbers = tuple(number + sum(approved[:i]) if yes else 0 for i, yes in enumerate(approved))
        number += sum(approved)
        working = [(n, i) for i, n in enumerate(numbers) if n]
        yield decided(seq, numbers)
        if working:
            yield updated(seq, *(n for n, _ in working))
        match int(rng.integers(12)):
            case 0:
                yield Alerted(START + seq * DAY, alert, 1, "feed", "the feed is late")
                alert += 1
            case 1:
                yield LevelChanged(START + seq * DAY, 1, 0, "loss", "2.6 %", "2.5 %", "paused")
            case 2:
                yield AgentChanged(START + seq * DAY, AGENTS[seq % 2], bool(rng.integers(2)), "by hand")
            case 3:
                yield Commanded(START + seq * DAY, 7, f"k{seq}", str(alert // 2), "", "console", True, "")
    yield TapeEnded(START + bars * DAY, bars)


def open_store(path: Path) -> StateStore:
    return StateStore.open(path, BINDING, EventClock(5))


def filled_store(path: Path, bars: int = 20, seed: int = 1, every: int = 7) -> tuple[int, bytes]:
    """A closed store with a session in it; its rows and head. Commits and checkpoints now and then."""
    store = open_store(path)
    for count, record in enumerate(records(bars, seed), start=1):
        store.append(record)
        if count % every == 0:
            store.commit()
        if count % (3 * every) == 0:
            store.checkpoint({"count": count, "array": np.arange(3.0)})
    store.close()
    return store.rows, store.head
