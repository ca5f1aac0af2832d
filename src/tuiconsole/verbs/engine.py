"""Verbs that run an engine or ask one: headless, status, rearm, resume, stop, agents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import DeskError, EngineError, TapeDamaged
from tuiconsole.engine.ask import REQUEST_ID, NoAnswer, ask
from tuiconsole.engine.supervisor import engine_runs, tell_ready
from tuiconsole.protocol.frames import Done, Request, Shutdown, Status
from tuiconsole.verbs.common import Place

_STOP_POLL_S = 0.02


def run_headless(
    find: Callable[[], Place],
    log: Path | None,
    as_json: bool,
    every_bar: bool,
    ready_fd: int | None,
    exit_at_end: bool = False,
    confirmed: str = "",
) -> None:
    """Run the engine here until it is stopped; whoever spawned it hears of success or of the sentence that stopped it."""
    try:
        from tuiconsole.engine.headless import EngineOptions, run_engine

        place = find()
        run_engine(
            EngineOptions(
                settings=place.config.desk,
                state=place.paths.state,
                speed=place.speed,
                log=log,
                json_log=as_json,
                every_bar=every_bar,
                ready_fd=ready_fd,
                pace=place.pace,
                exit_at_end=exit_at_end,
                confirmed=confirmed,
            )
        )
    except DeskError as error:
        tell_ready(ready_fd, str(error))
        raise


def command(place: Place, request: Callable[[int], Request], timeout_s: float) -> dict[str, Any]:
    """Have the engine carry out one request; its stable keys."""
    answer = ask(place.paths.socket, request(REQUEST_ID), timeout_s)
    if not isinstance(answer, Done):
        raise EngineError(f"The engine gave an unexpected answer: {type(answer).__name__}.")
    return answer.body


def status_of(place: Place, timeout_s: float) -> dict[str, Any]:
    """The status object; of a desk without engine, what its store last knew, with state ``stopped``."""
    try:
        return command(place, Status, timeout_s)
    except NoAnswer:
        if engine_runs(place.paths):
            raise EngineError(
                "An engine runs but does not answer.",
                "Stop it safely with: tuiconsole halt, or tuiconsole kill",
            ) from None
    from tuiconsole.store.readers import last_status

    body = last_status(place.paths.state)
    return {**body, "feed": _last_feed(place.paths.state) or body["feed"]}


def _last_feed(state: Path) -> str:
    """The feed that the last recorded bar came from, and its bars; empty for a desk that recorded nothing readable."""
    from tuiconsole.engine.paths import tape_path
    from tuiconsole.market.live.recorded import RecordedTape

    directory = tape_path(state)
    if not directory.exists():
        return ""
    try:
        tape = RecordedTape.open(directory)
        return f"{tape.recorded(len(tape) - 1).feed} {tape.header.interval}"
    except TapeDamaged:  # verify says so; a status does without it
        return ""


_ORDERS_SHOWN = 8
"""Working orders that the status for people lists at most."""


def _order_text(row: dict[str, Any]) -> str:
    """One working order as a line."""
    prices = "".join(f" {name} {row[name]:,.2f}" for name in ("stop", "limit") if row[name] is not None)
    filled = f", {row['filled']:,g} filled" if row["filled"] else ""
    what = f"{row['side']} {row['quantity']:,g}{filled}"
    kind = "" if row["type"] in ("stop", "limit") else f" {row['type']}"
    return f"{row['symbol']:<6} {what}:{kind}{prices} {row['time_in_force']}, {row['state']} ({row['id']})"


def status_text(body: dict[str, Any]) -> str:
    """The status for people."""
    lines = [
        f"{body['state'].upper()}  {body['mode']} · {body['feed']}  {body['clock']}",
        f"equity {body['equity']:,.2f}  cash {body['cash']:,.2f}  working orders {body['working_orders']}",
    ]
    if body.get("market"):
        lines.append(f"market {body['market']}" + (", data STALE" if body["data_stale"] else ""))
    if body.get("why_stopped"):
        lines.append(f"{body['why_stopped']} {body.get('way_on', '')}".strip())
    unwell = [part for part in body.get("components", ()) if part["state"] != "ok"]
    lines += [f"{part['name']} {part['state'].upper()}: {part['text']}" for part in unwell]
    if body.get("health") == "ok":
        lines.append(f"ok: {', '.join(part['name'] for part in body['components'])}")
    for row in body["positions"]:
        last = f"{row['last_price']:>10,.2f}" if row["last_price"] is not None else " " * 10
        gain = f"{row['unrealised_pnl']:>+12,.2f}" if row["unrealised_pnl"] is not None else ""
        lines.append(
            f"  {row['symbol']:<6} {row['quantity']:>10,g} @ {row['average_price']:>10,.2f}  {last} {gain}"
        )
    lines += [f"  {_order_text(row)}" for row in body.get("orders", ())[-_ORDERS_SHOWN:]]
    lines += [
        f"  parent {row['number']}: {row['symbol']} {row['taken']:+,g} of {row['quantity']:+,g} by {row['algo']}, "
        f"bar {row['bar']} of {row['bars']}"
        for row in body.get("parents", ())
    ]
    agents = ", ".join(
        f"{a['name']}{'' if a['enabled'] else ' (off)'} {a['weight']:.2f}" for a in body["agents"]
    )
    lines.append(f"agents: {agents or 'none'}")
    lines.append(f"journal {body['journal_rows']} rows, head {body['journal_head'][:16]}…")
    return "\n".join(lines)


def stop_engine(place: Place, timeout_s: float) -> dict[str, Any]:
    """Ask the engine to leave and wait until its lock is free."""
    from tuiconsole.engine.lock import EngineLock, wait_for_end

    holder = EngineLock(place.paths.lock).holder()
    if holder is None:
        raise EngineError("No engine runs on this state file.")
    body = command(place, Shutdown, timeout_s)
    if not wait_for_end(holder, timeout_s):
        raise EngineError(f"The engine (process {holder.pid}) has not left after {timeout_s:g} s.")
    return {**body, "engine_pid": holder.pid}


def agents_of(place: Place, timeout_s: float) -> dict[str, Any]:
    """The agents of the running engine, or those known when none runs."""
    from tuiconsole.agents.registry import AGENT_NAMES

    if engine_runs(place.paths):
        rows = {row["name"]: row for row in command(place, Status, timeout_s)["agents"]}
        return {"running": True, "agents": list(rows.values())}
    chosen = place.config.desk.agents.enabled
    rows = {name: {"name": name, "enabled": name in chosen, "weight": None} for name in AGENT_NAMES}
    return {"running": False, "agents": list(rows.values())}


def agents_text(body: dict[str, Any]) -> str:
    """The agents for people."""
    lines = []
    for row in body["agents"]:
        weight = "" if row["weight"] is None else f"weight {row['weight']:.3f}"
        lines.append(f"{'[x]' if row['enabled'] else '[ ]'} {row['name']:<28} {weight}".rstrip())
    if not body["running"]:
        lines.append("No engine runs: this is what the configuration enables.")
    return "\n".join(lines)


def known_agent(name: str) -> None:
    """Refuse a word that is no agent, naming those that are."""
    from tuiconsole.agents.registry import create
    from tuiconsole.agents.settings import AgentSettings

    create(name, AgentSettings())
