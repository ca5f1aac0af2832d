"""Corporate actions and ticker spans beside the bars: two small files, each replaced as a whole."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tuiconsole.domain.errors import DataError
from tuiconsole.market.actions import Action, TickerMap, TickerSpan
from tuiconsole.market.history.manifest import Manifest

ACTIONS, TICKERS = "actions", "tickers"


def read_actions(root: Path, manifest: Manifest) -> tuple[Action, ...]:
    """All stored actions, by symbol and ex-day."""
    return msgspec.json.decode(_content(root, manifest, ACTIONS), type=tuple[Action, ...])


def read_spans(root: Path, manifest: Manifest) -> tuple[TickerSpan, ...]:
    """All stored ticker spans."""
    return msgspec.json.decode(_content(root, manifest, TICKERS), type=tuple[TickerSpan, ...])


def ticker_map(root: Path, manifest: Manifest) -> TickerMap:
    """Which instrument a ticker meant when."""
    return TickerMap(read_spans(root, manifest))


def _content(root: Path, manifest: Manifest, name: str) -> bytes:
    file = manifest.tables.get(name)
    return b"[]" if file is None else (root / file).read_bytes()


def write_table(root: Path, name: str, seq: int, rows: Sequence[Action] | Sequence[TickerSpan]) -> str:
    """Write ``rows`` as a new file and make its content durable; answers its name under ``root``."""
    file = f"tables/{name}-{seq:08d}.json"
    path = root / file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as opened:
            opened.write(msgspec.json.encode(rows))
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise DataError(f"The history cannot be written to {root}: {error.strerror}.") from error
    return file


def merged_actions(
    stored: Sequence[Action], given: Sequence[Action]
) -> tuple[tuple[Action, ...], tuple[int, int, int]]:
    """Both together, a given one replacing the stored one of its symbol, day and kind; and how many were new, changed, same."""
    held = {(a.symbol, a.ex_day, a.kind): a for a in stored}
    new = changed = same = 0
    for action in given:
        key = (action.symbol, action.ex_day, action.kind)
        before = held.get(key)
        new += before is None
        same += before == action
        changed += before is not None and before != action
        held[key] = action
    return tuple(held[key] for key in sorted(held)), (new, changed, same)


def merged_spans(
    stored: Sequence[TickerSpan], given: Sequence[TickerSpan]
) -> tuple[tuple[TickerSpan, ...], tuple[int, int, int]]:
    """Both together; the spans given of an instrument replace all that were stored of it."""
    told = {span.instrument for span in given}
    kept = [span for span in stored if span.instrument not in told]
    known = set(stored)
    same = sum(span in known for span in given)
    replaced = {span.instrument for span in stored} & told
    changed = sum(span not in known and span.instrument in replaced for span in given)
    rows = tuple(sorted({*kept, *given}, key=lambda s: (s.instrument, s.first)))
    return rows, (len(given) - same - changed, changed, same)
