"""The hash chain: every row's hash covers its payload, its number and everything before it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

GENESIS = bytes(32)
"""What stands before the first row."""

HASH_BYTES = 32
ROW_NUMBER_BYTES = 8


def link(previous: bytes, row: int, payload: bytes) -> bytes:
    """SHA-256 of ``previous`` (32 bytes), ``row`` (8 bytes, little-endian) and ``payload``.

    >>> link(GENESIS, 1, b"").hex()[:16]
    '19ea44be89eece0f'
    """
    return sha256(previous + row.to_bytes(ROW_NUMBER_BYTES, "little") + payload).digest()


class Chain:
    """The head of a growing journal.

    Parameters
    ----------
    head
        Hash of the last row, 32 bytes; :data:`GENESIS` before any.
    rows
        Rows so far; the next row's number is ``rows + 1``.

    Examples
    --------
    >>> chain = Chain()
    >>> chain.push(b"") == link(GENESIS, 1, b""), chain.rows
    (True, 1)
    """

    __slots__ = ("head", "rows")

    def __init__(self, head: bytes = GENESIS, rows: int = 0) -> None:
        if len(head) != HASH_BYTES or rows < 0:
            raise ValueError(f"a chain needs a head of {HASH_BYTES} bytes and no negative row count")
        self.head = head
        self.rows = rows

    def push(self, payload: bytes) -> bytes:
        """Add a row; returns its hash, the new head."""
        self.rows = row = self.rows + 1
        self.head = head = sha256(self.head + row.to_bytes(ROW_NUMBER_BYTES, "little") + payload).digest()
        return head

    def push_all(self, payloads: memoryview, row_end: Iterable[int], before: int) -> None:
        """Add many rows at once, as :meth:`push` would one by one.

        Parameters
        ----------
        payloads
            The rows' bytes, with ``before`` others that are no part of the chain before each row's.
        row_end
            Where each row ends in ``payloads``.
        """
        head, row, start = self.head, self.rows, before
        for end in row_end:
            row += 1
            hashed = sha256(head + row.to_bytes(ROW_NUMBER_BYTES, "little"))
            hashed.update(payloads[start:end])
            head = hashed.digest()
            start = end + before
        self.head, self.rows = head, row
