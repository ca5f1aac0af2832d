"""Where the time of one bar goes: the 200-symbol desk with a stopwatch around each stage.

The stopwatch itself costs about half a microsecond per call, so the stages add up to slightly more than the
uninstrumented bar.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.markets import synthetic
from benchmarks.rows import Row
from benchmarks.sessions import WARMUP, backtest, chosen, open_session
from tuiconsole.domain.clock import Clock, WallClock
from tuiconsole.engine import desk as desk_module
from tuiconsole.engine.backtest import run_backtest
from tuiconsole.engine.session import Session

BUDGET_US = 400.0
"""A bar of 200 symbols, whole desk."""
COOL_DOWN_BARS = 20


class Stopwatch:
    """Sums the time spent in the functions it was put around."""

    def __init__(self, clock: Clock) -> None:
        self.ns: dict[str, int] = {}
        self.calls: dict[str, int] = {}
        self._now = clock.monotonic_ns

    def clear(self) -> None:
        """Forget the times, keep the stages."""
        for name in self.ns:
            self.ns[name] = self.calls[name] = 0

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` with its time added to stage ``name``."""
        self.ns.setdefault(name, 0)
        self.calls.setdefault(name, 0)
        ns, calls, now = self.ns, self.calls, self._now

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = now()
            found = function(*args, **kwargs)
            ns[name] += now() - began
            calls[name] += 1
            return found

        return timed


class Watched:
    """An object with a stopwatch around some of its methods; everything else is its own."""

    def __init__(self, inner: Any, watch: Stopwatch, stages: dict[str, str]) -> None:
        self._inner = inner
        for method, stage in stages.items():
            setattr(self, method, watch.around(stage, getattr(inner, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


_SESSION_STAGES = {
    "defence": {"screen_block": "defence"},
    "venue": {"on_bars": "venue: fills", "submit": "venue: submit", "pass_by": "venue: quiet bars"},
    "sink": {"append": "journal"},
}
_DESK_STAGES = {
    "market": {"observe_block": "market side"},
    "ledger": {"mark": "ledger: mark", "apply": "ledger: fills"},
    "breakers": {"update": "breakers"},
    "policy": {"decide": "policy: decide"},
    "gate": {"judge": "gate"},
    "orders": {"add": "order table", "fill": "order table", "update": "order table"},
}


@contextmanager
def watching(session: Session, watch: Stopwatch) -> Iterator[None]:
    """Put the stopwatch around the stages of ``session``."""
    for owner, stages in ((session, _SESSION_STAGES), (session.desk, _DESK_STAGES)):
        for part, methods in stages.items():
            setattr(owner, part, Watched(getattr(owner, part), watch, methods))
    names = vars(desk_module)
    original = names["wanted_orders"]
    names["wanted_orders"] = watch.around("oms: wanted orders", original)
    try:
        yield
    finally:
        names["wanted_orders"] = original


def measure(quick: bool = False) -> list[Row]:
    """Rows of the report, the most expensive stage first."""
    tape = synthetic(200, (400 if quick else 2_000) + WARMUP)
    plain = backtest(tape)
    session, sink = open_session(chosen(tape))
    session.warm_up()
    clock = WallClock()
    watch = Stopwatch(clock)
    with watching(session, watch):
        watch.clear()
        began = clock.monotonic_ns()
        bars = run_backtest(session, sink, clock, COOL_DOWN_BARS).bars
        total = (clock.monotonic_ns() - began) / 1e3 / bars
    note = f"{1e6 * plain.cpu_s / plain.result.bars:.0f} of processor time; {total:.0f} with the stopwatch on"
    rows = [Row("whole bar, 200 symbols", plain.us_per_bar, "us/bar", BUDGET_US, note=note)]
    each = {name: ns / 1e3 / bars for name, ns in watch.ns.items()}
    each["the rest: desk, session, loop"] = max(0.0, total - sum(each.values()))
    for name, us in sorted(each.items(), key=lambda item: -item[1]):
        calls = watch.calls.get(name, 0)
        note = f"{calls / bars:.2f} calls a bar" if calls else ""
        rows.append(Row(f"  {name}", us, "us/bar", ratio=us / total, against="the watched bar", note=note))
    return rows
