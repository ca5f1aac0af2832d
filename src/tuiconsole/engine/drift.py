"""Whether the features a policy reads still look like those it was warmed up, or trained, on.

Needs nothing but the tape: the market side is driven over the two stretches once more, block by block, apart from the desk that
trades. So a watch has no state of its own that a restart could lose, and costs the trading loop nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.drift import Drift, drift_of
from tuiconsole.domain.types import FloatArray
from tuiconsole.engine.market_side import MarketSide
from tuiconsole.engine.settings import DriftSettings
from tuiconsole.features.catalogue import request
from tuiconsole.market.defence import Defence
from tuiconsole.market.settings import DefenceSettings
from tuiconsole.market.tape import BarSource
from tuiconsole.regimes.settings import RegimeSettings

LEAST_VALUES = 200
"""Values that either sample must hold before a drift is spoken of."""

_PRICE_UNIT = "currency"


@dataclass(frozen=True, slots=True)
class Stretches:
    """Two stretches of a tape, ``[first, last)`` each: what was before, and what is now."""

    reference: tuple[int, int]
    live: tuple[int, int]


def stretches(settings: DriftSettings, start: int, cursor: int) -> Stretches:
    """The stretches to compare when trading began at bar ``start`` and ``cursor`` bars of the tape were played."""
    live = max(start, cursor - settings.live_bars)
    return Stretches((max(0, start - settings.reference_bars), start), (live, cursor))


def comparable(names: Sequence[str]) -> tuple[str, ...]:
    """Those features whose level means something: what is measured in currency drifts with every price."""
    return tuple(name for name in dict.fromkeys(names) if request(name).feature.unit != _PRICE_UNIT)


class FeatureDrift:
    """Compares the features of one policy on one tape.

    Parameters
    ----------
    names
        Catalogue names; those measured in currency are left out.
    """

    def __init__(
        self,
        tape: BarSource,
        names: Sequence[str],
        defence: DefenceSettings,
        regimes: RegimeSettings,
        bars_per_year: float,
    ) -> None:
        self._tape = tape
        self.names = comparable(names)
        self._defence = defence
        self._regimes = regimes
        self._bars_per_year = bars_per_year
        self._known: tuple[tuple[int, int], FloatArray] | None = None

    def compare(self, which: Stretches) -> tuple[Drift, ...]:
        """Drift of every feature, in the order of :attr:`names`."""
        if self._known is None or self._known[0] != which.reference:
            self._known = (which.reference, self.values(*which.reference))
        before, now = self._known[1], self.values(*which.live)
        return tuple(
            drift_of(name, before[:, row].ravel(), now[:, row].ravel(), LEAST_VALUES)
            for row, name in enumerate(self.names)
        )

    def values(self, first: int, last: int) -> FloatArray:
        """The features at bars ``[first, last)``, float64 ``[bars, k, n_symbols]``, warmed up on the bars before."""
        universe = self._tape.universe
        side = MarketSide(universe, self.names, self._regimes, self._bars_per_year)
        defence = Defence(len(universe), self._defence)
        found: list[FloatArray] = []
        cursor = max(0, first - side.features.warmup_bars)
        while cursor < last:
            block = self._tape.block(cursor, min(last, cursor + side.block_bars))
            seen = side.observe_block(defence.screen_block(block)).features
            found.append(seen[max(0, first - cursor) :].copy())
            cursor += len(block)
        if not found:
            return np.empty((0, len(self.names), len(universe)))
        return np.concatenate(found)


class DriftWatch:
    """Says when a feature begins to drift; silent about one that was told of until it has come back."""

    code = "drift"

    def __init__(self, drift: FeatureDrift, settings: DriftSettings, start: int) -> None:
        self._drift = drift
        self._settings = settings
        self._start = start
        self._told: frozenset[str] = frozenset()
        self.last: tuple[Drift, ...] = ()

    def due(self, cursor: int) -> bool:
        """Whether a comparison falls due after ``cursor`` bars of the tape; not before half of the live bars are there."""
        played = cursor - self._start
        every = self._settings.every_bars
        enough = played >= max(1, self._settings.live_bars // 2)
        return bool(self._drift.names) and every > 0 and enough and played % every == 0

    def tell(self, cursor: int) -> str:
        """A sentence about drifts that are new; empty when there are none. Safe in another thread."""
        fresh = self.check(cursor)
        return sentence(fresh, min(self._settings.live_bars, cursor - self._start)) if fresh else ""

    def check(self, cursor: int) -> tuple[Drift, ...]:
        """Compare, and return the drifts that are new since the last comparison."""
        self.last = self._drift.compare(stretches(self._settings, self._start, cursor))
        flagged = {drift.name: drift for drift in self.last if drift.flagged}
        fresh = tuple(drift for name, drift in flagged.items() if name not in self._told)
        self._told = frozenset(flagged)
        return fresh


def sentence(fresh: Sequence[Drift], live_bars: int) -> str:
    """What a trader is told of new drifts."""
    worst = sorted(fresh, key=lambda drift: -np.nan_to_num(drift.psi))
    named = ", ".join(f"{drift.name} (PSI {drift.psi:.2f}, KS {drift.ks:.2f})" for drift in worst[:3])
    more = f" and {len(worst) - 3} more" if len(worst) > 3 else ""
    return (
        f"Features no longer look like those before the start: {named}{more}, over the last {live_bars} bars. "
        "Forecasts that read them were judged on another market."
    )
