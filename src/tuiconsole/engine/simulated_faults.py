"""Which faults a simulation injects, and how often."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace

from tuiconsole.domain.errors import UsageError

GROUPS: dict[str, tuple[str, ...]] = {
    "feed": ("gap", "stale", "duplicate", "reorder", "delay", "backwards", "spike", "crossed", "zero"),
    "broker": (
        "lost_request",
        "lost_answer",
        "late_request",
        "reject",
        "drop",
        "repeat",
        "postpone",
        "partial",
        "bust",
        "late_fill",
        "disconnect",
    ),
    "disk": ("disk",),
    "crash": ("crash",),
    "trips": ("trip",),
}
"""Names of faults by what they befall."""


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Probability of each fault, per bar unless it says otherwise.

    Attributes
    ----------
    gap, stale, duplicate, reorder, delay, backwards
        A bar is lost, repeats the prices before it, comes twice, changes places with the next, comes bars late, or is dated
        before the last one.
    spike, crossed, zero
        One symbol's price is ten times too high or low; its open lies outside its range; it is zero.
    lost_request, lost_answer, late_request, reject
        Per order handed over: it never arrives, its answer never arrives, it arrives bars later, it is refused.
    drop, repeat, postpone
        Per report or fill of the broker: it never arrives, arrives twice, or bars later and so behind others.
    partial, bust, late_fill
        Per fill, only a part of it; per bar, one fill is taken back; per cancel, the venue fills a part first.
    disconnect
        The broker's line goes down for some bars; what it tells meanwhile is lost.
    disk
        Per commit: it fails, and with it every later one until the process is started anew.
    crash
        Per step between two effects: the process dies there.
    trip
        Someone stops the desk: pause, halt or kill, between two effects, with the engine alive or hung.
    """

    gap: float = 0.01
    stale: float = 0.01
    duplicate: float = 0.01
    reorder: float = 0.01
    delay: float = 0.01
    backwards: float = 0.01
    spike: float = 0.02
    crossed: float = 0.02
    zero: float = 0.01
    lost_request: float = 0.05
    lost_answer: float = 0.10
    late_request: float = 0.05
    reject: float = 0.05
    drop: float = 0.10
    repeat: float = 0.10
    postpone: float = 0.15
    partial: float = 0.30
    bust: float = 0.01
    late_fill: float = 0.30
    disconnect: float = 0.01
    disk: float = 0.002
    crash: float = 0.004
    trip: float = 0.02

    @classmethod
    def none(cls) -> FaultRates:
        """A world in which nothing goes wrong."""
        return cls(**dict.fromkeys((item.name for item in fields(cls)), 0.0))

    @classmethod
    def parse(cls, text: str) -> FaultRates:
        """The faults that ``text`` names: ``all``, ``none``, groups or single faults, each with a rate if wanted.

        Raises :class:`UsageError` for a word that names none, or a rate that is no probability.

        >>> FaultRates.parse("broker,gap=0.5").gap, FaultRates.parse("crash").drop
        (0.5, 0.0)
        """
        chosen, known = cls.none(), cls()
        for word in filter(None, (part.strip() for part in text.split(","))):
            name, _, rate = word.partition("=")
            if name == "none":
                continue
            names = tuple(asdict(known)) if name == "all" else GROUPS.get(name, (name,))
            for each in names:
                chosen = replace(chosen, **{each: _rate(each, rate, known)})
        return chosen

    def __str__(self) -> str:
        """Text that :meth:`parse` reads back."""
        if self == FaultRates():
            return "all"
        given = [f"{name}={rate:g}" for name, rate in asdict(self).items() if rate]
        return ",".join(given) or "none"


def _rate(name: str, text: str, known: FaultRates) -> float:
    if name not in asdict(known):
        words = ", ".join((*GROUPS, *asdict(known)))
        raise UsageError(f"There is no fault {name!r}.", f"Known: all, none, {words}.")
    try:
        rate = float(text) if text else float(getattr(known, name))
    except ValueError:
        rate = -1.0
    if not 0.0 <= rate <= 1.0:
        raise UsageError(f"The rate of {name} is {text!r}, expected a number from 0 to 1.")
    return rate
