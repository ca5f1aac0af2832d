"""From beliefs to target quantities: fractional Kelly under a volatility target, caps and a no-trade band.

Pure functions over the symbol axis. For every symbol, with the blend's ``mean`` and ``sigma`` over the same
horizon (the horizon cancels: both the expected return and its variance grow with it)::

    kelly    = kelly_fraction * mean / sigma**2, at least 0 unless shorts are allowed, within ±name_limit
    target_volatility = volatility_target * (1 - high_volatility_cut * P(high volatility))
    scale    = target_volatility / predicted volatility of kelly, within least and greatest scale
    scaled   = kelly * scale, within ±name_limit
    gross_scale = min(1, gross_limit / sum |scaled|)
    weight   = scaled * gross_scale
    lots     = weight * equity / (price * multiplier * lot), rounded toward zero

``name_limit = headroom * name_cap`` and ``gross_limit = headroom * min(gross_cap, 1 - cash_reserve)``. The
regime works through the volatility target, which would otherwise undo a cut of the weights.

Sources: Kelly (1956) and Thorp (2006), "The Kelly criterion in blackjack, sports betting, and the stock
market", eq. 7.5 (``mean / variance``; the convexity term of log-returns, 1/2, is left out because it is no
forecast); Moreira and Muir (2017), "Volatility-managed portfolios", for the target; Sharpe (1963), "A
simplified model for portfolio analysis", for the one-factor risk; Davis and Norman (1990) for the band.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray
from tuiconsole.portfolio.settings import SizingSettings

_LEAST_EQUITY = 1e-9
"""Currency units that a ruined account is taken to have: every target becomes 0 lots."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What risk is predicted from.

    Attributes
    ----------
    volatility
        float64 ``[n_symbols]``, realised, a fraction per year; positive or NaN.
    beta
        float64 ``[n_symbols]`` to the equal-weighted mean of all symbols; NaN counts as 1.
    residual_volatility
        float64 ``[n_symbols]``, what beta leaves unexplained, per year; NaN counts as ``volatility``.
    """

    volatility: FloatArray
    beta: FloatArray
    residual_volatility: FloatArray


@dataclass(frozen=True, slots=True)
class Account:
    """What is held and what it is worth.

    Attributes
    ----------
    equity
        Currency units.
    lot_value
        float64 ``[n_symbols]``: price times multiplier times lot in currency units; NaN where no price is
        known.
    held_lots
        float64 ``[n_symbols]``: signed lots held or on working orders.
    tradable
        bool ``[n_symbols]``.
    """

    equity: float
    lot_value: FloatArray
    held_lots: FloatArray
    tradable: BoolArray


@dataclass(frozen=True, slots=True)
class Sizes:
    """Targets, and every number on the way to them.

    Attributes
    ----------
    kelly, weight, held
        float64 ``[n_symbols]``, fractions of equity: capped fractional Kelly, final target, and what is held.
        ``weight`` is NaN where there is no opinion.
    lots
        float64 ``[n_symbols]``, whole signed lots of the target; NaN where there is no opinion.
    acting
        bool ``[n_symbols]``: the target is to be traded to.
    volatility_target
        Per year, after the regime's cut.
    kelly_volatility, predicted_volatility
        Predicted portfolio volatility per year of ``kelly`` and of ``weight``.
    volatility_scale, gross_scale, gross
        Factors, and the sum of absolute target weights.
    """

    kelly: FloatArray
    weight: FloatArray
    held: FloatArray
    lots: FloatArray
    acting: BoolArray
    volatility_target: float
    kelly_volatility: float
    volatility_scale: float
    gross_scale: float
    gross: float
    predicted_volatility: float


def name_limit(settings: SizingSettings) -> float:
    """Greatest absolute target weight of one name."""
    return settings.headroom * settings.name_cap


def gross_limit(settings: SizingSettings) -> float:
    """Greatest sum of absolute target weights."""
    return settings.headroom * _gross_cap(settings)


def market_variance(exposure: Exposure) -> float:
    """Annual variance of the market that the betas refer to; 0 while no symbol has a beta.

    One-factor risk says ``volatility**2 = beta**2 * market + residual**2`` for every symbol; this is the
    market that makes it true on average.
    """
    square = exposure.beta * exposure.beta
    systematic = exposure.volatility * exposure.volatility
    systematic -= exposure.residual_volatility * exposure.residual_volatility
    known = np.isfinite(systematic)
    known &= np.isfinite(square)
    beta_sum = float(np.dot(known, np.where(known, square, 0.0)))
    if beta_sum <= 0.0:
        return 0.0
    return max(0.0, float(np.add.reduce(np.where(known, systematic, 0.0))) / beta_sum)


def size(
    mean: FloatArray,
    sigma: FloatArray,
    exposure: Exposure,
    high_volatility: float,
    account: Account,
    settings: SizingSettings,
) -> Sizes:
    """Target weights and lots for one bar.

    Parameters
    ----------
    mean, sigma
        float64 ``[n_symbols]``, expected log-return and standard deviation over one horizon; NaN = no
        opinion.
    high_volatility
        Probability of the high-volatility regime, 0 to 1; NaN counts as 0.

    Notes
    -----
    A symbol is left alone (``acting`` False) without a tradable price or an opinion, and while its weight is
    within ``max(band, relative_band * |target|)`` of the target. The band does not hold back closing (target
    0), nor trimming what has drifted over ``name_cap``, nor any reduction when gross exposure would otherwise
    stay or come over its cap.
    """
    most = name_limit(settings)
    kelly = settings.kelly_fraction * mean
    kelly /= sigma * sigma
    np.minimum(kelly, most, out=kelly)
    np.maximum(kelly, -most if settings.allow_short else 0.0, out=kelly)
    opinion = np.isfinite(kelly)
    weight = np.where(opinion, kelly, 0.0)

    systematic, residual = _risk(exposure)
    kelly_volatility = _volatility(weight, systematic, residual)
    cut = settings.high_volatility_cut * high_volatility
    target = settings.volatility_target * (1.0 - (cut if cut > 0.0 else 0.0))
    scale = settings.greatest_volatility_scale
    if kelly_volatility > 0.0:
        scale = min(scale, max(settings.least_volatility_scale, target / kelly_volatility))
    weight *= scale
    np.minimum(weight, most, out=weight)
    if settings.allow_short:
        np.maximum(weight, -most, out=weight)

    gross = float(np.add.reduce(np.abs(weight)))
    limit = gross_limit(settings)
    gross_scale = min(1.0, limit / gross) if gross > 0.0 else 1.0
    weight *= gross_scale
    predicted = _volatility(weight, systematic, residual)

    equity = max(account.equity, _LEAST_EQUITY)
    lots = weight * equity
    lots /= account.lot_value
    np.trunc(lots, out=lots)
    held = account.held_lots * account.lot_value
    held /= equity
    acting = _acting(weight, held, settings)
    acting &= opinion
    acting &= account.tradable
    acting &= np.isfinite(lots)
    if not opinion.all():
        weight[~opinion] = np.nan
        lots[~opinion] = np.nan
    return Sizes(
        kelly=kelly,
        weight=weight,
        held=held,
        lots=lots,
        acting=acting,
        volatility_target=target,
        kelly_volatility=kelly_volatility,
        volatility_scale=scale,
        gross_scale=gross_scale,
        gross=gross * gross_scale,
        predicted_volatility=predicted,
    )


def _risk(exposure: Exposure) -> tuple[FloatArray, FloatArray]:
    """Systematic volatility (signed as beta is) and residual variance of each symbol, per year; 0 if unknown."""
    market = math.sqrt(market_variance(exposure))
    systematic = exposure.beta * market
    residual = exposure.residual_volatility * exposure.residual_volatility
    unknown = ~np.isfinite(systematic + residual)
    if unknown.any():
        own = exposure.volatility * exposure.volatility
        systematic = np.where(unknown, market, systematic)
        residual = np.where(unknown, np.where(np.isfinite(own), own, 0.0), residual)
    return systematic, residual


def _volatility(weight: FloatArray, systematic: FloatArray, residual: FloatArray) -> float:
    """One-factor volatility of a portfolio, per year."""
    common = float(np.dot(weight, systematic))
    return math.sqrt(common * common + float(np.dot(weight * weight, residual)))


def _acting(weight: FloatArray, held: FloatArray, settings: SizingSettings) -> BoolArray:
    """Which symbols are far enough from their target, or must be reduced."""
    wanted = np.abs(weight)
    holding = np.abs(held)
    band = wanted * settings.relative_band
    np.maximum(band, settings.band, out=band)
    gap = weight - held
    np.abs(gap, out=gap)
    acting: BoolArray = gap >= band
    acting |= wanted == 0.0
    acting |= holding > settings.name_cap
    after = np.where(acting, wanted, holding)
    if float(after.sum(where=np.isfinite(after))) > _gross_cap(settings):
        acting |= holding > wanted
    acting &= gap > 0.0
    return acting


def _gross_cap(settings: SizingSettings) -> float:
    return min(settings.gross_cap, 1.0 - settings.cash_reserve)
