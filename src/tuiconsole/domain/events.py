"""What the desk can be told. Events carry their own time and sequence number; the desk never asks for either."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from tuiconsole.domain.accounts import Differences
from tuiconsole.domain.market import Bars, Quotes, ScreenedBars
from tuiconsole.domain.types import CodeArray, IntArray

if TYPE_CHECKING:
    from tuiconsole.domain.policy import Decision, PolicyState

__all__ = [
    "AccountChecked",
    "Bars",
    "Charges",
    "Command",
    "CommandKind",
    "DecisionReady",
    "DeskLevel",
    "Event",
    "FeedStatus",
    "Fills",
    "OrderUpdates",
    "Quotes",
    "ScreenedBars",
    "TapeEnd",
]


class DeskLevel(enum.IntEnum):
    """How far the desk is stopped; each level includes the ones before it."""

    RUNNING = 0
    PAUSED = 1
    HALTED = 2
    KILLED = 3


class CommandKind(enum.IntEnum):
    """What a person (or a declared rule of a backtest) may ask of the desk."""

    PAUSE = 0
    HALT = 1
    KILL = 2
    REARM = 3
    RESUME = 4
    ENABLE_AGENT = 5
    DISABLE_AGENT = 6
    ACKNOWLEDGE_ALERTS = 7
    ADOPT = 8
    IGNORE = 9
    CANCEL_ORDER = 10
    REPLACE_ORDER = 11


@dataclass(frozen=True, slots=True)
class Command:
    """One request from outside the core.

    Attributes
    ----------
    ts
        Event time at which it takes effect (the desk's clock, not the wall's).
    argument
        Name of the agent, or empty.
    reason
        Why, in the trader's words; required for REARM.
    source
        Who asked: ``"console"``, ``"verb"``, ``"breaker"``, ``"cool-down"``, ``"direct"``.
    """

    ts: int
    kind: CommandKind
    id: str
    argument: str = ""
    reason: str = ""
    source: str = "verb"


class OrderUpdates(msgspec.Struct, frozen=True, gc=False):
    """Execution reports without fills, as columns ``[n_updates]`` of :class:`~tuiconsole.domain.orders.OrderEvent`."""

    ts: int
    number: IntArray
    event: CodeArray
    text: str = ""


class Fills(msgspec.Struct, frozen=True, gc=False):
    """Executions, as columns ``[n_fills]``.

    Attributes
    ----------
    number, symbol
        int64 order number and universe column.
    quantity
        int64 signed scaled quantity of this execution.
    price
        int64 scaled price.
    fee
        int64 money (``10**-MONEY_DECIMALS``), positive = paid.
    costs
        int64 money ``[len(CostPart), n_fills]``: the breakdown, by :class:`~tuiconsole.domain.costs.CostPart`.
    execution
        int64 number of the execution on its venue; seen twice, it counts once.
    forced
        True when Kill's flatten was filled at once at the last good price; always shown as such.
    """

    ts: int
    number: IntArray
    symbol: IntArray
    quantity: IntArray
    price: IntArray
    fee: IntArray
    costs: IntArray
    execution: IntArray
    forced: bool = False

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True, slots=True)
class Charges:
    """What holding costs, as columns ``[n_charges]``: borrow of short positions.

    Attributes
    ----------
    symbol
        int64 universe column.
    amount
        int64 money, positive = paid.
    days
        Calendar days that the charge covers.
    """

    ts: int
    symbol: IntArray
    amount: IntArray
    days: int


class DecisionReady(msgspec.Struct, frozen=True, gc=False):
    """The answer to a ``Decide`` effect: a decision and the policy's next state."""

    ts: int
    seq: int
    decision: Decision
    state: PolicyState


@dataclass(frozen=True, slots=True)
class TapeEnd:
    """The recorded tape has no more events; a labelled stop, not a failure."""

    ts: int


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """What became of a live feed; shells journal it as an alert.

    Attributes
    ----------
    feed
        Its name, e.g. ``"yahoo"``.
    code
        ``"feed failed"``, ``"feed switched"``, ``"feed back"``, ``"symbol failed"`` or ``"feed stale"``.
    text
        One sentence for the trader.
    """

    feed: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class AccountChecked:
    """The broker's account was compared with the desk's, and the answer is news."""

    ts: int
    differences: Differences


Event = ScreenedBars | OrderUpdates | Fills | Charges | Command | DecisionReady | TapeEnd | AccountChecked
