"""The counter at the gate: the children of a parent never take more of it than there is.

A child takes its whole quantity from the moment it is approved, and keeps what it filled once it is finished; an order
whose fate is not known may still fill, so it takes all of it. The counter follows what the order table accepted: repeated
reports never reach it. A fill that comes after its order's end (the venue filled before it saw the cancel) can take a
parent beyond its quantity by that fill; from then on no child of it passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tuiconsole.domain.orders import TERMINAL_STATES
from tuiconsole.domain.types import CodeArray, IntArray
from tuiconsole.risk.examined import Examined
from tuiconsole.risk.rules import Rule

_FINISHED = frozenset(map(int, TERMINAL_STATES))


@dataclass(slots=True)
class _Whole:
    symbol: int
    quantity: int
    taken: int
    closed: bool
    numbers: list[int] = field(default_factory=list)
    live: dict[int, None] = field(default_factory=dict)


@dataclass(slots=True)
class _Child:
    parent: int
    quantity: int
    filled: int
    live: bool

    @property
    def taken(self) -> int:
        """What it takes of its parent: all of it while it may fill, then what it filled; signed, never against it."""
        side = 1 if self.quantity > 0 else -1
        filled = max(0, side * self.filled)
        return side * (max(filled, abs(self.quantity)) if self.live else filled)


class Children:
    """Parents and their children by number; all quantities signed and scaled.

    Examples
    --------
    >>> counter = Children()
    >>> counter.open(1, symbol=0, quantity=100)
    >>> counter.sent(np.array([7]), np.array([1]), np.array([60]))
    >>> counter.room(1)
    40
    >>> counter.followed(np.array([7]), np.array([5]), np.array([1]))  # CANCELED, after a fill of 1
    >>> counter.room(1)
    99
    """

    def __init__(self) -> None:
        self._parents: dict[int, _Whole] = {}
        self._children: dict[int, _Child] = {}

    def __len__(self) -> int:
        return len(self._parents)

    # ---- parents -------------------------------------------------------------------------------------------

    def open(self, parent: int, symbol: int, quantity: int) -> None:
        """A parent begins; ValueError when its number was used before or its quantity is 0."""
        if parent in self._parents or not quantity:
            raise ValueError(f"parent {parent} is already open, or has no quantity")
        self._parents[parent] = _Whole(symbol, quantity, 0, False)

    def amend(self, parent: int, quantity: int) -> None:
        """From now on the parent is ``quantity`` in all, of the same sign or 0; may be less than is already taken."""
        self._parents[parent].quantity = quantity

    def close(self, parent: int) -> None:
        """No further child passes; the parent is forgotten once none is working."""
        self._parents[parent].closed = True
        self._forget(parent)

    def taken(self, parent: int) -> int:
        """What its children filled or may still fill."""
        return self._parents[parent].taken

    def room(self, parent: int) -> int:
        """What a further child may ask for, in the parent's direction; 0 when it is closed or overtaken."""
        whole = self._parents.get(parent)
        if whole is None or whole.closed:
            return 0
        left = whole.quantity - whole.taken
        return left if left * whole.quantity > 0 else 0

    def working(self, parent: int) -> list[int]:
        """Numbers of its children that may still fill, oldest first."""
        return list(self._parents[parent].live)

    # ---- children ------------------------------------------------------------------------------------------

    def refuse_excess(self, out: Examined, parent: IntArray) -> None:
        """Refuse in ``out`` every order that its parent ``[k]`` has no room for; cumulative over the batch."""
        asked: dict[int, int] = {}
        rows = zip(parent.tolist(), out.column.tolist(), out.quantity.tolist(), strict=True)
        for row, (number, column, quantity) in enumerate(rows):
            if out.rule[row]:
                continue
            whole, room = self._parents.get(number), self.room(number) - asked.get(number, 0)
            if (
                whole is not None
                and whole.symbol == column
                and quantity * room > 0
                and abs(quantity) <= abs(room)
            ):
                asked[number] = asked.get(number, 0) + quantity
                continue
            out.rule[row], out.value[row], out.limit[row] = Rule.CHILDREN, abs(quantity), abs(room)

    def sent(self, number: IntArray, parent: IntArray, quantity: IntArray) -> None:
        """Children ``[k]`` were approved: they take of their parents from now on."""
        for child, of, size in zip(number.tolist(), parent.tolist(), quantity.tolist(), strict=True):
            self._children[child] = _Child(of, size, 0, True)
            whole = self._parents[of]
            whole.taken += size
            whole.numbers.append(child)
            whole.live[child] = None

    def excess(self, number: int, quantity: int) -> tuple[int, int] | None:
        """What a child asks for beyond its parent when it is changed to ``quantity`` in all, and the most it may be.

        None when there is room for it, or the order is no child.
        """
        child = self._children.get(number)
        if child is None:
            return None
        side = 1 if child.quantity > 0 else -1
        most = abs(child.taken) + abs(self.room(child.parent))
        return None if side * quantity <= most else (side * quantity, most)

    def resized(self, number: int, quantity: int) -> None:
        """The order may now fill up to ``quantity`` in all; while a change is asked for, that is the larger of both."""
        child = self._children.get(number)
        if child is not None:
            before = child.taken
            child.quantity = quantity
            self._parents[child.parent].taken += child.taken - before

    def followed(self, number: IntArray, state: CodeArray, filled: IntArray | None = None) -> None:
        """Orders ``[k]``, children or not, came to ``state``, having filled ``filled`` more (None: nothing)."""
        more = np.zeros(len(number), dtype=np.int64) if filled is None else filled
        for order, code, quantity in zip(number.tolist(), state.tolist(), more.tolist(), strict=True):
            child = self._children.get(order)
            if child is None:
                continue
            before = child.taken
            child.filled += quantity
            child.live = code not in _FINISHED
            whole = self._parents[child.parent]
            whole.taken += child.taken - before
            if child.live:
                whole.live[order] = None
            else:
                whole.live.pop(order, None)
            self._forget(child.parent)

    def _forget(self, parent: int) -> None:
        whole = self._parents[parent]
        if whole.closed and not whole.live:
            del self._parents[parent]
            for number in whole.numbers:
                del self._children[number]

    # ---- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {
            "parents": [[n, p.symbol, p.quantity, p.taken, p.closed] for n, p in self._parents.items()],
            "children": [[n, c.parent, c.quantity, c.filled, c.live] for n, c in self._children.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self._parents = {number: _Whole(*whole) for number, *whole in state["parents"]}
        self._children = {number: _Child(*child) for number, *child in state["children"]}
        for number, child in self._children.items():
            whole = self._parents[child.parent]
            whole.numbers.append(number)
            if child.live:
                whole.live[number] = None
