"""Which bars a strategy may be chosen on and which it is judged on: walk-forward and combinatorial, purged and embargoed.

A purge removes bars between the two whose labels or positions reach from one into the other; an embargo removes more after
each judged block, because what follows it remembers it. Lopez de Prado, *Advances in Financial Machine Learning* (2018), ch. 7
and 12. The splits are skfolio's (imported when asked for); what they must hold is tested here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.types import IntArray


@dataclass(frozen=True, slots=True)
class Split:
    """One choice and its judgement: rows int64, ascending.

    Attributes
    ----------
    train
        Rows on which to choose.
    tests
        Blocks of rows on which to judge; disjoint from ``train`` and from the purged and embargoed rows.
    paths
        For each block the path (see :func:`combinatorial`) that it belongs to; 0 where there is only one.
    """

    train: IntArray
    tests: tuple[IntArray, ...]
    paths: tuple[int, ...]


def walk_forward(n: int, train: int, test: int, purge: int = 0, expanding: bool = False) -> list[Split]:
    """Choose on ``train`` rows, leave ``purge`` out, judge on the next ``test``; then go ``test`` rows on.

    Parameters
    ----------
    n
        Rows in all; what is left at the end is judged as a shorter block.
    expanding
        Choose on all rows since the first instead of the last ``train``.

    Raises
    ------
    UsageError
        There are not rows enough for one split.
    """
    if n <= train + purge:
        raise UsageError(
            f"{n} bars are too few to choose on {train} and judge what follows.",
            "Shorten --train, or take a longer period.",
        )
    from skfolio.model_selection import WalkForward

    splitter = WalkForward(
        test_size=test, train_size=train, purged_size=purge, expand_train=expanding, reduce_test=True
    )
    return [Split(chosen, (judged,), (0,)) for chosen, judged in splitter.split(np.zeros((n, 1)))]


def combinatorial(n: int, folds: int, test_folds: int, purge: int = 0, embargo: int = 0) -> list[Split]:
    """Every choice of ``test_folds`` of ``folds`` consecutive blocks to judge on; the rest, purged, to choose on.

    The judged blocks can be put together to ``test_folds / folds`` times the number of splits *paths*, each of which covers
    all rows once (see :func:`counts`).

    Raises
    ------
    UsageError
        The numbers do not go together, or the rows are too few for them.
    """
    if not 2 <= test_folds < folds or folds < 3:
        raise UsageError(
            f"{folds} folds with {test_folds} to judge on do not go together.",
            "Judge on at least 2 and fewer than all.",
        )
    if purge + embargo >= n // folds - 1:
        raise UsageError(
            f"Purge and embargo of {purge + embargo} bars leave nothing of folds of {n // folds}.",
            "Take fewer folds, or a longer period.",
        )
    from skfolio.model_selection import CombinatorialPurgedCV

    splitter = CombinatorialPurgedCV(folds, test_folds, purged_size=purge, embargo_size=embargo)
    ids = splitter.get_path_ids()
    return [
        Split(chosen, tuple(judged), tuple(ids[i].tolist()))
        for i, (chosen, judged) in enumerate(splitter.split(np.zeros((n, 1))))
    ]


def counts(folds: int, test_folds: int) -> tuple[int, int]:
    """Splits and paths of combinatorial cross-validation (2018, ch. 12.3).

    >>> counts(6, 2)
    (15, 5)
    """
    splits = math.comb(folds, test_folds)
    return splits, splits * test_folds // folds


def label_purged(n: int, first: int, last: int, horizon: int, embargo: int) -> IntArray:
    """Rows that may be trained on when rows ``first`` to ``last`` are judged and labels reach ``horizon`` rows ahead (ch. 7).

    A row's label covers itself and the next ``horizon`` rows. Out go all rows whose label meets a judged label, and
    ``embargo`` rows more after the last judged label.
    """
    rows = np.arange(n)
    return rows[(rows + horizon < first) | (rows > last + horizon + embargo)]
