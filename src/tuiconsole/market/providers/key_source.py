"""Where keys come from: the environment, or one file that only its owner may read. Never from ``config.toml``."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import ConfigError
from tuiconsole.market.providers.key_ring import ApiKey, Purpose
from tuiconsole.market.settings import ProviderSettings

ALPACA_ID, ALPACA_SECRET = "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"
ALPHA_VANTAGE_ONE, ALPHA_VANTAGE_MANY = "ALPHAVANTAGE_API_KEY", "ALPHAVANTAGE_API_KEYS"
_FORM = 'Write each key as [[alpha_vantage]] with key = "…" and purpose = "market_data".'


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of the user; their secrets are not shown by ``repr``."""

    alpaca_id: str = field(default="", repr=False)
    alpaca_secret: str = field(default="", repr=False)
    alpha_vantage: tuple[ApiKey, ...] = ()


def load_keys(settings: ProviderSettings, path: Path, environment: Mapping[str, str]) -> Keys:
    """The keys of the environment, then those of the file at ``path`` when there is one.

    The environment: ``APCA_API_KEY_ID`` and ``APCA_API_SECRET_KEY``; ``ALPHAVANTAGE_API_KEY`` for one free key;
    ``ALPHAVANTAGE_API_KEYS`` for several, as ``purpose:key`` separated by commas.

    Raises :class:`ConfigError` when the file can be read by others than its owner, or is malformed.
    """
    found = _from_file(settings, path) if path.exists() else Keys()
    ring = [*_from_environment(settings, environment), *found.alpha_vantage]
    once = {key.secret: key for key in reversed(ring)}
    return Keys(
        environment.get(ALPACA_ID, "") or found.alpaca_id,
        environment.get(ALPACA_SECRET, "") or found.alpaca_secret,
        tuple(key for key in ring if once.get(key.secret) is key),
    )


def _from_environment(settings: ProviderSettings, environment: Mapping[str, str]) -> list[ApiKey]:
    keys: list[ApiKey] = []
    one = environment.get(ALPHA_VANTAGE_ONE, "").strip()
    for word in filter(None, (w.strip() for w in environment.get(ALPHA_VANTAGE_MANY, "").split(","))):
        purpose, colon, secret = word.partition(":")
        if not colon or not secret.strip():
            raise ConfigError(
                f"{ALPHA_VANTAGE_MANY} must hold purpose:key separated by commas.",
                "For example premium_delayed:KEY1,backup:KEY2.",
            )
        keys.append(_key(settings, secret.strip(), purpose.strip(), {}, ALPHA_VANTAGE_MANY))
    if one:
        keys.append(_key(settings, one, Purpose.MARKET_DATA.value, {}, ALPHA_VANTAGE_ONE))
    return keys


def _from_file(settings: ProviderSettings, path: Path) -> Keys:
    with path.open("rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"The key file {path} may be read or written by others (mode {mode:04o}), so it is not used.",
                f"Run: chmod 600 {path}",
            )
        try:
            found = tomllib.load(file)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            raise ConfigError(f"The key file {path} is not valid TOML.", _FORM) from None
    unknown = sorted(set(found) - {"alpaca", "alpha_vantage"})
    if unknown:
        raise ConfigError(f"The key file {path} has an unknown section [{unknown[0]}].", _FORM)
    alpaca, ring = found.get("alpaca", {}), found.get("alpha_vantage", [])
    if not isinstance(alpaca, dict) or not isinstance(ring, list):
        raise ConfigError(f"The key file {path} is not in the expected form.", _FORM)
    keys = [_key_of_table(settings, table, path.name) for table in ring]
    return Keys(_word(alpaca, "key_id", path.name), _word(alpaca, "secret_key", path.name), tuple(keys))


def _key_of_table(settings: ProviderSettings, table: object, where: str) -> ApiKey:
    if not isinstance(table, dict) or not _word(table, "key", where):
        raise ConfigError(f"{where}: an [[alpha_vantage]] entry has no key.", _FORM)
    limits = {name: table[name] for name in ("per_minute", "per_day") if name in table}
    for name, value in limits.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise ConfigError(f"{where}: {name} must be a whole number of requests, 0 for no limit.")
    return _key(settings, table["key"], table.get("purpose", Purpose.MARKET_DATA.value), limits, where)


def _key(
    settings: ProviderSettings, secret: str, purpose: object, limits: Mapping[str, int], where: str
) -> ApiKey:
    try:
        use = Purpose(purpose)
    except ValueError:
        known = ", ".join(one.value for one in Purpose)
        raise ConfigError(f"{where}: a key has an unknown purpose.", f"Known purposes: {known}.") from None
    paid = use is Purpose.PREMIUM_DELAYED
    per_minute = settings.premium_per_minute if paid else settings.free_per_minute
    per_day = settings.premium_per_day if paid else settings.free_per_day
    return ApiKey(secret, use, limits.get("per_minute", per_minute), limits.get("per_day", per_day))


def _word(table: Mapping[str, Any], name: str, where: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {name} must be text in quotes.")
    return value.strip()
