"""Terms of the orders in the table, and changes of them that were asked for and not answered yet.

Orders without an entry are market orders for the day, so a desk that sends nothing else keeps nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tuiconsole.domain.order_terms import PLAIN, Terms
from tuiconsole.domain.orders import OrderBatch, Purpose


class Asked(msgspec.Struct, frozen=True):
    """A replacement on its way: the signed scaled quantity and the terms that the order is to have."""

    quantity: int
    terms: Terms


class WorkingTerms:
    """Terms by order number.

    Attributes
    ----------
    asked
        Replacements that the venue has not answered.
    guards
        Numbers of protective orders, oldest first; finished ones leave when they are next looked at.
    """

    def __init__(self) -> None:
        self._terms: dict[int, Terms] = {}
        self.asked: dict[int, Asked] = {}
        self.guards: list[int] = []

    def __len__(self) -> int:
        return len(self._terms)

    def add(self, batch: OrderBatch) -> None:
        """Take in the terms of new orders."""
        if batch.terms is None:
            return
        rows = zip(batch.number.tolist(), batch.purpose.tolist(), batch.terms.rows(), strict=True)
        for number, purpose, terms in rows:
            if not terms.plain:
                self._terms[number] = terms
            if purpose == Purpose.PROTECTIVE:
                self.guards.append(number)

    def of(self, number: int) -> Terms:
        """The terms that order ``number`` has now."""
        return self._terms.get(number, PLAIN)

    def take_over(self, number: int) -> Asked | None:
        """The venue granted the replacement of ``number``: its terms hold from now on; None when none was asked for."""
        asked = self.asked.pop(number, None)
        if asked is not None:
            self._terms[number] = asked.terms
        return asked

    def keep(self, held: Callable[[int], bool]) -> None:
        """Forget the terms of orders that are not ``held`` any more."""
        self._terms = {number: terms for number, terms in self._terms.items() if held(number)}

    def state(self) -> dict[str, Any]:
        """Everything, as an encodable value."""
        return {
            "terms": [[number, *msgspec.structs.astuple(terms)] for number, terms in self._terms.items()],
            "asked": [
                [number, one.quantity, *msgspec.structs.astuple(one.terms)]
                for number, one in self.asked.items()
            ],
            "guards": list(self.guards),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._terms = {number: Terms(*terms) for number, *terms in state["terms"]}
        self.asked = {number: Asked(quantity, Terms(*terms)) for number, quantity, *terms in state["asked"]}
        self.guards = list(state["guards"])
