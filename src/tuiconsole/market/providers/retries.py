"""Asking again after a transient fault, with waits that grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tuiconsole.market.providers.contract import Fault, FaultKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to ask, and how long to wait between two times.

    Attributes
    ----------
    attempts
        Times to ask in all.
    wait_initial_s, wait_max_s
        The first wait, doubled each time up to the longest one, with up to one initial wait of jitter.
    """

    attempts: int = 4
    wait_initial_s: float = 1.0
    wait_max_s: float = 30.0


class _Again(Exception):
    """Carries a transient fault through the retry loop."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.sentence)
        self.fault = fault


def retried(call: Callable[[], T | Fault], policy: RetryPolicy) -> T | Fault:
    """``call()``, asked again while it answers with a transient fault; at last its answer, whatever it is."""
    import stamina

    try:
        for attempt in stamina.retry_context(
            on=_Again,
            attempts=policy.attempts,
            timeout=None,
            wait_initial=policy.wait_initial_s,
            wait_max=policy.wait_max_s,
            wait_jitter=policy.wait_initial_s,
        ):
            with attempt:
                answer = call()
                if isinstance(answer, Fault) and answer.kind is FaultKind.TRANSIENT:
                    raise _Again(answer)
                return answer
    except _Again as last:
        return last.fault
    raise AssertionError("a retry loop ends with an answer or a fault")
