"""Approved orders: the only thing a broker takes, and only the gate can make one.

Three locks. The constructor wants a key that this module keeps. Copies, pickles and subclasses are refused.
And a broker asks :func:`genuine`, which knows every object made by the gate and the very arrays it was made
with; these arrays lie over immutable bytes. This stops every mistake; it does not stop code that sets out to
rewrite this module at run time.
"""

from __future__ import annotations

import operator
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import numpy as np

from tuiconsole.domain.errors import NotApproved
from tuiconsole.domain.order_terms import OrderTerms
from tuiconsole.domain.orders import Approved, OrderBatch, Purpose
from tuiconsole.domain.types import CodeArray, IntArray

_KEY = object()
_REFUSAL = "Orders can only be approved by the risk gate."


class ApprovedOrders(Approved):
    """A batch of orders, all of which the gate approved. Immutable.

    Attributes
    ----------
    batch
        The orders, with their numbers; read-only arrays.
    """

    __slots__ = ("__weakref__",)

    def __init__(self, batch: OrderBatch, key: object = None) -> None:
        if key is not _KEY:
            raise NotApproved(_REFUSAL, "Send the batch through Gate.judge.")
        object.__setattr__(self, "batch", batch)
        _made[self] = (batch, _parts(batch))

    def __init_subclass__(cls, **_: object) -> NoReturn:
        raise NotApproved(_REFUSAL)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise NotApproved(f"Approved orders cannot be changed ({name}).")

    def __delattr__(self, name: str) -> NoReturn:
        raise NotApproved(f"Approved orders cannot be changed ({name}).")

    def __copy__(self) -> NoReturn:
        raise NotApproved(f"{_REFUSAL} A copy is not approved.")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise NotApproved(f"{_REFUSAL} A copy is not approved.")

    def __replace__(self, **_: object) -> NoReturn:
        raise NotApproved(f"{_REFUSAL} A changed copy is not approved.")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise NotApproved(f"{_REFUSAL} They do not travel: send the batch through Gate.judge again.")

    def __len__(self) -> int:
        return len(self.batch)


_made: WeakKeyDictionary[ApprovedOrders, tuple[OrderBatch, tuple[Any, ...]]] = WeakKeyDictionary()


def _parts(batch: OrderBatch) -> tuple[Any, ...]:
    return (
        batch.batch,
        batch.ts,
        batch.number,
        batch.symbol,
        batch.quantity,
        batch.reference_price,
        batch.purpose,
        batch.terms,
        *(() if batch.terms is None else batch.terms.columns()),
    )


def genuine(approved: object) -> bool:
    """Whether the gate made this very object and nothing in it was exchanged since."""
    if type(approved) is not ApprovedOrders:
        return False
    known = _made.get(approved)
    if known is None:
        return False
    batch, parts = known
    if getattr(approved, "batch", None) is not batch:
        return False
    found = _parts(batch)
    return len(found) == len(parts) and all(map(operator.is_, found, parts))


def admit(approved: Approved, immediate: bool = False) -> OrderBatch:
    """The orders of a batch that a broker may take: what every broker asks before it does anything.

    Parameters
    ----------
    immediate
        They are to be filled at once, which is for Kill's flatten alone.

    Raises
    ------
    NotApproved
        The batch does not come from the gate, or is no flatten but asks to be filled at once.
    """
    if not genuine(approved):
        raise NotApproved("These orders did not come from the risk gate.", "Nothing was sent.")
    batch = approved.batch
    if immediate and (batch.purpose != Purpose.FLATTEN).any():
        raise NotApproved("Only Kill's flatten may be filled at once.", "Nothing was sent.")
    return batch


def _sealed_int(column: IntArray) -> IntArray:
    return np.frombuffer(column.tobytes(), dtype=np.int64)


def _sealed_code(column: CodeArray) -> CodeArray:
    return np.frombuffer(column.tobytes(), dtype=np.int8)


def _sealed_terms(terms: OrderTerms) -> OrderTerms:
    sealed: list[Any] = [np.frombuffer(column.tobytes(), dtype=column.dtype) for column in terms.columns()]
    return OrderTerms(*sealed)


def _approve(batch: OrderBatch, number: IntArray) -> ApprovedOrders:
    """For the gate alone: seal ``batch`` under the order numbers ``number``."""
    sealed = OrderBatch(
        int(batch.batch),
        int(batch.ts),
        _sealed_int(number),
        _sealed_int(batch.symbol),
        _sealed_int(batch.quantity),
        _sealed_int(batch.reference_price),
        _sealed_code(batch.purpose),
        None if batch.terms is None else _sealed_terms(batch.terms),
    )
    return ApprovedOrders(sealed, _KEY)
