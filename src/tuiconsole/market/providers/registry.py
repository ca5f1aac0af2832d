"""Which vendors there are, and how each is made from the settings and the user's keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain.clock import Clock
from tuiconsole.domain.errors import UsageError
from tuiconsole.market.providers.alpaca import AlpacaProvider
from tuiconsole.market.providers.alpha_vantage import AlphaVantageProvider
from tuiconsole.market.providers.alpha_vantage_http import AlphaVantageClient
from tuiconsole.market.providers.contract import BarProvider, RangeFreshness
from tuiconsole.market.providers.key_ring import KeyRing
from tuiconsole.market.providers.key_source import Keys
from tuiconsole.market.providers.raw_cache import RawCache
from tuiconsole.market.providers.retries import RetryPolicy
from tuiconsole.market.providers.yahoo import YahooProvider
from tuiconsole.market.settings import ProviderSettings
from tuiconsole.market.vendor_symbols import VENDORS

NO_KEY_NEEDED = ("yahoo",)


@dataclass(frozen=True)
class Workshop:
    """All that vendors are made from.

    Attributes
    ----------
    cache_folder
        Where raw answers are kept.
    usage_file
        Where the use of Alpha Vantage keys is kept.
    sleep
        Waits so many seconds.
    """

    settings: ProviderSettings
    keys: Keys
    cache_folder: Path
    usage_file: Path
    clock: Clock
    sleep: Callable[[float], None]

    @property
    def cache(self) -> RawCache:
        """The store of raw answers."""
        return RawCache(self.cache_folder, self.clock)

    @property
    def freshness(self) -> RangeFreshness:
        """How long answers last."""
        chosen = self.settings
        return RangeFreshness(self.clock, chosen.cache_hours * 3_600.0, chosen.cache_minutes_recent * 60.0)

    @property
    def retry(self) -> RetryPolicy:
        """How often to ask again."""
        chosen = self.settings
        return RetryPolicy(chosen.attempts, chosen.wait_initial_s, chosen.wait_max_s)

    def ring(self) -> KeyRing:
        """The user's Alpha Vantage keys and what was used of them."""
        keys, pause = self.keys.alpha_vantage, self.settings.rotation_s
        return KeyRing(keys, self.usage_file, self.clock, self.sleep, pause)

    def alpha_vantage(self) -> AlphaVantageClient:
        """The client that every Alpha Vantage request goes through."""
        url, limit = self.settings.alpha_vantage_url, self.settings.timeout_s
        return AlphaVantageClient(url, self.ring(), self.cache, self.retry, self.clock, limit)

    def providers(self, only: str = "") -> list[BarProvider]:
        """The vendors to ask, in order; those whose key the user has not given are left out.

        Raises :class:`UsageError` when ``only`` is no vendor, or when no vendor is left.
        """
        if only and only not in VENDORS:
            raise UsageError(f"Unknown vendor {only!r}.", f"Known: {', '.join(VENDORS)}.")
        names = (only,) if only else self.settings.order()
        usable = [name for name in names if only or self.has_key(name)]
        if not usable:
            raise UsageError(
                f"No key is known for {' or '.join(names)}.",
                "Set APCA_API_KEY_ID and APCA_API_SECRET_KEY, or ALPHAVANTAGE_API_KEY, or write keys.toml.",
            )
        return [self._make(name) for name in usable]

    def has_key(self, name: str) -> bool:
        """Whether the vendor called ``name`` can be asked."""
        if name == "alpaca":
            return bool(self.keys.alpaca_id and self.keys.alpaca_secret)
        return name in NO_KEY_NEEDED or bool(self.keys.alpha_vantage)

    def _make(self, name: str) -> BarProvider:
        chosen, limit = self.settings, self.settings.timeout_s
        common = (self.cache, self.freshness, self.retry, self.clock, limit)
        if name == "yahoo":
            return YahooProvider(chosen.yahoo_url, self.cache_folder / "yahoo-client", *common)
        if name == "alpaca":
            keys = self.keys
            return AlpacaProvider(
                chosen.alpaca_url, chosen.alpaca_feed, keys.alpaca_id, keys.alpaca_secret, *common
            )
        return AlphaVantageProvider(
            self.alpha_vantage(), self.freshness, self.clock, chosen.alpha_vantage_label
        )
