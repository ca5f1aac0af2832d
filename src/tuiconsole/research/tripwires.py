"""Tripwires for bias: a backtest that sees the future, depends on where it began, or fills on the bar it decided on.

Each check runs the real desk, on the same tape or on one that was changed where it must not matter, and gives figures beside
its verdict. They can convict; they cannot acquit: what they do not find may still be there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np

from tuiconsole.domain.clock import Clock, iso
from tuiconsole.domain.codec import encode_record
from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.policy import BlockPolicy, Waking
from tuiconsole.domain.records import Decided, Filled, Record
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.backtest import OrderHash, run_backtest
from tuiconsole.engine.build import make_session, plan
from tuiconsole.engine.market_side import ObservedBlock
from tuiconsole.engine.settings import Settings
from tuiconsole.engine.telemetry import Telemetry
from tuiconsole.market.tape import Tape
from tuiconsole.store.batch_journal import BatchJournal
from tuiconsole.store.stretch_rows import StretchRows

LOOK_AHEAD_BARS = 600
"""Bars run beyond a cut: more than any block of bars that the backtest takes at once."""

TOLERANCE = 0.01
"""Largest difference of a target weight, as a share of equity, that still counts as converged."""

_LEAST_STEP = 252
"""Bars by which a run without a long warm-up of its own is started earlier."""

_MOVE = 0.03
_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Finding:
    """One tripwire: ``ok`` False means it was tripped; ``figures`` say how much, ``text`` what it means."""

    name: str
    ok: bool
    text: str
    figures: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Plain values with stable keys."""
        return asdict(self)


class Trace(OrderHash):
    """A sink that remembers every decision with orders, and every execution."""

    def __init__(self) -> None:
        super().__init__(BatchJournal(None))
        self.decisions: list[tuple[int, bytes]] = []
        self.decided_ts: dict[int, int] = {}
        self.executions: list[tuple[int, int]] = []

    def append(self, record: Record) -> None:
        """Remember ``record`` when it is one of these, and pass it on."""
        if isinstance(record, Decided) and len(record.columns):
            content = _content(record)
            self.decisions.append((record.bar_seq, hashlib.sha256(content).digest()))
            self.decided_ts.update(dict.fromkeys(record.number[record.number > 0].tolist(), record.ts))
        elif isinstance(record, Filled) and not record.forced:
            self.executions.extend((number, record.ts) for number in record.number.tolist())
        super().append(record)

    def extend(self, rows: StretchRows) -> None:
        """Remember and pass on every record of a stretch."""
        for record in rows.records():
            self.append(record)

    def before(self, bar: int) -> list[tuple[int, bytes]]:
        """The decisions at bars up to and including ``bar``."""
        return [decision for decision in self.decisions if decision[0] <= bar]


def _content(record: Decided) -> bytes:
    """The bytes of a decision without its running number."""
    import msgspec

    return encode_record(msgspec.structs.replace(record, seq=0))


def look_ahead(
    settings: Settings, tape: Tape, clock: Clock, cuts: Sequence[int], end: int, seed: int = 1
) -> Finding:
    """Change every price after a cut; no decision up to the cut may move.

    Parameters
    ----------
    cuts
        Tape indices; prices at later bars are multiplied by a random walk of 3 % a bar, volumes likewise.
    end
        Tape index, exclusive, beyond which nothing is run.
    """
    moved: list[dict[str, Any]] = []
    compared = 0
    for cut in cuts:
        stop = min(end, cut + LOOK_AHEAD_BARS)
        honest = traced(settings, tape, clock, stop).before(cut)
        other = traced(settings, changed_after(tape, cut, seed), clock, stop).before(cut)
        compared += len(honest)
        if honest != other:
            at = next(
                (a[0] for a, b in zip(honest, other, strict=False) if a != b),
                (honest or other)[min(len(honest), len(other)) - 1][0],
            )
            moved.append({"cut": iso(int(tape.ts[cut]))[:10], "first_moved": iso(int(tape.ts[at]))[:10]})
    text = (
        f"No decision moved when the prices after {len(cuts)} dates were changed."
        if not moved
        else f"Decisions moved when later prices were changed (first on {moved[0]['first_moved']}, prices after "
        f"{moved[0]['cut']}): the policy sees the future, so its results mean nothing."
    )
    if not compared and not moved:
        text = "No decision with orders came before the dates tried: nothing was compared."
    figures = {"cuts": [iso(int(tape.ts[c]))[:10] for c in cuts], "compared": compared, "moved": moved}
    return Finding("look-ahead", not moved and compared > 0, text, figures)


