"""Gradient-boosted trees that learn a residual online, and are used only while they are proven out of sample.

Samples come in order. Every ``refit`` samples the trees are fitted anew on all that are remembered; until then the trees of
before predict the samples that come in, which they have not seen. These predictions are the evidence: the residual comes
into use when enough of them are there, and their squared errors are smaller than those of predicting nothing by at least
``gain``, significantly so (one-sided paired t-test; Diebold and Mariano, "Comparing predictive accuracy", 1995, without
autocorrelation). It goes out of use as soon as the recent evidence speaks against it.

Source of the trees: Ke et al., "LightGBM: a highly efficient gradient boosting decision tree", NIPS 2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.types import FloatArray

_SIGNIFICANT = 2.33
"""One-sided 1 %."""

_TREES: Mapping[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 30,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 7,
    "verbosity": -1,
}
_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the predictions of unseen samples came to.

    Attributes
    ----------
    samples
        How many there are.
    gain
        Share of the squared error that the residual takes away; negative where it adds some.
    t
        Of the mean difference of squared errors; positive speaks for the residual.
    """

    samples: int
    gain: float
    t: float


@dataclass(frozen=True, slots=True)
class Switch:
    """The residual began (``on``) or ceased to be used, and the evidence for it."""

    on: bool
    evidence: Evidence

    @property
    def text(self) -> str:
        """One sentence for the trader."""
        seen = self.evidence
        what = "is used from now on" if self.on else "is no longer used"
        return (
            f"The learned part of expected slippage {what}: on {seen.samples:,} fills that it had not seen it changed the "
            f"squared error by {-100 * seen.gain:+.1f} % (t {seen.t:+.1f})."
        )


class ResidualModel:
    """Learns a residual online.

    Parameters
    ----------
    categories
        Columns that are codes, not quantities.
    least
        Unseen samples that must have been predicted before the residual may be used.
    refit, memory
        Samples between two fits, and how many of the latest are remembered and judged by.
    gain
        Share of the squared error that it must take away.

    Raises
    ------
    UsageError
        LightGBM is not installed.
    """

    def __init__(
        self,
        categories: Sequence[int] = (),
        least: int = 500,
        refit: int = 250,
        memory: int = 5_000,
        gain: float = 0.02,
    ) -> None:
        self._lightgbm = _library()
        self._categories = list(categories)
        self._least, self._refit, self._memory, self._gain = least, refit, memory, gain
        self.in_use = False
        """Whether :meth:`predict` may be asked."""
        self._seen: FloatArray | None = None
        self._residual: FloatArray = np.zeros(0)
        self._better: FloatArray = np.zeros(0)
        self._squares: FloatArray = np.zeros(0)
        self._since = 0
        self._text = ""
        self._trees: Any = None

    def predict(self, columns: FloatArray) -> FloatArray:
        """Expected residual of ``[n, n_columns]``, float64 ``[n]``.

        Raises
        ------
        RuntimeError
            It is not :attr:`in_use`: an unproven model is never asked.
        """
        if not self.in_use:
            raise RuntimeError("the residual is not proven, and must not be used")
        return np.asarray(self._trees.predict(columns), dtype=np.float64)

    @property
    def evidence(self) -> Evidence:
        """What speaks for the residual, or against it; NaN before there is any."""
        count = len(self._better)
        total = float(self._squares.sum())
        if count < 2 or not total > 0.0:
            return Evidence(count, math.nan, math.nan)
        spread = float(self._better.std(ddof=1))
        mean = float(self._better.mean())
        t = mean / spread * math.sqrt(count) if spread > 0.0 else 0.0
        return Evidence(count, float(self._better.sum()) / total, t)

    def learn(self, columns: FloatArray, residual: FloatArray) -> Switch | None:
        """Take in samples ``[n, n_columns]`` with their residuals ``[n]``; rows that are not finite in them are left out."""
        known = np.isfinite(residual)
        columns, residual = columns[known], residual[known]
        if not len(residual):
            return None
        if self._trees is not None:  # first predict, then learn
            error = residual - self._trees.predict(columns)
            self._better = np.concatenate((self._better, residual**2 - error**2))[-self._memory :]
            self._squares = np.concatenate((self._squares, residual**2))[-self._memory :]
        seen = columns if self._seen is None else np.concatenate((self._seen, columns))
        self._seen = seen[-self._memory :]
        self._residual = np.concatenate((self._residual, residual))[-self._memory :]
        self._since += len(residual)
        if self._since >= self._refit:
            self._since = 0
            self._fit()
        return self._decide()

    def _fit(self) -> None:
        data = self._lightgbm.Dataset(
            self._seen, self._residual, categorical_feature=self._categories, free_raw_data=True
        )
        self._trees = self._lightgbm.train(dict(_TREES), data, num_boost_round=_ROUNDS)
        self._text = self._trees.model_to_string()

    def _decide(self) -> Switch | None:
        found = self.evidence
        proven = found.samples >= self._least and found.gain >= self._gain and found.t >= _SIGNIFICANT
        harmful = not found.gain > 0.0
        if proven and not self.in_use:
            self.in_use = True
            return Switch(True, found)
        if self.in_use and harmful:
            self.in_use = False
            return Switch(False, found)
        return None

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "in_use": self.in_use,
            "seen": None if self._seen is None else self._seen.copy(),
            "residual": self._residual.copy(),
            "better": self._better.copy(),
            "squares": self._squares.copy(),
            "since": self._since,
            "trees": self._text,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`, with the same predictions."""
        self.in_use = state["in_use"]
        self._seen = state["seen"]
        self._residual, self._better = state["residual"], state["better"]
        self._squares, self._since, self._text = state["squares"], state["since"], state["trees"]
        self._trees = self._lightgbm.Booster(model_str=self._text) if self._text else None


def _library() -> Any:
    """LightGBM, or a sentence on how to get it."""
    try:
        import lightgbm
    except ImportError:
        raise UsageError(
            "Learning the errors of the cost model needs the package lightgbm.",
            "Install it with: pip install 'tuiconsole[learning]', or set learn_costs = false in [execution].",
        ) from None
    return lightgbm
