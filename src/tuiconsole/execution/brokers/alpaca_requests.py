"""Orders of the desk as requests of Alpaca's trading API v2, and what Alpaca does not know, as sentences.

Quantities and prices travel as exact decimal text. One request is one order, or the orders that Alpaca takes together: an
entry with its exits (``bracket``, ``oto``), or a limit and a stop of which one cancels the other (``oco``).

https://docs.alpaca.markets/docs/orders-at-alpaca
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tuiconsole.domain.ids import client_order_id, parse_order_id
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.money import from_scaled
from tuiconsole.domain.order_terms import PLAIN, TRAIL_PARTS, OrderType, Terms, TimeInForce, TrailUnit
from tuiconsole.domain.orders import OrderBatch

_TYPES = {
    OrderType.MARKET: "market",
    OrderType.LIMIT: "limit",
    OrderType.STOP: "stop",
    OrderType.STOP_LIMIT: "stop_limit",
    OrderType.TRAILING_STOP: "trailing_stop",
}
_TIFS = {
    TimeInForce.DAY: "day",
    TimeInForce.GTC: "gtc",
    TimeInForce.OPG: "opg",
    TimeInForce.CLS: "cls",
    TimeInForce.IOC: "ioc",
    TimeInForce.FOK: "fok",
}
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
_EXITS = (OrderType.LIMIT, *_STOPS)
_LEGS = re.compile(r"^(?P<own>[^.]+)(?P<legs>(?:\.[ls][0-9]{1,18}){0,2})$")
_DOLLAR = Decimal(1)
_PENNY_DECIMALS, _SUB_DOLLAR_DECIMALS = 2, 4


@dataclass(frozen=True, slots=True)
class Leg:
    """One order of the desk within a request."""

    number: int
    symbol: int
    quantity: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Request:
    """One request to Alpaca: the order that it names, and those that Alpaca makes of it."""

    main: Leg
    legs: tuple[Leg, ...]
    client_id: str
    body: Mapping[str, Any]

    @property
    def all(self) -> tuple[Leg, ...]:
        """Every order of the desk in it."""
        return (self.main, *self.legs)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Orders that Alpaca does not know, and why; nothing is sent of them."""

    numbers: tuple[int, ...]
    text: str


