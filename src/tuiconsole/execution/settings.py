"""What may be set about trading costs and about how the paper venue fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Interval

from tuiconsole.domain.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ExecutionSettings:
    """Costs of a trade and liquidity of the paper venue. Costs are always on; zero has to be asked for.

    Raises
    ------
    ConfigError
        When the ratio that counts as low volatility is not below the one that counts as high.
    """

    fixed_usd: Annotated[float, Interval(ge=0.0, le=1000.0)] = 0.50
    """Commission per order that gets at least one fill, in currency units; charged once, with the first
    fill."""

    proportional_bps: Annotated[float, Interval(ge=0.0, le=1000.0)] = 1.0
    """Commission in basis points of the traded value."""

    half_spread_bps: Annotated[float, Interval(ge=0.0, le=1000.0)] = 2.0
    """Half of the bid-ask spread, in basis points of the price: what crossing it costs."""

    temporary_impact: Annotated[float, Interval(ge=0.0, le=10.0)] = 0.314
    """Temporary impact as a share of the price is this number times the volatility of one bar times
    participation to the power of `temporary_exponent`; participation is the order's quantity over the usual
    volume of one bar."""

    temporary_exponent: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.5
    """0.5 is the square-root law; 1 is the linear impact of Almgren and Chriss (2000); 0.6 is what Almgren et
    al. (2005) measured, with 0.142 as its number."""

    permanent_impact: Annotated[float, Interval(ge=0.0, le=10.0)] = 0.1
    """A trade moves the price for later ones by this number times the volatility of one bar times
    participation; the trade itself pays half of it."""

    impact_decay: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.5
    """Share of that move that is gone with each bar; 0: it stays for ever, as in Almgren and Chriss."""

    capacity_free: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.02
    """Share of a bar's usual volume that may be traded without a capacity penalty."""

    capacity_penalty: Annotated[float, Interval(ge=0.0, le=10.0)] = 0.05
    """Above that share the price is worse by this number times the volatility of one bar times
    (participation / free share - 1), times the factor of the volatility regime."""

    capacity_high_volatility: Annotated[float, Interval(ge=0.0, le=10.0)] = 1.5
    """Factor of the capacity penalty when the symbol's volatility is high."""

    capacity_low_volatility: Annotated[float, Interval(ge=0.0, le=10.0)] = 0.7
    """Factor of the capacity penalty when the symbol's volatility is low."""

    high_volatility_ratio: Annotated[float, Interval(gt=0.0, le=10.0)] = 1.25
    """Volatility is high where the recent one is this many times the long one; in between, factors are
    interpolated, with 1 where both are equal."""

    low_volatility_ratio: Annotated[float, Interval(gt=0.0, le=10.0)] = 0.8
    """Volatility is low where the recent one is this many times the long one."""

    adverse_selection: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.0
    """Drift against the order between its arrival and its fill, as a share of one bar's volatility: what it
    costs that others see the same signal. 0: none."""

    borrow_annual_bps: Annotated[float, Interval(ge=0.0, le=100_000.0)] = 50.0
    """What holding a short costs per year, in basis points of its value; charged by calendar day into the
    ledger. 50 is a usual rate for large stocks; hard-to-borrow ones cost a hundred times as much."""

    displayed_volume: Annotated[float, Interval(ge=1.0, le=1e12)] = 5_000_000.0
    """Volume of one bar, in shares, assumed for sources that carry closes alone."""

    max_participation: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.10
    """Largest share of one bar's volume that the desk's orders in a symbol may take; the rest waits for the
    next bar."""

    against_book: bool = True
    """Fill against the quotes at the end of the bar before, where the source has them: their spread instead of
    `half_spread_bps`, no temporary impact on what the best price showed, and no more than the displayed depth."""

    tick_usd: Annotated[float, Interval(ge=0.0, le=1000.0)] = 0.0
    """Smallest price step of the venue, in currency units; prices are rounded to it against the order. 0: each
    instrument's own."""

    limit_needs: Literal["through", "touch"] = "through"
    """When a resting limit order fills: once the bar's price goes beyond its limit, or once it touches it."""

    latency_bars: Annotated[int, Interval(ge=1, le=100)] = 1
    """Bars from a decision to the first bar that may fill its orders: 1 is the next bar."""

    latency_ms: Annotated[float, Interval(ge=0.0, le=86_400_000.0)] = 0.0
    """Milliseconds of event time from a decision to its orders' arrival; an order that arrives within a bar
    fills at the price on the straight line from its open to its close. 0: at the open."""

    initial_volatility: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.02
    """Volatility of one bar's log-return that the impact assumes before a symbol has any history."""

    memory_bars: Annotated[int, Interval(ge=2, le=1000)] = 20
    """Memory of the venue's estimates of recent volatility and usual volume: the weight of a bar falls by a
    factor e in this many bars."""

    long_memory_bars: Annotated[int, Interval(ge=2, le=10_000)] = 250
    """Memory of the long volatility that tells whether the recent one is high or low."""

    algo: Literal["direct", "twap", "vwap", "pov", "is"] = "direct"
    """How a decision's orders are worked. direct: at once. twap: in equal parts; vwap: along the usual volume of
    each bar of the session; pov: as a share of volume; is: along the schedule of Almgren and Chriss, faster the more
    risk is minded."""

    algo_horizon_bars: Annotated[int, Interval(ge=1, le=10_000)] = 5
    """Bars over which a decision's order is worked; what pov has left then is given up."""

    algo_horizon_minutes: Annotated[float, Interval(ge=0.0, le=100_000.0)] = 0.0
    """The same in minutes of event time, where bars are shorter than that; 0: `algo_horizon_bars` counts."""

    algo_participation: Annotated[float, Interval(gt=0.0, le=1.0)] = 0.05
    """Share of the volume that pov follows; it catches up at no more than `max_participation`, if that is larger."""

    algo_risk_aversion: Annotated[float, Interval(ge=0.0, le=1.0)] = 1e-6
    """Risk aversion of is, per currency unit: how much expected cost one unit less variance is worth. 0 is twap."""

    choose_orders: bool = False
    """Let a contextual bandit choose the order type of each child (market, limit, pov or pegged) by what earlier choices
    cost; the last child of a parent always goes to the market. Only where `algo` is not direct."""

    choice_exploration: Annotated[float, Interval(ge=0.01, le=1.0)] = 0.1
    """Share of these choices that is made by lot, so that the log tells what other choices would have cost."""

    learn_costs: bool = False
    """Learn from the fills what the cost model gets wrong (needs the package lightgbm). It is told when that is proven on
    fills it had not seen; before, and without, expected costs are those of the laws above."""

    def __post_init__(self) -> None:
        if not self.low_volatility_ratio < 1.0 < self.high_volatility_ratio:
            raise ConfigError(
                f"execution.low_volatility_ratio is {self.low_volatility_ratio} and high_volatility_ratio "
                f"{self.high_volatility_ratio}, expected one below and one above 1."
            )


