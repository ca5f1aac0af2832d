"""A run made by hand: a seeded walk of equity and a few fills; no engine, so reports change only when reports change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tuiconsole.analytics.named_periods import PeriodSettings, periods_of
from tuiconsole.analytics.samples import Sample
from tuiconsole.analytics.track import FillTable, Track
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.rng import generator
from tuiconsole.reports.run import Outcome, Provenance, Run, Stop

FIRST_DAY = 18_000
CLOSE = 21 * 3_600_000_000_000
PERIODS = periods_of(
    {
        "chosen_on": PeriodSettings("2018-01-01", "2020-06-30", "in-sample"),
        "kept_apart": PeriodSettings("2020-07-01", "2099-12-31", "out-of-sample"),
        "spring_2020": PeriodSettings("2020-02-19", "2020-03-23", "stress"),
        "long_ago": PeriodSettings("1999-01-01", "1999-12-31", "stress"),
    }
)


def days(n: int) -> np.ndarray:
    """Ends of ``n`` weekday bars."""
    all_days = FIRST_DAY + np.arange(2 * n)
    weekdays = all_days[(all_days + 3) % 7 < 5][:n]
    return weekdays * NANOSECONDS_PER_DAY + CLOSE


def filled(ts: np.ndarray) -> FillTable:
    """Four fills in twenty bars: two buys, two sales, in two symbols."""
    rng = generator(13, "fills")
    at = np.arange(5, len(ts) - 5, 5)
    side = np.where(np.arange(len(at)) % 4 < 2, 1.0, -1.0)
    price = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.02, len(at)))), 2)
    quantity = side * 10
    value = quantity * price
    return FillTable(
        ts=ts[at],
        order=np.arange(1, len(at) + 1),
        symbol=np.arange(len(at)) % 2,
        quantity=quantity,
        price=price,
        value=value,
        realised=np.zeros(len(at)),
        forced=np.zeros(len(at), dtype=np.bool_),
        fee=0.5 + np.abs(value) * 1e-4,
        costs={
            "commission_fixed": np.full(len(at), 0.5),
            "commission_proportional": np.abs(value) * 1e-4,
            "spread": np.abs(value) * 2e-4,
            "temporary": np.abs(value) * 3e-4,
            "borrow": np.zeros(len(at)),
        },
    )


def made(n: int = 520, name: str = "walk", sample: Sample = Sample.IN) -> Run:
    """A run of ``n`` bars and about ``n / 5`` fills in two symbols."""
    rng = generator(11, "report")
    ts = days(n)
    equity = np.round(100_000 * np.cumprod(1 + rng.normal(0.0006, 0.009, n)), 2)
    share = np.round(rng.uniform(0.2, 0.9, n), 3)
    track = replace(
        Track.zeros(n),
        ts=ts,
        equity=equity,
        cash=equity * (1 - share),
        gross=equity * share,
        net=equity * share,
        holdings=np.where(np.arange(n) < 5, 0, 2),
        regime=(np.arange(n) // 60 % 6).astype(np.int8),
    )
    fills = filled(ts)
    return Run(
        name=name,
        sample=sample,
        provenance=Provenance(
            verb="backtest",
            arguments={"end": "2021-03-01"},
            settings={"engine": {"capital": 100000.0, "seed": 7}, "risk": {"cool_down_bars": 20}},
            configuration="0123456789abcdef",
            tape="TWO",
            source="two.csv",
            tape_digest="d" * 64,
            binding=f"TWO:{'d' * 64}:10:0",
            policy="Walk",
            policy_digest="e" * 64,
            version="1.2.3",
            made="2026-01-02T03:04:05Z",
        ),
        outcome=Outcome(
            order_hash="a" * 64,
            journal_head="b" * 64,
            bars=n,
            orders=len(fills),
            fills=len(fills),
            refused=3,
            last_tenth_orders=10,
            halts=1,
            rearmed=1,
            cool_down_bars=20,
            borrow=1.25,
            seconds=0.25,
            failed=(),
        ),
        symbols=("AAA", "BBB"),
        capital=100_000.0,
        currency="USD",
        bars_per_year=252.0,
        track=track,
        fills=fills,
        stops=(
            Stop(
                int(ts[n // 5]),
                0,
                2,
                "drawdown",
                "Equity is 8.2 % below its peak, the limit is 8 %: halted, working orders cancelled.",
            ),
            Stop(int(ts[n // 4]), 2, 1, "rearm", "declared cool-down of 20 bars"),
        ),
        benchmark=100_000 * np.cumprod(1 + generator(12, "market").normal(0.0004, 0.011, n)),
        periods=PERIODS,
        notes=("Volumes are missing: impact uses the configured volume.",),
    )