class AlpacaRequests:
    """Writes requests for one desk.

    Parameters
    ----------
    names
        Alpaca's name of each symbol, None for those that it does not trade.
    desk
        The desk's id: client order ids begin with it.
    """

    def __init__(self, universe: Universe, names: Sequence[str | None], desk: str) -> None:
        self._universe = universe
        self._names = names
        self._desk = desk

    # ---- new orders -----------------------------------------------------------------------------------------

    def of(self, batch: OrderBatch) -> list[Request | Refusal]:
        """The requests of a batch, in its order."""
        rows = [
            Leg(
                int(batch.number[row]),
                int(batch.symbol[row]),
                int(batch.quantity[row]),
                PLAIN if batch.terms is None else batch.terms.at(row),
            )
            for row in range(len(batch))
        ]
        taken: set[int] = set()
        found: list[Request | Refusal] = []
        for leg in rows:
            if leg.number in taken:
                continue
            partners = [other for other in rows if other.number not in taken and _belongs(other, leg)]
            taken.update({leg.number, *(other.number for other in partners)})
            found.append(self._request(leg, partners))
        return found

    def _request(self, leg: Leg, partners: list[Leg]) -> Request | Refusal:
        together = [leg, *partners]
        reason = next(filter(None, (self._unknown(one) for one in together)), "") or _odd_group(leg, partners)
        if reason:
            return Refusal(tuple(one.number for one in together), reason)
        if not partners:
            return Request(leg, (), self.client_id(leg.number), self._body(leg, self.client_id(leg.number)))
        main = leg if leg.terms.oco == 0 else next(o for o in together if o.terms.type == OrderType.LIMIT)
        legs = tuple(one for one in together if one is not main)
        client_id = self.client_id(main.number) + "".join(f".{_letter(one)}{one.number}" for one in legs)
        body = self._body(main, client_id)
        profit = next((one for one in legs if one.terms.type == OrderType.LIMIT), None)
        loss = next((one for one in legs if one.terms.type in _STOPS), None)
        if main.terms.oco:
            profit, body["order_class"] = main, "oco"
        else:
            body["order_class"] = "bracket" if profit and loss else "oto"
            body["time_in_force"] = _TIFS[TimeInForce(legs[0].terms.tif)]  # a market entry waits for nothing
        if profit is not None:
            body["take_profit"] = {"limit_price": self.price(profit.symbol, profit.terms.limit)}
        if loss is not None:
            body["stop_loss"] = {"stop_price": self.price(loss.symbol, loss.terms.stop)}
            if loss.terms.type == OrderType.STOP_LIMIT:
                body["stop_loss"]["limit_price"] = self.price(loss.symbol, loss.terms.limit)
        return Request(main, legs, client_id, body)

    def _body(self, leg: Leg, client_id: str) -> dict[str, Any]:
        terms = leg.terms
        body: dict[str, Any] = {
            "symbol": self._names[leg.symbol],
            "qty": self.quantity(leg.symbol, leg.quantity),
            "side": "buy" if leg.quantity > 0 else "sell",
            "type": _TYPES[OrderType(terms.type)],
            "time_in_force": _TIFS[TimeInForce(terms.tif)],
            "client_order_id": client_id,
        }
        if terms.limit:
            body["limit_price"] = self.price(leg.symbol, terms.limit)
        if terms.stop and terms.type in _STOPS:
            body["stop_price"] = self.price(leg.symbol, terms.stop)
        if terms.type == OrderType.TRAILING_STOP:
            name, value = self._trail(leg)
            body[name] = value
        return body

    def _trail(self, leg: Leg) -> tuple[str, str]:
        if leg.terms.trail_unit == TrailUnit.PERCENT:
            return "trail_percent", _text(Decimal(leg.terms.trail) * 100 / TRAIL_PARTS)
        return "trail_price", self.price(leg.symbol, leg.terms.trail)

    # ---- changes --------------------------------------------------------------------------------------------

    def change(self, leg: Leg, quantity: int, filled: int) -> Mapping[str, Any] | str:
        """The body that asks for the terms and the quantity of ``leg``, or why Alpaca cannot be asked.

        Parameters
        ----------
        quantity, filled
            Signed scaled quantity that the order has now and that is filled.
        """
        reason = self._unknown(leg)
        if reason:
            return reason
        terms = leg.terms
        body: dict[str, Any] = {"client_order_id": self.client_id(leg.number, terms.revision)}
        if leg.quantity != quantity:
            if filled:
                return (
                    "Alpaca does not say what the new quantity of a partly filled order counts from; "
                    "cancel the order and send the rest anew."
                )
            if leg.quantity % self._instrument(leg.symbol).quantity_scale:
                return "Alpaca changes whole shares only."
            body["qty"] = self.quantity(leg.symbol, leg.quantity)
        if terms.limit:
            body["limit_price"] = self.price(leg.symbol, terms.limit)
        if terms.stop and terms.type in _STOPS:
            body["stop_price"] = self.price(leg.symbol, terms.stop)
        if terms.type == OrderType.TRAILING_STOP:
            body["trail"] = self._trail(leg)[1]
        body["time_in_force"] = _TIFS[TimeInForce(terms.tif)]
        return body

    # ---- what Alpaca does not know --------------------------------------------------------------------------

    def _unknown(self, leg: Leg) -> str:
        """Why Alpaca does not know such an order; empty when it does."""
        terms, name = leg.terms, self._names[leg.symbol]
        if name is None:
            return f"Alpaca does not trade {self._instrument(leg.symbol).symbol} here."
        if terms.type not in _TYPES:
            return "Alpaca has no pegged orders."
        if terms.tif not in _TIFS:
            return "Alpaca has no orders good till a date."
        if terms.display:
            return "Alpaca has no iceberg orders."
        if terms.type == OrderType.TRAILING_STOP and terms.stop:
            return "Alpaca's trailing stops begin at the market's price, not at one that is named."
        for price in (terms.limit, terms.stop, terms.trail if terms.trail_unit != TrailUnit.PERCENT else 0):
            if price and not self._is_on_penny(leg.symbol, price):
                return (
                    f"Alpaca takes prices of a dollar and more in whole cents and lower ones in hundredths of a cent, "
                    f"not {_text(self._decimal(leg.symbol, price))}."
                )
        scale = self._instrument(leg.symbol).quantity_scale
        if leg.quantity % scale and terms.tif != TimeInForce.DAY:
            return "Alpaca takes parts of a share for the day only."
        return ""

    def _is_on_penny(self, symbol: int, price: int) -> bool:
        value = self._decimal(symbol, price)
        decimals = _PENNY_DECIMALS if value >= _DOLLAR else _SUB_DOLLAR_DECIMALS
        return value == round(value, decimals)

    # ---- units and names ------------------------------------------------------------------------------------

    def client_id(self, number: int, revision: int = 0) -> str:
        """What Alpaca shall call an order."""
        return client_order_id(self._desk, number, revision)

    def numbers_of(self, client_id: str) -> tuple[int, dict[str, int]] | None:
        """``(number, {"l": number, "s": number})`` of an order of this desk and its limit and stop legs, from its client id."""
        parts = _LEGS.match(client_id)
        found = parse_order_id(parts["own"]) if parts is not None else None
        if parts is None or found is None or found[0] != self._desk:
            return None
        legs = {word[0]: int(word[1:]) for word in parts["legs"].split(".") if word}
        return found[1], legs

    def column(self, name: str) -> int | None:
        """The column of what Alpaca calls ``name``; its crypto pairs have a slash or none."""
        flat = name.replace("/", "")
        return next((i for i, one in enumerate(self._names) if one and one.replace("/", "") == flat), None)

    def price(self, symbol: int, scaled: int) -> str:
        """A scaled price as text."""
        return _text(self._decimal(symbol, scaled))

    def quantity(self, symbol: int, scaled: int) -> str:
        """The size of a scaled quantity as text."""
        return _text(from_scaled(abs(scaled), self._instrument(symbol).quantity_decimals))

    def _decimal(self, symbol: int, price: int) -> Decimal:
        return from_scaled(price, self._instrument(symbol).price_decimals)

    def _instrument(self, symbol: int) -> Instrument:
        return self._universe.instruments[symbol]