def recursion(
    settings: Settings, tape: Tape, later: Sequence[int], end: int, earlier: Sequence[int] = ()
) -> Finding:
    """Start the warm-up elsewhere; target weights at the end must be those of the run's own warm-up.

    What is judged are earlier starts: they know more than the run, and say whether its warm-up was long enough. Later starts
    are desks with less than the declared warm-up, which nobody runs; their differences are told, and judged only where the tape
    has nothing earlier. See decision 18.

    Parameters
    ----------
    later, earlier
        Bars by which the warm-up is shortened and lengthened, ascending; both empty when the tape has nothing before the start.
    """
    if not later and not earlier:
        text = "There are no bars before the start, so no other start was tried: choose a later --start."
        return Finding("recursion", False, text, {"tolerance": TOLERANCE, "starts": [], "earlier": []})
    chosen = plan(settings, tape, "backtest")
    longest = chosen.start - chosen.warmup
    reference = final_targets(settings, tape, end)

    def moved(bars: int) -> dict[str, float]:
        other = replace(settings, feed=replace(settings.feed, warmup_bars=max(0, longest + bars)))
        targets, values = final_targets(other, tape, end)
        scale = np.maximum(np.abs(reference[1]), 1e-12)
        return {
            "target_weight": _largest(targets - reference[0]),
            "feature": _largest((values - reference[1]) / scale),
        }

    shorter = [{"later_bars": bars, **moved(-bars)} for bars in later]
    wider = [{"earlier_bars": bars, **moved(bars)} for bars in earlier]
    worst = max(row["target_weight"] for row in wider or shorter)
    ok = worst <= TOLERANCE
    where = f"{max(earlier):,} bars earlier" if wider else f"{max(later):,} bars later"
    text = (
        f"Starting up to {where} moves no target weight at the end by more than {worst:.2%} of equity."
        if ok
        else f"Starting {where} moves a target weight at the end by {worst:.2%} of equity: decisions depend on "
        "where the run began. Warm up longer, or use indicators with a shorter memory."
    )
    figures = {"tolerance": TOLERANCE, "warmup_bars": longest, "starts": shorter, "earlier": wider}
    return Finding("recursion", ok, text, figures)


def same_bar(trace: Trace) -> Finding:
    """No order may be filled at or before the bar that decided it."""
    early = [number for number, ts in trace.executions if ts <= trace.decided_ts.get(number, -1)]
    text = (
        f"All {len(trace.executions):,} fills came after the bar of their decision."
        if not early
        else f"{len(early):,} fills came on the bar of their decision (order {early[0]} first): such prices cannot be had."
    )
    return Finding("same-bar fill", not early, text, {"fills": len(trace.executions), "early": len(early)})


def waking(asked_when_it_said: Trace, asked_always: Trace) -> Finding:
    """Whether a policy that speaks for many bars at once decides the same when it is asked at every bar, as it is live."""
    one, other = asked_when_it_said.decisions, asked_always.decisions
    same = one == other
    text = (
        f"Asked at every bar it takes the same {len(other):,} decisions as when it speaks for many bars at once."
        if same
        else f"Asked at every bar it takes {len(other):,} decisions, speaking for many bars at once {len(one):,}, or others: "
        "its wakes(), wishes() or weights_ahead() is wrong, and a live desk would not do what the backtest did."
    )
    return Finding("waking", same, text, {"when_it_said": len(one), "always": len(other)})


