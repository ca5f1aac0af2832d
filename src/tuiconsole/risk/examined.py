"""A batch on its way through the gate: columns that the rules share, and what they found."""

from __future__ import annotations

from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray


class Examined:
    """Working columns ``[k]`` of one batch.

    Attributes
    ----------
    column
        int64 universe column; 0 where the batch named none that exists (which is refused).
    quantity
        int64 signed scaled quantity, clipped to what can be computed with.
    price
        int64 scaled last good price, 0 where unusable; with terms the worst price the order may trade at, if that is higher.
    good
        bool: the symbol has a usable price of good quality.
    held
        int64 signed scaled exposure: the position, or what it becomes when working orders fill, if that is
        larger.
    room
        int64: what of the position no working order closes yet; same sign as the position, or 0.
    reducing
        bool: brings the position nearer to zero, at most to zero, even if every working order fills.
    before, after
        int64 money: signed exposure of the symbol without and with the order; valid where ``rule`` is 0.
    money
        int64 signed money of the order itself; valid where ``rule`` is 0.
    huge
        bool, or None when all False: the money of the order or its symbol cannot be computed and reads 0.
    fault
        int8 of :class:`~tuiconsole.domain.order_terms.TermsFault`; only there where the batch has terms.
    frees
        bool, or None for all: the order surely trades at once, so that what it reduces is free for others.
    rule, value, limit
        The first rule that failed (0 = none so far), what it measured, what it allows.
    """

    __slots__ = (
        "after",
        "before",
        "column",
        "fault",
        "frees",
        "good",
        "held",
        "huge",
        "limit",
        "money",
        "price",
        "quantity",
        "reducing",
        "room",
        "rule",
        "value",
    )

    column: IntArray
    quantity: IntArray
    price: IntArray
    good: BoolArray
    held: IntArray
    room: IntArray
    reducing: BoolArray
    before: IntArray
    after: IntArray
    money: IntArray
    huge: BoolArray | None
    fault: CodeArray
    frees: BoolArray | None
    rule: CodeArray
    value: FloatArray
    limit: FloatArray
