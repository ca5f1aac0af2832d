"""A policy decides. The ensemble is the default one; a user's own ten lines are another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import msgspec
import numpy as np

from tuiconsole.domain.types import BoolArray, FloatArray, IntArray

PolicyState = Mapping[str, Any]
"""An explicit, encodable value (nested dicts of numbers, text and arrays) that the desk owns and saves."""


class DecisionInputs(msgspec.Struct, frozen=True, gc=False):
    """Everything a policy may know at one bar; nothing of the future.

    Attributes
    ----------
    ts, seq
        Time (ns UTC) of the bar and the decision's sequence number.
    price
        float64 ``[n_symbols]``, last good close; NaN where none was ever seen.
    price_scaled
        int64 ``[n_symbols]``, the same in scaled units; 0 where none.
    tradable
        bool ``[n_symbols]``: the bar's price is good and new orders are possible.
    features
        float64 ``[n_features, n_symbols]``, rows in the order of the policy's ``needs``; NaN until warm.
    regime
        float64 ``[n_regimes]`` probabilities, named by ``regimes.bank.REGIME_NAMES``.
    position
        int64 ``[n_symbols]`` signed scaled quantity held.
    pending
        int64 ``[n_symbols]`` signed scaled quantity of orders still working.
    equity, cash
        Currency units as float64 (exact values stay in the ledger).
    enabled
        Names of the agents that are switched on.
    members
        bool ``[n_symbols]``: belongs to the universe now; the desk lets others only be reduced. None: all belong.
    ended
        The declared timeframes of which an interval ends with this bar.
    """

    ts: int
    seq: int
    price: FloatArray
    price_scaled: IntArray
    tradable: BoolArray
    features: FloatArray
    regime: FloatArray
    position: IntArray
    pending: IntArray
    equity: float
    cash: float
    enabled: frozenset[str]
    members: BoolArray | None = None
    ended: frozenset[str] = frozenset()


class OrderPrices(msgspec.Struct, frozen=True, gc=False):
    """At which prices the orders of a decision are to trade; each float64 ``[n_symbols]`` in currency units, or None.

    Attributes
    ----------
    limit
        Worst price of the order; NaN: a market order.
    stop
        Price that must be reached before the order enters the market; NaN: none.
    stop_loss, take_profit
        Exits of an order that opens or adds to a position: the first to trade cancels the other. NaN: none.
    tif
        Code of :class:`~tuiconsole.domain.order_terms.TimeInForce` for orders with a limit or a stop; exits stand until
        they are cancelled.
    """

    limit: FloatArray | None = None
    stop: FloatArray | None = None
    stop_loss: FloatArray | None = None
    take_profit: FloatArray | None = None
    tif: int = 0


class Decision(msgspec.Struct, frozen=True, gc=False):
    """Target positions and how they came about.

    Attributes
    ----------
    target
        int64 ``[n_symbols]`` signed scaled quantity wanted.
    acting
        bool ``[n_symbols]``: False leaves the position alone whatever ``target`` says.
    sheet
        float64 ``[n_rows, n_symbols]``, rows named by the policy's ``sheet_names``: what ``why`` tells.
    scalars
        float64 ``[n_scalars]``, named by the policy's ``scalar_names``.
    prices
        Limits, stops and exits of the orders; None: market orders.
    """

    target: IntArray
    acting: BoolArray
    sheet: FloatArray
    scalars: FloatArray
    prices: OrderPrices | None = None


class Policy(Protocol):
    """What decides. Pure: the same inputs and state give the same decision and state, and nothing else changes."""

    @property
    def needs(self) -> Sequence[str]:
        """Catalogue names of the features it wants, in the order of ``DecisionInputs.features``."""
        ...

    @property
    def agent_names(self) -> Sequence[str]:
        """Agents that can be switched on and off; empty when it has none."""
        ...

    @property
    def sheet_names(self) -> Sequence[str]:
        """Names of the rows of ``Decision.sheet``."""
        ...

    @property
    def scalar_names(self) -> Sequence[str]:
        """Names of the entries of ``Decision.scalars``."""
        ...

    def initial_state(self, n_symbols: int) -> PolicyState:
        """The state before the first bar."""
        ...

    def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        """Targets for this bar, and the next state; ``state`` itself is not changed."""
        ...


@dataclass(frozen=True, slots=True)
class MarketAhead:
    """What the market alone says over consecutive bars: the arrays of :class:`DecisionInputs`, bar upon bar.

    Attributes
    ----------
    price, tradable
        ``[n_bars, n_symbols]``.
    features
        float64 ``[n_bars, n_features, n_symbols]``.
    regime
        float64 ``[n_bars, n_regimes]``.
    ts, seq
        Times of the bars, ns UTC, and the first one's place on the tape.
    price_scaled
        int64 ``[n_bars, n_symbols]``.
    """

    price: FloatArray
    tradable: BoolArray
    features: FloatArray
    regime: FloatArray
    ts: Sequence[int]
    seq: int
    price_scaled: IntArray

    def __len__(self) -> int:
        return len(self.price)


@runtime_checkable
class Waking(Protocol):
    """A policy that can say from the market alone when it needs to be asked; optional, and only for speed.

    A policy whose decisions depend on positions, equity or time keeps to :class:`Policy` and is asked at every bar.
    """

    def wakes(self, market: MarketAhead, state: PolicyState) -> BoolArray:
        """Bars at which it must be asked, bool ``[n_bars]``.

        At a bar that is False, ``decide`` would act on no symbol and leave its state as it is, given that it was
        asked at every earlier bar that is True. Must not look at bars after the one it speaks of.

        Parameters
        ----------
        state
            Before the first of the bars.
        """
        ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a policy wants at consecutive bars, from the market alone; quantities or weights, one of them.

    Attributes
    ----------
    quantity
        int64 ``[n_bars, n_symbols]`` signed scaled quantities, with ``acting`` of the same shape: as in :class:`Decision`.
    weight
        float64 ``[n_bars, n_symbols]`` shares of equity. The target is ``trunc(weight * equity / (price * lot's worth))`` lots.
    acting
        bool ``[n_bars, n_symbols]``. None: symbols act by ``rebalance``.
    rebalance
        ``"on change"``: where the weight is another than the one last acted on, or its sign another than the position's;
        ``"every bar"``: where the weight is finite. NaN leaves a position alone.
    """

    acting: BoolArray | None = None
    quantity: IntArray | None = None
    weight: FloatArray | None = None
    rebalance: str = "on change"


