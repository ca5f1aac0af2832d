"""Small drawings in one line: an agent's opinion, a history of values. Pure."""

from __future__ import annotations

from tuiconsole.protocol.snapshot import AgentView

SPARKS = "▁▂▃▄▅▆▇█"
RISES, FALLS = "▂▄▆", "▔▀▀"
LEAST_RANGE = 0.05
_STEPS = (0.15, 0.5)


def opinion(view: AgentView) -> tuple[str, str]:
    """One agent's opinion as one mark: a bar that stands up for a rise, hangs down for a fall; ``·`` for none.

    The height is ``|mean| / sigma`` in three steps.
    """
    if view.mean is None or not view.sigma:
        return "·", "dim"
    strength = sum(abs(view.mean) / view.sigma >= step for step in _STEPS)
    return (RISES[strength], "gain") if view.mean >= 0 else (FALLS[strength], "loss")


def sparkline(values: tuple[float, ...]) -> str:
    """Values as small bars from the lowest to the highest; a range under :data:`LEAST_RANGE` does not fill the height.

    >>> sparkline((0.1, 0.2, 0.3)), sparkline((0.2, 0.201))
    ('▁▄█', '▁▁')
    """
    low, high = min(values, default=0.0), max(values, default=0.0)
    span = max(high - low, LEAST_RANGE)
    return "".join(SPARKS[min(7, max(0, int((value - low) / span * 7.999)))] for value in values)
