"""Whether a live service can be reached at all, found out within a short bound and without a client library."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from tuiconsole.market.live.settings import FeedsSettings
from tuiconsole.market.live.yahoo_http import YAHOO_URL

_PORTS = {"https": 443, "wss": 443}


def reachable(settings: FeedsSettings) -> bool:
    """Whether the service of the best feed takes a connection within ``settings.reach_s`` seconds."""
    place = urlsplit(settings.yahoo_url or YAHOO_URL)
    address = (place.hostname or "", place.port or _PORTS.get(place.scheme, 80))
    found, done = threading.Event(), threading.Event()

    def look() -> None:
        try:
            with suppress(OSError), socket.create_connection(address, settings.reach_s):
                found.set()
        finally:
            done.set()

    # a name server that does not answer may hold the look-up for longer than anybody waits
    threading.Thread(target=look, name="reach", daemon=True).start()
    done.wait(settings.reach_s)
    return found.is_set()
