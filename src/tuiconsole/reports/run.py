"""A finished run as a value: what it ran on, what came out, and everything a report may show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuiconsole.analytics.attribution import SectorEffects
from tuiconsole.analytics.executions import ExecutionTable
from tuiconsole.analytics.named_periods import Period
from tuiconsole.analytics.samples import Curve, Sample
from tuiconsole.analytics.track import FillTable, Track
from tuiconsole.domain.types import FloatArray


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a run comes from; enough to run it again.

    Attributes
    ----------
    verb, arguments
        The verb and what it was given, as plain JSON values.
    settings
        Every setting of every room, as plain JSON values.
    configuration
        Digest of the settings that change decisions.
    tape, source, tape_digest
        Name, source and content hash of the tape.
    binding
        Tape, start and warm-up, as the journal is bound to them.
    policy, policy_digest
        What decided (a user's class, or ``"ensemble"``), and the hash of its source and parameters; empty for the ensemble.
    version
        Of tuiconsole.
    made
        Wall time at which the run ended, ISO 8601 UTC.
    """

    verb: str
    arguments: Mapping[str, Any]
    settings: Mapping[str, Any]
    configuration: str
    tape: str
    source: str
    tape_digest: str
    binding: str
    policy: str
    policy_digest: str
    version: str
    made: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine counted.

    Attributes
    ----------
    last_tenth_orders
        Orders approved in the last tenth of the bars: a desk that died early shows here.
    halts, rearmed, cool_down_bars
        Stops by breakers, how many the declared cool-down released, and its length.
    borrow
        Money paid for short positions, currency units.
    seconds
        Wall time of the run; not part of what is compared.
    failed
        A sentence for every agent or strategy that failed and was switched off.
    refusals
        How many orders the gate refused, by the rule's sentence, the most frequent first; empty in runs that did not
        keep it.
    """

    order_hash: str
    journal_head: str
    bars: int
    orders: int
    fills: int
    refused: int
    last_tenth_orders: int
    halts: int
    rearmed: int
    cool_down_bars: int
    borrow: float
    seconds: float
    failed: tuple[str, ...]
    refusals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """One change of the desk's level: from ``before`` to ``level`` (see ``DeskLevel``), and why."""

    ts: int
    before: int
    level: int
    cause: str
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """One finished run.

    Attributes
    ----------
    sample
        What all its figures are. A run is in-sample unless its period was declared out-of-sample before it was run.
    capital
        Equity before the first bar, currency units.
    track, fills, stops
        Per bar, per execution, per change of level.
    benchmark
        float64 ``[n_bars]``: ``capital`` put in equal parts into every symbol that had a price at the first bar, held
        without costs; None when no symbol had one.
    notes
        Sentences that belong under every figure of this run: how the data were read, what was not charged.
    periods
        The named periods of the configuration it was run with.
    executions
        One row per order sent; None in runs that did not keep it.
    sectors
        Where the difference to ``benchmark`` came from; None where sectors are not known, or in runs that did not keep it.
    benchmark_name
        The symbol that ``benchmark`` held; empty: every one of the universe.
    """

    name: str
    sample: Sample
    provenance: Provenance
    outcome: Outcome
    symbols: tuple[str, ...]
    capital: float
    currency: str
    bars_per_year: float
    track: Track
    fills: FillTable
    stops: tuple[Stop, ...]
    benchmark: FloatArray | None
    notes: tuple[str, ...]
    periods: tuple[Period, ...] = ()
    executions: ExecutionTable | None = None
    sectors: SectorEffects | None = None
    benchmark_name: str = ""

    @property
    def curve(self) -> Curve:
        """Simple returns per bar, net of all costs, marked with the run's sample."""
        equity = np.concatenate(([self.capital], self.track.equity))
        return Curve(self.sample, self.track.ts, equity[1:] / equity[:-1] - 1.0)
