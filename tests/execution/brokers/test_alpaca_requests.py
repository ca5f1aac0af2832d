"""Orders as requests: exact text, and a sentence for everything that Alpaca does not know."""

import numpy as np
import pytest

from tests.execution.brokers.test_alpaca import with_terms
from tests.execution.build import POINT, batch
from tuiconsole.domain.instruments import Instrument, Universe
from tuiconsole.domain.order_terms import OrderTerms, OrderType, Peg, Terms, TimeInForce, TrailUnit
from tuiconsole.domain.orders import OrderBatch
from tuiconsole.execution.brokers.alpaca_requests import AlpacaRequests, Leg, Refusal, Request

T, F, U = OrderType, TimeInForce, TrailUnit
PARTS = Universe((Instrument("AAPL"), Instrument("SPY", quantity_decimals=4), Instrument("EUR-USD")))


@pytest.fixture
def requests() -> AlpacaRequests:
    return AlpacaRequests(PARTS, ("AAPL", "SPY", None), "00ff00ff")


def one(requests: AlpacaRequests, terms: Terms, symbol: int = 0, quantity: int = 10) -> Request | Refusal:
    (found,) = requests.of(with_terms(batch(7, [(symbol, quantity)]), terms))
    return found


@pytest.mark.parametrize(
    ("terms", "body"),
    [
        (
            Terms(T.LIMIT, F.IOC, limit=123_450_000),
            {"type": "limit", "time_in_force": "ioc", "limit_price": "123.45"},
        ),
        (Terms(T.LIMIT, F.FOK, limit=900_100), {"time_in_force": "fok", "limit_price": "0.9001"}),
        (Terms(T.STOP, F.GTC, stop=50 * POINT), {"type": "stop", "stop_price": "50"}),
        (
            Terms(T.STOP_LIMIT, F.DAY, limit=51 * POINT, stop=50 * POINT),
            {"type": "stop_limit", "limit_price": "51", "stop_price": "50"},
        ),
        (Terms(T.TRAILING_STOP, F.GTC, trail=15_000, trail_unit=U.PERCENT), {"trail_percent": "1.5"}),
        (Terms(T.TRAILING_STOP, F.DAY, trail=2_500_000, trail_unit=U.ATR), {"trail_price": "2.5"}),
        (Terms(tif=F.OPG), {"type": "market", "time_in_force": "opg"}),
        (Terms(T.LIMIT, F.CLS, limit=POINT), {"time_in_force": "cls", "limit_price": "1"}),
    ],
)
def test_types_and_times(requests, terms, body):
    found = one(requests, terms, quantity=-10)
    assert isinstance(found, Request)
    assert found.body["side"] == "sell"
    assert found.body["client_order_id"] == "00ff00ff-7"
    assert {name: found.body[name] for name in body} == body
    assert all(isinstance(value, str) for value in found.body.values())


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        (Terms(T.PEGGED, peg=Peg.MID), "no pegged orders"),
        (Terms(T.LIMIT, F.GTD, limit=POINT, expiry=9), "good till a date"),
        (Terms(T.LIMIT, limit=POINT, display=2), "no iceberg"),
        (
            Terms(T.LIMIT, limit=100_005_000),
            "whole cents and lower ones in hundredths of a cent, not 100.005",
        ),
        (Terms(T.LIMIT, limit=900_010), "not 0.90001"),
        (
            Terms(T.TRAILING_STOP, stop=POINT, trail=POINT, trail_unit=U.PRICE),
            "trailing stops begin at the market",
        ),
        (Terms(T.STOP, F.GTC, stop=POINT, parent=3), "only together with their entry"),
    ],
)
def test_what_alpaca_does_not_know_is_a_sentence(requests, terms, sentence):
    found = one(requests, terms)
    assert isinstance(found, Refusal)
    assert sentence in found.text
    assert found.numbers == (7,)


