"""Simulated markets: prices of many symbols under switching regimes, as a tape like any other.

One market factor, one factor per sector and a part of its own drive each symbol's log-return. Volatility, drift and
correlation switch together by a Markov chain (Hamilton, "A new approach to the economic analysis of nonstationary time
series and the business cycle", Econometrica 57, 1989), so volatility clusters; shocks are Student's t, so tails are fat;
jumps come as a Poisson process (Merton, "Option pricing when underlying stock returns are discontinuous", J. Financial
Economics 3, 1976). Highs and lows are drawn from the extremes of the Brownian bridge between open and close, whose law is
known: ``P(max <= m) = 1 - exp(-2 m (m - x) / v)`` for a bridge from 0 to ``x`` with variance ``v``.

Everything comes from the seed: the same settings give the same tape, digest and all.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, NANOSECONDS_PER_SECOND
from tuiconsole.domain.errors import ConfigError
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.rng import generator
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.market.calendar import NEW_YORK, to_utc
from tuiconsole.market.settings import SimulationSettings
from tuiconsole.market.tape import Tape

SIMULATED_NAME = "simulated"
SESSIONS_PER_YEAR = 252
_SESSION_SECONDS = 23_400
_CLOSE_HOUR = 16
_PRICE_DECIMALS = 4
_LEAST_PRICE = 10.0**-_PRICE_DECIMALS
_BETAS = (0.6, 1.4)
_OWN_SPREAD = 0.25
_VOLUME_NOISE = 0.3
_MEAN_ABSOLUTE = 0.7


def bars_per_session(bar_seconds: int) -> int:
    """Bars of this length in one session of six and a half hours; at least one.

    >>> bars_per_session(300), bars_per_session(86_400)
    (78, 1)
    """
    return max(1, _SESSION_SECONDS // bar_seconds)


def simulated_tape(settings: SimulationSettings) -> Tape:
    """The market that ``settings`` describe.

    Raises
    ------
    ConfigError
        ``simulation.start`` is not an ISO date.
    """
    s = settings
    market = _Shares(s)
    regime = regime_path(s)
    first = np.arange(s.bars) % bars_per_session(s.bar_seconds) == 0
    moves, deviation = _moves(s, regime, market)
    opened, high, low, close = _prices(s, moves, deviation, first)
    volume = _volume(s, regime, moves, deviation)
    if s.missing_share:
        gone = generator(s.seed, "simulation", "missing").random(close.shape) < s.missing_share
        for column in (opened, high, low, close, volume):
            column[gone] = np.nan
    width = len(str(s.symbols))
    universe = Universe(
        tuple(
            Instrument(f"SIM{i + 1:0{width}d}", sector=f"Sector {market.sector[i] + 1}")
            for i in range(s.symbols)
        )
    )
    notes = (
        f"Simulated, not recorded: seed {s.seed}, {len(s.volatility)} regimes. Its figures say nothing about real prices.",
    )
    return Tape(
        SIMULATED_NAME, "simulated", universe, _times(s), close, opened, high, low, volume, notes=notes
    )


def regime_path(settings: SimulationSettings) -> IntArray:
    """Regime of each bar, int64 ``[n_bars]``: stays are geometric, the next regime is drawn by its entry weight."""
    s = settings
    rng = generator(s.seed, "simulation", "regimes")
    weights = np.array(s.entry_weight)
    path: IntArray = np.empty(s.bars, dtype=np.int64)
    state, at = int(rng.choice(len(weights), p=weights / weights.sum())), 0
    while at < s.bars:
        stay = int(rng.geometric(1.0 / s.duration_bars[state]))
        path[at : at + stay] = state
        at += stay
        others = np.where(np.arange(len(weights)) == state, 0.0, weights)
        if others.any():
            state = int(rng.choice(len(weights), p=others / others.sum()))
    return path


class _Shares:
    """What each symbol is made of: its sector, and how strongly market, sector and its own news move it."""

    def __init__(self, s: SimulationSettings) -> None:
        rng = generator(s.seed, "simulation", "symbols")
        self.sector: IntArray = np.arange(s.symbols) % s.sectors
        self.beta = _unit_mean_square(rng.uniform(*_BETAS, s.symbols))
        self.own = _unit_mean_square(np.exp(_OWN_SPREAD * rng.standard_normal(s.symbols)))


def _unit_mean_square(values: FloatArray) -> FloatArray:
    """``values`` scaled so that the symbols together have the variance asked for."""
    scaled: FloatArray = values / np.sqrt(np.square(values).mean())
    return scaled


def _shocks(s: SimulationSettings, name: str, shape: tuple[int, ...]) -> FloatArray:
    """Student's t with unit variance."""
    rng = generator(s.seed, "simulation", name)
    shocks: FloatArray = rng.standard_t(s.tail_degrees, shape)
    shocks *= np.sqrt((s.tail_degrees - 2.0) / s.tail_degrees)
    return shocks


