"""Where a verb works: which configuration, which state file, which feed."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tuiconsole.config import Config, load
from tuiconsole.domain.errors import ConfigError, UsageError
from tuiconsole.engine.pacing import parse_pace
from tuiconsole.engine.paths import DeskPaths
from tuiconsole.engine.settings import Settings
from tuiconsole.market.intervals import canonical_interval
from tuiconsole.market.live.settings import BAR_SECONDS, FEED_NAMES
from tuiconsole.market.settings import PACKAGED, FeedSettings

_NAMED_FEEDS = ("auto", "replay", "history", "simulated", "live")


@dataclass(frozen=True)
class Place:
    """Configuration and files of one desk, after the command line had its say."""

    config: Config
    config_path: Path | None
    paths: DeskPaths
    speed: float
    arguments: tuple[str, ...]
    pace: float = 0.0

    @classmethod
    def of(
        cls,
        config: Path | None,
        state: Path | None,
        feed: str | None,
        speed: float | None,
        start: str | None,
        policy: str | None = None,
        parameters: Sequence[str] = (),
        universe: str | None = None,
        interval: str | None = None,
        pace: str | None = None,
    ) -> Place:
        """The place named by these options; each may be None.

        Raises :class:`ConfigError` or :class:`UsageError` with one sentence.
        """
        path = config or default_config()
        loaded = load(path)
        settings = _located(loaded.desk, path)
        if feed is not None:
            settings = _with_feed(settings, feed)
        settings = _chosen(settings, universe, interval)
        if start is not None:
            settings = replace(settings, feed=replace(settings.feed, start=start))
        settings = _with_policy(settings, policy, parameters, path)
        where = (state or default_state(path)).expanduser()
        bars_per_second = settings.feed.bars_per_second if speed is None else speed
        chosen_pace = settings.feed.pace if pace is None and speed is None else pace or ""
        arguments = _arguments(path, feed, settings.feed.path, speed, start)
        if policy is not None:
            arguments += ("--policy", settings.policy.strategy)
        for option, value in (("--universe", universe), ("--interval", interval)):
            arguments += () if value is None else (option, value)
        for parameter in parameters:
            arguments += ("--set", parameter)
        if pace is not None:
            arguments += ("--pace", pace)
        scale = parse_pace(chosen_pace) if chosen_pace else 0.0
        return cls(
            replace(loaded, desk=settings), path, DeskPaths.of(where), bars_per_second, arguments, scale
        )

    @classmethod
    def for_stop(cls, config: Path | None, state: Path | None) -> Place:
        """The place that a stop works on; a broken configuration never stands in the way of one."""
        try:
            return cls.of(config, state, None, None, None)
        except ConfigError:
            path = config or default_config()
            where = (state or default_state(path)).expanduser()
            return cls(Config(), path, DeskPaths.of(where), 0.0, ())


def _with_policy(
    settings: Settings, policy: str | None, parameters: Sequence[str], config: Path | None
) -> Settings:
    """``settings`` with the strategy of the command line, or the configured one, at an absolute path."""
    chosen = settings.policy
    if policy is not None:
        chosen = replace(chosen, strategy=_absolute(policy, Path()), parameters=())
    elif chosen.strategy and config is not None:
        chosen = replace(chosen, strategy=_absolute(chosen.strategy, config.absolute().parent))
    if parameters:
        if not chosen.strategy:
            raise UsageError("--set changes a strategy of your own.", "Name it with --policy FILE:CLASS.")
        chosen = replace(chosen, parameters=(*chosen.parameters, *parameters))
    return replace(settings, policy=chosen)


def _absolute(strategy: str, folder: Path) -> str:
    file, colon, name = strategy.rpartition(":")
    return f"{(folder / Path(file).expanduser()).absolute()}:{name}" if colon and file else strategy


def _located(settings: Settings, config: Path | None) -> Settings:
    """``settings`` with the paths of data made absolute: an engine and a direct stop may run in any directory."""
    base = default_state(config).absolute().parent
    root = base / Path(settings.history.root).expanduser()
    lists = base / Path(settings.history.universes).expanduser()
    settings = replace(settings, history=replace(settings.history, root=str(root), universes=str(lists)))
    beside = config.absolute().parent if config is not None else Path.cwd()
    keys = beside / Path(settings.providers.keys_file or "keys.toml").expanduser()
    settings = replace(settings, providers=replace(settings.providers, keys_file=str(keys)))
    recorded = settings.simulation.calibrate
    if recorded not in ("", PACKAGED) and config is not None:
        absolute = config.absolute().parent / Path(recorded).expanduser()
        settings = replace(settings, simulation=replace(settings.simulation, calibrate=str(absolute)))
    if not settings.feed.path or config is None:
        return settings
    path = config.absolute().parent / Path(settings.feed.path).expanduser()
    return replace(settings, feed=replace(settings.feed, path=str(path)))


def _chosen(settings: Settings, universe: str | None, interval: str | None) -> Settings:
    """``settings`` with the symbols and the length of bars of the command line: of live prices, or from the history."""
    if settings.feed.feed != "live":
        return replace(settings, feed=_stored(settings.feed, universe, interval))
    if universe is not None:
        settings = replace(settings, feed=replace(settings.feed, universe=universe))
    if interval is not None:
        bar: Any = canonical_interval(interval)
        if bar not in BAR_SECONDS:
            raise UsageError(f"There are no live bars of {bar}.", f"Live bars: {', '.join(BAR_SECONDS)}.")
        settings = replace(settings, feeds=replace(settings.feeds, bar=bar))
    return settings


def _stored(settings: FeedSettings, universe: str | None, interval: str | None) -> FeedSettings:
    """``settings`` of a feed from the history when symbols or a length of bars are named."""
    if universe is None and interval is None:
        return settings
    if settings.feed != "history" and settings.path:
        raise UsageError(
            "--universe and --interval choose from the history.", "Drop them, or use --feed history."
        )
    chosen = replace(settings, feed="history")
    chosen = chosen if universe is None else replace(chosen, universe=universe)
    return chosen if interval is None else replace(chosen, interval=interval)


def _with_feed(settings: Settings, feed: str) -> Settings:
    """``settings`` with the feed that the command line names: a word, a live feed, or a file to replay."""
    if feed in _NAMED_FEEDS:
        named: Any = feed
        return replace(settings, feed=replace(settings.feed, feed=named))
    if feed in FEED_NAMES:
        live = replace(settings.feeds, order=(feed,))
        return replace(settings, feed=replace(settings.feed, feed="live"), feeds=live)
    path = Path(feed).expanduser()
    if not path.exists() and "." not in feed and os.sep not in feed:
        known = ", ".join((*_NAMED_FEEDS, *FEED_NAMES))
        raise UsageError(f"Unknown feed {feed!r}.", f"Known: {known}, or the path of a CSV or Parquet file.")
    return replace(settings, feed=replace(settings.feed, feed="replay", path=str(path.absolute())))


def _arguments(
    config: Path | None, feed: str | None, file: str, speed: float | None, start: str | None
) -> tuple[str, ...]:
    """The options that make a spawned engine work on the same place; paths made absolute."""
    found: list[str] = []
    if config is not None:
        found += ["--config", str(config.absolute())]
    if feed is not None:
        found += ["--feed", feed if feed in _NAMED_FEEDS or feed in FEED_NAMES else file]
    if speed is not None:
        found += ["--speed", str(speed)]
    if start is not None:
        found += ["--start", start]
    return tuple(found)


def default_config() -> Path | None:
    """``./config.toml``, else the one in the user's configuration directory, else None."""
    here = Path("config.toml")
    if here.is_file():
        return here
    import platformdirs

    own = platformdirs.user_config_path("tuiconsole") / "config.toml"
    return own if own.is_file() else None


def default_state(config: Path | None) -> Path:
    """``state.db`` beside the configuration, else in the user's state directory."""
    if config is not None:
        return config.parent / "state.db"
    import platformdirs

    return platformdirs.user_state_path("tuiconsole", ensure_exists=True) / "state.db"


def plain_text(text: str) -> str:
    """``text`` of the command line with what is no UTF-8 replaced, so that it can be sent and journalled.

    >>> plain_text("caf\udcff")
    'caf?'
    """
    return text.encode(errors="replace").decode()


def plain(value: Any) -> Any:
    """``value`` with every non-finite number as None and every container a plain one: fit for JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value
