"""Stretches of bars made up from sizes and a seed: their records one by one, and the same in columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tuiconsole.domain.records import BarSeen, Decided, Filled, Record, Updated
from tuiconsole.domain.rng import generator
from tuiconsole.store.stretch_rows import StretchRows

_EDGES = [
    sign * 2**power + step
    for power in (0, 5, 7, 8, 15, 16, 31, 32, 53, 62)
    for sign in (-1, 1)
    for step in (-1, 0, 1)
]
NUMBERS = np.array([*_EDGES, 0, -(2**63), 2**63 - 1], dtype=np.int64)
"""Integers at which MessagePack changes their width, and the limits of int64."""

FIGURES = np.concatenate(
    (
        [0.0, -0.0, 1.5, -2e300, 5e-324, np.inf, -np.inf, np.nan],
        np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x7FF4000000000000], dtype=np.uint64).view("f8"),
    )
)
"""Floats with several zeros and several NaN."""

FILL_PARTS = ("number", "symbol", "quantity", "price", "fee", "execution", "realised")
ORDER_PARTS = ("number", "columns", "position", "target", "quantity", "reference_price")


@dataclass(frozen=True)
class Size:
    """How many flagged symbols, executions and orders a bar has."""

    flagged: int = 0
    fills: int = 0
    orders: int = 0


def bar_records(
    rng: np.random.Generator, size: Size, seq: int, decision: int, shape: tuple[int, int]
) -> list[Record]:
    """The records of one bar, in the journal's order; ``shape`` is the number of sheet rows and of scalars."""

    def ints(*count: int) -> Any:
        return rng.choice(NUMBERS, count)

    def floats(*count: int) -> Any:
        return rng.choice(FIGURES, count)

    ts, found = int(ints()), []
    records: list[Record] = []
    if n := size.fills:
        found = [ints(n) for _ in range(5)]
        records.append(Filled(ts, *found, ints(8, n), ints(n), ints(n), np.full(n, 3, dtype=np.int8), False))
    quality = rng.integers(1, 9, size.flagged).astype(np.int8)
    digest, money = rng.bytes(16), [int(x) for x in ints(4)]
    records.append(BarSeen(seq, ts, digest, ints(size.flagged), quality, *money, 2))
    if n := size.orders:
        zeros, codes = np.zeros(n), np.zeros(n, dtype=np.int8)
        sheet = floats(shape[0], n)
        columns, number = [ints(n) for _ in range(4)], rng.choice(NUMBERS[NUMBERS != 0], n)
        records += [
            Decided(
                decision,
                seq,
                ts,
                floats(shape[1]),
                ints(n),
                sheet,
                *columns,
                number,
                codes,
                zeros,
                zeros,
                codes,
            ),
            Updated(ts, number, codes, np.ones(n, dtype=np.int8), ""),
        ]
    return records


def stretch_records(
    sizes: list[Size], seed: int, seq: int = 7, decision: int = 1, shape: tuple[int, int] = (2, 3)
) -> list[Record]:
    """The records of a stretch, one by one."""
    rng = generator(seed, "stretch")
    records: list[Record] = []
    for bar, size in enumerate(sizes):
        records += bar_records(rng, size, seq + bar, decision, shape)
        decision += size.orders > 0
    return records


def joined(parts: list[Any], empty: Any) -> Any:
    """``parts`` one after the other along the last axis."""
    return np.concatenate(parts, axis=-1) if parts else empty


def in_columns(records: list[Record], shape: tuple[int, int] = (2, 3)) -> StretchRows:
    """The same stretch as columns; what records do not hold is made so that it would show if it were read."""
    seen = [record for record in records if isinstance(record, BarSeen)]
    before = [None, *records]
    fills = [
        f if isinstance(f, Filled) else None
        for f, r in zip(before, records, strict=False)
        if isinstance(r, BarSeen)
    ]
    decided = {record.bar_seq: record for record in records if isinstance(record, Decided)}

    def end(counts: list[int]) -> Any:
        return np.cumsum(np.array(counts, dtype=np.int64))

    ints, codes = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8)
    fill_columns = {
        f"fill_{name}": joined([getattr(f, name) for f in fills if f is not None], ints)
        for name in FILL_PARTS
    }
    costs = joined([f.costs for f in fills if f is not None], np.zeros((8, 0), dtype=np.int64))
    scalars = np.full((len(seen), shape[1]), -7.0)
    for row, bar in enumerate(seen):
        if bar.seq in decided:
            scalars[row] = decided[bar.seq].scalars
    return StretchRows(
        seq=seen[0].seq if seen else 7,
        level=seen[0].level if seen else 0,
        decision=min((d.seq for d in decided.values()), default=1),
        ts=np.array([bar.ts for bar in seen], dtype=np.int64),
        digest=np.frombuffer(b"".join(bar.digest for bar in seen), dtype=np.uint8).reshape(-1, 16),
        flag_end=end([len(bar.flagged) for bar in seen]),
        flagged=joined([bar.flagged for bar in seen], ints),
        quality=joined([bar.quality for bar in seen], codes),
        **{
            name: np.array([getattr(bar, name) for bar in seen], dtype=np.int64)
            for name in ("equity", "cash", "realised", "fees")
        },
        fill_end=end([0 if f is None else len(f.number) for f in fills]),
        fill_costs=np.ascontiguousarray(costs.T),
        **fill_columns,
        order_end=end([len(decided[b.seq].number) if b.seq in decided else 0 for b in seen]),
        **{name: joined([getattr(d, name) for d in decided.values()], ints) for name in ORDER_PARTS},
        sheet=joined([d.sheet for d in decided.values()], np.zeros((shape[0], 0))),
        scalars=scalars,
    )
