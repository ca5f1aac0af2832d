"""The verb that shows how an order would be worked, and at what expected cost, before it is traded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tuiconsole.domain.errors import UsageError
from tuiconsole.verbs.common import Place

if TYPE_CHECKING:
    from tuiconsole.execution.algos.planning import Conditions
    from tuiconsole.execution.settings import ExecutionSettings
    from tuiconsole.execution.slippage import Trades
    from tuiconsole.market.tape import Tape

ALGOS = ("twap", "vwap", "pov", "is")
_PAST = 2_000
_AVERSIONS = (0.0, 1e-7, 1e-6, 1e-5, 1e-4)


def run_schedule(
    place: Place, symbol: str, quantity: float, algo: str | None, bars: int | None, end: str | None
) -> dict[str, Any]:
    """How ``quantity`` (negative sells) of ``symbol`` would be worked after the last bar before ``end``; stable keys.

    Raises
    ------
    UsageError
        The symbol is not on the tape or has no price there, the quantity is less than a lot, or there is no such algorithm.
    """
    import numpy as np

    from tuiconsole.engine.build import load_tape
    from tuiconsole.execution.algos.planning import curve, due
    from tuiconsole.research.backtests import end_index

    settings = place.config.desk
    tape = load_tape(settings)
    name = symbol.upper() if symbol.upper() in tape.universe.index_of else symbol
    if name not in tape.universe.index_of:
        raise UsageError(
            f"{symbol} is not on the tape {tape.name}.", "Name one of its symbols with --symbol."
        )
    chosen = algo or (settings.execution.algo if settings.execution.algo != "direct" else "is")
    if chosen not in ALGOS:
        raise UsageError(f"There is no algorithm {chosen!r}.", f"Choose one of {', '.join(ALGOS)}.")
    execution = replace(settings.execution, algo=chosen)  # type: ignore[arg-type]
    item = tape.universe.instruments[tape.universe.index_of[name]]
    scaled = round(quantity * item.quantity_scale)
    if abs(scaled) < item.lot:
        raise UsageError(f"{quantity:g} {name} is less than one lot.", "Ask for more with --quantity.")
    last = len(tape) if end is None else end_index(end, tape, 0)
    count = bars or execution.algo_horizon_bars
    market = _conditions(tape, tape.universe.index_of[name], last, count, execution)
    shares = abs(scaled) / item.quantity_scale
    rising = curve(shares, count, market, execution)
    sent = np.diff(due(scaled, rising, item.lot), prepend=0)
    return {
        "symbol": name,
        "quantity": scaled / item.quantity_scale,
        "algo": chosen,
        "bars": count,
        "as_of": _time(tape, last - 1),
        "price": market.price,
        "volatility_bps": 1e4 * market.sigma,
        "usual_volume": market.volume,
        "profile_known": bool(np.isfinite(market.expected).all()),
        "slices": [
            {
                "bar": i + 1,
                "quantity": int(size) / item.quantity_scale,
                "done": float(share),
                "participation": abs(int(size)) / item.quantity_scale / market.volume,
            }
            for i, (size, share) in enumerate(zip(sent.tolist(), rising.tolist(), strict=True))
        ],
        **_costs(shares, count, market, execution, float(item.multiplier)),
        "learned": _learned(place, _at_once(shares, market, int(tape.ts[last - 1]))),
    }


def _conditions(tape: Tape, column: int, last: int, bars: int, settings: ExecutionSettings) -> Conditions:
    """What the market looks like to whoever knows the bars before ``last`` alone."""
    import numpy as np

    from tuiconsole.execution.algos.planning import Conditions
    from tuiconsole.execution.algos.volume_profile import VolumeProfile
    from tuiconsole.execution.liquidity import Liquidity

    first = max(0, last - _PAST)
    close = tape.close[first:last, [column]]
    known = np.flatnonzero(np.isfinite(close[:, 0]))
    if not len(known):
        raise UsageError(
            f"{tape.universe.symbols[column]} has no price before {_time(tape, last - 1)}.",
            "Choose another --end.",
        )
    volume = None if tape.volume is None else tape.volume[first:last, [column]]
    liquidity, profile = Liquidity(1, settings), VolumeProfile(1)
    filled = close[np.maximum.accumulate(np.where(np.isfinite(close[:, 0]), np.arange(len(close)), known[0]))]
    missing = (~np.isfinite(close)).astype(np.int8)
    liquidity.update_block(filled, volume, missing)
    for row, session in enumerate(tape.sessions[first:last].tolist()):
        profile.update(session, None if volume is None else volume[row])
    here = np.zeros(1, dtype=np.int64)
    return Conditions(
        price=float(filled[-1, 0]),
        sigma=float(liquidity.sigma(here)[0]),
        volume=float(liquidity.volume(here)[0]),
        expected=profile.ahead(0, bars),
    )


def _costs(
    shares: float, bars: int, market: Conditions, settings: ExecutionSettings, multiplier: float
) -> dict[str, Any]:
    """Expected cost of trading at once and of the frontier of optimal schedules, in currency units and basis points."""
    from tuiconsole.execution.algos.almgren_chriss import frontier
    from tuiconsole.execution.algos.planning import impact_task
    from tuiconsole.execution.slippage import base_bps

    value = shares * market.price * multiplier
    task = impact_task(shares, bars, market, settings)
    aversions = sorted({*_AVERSIONS, settings.algo_risk_aversion})
    points = [] if task is None else frontier(task, aversions)
    return {
        "value": value,
        "at_once_bps": float(base_bps(_at_once(shares, market, 0), settings)[0]),
        "risk_aversion": settings.algo_risk_aversion,
        "frontier": [
            {
                "risk_aversion": point.risk_aversion,
                "cost": point.expected_cost * multiplier,
                "cost_bps": 1e4 * point.expected_cost * multiplier / value,
                "risk": point.variance**0.5 * multiplier,
                "risk_bps": 1e4 * point.variance**0.5 * multiplier / value,
                "half_life_bars": point.half_life if point.kappa else None,
            }
            for point in points
        ],
    }


def _at_once(shares: float, market: Conditions, ts: int) -> Trades:
    """One market order for all of it at ``ts`` (ns UTC)."""
    import numpy as np

    from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
    from tuiconsole.execution.slippage import Trades

    first, one = np.zeros(1, dtype=np.int64), np.ones(1)
    return Trades(
        venue=first,
        style=first,
        time_of_day=one * (ts % NANOSECONDS_PER_DAY) / NANOSECONDS_PER_DAY,
        spread_bps=np.nan * one,
        queue=np.nan * one,
        sigma=market.sigma * one,
        participation=shares / market.volume * one,
    )


def _learned(place: Place, at_once: Trades) -> dict[str, Any] | None:
    """What the fills of the desk of ``place`` taught about costs; None where that is off, or no desk ever ran there."""
    from tuiconsole.engine.launch import load_launch

    launch = load_launch(place.paths.state) if place.config.desk.execution.learn_costs else None
    if launch is None:
        return None
    from tuiconsole.engine.build import plan_again
    from tuiconsole.engine.learned_costs import LearnedCosts

    chosen = plan_again(place.paths.state, launch.mode, launch.settings)
    costs = LearnedCosts(place.paths.state, chosen.tape, launch.settings.execution, 1)
    costs.tell(len(chosen.tape))
    residual = costs.model.residual
    return {
        "in_use": residual.in_use,
        "samples": residual.evidence.samples,
        "gain": residual.evidence.gain,
        "at_once_bps": float(costs.model.expected_bps(at_once)[0]) if residual.in_use else None,
    }


def _time(tape: Tape, index: int) -> str:
    from tuiconsole.domain.clock import iso

    return iso(int(tape.ts[index]))


def schedule_text(body: dict[str, Any]) -> str:
    """The schedule for people."""
    side = "buy" if body["quantity"] > 0 else "sell"
    lines = [
        f"{side} {abs(body['quantity']):,g} {body['symbol']} by {body['algo']} over {body['bars']} bars, as of {body['as_of']}",
        f"price {body['price']:,.4f}, volatility {body['volatility_bps']:.1f} bp a bar, "
        f"usual volume {body['usual_volume']:,.0f} a bar, value {body['value']:,.2f}",
    ]
    if body["algo"] in ("vwap", "pov") and not body["profile_known"]:
        lines.append("No session is known as a whole, so the volume profile is taken to be flat.")
    if body["algo"] == "pov":
        lines.append("pov follows the volume that comes; this is its course if that is the usual one.")
    lines.append(f"{'bar':>5} {'quantity':>14} {'done':>8} {'of volume':>10}")
    lines += [
        f"{row['bar']:>5} {row['quantity']:>+14,g} {100 * row['done']:>7.1f}% {100 * row['participation']:>9.2f}%"
        for row in body["slices"]
    ]
    lines.append(f"all at once: {body['at_once_bps']:.1f} bp expected")
    if body["learned"] is not None:
        lines.append(_learned_text(body["learned"]))
    if body["frontier"]:
        lines.append(f"{'risk aversion':>14} {'cost bp':>9} {'risk bp':>9} {'half-life':>10}")
    for row in body["frontier"]:
        life = "" if row["half_life_bars"] is None else f"{row['half_life_bars']:,.1f} bars"
        mark = "  <" if row["risk_aversion"] == body["risk_aversion"] else ""
        lines.append(
            f"{row['risk_aversion']:>14.0e} {row['cost_bps']:>9.2f} {row['risk_bps']:>9.1f} {life:>10}{mark}".rstrip()
        )
    return "\n".join(lines)


def _learned_text(learned: dict[str, Any]) -> str:
    if learned["in_use"]:
        return (
            f"with what {learned['samples']:,} fills taught: {learned['at_once_bps']:.1f} bp "
            f"({100 * learned['gain']:.0f} % less squared error on fills not seen before)"
        )
    return f"nothing that the fills taught is proven yet ({learned['samples']:,} predictions of fills not seen before)"
