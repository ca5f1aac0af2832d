"""What the choice of order types was worth: the log of a run, and what always choosing the same would have cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.analytics.off_policy import (
    Estimate,
    doubly_robust,
    effective_size,
    inverse_propensity,
    self_normalised,
    weights,
)
from tuiconsole.domain.types import FloatArray, IntArray
from tuiconsole.engine.order_rows import OrderRows
from tuiconsole.execution.linear_bandit import LinearBandit
from tuiconsole.execution.order_choice import Situation, Style

LEAST_CHOICES = 50
"""Choices with a reward below which nothing is estimated."""

_LEAST_EFFECTIVE = 10.0


@dataclass(frozen=True, slots=True)
class ChoiceLog:
    """Choices whose cost became known, in order; columns ``[n]``, rewards in basis points (negative slippage)."""

    arm: IntArray
    propensity: FloatArray
    context: FloatArray
    reward: FloatArray

    def __len__(self) -> int:
        return len(self.arm)


@dataclass(frozen=True, slots=True)
class Always:
    """What one order type alone would have brought, basis points a choice, by three estimators.

    ``effective`` is how many choices the evidence is worth.
    """

    style: Style
    ips: Estimate
    snips: Estimate
    robust: Estimate
    effective: float


def choice_log(rows: OrderRows) -> ChoiceLog:
    """The log that a run left in its journal."""
    reward = {
        number: value
        for record in rows.rewarded
        for number, value in zip(record.number.tolist(), record.reward.tolist(), strict=True)
        if not math.isnan(value)
    }
    found = [
        (int(arm), float(odds), context, reward[number])
        for record in rows.styled
        for number, arm, odds, context in zip(
            record.number.tolist(), record.arm, record.propensity, record.context, strict=True
        )
        if number in reward
    ]
    return ChoiceLog(
        np.array([row[0] for row in found], dtype=np.int64),
        np.array([row[1] for row in found]),
        np.array([row[2] for row in found]).reshape(len(found), len(Situation._fields) + 1),
        np.array([row[3] for row in found]),
    )


def always(log: ChoiceLog) -> list[Always]:
    """Every order type by itself, from the second half of ``log``; the first half teaches the model of rewards.

    Empty while there are fewer than :data:`LEAST_CHOICES`.
    """
    if len(log) < LEAST_CHOICES:
        return []
    half, arms = len(log) // 2, len(Style)
    model = LinearBandit(arms, log.context.shape[1], alpha=0.0)
    for arm, context, reward in zip(log.arm[:half], log.context[:half], log.reward[:half], strict=True):
        model.learn(int(arm), context, float(reward))
    later = slice(half, None)
    arm, reward = log.arm[later], log.reward[later]
    predicted = log.context[later] @ model.theta.T
    found: list[Always] = []
    for style in Style:
        odds = np.zeros((len(arm), arms))
        odds[:, style] = 1.0
        weight = weights((arm == style).astype(np.float64), log.propensity[later])
        found.append(
            Always(
                style,
                inverse_propensity(weight, reward),
                self_normalised(weight, reward),
                doubly_robust(weight, reward, arm, predicted, odds),
                effective_size(weight),
            )
        )
    return found


def sentences(rows: OrderRows) -> tuple[str, ...]:
    """What a report says about the choices of a run; nothing where none were made."""
    log = choice_log(rows)
    if not len(log):
        return ()
    half = log.reward[len(log) // 2 :]
    head = (
        f"Order types were chosen by a bandit: {len(log):,} choices with a known cost; the later half cost "
        f"{-float(half.mean()):.2f} bp each."
    )
    found = [each for each in always(log) if each.effective >= _LEAST_EFFECTIVE]
    if not found:
        return (head + " That is too little to say what other choices would have cost.",)
    told = ", ".join(
        f"{each.style.name.lower()} {-each.robust.value:.2f} ± {each.robust.error:.2f} bp" for each in found
    )
    return (f"{head} Always the same would have cost, by the log's own odds (doubly robust): {told}.",)
