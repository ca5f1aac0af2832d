"""Alpaca's stream of trade updates, through the alpaca-py client, in a thread of its own.

The client's own loop logs refused keys as tracebacks, never tells that it is connected, and takes seconds to stop; its parts
are used here: connect, authenticate, listen, decode.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 30.0
_CLOSE_S = 1.0
_REFUSED = "failed to authenticate"


def quiet_logger() -> logging.Logger:
    """A logger for websockets that never writes frames down: the first one holds the keys."""
    logger = logging.getLogger("tuiconsole.alpaca")
    logger.setLevel(logging.WARNING)
    return logger


class AlpacaUpdates:
    """Listens for as long as it is open, and connects again by itself.

    Parameters
    ----------
    up, down
        Told, from the stream's thread, that updates flow, and that they do not and why.
    update
        Told of every update: the ``data`` of a ``trade_updates`` message.
    url
        Websocket address of a server that stands for Alpaca; empty for Alpaca itself.
    """

    def __init__(
        self,
        key_id: str,
        secret: str,
        paper: bool,
        url: str,
        timeout_s: float,
        up: Callable[[], None],
        down: Callable[[str], None],
        update: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._key_id, self._secret, self._paper = key_id, secret, paper
        self._url = url
        self._timeout_s = timeout_s
        self._up, self._down, self._update = up, down, update
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alpaca updates", daemon=True)
        self.malformed = 0

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()
        self._begun.wait()

    def close(self, timeout_s: float) -> bool:
        """Stop to listen; False when the thread has not ended within ``timeout_s``."""
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._task.cancel)
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        async def main() -> None:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            self._begun.set()
            await self._keep_listening()

        with suppress(asyncio.CancelledError):
            asyncio.run(main())

    async def _keep_listening(self) -> None:
        from websockets.exceptions import WebSocketException

        pause = _FIRST_PAUSE_S
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, WebSocketException) as error:
                trouble = f"the connection to Alpaca's updates was lost ({type(error).__name__})"
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                refused = str(error) == _REFUSED
                trouble = (
                    "Alpaca refused the key" if refused else "Alpaca's stream said what cannot be understood"
                )
            else:
                pause, trouble = _FIRST_PAUSE_S, "Alpaca closed the connection of its updates"
            self._down(trouble)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        """One connection, until the server ends it."""
        from alpaca.trading.stream import TradingStream
        from websockets.exceptions import ConnectionClosed

        client: Any = TradingStream(
            self._key_id,
            self._secret,
            paper=self._paper,
            raw_data=True,
            url_override=self._url,
            websocket_params={"ping_interval": 10, "ping_timeout": 30, "logger": quiet_logger()},
        )
        client.subscribe_trade_updates(self._take)
        try:
            await asyncio.wait_for(client._start_ws(), self._timeout_s)
            with suppress(ConnectionClosed):
                while True:
                    await self._next(client)
        finally:
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(client.close(), _CLOSE_S)

    async def _next(self, client: Any) -> None:
        said = await client._ws.recv()
        try:
            message = json.loads(said)
            if message.get("stream") == "listening":
                self._up()
            await client._dispatch(message)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            self.malformed += 1
            self._up()  # requests find what the message said

    async def _take(self, message: Mapping[str, Any]) -> None:
        self._update(message["data"])
