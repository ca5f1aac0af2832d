"""The gate: nothing reaches a broker that it did not approve.

One call judges a whole batch. Orders that add risk face every rule. Orders that reduce a position, and can
never turn it around, skip the price, stale, size and rate rules and the limits of the book: when things go
wrong the way out must be open. Whatever cannot be computed is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.order_terms import numbered
from tuiconsole.domain.orders import OrderBatch
from tuiconsole.domain.types import CodeArray, FloatArray, IntArray
from tuiconsole.portfolio.valuation import Valuation
from tuiconsole.risk.approved import ApprovedOrders, _approve
from tuiconsole.risk.book_rules import BookRules
from tuiconsole.risk.children import Children
from tuiconsole.risk.examined import Examined
from tuiconsole.risk.order_rate import WINDOW_NS, OrderRate
from tuiconsole.risk.order_rules import OrderRules, require_columns
from tuiconsole.risk.ordinary import MOST_ORDERS, OrdinaryBatch
from tuiconsole.risk.replacements import Standing, as_if_new, replacement_fault
from tuiconsole.risk.rules import Rule
from tuiconsole.risk.settings import PARTS, RiskSettings, parts
from tuiconsole.risk.terms_rules import refuse_orphans
from tuiconsole.risk.verdict import Book, Verdict

__all__ = ["Book", "Gate", "Verdict"]

_APPROVED: CodeArray = np.zeros(MOST_ORDERS, dtype=np.int8)
_NO_FIGURE: FloatArray = np.zeros(MOST_ORDERS)
for _constant in (_APPROVED, _NO_FIGURE):
    _constant.flags.writeable = False
_UNCOMPUTABLE = (MoneyOverflow, ArithmeticError, ValueError, TypeError, LookupError, AttributeError)


class Gate:
    """Approves or refuses orders.

    Parameters
    ----------
    settings
        The limits.
    universe
        Who may be traded, in which units.
    """

    def __init__(self, settings: RiskSettings, universe: Universe) -> None:
        valuation = Valuation(universe)
        self.settings = settings
        self._orders = OrderRules(settings, universe, valuation)
        self._book = BookRules(settings, valuation)
        self.rate = OrderRate(settings.orders_per_minute)
        self.children = Children()
        """What the children of every parent have taken of it."""
        self._ordinary = OrdinaryBatch(universe, self._orders, self._book)
        self._name = parts(settings.name_cap)
        self._share = parts(settings.order_notional_share)
        self._notional_max = round(settings.order_notional_usd) * MONEY_SCALE

    def judge(
        self, batch: OrderBatch, book: Book, first_number: int, parent: IntArray | None = None
    ) -> Verdict:
        """Judge every order of ``batch`` against ``book``.

        Parameters
        ----------
        batch
            Wanted orders; their numbers are ignored.
        book
            The state they are judged against.
        first_number
            Number of the first approved order; the others follow without gaps.
        parent
            int64 ``[n_orders]``, the parent each order is a child of; None when they are not children.

        Returns
        -------
        Verdict
            With ``approved`` None when nothing passed. A batch or book that cannot be computed with is
            refused as a whole (``NOT_COMPUTED``); it never raises for what they hold.
        """
        try:
            equity = max(book.equity, 0)
            name_max = self._name * equity // PARTS
            notional_max = min(self._notional_max, self._share * equity // PARTS)
            adding = None
            if parent is None:
                adding = self._surely_passing(batch, book, notional_max, name_max)
            else:
                require_columns(batch)
            if adding is not None:
                verdict = _all_pass(batch, first_number)
            else:
                out, adding = self._examine(batch, book, notional_max, name_max, parent)
                verdict = _verdict(batch, out, first_number)
        except _UNCOMPUTABLE:
            return _refuse_all(len(batch))
        self.rate.record(adding)
        if parent is not None and verdict.approved is not None:
            chosen = np.flatnonzero(verdict.number)
            self.children.sent(verdict.number[chosen], parent[chosen], verdict.approved.batch.quantity)
        return verdict

    def _surely_passing(self, batch: OrderBatch, book: Book, notional_max: int, name_max: int) -> int | None:
        """Orders that add risk when the whole batch surely passes; None when the rules must look."""
        require_columns(batch)
        if batch.terms is not None or book.exits is not None:
            return None
        room = self.rate.limit - self.rate.used(book.ts)
        try:
            return self._ordinary.passes(batch, book, room, notional_max, name_max)
        except _UNCOMPUTABLE:
            return None

    def _examine(
        self, batch: OrderBatch, book: Book, notional_max: int, name_max: int, parent: IntArray | None
    ) -> tuple[Examined, int]:
        out = self._orders.examine(batch, book, notional_max, name_max)
        if parent is not None:
            self.children.refuse_excess(out, parent)
        if batch.terms is not None:
            refuse_orphans(out, batch.terms)
        try:
            used = self.rate.used(book.ts)
            adding = self._book.judge(out, book, used, self.rate.limit, notional_max)
        except _UNCOMPUTABLE:  # the book cannot be valued: nothing may be added, reducing stays possible
            adding = 0
            lost = (out.rule == 0) & ~out.reducing
            out.rule[lost], out.value[lost], out.limit[lost] = Rule.NOT_COMPUTED, np.nan, np.nan
        if batch.terms is not None:
            adding -= refuse_orphans(out, batch.terms)
        return out, adding

    def lend(self) -> tuple[IntArray, IntArray] | None:
        """What a kernel needs of symbols ``[4, n_symbols]`` and limits ``[12]`` to prove that batches pass.

        None where money needs rounding; see :mod:`tuiconsole.risk.compiled_ordinary`.
        """
        orders, settings = self._orders, self.settings
        if not orders.valuation.exact:
            return None
        breakers = (
            settings.daily_loss,
            settings.session_drawdown,
            settings.month_drawdown,
            settings.drawdown,
        )
        book = (settings.gross_cap, settings.net_cap, settings.cash_reserve)
        limits = (self._name, self._share, self._notional_max, *map(parts, book))
        told = (self._orders.lot, orders.size_max, orders.position_max, orders.valuation.factor)
        rate = (self.rate.limit, WINDOW_NS)
        return np.array(told), np.array((*limits, *rate, *map(parts, breakers)), dtype=np.int64)

    def judge_replacement(self, batch: OrderBatch, now: Standing, book: Book) -> Verdict:
        """Judge a change of one working order.

        A smaller quantity at the same prices is no new risk and passes. Any other change is judged as an order for all
        that it leaves open, on a book without the order as it stands.

        Parameters
        ----------
        batch
            One row: the order's own number, its new total quantity, and terms with the number of the replacement.
        now
            The order as it stands.

        Returns
        -------
        Verdict
            As :meth:`judge`; ``number`` is the order's own. It never raises for what the batch holds.
        """
        try:
            require_columns(batch)
            fault = replacement_fault(batch, now)
            if fault:
                return _refuse(Rule.TERMS, float(fault))
            excess = self.children.excess(int(batch.number[0]), int(batch.quantity[0]))
            if excess is not None:
                return _refuse(Rule.CHILDREN, *map(float, excess))
            if _relaxes(batch, now):
                return Verdict(
                    _approve(batch, batch.number), _APPROVED[:1], _NO_FIGURE[:1], _NO_FIGURE[:1], batch.number
                )
            verdict = self.judge(*as_if_new(batch, now, book), 1)
        except _UNCOMPUTABLE:
            return _refuse_all(1)
        if verdict.approved is None:
            return verdict
        return Verdict(
            _approve(batch, batch.number), verdict.rule, verdict.value, verdict.limit, batch.number
        )

    def state(self) -> dict[str, Any]:
        """Everything needed to go on."""
        return {"rate": self.rate.state(), "children": self.children.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.rate.restore(state["rate"])
        self.children.restore(state["children"])


def _all_pass(batch: OrderBatch, first_number: int) -> Verdict:
    k = len(batch)
    number: IntArray = np.arange(first_number, first_number + k, dtype=np.int64)
    nothing = _NO_FIGURE[:k]
    return Verdict(_approve(batch, number), _APPROVED[:k], nothing, nothing, number)


def _verdict(batch: OrderBatch, out: Examined, first_number: int) -> Verdict:
    """Number what passed and seal it."""
    k = len(batch)
    passed = k - np.count_nonzero(out.rule)
    if passed == k and k:
        number: IntArray = np.arange(first_number, first_number + k, dtype=np.int64)
        return Verdict(_approve(_linked(batch, number), number), out.rule, out.value, out.limit, number)
    number = np.zeros(k, dtype=np.int64)
    approved: ApprovedOrders | None = None
    if passed:
        chosen = np.flatnonzero(out.rule == 0)
        numbers = np.arange(first_number, first_number + passed, dtype=np.int64)
        number[chosen] = numbers
        approved = _approve(_linked(batch, number).take(chosen), numbers)
    return Verdict(approved, out.rule, out.value, out.limit, number)


def _linked(batch: OrderBatch, number: IntArray) -> OrderBatch:
    """``batch`` with the links of its terms as order numbers."""
    return batch if batch.terms is None else replace(batch, terms=numbered(batch.terms, number))


def _relaxes(batch: OrderBatch, now: Standing) -> bool:
    """Whether only the quantity changes, and becomes no larger."""
    if batch.terms is None:
        return False
    same = replace(batch.terms.at(0), revision=now.terms.revision) == now.terms
    return same and abs(int(batch.quantity[0])) <= abs(now.quantity)


def _refuse(rule: Rule, value: float, limit: float = np.nan) -> Verdict:
    code = np.array([rule], dtype=np.int8)
    return Verdict(None, code, np.array([value]), np.array([limit]), np.zeros(1, dtype=np.int64))


def _refuse_all(k: int) -> Verdict:
    nothing = np.full(k, np.nan)
    rule = np.full(k, int(Rule.NOT_COMPUTED), dtype=np.int8)
    return Verdict(None, rule, nothing, nothing.copy(), np.zeros(k, dtype=np.int64))
