"""Yahoo's data service through the yfinance client: its session, cookies and crumbs, its limits and its errors."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tuiconsole.domain.errors import FeedError
from tuiconsole.market.vendor_symbols import vendor_symbol

YAHOO_URL = "https://query2.finance.yahoo.com"
_NOT_FOUND, _TOO_MANY, _SERVER = 404, 429, 500


class YahooHttp:
    """Asks Yahoo for JSON, off the loop.

    Parameters
    ----------
    url
        Address of a gateway that every request goes to instead of Yahoo's hosts; empty for Yahoo itself.
    timeout_s
        Bound of every single request, the handshake's included.
    """

    def __init__(self, url: str, timeout_s: float, connections: int) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(connections)
        self._lock = threading.Lock()
        self._client: Any = None

    @property
    def address(self) -> str:
        """Where requests go."""
        return self._url or YAHOO_URL

    async def json(self, path: str, parameters: dict[str, str]) -> Any:
        """The decoded answer to a GET of ``path``.

        Raises
        ------
        FeedError
            Unreachable, too slow, refused, limited, or no JSON. :class:`SymbolUnknown` for 404.
        """
        async with self._slots:
            bound = 4 * self._timeout_s  # cookie, crumb, the request and its one repetition by the client
            try:
                return await asyncio.wait_for(_off_loop(partial(self._get, path, parameters)), bound)
            except TimeoutError:
                raise FeedError(f"Yahoo did not answer within {bound:g} s.") from None

    def _get(self, path: str, parameters: dict[str, str]) -> Any:
        client = self._opened()
        from yfinance.exceptions import YFException, YFRateLimitError

        try:
            response = client.get(YAHOO_URL + path, params=parameters, timeout=self._timeout_s)
        except YFRateLimitError:
            raise FeedError("Yahoo limits the rate: too many requests (429).") from None
        except YFException as error:
            raise FeedError(f"Yahoo refuses: {error}.") from None
        except _network_errors() as error:
            raise FeedError(f"Yahoo cannot be reached: {_reason(error)}.") from None
        _check_status(response.status_code)
        try:
            return response.json()
        except ValueError:
            raise FeedError("Yahoo's answer is no JSON.") from None

    def _opened(self) -> Any:
        """The client, made on first use; it has one session for all threads."""
        with self._lock:
            if self._client is None:
                from yfinance.data import YfData

                self._client = YfData(session=_session(self._url, self._timeout_s))
            return self._client


def _check_status(status: int) -> None:
    if status == _TOO_MANY:
        raise FeedError("Yahoo limits the rate: too many requests (429).")
    if status >= _SERVER:
        raise FeedError(f"Yahoo has trouble of its own (status {status}).")
    if status == _NOT_FOUND:
        raise SymbolUnknown("Yahoo does not know it (404).")
    if status >= 400:
        raise FeedError(f"Yahoo refuses (status {status}).")


def load_client() -> None:
    """Import the client before any loop or thread runs: it takes long, and several threads at once break it.

    Raises :class:`FeedError` when it is not installed.
    """
    try:
        import websockets.asyncio.client  # noqa: F401 - loaded now, so that it is not loaded in the loop
        import yfinance.data
        import yfinance.live  # noqa: F401
    except ImportError as error:
        raise FeedError(
            f"Live prices need the yfinance package: {error}.",
            "Install tuiconsole with its extra: tuiconsole[feeds]",
        ) from error
    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what goes wrong we tell ourselves


def yahoo_symbol(symbol: str) -> str:
    """Yahoo's name of a house symbol; it has one for everything that the house can name.

    >>> yahoo_symbol("BRK.B")
    'BRK-B'
    """
    return vendor_symbol(symbol, "yahoo") or symbol


class SymbolUnknown(FeedError):
    """The service answers, and does not know this symbol."""


def _session(gateway: str, timeout_s: float) -> Any:
    """A session of the kind the client uses, bounded in time, and led to ``gateway`` when there is one."""
    from curl_cffi import requests

    place = urlsplit(gateway)

    class BoundedSession(requests.Session):  # type: ignore[type-arg]
        """Every request is bounded, whatever the client asks for."""

        def request(self, method: Any, url: str, *given: Any, **options: Any) -> Any:
            """Send one request."""
            options["timeout"] = min(timeout_s, options.get("timeout") or timeout_s)
            if gateway:
                asked = urlsplit(url)
                url = urlunsplit((place.scheme, place.netloc, place.path + asked.path, asked.query, ""))
            return super().request(method, url, *given, **options)

    return BoundedSession(impersonate="chrome")


def _network_errors() -> tuple[type[Exception], ...]:
    from curl_cffi.requests.exceptions import RequestException

    return (RequestException, OSError)


def _reason(error: Exception) -> str:
    return str(error).split(". See", 1)[0].rstrip(".") or type(error).__name__


async def _off_loop(call: Callable[[], Any]) -> Any:
    """Run ``call`` in a thread that nobody waits for when the engine leaves: a request may hang for seconds."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        if not done.done():
            outcome()

    def tell(outcome: Callable[[], None]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, outcome)

    def work() -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001 - kept, not swallowed: whoever awaits the future gets it
            tell(partial(done.set_exception, error))
        else:
            tell(partial(done.set_result, result))

    threading.Thread(target=work, name="yahoo", daemon=True).start()
    return await done
