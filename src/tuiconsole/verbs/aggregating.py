"""The verb data aggregate: coarser bars of stored ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tuiconsole.domain.clock import WallClock, iso
from tuiconsole.market.history.coarsening import coarsen
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.verbs.common import Place
from tuiconsole.verbs.interrupting import interruptible


def run_aggregate(place: Place, interval: str, source: str, symbols: Sequence[str]) -> dict[str, Any]:
    """Make bars of ``interval`` from stored ones; the verb's stable keys."""
    clock = WallClock()
    began = clock.monotonic_ns()
    root = Path(place.config.desk.history.root)
    with interruptible(lambda: "no coarser bars were stored. Start it again."):
        made = coarsen(HistoryStore(root), interval, source, [name.upper() for name in symbols] or None)
    written = made.written
    return {
        "history": str(root),
        "from": made.source,
        "interval": written.interval,
        "symbols": list(made.symbols),
        "kept": list(made.kept),
        "read": made.read,
        "left_out": made.left_out,
        "bars": written.given,
        "new": written.new,
        "changed": written.changed,
        "same": written.same,
        "first": iso(written.first) if written.given else None,
        "last": iso(written.last) if written.given else None,
        "seconds": (clock.monotonic_ns() - began) / 1e9,
    }


def run_import_ticks(place: Place, path: Path, interval: str) -> dict[str, Any]:
    """Make bars of the ticks in ``path``; the verb's stable keys."""
    from tuiconsole.market.imports.ticks import import_ticks

    clock = WallClock()
    began = clock.monotonic_ns()
    root = Path(place.config.desk.history.root)
    with interruptible(lambda: f"nothing of {path} was stored. Start the import again."):
        report = import_ticks(HistoryStore(root), path, interval)
    written = report.written
    return {
        "path": str(path),
        "history": str(root),
        "interval": written.interval,
        "symbols": list(report.symbols),
        "trades": report.trades,
        "quotes": report.quotes,
        "left_out": report.left_out,
        "bars": written.given,
        "new": written.new,
        "changed": written.changed,
        "same": written.same,
        "first": iso(written.first) if written.given else None,
        "last": iso(written.last) if written.given else None,
        "seconds": (clock.monotonic_ns() - began) / 1e9,
    }


def import_ticks_text(body: dict[str, Any]) -> str:
    """The import for people."""
    return (
        f"{body['bars']:,} bars of {body['interval']} from {body['trades']:,} trades and {body['quotes']:,} quotes "
        f"of {len(body['symbols'])} symbols\n  new {body['new']:,}   changed {body['changed']:,}   there already "
        f"{body['same']:,}   ticks left out {body['left_out']:,}\n  {body['seconds']:.2f} s, in {body['history']}"
    )


def aggregate_text(body: dict[str, Any]) -> str:
    """The outcome for people."""
    lines = [
        f"{body['bars']:,} bars of {body['interval']} from {body['read']:,} of {body['from']}, "
        f"{len(body['symbols'])} symbols",
        f"  new {body['new']:,}   changed {body['changed']:,}   there already {body['same']:,}, in {body['history']}",
    ]
    if body["bars"]:
        lines.append(f"  {body['first'][:16]} to {body['last'][:16]}")
    if body["left_out"]:
        lines.append(f"  {body['left_out']:,} bars without a positive close were left out")
    if body["kept"]:
        shown = ", ".join(body["kept"][:8]) + (" …" if len(body["kept"]) > 8 else "")
        lines.append(f"  left alone, for they have bars of {body['interval']} from elsewhere: {shown}")
    return "\n".join(lines)
