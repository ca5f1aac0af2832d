"""The signed head: how many rows there were, their hash, and a signature that cannot be forged.

Two copies exist. The row in table ``head`` changes with every commit; the file ``<state>.head.json`` beside
the store is replaced after each checkpoint and at close, so that a store that was cut short or swapped for an
older one is noticed. Both are signed with HMAC-SHA256 (RFC 2104) under the key in ``<state>.key``, made at
the first opening, mode 0600.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tuiconsole.domain import ids
from tuiconsole.domain.errors import StoreBindingError, StoreError, UsageError
from tuiconsole.store.chain import HASH_BYTES
from tuiconsole.store.connection import sync_directory

KEY_BYTES = 32


class HeadFile(msgspec.Struct, frozen=True):
    """Contents of ``<state>.head.json``; hashes in hexadecimal."""

    rows: int
    head: str
    desk: str
    signature: str


@dataclass(frozen=True, slots=True)
class SignedHead:
    """``rows`` rows ended in ``head``; ``valid`` tells whether the signature is the key's."""

    rows: int
    head: bytes
    valid: bool


def key_path(state: Path) -> Path:
    """Where the signing key of ``state`` lies."""
    return state.with_name(state.name + ".key")


def head_path(state: Path) -> Path:
    """Where the exported head of ``state`` lies."""
    return state.with_name(state.name + ".head.json")


def sign(key: bytes, desk: str, rows: int, head: bytes) -> bytes:
    """HMAC-SHA256 over desk id, row count and head."""
    return hmac.digest(key, desk.encode() + b"\x1f" + rows.to_bytes(8, "little") + head, "sha256")


def read_key(state: Path) -> bytes | None:
    """The signing key, or None when there is none or it is not 32 bytes long."""
    try:
        key = key_path(state).read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == KEY_BYTES else None


def create_key(state: Path) -> bytes:
    """A new key beside ``state``, durable before it is used; an existing sound one is kept."""
    existing = read_key(state)
    if existing is not None:
        return existing
    key = ids.fresh_key()
    _replace(key_path(state), key)
    return key


def export(state: Path, key: bytes, desk: str, rows: int, head: bytes) -> None:
    """Replace ``<state>.head.json`` atomically and durably; ``OSError`` when that fails."""
    write_head(state, HeadFile(rows, head.hex(), desk, sign(key, desk, rows, head).hex()))


def write_head(state: Path, file: HeadFile) -> None:
    """Put ``file`` beside ``state`` atomically and durably; ``OSError`` when that fails."""
    _replace(head_path(state), msgspec.json.encode(file) + b"\n")


def read_head(state: Path, key: bytes | None, desk: str) -> SignedHead | None:
    """The exported head, or None when there is no file. A malformed one counts as signed wrongly."""
    try:
        raw = head_path(state).read_bytes()
    except FileNotFoundError:
        return None
    try:
        file = msgspec.json.decode(raw, type=HeadFile)
        head, signature = bytes.fromhex(file.head), bytes.fromhex(file.signature)
    except (msgspec.MsgspecError, ValueError):
        return SignedHead(0, bytes(HASH_BYTES), valid=False)
    valid = file.desk == desk and 0 <= file.rows < 2**63 and key is not None
    valid = valid and hmac.compare_digest(sign(key or b"", desk, file.rows, head), signature)
    return SignedHead(file.rows, head, valid)


def read_kept(path: Path) -> HeadFile:
    """A signed head kept anywhere; :class:`UsageError` when ``path`` is none."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=HeadFile)
    except (OSError, msgspec.MsgspecError):
        raise UsageError(
            f"{path} is no signed head.", "Name a copy of the .head.json beside a store."
        ) from None
    if not 0 <= file.rows < 2**63:
        raise UsageError(f"{path} counts {file.rows} rows, which no journal has.")
    return file


def rows_exported(state: Path) -> int:
    """Rows that the exported head counts, whoever signed it; 0 when there is no readable head file."""
    found = read_head(state, None, "")
    return 0 if found is None else found.rows


def check_fresh(state: Path) -> None:
    """Refuse to start a new journal where a signed head says that there was one."""
    rows = rows_exported(state)
    if rows:
        raise StoreBindingError(
            f"{state} holds no journal, but its signed head counts {rows} rows.",
            f"Restore {state.name} from a backup, or remove {head_path(state).name} too to start a new desk.",
        )


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    sync_directory(path.parent)


def missing_key(state: Path) -> StoreError:
    """The error for a store whose signing key is gone."""
    return StoreBindingError(
        f"The journal's key {key_path(state)} is missing or damaged, so truncation cannot be ruled out.",
        "Restore it beside the store, or move the store away to start a new desk.",
    )