def _belongs(other: Leg, leg: Leg) -> bool:
    """Whether Alpaca must be told of ``other`` together with ``leg``."""
    if other.number == leg.number:
        return False
    same_group = other.terms.oco == leg.terms.oco != 0
    return other.terms.parent == leg.number or (same_group and leg.terms.parent == 0)


def _odd_group(leg: Leg, partners: list[Leg]) -> str:
    """Why these orders are no group of Alpaca's; empty when they are one, or a single order."""
    if leg.terms.parent:
        return "Alpaca takes exits only together with their entry."
    if not partners:
        return ""
    group = [leg, *partners] if leg.terms.oco else partners
    kinds = sorted(_letter(one) for one in group)
    if any(one.terms.type not in _EXITS for one in group) or len(set(kinds)) != len(kinds):
        return "Alpaca takes a limit and a stop as exits, one of each at most."
    if leg.terms.oco and kinds != ["l", "s"]:
        return "Of two orders that cancel each other, Alpaca takes a limit and a stop."
    if not leg.terms.oco and len(partners) == 2 and not partners[0].terms.oco == partners[1].terms.oco != 0:
        return "Alpaca's exits of one entry always cancel each other."
    if len({abs(one.quantity) for one in (leg, *partners)}) != 1:
        return "Alpaca's entries and exits that belong together have one quantity."
    tifs = {one.terms.tif for one in group}
    if len(tifs) != 1 or not tifs <= {TimeInForce.DAY, TimeInForce.GTC}:
        return "Alpaca's exits that belong together stand for the day or until cancelled, all alike."
    market = leg.terms.type == OrderType.MARKET and leg.terms.tif == TimeInForce.DAY
    if not leg.terms.oco and not market and leg.terms.tif not in tifs:
        return (
            "Alpaca's entries and their exits stand for one time: both for the day, or both until cancelled."
        )
    return ""


def _letter(leg: Leg) -> str:
    return "l" if leg.terms.type == OrderType.LIMIT else "s"


def _text(value: Decimal) -> str:
    """Plain decimal text, without exponent and idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
