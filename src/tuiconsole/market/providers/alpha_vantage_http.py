"""One request to Alpha Vantage: a key from the ring, the kept answer where it is fresh, and what a refusal means.

The vendor answers almost everything with HTTP 200 and says in the body what is wrong. No sentence of the
vendor's is passed on: some of them quote the key.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tuiconsole.domain.clock import Clock
from tuiconsole.market.providers.contract import Fault, FaultKind
from tuiconsole.market.providers.key_ring import ApiKey, KeyRing, Purpose, Refusal
from tuiconsole.market.providers.raw_cache import RawCache
from tuiconsole.market.providers.retries import RetryPolicy, retried

NAME = "alpha_vantage"
PRICE_KEYS = (Purpose.PREMIUM_DELAYED, Purpose.MARKET_DATA, Purpose.BACKUP)
DATA_KEYS = (Purpose.MARKET_DATA, Purpose.PREMIUM_DELAYED, Purpose.BACKUP)
NEWS_KEYS = (Purpose.SENTIMENT, Purpose.MARKET_DATA, Purpose.PREMIUM_DELAYED, Purpose.BACKUP)
_HTTP_QUOTA, _HTTP_SERVER = 429, 500
_SPEECH = ("Error Message", "Note", "Information")
_MINUTE_WORDS = ("per minute", "per second", "sparingly")
_QUOTA_WORDS = (
    *_MINUTE_WORDS,
    "per day",
    "daily",
    "rate limit",
    "call frequency",
    "call volume",
    "higher api call",
)


@dataclass(frozen=True)
class _Barred:
    """The vendor refused this key for now."""

    key: ApiKey
    whole_day: bool


@dataclass
class AlphaVantageClient:
    """The vendor's one address.

    Attributes
    ----------
    url
        Where Alpha Vantage is.
    ring
        The user's keys.
    """

    url: str
    ring: KeyRing
    cache: RawCache
    retry: RetryPolicy
    clock: Clock
    timeout_s: float = 20.0
    _http: Any = field(default=None, repr=False)

    def query(
        self,
        function: str,
        params: Mapping[str, str],
        purposes: Sequence[Purpose],
        max_age_s: float,
        *,
        prices: bool = False,
    ) -> dict[str, Any] | Fault:
        """The vendor's answer to ``function``, an object, or a fault.

        Parameters
        ----------
        function, params
            As in the vendor's documentation, without key and entitlement.
        purposes
            Keys of which purposes may be used, in this order.
        max_age_s
            A kept answer up to this many seconds old is taken instead.
        prices
            Prices of a premium plan: asked for with ``entitlement=delayed`` when the key is a premium one.
        """
        name = {"function": function, **params}
        kept = self.cache.get(NAME, name, max_age_s)
        if kept is not None:
            return dict(json.loads(kept))
        answer = retried(lambda: self._attempt(name, purposes, prices), self.retry)
        if not isinstance(answer, Fault):
            self.cache.put(NAME, name, json.dumps(answer).encode())
        return answer

    def answered_ns(self, function: str, params: Mapping[str, str]) -> int:
        """When this was answered last, ns UTC; 0 for never."""
        return self.cache.answered_ns(NAME, {"function": function, **params})

    def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _attempt(
        self, name: Mapping[str, str], purposes: Sequence[Purpose], prices: bool
    ) -> dict[str, Any] | Fault:
        """One request, with the next key where the vendor bars one; each request counts."""
        while True:
            key = self.ring.take(purposes)
            if isinstance(key, Refusal):
                return self._no_key(key, purposes)
            delayed = prices and key.purpose is Purpose.PREMIUM_DELAYED
            answer = self._once({**name, "entitlement": "delayed"} if delayed else name, key)
            if not isinstance(answer, _Barred):
                return answer
            self.ring.bar(answer.key, whole_day=answer.whole_day)

    def _once(self, asked: Mapping[str, str], key: ApiKey) -> dict[str, Any] | Fault | _Barred:
        import httpx

        if self._http is None:
            for name in ("httpx", "httpcore"):  # they would write addresses, and so keys, into a log
                logging.getLogger(name).setLevel(logging.WARNING)
            self._http = httpx.Client(timeout=self.timeout_s, follow_redirects=False)
        try:
            response = self._http.get(self.url, params={**asked, "apikey": key.secret})
        except httpx.TransportError:
            return _fault(
                FaultKind.TRANSIENT, "Alpha Vantage did not answer in time or dropped the connection."
            )
        status = response.status_code
        if status == _HTTP_QUOTA:
            return _Barred(key, whole_day=False)
        if status in (401, 403):
            return _fault(FaultKind.AUTHENTICATION, f"Alpha Vantage refused the key (HTTP {status}).")
        if status >= _HTTP_SERVER:
            return _fault(FaultKind.TRANSIENT, f"Alpha Vantage has trouble of its own (HTTP {status}).")
        try:
            body = response.json()
        except ValueError:
            return _fault(FaultKind.MALFORMED, "Alpha Vantage's answer is not JSON.")
        if not isinstance(body, dict):
            return _fault(FaultKind.MALFORMED, "Alpha Vantage's answer is not an object.")
        return _understood(body, key)

    def _no_key(self, refusal: Refusal, purposes: Sequence[Purpose]) -> Fault:
        if refusal.until_ns:
            sentence = "Alpha Vantage: the requests of every key for this are used up."
            return Fault(FaultKind.QUOTA, NAME, sentence, until_ns=refusal.until_ns)
        wanted = ", ".join(purpose.value for purpose in purposes)
        return _fault(
            FaultKind.AUTHENTICATION,
            f"Alpha Vantage needs a key for one of: {wanted}. Set ALPHAVANTAGE_API_KEY or write keys.toml.",
        )


def _understood(body: dict[str, Any], key: ApiKey) -> dict[str, Any] | Fault | _Barred:
    """What the vendor's body says; its prose is read, never repeated."""
    if not body:
        return _fault(FaultKind.NOT_FOUND, "Alpha Vantage has nothing for it.")
    if len(body) > 1 or not set(body) <= set(_SPEECH):
        return body
    speech = " ".join(str(text) for text in body.values()).lower()
    if "premium endpoint" in speech:
        return _fault(FaultKind.AUTHENTICATION, "Alpha Vantage gives this to premium keys only.")
    if any(words in speech for words in _QUOTA_WORDS):
        return _Barred(key, whole_day=not any(words in speech for words in _MINUTE_WORDS))
    if "apikey" in speech or "api key" in speech:
        return _fault(FaultKind.AUTHENTICATION, "Alpha Vantage does not know the key.")
    return _fault(FaultKind.NOT_FOUND, "Alpha Vantage does not know the symbol, or has nothing for it.")


def _fault(kind: FaultKind, sentence: str) -> Fault:
    return Fault(kind, NAME, sentence)
