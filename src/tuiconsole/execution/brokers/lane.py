"""A thread that makes a broker's requests, the urgent ones first, and the budget of requests that a venue allows."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock

Job = Callable[[], float | None]
"""What a lane carries out; seconds after which it is to be called again, or None when it is done."""


class Lane:
    """Carries jobs out one after the other, away from whoever asks for them.

    Parameters
    ----------
    failed
        Told of an error that no job should raise; the lane ends then.
    """

    def __init__(self, name: str, clock: Clock, failed: Callable[[Exception], None]) -> None:
        self._clock = clock
        self._failed = failed
        self._jobs: list[tuple[int, int, int, Job]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._running = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def post(self, job: Job, urgent: bool = False, after_s: float = 0.0) -> None:
        """Have ``job`` carried out, after so many seconds, and before everything that is not urgent."""
        due = self._clock.monotonic_ns() + int(after_s * NANOSECONDS_PER_SECOND)
        with self._changed:
            self._jobs.append((0 if urgent else 1, next(self._count), due, job))
            self._changed.notify_all()

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing is left that is due; False when the time is over before."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._running and not self._due(), timeout_s)

    def close(self, timeout_s: float) -> bool:
        """End after the job in hand; False when that takes longer than ``timeout_s``."""
        with self._changed:
            self._stopping = True
            self._jobs.clear()
            self._changed.notify_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            rank, _, _, job = taken
            try:
                again = job()
            except Exception as error:  # noqa: BLE001 - told, not swallowed: the broker is away from now on
                self._failed(error)
                return
            if again is not None:
                self.post(job, urgent=not rank, after_s=again)
            with self._changed:
                self._running = False
                self._changed.notify_all()

    def _next(self) -> tuple[int, int, int, Job] | None:
        """The first job that is due, once there is one; None when the lane is to end."""
        with self._changed:
            while not self._stopping:
                due = self._due()
                if due:
                    first = min(due, key=lambda item: item[:2])
                    self._jobs.remove(first)
                    self._running = True
                    return first
                earliest = min((item[2] for item in self._jobs), default=None)
                now = self._clock.monotonic_ns()
                self._changed.wait(None if earliest is None else (earliest - now) / NANOSECONDS_PER_SECOND)
            return None

    def _due(self) -> list[tuple[int, int, int, Job]]:
        now = self._clock.monotonic_ns()
        return [item for item in self._jobs if item[2] <= now]


class Budget:
    """Requests that a venue allows in a minute. Urgent ones take what they need, and leave the others to wait.

    Parameters
    ----------
    per_minute
        Requests a minute, at least 1.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._left = float(per_minute)
        self._seen = clock.monotonic_ns()
        self._held_until = 0

    def wait_s(self, urgent: bool = False) -> float:
        """Take one request: 0 when it may be made now, else seconds after which to ask again."""
        with self._lock:
            now = self._clock.monotonic_ns()
            a_second = self._per_minute / 60
            earned = (now - self._seen) / NANOSECONDS_PER_SECOND * a_second
            self._left, self._seen = min(self._left + earned, float(self._per_minute)), now
            if not urgent and now < self._held_until:
                return (self._held_until - now) / NANOSECONDS_PER_SECOND
            if not urgent and self._left < 1.0:
                return max((1.0 - self._left) / a_second, 0.001)
            self._left = max(self._left - 1.0, -self._per_minute / 10)  # urgent ones never starve the others
            return 0.0

    def hold(self, seconds: float) -> None:
        """The venue takes no more for so long: requests that are not urgent wait."""
        with self._lock:
            until = self._clock.monotonic_ns() + int(seconds * NANOSECONDS_PER_SECOND)
            self._held_until = max(self._held_until, until)
