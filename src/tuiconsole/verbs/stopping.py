"""Pause, halt and kill: ask the engine first, act without it when it does not answer."""

from __future__ import annotations

from typing import Any

from tuiconsole.domain.errors import EngineError, ProtocolError
from tuiconsole.domain.ids import fresh_id
from tuiconsole.engine.ask import REQUEST_ID, Refusal, ask
from tuiconsole.protocol.frames import Done, Halt, Kill, Pause, Request, Status
from tuiconsole.verbs.common import Place, plain_text


def stop_desk(verb: str, place: Place, reason: str, timeout_s: float) -> dict[str, Any]:
    """Carry out ``verb`` (pause, halt or kill); the report's ``path`` says whether by the engine or directly.

    A refusal to pause or halt by a living engine (already halted, say) is an answer, never a cause to fence it. An
    engine that cannot carry out a kill (its store has failed) is fenced, and the book flattened without it.
    """
    trip, reason = fresh_id(), plain_text(reason)
    try:
        answer = ask(place.paths.socket, _request(verb, trip, reason), timeout_s)
    except Refusal as refusal:
        if verb == "kill":
            return _direct(verb, place, trip, reason)
        return {"state": _state(place, timeout_s), "path": "engine", "note": str(refusal)}
    except (
        EngineError,
        ProtocolError,
    ):  # no sensible answer, or no private directory to look for a socket in
        return _direct(verb, place, trip, reason)
    body = answer.body if isinstance(answer, Done) else {}
    if verb == "kill" and not body.get("flat"):
        return _direct(verb, place, trip, reason)
    return {"path": "engine", **body}


def _state(place: Place, timeout_s: float) -> str:
    answer = ask(place.paths.socket, Status(REQUEST_ID), timeout_s)
    return str(answer.body["state"]) if isinstance(answer, Done) else ""


def _request(verb: str, trip: str, reason: str) -> Request:
    if verb == "pause":
        return Pause(REQUEST_ID, reason)
    if verb == "halt":
        return Halt(REQUEST_ID, reason)
    return Kill(REQUEST_ID, trip, reason)


def _direct(verb: str, place: Place, trip: str, reason: str) -> dict[str, Any]:
    from tuiconsole.domain.events import CommandKind
    from tuiconsole.engine.direct import direct_stop

    kind = CommandKind[verb.upper()]
    return direct_stop(place.paths, kind, trip, reason, place.config.desk).as_json()


def stop_text(verb: str, body: dict[str, Any]) -> str:
    """The report for people."""
    if body.get("note"):
        return str(body["note"])
    if body.get("text"):
        return str(body["text"])
    how = (
        ""
        if body["path"] == "engine"
        else " The engine did not answer: it was ended and the stop done directly."
    )
    if verb != "kill":
        return f"The desk is {body.get('state') or verb + 'ed'}.{how}"
    if body["flat"]:
        return (
            f"Killed: the latch is set, {body['cancelled']} working orders cancelled, the book is flat.{how}"
        )
    return f"NOT FLAT: the latch is set, but {', '.join(body['remaining'])} could not be closed.{how}"
