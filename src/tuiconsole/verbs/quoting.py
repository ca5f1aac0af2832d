"""The verb quoting: a market maker's quotes on recorded order books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from tuiconsole.domain.clock import WallClock, iso
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.rng import generator
from tuiconsole.execution.queue_position import QueueName
from tuiconsole.execution.quoting import QuotingModel, simulate_quoting
from tuiconsole.execution.settings import BookVenueSettings
from tuiconsole.market.imports.books import open_books
from tuiconsole.research.quoting import QuotingPlan, QuotingStudy
from tuiconsole.verbs.common import Place

STEPS = 200
"""Steps of a simulated path."""


def run_quoting(
    place: Place,
    paths: Sequence[Path],
    symbol: str,
    plan: QuotingPlan,
    venue: BookVenueSettings,
) -> dict[str, Any]:
    """Play ``paths`` with quotes; the verb's stable keys."""
    if not paths:
        raise UsageError(
            "quoting needs a recording, or --simulate PATHS.", "See data import-books for what is read."
        )
    clock = WallClock()
    began = clock.monotonic_ns()
    settings = place.config.desk
    feed, events = open_books(paths)
    study = QuotingStudy(plan, venue, settings.risk, settings.engine.capital, symbol)
    result = asdict(study.run(feed, events))
    result["first"], result["last"] = iso(study.result.first), iso(study.result.last)
    return {
        "paths": [str(path) for path in paths],
        "exchange": feed.name,
        "queue": venue.queue,
        **result,
        "seconds": (clock.monotonic_ns() - began) / 1e9,
    }


def run_quoting_model(model: QuotingModel, paths: int, seed: int) -> dict[str, Any]:
    """What the model itself says of such quotes: leaning against inventory, and around the middle; stable keys."""
    found: dict[str, Any] = {"model": asdict(model), "paths": paths, "seed": seed}
    for name, leaning in (("leaning", True), ("symmetric", False)):
        outcome = simulate_quoting(model, paths, STEPS, generator(seed, "quoting", name), leaning=leaning)
        found[name] = {
            "spread": outcome.spread,
            "profit": float(outcome.profit.mean()),
            "profit_deviation": float(outcome.profit.std()),
            "inventory": float(outcome.inventory.mean()),
            "inventory_deviation": float(outcome.inventory.std()),
        }
    return found


def quoting_model_text(body: dict[str, Any]) -> str:
    """The model's answer for people."""
    lines = [
        f"{body['paths']:,} simulated paths of one unit of time in {STEPS} steps, seed {body['seed']}",
        "             spread    profit  deviation  inventory  deviation",
    ]
    for name in ("leaning", "symmetric"):
        one = body[name]
        lines.append(
            f"{name:<10} {one['spread']:>8.4f} {one['profit']:>9.4f} {one['profit_deviation']:>10.4f} "
            f"{one['inventory']:>10.4f} {one['inventory_deviation']:>10.4f}"
        )
    return "\n".join(lines)


def plan_of(gamma: float, decay: float, size: float, every: float, horizon: float, most: int) -> QuotingPlan:
    """The plan that the options name; prices in ticks, time in seconds."""
    return QuotingPlan(QuotingModel(gamma, 1.0, decay), size, every, horizon, most)


def venue_of(queue: str, latency_ms: float, maker_bps: float) -> BookVenueSettings:
    """The venue that the options name; another queue than it knows raises :class:`UsageError`."""
    known = next((one for one in get_args(QueueName) if one == queue), None)
    if known is None:
        raise UsageError(f"--queue is {queue!r}, expected fifo, power or log.")
    late = round(latency_ms * 1e6)
    return BookVenueSettings(maker_bps=maker_bps, submit_ns=late, cancel_ns=late, queue=known)


def quoting_text(body: dict[str, Any]) -> str:
    """The outcome for people."""
    per_fill = (body["captured"] - body["moved"] - body["fees"]) / max(body["fills"], 1)
    return "\n".join(
        [
            f"{body['symbol']}  {body['first']} to {body['last']}, {body['events']:,} events, queue {body['queue']}",
            f"  quotes {body['quotes']:,}   refused {body['refused']:,}   cancels {body['cancels']:,}   "
            f"fills {body['fills']:,} for {body['volume']:g}",
            f"  captured {body['captured']:,.4f}   moved against in a second {body['moved']:,.4f}   fees {body['fees']:,.4f}"
            f"   each fill {per_fill:,.4f}",
            f"  profit {body['profit']:,.4f}   inventory {body['inventory']:g}, at most {body['most_inventory']:g}",
            f"  {body['seconds']:.1f} s; a paper study on a recording: the market did not see these quotes",
        ]
    )
