"""The ring of Alpha Vantage keys: which key may be used now, for what, and when the next one may.

Any number of keys, each with a purpose and its limits per minute and per day. Days begin at the vendor's
midnight, New York time. What was used is kept in a small file beside the desk's state (0600, replaced
atomically) under a fingerprint of each key, so a restart forgets nothing and the file holds no secret.
"""

from __future__ import annotations

import enum
import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.market.calendar import NEW_YORK, zone
from tuiconsole.market.providers.raw_cache import write_private

_MINUTE_NS = 60 * NANOSECONDS_PER_SECOND
_SCHEMA = 1


class Purpose(enum.Enum):
    """What a key was bought for."""

    PREMIUM_DELAYED = "premium_delayed"
    """A paid plan: asks with ``entitlement=delayed`` where prices are concerned."""
    MARKET_DATA = "market_data"
    BACKUP = "backup"
    """Used when the others of a request's purposes are used up."""
    SENTIMENT = "sentiment"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key; its secret is not shown by ``repr``.

    Attributes
    ----------
    secret
        What is sent to the vendor.
    per_minute, per_day
        Requests allowed; 0 means no limit.
    """

    secret: str = field(repr=False)
    purpose: Purpose
    per_minute: int
    per_day: int

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits that tell keys apart without telling the key."""
        return hashlib.sha256(b"tuiconsole key\x00" + self.secret.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No key may be used now.

    Attributes
    ----------
    until_ns
        When the first one may be used again, ns UTC; 0 when there is no key for the purpose at all.
    """

    until_ns: int


@dataclass
class _Usage:
    """What one key has been used for.

    Attributes
    ----------
    day
        New York date of ``used``.
    recent
        Times (ns UTC) of the requests of the last minute.
    barred_until
        The vendor itself said that nothing goes before this moment (ns UTC).
    """

    day: str = ""
    used: int = 0
    recent: list[int] = field(default_factory=list)
    barred_until: int = 0


class KeyRing:
    """Hands out keys in turn.

    Parameters
    ----------
    keys
        All keys, in the order in which they are preferred.
    path
        The usage file.
    clock, sleep
        Time, and how to wait for it (seconds); both injected.
    rotation_s
        Least time between two requests when the second uses another key, or a key of fewer than
        ``60 / rotation_s`` requests per minute.
    patience_s
        A wait up to this long is waited; a longer one is a :class:`Refusal`.
    """

    def __init__(
        self,
        keys: Sequence[ApiKey],
        path: Path,
        clock: Clock,
        sleep: Callable[[float], None],
        rotation_s: float = 2.5,
        patience_s: float = 65.0,
    ) -> None:
        self._keys = tuple(keys)
        self._path = path
        self._clock = clock
        self._sleep = sleep
        self._rotation_ns = int(rotation_s * NANOSECONDS_PER_SECOND)
        self._patience_ns = int(patience_s * NANOSECONDS_PER_SECOND)

    def take(self, purposes: Sequence[Purpose]) -> ApiKey | Refusal:
        """A key for the first of ``purposes`` that has one free soon, counted as used once; waits for it.

        "Soon" is within the ring's patience. Among keys of one purpose the one that is free first wins, then the
        order of the ring. A key is counted before it is used: a request that dies still counts, as it may for
        the vendor.
        """
        candidates = [
            (rank, key) for rank, use in enumerate(purposes) for key in self._keys if key.purpose is use
        ]
        if not candidates:
            return Refusal(0)
        while True:
            with self._locked() as usage:
                now = self._clock.now_ns()
                choices = [(self._free_at(key, usage, now), rank, key) for rank, key in candidates]
                at, _, key = min(choices, key=lambda c: (c[0] - now > self._patience_ns, c[1], c[0]))
                if at <= now:
                    self._count(key, usage, now)
                    return key
            if at - now > self._patience_ns:
                return Refusal(min(choice[0] for choice in choices))
            self._sleep((at - now) / NANOSECONDS_PER_SECOND)

    def bar(self, key: ApiKey, *, whole_day: bool) -> int:
        """The vendor refused ``key``: leave it alone for a minute, or until midnight; returns until when (ns UTC)."""
        with self._locked() as usage:
            now = self._clock.now_ns()
            until = next_midnight(now) if whole_day else now + _MINUTE_NS
            _of(usage, key).barred_until = until
            self._save(usage)
        return until

    def used_today(self, key: ApiKey) -> int:
        """Requests made with ``key`` since the vendor's midnight."""
        with self._locked() as usage:
            mine = _of(usage, key)
            return mine.used if mine.day == vendor_day(self._clock.now_ns()) else 0

    def _free_at(self, key: ApiKey, usage: dict[str, _Usage], now: int) -> int:
        """The first moment (ns UTC) at which ``key`` may be used."""
        mine = _of(usage, key)
        at = max(now, mine.barred_until)
        if key.per_day and mine.day == vendor_day(now) and mine.used >= key.per_day:
            at = max(at, next_midnight(now))
        recent = [ts for ts in mine.recent if ts > now - _MINUTE_NS]
        if key.per_minute and len(recent) >= key.per_minute:
            at = max(at, sorted(recent)[-key.per_minute] + _MINUTE_NS)
        last_key, last = max(
            ((name, max(one.recent)) for name, one in usage.items() if one.recent),
            key=lambda pair: pair[1],
            default=("", 0),
        )
        slow = key.per_minute and key.per_minute * self._rotation_ns <= _MINUTE_NS
        if last and (slow or last_key != key.fingerprint):
            at = max(at, last + self._rotation_ns)
        return at

    def _count(self, key: ApiKey, usage: dict[str, _Usage], now: int) -> None:
        mine = _of(usage, key)
        today = vendor_day(now)
        if mine.day != today:
            mine.day, mine.used = today, 0
        mine.used += 1
        mine.recent = [ts for ts in mine.recent if ts > now - _MINUTE_NS] + [now]
        self._save(usage)

    @contextmanager
    def _locked(self) -> Iterator[dict[str, _Usage]]:
        """The usage of all keys, held against other processes; the file is read afresh each time."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f"{self._path.name}.lock").open("ab") as lock:
            fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
            yield self._load()

    def _load(self) -> dict[str, _Usage]:
        """The stored usage; a damaged file counts as a whole day used, which is the side that costs no money."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            return {name: _Usage(**one) for name, one in stored["keys"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError):
            today = vendor_day(self._clock.now_ns())
            return {key.fingerprint: _Usage(today, key.per_day) for key in self._keys}

    def _save(self, usage: dict[str, _Usage]) -> None:
        content = {
            name: {"day": u.day, "used": u.used, "recent": u.recent, "barred_until": u.barred_until}
            for name, u in sorted(usage.items())
        }
        write_private(self._path, json.dumps({"schema": _SCHEMA, "keys": content}) + "\n")


def _of(usage: dict[str, _Usage], key: ApiKey) -> _Usage:
    return usage.setdefault(key.fingerprint, _Usage())


def vendor_day(ts: int) -> str:
    """New York date of ``ts`` (ns UTC): the day on which the vendor counts.

    >>> vendor_day(3 * 3600 * 10**9)
    '1969-12-31'
    """
    return _new_york(ts).date().isoformat()


def next_midnight(ts: int) -> int:
    """The next midnight of New York after ``ts``; both ns UTC.

    >>> next_midnight(0) // 10**9
    18000
    """
    tomorrow = _new_york(ts).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone(NEW_YORK))
    return int(midnight.timestamp()) * NANOSECONDS_PER_SECOND


def _new_york(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // NANOSECONDS_PER_SECOND, UTC).astimezone(zone(NEW_YORK))
