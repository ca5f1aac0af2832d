"""Requests to Alpaca through the alpaca-py client, and its answers as values.

The client's own waiting and repeating are switched off: what may be asked again, and when, is the broker's decision. Errors
of the client hold the request with its keys, so none of them is kept, logged or chained.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.errors import UsageError
from tuiconsole.execution.brokers.remote_orders import Answer, Said

_LIMITED, _SERVER = 429, 500
_SAID = {401: Said.LOCKED, 404: Said.MISSING, _LIMITED: Said.LIMITED}
_LOCKED = "Alpaca refused the key."
_FIRST_WAIT_S = 1.0
_PAGE = 100
_MOST_PAGES = 50
_MOST_ORDERS = 500

Body = Mapping[str, Any]


def load_client() -> Any:
    """The client's class for trading; :class:`UsageError` when the package is not installed."""
    try:
        from alpaca.trading.client import TradingClient
    except ImportError:
        raise UsageError(
            "Trading with Alpaca needs the alpaca-py package, which is not installed.",
            "Install it with: pip install 'tuiconsole[feeds]'",
        ) from None
    return TradingClient


class AlpacaRest:
    """One connection to Alpaca's trading API; used by one thread.

    Parameters
    ----------
    paper
        Whether the keys are those of a paper account.
    url
        Address of a server that stands for Alpaca; empty for Alpaca itself.
    """

    def __init__(
        self, key_id: str, secret: str, paper: bool, url: str, timeout_s: float, clock: Clock
    ) -> None:
        client = load_client()(key_id, secret, paper=paper, raw_data=True, url_override=url or None)
        client._retry = 0
        request = client._session.request
        client._session.request = lambda *args, **kwargs: request(*args, timeout=timeout_s, **kwargs)
        self._client = client
        self._clock = clock

    def close(self) -> None:
        """Close the connection; a request that is under way ends with no answer."""
        self._client._session.close()

    # ---- orders ---------------------------------------------------------------------------------------------

    def send(self, body: Body) -> Answer:
        """A new order."""
        return self._ask(lambda: self._client.post("/orders", dict(body)))

    def change(self, venue_id: str, body: Body) -> Answer:
        """A replacement of an order."""
        return self._ask(lambda: self._client.patch(f"/orders/{venue_id}", dict(body)))

    def cancel(self, venue_id: str) -> Answer:
        """Cancel an order."""
        return self._ask(lambda: self._client.delete(f"/orders/{venue_id}"))

    def order(self, venue_id: str) -> Answer:
        """An order with its legs, by Alpaca's id."""
        return self._ask(lambda: self._client.get(f"/orders/{venue_id}", {"nested": "true"}), dict)

    def order_of(self, client_id: str) -> Answer:
        """An order by our id."""
        wanted = {"client_order_id": client_id, "nested": "true"}
        return self._ask(lambda: self._client.get("/orders:by_client_order_id", wanted), dict)

    def orders(self, status: str, until: str = "") -> Answer:
        """The newest orders that are ``open`` or ``all``, at most 500, with their legs; those submitted before ``until``."""
        wanted = {"status": status, "limit": str(_MOST_ORDERS), "nested": "true", "direction": "desc"}
        if until:
            wanted["until"] = until
        return self._ask(lambda: self._client.get("/orders", wanted), list)

    # ---- the account ----------------------------------------------------------------------------------------

    def fills(self, after: str) -> Answer:
        """All executions after a moment (ISO 8601), oldest first."""
        found: list[Any] = []
        token = ""
        for _ in range(_MOST_PAGES):
            wanted = {"after": after, "direction": "asc", "page_size": str(_PAGE)}
            if token:
                wanted["page_token"] = token
            answer = self._page(wanted)
            if answer.said is not Said.DONE:
                return answer
            found += answer.body
            if len(answer.body) < _PAGE:
                return Answer(Said.DONE, found)
            token = str(answer.body[-1].get("id", ""))
        return Answer(Said.DONE, found)

    def _page(self, wanted: Body) -> Answer:
        return self._ask(lambda: self._client.get("/account/activities/FILL", dict(wanted)), list)

    def positions(self) -> Answer:
        """What is held."""
        return self._ask(lambda: self._client.get("/positions"), list)

    def account(self) -> Answer:
        """The account."""
        return self._ask(lambda: self._client.get("/account"), dict)

    def market_clock(self) -> Answer:
        """Alpaca's clock: its time, and whether the market is open."""
        return self._ask(lambda: self._client.get("/clock"), dict)

    # ---- answers --------------------------------------------------------------------------------------------

    def _ask(self, call: Callable[[], Any], kind: type | None = None) -> Answer:
        from alpaca.common.exceptions import APIError
        from requests.exceptions import RequestException

        try:
            body = call()
        except APIError as error:
            return self._refused(error)
        except RequestException as error:  # also what is no JSON
            return Answer(Said.SILENT, text=f"no answer from Alpaca ({type(error).__name__})")
        if kind is not None and not isinstance(body, kind):
            return Answer(Said.SILENT, text="Alpaca's answer cannot be read")
        return Answer(Said.DONE, body)

    def _refused(self, error: Any) -> Answer:
        status = int(error.status_code or 0)
        if status >= _SERVER or status == 0:
            return Answer(Said.SILENT, text=f"Alpaca has trouble of its own (HTTP {status})")
        said = _SAID.get(status, Said.REFUSED)
        if said is Said.LOCKED:
            return Answer(said, text=_LOCKED)
        text = f"{_sentence(error)} (HTTP {status})"
        return Answer(said, _code(error), text, self._after(error) if said is Said.LIMITED else 0.0)

    def _after(self, error: Any) -> float:
        headers = error.response.headers if error.response is not None else {}
        wait, reset = str(headers.get("Retry-After", "")), str(headers.get("X-RateLimit-Reset", ""))
        if wait.replace(".", "", 1).isdigit():
            return float(wait)
        if reset.isdigit():
            return max(_FIRST_WAIT_S, self._clock.seconds_until(int(reset) * NANOSECONDS_PER_SECOND))
        return _FIRST_WAIT_S


def _sentence(error: Any) -> str:
    said = _said(error)
    text = str(said.get("message", "")).strip()
    if said.get("reject_reason"):
        text = f"{text}: {said['reject_reason']}"
    return f"Alpaca: {text}" if text else "Alpaca refused it"


def _code(error: Any) -> int:
    code = _said(error).get("code", 0)
    return code if isinstance(code, int) else 0


def _said(error: Any) -> dict[str, Any]:
    try:
        said = json.loads(str(error))
    except json.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
