"""The rules for orders with terms and for protective exits.

A limit or stop price makes an order no less an order: it is judged at the worst price it may trade at. Exits are
judged by what they may close: the position, less what closes it already, or what the order they wait for opens.
"""

from __future__ import annotations

import numpy as np

from tuiconsole.domain.order_terms import (
    OrderTerms,
    OrderType,
    TermsFault,
    TimeInForce,
    TrailUnit,
    link_faults,
    terms_faults,
)
from tuiconsole.domain.orders import OrderBatch, Purpose
from tuiconsole.domain.types import BoolArray, IntArray
from tuiconsole.risk.examined import Examined
from tuiconsole.risk.rules import Rule
from tuiconsole.risk.settings import PARTS
from tuiconsole.risk.verdict import Book


def require_terms(terms: OrderTerms, shape: tuple[int, ...]) -> None:
    """ValueError unless every column of ``terms`` is int8 or int64 of ``shape``."""
    for name, column in zip(OrderTerms.__struct_fields__, terms.columns(), strict=True):
        kind = np.int8 if name in ("type", "tif", "trail_unit", "peg") else np.int64
        if column.dtype != kind or column.shape != shape:
            raise ValueError(f"the terms' {name} must be {np.dtype(kind).name} of the batch's length")


def look_at_exits(out: Examined, batch: OrderBatch, book: Book, duplicate: BoolArray) -> None:
    """Judge protective orders by what they may close; and let no other order close what working exits may close."""
    terms = batch.terms
    guard = (batch.purpose == Purpose.PROTECTIVE) & (terms is not None)
    exits = np.zeros_like(book.position) if book.exits is None else book.exits
    out.reducing = out.reducing & ~guard
    working = exits[out.column]
    closing_too = (np.sign(working) == np.sign(out.quantity)) & (working != 0) & ~guard
    np.logical_or(duplicate, closing_too, out=duplicate)
    out.reducing &= ~closing_too
    if terms is not None:
        working_too = np.sign(book.pending[out.column]) * np.sign(out.quantity) > 0
        allowed = guard | (_in_group(terms, batch.symbol) & ~working_too)
        np.logical_and(duplicate, ~allowed, out=duplicate)
    if not guard.any():
        return
    out.room, out.held = out.room.copy(), out.held.copy()
    used: dict[tuple[int, int], int] = {}
    groups: dict[int, int] = {}
    for row in np.flatnonzero(guard).tolist():
        _judge_exit(out, terms, row, int(working[row]), used, groups)


def _in_group(terms: OrderTerms, symbol: IntArray) -> BoolArray:
    """Orders after the first of a group that cancels each other, as long as the group is alone in its symbol."""
    later: BoolArray = np.zeros(len(terms), dtype=np.bool_)
    for group in np.unique(terms.oco[terms.oco < 0]).tolist():
        members = np.flatnonzero(terms.oco == group)
        same = symbol == symbol[members[0]]
        if (terms.oco[same] == group).all():
            later[members[1:]] = True
    return later


def _judge_exit(
    out: Examined,
    terms: OrderTerms | None,
    row: int,
    working: int,
    used: dict[tuple[int, int], int],
    groups: dict[int, int],
) -> None:
    """Whether one exit only closes; orders of a group count once, as the largest of them."""
    quantity = int(out.quantity[row])
    parent = 0 if terms is None else int(terms.parent[row])
    group = 0 if terms is None else int(terms.oco[row])
    if -row <= parent < 0:
        place = (0, parent)
        base = int(out.quantity[-parent - 1]) if out.column[-parent - 1] == out.column[row] else 0
    else:
        place = (1, int(out.column[row]))
        base = int(out.room[row])
        base = (
            base + working
            if (base > 0) != (working > 0) and abs(working) < abs(base)
            else base * (not working)
        )
    size, before = abs(quantity), groups.get(group, 0) if group else 0
    room = abs(base) - used.get(place, 0) + before
    out.room[row] = int(np.sign(base)) * max(room, 0)
    out.reducing[row] = quantity * base < 0 and size <= room
    if parent:
        out.held[row] = base
    used[place] = used.get(place, 0) + max(size - before, 0)
    if group:
        groups[group] = max(size, before)


def look_at_terms(
    out: Examined, batch: OrderBatch, terms: OrderTerms, collar: int, beyond: BoolArray
) -> None:
    """Find illegal terms and prices too far through the market; have the order valued at its worst price.

    Parameters
    ----------
    collar
        Parts per million of the last good price.
    beyond
        bool ``[k]``, set where a limit lies too far through the market (or beyond its own stop).
    """
    fault = terms_faults(terms, out.quantity, batch.ts)
    links = link_faults(terms, batch.symbol, out.quantity)
    out.fault = np.where(fault == 0, links, fault).astype(np.int8)
    out.frees = (terms.type == OrderType.MARKET) & (terms.tif <= TimeInForce.DAY) & (terms.parent == 0)
    sane = fault == 0
    limit, stop = terms.limit * sane, terms.stop * sane
    side, price = np.sign(out.quantity), out.price
    passed = (stop > 0) & (price > 0) & (side * (stop - price) <= 0) & ~out.reducing & (terms.parent == 0)
    out.fault[passed & (out.fault == 0)] = TermsFault.STOP_PASSED
    start = np.where(stop > 0, stop, price)
    band = start // PARTS * collar + start % PARTS * collar // PARTS
    np.logical_and(limit > 0, side * (limit - start) > band, out=beyond)
    offset = np.where(terms.trail_unit == TrailUnit.PERCENT, price // PARTS * terms.trail, terms.trail) * sane
    trailing = np.where((terms.type == OrderType.TRAILING_STOP) & (side > 0), price + offset, 0)
    out.price = np.maximum(np.maximum(price, trailing), np.maximum(limit, stop)) * (price > 0)


def refuse_orphans(out: Examined, terms: OrderTerms) -> int:
    """Refuse what stands alone: orders whose parent, whose exit or whose partner was refused.

    Returns
    -------
    How many of these would have added risk.
    """
    links = [
        pair
        for row, parent in enumerate(terms.parent.tolist())
        if -row <= parent < 0
        for pair in (
            (row, -parent - 1, TermsFault.PARENT_REFUSED),
            (-parent - 1, row, TermsFault.EXIT_REFUSED),
        )
    ]
    for group in np.unique(terms.oco[terms.oco < 0]).tolist():
        members = np.flatnonzero(terms.oco == group).tolist()
        links += [(a, b, TermsFault.PARTNER_REFUSED) for a in members for b in members if a != b]
    lost = 0
    changed = bool(links)
    while changed:
        changed = False
        for row, other, fault in links:
            if out.rule[row] == 0 and out.rule[other] != 0:
                out.rule[row], out.value[row], out.limit[row] = Rule.TERMS, float(fault), np.nan
                lost += not out.reducing[row]
                changed = True
    return lost