@dataclass(frozen=True, slots=True)
class ProtectionSettings:
    """Exits that the desk attaches to every position it opens; off by default."""

    stop_atr: Annotated[float, Interval(ge=0.0, le=100.0)] = 0.0
    """Stop-loss this many average true ranges from the average price, placed when the position opens; 0: none."""

    target_atr: Annotated[float, Interval(ge=0.0, le=100.0)] = 0.0
    """Take-profit this many average true ranges from the average price; 0: none. Whichever of the two trades first
    cancels the other."""

    atr_bars: Annotated[int, Interval(ge=1, le=500)] = 14
    """Bars over which the true range is averaged. Without highs and lows it is the range of the closes."""


@dataclass(frozen=True, slots=True)
class BookVenueSettings:
    """The paper venue on quotes and order books: fees, latency, and how resting orders move up their queues."""

    maker_bps: Annotated[float, Interval(ge=-10.0, le=1000.0)] = 2.0
    """Commission of an order that rested, in basis points of the traded value; below 0 it is a rebate."""

    taker_bps: Annotated[float, Interval(ge=0.0, le=1000.0)] = 5.0
    """Commission of an order that met resting ones, in basis points of the traded value."""

    submit_ns: Annotated[int, Interval(ge=0, le=60_000_000_000)] = 0
    """Nanoseconds that an order is on its way to the market."""

    cancel_ns: Annotated[int, Interval(ge=0, le=60_000_000_000)] = 0
    """Nanoseconds that the request to cancel an order is on its way; until then the order may fill."""

    feed_ns: Annotated[int, Interval(ge=0, le=60_000_000_000)] = 0
    """Age of the market data when it is seen, in nanoseconds: what is sent meets the market that much later again."""

    queue: Literal["fifo", "power", "log"] = "fifo"
    """Where cancels of others come from in a queue: behind the order as far as possible (fifo), or in front of it with a
    probability by the power or the logarithm of the quantities."""

    queue_power: Annotated[float, Interval(gt=0.0, le=10.0)] = 3.0
    """The exponent of `power`: the larger, the more of the cancels come from the longer part of the queue."""

    beyond_depth_bps: Annotated[float, Interval(ge=0.0, le=5000.0)] = 100.0
    """How much worse than the last displayed price a forced flatten fills what the displayed book does not hold, in basis
    points."""


@dataclass(frozen=True, slots=True)
class AlpacaSettings:
    """How the desk trades with Alpaca. Keys are never set here: they come from the environment or a key file."""

    url: str = ""
    """Address of a gateway that stands for Alpaca's trading API. Empty: Alpaca itself."""

    stream_url: str = ""
    """Websocket address of a gateway that stands for Alpaca's trade updates. Empty: Alpaca itself."""

    timeout_s: Annotated[float, Interval(ge=0.1, le=120.0)] = 10.0
    """Longest wait for one answer; what gets none is asked about, never sent again."""

    retry_s: Annotated[float, Interval(ge=0.1, le=3600.0)] = 30.0
    """Longest time for which an order waits while Alpaca takes no more requests; then it is rejected, not sent late."""

    requests_per_minute: Annotated[int, Interval(ge=1, le=100_000)] = 200
    """Requests that the account's plan allows in a minute; cancels overtake the orders that wait for their turn."""

    stop_s: Annotated[float, Interval(ge=0.1, le=60.0)] = 4.0
    """Longest time that leaving may take; orders that are open then are named."""
