"""Your own strategy in ten lines: subclass :class:`Strategy` and say what share of equity each symbol should have.

The whole desk stands around it: defence, features, gate, order table, costs, ledger, journal, console. Run it with
``tuiconsole backtest --policy my.py:SmaCross``; ``replay`` takes the same option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.memory import Memory
from tuiconsole.domain.order_terms import TimeInForce
from tuiconsole.domain.policy import (
    Decision,
    DecisionInputs,
    MarketAhead,
    OrderPrices,
    OrdersAhead,
    PolicyState,
    Wishes,
    speaks_for,
)
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray

Rebalance = Literal["on change", "every bar"]

_MOST_LOTS = 2.0**40
"""No order is larger; what is beyond it the gate would refuse anyway, but it must fit an integer."""

LARGEST_WEIGHT = 1_000.0
"""Shares of equity beyond this, either way, are a mistake and switch the strategy off."""


class Strategy:
    """Base of a user's strategy; keeps the contract of :class:`~tuiconsole.domain.policy.Policy`.

    Override :meth:`weights`, name the features it reads in ``needs`` (or the file that does in ``schema``), and give every
    number that may be tuned a class attribute with a default: ``--set fast=10`` and sweeps change it. When ``needs`` depends on
    such a number, make it a property. Keep nothing on ``self`` between bars: a restart would lose it, and a backtest, which
    notices, takes longer. What must be remembered belongs in a class that keeps the ``Policy`` protocol with an explicit state.

    Parameters
    ----------
    universe
        Who may be traded.
    parameters
        Values for class attributes, of the attributes' own types.

    Raises
    ------
    UsageError
        A parameter is unknown or of another type.

    Examples
    --------
    >>> import numpy as np
    >>> from tuiconsole.domain.instruments import Universe
    >>> class SmaCross(Strategy):
    ...     needs = ("rolling_mean_20", "rolling_mean_100")
    ...     def weights(self, bar):
    ...         fast, slow = bar.features
    ...         return np.where(fast > slow, 0.9 / len(fast), 0.0)
    >>> SmaCross(Universe.of(("AAPL", "MSFT"))).agent_names
    ('SmaCross',)
    """

    needs: Sequence[str] = ()
    """Catalogue names of the features wanted, in the order of ``bar.features``."""

    timeframe: str = ""
    """Decide only at bars that end such an interval of the session, e.g. ``"15min"``, ``"1h"`` or ``"1day"`` on a tape of
    minutes; empty: at every bar. Windows of features count the tape's own bars, whatever the timeframe."""

    schema: str = ""
    """File of a recorded feature schema (``tuiconsole features select`` writes one) in place of ``needs``: ``bar.features``
    holds its features in its order. A relative path starts at the strategy's own file."""

    rebalance: ClassVar[Rebalance] = "on change"
    """``"on change"`` trades a symbol when its wanted weight changes, or while it is not yet on the wanted side;
    ``"every bar"`` trades every difference between weight and position."""

    def __init__(self, universe: Universe, **parameters: Any) -> None:
        for name, value in parameters.items():
            setattr(self, name, self._checked(name, value))
        if isinstance(self.needs, str):
            raise UsageError(
                f"needs of {type(self).__name__} must be a tuple of names, was the text {self.needs!r}."
            )
        multiplier = np.array([float(item.multiplier) for item in universe.instruments])
        self._holdable: BoolArray | None = None if universe.holdable.all() else universe.holdable
        self._lot: IntArray = universe.lot
        self._lot_units: FloatArray = universe.lot / universe.quantity_scale * multiplier
        self._needs_book = False
        self._no_sheet: FloatArray = np.full((len(self.sheet_names), len(universe)), np.nan)

    def observe(self, recorded: Sequence[str]) -> None:
        """Read the features ``recorded`` in a schema, in its order, in place of ``needs``.

        Raises
        ------
        UsageError
            The strategy also declares ``needs``: which rows ``bar.features`` holds would be open.
        """
        if self.needs:
            raise UsageError(
                f"{type(self).__name__} declares both needs and a schema.",
                "Leave one of them out: the schema names every feature and its order.",
            )
        self.needs = tuple(recorded)
        self._no_sheet = np.full((len(self.sheet_names), self._no_sheet.shape[1]), np.nan)

    def weights(self, bar: DecisionInputs) -> FloatArray:
        """What share of equity each symbol should have after this bar.

        Parameters
        ----------
        bar
            All that is known now: ``features [k, n_symbols]`` in the order of ``needs``, ``price [n_symbols]``, regime,
            positions, equity.

        Returns
        -------
        float64 ``[n_symbols]``
            Fractions of equity, negative for short; NaN leaves a position alone. A symbol that is not a member of the universe
            at this bar is taken to zero; what cannot be held (an index) is left alone.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method weights(self, bar)")

    def weights_ahead(self, market: MarketAhead) -> FloatArray | None:
        """The weights of many bars at once; optional, and only for speed: backtests ask here first.

        Must say for every bar what :meth:`weights` says, and so cannot depend on positions or equity.

        Parameters
        ----------
        market
            ``features [n_bars, k, n_symbols]``, ``price [n_bars, n_symbols]``, regimes, times.

        Returns
        -------
        float64 ``[n_bars, n_symbols]``; None: ask :meth:`weights` bar by bar.
        """
        return None

    def prices(self, bar: DecisionInputs, wanted: FloatArray) -> OrderPrices | None:
        """At which prices the orders of this bar are to trade; optional, without it they are market orders.

        ``OrderPrices(limit=0.99 * bar.price, stop_loss=0.95 * bar.price, take_profit=1.1 * bar.price)`` buys one per cent
        below the market, for the day, and brackets what it buys. Every column is float64 ``[n_symbols]`` in currency units;
        NaN leaves a symbol without that price. Orders that reduce get no exits. A side that an exit has closed stays
        closed until :meth:`weights` has wanted something else.

        Parameters
        ----------
        wanted
            What :meth:`weights` answered.
        """
        return None

    # ---- the policy's contract ---------------------------------------------------------------------------------------

    @property
    def agent_names(self) -> Sequence[str]:
        """The strategy itself: it can be switched off and on like any agent."""
        return (type(self).__name__,)

    @property
    def sheet_names(self) -> Sequence[str]:
        """What ``why`` tells of an order: the features, what was wanted, and what is held."""
        return (*(f"feature:{name}" for name in self.needs), "price", "target_weight", "weight")

    @property
    def scalar_names(self) -> Sequence[str]:
        """What ``why`` tells of a decision as a whole."""
        return ("equity",)

    def initial_state(self, n_symbols: int) -> PolicyState:
        """Nothing wanted yet."""
        return {"wanted": np.zeros(n_symbols), "failed": {}}

    def decide(self, inputs: DecisionInputs, state: PolicyState) -> tuple[Decision, PolicyState]:
        """Target positions for the weights of this bar.

        A strategy that raises (leaving the program counts as that), or whose weights are no float array ``[n_symbols]`` of
        numbers within ``LARGEST_WEIGHT`` and NaN, joins ``failed``: the desk switches it off, says so, and leaves its positions
        alone.
        """
        name, n, before = type(self).__name__, len(inputs.price), state["wanted"]
        if name not in inputs.enabled or name in state["failed"]:
            return self._leave_alone(inputs), state
        try:
            with np.errstate(all="ignore"):
                wanted = _checked_weights(self.weights(inputs), n)
                if inputs.members is not None:
                    wanted = np.where(inputs.members, wanted, 0.0)
                if self._holdable is not None:
                    wanted = np.where(self._holdable, wanted, np.nan)
                prices = _checked_prices(self.prices(inputs, wanted), n)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a user's strategy raises, the desk goes on
            failed = {name: f"{type(error).__name__}: {error}{_place_of(error)}"}
            return self._leave_alone(inputs), {**state, "failed": failed}
        held = inputs.position + inputs.pending
        acting = self._acting(wanted, before, held) & inputs.tradable
        if not acting.any():
            return self._leave_alone(inputs), state
        target = np.where(acting, self._lots(inputs, wanted), held)
        sheet = self._sheet(inputs, wanted, held)
        decision = Decision(target, acting, sheet, np.array([inputs.equity]), prices)
        return decision, {**state, "wanted": np.where(acting, wanted, before)}

    # ---- many bars at once -------------------------------------------------------------------------------------------

    def wishes(self, market: MarketAhead, state: PolicyState) -> Wishes | None:
        """The weights of a block of bars; None when they depend on the book, or are wrong: then each bar will tell.

        Raises
        ------
        UsageError
            ``weights_ahead`` fails, or answers another shape: it serves nothing but speed, so it must be right.
        """
        if self._needs_book or state["failed"] or type(self).prices is not Strategy.prices:
            return None
        with np.errstate(all="ignore"):
            weight = self._ahead(market)
            if weight is None:
                weight = self._one_by_one(market)
        if weight is None or (np.abs(weight) > LARGEST_WEIGHT).any():
            return None
        return Wishes(weight=weight, rebalance=self.rebalance)

    def _ahead(self, market: MarketAhead) -> FloatArray | None:
        """What ``weights_ahead`` says, where it speaks for these ``weights``."""
        if not speaks_for(type(self), "weights_ahead", "weights"):
            return None
        name = f"weights_ahead of {type(self).__name__}"
        try:
            weight = self.weights_ahead(market)
        except (Exception, SystemExit) as error:
            raise UsageError(
                f"{name} failed: {type(error).__name__}: {error}{_place_of(error)}.",
                "Mend it, or remove it: weights() alone does the same, only slower.",
            ) from error
        if weight is None:
            return None
        array = np.asarray(weight)
        if array.dtype.kind not in "fiub" or array.shape != market.price.shape:
            raise UsageError(
                f"{name} must answer numbers of the shape {list(market.price.shape)}, were {list(array.shape)}."
            )
        return array.astype(np.float64, copy=False)

    def _one_by_one(self, market: MarketAhead) -> FloatArray | None:
        """``weights`` of every bar, from inputs that know the market alone; None when they ask for more, fail, or remember."""
        before = Memory(self, Strategy)
        wanted, needs_book = self._asked_ahead(market) if before.complete else (None, True)
        if not before.complete or not before.unchanged():
            before.restore()
            wanted, needs_book = None, True
        self._needs_book = needs_book
        return wanted

    def _asked_ahead(self, market: MarketAhead) -> tuple[FloatArray | None, bool]:
        """The weights, None when one failed; and whether one asked for more than the market."""
        names = frozenset(self.agent_names)
        wanted: FloatArray = np.empty(market.price.shape)
        for index in range(len(market)):
            bar = _MarketOnly(market, index, names)
            try:
                wanted[index] = _checked_weights(self.weights(cast(DecisionInputs, bar)), wanted.shape[1])
            except (Exception, SystemExit):  # noqa: BLE001 - decide() meets it again, at its bar, and tells
                return None, bar.asked_for_book
            if bar.asked_for_book:
                return None, True
        return wanted, False

    def acted_on(self, state: PolicyState) -> FloatArray:
        """The weights last acted on."""
        weights: FloatArray = state["wanted"]
        return weights

    def state_after(
        self, market: MarketAhead, bar: int, acted_on: FloatArray, state: PolicyState
    ) -> PolicyState:
        """What was wanted by then."""
        return {**state, "wanted": acted_on.copy()}

    def explain(
        self, market: MarketAhead, wishes: Wishes, orders: OrdersAhead, equity: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Sheets and scalars as :meth:`decide` gives them."""
        bar, column = orders.bar, orders.column
        price, wanted = market.price[bar, column], wishes.weight
        assert wanted is not None
        weight = orders.held / self._lot[column] * self._lot_units[column] * price / orders.equity
        rows = (market.features[bar, :, column].T, price, wanted[bar, column], weight)
        return np.vstack(rows), equity[:, None]

    def _acting(self, wanted: FloatArray, before: FloatArray, held: IntArray) -> BoolArray:
        """Where something is to be done, whatever the size: bool ``[n_symbols]``; False where ``wanted`` is NaN."""
        if self.rebalance == "every bar":
            return np.isfinite(wanted)
        acting: BoolArray = wanted != before
        acting |= np.sign(wanted) != np.sign(held)
        acting &= wanted == wanted  # NaN leaves a position alone
        return acting

    def _lots(self, inputs: DecisionInputs, wanted: FloatArray) -> IntArray:
        with np.errstate(all="ignore"):
            lots = np.trunc(wanted * inputs.equity / (inputs.price * self._lot_units))
        lots = np.where(np.isfinite(lots), np.clip(lots, -_MOST_LOTS, _MOST_LOTS), 0.0)
        return lots.astype(np.int64) * self._lot

    def _leave_alone(self, inputs: DecisionInputs) -> Decision:
        nothing = np.zeros(len(inputs.price), dtype=np.bool_)
        return Decision(inputs.position, nothing, self._no_sheet, np.array([inputs.equity]))

    def _sheet(self, inputs: DecisionInputs, wanted: FloatArray, held: IntArray) -> FloatArray:
        weight = held / self._lot * self._lot_units * inputs.price / inputs.equity
        return np.vstack((inputs.features, inputs.price, wanted, weight))

    def _checked(self, name: str, value: Any) -> Any:
        known = tunable(type(self))
        if name not in known:
            raise UsageError(
                f"{type(self).__name__} has no parameter {name!r}.",
                f"It has: {', '.join(known) or 'none'}.",
            )
        kind = type(known[name])
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise UsageError(
                f"The parameter {name} of {type(self).__name__} must be of type {kind.__name__}, was {value!r}."
            )
        return value


