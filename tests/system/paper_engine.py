"""A real engine process on a clock that runs faster.

``python -m tests.system.paper_engine CONFIG STATE WALL EVENT SPEED --ready-fd FD``. ``WALL`` and ``EVENT`` (ns) say which event
time belongs to which wall time; ``FD`` is told when the engine is ready.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tuiconsole.engine.headless import EngineOptions, run_engine
from tuiconsole.verbs.common import Place

SECOND = 1_000_000_000


class FastClock:
    """Event time that runs ``speed`` times as fast as the wall's; waits are as much shorter."""

    def __init__(self, wall: int, event: int, speed: float) -> None:
        self._wall, self._event, self._speed = wall, event, speed

    def now_ns(self) -> int:
        return self._event + int((time.time_ns() - self._wall) * self._speed)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def seconds_until(self, ts: int) -> float:
        return max(0.0, (ts - self.now_ns()) / SECOND / self._speed)


def main(config: str, state: str, wall: str, event: str, speed: str, _option: str, ready_fd: str) -> None:
    place = Place.of(Path(config), Path(state), None, None, None)
    run_engine(
        EngineOptions(
            settings=place.config.desk,
            state=place.paths.state,
            speed=0,
            json_log=True,
            every_bar=True,
            ready_fd=int(ready_fd),
            clock=FastClock(int(wall), int(event), float(speed)),
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