@dataclass(frozen=True, slots=True)
class OrdersAhead:
    """Orders of consecutive bars, for their explanation: columns ``[n_orders]``.

    Attributes
    ----------
    bar, column
        Place in the block, and universe column.
    held
        Signed scaled quantity held when the order was decided.
    equity
        Currency units then.
    """

    bar: IntArray
    column: IntArray
    held: IntArray
    equity: FloatArray


@runtime_checkable
class BlockPolicy(Protocol):
    """A policy that can decide many bars at once, because what it wants follows from the market alone; optional, for speed.

    For every bar of a block, ``decide`` at that bar must give the same targets, sheet and next state.
    """

    def wishes(self, market: MarketAhead, state: PolicyState) -> Wishes | None:
        """What it wants at every bar, given its ``state`` before the first; None: it must be asked bar by bar."""
        ...

    def acted_on(self, state: PolicyState) -> FloatArray:
        """float64 ``[n_symbols]``: the weights last acted on, for ``"on change"``; zeros where the policy keeps none."""
        ...

    def state_after(
        self, market: MarketAhead, bar: int, acted_on: FloatArray, state: PolicyState
    ) -> PolicyState:
        """Its state after the bar at place ``bar``.

        Parameters
        ----------
        acted_on
            float64 ``[n_symbols]``, weights acted on up to then; of use to policies with weights.
        state
            Before the first bar of the block.
        """
        ...

    def explain(
        self, market: MarketAhead, wishes: Wishes, orders: OrdersAhead, equity: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """The sheet ``[n_rows, n_orders]`` of some orders, and the scalars ``[n_bars, n_scalars]``.

        Parameters
        ----------
        equity
            float64 ``[n_bars]``, currency units after each bar; NaN where it does not matter.
        """
        ...


def speaks_for(kind: type, ahead: str, single: str) -> bool:
    """Whether method ``ahead`` of a class can stand for its method ``single``: no subclass has since changed the latter alone.

    >>> class Parent:
    ...     def decide(self): ...
    ...     def wishes(self): ...
    >>> class Child(Parent):
    ...     def decide(self): ...
    >>> speaks_for(Parent, "wishes", "decide"), speaks_for(Child, "wishes", "decide")
    (True, False)
    """
    for owner in kind.__mro__:
        if ahead in vars(owner):
            return True
        if single in vars(owner):
            return False
    return False


def timeframe_of(decider: object) -> str:
    """Length of the bars at whose end a policy or an agent wants to be woken, e.g. ``"15min"``; empty: every bar.

    Declared by an optional attribute ``timeframe``. Intervals are cut from the open of each session of the tape's exchange
    calendar (a day ends at the close), and a decision comes only with a bar that ends one: it never sees an unfinished
    interval. Features go on being worked out at every bar of the tape, and their windows count those bars.
    """
    found: str = getattr(decider, "timeframe", "")
    return found


def no_sheet(n_symbols: int) -> FloatArray:
    """An empty sheet for policies that explain nothing but their targets."""
    return np.empty((0, n_symbols))