class _MarketOnly:
    """The inputs of a decision as far as the market alone tells them; notes when somebody asks for more."""

    def __init__(self, market: MarketAhead, index: int, enabled: frozenset[str]) -> None:
        self.asked_for_book = False
        self.ts, self.seq = market.ts[index], market.seq + index
        self.price, self.price_scaled = market.price[index], market.price_scaled[index]
        self.tradable, self.features = market.tradable[index], market.features[index]
        self.regime, self.enabled = market.regime[index], enabled
        self.members, self.ended = None, frozenset[str]()

    @property  # type: ignore[misc]
    def __class__(self) -> type[DecisionInputs]:  # type: ignore[override]
        """A strategy that looks finds the inputs of a decision."""
        return DecisionInputs

    def __getattr__(self, name: str) -> Any:
        self.asked_for_book = True
        raise AttributeError(f"{name} is not of the market")


def tunable(kind: type[object]) -> Mapping[str, bool | int | float | str]:
    """The plain class attributes of a strategy, by name: what ``--set`` and sweeps may change."""
    found: dict[str, bool | int | float | str] = {}
    for base in reversed(kind.__mro__):
        if base in (object, Strategy):
            continue
        for name, value in vars(base).items():
            if (
                not name.startswith("_")
                and name != "rebalance"
                and isinstance(value, bool | int | float | str)
            ):
                found[name] = value
    return found


