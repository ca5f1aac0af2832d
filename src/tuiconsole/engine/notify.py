"""Telling systemd how the engine does: ready, alive, stopping (sd_notify(3)), by one datagram each."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks to the service supervisor named in ``environment``; silent where there is none.

    Attributes
    ----------
    watchdog_s
        Seconds within which the supervisor wants to hear :meth:`alive`; 0 when it does not care.
    """

    def __init__(self, environment: Mapping[str, str], pid: int) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        wanted = environment.get("WATCHDOG_USEC", "")
        mine = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
        self.watchdog_s = int(wanted) / 1e6 if self._address and mine and wanted.isdecimal() else 0.0

    @classmethod
    def of_process(cls) -> Notifier:
        """For this process; children do not inherit the address."""
        found = cls(os.environ, os.getpid())
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
            os.environ.pop(name, None)
        return found

    def ready(self, text: str) -> None:
        """The engine serves from now on."""
        self._send(f"READY=1\nSTATUS={text}")

    def alive(self, text: str) -> None:
        """The loop turns; to be called more often than every :attr:`watchdog_s`."""
        self._send(f"WATCHDOG=1\nSTATUS={text}")

    def stopping(self, text: str) -> None:
        """The engine is leaving."""
        self._send(f"STOPPING=1\nSTATUS={text}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
                line.sendto(message.encode(), self._address)
        except OSError:
            return  # a supervisor that does not listen is no reason to stop trading; its watchdog will tell
