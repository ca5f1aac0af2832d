"""The parents of one desk: what is left of each decision, and the slice of it that this bar should send.

One parent at most works in a symbol, and one child of it at a time. A decision in the same direction amends the parent
(what it wants now, on top of what the children took), one in the other direction ends it. The counter at the gate
(:class:`~tuiconsole.risk.children.Children`) says what was taken; the parents here say only what was planned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from tuiconsole.domain.context import BarQuotes
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import divide_half_even
from tuiconsole.domain.order_terms import PLAIN, OrderTerms
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.parents import Parent, ParentEvent
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.execution.algos.curves import participation_slice
from tuiconsole.execution.algos.planning import Conditions, curve, due
from tuiconsole.execution.algos.styles import Market, OrderStyles, Styled
from tuiconsole.execution.algos.volume_profile import VolumeProfile
from tuiconsole.execution.liquidity import Liquidity
from tuiconsole.execution.settings import ExecutionSettings
from tuiconsole.risk.children import Children

_NS_PER_MINUTE = 60_000_000_000


class Change(NamedTuple):
    """A parent was opened, amended or ended; ``taken`` by its children so far."""

    event: ParentEvent
    parent: Parent
    taken: int


class Slices(NamedTuple):
    """Children due now: wanted orders, the parent of each ``[k]``, and how it was styled (None: to the market)."""

    batch: OrderBatch
    parents: list[Parent]
    styled: list[Styled | None]


@dataclass(slots=True)
class _Worked:
    parent: Parent
    rising: FloatArray
    traded: float = 0.0
    due: list[int] = field(default_factory=list)
    """Signed scaled quantity to have been sent after each bar."""


class Working:
    """Plans parents and slices them.

    Parameters
    ----------
    universe, settings
        Who is traded in which lots, and how orders are worked; ``settings.algo`` is not ``direct``.
    children
        The counter at the gate; this object opens, amends and closes parents there.
    seed
        Of the choices of order types, where these are chosen.
    """

    def __init__(
        self, universe: Universe, settings: ExecutionSettings, children: Children, seed: int = 0
    ) -> None:
        n = len(universe)
        self._settings = settings
        self._children = children
        self._lot: list[int] = universe.lot.tolist()
        self._units: list[int] = universe.quantity_scale.tolist()
        self._liquidity = Liquidity(n, settings)
        self._profile = VolumeProfile(n)
        self._n = n
        self._parents: dict[int, _Worked] = {}
        self._next = 1
        self._bar = -1
        self._ts = 0
        self._bar_ns = 0
        self._price: FloatArray = np.full(n, np.nan)
        self.styles = OrderStyles(universe, settings, seed) if settings.choose_orders else None
        """Chooses the order types of children; None sends all of them to the market."""
        self.clearing = False
        """Children that rested for a bar were asked to be cancelled; slices wait for that."""

    def __len__(self) -> int:
        return len(self._parents)

    @property
    def parents(self) -> list[Parent]:
        """Those that are worked now, oldest first."""
        return [worked.parent for worked in self._parents.values()]

    def unsent(self) -> IntArray:
        """Signed scaled quantity of all parents that no child has taken yet, int64 ``[n_symbols]``."""
        left: IntArray = np.zeros(self._n, dtype=np.int64)
        for symbol, worked in self._parents.items():
            left[symbol] = self._children.room(worked.parent.number)
        return left

    # ---- the market ----------------------------------------------------------------------------------------

    def learn(
        self,
        seq: int,
        ts: int,
        session: int,
        price: FloatArray,
        volume: FloatArray | None,
        quality: CodeArray,
        quotes: BarQuotes | None = None,
    ) -> None:
        """Take in a bar that is over; columns ``[n_symbols]``, volume and quotes None where the source has none."""
        if self.styles is not None:
            self.styles.learn(quotes)
        if self._ts and ts > self._ts:
            self._bar_ns = min(self._bar_ns or ts - self._ts, ts - self._ts)
        self._bar, self._ts = seq, max(self._ts, ts)
        self._price = price
        shown = None if volume is None else volume[None]
        self._liquidity.update_block(price[None], shown, quality[None])
        self._profile.update(session, volume)
        for symbol, worked in self._parents.items():
            if worked.parent.bar < seq:
                worked.traded += self._volume_of(symbol, volume)

    def _volume_of(self, symbol: int, volume: FloatArray | None) -> float:
        seen = math.nan if volume is None else float(volume[symbol])
        return self._settings.displayed_volume if math.isnan(seen) else max(seen, 0.0)

    def _conditions(self, symbol: int, bars: int) -> Conditions:
        column = np.array([symbol], dtype=np.int64)
        return Conditions(
            price=float(self._price[symbol]),
            sigma=float(self._liquidity.sigma(column)[0]),
            volume=float(self._liquidity.volume(column)[0]),
            expected=self._profile.ahead(symbol, bars),
        )

    def _horizon(self) -> int:
        minutes = self._settings.algo_horizon_minutes
        if not minutes or not self._bar_ns:
            return self._settings.algo_horizon_bars
        return max(1, math.ceil(minutes * _NS_PER_MINUTE / self._bar_ns))

    # ---- decisions -----------------------------------------------------------------------------------------

    def revise(self, wanted: OrderBatch, acting: BoolArray) -> list[Change]:
        """Turn what a decision wants into parents.

        Parameters
        ----------
        wanted
            What each symbol still needs beyond its position and working orders.
        acting
            bool ``[n_symbols]``: where the decision acts. A parent of a symbol that acts and wants nothing further is
            done; where it does not act, a parent goes on.
        """
        changes: list[Change] = []
        asked = dict(zip(wanted.symbol.tolist(), wanted.quantity.tolist(), strict=True))
        reference = dict(zip(wanted.symbol.tolist(), wanted.reference_price.tolist(), strict=True))
        for symbol in list(self._parents):
            if acting[symbol] and asked.get(symbol, 0) * self._parents[symbol].parent.quantity <= 0:
                changes.append(self._end(symbol, ParentEvent.DONE))
        for symbol, quantity in asked.items():
            if symbol in self._parents:
                changes += self._amend(symbol, quantity, reference[symbol])
            else:
                changes.append(self._open(symbol, quantity, reference[symbol], wanted))
        return changes

    def _open(self, symbol: int, quantity: int, reference: int, wanted: OrderBatch) -> Change:
        bars = self._horizon()
        parent = Parent(self._next, symbol, quantity, reference, wanted.batch, wanted.ts, self._bar, bars)
        self._next += 1
        shares = abs(quantity) / self._units[symbol]
        rising = curve(shares, bars, self._conditions(symbol, bars), self._settings)
        self._parents[symbol] = _Worked(parent, rising, due=self._due(parent, rising))
        self._children.open(parent.number, symbol, quantity)
        return Change(ParentEvent.OPENED, parent, 0)

    def _due(self, parent: Parent, rising: FloatArray) -> list[int]:
        found: list[int] = due(parent.quantity, rising, self._lot[parent.symbol]).tolist()
        return found

    def _amend(self, symbol: int, quantity: int, reference: int) -> list[Change]:
        worked = self._parents[symbol]
        parent, taken = worked.parent, self._children.taken(worked.parent.number)
        whole = taken + quantity
        if whole == parent.quantity:
            return []
        more = abs(whole) - abs(parent.quantity)
        price = parent.reference_price
        if more > 0:  # what was added was decided at today's price
            price = divide_half_even(price * abs(parent.quantity) + reference * more, abs(whole))
        worked.parent = replace(parent, quantity=whole, reference_price=price)
        worked.due = self._due(worked.parent, worked.rising)
        self._children.amend(worked.parent.number, worked.parent.quantity)
        return [Change(ParentEvent.AMENDED, worked.parent, taken)]

    def _end(self, symbol: int, event: ParentEvent) -> Change:
        parent = self._parents.pop(symbol).parent
        taken = self._children.taken(parent.number)
        self._children.close(parent.number)
        return Change(event, parent, taken)

    def stop(self, symbols: Iterable[int] | None = None) -> list[Change]:
        """End parents without a further child: all of them, or those of the given columns."""
        if symbols is None and self.styles is not None:
            self.styles.forget()
            self.clearing = False
        chosen = list(self._parents) if symbols is None else [s for s in symbols if s in self._parents]
        return [self._end(symbol, ParentEvent.STOPPED) for symbol in chosen]

    def adding_risk(self, position: IntArray) -> list[int]:
        """Columns whose parent takes the position further from zero, or could; ``position`` int64 ``[n_symbols]``."""
        return [s for s, worked in self._parents.items() if worked.parent.quantity * int(position[s]) >= 0]

    # ---- slices --------------------------------------------------------------------------------------------

    def ended(self) -> list[Change]:
        """Parents whose whole was filled, or whose time is over with no child working; call before :meth:`slices`."""
        changes: list[Change] = []
        for symbol, worked in list(self._parents.items()):
            number = worked.parent.number
            if self._children.working(number):
                continue
            if not self._children.room(number):
                changes.append(self._end(symbol, ParentEvent.DONE))
            elif self._bar - worked.parent.bar >= worked.parent.bars:
                changes.append(self._end(symbol, ParentEvent.EXPIRED))
        return changes

    def slices(self, batch: int, tradable: BoolArray, pending: IntArray, price_scaled: IntArray) -> Slices:
        """The children that are due now.

        Parameters
        ----------
        batch
            Number of the decision that they will be.
        tradable, pending, price_scaled
            ``[n_symbols]``: where orders are possible, signed scaled quantity on working orders, last good price.
            A symbol with anything working waits.
        """
        chosen: list[tuple[Parent, int, Styled | None]] = []
        for symbol, worked in self._parents.items():
            if tradable[symbol] and not pending[symbol]:
                size = self._size(symbol, worked)
                if size:
                    styled = self._styled(batch, worked.parent, size, int(price_scaled[symbol]))
                    chosen.append((worked.parent, size if styled is None else styled.quantity, styled))
        symbol_of = np.array([parent.symbol for parent, _, _ in chosen], dtype=np.int64)
        rows = [PLAIN if styled is None else styled.terms for _, _, styled in chosen]
        made = OrderBatch(
            batch,
            self._ts,
            np.zeros(len(chosen), dtype=np.int64),
            symbol_of,
            np.array([size for _, size, _ in chosen], dtype=np.int64),
            price_scaled[symbol_of],
            np.full(len(chosen), Purpose.POLICY, dtype=np.int8),
            None if all(row.plain for row in rows) else OrderTerms.of(rows),
        )
        return Slices(made, [parent for parent, _, _ in chosen], [styled for _, _, styled in chosen])

    def _styled(self, batch: int, parent: Parent, size: int, price: int) -> Styled | None:
        """An order type for a child, except for the last of a parent: that one goes to the market."""
        if self.styles is None or self._bar - parent.bar >= parent.bars - 1:
            return None
        column = np.array([parent.symbol], dtype=np.int64)
        sigma, volume = float(self._liquidity.sigma(column)[0]), float(self._liquidity.volume(column)[0])
        return self.styles.style(batch, parent.symbol, size, Market(price, sigma, volume))

    def _size(self, symbol: int, worked: _Worked) -> int:
        """Signed scaled quantity of the next child; never more than the parent has left."""
        parent = worked.parent
        room = self._children.room(parent.number)
        side = 1 if parent.quantity > 0 else -1
        taken, lot = side * self._children.taken(parent.number), self._lot[symbol]
        done = self._bar - parent.bar
        if self._settings.algo == "pov":
            size = self._following(symbol, worked, side * room, taken)
        elif done >= parent.bars - 1:
            return room
        else:
            size = max(0, side * worked.due[done] - taken)
        size = min(size, side * room)
        return side * (size if size == side * room else size - size % lot)

    def _following(self, symbol: int, worked: _Worked, left: int, taken: int) -> int:
        unit = self._units[symbol]
        expected = float(self._profile.ahead(symbol, 1)[0])
        if math.isnan(expected):
            expected = float(self._liquidity.volume(np.array([symbol]))[0])
        rate = self._settings.algo_participation
        most = max(rate, self._settings.max_participation)
        return participation_slice(left, taken, worked.traded * unit, expected * unit, rate, most)

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything needed to go on, copied."""
        return {
            "parents": [
                [list(asdict(w.parent).values()), w.rising.copy(), w.traded] for w in self._parents.values()
            ],
            "at": [self._next, self._bar, self._ts, self._bar_ns],
            "price": self._price.copy(),
            "liquidity": self._liquidity.state(),
            "profile": self._profile.state(),
            "styles": None if self.styles is None else self.styles.state(),
            "clearing": self.clearing,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`; the counter is restored by the gate."""
        worked = [
            _Worked(Parent(*parent), rising.copy(), traded) for parent, rising, traded in state["parents"]
        ]
        for each in worked:
            each.due = self._due(each.parent, each.rising)
        self._parents = {each.parent.symbol: each for each in worked}
        self._next, self._bar, self._ts, self._bar_ns = state["at"]
        self._price = state["price"].copy()
        self._liquidity.restore(state["liquidity"])
        self._profile.restore(state["profile"])
        if self.styles is not None:
            self.styles.restore(state["styles"])
        self.clearing = state["clearing"]