def _checked_weights(weights: Any, n: int) -> FloatArray:
    if np.iscomplexobj(weights):
        raise TypeError("weights must be real numbers, were complex")
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (n,):
        raise ValueError(f"weights must have the shape [{n}], was {list(array.shape)}")
    excess = np.abs(array) > LARGEST_WEIGHT
    if excess.any():
        raise ValueError(
            f"weights are shares of equity, at most {LARGEST_WEIGHT:,.0f}, or NaN, was {array[excess][0]:g}"
        )
    return array


def _checked_prices(prices: Any, n: int) -> OrderPrices | None:
    if prices is None:
        return None
    if not isinstance(prices, OrderPrices):
        raise TypeError(f"prices must be OrderPrices or None, was {type(prices).__name__}")
    columns: dict[str, Any] = {}
    for name in ("limit", "stop", "stop_loss", "take_profit"):
        column = getattr(prices, name)
        if column is None:
            continue
        array = np.asarray(column, dtype=np.float64)
        if array.shape != (n,):
            raise ValueError(f"the {name} of prices must have the shape [{n}], was {list(array.shape)}")
        if not (np.isnan(array) | ((array > 0.0) & np.isfinite(array))).all():
            raise ValueError(f"the {name} of prices must be positive, or NaN for none")
        columns[name] = array
    return OrderPrices(**columns, tif=TimeInForce(prices.tif))


def _place_of(error: BaseException) -> str:
    """Where in the strategy's own file it went wrong."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename != __file__:
            place = f" (line {trace.tb_lineno} of {code.co_filename.rsplit('/', 1)[-1]})"
            break
        trace = trace.tb_next
    return place