def test_parts_of_shares_are_for_the_day_and_exact(requests):
    assert one(requests, Terms(), 1, 12_345).body["qty"] == "1.2345"
    assert "for the day only" in one(requests, Terms(T.LIMIT, F.GTC, limit=POINT), 1, 12_345).text
    assert one(requests, Terms(T.LIMIT, F.GTC, limit=POINT), 1, 20_000).body["qty"] == "2"
    assert "does not trade EUR-USD" in one(requests, Terms(), 2, 1).text


def group(*rows: tuple[int, Terms]) -> OrderBatch:
    return with_terms(batch(4, [(0, quantity) for quantity, _ in rows]), *(terms for _, terms in rows))


STOP, LIMIT = Terms(T.STOP, F.GTC, stop=95 * POINT), Terms(T.LIMIT, F.GTC, limit=110 * POINT)


def linked(terms: Terms, parent: int = 4, oco: int = 5) -> Terms:
    return Terms(terms.type, terms.tif, terms.limit, terms.stop, parent=parent, oco=oco)


def test_groups_become_brackets_otos_and_ocos_that_name_their_legs(requests):
    (bracket,) = requests.of(group((10, Terms()), (-10, linked(STOP)), (-10, linked(LIMIT))))
    assert (bracket.client_id, bracket.body["order_class"]) == ("00ff00ff-4.s5.l6", "bracket")
    assert requests.numbers_of(bracket.client_id) == (4, {"s": 5, "l": 6})
    (oto,) = requests.of(group((10, Terms()), (-10, linked(STOP, oco=0))))
    assert (oto.body["order_class"], oto.body["stop_loss"]) == ("oto", {"stop_price": "95"})
    (oco,) = requests.of(group((-10, linked(STOP, 0, 4)), (-10, linked(LIMIT, 0, 4))))
    assert (oco.client_id, oco.body["order_class"], oco.body["type"]) == ("00ff00ff-5.s4", "oco", "limit")
    assert oco.body["take_profit"] == {"limit_price": "110"}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (((10, Terms()), (-5, linked(STOP, oco=0))), "one quantity"),
        (((10, Terms()), (-10, linked(STOP)), (-10, linked(STOP))), "one of each at most"),
        (
            ((10, Terms()), (-10, linked(STOP, oco=0)), (-10, linked(LIMIT, oco=0))),
            "always cancel each other",
        ),
        (((10, Terms(T.LIMIT, limit=POINT)), (-10, linked(STOP, oco=0))), "stand for one time"),
        (((-10, linked(LIMIT, 0, 4)), (-10, linked(LIMIT, 0, 4))), "one of each at most"),
    ],
)
def test_groups_that_are_none_of_alpacas_are_refused_whole(requests, rows, sentence):
    (found,) = requests.of(group(*rows))
    assert isinstance(found, Refusal)
    assert sentence in found.text
    assert found.numbers == tuple(range(4, 4 + len(rows)))


def test_a_change_names_only_what_alpaca_can_change(requests):
    wanted = Leg(4, 0, 12, Terms(T.LIMIT, F.GTC, limit=99 * POINT, revision=2))
    assert requests.change(wanted, 10, 0) == {
        "client_order_id": "00ff00ff-4r2",
        "qty": "12",
        "limit_price": "99",
        "time_in_force": "gtc",
    }
    assert "qty" not in requests.change(wanted, 12, 5)
    assert "partly filled" in requests.change(wanted, 10, 5)


@pytest.mark.parametrize("name", ["17", "ffffffff-17", "00ff00ff-0", "00ff00ff-1.x2", "by hand", ""])
def test_ids_of_others_are_not_ours(requests, name):
    assert requests.numbers_of(name) is None


def test_terms_as_columns_are_read_row_by_row(requests):
    orders = with_terms(batch(1, [(0, 5), (1, 50_000)]), Terms(), LIMIT)
    assert isinstance(orders.terms, OrderTerms)
    first, second = requests.of(orders)
    assert (first.body["type"], second.body["type"]) == ("market", "limit")
    assert np.array_equal([first.main.number, second.main.number], [1, 2])
