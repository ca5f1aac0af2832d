"""Raw bars by ticker become adjusted bars by instrument, when they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tuiconsole.domain.context import QUOTE_FIELDS
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.market.actions import Action, TickerMap, factors
from tuiconsole.market.history.columns import PRICES
from tuiconsole.market.history.manifest import Manifest
from tuiconsole.market.history.tables import read_actions, ticker_map

_SIZES = ("volume", *(name for name in QUOTE_FIELDS if name not in ("bid", "ask")))
_KINDS = ("split", "dividend")
_LEFT = {"raw": ("split", "dividend"), "split": ("dividend",), "total": ()}
"""What each kind of prices still has to be adjusted for."""


@dataclass(frozen=True, slots=True)
class Adjusting:
    """What a read adjusts for.

    Attributes
    ----------
    splits, dividends
        Whether raw prices are divided by later splits, and whether dividends are taken out too (total return).
    known_at
        Only actions known by then (ns UTC) count; None: all.
    """

    splits: bool = True
    dividends: bool = False
    known_at: int | None = None


def actions_by_instrument(
    root: Path, manifest: Manifest, names: TickerMap | None = None
) -> dict[str, list[Action]]:
    """Stored actions by the instrument they are about."""
    names = names or ticker_map(root, manifest)
    found: dict[str, list[Action]] = {}
    for action in read_actions(root, manifest):
        found.setdefault(names.subject(action), []).append(action)
    return found


def adjust(
    arrays: dict[str, FloatArray],
    sessions: IntArray,
    held: Sequence[str],
    actions: dict[str, list[Action]],
    origin: FloatArray,
    manifest: Manifest,
    how: Adjusting,
) -> None:
    """Adjust ``arrays`` ``[n_symbols, n_bars]`` in place, each bar by what its source left to adjust.

    Parameters
    ----------
    origin
        float64 ``[n_symbols, n_bars]``, position of each bar's provenance in the manifest; NaN where there is no bar.
    """
    left = np.array([[kind in _LEFT[o.provenance.adjusted] for kind in _KINDS] for o in manifest.origins])
    for row, instrument in enumerate(held):
        if instrument not in actions:
            continue
        known = ~np.isnan(origin[row])
        todo = np.zeros((len(sessions), len(_KINDS)), dtype=np.bool_)
        todo[known] = left[origin[row][known].astype(np.int64)]
        close, about = arrays["close"][row], actions[instrument]
        splits = factors(sessions, close, about, "split", how.known_at)
        raw = np.where(todo[:, 0], close, close / factors(sessions, close, about, "split"))
        dividends = factors(sessions, raw, about, "dividend", how.known_at) if how.dividends else None
        if how.splits:
            by = np.where(todo[:, 0], splits, 1.0)
            _scale(arrays, row, by)
            for name in _SIZES:
                if name in arrays:
                    arrays[name][row] /= by
        if dividends is not None:
            _scale(arrays, row, np.where(todo[:, 1], dividends, 1.0))


def _scale(arrays: dict[str, FloatArray], row: int, by: FloatArray) -> None:
    for name in (*PRICES, "bid", "ask"):
        if name in arrays:
            arrays[name][row] *= by
