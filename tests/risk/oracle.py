"""The gate's rules once more, one order after the other in Python integers; shares no code with the gate."""

from __future__ import annotations

from fractions import Fraction

from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.instruments import AssetClass, Universe
from tuiconsole.domain.money import MONEY_SCALE, notional
from tuiconsole.domain.orders import OrderBatch
from tuiconsole.risk.rules import Rule
from tuiconsole.risk.settings import RiskSettings
from tuiconsole.risk.verdict import Book

LARGE = 2**60


def share(value: float) -> Fraction:
    return Fraction(round(value * 1_000_000), 1_000_000)


class Oracle:
    """Expected rule of every order of a batch."""

    def __init__(self, settings: RiskSettings, universe: Universe, rate_used: int = 0) -> None:
        self.settings = settings
        self.items = universe.instruments
        self.rate_used = rate_used

    def money(self, column: int, price: int, quantity: int) -> int:
        item = self.items[column]
        return notional(price, quantity * item.multiplier, item.money_exponent)

    def expected(self, batch: OrderBatch, book: Book) -> list[Rule]:
        seen: set[int] = set()
        rules, reducing = [], []
        for i in range(len(batch)):
            rule, reduces = self.alone(i, batch, book, int(batch.symbol[i]) in seen)
            seen.add(int(batch.symbol[i]))
            rules.append(rule)
            reducing.append(reduces)
        self.together(rules, reducing, batch, book)
        return rules

    def alone(self, i: int, batch: OrderBatch, book: Book, repeated: bool) -> tuple[Rule, bool]:
        column, quantity = int(batch.symbol[i]), int(batch.quantity[i])
        if not 0 <= column < len(self.items):
            return Rule.UNKNOWN_SYMBOL, False
        if quantity == 0:
            return Rule.ZERO_QUANTITY, False
        if abs(quantity) > LARGE:
            return Rule.NOT_COMPUTED, False
        position, pending = int(book.position[column]), int(book.pending[column])
        if repeated or pending * quantity > 0:
            return Rule.DUPLICATE, False
        room = position
        if position * pending < 0:
            room = max(position + pending, 0) if position > 0 else min(position + pending, 0)
        against = quantity * room < 0
        reduces = against and abs(quantity) <= abs(room)
        purpose = int(batch.purpose[i])
        if purpose not in (0, 1) or (purpose == 0 and book.level >= DeskLevel.HALTED):
            return Rule.MODE, False
        if (purpose == 1 or book.level == DeskLevel.PAUSED) and not reduces:
            return (Rule.CROSSES_ZERO if against else Rule.MODE), False
        held = max(position, position + pending, key=abs)
        if quantity % self.items[column].lot and quantity not in (-held, -room):
            return Rule.LOT, False
        if reduces:
            return Rule.APPROVED, True
        return self.new_risk(i, column, quantity, held, batch, book), False

    def new_risk(self, i: int, column: int, quantity: int, held: int, batch: OrderBatch, book: Book) -> Rule:
        settings, item = self.settings, self.items[column]
        if item.asset_class is AssetClass.INDEX:
            return Rule.NOT_HOLDABLE
        price, reference = int(book.price_scaled[column]), int(batch.reference_price[i])
        if not 0 < price <= LARGE or reference <= 0:
            return Rule.MISSING_REFERENCE
        age = Fraction(book.ts - batch.ts, 10**9)
        if not book.tradable[column] or not 0 <= age <= Fraction(settings.reference_age_s):
            return Rule.STALE_REFERENCE
        if abs(reference - price) > share(settings.collar) * price:
            return Rule.COLLAR
        units = 10**item.quantity_decimals
        if abs(quantity) > settings.order_quantity_max * units:
            return Rule.SIZE
        equity = max(book.equity, 0)
        most = min(
            int(settings.order_notional_usd) * MONEY_SCALE, share(settings.order_notional_share) * equity
        )
        if abs(self.money(column, price, quantity)) > most:
            return Rule.NOTIONAL
        if abs(held + quantity) > settings.position_quantity_max * units:
            return Rule.POSITION
        if abs(self.money(column, price, held + quantity)) > share(settings.name_cap) * equity:
            return Rule.CONCENTRATION
        return Rule.APPROVED

    def together(self, rules: list[Rule], reducing: list[bool], batch: OrderBatch, book: Book) -> None:
        settings = self.settings
        adding = [i for i, rule in enumerate(rules) if rule == Rule.APPROVED and not reducing[i]]
        gross = net = 0
        unpriced = False
        computable = True
        held = []
        for column in range(len(self.items)):
            position, pending = int(book.position[column]), int(book.pending[column])
            exposure = max(position, position + pending, key=abs)
            held.append(exposure)
            price = int(book.price_scaled[column])
            if not 0 < price <= LARGE:
                unpriced |= exposure != 0
                continue
            value = self.money(column, price, exposure)
            computable &= abs(value) < 2**63
            gross, net = gross + abs(value), net + value
        cash = book.cash
        for i, rule in enumerate(rules):
            if rule == Rule.APPROVED and reducing[i]:
                column, quantity = int(batch.symbol[i]), int(batch.quantity[i])
                price = int(book.price_scaled[column])
                good = 0 < price <= LARGE and bool(book.tradable[column])
                price = price if 0 < price <= LARGE else 0
                before = self.money(column, price, held[column])
                after = self.money(column, price, held[column] + quantity)
                computable &= abs(before) + abs(before - after) < 2**62
                if good:
                    gross, net = gross + abs(after) - abs(before), net + after - before
                spent = self.money(column, price, quantity)
                if good or spent > 0:
                    cash -= spent
        taken = 0
        for place, i in enumerate(adding):
            rules[i], gross, net, cash = self.one(
                place, i, held, gross, net, cash, batch, book, unpriced, computable
            )
            taken += rules[i] == Rule.APPROVED
        assert taken + self.rate_used <= max(settings.orders_per_minute, self.rate_used)

    def one(
        self,
        place: int,
        i: int,
        held: list[int],
        gross: int,
        net: int,
        cash: int,
        batch: OrderBatch,
        book: Book,
        unpriced: bool,
        computable: bool,
    ) -> tuple[Rule, int, int, int]:
        settings, equity = self.settings, book.equity
        column, quantity = int(batch.symbol[i]), int(batch.quantity[i])
        price = int(book.price_scaled[column])
        now = gross, net, cash
        if book.session_start_equity - equity >= share(settings.daily_loss) * book.session_start_equity:
            return Rule.DAILY_LOSS, *now
        for peak, limit in (
            (book.month_peak_equity, settings.month_drawdown),
            (book.peak_equity, settings.drawdown),
        ):
            if peak - equity >= share(limit) * peak:
                return Rule.DRAWDOWN, *now
        if equity <= 0:
            return Rule.DRAWDOWN, *now
        if unpriced:
            return Rule.GROSS, *now
        if not computable:
            return Rule.NOT_COMPUTED, *now
        if self.rate_used + place >= settings.orders_per_minute:
            return Rule.ORDER_RATE, *now
        before = self.money(column, price, held[column])
        after = self.money(column, price, held[column] + quantity)
        more = abs(after) - abs(before)
        lean = net + after - before
        spent = max(self.money(column, price, quantity), 0)
        if more > 0 and gross + more > share(settings.gross_cap) * equity:
            return Rule.GROSS, *now
        if abs(lean) > share(settings.net_cap) * equity and abs(lean) > abs(net):
            return Rule.NET, *now
        if spent > 0 and cash - spent < share(settings.cash_reserve) * equity:
            return Rule.CASH_RESERVE, *now
        return Rule.APPROVED, gross + more, lean, cash - spent