def survivorship(tape: Tape) -> Finding:
    """Whether any symbol ever stops trading or leaves the universe; a tape on which none does holds survivors alone."""
    known = np.isfinite(tape.close)
    last = len(tape) - 1 - np.argmax(known[::-1], axis=0)
    first = np.argmax(known, axis=0)
    year = max(1, len(tape) // 20)
    ends = last < len(tape) - 1 - min(20, year)
    ended = int(np.count_nonzero(ends))
    left = 0 if tape.members is None else int(np.count_nonzero(tape.members.any(axis=0) & ~tape.members[-1]))
    late = int(np.count_nonzero(first > year))
    n = len(tape.universe)
    ok = ended > 0 or left > 0
    text = (
        f"{ended} of {n} symbols stop trading before the end: the dead are in the universe."
        if ended
        else f"{left} of {n} symbols leave the universe before the end, and take no new risk from then on."
        if left
        else f"All {n} symbols trade to the end: these are survivors, chosen with knowledge of the future. Results flatter; "
        "expect less."
    )
    return Finding(
        "survivorship", ok, text, {"symbols": n, "ended": ended, "left": left, "late_starts": late}
    )


def trip_all(
    settings: Settings,
    tape: Tape,
    clock: Clock,
    cuts: int,
    end: int | None = None,
    tell: Callable[[str], None] | None = None,
) -> list[Finding]:
    """Every tripwire on one desk and one tape; ``tell`` hears the name of each check as it begins."""
    say = tell or (lambda _: None)
    chosen = plan(settings, tape, "backtest")
    stop = len(tape) if end is None else min(end, len(tape))
    bars = stop - chosen.start
    if bars < 10 * (cuts + 1):
        raise UsageError(
            f"{bars} bars are too few for {cuts} dates.", "Take a longer period, or fewer dates with --cuts."
        )
    places = [chosen.start + (k + 1) * bars // (cuts + 1) for k in range(cuts)]
    say("look-ahead")
    found = [look_ahead(chosen.settings, tape, clock, places, stop)]
    say("recursion")
    longest = chosen.start - chosen.warmup
    later = sorted({longest // 8, longest // 4, longest // 2} - {0})
    step = max(longest, _LEAST_STEP)
    earlier = sorted({min(chosen.warmup, bars) for bars in (step // 2, step, 2 * step)})
    horizon = min(stop, chosen.start + 756)
    enough = chosen.warmup >= step // 2
    found.append(recursion(chosen.settings, tape, later, horizon, earlier if enough else ()))
    say("same-bar fill")
    trace = traced(chosen.settings, tape, clock, stop)
    found.append(same_bar(trace))
    if isinstance(chosen.policy, Waking | BlockPolicy):
        say("waking")
        found.append(waking(trace, traced(chosen.settings, tape, clock, stop, ask_always=True)))
    say("survivorship")
    found.append(survivorship(tape))
    return found


def traced(settings: Settings, tape: Tape, clock: Clock, end: int, *, ask_always: bool = False) -> Trace:
    """The trace of a run over ``tape`` to ``end``.

    ``ask_always`` asks the policy at every bar, as a live desk does; else it speaks for as many bars at once as it can.
    """
    chosen = plan(settings, tape, "backtest")
    trace = Trace()
    session = make_session(chosen, trace)
    session.open(chosen.opened)
    if ask_always:
        session.desk.wakes = _every_bar  # type: ignore[method-assign]
    together = isinstance(chosen.policy, BlockPolicy) and not ask_always and find_spec("numba") is not None
    run_backtest(
        session, trace, clock, cool_down_bars=settings.risk.cool_down_bars, end=end, together=together
    )
    return trace


def _every_bar(block: ObservedBlock) -> list[bool]:
    return [True] * len(block)


def final_targets(settings: Settings, tape: Tape, end: int) -> tuple[FloatArray, FloatArray]:
    """Target weights ``[n_symbols]`` and features ``[k, n_symbols]`` at the last bar before ``end``, nothing ever traded.

    Without trades the book is the same wherever the run began, so that only what the policy remembers can differ.
    """
    chosen = plan(settings, tape, "backtest")
    session = make_session(replace(chosen, start=end), BatchJournal(None))
    session.warm_up()
    desk = session.desk
    return Telemetry.of(desk).target_weight.copy(), desk.features.values.copy()


def changed_after(tape: Tape, cut: int, seed: int) -> Tape:
    """``tape`` with every price after bar ``cut`` on a random walk away from what it was."""
    bars = len(tape) - cut - 1
    rng = generator(seed, f"tripwire {cut}")
    factor = np.exp(np.cumsum(rng.normal(0.0, _MOVE, (bars, len(tape.universe))), axis=0))
    columns: dict[str, Any] = {}
    for name in (*_PRICES, "volume"):
        values = getattr(tape, name)
        if values is None:
            continue
        columns[name] = values.copy()
        columns[name][cut + 1 :] *= factor
    return replace(tape, **columns)


def _largest(values: FloatArray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size else 0.0
