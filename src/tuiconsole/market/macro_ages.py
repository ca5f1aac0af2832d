"""How long a released figure of the economy counts when no newer one comes: by how often its series speaks, or by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.errors import ConfigError
from tuiconsole.domain.types import IntArray

FREQUENCIES = ("daily", "weekly", "monthly", "quarterly", "yearly")
"""How often a series speaks, in the order of the setting's days."""

DEFAULT_DAYS = (10, 21, 70, 160, 550)
"""Days after its release for which a figure counts: some twice the usual wait for the next one, publishers' delays included."""

_SPACINGS = (3.0, 10.0, 45.0, 120.0)


def frequency(references: IntArray) -> str:
    """How often a series speaks, by the median distance of its reference dates (ns UTC); one date alone is ``"yearly"``.

    >>> frequency(np.arange(5) * 7 * NANOSECONDS_PER_DAY)
    'weekly'
    """
    days = np.unique(references // NANOSECONDS_PER_DAY)
    spacing = float(np.median(np.diff(days))) if len(days) > 1 else np.inf
    return FREQUENCIES[sum(spacing > limit for limit in _SPACINGS)]


class MacroAges:
    """The days for which figures count.

    Parameters
    ----------
    days
        By frequency, in the order of :data:`FREQUENCIES`.
    named
        ``"series=days"`` for series of the vocabulary that differ, e.g. ``"vix=5"``.

    Raises
    ------
    ConfigError
        Not five numbers, or a name or number that is none.

    Examples
    --------
    >>> MacroAges(DEFAULT_DAYS, ("vix=5",)).days("vix", "daily"), MacroAges().days("oil", "daily")
    (5, 10)
    """

    def __init__(self, days: Sequence[int] = DEFAULT_DAYS, named: Sequence[str] = ()) -> None:
        if len(days) != len(FREQUENCIES):
            raise ConfigError(
                f"history.macro_age_days holds {len(days)} numbers, expected {len(FREQUENCIES)}: {', '.join(FREQUENCIES)}."
            )
        self._days: Mapping[str, int] = dict(zip(FREQUENCIES, days, strict=True))
        self._named: dict[str, int] = {}
        for text in named:
            name, _, number = text.partition("=")
            if name not in MACRO_SERIES or not number.isdecimal() or not int(number):
                raise ConfigError(
                    f"history.macro_age_of {text!r} is not SERIES=DAYS.",
                    f"Series: {', '.join(MACRO_SERIES)}.",
                )
            self._named[name] = int(number)

    def days(self, series: str, often: str) -> int:
        """Days for which figures of ``series``, which speaks so often, count."""
        return self._named.get(series, self._days[often])
