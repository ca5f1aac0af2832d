"""Exits that guard positions: a stop-loss and a take-profit that follow the position they belong to.

They are placed when a position opens, resized as it changes, cancelled when it is flat, and placed again after whatever
cancelled them. Their prices are kept in the desk's state: a restart finds them where they were. The pair cancels each
other, every order of it goes through the gate, and the gate lets none of them turn the position around. A side that an
exit has closed stays closed until the policy has wanted something else in that symbol.

Where the source has no highs and lows, the average true range is that of the closes alone: the mean absolute change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tuiconsole.domain.effects import Effect
from tuiconsole.domain.events import DeskLevel, Fills
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Terms, TimeInForce
from tuiconsole.domain.orders import OrderBatch, OrderState, Purpose
from tuiconsole.domain.types import BoolArray, FloatArray, IntArray
from tuiconsole.engine.ordering import ask_replace, cancel, dormant, find, guards
from tuiconsole.execution.settings import ProtectionSettings

if TYPE_CHECKING:
    from tuiconsole.engine.desk import Desk
    from tuiconsole.execution.order_snapshot import OrderSnapshot

_SETTLED = (OrderState.NEW, OrderState.PARTIALLY_FILLED)


class Level(msgspec.Struct, frozen=True, array_like=True):
    """Where one position is left: scaled prices, 0 for none. ``side`` is that of the position, 1 or -1."""

    side: int
    stop: int
    target: int


class Protection:
    """The exits of all positions.

    Parameters
    ----------
    settings
        Multiples of the average true range; off by default.
    policy_needs
        Features that the policy has worked out already.

    Attributes
    ----------
    needs
        Features wanted beside the policy's.
    levels
        Exits by universe column, of the desk's own or of brackets that a policy asked for.
    """

    def __init__(self, settings: ProtectionSettings, universe: Universe, policy_needs: Sequence[str]) -> None:
        self._settings = settings
        self._universe = universe
        self._measures = _measures(settings)
        self.needs = protection_needs(settings, policy_needs)
        known, name = list(policy_needs), f"atr_{settings.atr_bars}"
        self._row = known.index(name) if name in known else len(known)
        n = len(universe)
        self._range: FloatArray = np.full(n, np.nan)
        self._change: FloatArray = np.full(n, np.nan)
        self._last: FloatArray = np.full(n, np.nan)
        self.levels: dict[int, Level] = {}
        self._closed: dict[int, int] = {}
        self._tried: dict[int, tuple[int, int]] = {}
        self._asked: dict[int, tuple[int, int]] = {}

    @property
    def on(self) -> bool:
        """Whether there is anything to look after."""
        return self._measures or bool(self.levels)

    def observe(self, price: FloatArray, features: FloatArray) -> None:
        """Learn the average true range of a bar.

        Parameters
        ----------
        price
            float64 ``[n_symbols]``, last good close.
        features
            float64 ``[n_features, n_symbols]``.
        """
        if not self._measures:
            return
        step = np.abs(price - self._last)
        weight = 1.0 / self._settings.atr_bars
        fresh = np.isfinite(step)
        known = np.isfinite(self._change)
        moved = np.where(known, self._change + weight * (step - self._change), step)
        self._change = np.where(fresh, moved, self._change)
        self._last = np.where(np.isfinite(price), price, self._last)
        measured = features[self._row]
        self._range = np.where(np.isfinite(measured), measured, self._change)

    def learn(self, wanted: OrderBatch, number: IntArray) -> None:
        """Note the exits of brackets that the gate approved."""
        terms = wanted.terms
        if terms is None:
            return
        for row in np.flatnonzero(
            (wanted.purpose == Purpose.PROTECTIVE) & (terms.parent != 0) & (number > 0)
        ):
            column, side = int(wanted.symbol[row]), -int(np.sign(wanted.quantity[row]))
            before = self.levels.get(column, Level(side, 0, 0))
            stop, target = int(terms.stop[row]), int(terms.limit[row])
            self.levels[column] = Level(side, stop or before.stop, (0 if stop else target) or before.target)

    def note(self, desk: Desk, fills: Fills) -> None:
        """Note the sides that exits have closed with ``fills``."""
        if not self.levels:
            return
        for number, column in zip(fills.number.tolist(), fills.symbol.tolist(), strict=True):
            level, order = self.levels.get(column), find(desk, number)
            exits = order is not None and order.purpose == Purpose.PROTECTIVE
            if exits and level is not None and not desk.ledger.quantity[column]:
                self._closed[column] = level.side

    def without_reentry(self, target: IntArray, acting: BoolArray) -> IntArray:
        """Targets that take no position on a side that an exit closed, until something else was wanted there.

        Parameters
        ----------
        target, acting
            ``[n_symbols]``, as a decision has them.
        """
        if not self._closed:
            return target
        target = target.copy()
        for column, side in list(self._closed.items()):
            if not acting[column]:
                continue
            if side * int(target[column]) > 0:
                target[column] = 0
            else:
                del self._closed[column]
        return target

    def keep_up(self, desk: Desk, settled: bool = True) -> list[Effect]:
        """Bring the exits in line with what is held.

        Parameters
        ----------
        settled
            False right after fills, when reports of what ended with them may still come: exits are placed then where
            there are none, and the others left as they are.
        """
        if desk.level >= DeskLevel.HALTED:
            return []
        working: dict[int, list[OrderSnapshot]] = {}
        waiting: set[int] = set()
        for order in guards(desk):
            if dormant(desk, order):
                waiting.add(order.symbol)
            else:
                working.setdefault(order.symbol, []).append(order)
        held, on_its_way = desk.ledger.quantity, desk.on_its_way()
        columns = {*np.flatnonzero(held).tolist(), *self.levels, *working}
        effects: list[Effect] = []
        rows: list[tuple[int, int, Terms]] = []
        for column in sorted(columns):
            position, exits = int(held[column]), working.get(column, [])
            level = self.levels.get(column)
            if level is not None and position * level.side <= 0 and column not in waiting:
                del self.levels[column]
                level = None
            open_ = _unclosed(position, int(on_its_way[column]))
            wrong = [order.number for order in exits if order.leaves * open_ >= 0]
            if settled:
                effects += self._end(desk, wrong)
            if not open_ or wrong:
                continue
            if exits:
                effects += self._resize(desk, -open_, exits) if settled else []
            elif column not in waiting:
                rows += self._fresh(desk, column, open_)
        return effects + self._place(desk, rows)

    def _resize(self, desk: Desk, wanted: int, exits: list[OrderSnapshot]) -> list[Effect]:
        """Have the exits of one symbol close ``wanted`` in all: groups as they are, the last one what is left."""
        groups: dict[int, list[OrderSnapshot]] = {}
        for order in exits:
            groups.setdefault(order.terms.oco or -order.number, []).append(order)
        sizes = [max((abs(order.leaves) for order in group), default=0) for group in groups.values()]
        last = list(groups.values())[-1]
        left = abs(wanted) - sum(sizes[:-1])
        if left <= 0:
            return self._end(desk, [order.number for order in last])
        effects: list[Effect] = []
        for order in last:
            quantity = order.filled + left * (1 if wanted > 0 else -1)
            if (
                order.state in _SETTLED
                and abs(order.leaves) != left
                and self._first_time(desk, order.number, left)
            ):
                effects += ask_replace(desk, order.number, quantity, order.terms, "the position changed")
        return effects

    def _end(self, desk: Desk, numbers: list[int]) -> list[Effect]:
        """Cancel exits."""
        fresh = [number for number in numbers if self._first_time(desk, number, 0)]
        return cancel(desk, np.array(fresh, dtype=np.int64))

    def _first_time(self, desk: Desk, number: int, size: int) -> bool:
        """Whether this bar has not asked for ``size`` of an exit before: a venue that refuses is not asked again at once."""
        self._asked = {key: asked for key, asked in self._asked.items() if asked[0] == desk.bar_seq}
        if self._asked.get(number) == (desk.bar_seq, size):
            return False
        self._asked[number] = (desk.bar_seq, size)
        return True

    def _fresh(self, desk: Desk, column: int, position: int) -> list[tuple[int, int, Terms]]:
        """The exits of a position that has none, once for each size it has at a bar."""
        level = self.levels.get(column) or self._measure(desk, column, position)
        if level is None or self._tried.get(column) == (desk.bar_seq, position):
            return []
        self._tried[column] = (desk.bar_seq, position)
        self.levels[column] = level
        rows = []
        if level.stop:
            rows.append((column, -position, Terms(OrderType.STOP, TimeInForce.GTC, stop=level.stop)))
        if level.target:
            rows.append((column, -position, Terms(OrderType.LIMIT, TimeInForce.GTC, limit=level.target)))
        return rows

    def _measure(self, desk: Desk, column: int, position: int) -> Level | None:
        """Exits by multiples of the average true range from the average price; None while there is none."""
        scale = int(self._universe.price_scale[column])
        distance, entry = float(self._range[column]), desk.ledger.average_price(column)
        if not self._measures or not (np.isfinite(distance) and np.isfinite(entry)):
            return None
        side = 1 if position > 0 else -1
        stop, target = self._settings.stop_atr * distance, self._settings.target_atr * distance
        tick = int(self._universe.tick[column])
        return Level(
            side,
            _on_tick(entry - side * stop, scale, tick) if stop else 0,
            _on_tick(entry + side * target, scale, tick) if target else 0,
        )

    def _place(self, desk: Desk, rows: list[tuple[int, int, Terms]]) -> list[Effect]:
        if not rows:
            return []
        symbols = [column for column, *_ in rows]
        first = {column: symbols.index(column) for column in symbols}
        linked = [
            msgspec.structs.replace(terms, oco=-first[column] - 1) if symbols.count(column) > 1 else terms
            for column, _, terms in rows
        ]
        symbol = np.array(symbols, dtype=np.int64)
        return desk.judge(
            OrderBatch(
                desk.decisions + 1,
                desk.ts,
                np.zeros(len(rows), dtype=np.int64),
                symbol,
                np.array([quantity for _, quantity, _ in rows], dtype=np.int64),
                desk.price_scaled[symbol],
                np.full(len(rows), Purpose.PROTECTIVE, dtype=np.int8),
                OrderTerms.of(linked),
            ),
            None,
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "range": self._range.copy(),
            "change": self._change.copy(),
            "last": self._last.copy(),
            "levels": [[column, *msgspec.structs.astuple(level)] for column, level in self.levels.items()],
            "closed": [list(entry) for entry in self._closed.items()],
            "asked": [[number, *asked] for number, asked in self._asked.items()],
            "tried": [[column, *seen] for column, seen in self._tried.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._range, self._change, self._last = state["range"], state["change"], state["last"]
        self.levels = {column: Level(*level) for column, *level in state["levels"]}
        self._closed = dict(state["closed"])
        self._asked = {number: (seq, size) for number, seq, size in state["asked"]}
        self._tried = {column: (seq, position) for column, seq, position in state["tried"]}


def protection_needs(settings: ProtectionSettings, policy_needs: Sequence[str]) -> tuple[str, ...]:
    """Features that protection wants beside those of the policy."""
    name = f"atr_{settings.atr_bars}"
    return (name,) if _measures(settings) and name not in policy_needs else ()


def _measures(settings: ProtectionSettings) -> bool:
    return settings.stop_atr > 0.0 or settings.target_atr > 0.0


def _unclosed(position: int, pending: int) -> int:
    """What of a position no working order closes."""
    if position * pending >= 0:
        return position
    left = position + pending
    return left if left * position > 0 else 0


def _on_tick(price: float, scale: int, tick: int) -> int:
    """The nearest tick, at least one."""
    return max(round(price * scale / tick), 1) * tick
