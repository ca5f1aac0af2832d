"""Keys of vendors and brokers, read when they are needed and kept by nobody else."""

from __future__ import annotations

import os
from pathlib import Path

from tuiconsole.engine.settings import Settings
from tuiconsole.market.live.alpaca_bars import AlpacaAccess
from tuiconsole.market.providers.key_source import Keys, load_keys


def keys_of(settings: Settings) -> Keys:
    """The user's keys: those of the environment, then those of the key file.

    Raises :class:`ConfigError` when others may read the key file.
    """
    named = settings.providers.keys_file or "keys.toml"
    return load_keys(settings.providers, Path(named).expanduser(), os.environ)


def alpaca_prices(settings: Settings) -> AlpacaAccess | None:
    """What Alpaca's live feeds need; None when no such feed is in the order."""
    feeds, providers = settings.feeds, settings.providers
    if not {"alpaca", "alpaca-stream"} & set(feeds.order):
        return None
    keys = keys_of(settings)
    stock_feed = providers.alpaca_feed if providers.alpaca_feed in ("iex", "sip") else "iex"
    return AlpacaAccess(
        keys.alpaca_id,
        keys.alpaca_secret,
        providers.alpaca_url,
        feeds.alpaca_stream_url,
        stock_feed,
        feeds.timeout_s,
    )
