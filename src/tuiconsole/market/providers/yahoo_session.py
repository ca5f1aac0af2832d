"""The HTTP session under the Yahoo client: one address for its requests, a store of raw answers, the last status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND

if TYPE_CHECKING:
    from curl_cffi.requests import Session

    from tuiconsole.market.providers.contract import Freshness
    from tuiconsole.market.providers.raw_cache import RawCache

YAHOO_URL = "https://query2.finance.yahoo.com"
CHART = "/v8/finance/chart/"
_OK = 200


class Exchanges:
    """What the session saw of the requests for charts.

    Attributes
    ----------
    status
        HTTP status of the last one that was answered; 0 before any.
    retry_after_s
        Seconds after which the vendor asked to be tried again; 0 when it did not say.
    empty
        The last one was sound and held no bars, as for a weekend.
    """

    def __init__(self) -> None:
        self.status = 0
        self.retry_after_s = 0.0
        self.empty = False

    def forget(self) -> None:
        """Begin a new request."""
        self.status, self.retry_after_s, self.empty = 0, 0.0, False

    def saw(self, response: Any) -> None:
        """Note the answer to a request for a chart."""
        self.status = int(response.status_code)
        wait = str(response.headers.get("retry-after") or "")
        self.retry_after_s = float(wait) if wait.isdigit() else 0.0
        chart = _chart(response)
        self.empty = bool(chart) and "timestamp" not in chart and chart.get("indicators") == {"quote": [{}]}


def yahoo_session(base_url: str, cache: RawCache, freshness: Freshness, seen: Exchanges) -> Session[Any]:
    """A session for the Yahoo client.

    Parameters
    ----------
    base_url
        Where Yahoo is. With any address but the vendor's own, every request of the client, cookies and crumbs
        too, goes to that host with the path and query it would have had.
    cache, freshness
        Answers about charts with a range are kept, and taken from here while they are fresh.
    seen
        Is told the status of each request for a chart.
    """
    from curl_cffi.requests import Response, Session

    there = None if base_url.rstrip("/") == YAHOO_URL else urlsplit(base_url)

    class KeepingSession(Session[Any]):
        """Answers from the store where it can, and notes what happened where it cannot."""

        def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Any:
            meant = urlsplit(url)
            params = kwargs.get("params") or {}
            kept = meant.path.startswith(CHART) and "period2" in params
            name = {str(k): str(v) for k, v in params.items() if k != "crumb"} | {"path": meant.path}
            if kept:
                body = cache.get("yahoo", name, freshness(int(params["period2"]) * NANOSECONDS_PER_SECOND))
                if body is not None:
                    answer = _answer(Response(), url, body)
                    seen.saw(answer)
                    return answer
            if there is not None:
                path = there.path.rstrip("/") + meant.path
                url = urlunsplit((there.scheme, there.netloc, path, meant.query, ""))
            response = super().request(method, url, *args, **kwargs)
            if meant.path.startswith(CHART):
                seen.saw(response)
            if kept and response.status_code == _OK and _chart(response):
                cache.put("yahoo", name, response.content)
            return response

    return KeepingSession(impersonate="chrome")


def _answer(response: Any, url: str, body: bytes) -> Any:
    response.url, response.status_code, response.content, response.ok = url, _OK, body, True
    return response


def _chart(response: Any) -> dict[str, Any]:
    """The chart in an answer; empty when there is none, and then it is not worth keeping."""
    try:
        chart = response.json()["chart"]["result"][0]
        return dict(chart) if chart["meta"] else {}
    except (ValueError, KeyError, TypeError, IndexError):
        return {}
