"""Identifiers. Order ids derive from their intent, so a retry cannot become a second order."""

from __future__ import annotations

import hashlib
import os
import re

_ORDER = re.compile(r"^(?:(?P<desk>[0-9a-f]{8})-)?(?P<number>[1-9][0-9]{0,17})(?:r[1-9][0-9]{0,8})?$")


def desk_id(binding: bytes) -> str:
    """Eight hex digits that name one desk: a hash of what its store is bound to (mode, tape, configuration)."""
    return hashlib.sha256(binding).hexdigest()[:8]


def client_order_id(desk: str, order_number: int, revision: int = 0) -> str:
    """The id a broker sees. Same desk and intent, same id; a replacement has one of its own that names the order replaced.

    >>> client_order_id("00ff00ff", 17), client_order_id("00ff00ff", 17, 2)
    ('00ff00ff-17', '00ff00ff-17r2')
    """
    return f"{desk}-{order_number}r{revision}" if revision else f"{desk}-{order_number}"


def parse_order_id(text: str) -> tuple[str | None, int] | None:
    """``(desk or None, order number)`` of a full or short order id, or None when it is neither; a replacement's is its order's.

    >>> parse_order_id("17")
    (None, 17)
    """
    match = _ORDER.match(text.strip().lower())
    if match is None:
        return None
    return match["desk"], int(match["number"])


def execution_number(text: str) -> int:
    """A stable positive 63-bit number for a broker's textual execution id, used to recognise duplicates."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def fresh_id() -> str:
    """Sixteen random hex digits for things that start outside the core (a kill, a client); never used inside it."""
    return os.urandom(8).hex()


def fresh_key() -> bytes:
    """Thirty-two random bytes for signing; from the operating system."""
    return os.urandom(32)
