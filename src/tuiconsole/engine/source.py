"""Where a desk's market comes from, decided once at start: a live feed, or a tape that is played again.

The order with ``feed = "auto"``: what the state file is bound to; the data of configured brokers, once there are brokers; a
live feed, if the configuration lets the desk use the network and the service takes a connection within a second; the packaged
history. A desk that began on today's market is never continued on an old tape, nor the other way round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.errors import FeedError, StoreBindingError, UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.engine.access import alpaca_prices
from tuiconsole.engine.build import LIVE, PAPER, REPLAY, Plan, load_tape, plan, plan_recorded
from tuiconsole.engine.live import LivePacer
from tuiconsole.engine.pacing import Pacer, TapePacer
from tuiconsole.engine.paths import tape_path
from tuiconsole.engine.settings import Settings
from tuiconsole.market.history.manifest import load_manifest
from tuiconsole.market.live.failover import FeedLine
from tuiconsole.market.live.reach import reachable
from tuiconsole.market.live.recorded import RecordedBar, RecordedTape, TapeHeader
from tuiconsole.market.live.registry import make_feeds
from tuiconsole.market.live.schedule import Schedule, load_schedule
from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.universes.instruments import told, universe_of
from tuiconsole.market.universes.lists import find_list

_MORE_TRIES = 2
_REPLAY_INSTEAD = "To play the packaged history instead: --feed replay"
_RECORDED = {"replay": "a replay", "history": "the history", "simulated": "a simulated market"}


@dataclass(frozen=True)
class Market:
    """What an engine will run on: the plan of its desk, and who says when the next bar is played."""

    plan: Plan
    pacer: Pacer
    feeds: FeedLine | None
    told: str

    async def close(self) -> None:
        """Leave the feeds."""
        if self.feeds is not None:
            await self.feeds.close()


def open_market(settings: Settings, state: Path, clock: Clock, speed: float, pace: float) -> Market:
    """Decide where the market comes from, and open it.

    Raises
    ------
    FeedError
        A live feed was asked for by name, and none has any history to begin with.
    StoreBindingError
        The state file belongs to the other kind of desk.
    UsageError
        A broker is to trade a market that is over.
    """
    mode, why = decide(settings, state, reachable)
    if mode == PAPER:
        try:
            return _open_live(settings, state, clock, why)
        except FeedError as error:
            if settings.feed.feed != "auto":
                raise FeedError(str(error), _REPLAY_INSTEAD) from error
            why = f"no live feed: {error}"
    if settings.broker.name:
        raise UsageError(
            f"A broker trades today's market, and there is none here: {why}.",
            "Name a live feed, or take the broker out of the configuration.",
        )
    tape = load_tape(settings)
    return Market(plan(settings, tape, REPLAY), TapePacer(speed, pace), None, why)


def decide(settings: Settings, state: Path, reach: Callable[[FeedsSettings], bool]) -> tuple[str, str]:
    """``(mode, why)``: the decision that is made once, at start; ``reach`` is asked only when it matters.

    Raises :class:`StoreBindingError` when a live feed is asked for and the state file belongs to a replay.
    """
    wanted = settings.feed.feed
    recorded = tape_path(state).exists()
    if wanted in _RECORDED:
        return REPLAY, f"the configuration asks for {_RECORDED[wanted]}"
    if recorded:
        return PAPER, "the state file belongs to a live desk"
    if state.exists():
        if wanted == "live":
            raise StoreBindingError(
                f"{state} belongs to a replay, not to a live desk.", "Name another file with --state."
            )
        return REPLAY, "the state file belongs to a replay"
    if wanted == "live":
        return PAPER, "the configuration asks for a live feed"
    if not settings.feeds.network:
        return REPLAY, "the configuration allows no network"
    if reach(settings.feeds):
        return PAPER, f"{settings.feeds.order[0]} can be reached"
    return REPLAY, f"{settings.feeds.order[0]} cannot be reached"


def _open_live(settings: Settings, state: Path, clock: Clock, why: str) -> Market:
    directory = tape_path(state)
    known = RecordedTape.open(directory, writing=True) if directory.exists() else None
    feeds_settings, instruments = _live_market(settings, known)
    access = alpaca_prices(settings)
    schedule = load_schedule(feeds_settings.calendar, feeds_settings.bar_seconds, clock.now_ns())
    if known is None:
        first = make_feeds(feeds_settings, instruments.symbols, schedule, clock, access)
        tape = asyncio.run(_begin_tape(directory, first, schedule, clock, feeds_settings, instruments))
    else:
        _require_same(known.header, feeds_settings, instruments.symbols, state)
        tape = known
    feeds = make_feeds(feeds_settings, instruments.symbols, schedule, clock, access)
    pacer = LivePacer(tape, feeds, schedule, clock, feeds_settings)
    mode = LIVE if settings.broker.live else PAPER
    return Market(plan_recorded(settings, tape, mode), pacer, feeds, why)


def _live_market(settings: Settings, known: RecordedTape | None) -> tuple[FeedsSettings, Universe]:
    """What is traded, and ``[feeds]`` with its calendar: what the configuration names, else what the tape holds already.

    Raises :class:`UsageError` when nothing has the universe's name, or its symbols are in more than one currency.
    """
    feeds, named = settings.feeds, settings.feed.universe
    if feeds.symbols:
        return feeds, universe_of(feeds.symbols)
    if not named.strip():
        if known is None:
            return feeds, packaged_tape().universe
        return replace(feeds, calendar=known.header.calendar), known.universe
    history = settings.history
    stored = load_manifest(Path(history.root).expanduser()).universes
    chosen = find_list(named, stored, Path(history.universes).expanduser())
    instruments = universe_of(chosen.symbols, chosen)
    calendars = {one.venue for one in instruments.instruments}
    return replace(feeds, calendar=calendars.pop() if len(calendars) == 1 else feeds.calendar), instruments


async def _begin_tape(
    directory: Path,
    feeds: FeedLine,
    schedule: Schedule,
    clock: Clock,
    settings: FeedsSettings,
    instruments: Universe,
) -> RecordedTape:
    """A new tape that begins with the feed's own history, for the warm-up."""
    now = clock.now_ns()
    settle = settings.close_settle_s if schedule.daily else settings.settle_s
    until = schedule.last_end(now - int(settle * NANOSECONDS_PER_SECOND))
    try:
        history = await feeds.history(settings.warmup_bars, until)
        for _ in range(_MORE_TRIES):
            if history.complete:
                break
            history = await feeds.history(settings.warmup_bars, until)
    except FeedError as error:
        reasons = " ".join(status.text for status in getattr(error, "news", ()))
        raise FeedError(f"{error} {reasons}".strip()) from error
    finally:
        await feeds.close()
    header = TapeHeader(
        name=f"{feeds.family} {settings.bar}",
        family=feeds.family,
        interval=settings.bar,
        calendar=settings.calendar,
        timezone=schedule.timezone,
        symbols=instruments.symbols,
        start=len(history.bars),
        bars_per_year=schedule.bars_per_year,
        listed=told(instruments),
    )
    warm_up = [RecordedBar(bars, now, feeds.name) for bars in history.bars]
    return RecordedTape.create(directory, header, warm_up)


def _require_same(header: TapeHeader, settings: FeedsSettings, symbols: tuple[str, ...], state: Path) -> None:
    """Refuse to record another market on a tape."""
    for what, has, wanted in (
        ("bars of", header.interval, settings.bar),
        ("the calendar", header.calendar, settings.calendar),
        ("the symbols", " ".join(header.symbols), " ".join(symbols)),
    ):
        if has != wanted:
            raise StoreBindingError(
                f"The desk of {state} records {what} {has}, not {wanted}.",
                "Set [feeds] as it was, or name another file with --state.",
            )
