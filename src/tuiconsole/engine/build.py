"""Builds a session from settings: which tape, which start, which policy, and what the journal is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tuiconsole.domain import ids
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_DECIMALS, to_scaled
from tuiconsole.domain.policy import Policy
from tuiconsole.domain.records import LevelChanged, Opened
from tuiconsole.engine.desk import Desk, DeskSettings
from tuiconsole.engine.paths import tape_path
from tuiconsole.engine.pipeline import EnsemblePolicy
from tuiconsole.engine.policies import content as policy_content
from tuiconsole.engine.policies import load_strategy, with_schema, with_source
from tuiconsole.engine.protection import protection_needs
from tuiconsole.engine.remote import RemoteVenue
from tuiconsole.engine.session import Session
from tuiconsole.engine.session_ends import SessionEnds
from tuiconsole.engine.settings import EngineSettings, Settings
from tuiconsole.engine.timeframes import Timeframes
from tuiconsole.execution.contract import RemoteBroker
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.market.defence import Defence
from tuiconsole.market.live.recorded import RecordedTape
from tuiconsole.market.replay import open_tape, replay_from
from tuiconsole.market.tape import BarSource, Tape
from tuiconsole.store.sink import JournalSink

RECORD_SCHEMA = 2
REPLAY, PAPER, LIVE = "replay", "paper", "live"
"""Modes of the live engine: a tape that is played again, and today's market with paper money or with real money."""

TODAY = (PAPER, LIVE)
"""Modes on today's market, whose bars are recorded."""

_CORE = ("engine", "defence", "regimes", "agents", "ensemble", "sizing", "risk", "execution", "protection")
_NOT_CORE = {
    "engine": ("checkpoint_bars", "stall_ms", "machine_code", "slow_cycle_ms"),
    "execution": ("learn_costs",),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a desk will run on.

    Attributes
    ----------
    start, warmup
        Tape positions of the first bar that trades and of the first that warms up.
    opened
        The journal's first row: the binding.
    """

    tape: BarSource
    start: int
    warmup: int
    mode: str
    opened: Opened
    policy: Policy
    settings: Settings

    @property
    def needs(self) -> tuple[str, ...]:
        """Features that a desk of this plan has worked out."""
        return (*self.policy.needs, *protection_needs(self.settings.protection, self.policy.needs))


def load_tape(settings: Settings) -> Tape:
    """The tape that the feed settings name: stored history, a file, or the packaged history.

    Raises :class:`UsageError` for a live feed, which has no tape before it was recorded.
    """
    if settings.feed.feed == "live":
        raise UsageError(
            "A live feed has no past to run on.",
            "Use --feed history after tuiconsole data pull, or --feed replay.",
        )
    return open_tape(settings.feed, settings.history, settings.simulation)


def plan(settings: Settings, tape: Tape, mode: str, policy: Policy | None = None) -> Plan:
    """Decide where trading starts and what the journal is bound to.

    Raises :class:`UsageError` when the start date is no date or lies outside the tape, or when the user's strategy cannot be
    loaded.
    """
    settings = on_tape(settings, tape)
    cursor = replay_from(tape, settings.feed.start, settings.feed.warmup_bars)
    return _bound(settings, tape, mode, cursor.binding, cursor.start, cursor.warmup, policy)


def on_tape(settings: Settings, tape: Tape) -> Settings:
    """``settings`` with as many bars a year as ``tape`` has, when they are shorter than a day and no other number was set."""
    counted = tape.bars_per_year
    if counted is None or settings.engine.bars_per_year != EngineSettings().bars_per_year:
        return settings
    return replace(settings, engine=replace(settings.engine, bars_per_year=counted))


def plan_recorded(settings: Settings, tape: RecordedTape, mode: str, policy: Policy | None = None) -> Plan:
    """The plan of a desk on a recorded tape, whose header says where trading starts and how many bars make a year.

    Raises :class:`TapeDamaged` when the bars of the warm-up were changed, and as :func:`plan` for a user's strategy.
    """
    engine = replace(settings.engine, bars_per_year=tape.header.bars_per_year)
    settings = replace(settings, engine=engine)
    return _bound(settings, tape, mode, tape.binding, tape.header.start, 0, policy)


def plan_again(state: Path, mode: str, settings: Settings) -> Plan:
    """The plan of a desk that was started before, from its mode and settings; its tape is opened for reading."""
    if mode in TODAY:
        return plan_recorded(settings, RecordedTape.open(tape_path(state)), mode)
    return plan(settings, load_tape(settings), mode)


def _bound(
    settings: Settings,
    tape: BarSource,
    mode: str,
    bound: str,
    start: int,
    warmup: int,
    policy: Policy | None,
) -> Plan:
    settings = replace(settings, policy=with_schema(with_source(settings.policy, None), tape.universe))
    policy = policy or make_policy(settings, tape.universe)
    configuration = configuration_digest(settings)
    seed = settings.engine.seed
    desk = ids.desk_id(f"{mode}|{bound}|{configuration}|{seed}".encode())
    opened = Opened(
        schema=RECORD_SCHEMA,
        desk=desk,
        mode=mode,
        tape=bound,
        configuration=configuration,
        seed=seed,
        capital=capital_of(settings),
        symbols=tape.universe.symbols,
        agents=tuple(policy.agent_names),
        sheet=tuple(policy.sheet_names),
        scalars=tuple(policy.scalar_names),
    )
    return Plan(tape, start, warmup, mode, opened, policy, settings)


def make_policy(settings: Settings, universe: Universe) -> Policy:
    """The policy that ``settings`` name, for one universe: the user's strategy, or the ensemble of agents."""
    if settings.policy.strategy:
        return load_strategy(settings.policy, universe)
    return EnsemblePolicy(
        settings.agents, settings.ensemble, settings.sizing, settings.engine.bars_per_year, universe
    )


def capital_of(settings: Settings) -> int:
    """Starting capital in money units."""
    return to_scaled(str(settings.engine.capital), MONEY_DECIMALS)


def configuration_digest(settings: Settings) -> str:
    """Sixteen hex digits over every setting that changes what the desk decides; pace and looks are not among them."""
    content = {name: asdict(getattr(settings, name)) for name in _CORE}
    for section, keys in _NOT_CORE.items():
        for key in keys:
            del content[section][key]
    content.update(policy_content(settings.policy))
    if settings.broker.name:
        content["broker"] = {"name": settings.broker.name}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def make_session(
    chosen: Plan,
    sink: JournalSink,
    on_level: Callable[[LevelChanged], None] | None = None,
    fault: Callable[[str], None] | None = None,
    broker: RemoteBroker | None = None,
) -> Session:
    """A fresh session on ``chosen``, not yet warmed up or recovered; its orders go to ``broker``, else to a paper venue."""
    settings = chosen.settings
    universe = chosen.tape.universe
    desk = Desk(
        universe,
        chosen.policy,
        DeskSettings(
            capital=chosen.opened.capital,
            risk=settings.risk,
            regimes=settings.regimes,
            bars_per_year=settings.engine.bars_per_year,
            first_seq=chosen.start,
            timeframes=Timeframes.of(chosen.policy, chosen.tape),
            execution=settings.execution,
            seed=settings.engine.seed,
            protection=settings.protection,
        ),
    )
    return Session(
        tape=chosen.tape,
        start=chosen.start,
        warmup=chosen.warmup,
        defence=Defence(len(universe), settings.defence),
        desk=desk,
        venue=PaperVenue(universe, settings.execution, SessionEnds.of(chosen.tape))
        if broker is None
        else RemoteVenue(broker),
        sink=sink,
        on_level=on_level,
        fault=fault,
    )
