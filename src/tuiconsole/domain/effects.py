"""What the desk asks of its shell. Order matters: effects are carried out one after the other."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from tuiconsole.domain.orders import Approved
from tuiconsole.domain.records import Record
from tuiconsole.domain.types import IntArray

if TYPE_CHECKING:
    from tuiconsole.domain.policy import DecisionInputs, PolicyState


class Severity(enum.IntEnum):
    """How loud an alert is."""

    INFO = 0
    WARNING = 1
    CRITICAL = 2


class Journal(msgspec.Struct, frozen=True, gc=False):
    """Append ``record`` to the journal. ``Submit`` after it waits until it is durable."""

    record: Record


class Submit(msgspec.Struct, frozen=True, gc=False):
    """Hand approved orders to the broker, after everything journalled before is durable.

    ``immediate`` is set by Kill's flatten alone: the paper venue then fills at once.
    """

    approved: Approved
    immediate: bool = False


class Replace(msgspec.Struct, frozen=True, gc=False):
    """Ask the broker to change working orders, after everything journalled before is durable.

    The batch names the orders by their own numbers, with the new total quantity and the new terms.
    """

    approved: Approved


class Cancel(msgspec.Struct, frozen=True, gc=False):
    """Ask the broker to cancel these orders; never waits for a commit. ``[n_orders]`` order numbers."""

    ts: int
    number: IntArray


class Decide(msgspec.Struct, frozen=True, gc=False):
    """Run the policy's pure function and answer with ``DecisionReady``."""

    inputs: DecisionInputs
    state: PolicyState


Effect = Journal | Submit | Replace | Cancel | Decide
