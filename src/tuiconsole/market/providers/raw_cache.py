"""What vendors answered, kept on disk as it came, so that nothing is fetched twice."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuiconsole.domain import ids
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock


@dataclass(frozen=True)
class RawCache:
    """Raw answers by request.

    One gzip file per request: a first line with the request and the time of its answer, then the answer's bytes.
    The request never holds a key: what identifies it is given by the caller. A file that cannot be read counts
    as absent.

    Attributes
    ----------
    folder
        Where the files lie; made when first needed.
    clock
        Says how old an answer is.
    """

    folder: Path
    clock: Clock

    def get(self, provider: str, request: Mapping[str, str], max_age_s: float) -> bytes | None:
        """The answer to ``request`` when it is not older than ``max_age_s`` seconds, else None."""
        at, body = self._stored(provider, request)
        age = self.clock.now_ns() - at
        return body if at and 0 <= age <= max_age_s * NANOSECONDS_PER_SECOND else None

    def answered_ns(self, provider: str, request: Mapping[str, str]) -> int:
        """When ``request`` was answered last, ns UTC; 0 when it is not known."""
        return self._stored(provider, request)[0]

    def forget(self, older_than_s: float) -> int:
        """Remove answers that are older than so many seconds; how many were removed."""
        limit = self.clock.now_ns() - int(older_than_s * NANOSECONDS_PER_SECOND)
        old = [path for path in self.folder.rglob("*.json.gz") if path.stat().st_mtime_ns < limit]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _stored(self, provider: str, request: Mapping[str, str]) -> tuple[int, bytes]:
        """Time and bytes of the kept answer; 0 and nothing where there is none that can be read."""
        try:
            stored = gzip.decompress(self._path(provider, request).read_bytes())
            head, _, body = stored.partition(b"\n")
            return int(json.loads(head)["at"]), body
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
            return 0, b""

    def put(self, provider: str, request: Mapping[str, str], body: bytes) -> None:
        """Keep ``body`` as the answer to ``request``: written beside, then renamed into place."""
        path = self._path(provider, request)
        path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps({"at": self.clock.now_ns(), "request": dict(request)}, sort_keys=True)
        beside = path.with_name(f"{path.name}.{ids.fresh_id()}")
        try:
            beside.write_bytes(gzip.compress(head.encode() + b"\n" + body, compresslevel=5, mtime=0))
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def _path(self, provider: str, request: Mapping[str, str]) -> Path:
        text = json.dumps([provider, sorted(request.items())])
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.folder / provider / digest[:2] / f"{digest}.json.gz"


def write_private(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` at once or not at all, readable by the user alone (0600), and make it durable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{ids.fresh_id()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
