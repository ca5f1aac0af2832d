"""Builds a session from settings: which tape, which start, which policy, and what the journal is bound to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from tuiconsole.domain import ids
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_DECIMALS, to_scaled
from tuiconsole.domain.policy import Policy
from tuiconsole.domain.records import LevelChanged, Opened
from tuiconsole.engine.desk import Desk, DeskSettings
from tuiconsole.engine.pipeline import EnsemblePolicy
from tuiconsole.engine.policies import content as policy_content
from tuiconsole.engine.policies import load_strategy, with_source
from tuiconsole.engine.session import Session
from tuiconsole.engine.settings import Settings
from tuiconsole.execution.paper import PaperVenue
from tuiconsole.market.defence import Defence
from tuiconsole.market.replay import open_tape, replay_from
from tuiconsole.market.tape import Tape
from tuiconsole.store.sink import JournalSink

RECORD_SCHEMA = 2
_CORE = ("engine", "defence", "regimes", "agents", "ensemble", "sizing", "risk", "execution")
_NOT_CORE = {"engine": ("checkpoint_bars", "stall_ms")}


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

    tape: Tape
    start: int
    warmup: int
    mode: str
    opened: Opened
    policy: Policy
    settings: Settings


def load_tape(settings: Settings) -> Tape:
    """The tape that the feed settings name: stored history, a file, or the packaged history."""
    return open_tape(settings.feed, settings.history)


def plan(settings: Settings, tape: Tape, mode: str, policy: Policy | None = None) -> Plan:
    """Decide where trading starts and what the journal is bound to.

    Raises :class:`UsageError` when the start date is no date or lies outside the tape, or when the user's strategy cannot be
    loaded.
    """
    settings = replace(settings, policy=with_source(settings.policy, None))
    cursor = replay_from(tape, settings.feed.start, settings.feed.warmup_bars)
    policy = policy or make_policy(settings, tape.universe)
    configuration = configuration_digest(settings)
    bound = cursor.binding
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
    return Plan(tape, cursor.start, cursor.warmup, mode, opened, policy, settings)


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
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def make_session(
    chosen: Plan,
    sink: JournalSink,
    on_level: Callable[[LevelChanged], None] | None = None,
    fault: Callable[[str], None] | None = None,
) -> Session:
    """A fresh session on ``chosen``, not yet warmed up or recovered."""
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
        ),
    )
    return Session(
        tape=chosen.tape,
        start=chosen.start,
        warmup=chosen.warmup,
        defence=Defence(len(universe), settings.defence),
        desk=desk,
        venue=PaperVenue(universe, settings.execution),
        sink=sink,
        on_level=on_level,
        fault=fault,
    )
