"""The rules that look at the whole book, cumulative over the batch: loss, drawdown, rate, gross, net, cash.

Orders that reduce come first and are never refused here; what they free may be used by the orders that add
risk, which are then taken one after the other in the order of the batch. When all of them fit, one cumulative
sum proves it; only when a limit binds are they walked through one by one.
"""

from __future__ import annotations

import math

import numpy as np

from tuiconsole.domain.errors import MoneyOverflow
from tuiconsole.domain.types import IntArray
from tuiconsole.portfolio.valuation import SAFE, Valuation
from tuiconsole.risk.examined import Examined
from tuiconsole.risk.order_rules import SANE
from tuiconsole.risk.rules import Rule
from tuiconsole.risk.settings import PARTS, RiskSettings, parts
from tuiconsole.risk.verdict import Book


class BookRules:
    """Judges the orders that add risk against the whole book."""

    def __init__(self, settings: RiskSettings, valuation: Valuation) -> None:
        self._settings = settings
        self._valuation = valuation
        self._gross = parts(settings.gross_cap)
        self._net = parts(settings.net_cap)
        self._reserve = parts(settings.cash_reserve)
        self._loss = parts(settings.daily_loss)
        self._month = parts(settings.month_drawdown)
        self._peak = parts(settings.drawdown)

    def judge(self, out: Examined, book: Book, rate_used: int, rate_max: int, notional_max: int) -> int:
        """Refuse in ``out`` what the book does not allow.

        Parameters
        ----------
        rate_used, rate_max
            Orders of the last minute, and the most there may be.
        notional_max
            Largest money of one order that passed so far.

        Returns
        -------
        Number of risk-adding orders left.

        Raises
        ------
        MoneyOverflow
            When the exposure of the book, or of an order that reduces, does not fit int64.
        """
        adding = np.flatnonzero((out.rule == 0) & ~out.reducing)
        k = len(adding)
        if not k:
            return 0
        stopped = self.stopped(book)
        if stopped is not None:
            return _refuse(out, adding, *stopped)
        exposure = self.exposure(book)
        if exposure is None:
            return _refuse(out, adding, Rule.GROSS, math.inf, self._settings.gross_cap)
        if out.huge is not None and np.count_nonzero(out.huge & (out.rule == 0)):
            raise MoneyOverflow("A position is worth more than can be computed.", "Nothing new is traded.")
        gross, net, cash = _after_reducing(out, exposure, book.cash)
        equity = book.equity
        gross_max, net_max, cash_min = self.limits(equity)
        after, before = out.after[adding], out.before[adding]
        moves = np.empty((4, k), dtype=np.int64)
        np.subtract(np.abs(after), np.abs(before), out=moves[0])
        np.subtract(after, before, out=moves[1])
        np.negative(moves[1], out=moves[2])
        np.maximum(out.money[adding], 0, out=moves[3])
        head = (gross_max - gross, net_max - net, net_max + net, cash - cash_min)
        if rate_used + k <= rate_max and _all_fit(moves, head, k * (notional_max + 2)):
            return k
        rows = list(zip(adding.tolist(), *moves[[0, 1, 3]].tolist(), strict=True))
        room = max(rate_max - rate_used, 0)
        for i, *_ in rows[room:]:
            out.rule[i], out.value[i], out.limit[i] = Rule.ORDER_RATE, rate_used + len(rows), rate_max
        return _one_by_one(out, rows[:room], (gross, net, cash), (gross_max, net_max, cash_min), equity)

    def limits(self, equity: int) -> tuple[int, int, int]:
        """Largest gross and net exposure, and the least cash; money."""
        gross_max, net_max = self._gross * equity // PARTS, self._net * equity // PARTS
        return gross_max, net_max, -(-self._reserve * equity // PARTS)

    def stopped(self, book: Book) -> tuple[Rule, float, float] | None:
        """Loss or drawdown that bars every order that adds risk."""
        start, equity, settings = book.session_start_equity, book.equity, self._settings
        if (start - equity) * PARTS >= self._loss * start:
            return Rule.DAILY_LOSS, _fraction(start - equity, start), settings.daily_loss
        peak = book.month_peak_equity
        if (peak - equity) * PARTS >= self._month * peak:
            return Rule.DRAWDOWN, _fraction(peak - equity, peak), settings.month_drawdown
        peak = book.peak_equity
        if (peak - equity) * PARTS >= self._peak * peak or equity <= 0:
            return Rule.DRAWDOWN, _fraction(peak - equity, peak), settings.drawdown
        return None

    def exposure(self, book: Book) -> tuple[int, int] | None:
        """Gross and net exposure of positions and working orders, money; None when a holding has no price."""
        price, held = book.price_scaled, book.position
        if np.count_nonzero(book.pending):
            _require_sane(held)
            _require_sane(book.pending)
            after = held + book.pending
            held = np.where(np.abs(after) > np.abs(held), after, held)
        usable = (price - 1).view(np.uint64) < SANE
        if np.count_nonzero(usable) < len(price):
            if np.count_nonzero(held * ~usable):
                return None
            price = price * usable
        value = self._valuation
        if value.exact:
            size = np.abs(held * value.factor_float)
            if float(size @ price) < SAFE:
                units = held * value.factor
                return int(np.abs(units) @ price), int(units @ price)
        _require_sane(held)
        values: list[int] = value.money(price, held).tolist()
        return sum(map(abs, values)), sum(values)


def _after_reducing(out: Examined, exposure: tuple[int, int], cash: int) -> tuple[int, int, int]:
    """Gross, net and cash once the reducing orders are done; a fill counts only where the price is good."""
    gross, net = exposure
    freeing = out.reducing if out.frees is None else out.reducing & out.frees
    reducing = np.flatnonzero((out.rule == 0) & freeing)
    if not len(reducing):
        return gross, net, cash
    columns = (out.good, out.before, out.after, out.money)
    for good, before, after, money in zip(*(column[reducing].tolist() for column in columns), strict=True):
        if good:
            gross += abs(after) - abs(before)
            net += after - before
        if good or money > 0:
            cash -= money
    return gross, net, cash


def _all_fit(moves: IntArray, head: tuple[int, int, int, int], largest_sum: int) -> bool:
    """Whether no running sum of any row of ``moves`` exceeds its headroom; False when in doubt."""
    if largest_sum >= SANE or max(head) >= SANE or min(head) < 0:
        return False
    return not np.count_nonzero(moves.cumsum(axis=1) > np.array(head, dtype=np.int64)[:, None])


def _one_by_one(
    out: Examined,
    rows: list[tuple[int, int, int, int]],
    start: tuple[int, int, int],
    limits: tuple[int, int, int],
    equity: int,
) -> int:
    """Take ``(order, gross, net, cash spent)`` in turn; refuse what pushes a measure beyond its limit."""
    gross, net, cash = start
    gross_max, net_max, cash_min = limits
    taken = 0
    for i, more_gross, more_net, spent in rows:
        if more_gross > 0 and gross + more_gross > gross_max:
            failure = (Rule.GROSS, (gross + more_gross) / equity, gross_max / equity)
        elif abs(net + more_net) > max(net_max, abs(net)):
            failure = (Rule.NET, abs(net + more_net) / equity, net_max / equity)
        elif spent > 0 and cash - spent < cash_min:
            failure = (Rule.CASH_RESERVE, (cash - spent) / equity, cash_min / equity)
        else:
            gross, net, cash = gross + more_gross, net + more_net, cash - spent
            taken += 1
            continue
        out.rule[i], out.value[i], out.limit[i] = failure
    return taken


def _require_sane(held: IntArray) -> None:
    if float(np.maximum.reduce(np.abs(held.astype(np.float64)))) > SANE:
        raise MoneyOverflow("A position is too large to compute its exposure.", "Nothing new is traded.")


def _fraction(fall: int, start: int) -> float:
    return fall / start if start > 0 else math.inf


def _refuse(out: Examined, index: IntArray, rule: Rule, value: float, limit: float) -> int:
    out.rule[index], out.value[index], out.limit[index] = rule, value, limit
    return 0