def _moves(s: SimulationSettings, regime: IntArray, market: _Shares) -> tuple[FloatArray, FloatArray]:
    """Log-returns ``[n_bars, n_symbols]``, and their standard deviation without jumps.

    With ``v`` a regime's variance and ``c`` its correlation, the market has ``c v``, a sector ``q (1 - c) v`` and the
    rest is a symbol's own, ``q`` being :attr:`SimulationSettings.sector_share`.
    """
    year = SESSIONS_PER_YEAR * bars_per_session(s.bar_seconds)
    variance = np.square(np.array(s.volatility))[regime] / year
    common = np.array(s.correlation)[regime] * variance
    rest = variance - common
    parts = (np.sqrt(common), np.sqrt(s.sector_share * rest), np.sqrt((1.0 - s.sector_share) * rest))
    moves = np.multiply.outer(parts[0] * _shocks(s, "market", (s.bars,)), market.beta)
    moves += (parts[1][:, None] * _shocks(s, "sectors", (s.bars, s.sectors)))[:, market.sector]
    moves += parts[2][:, None] * market.own * _shocks(s, "own", (s.bars, s.symbols))
    total = np.multiply.outer(common, market.beta**2) + (parts[1] ** 2)[:, None]
    total += np.multiply.outer(parts[2] ** 2, market.own**2)
    drift = np.array(s.drift)[regime] / year
    moves += np.multiply.outer(drift, market.beta) - 0.5 * total
    if s.jumps_per_year:
        rng = generator(s.seed, "simulation", "jumps")
        count = rng.poisson(s.jumps_per_year / year, moves.shape)
        moves += np.sqrt(count) * s.jump_volatility * rng.standard_normal(moves.shape)
    return moves, np.sqrt(total)


def _prices(
    s: SimulationSettings, moves: FloatArray, deviation: FloatArray, first: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Open, high, low and close; the first bar of a session opens with a gap of its share of the move."""
    rng = generator(s.seed, "simulation", "ranges")
    start = s.start_price * np.exp(0.5 * rng.standard_normal(s.symbols))
    share = np.where(first, s.gap_share, 0.0)[:, None]
    gap = share * moves + np.sqrt(share * (1.0 - share)) * deviation * rng.standard_normal(moves.shape)
    inside = moves - gap
    variance = (1.0 - share) * deviation**2
    log_close = np.log(start) + np.cumsum(moves, axis=0)
    log_open = log_close - inside
    reach = [np.sqrt(inside**2 + 2.0 * variance * rng.standard_exponential(moves.shape)) for _ in range(2)]
    logs = (log_open, log_open + 0.5 * (inside + reach[0]), log_open + 0.5 * (inside - reach[1]), log_close)
    opened, high, low, close = (
        np.maximum(np.round(np.exp(column), _PRICE_DECIMALS), _LEAST_PRICE) for column in logs
    )
    high, low = np.maximum(high, np.maximum(opened, close)), np.minimum(low, np.minimum(opened, close))
    return opened, high, low, close


def _volume(s: SimulationSettings, regime: IntArray, moves: FloatArray, deviation: FloatArray) -> FloatArray:
    """Shares: more in wild regimes and on large moves, whole and at least one."""
    noise = generator(s.seed, "simulation", "volume").standard_normal(moves.shape)
    level = np.sqrt(np.array(s.volatility) / np.mean(s.volatility))[regime][:, None]
    surprise = 0.4 + 0.6 / _MEAN_ABSOLUTE * np.abs(moves) / deviation
    volume: FloatArray = (
        s.mean_volume * level * surprise * np.exp(_VOLUME_NOISE * noise - 0.5 * _VOLUME_NOISE**2)
    )
    np.rint(volume, out=volume)
    return np.maximum(volume, 1.0, out=volume)


def _times(s: SimulationSettings) -> IntArray:
    """End of each bar, ns UTC: weekdays, every session until 16:00 New York time."""
    try:
        start = np.datetime64(s.start, "D")
    except ValueError as error:
        raise ConfigError(
            f"simulation.start is {s.start!r}, expected an ISO date such as 2004-01-02."
        ) from error
    bars = bars_per_session(s.bar_seconds)
    days = np.busday_offset(start, np.arange(-(-s.bars // bars)), roll="forward").astype(np.int64)
    closes = to_utc(days * NANOSECONDS_PER_DAY + _CLOSE_HOUR * 3600 * NANOSECONDS_PER_SECOND, NEW_YORK)
    before = (np.arange(bars - 1, -1, -1) * s.bar_seconds) * NANOSECONDS_PER_SECOND
    times: IntArray = (closes[:, None] - before).ravel()[: s.bars]
    return times
