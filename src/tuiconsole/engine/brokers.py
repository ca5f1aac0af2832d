"""The broker that the settings name: made, opened for an engine, or only stood for while a journal is driven again."""

from __future__ import annotations

import threading

import numpy as np

from tuiconsole.domain.accounts import AccountView
from tuiconsole.domain.clock import NANOSECONDS_PER_SECOND, Clock
from tuiconsole.domain.errors import EngineError, UsageError
from tuiconsole.domain.events import OrderUpdates
from tuiconsole.domain.money import to_float
from tuiconsole.domain.orders import Approved, OrderEvent
from tuiconsole.domain.types import IntArray
from tuiconsole.engine.access import keys_of
from tuiconsole.engine.build import Plan
from tuiconsole.engine.settings import Settings
from tuiconsole.execution.brokers.alpaca import AlpacaBroker, AlpacaKeys
from tuiconsole.execution.contract import RemoteBroker, Response
from tuiconsole.market.vendor_symbols import vendor_symbol
from tuiconsole.risk.settings import RiskSettings

_POLL_S = 0.01
_ROUGHLY = 20
"""The desk's equity may exceed the account's by one part in so many: both are valued at prices of their own."""
_ABSENT = "no broker is asked here"


def make_broker(chosen: Plan, clock: Clock) -> AlpacaBroker | None:
    """The broker of a plan, not yet connected; None for the paper venue.

    Raises
    ------
    UsageError
        Its package is not installed, its keys are not there, or real money is to be traded on limits nobody set.
    """
    settings = chosen.settings
    if not settings.broker.name:
        return None
    if settings.broker.live:
        check_limits(settings)
    keys = keys_of(settings)
    if not (keys.alpaca_id and keys.alpaca_secret):
        raise UsageError(
            "Alpaca needs the keys of your account.",
            "Set APCA_API_KEY_ID and APCA_API_SECRET_KEY, or write them to a key file (docs/brokers.md).",
        )
    universe = chosen.tape.universe
    names = tuple(vendor_symbol(symbol, "alpaca") for symbol in universe.symbols)
    shares = tuple(None if name is None or "/" in name else name for name in names)
    pair = AlpacaKeys(keys.alpaca_id, keys.alpaca_secret)
    paper = not settings.broker.live
    return AlpacaBroker(universe, shares, chosen.opened.desk, pair, paper, settings.alpaca, clock)


def check_limits(settings: Settings) -> None:
    """Refuse real money on the limits that the desk comes with; :class:`UsageError`."""
    if settings.risk == RiskSettings():
        raise UsageError(
            "Real money needs limits of your own, and [risk] holds only those that the desk comes with.",
            "Set at least order_notional_usd, daily_loss and drawdown in [risk] of the configuration.",
        )


def open_broker(broker: AlpacaBroker, equity: int, confirmed: str, clock: Clock, longest_s: float) -> None:
    """Connect, and wait until the account can be compared.

    Parameters
    ----------
    equity
        Money that the desk counts with.
    confirmed
        What the trader typed; real money wants ``LIVE account NUMBER``.

    Raises
    ------
    EngineError
        It does not answer, refuses, or the account is not the one that was confirmed or holds less than the desk counts with.
    """
    account = broker.open()
    short = equity > account.equity + account.equity // _ROUGHLY
    if not broker.paper and short:
        broker.close()
        ours, theirs = to_float(equity), to_float(account.equity)
        raise EngineError(
            f"The desk counts with {ours:,.2f}, but the account {account.masked} holds {theirs:,.2f}.",
            "Set [engine] capital to what the account holds and begin with a new --state.",
        )
    if not broker.paper and confirmed.split() != ["LIVE", "account", account.number]:
        broker.close()
        raise EngineError(
            f"Real money was not confirmed for the account {account.masked}.",
            'Type it as it is: tuiconsole live --broker alpaca --confirm "LIVE account NUMBER"',
        )
    until = clock.monotonic_ns() + int(longest_s * NANOSECONDS_PER_SECOND)
    pause = threading.Event()
    while broker.account() is None and clock.monotonic_ns() < until:
        pause.wait(_POLL_S)
    if not broker.connected:
        trouble = broker.trouble
        broker.close()
        raise EngineError(f"Alpaca does not answer: {trouble}.", "Try again, or trade on the paper venue.")


def absent(chosen: Plan) -> RemoteBroker | None:
    """Stands for the broker of a plan where nobody may be asked; None for the paper venue."""
    return AbsentBroker(len(chosen.tape.universe)) if chosen.settings.broker.name else None


class AbsentBroker:
    """A broker that is never there: for driving a journal again, whose answers are in the journal."""

    connected = False

    def __init__(self, n_symbols: int) -> None:
        self._n_symbols = n_symbols

    def submit(self, approved: Approved, immediate: bool = False) -> Response:
        """No answer."""
        return _silence(approved.batch.ts, approved.batch.number)

    def replace(self, approved: Approved) -> Response:
        """No answer."""
        return _silence(approved.batch.ts, approved.batch.number)

    def cancel(self, ts: int, number: IntArray) -> Response:
        """No answer."""
        return _silence(ts, number)

    def positions(self) -> IntArray:
        """Nothing is known to be held."""
        return np.zeros(self._n_symbols, dtype=np.int64)

    def account(self) -> AccountView | None:
        """Nobody tells."""
        return None

    def status(self, ts: int, number: IntArray) -> Response | None:
        """No answer."""
        return None

    def working(self) -> IntArray | None:
        """No answer."""
        return None


def _silence(ts: int, number: IntArray) -> Response:
    event = np.full(len(number), OrderEvent.TIMED_OUT, dtype=np.int8)
    return Response(OrderUpdates(ts, number, event, _ABSENT))
