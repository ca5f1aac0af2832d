"""Settings of the engine: capital, seed, pace, and how it watches itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Interval

from tuiconsole.agents.settings import AgentSettings
from tuiconsole.engine.policies import PolicySettings
from tuiconsole.ensemble.settings import EnsembleSettings
from tuiconsole.execution.settings import AlpacaSettings, ExecutionSettings, ProtectionSettings
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.market.settings import (
    DefenceSettings,
    FeedSettings,
    HistorySettings,
    ProviderSettings,
    SimulationSettings,
)
from tuiconsole.portfolio.settings import SizingSettings
from tuiconsole.regimes.settings import RegimeSettings
from tuiconsole.risk.settings import RiskSettings


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine is given, apart from what each room defines for itself."""

    capital: Annotated[float, Interval(ge=100, le=1e10)] = 100_000.0
    """Paper money at the start, in the base currency."""
    seed: Annotated[int, Interval(ge=0, le=2**31)] = 7
    """Seed of every random number the desk may draw."""
    bars_per_year: Annotated[float, Interval(ge=1, le=1e7)] = 252.0
    """Bars in one year, for annual figures and for targets of volatility. 252: that of daily bars; shorter bars are then
    counted on the tape."""
    checkpoint_bars: Annotated[int, Interval(ge=1, le=100_000)] = 50
    """Bars between two checkpoints of the desk's state; a restart replays at most this many."""
    stall_ms: Annotated[float, Interval(ge=10, le=60_000)] = 100.0
    """An event loop that is late by more than this many milliseconds raises an alert."""
    machine_code: Literal["auto", "always", "never"] = "auto"
    """Whether backtests of a strategy that looks at the market alone take ordinary bars many at once, by machine code: the same
    journal, sooner. "auto": where that pays for loading it."""
    slow_cycle_ms: Annotated[float, Interval(ge=10, le=600_000)] = 1_000.0
    """A decision cycle (a bar taken in, decided, journalled, orders handed over) that takes longer than this many
    milliseconds raises an alert."""


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """When the features count as another distribution than before."""

    reference_bars: Annotated[int, Interval(ge=20, le=5000)] = 756
    """Bars before the start that later ones are compared with."""

    live_bars: Annotated[int, Interval(ge=20, le=5000)] = 252
    """Latest bars that are compared with them, once half of them are there."""

    every_bars: Annotated[int, Interval(ge=0, le=5000)] = 21
    """Bars between two comparisons while the engine runs; each drift that is new is an alert. 0 = none."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Who the broker is, and what the desk does when it does not answer."""

    name: Literal["", "alpaca"] = ""
    """A broker elsewhere that takes the orders of live desks: "alpaca". Empty: the paper venue. tuiconsole paper --broker and
    tuiconsole live --broker say it too."""

    live: bool = False
    """Real money. Said by the verb live alone: an engine started otherwise refuses it."""

    ask_every_s: Annotated[float, Interval(ge=0.1, le=3600)] = 60.0
    """Seconds between two questions about orders of which the broker has not told."""

    missing_after_s: Annotated[float, Interval(ge=1, le=86_400)] = 600.0
    """An order that the broker does not know for so many seconds counts as never received; one that appears later is
    cancelled."""

    pause_after_s: Annotated[float, Interval(ge=0, le=86_400)] = 60.0
    """No new risk after so many seconds without the broker, until it is back and has been asked about every order; 0: never."""

    on_reconnect: Literal["keep", "cancel"] = "keep"
    """What becomes of working orders when the broker is back."""


@dataclass(frozen=True, slots=True)
class StopSettings:
    """Stops that nobody asks for by hand."""

    console_silence_s: Annotated[float, Interval(ge=0, le=604_800)] = 0.0
    """The desk stops when no console that reads was attached for so many seconds; 0: it trades on alone."""

    console_silence_action: Literal["pause", "halt"] = "pause"
    """What it does then: "pause" takes no new risk, "halt" also cancels working orders."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the core is built from; each room's own settings, filled by ``config.py``."""

    engine: EngineSettings = field(default_factory=EngineSettings)
    feed: FeedSettings = field(default_factory=FeedSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    feeds: FeedsSettings = field(default_factory=FeedsSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    simulation: SimulationSettings = field(default_factory=SimulationSettings)
    providers: ProviderSettings = field(default_factory=ProviderSettings)
    defence: DefenceSettings = field(default_factory=DefenceSettings)
    drift: DriftSettings = field(default_factory=DriftSettings)
    regimes: RegimeSettings = field(default_factory=RegimeSettings)
    agents: AgentSettings = field(default_factory=AgentSettings)
    ensemble: EnsembleSettings = field(default_factory=EnsembleSettings)
    sizing: SizingSettings = field(default_factory=SizingSettings)
    risk: RiskSettings = field(default_factory=RiskSettings)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)
    protection: ProtectionSettings = field(default_factory=ProtectionSettings)
    alpaca: AlpacaSettings = field(default_factory=AlpacaSettings)
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    stop: StopSettings = field(default_factory=StopSettings)
