"""Ordinary bars of a known tape, taken in together by machine code: the order path of the session, to the bit.

A policy that can say for a block of bars what it wants (:class:`~tuiconsole.domain.policy.BlockPolicy`) needs no Python
between them. What rests is filled, the book is marked, breakers look, wishes become orders, the gate's short proof passes
them, the venue takes them: :mod:`tuiconsole.engine.compiled_stretch` does so until a step is not ordinary, and the desk takes
that step itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tuiconsole.domain.costs import CostPart
from tuiconsole.domain.events import DeskLevel
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.machine_code import Kernel, is_stored, machine_code
from tuiconsole.domain.market import Quality
from tuiconsole.domain.money import MONEY_SCALE
from tuiconsole.domain.orders import OrderState
from tuiconsole.domain.policy import BlockPolicy, MarketAhead, OrdersAhead, PolicyState, Wishes, speaks_for
from tuiconsole.domain.records import Filled
from tuiconsole.domain.types import BoolArray, CodeArray, FloatArray, IntArray
from tuiconsole.engine import compiled_stretch as kernel
from tuiconsole.engine.market_side import ObservedBlock
from tuiconsole.engine.periods import month_keys
from tuiconsole.engine.stretch_ends import AFTER_FILLS, AT_BAR, AT_DECISION, Ended
from tuiconsole.execution.compiled_orders import EVERY_BAR, GIVEN, ON_CHANGE
from tuiconsole.execution.lent import LentVenue, StretchOrders, VenueMoment
from tuiconsole.portfolio.ledger import Profit
from tuiconsole.portfolio.lent import LentLedger
from tuiconsole.store.stretch_rows import StretchRows

if TYPE_CHECKING:
    from tuiconsole.engine.session import Session

_WORTHWHILE = 4
"""Bars from which on a stretch was worth its beginning."""

_MOST_SKIPPED = 64
"""Bars that go one by one, at most, after stretches that were not."""

_BUSY = 64
"""Orders per bar that there is room for, on average over a block."""

_LOAD_S, _MAKE_S = 0.7, 40.0
"""Seconds until machine code is there: loaded, or made for the first time on a machine."""

_SAVED_PER_BAR_S, _SAVED_PER_CELL_S = 5e-6, 0.5e-6
"""Seconds saved per bar, and besides per symbol of it: measured with crossing averages."""

_loaded: set[Kernel] = set()
_NEVER = -2
_NOTHING: IntArray = np.empty(0, dtype=np.int64)
_NO_CODES: CodeArray = np.empty(0, dtype=np.int8)


def pays_off(bars: int, n_symbols: int) -> bool:
    """Whether a backtest of so many bars is done sooner with machine code, its loading (or first making) counted in."""
    if find_spec("numba") is None:
        return False
    if kernel.run_stretch in _loaded:
        return True
    wait = _LOAD_S if is_stored(kernel.SOURCES) else _MAKE_S
    return bars * (_SAVED_PER_BAR_S + _SAVED_PER_CELL_S * n_symbols) > wait


def _kernel() -> Kernel:
    _loaded.add(kernel.run_stretch)
    return machine_code(kernel.run_stretch, kernel.PARTS, kernel.SOURCES, "Orders worked off in stretches")


class RowSink(Protocol):
    """Takes the journal rows of whole stretches."""

    def extend(self, rows: StretchRows) -> None:
        """Journal them."""
        ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a stretch of bars left, for whoever keeps a record of every bar.

    Attributes
    ----------
    first, count
        Place of the first bar in the block, and how many were taken in whole.
    rows
        Their journal rows.
    held
        int64 ``[count, n_symbols]``: quantities after each bar.
    """

    first: int
    count: int
    rows: StretchRows
    held: IntArray


class Stretches:
    """Takes in the ordinary bars of one block after the other for a session whose policy can look ahead.

    Parameters
    ----------
    session, sink
        Whose bars they are, and where their rows go: the session's own sink.
    on_stretch
        Told of each stretch.

    Raises
    ------
    UsageError
        When Numba is not installed.
    """

    def __init__(
        self, session: Session, sink: RowSink, on_stretch: Callable[[ObservedBlock, Stretch], None]
    ) -> None:
        self._session = session
        self._sink = sink
        self._on_stretch = on_stretch
        self._run = _kernel()
        self._told = session.desk.gate.lend()
        self._room = Room(session.desk.universe)
        self._block: _Block | None = None
        self._skip = self._skipped = 0

    def look_at(self, seen: ObservedBlock, asks: list[bool]) -> bool:
        """Prepare for a block of bars; False when its bars must go one by one."""
        desk = self._session.desk
        self._block = None
        bars = seen.screened.bars
        market_alone = bars.members is None and bars.quotes is None and desk.plain
        policy = desk.policy
        if not market_alone or self._told is None or not isinstance(policy, BlockPolicy):
            return False
        if not speaks_for(type(policy), "wishes", "decide"):
            return False
        if bars.seq < self._session.start:
            return False
        market = seen.ahead()
        wishes = policy.wishes(market, desk.policy_state)
        if wishes is None:
            return False
        state, session = desk.policy_state, desk.periods.session
        self._block = _Block(seen, policy, market, wishes, state, asks, session, self._room)
        return True

    def go(self, first: int) -> Ended:
        """Take in bars of the block from place ``first`` on, for as long as they are ordinary."""
        block = self._block
        if block is None:
            return Ended(0)
        if self._skip:
            self._skip -= 1
            return Ended(0)
        until = block.plain_until(first)
        ended = self._take(block, first, until) if until > first else Ended(0)
        if ended.count >= _WORTHWHILE:
            self._skipped = 0
        else:
            self._skipped = min(_MOST_SKIPPED, 2 * self._skipped + 1)
            self._skip = self._skipped
        return ended

    def _take(self, block: _Block, first: int, until: int) -> Ended:
        """Lend everything to the kernel, and take back what it made of it."""
        session = self._session
        desk, told = session.desk, self._told
        if desk.level != DeskLevel.RUNNING or told is None or not desk.plain:
            return Ended(0)
        venue, book = session.paper.lend(), desk.ledger.lend()
        if venue is None or book is None or not block.marked_by(desk.ledger.marked, first):
            return Ended(0)
        lent = _Lent(venue, book, told, desk.breakers.lend(), *desk.gate.rate.lend(until - first))
        course = self._course(venue, block)
        policy_state = desk.policy_state
        before = block.policy.acted_on(policy_state).copy()
        where = self._run(
            first,
            until,
            block.bars,
            (*block.wished, before, np.empty_like(before), block.asks),
            (*lent.venue_arrays(), block.traded),
            lent.money(),
            lent.limits(),
            course,
            block.out,
            block.scratch,
        )
        count = int(course[kernel.BARS])
        if not count and where == AT_BAR:
            return Ended(0)
        done = count - (where == AT_DECISION)
        if done:
            last = first + done - 1
            policy_state = block.policy.state_after(block.market, last, before, block.state)
        return self._leave(block, lent, course, first, int(where), policy_state)

    def _course(self, venue: LentVenue, block: _Block) -> IntArray:
        desk = self._session.desk
        course = np.zeros(kernel.COURSE, dtype=np.int64)
        course[kernel.BAR_COUNT], course[kernel.EXECUTION] = venue.bar, venue.execution
        course[kernel.NUMBER], course[kernel.RESTING] = desk.orders.next_number, venue.count
        course[kernel.SESSION], course[kernel.BEFORE_BAR] = desk.periods.session, _NEVER
        course[kernel.LAST_TS] = desk.ts
        return course

    def _leave(
        self, block: _Block, lent: _Lent, course: IntArray, first: int, where: int, policy_state: PolicyState
    ) -> Ended:
        """Leave session, desk, venue, ledger and order table as the kernel's last bar leaves them."""
        session, seen = self._session, block.seen
        desk, count = session.desk, int(course[kernel.BARS])
        last, seen_by_venue = first + count - 1, first + count - (where != AFTER_FILLS)
        rows = block.rows(first, count, desk.decisions + 1, int(desk.level))
        desk.orders.absorb(block.orders(rows, course))
        moment = VenueMoment(
            int(course[kernel.BAR_COUNT]),
            seen.screened.bars.ts[seen_by_venue],
            seen.screened.bars.session[seen_by_venue],
            seen.screened.price[seen_by_venue],
            int(course[kernel.EXECUTION]),
            int(course[kernel.RESTING]),
            desk.orders.next_number - 1,
            block.close_only,
        )
        session.paper.take_back(lent.venue, moment, lent.book.table[0])
        mark = seen.price_scaled[last] if count else None
        desk.ledger.take_back(lent.book, mark, seen.bounds_at(last)[1] if count else 0)
        desk.gate.rate.take_back(lent.clock, lent.sent)
        if count:
            desk.breakers.take_back(lent.references)
            desk.periods.update_many(block.sessions[first : last + 1], rows.equity)
            desk.curve.add_many(rows.ts, rows.equity)
            bar = seen.at(last, False, int(course[kernel.VALUE]))
            desk.went_on(bar, rows, int(course[kernel.DECISIONS]), policy_state)
            self._tell_profit(block, lent, course, last, where)
            self._sink.extend(rows)
        done = count - (where == AT_DECISION)
        session.cursor += done
        if done:
            self._on_stretch(seen, Stretch(first, done, rows, block.out[4][first : first + done].copy()))
        if where == AFTER_FILLS:
            return Ended(done, where, block.interrupted(rows, course, seen_by_venue))
        return Ended(done, AT_DECISION if where == AT_DECISION else AT_BAR)

    def _tell_profit(self, block: _Block, lent: _Lent, course: IntArray, last: int, where: int) -> None:
        desk, seen = self._session.desk, block.seen
        value, borrow = desk.ledger.valuation, desk.ledger.borrow_by_symbol
        unseen = where == AFTER_FILLS and course[kernel.BOOKED]
        table = lent.table_last if unseen else lent.book.table
        before = int(course[kernel.BEFORE_BAR])
        started = Profit(value, seen.price_scaled[before], lent.table_before, borrow) if before >= 0 else None
        desk.profit.stands(Profit(value, seen.price_scaled[last], table, borrow), before != _NEVER, started)


class _Lent:
    """What the rooms lent, in the groups that the kernel takes it in."""

    def __init__(
        self,
        venue: LentVenue,
        book: LentLedger,
        told: tuple[IntArray, IntArray],
        references: IntArray,
        clock: IntArray,
        sent: IntArray,
    ) -> None:
        self.venue, self.book, self.told = venue, book, told
        self.references, self.clock, self.sent = references, clock, sent
        self.table_before, self.table_last = np.empty_like(book.table), np.empty_like(book.table)

    def venue_arrays(self) -> tuple[Any, ...]:
        """See :data:`~tuiconsole.engine.compiled_stretch.Venue`."""
        lent = self.venue
        return lent.symbols, lent.settings, lent.sums, lent.last, lent.displaced, lent.moving, lent.resting

    def money(self) -> kernel.Money:
        """See :data:`~tuiconsole.engine.compiled_stretch.Money`."""
        book, ring = self.book, self.book.ring
        lots = (ring.quantity, ring.cost, ring.oldest, ring.count)
        return book.table, book.totals, *lots, self.table_before, self.table_last

    def limits(self) -> kernel.Limits:
        """See :data:`~tuiconsole.engine.compiled_stretch.Limits`."""
        return *self.told, self.references, self.clock, self.sent


class _Block:
    """One block of bars as the kernel takes it in, and what it lays down."""

    def __init__(
        self,
        seen: ObservedBlock,
        policy: BlockPolicy,
        market: MarketAhead,
        wishes: Wishes,
        state: PolicyState,
        asks: list[bool],
        session: int,
        room: Room,
    ) -> None:
        screened, bars = seen.screened, seen.screened.bars
        self.seen, self.policy, self.market, self.wishes, self.state = seen, policy, market, wishes, state
        self.asks: BoolArray = np.array(asks)
        self.traded = bars.volume is not None
        self.sessions: IntArray = np.maximum.accumulate(np.array([session, *seen.sessions]))[1:]
        count = len(screened)
        self.close_only = bars.open is None and bars.volume is None
        source = bars.close if self.close_only else room.unknown(count) if bars.open is None else bars.open
        volume = room.unknown(count) if bars.volume is None else bars.volume
        with np.errstate(invalid="ignore", divide="ignore"):
            logs = np.log(screened.price)
        self.bars: kernel.Bars = (
            np.array(bars.ts),
            self.sessions,
            month_keys(self.sessions),
            seen.bounds[:, 1].copy(),
            plain(screened.price),
            plain(seen.price_scaled),
            plain(screened.quality),
            plain(source),
            plain(volume),
            logs,
        )
        self.wished = _wished(wishes, room)
        self.out, self.scratch = room.out(count), room.scratch

    def plain_until(self, first: int) -> int:
        """The first bar from ``first`` on with a suspicion to tell, or the end of the block."""
        screened = self.seen.screened
        if screened.all_good:
            return len(self.asks)
        told = np.flatnonzero((screened.quality[first:] == Quality.SPLIT_LIKE).any(axis=1))
        return first + int(told[0]) if len(told) else len(self.asks)

    def marked_by(self, mark: IntArray, first: int) -> bool:
        """Whether no symbol has a mark (of a book before this block) and no price in this block."""
        return bool(((self.seen.price_scaled[first] > 0) | (mark <= 0)).all())

    def rows(self, first: int, count: int, decision: int, level: int) -> StretchRows:
        """What ``count`` bars from ``first`` on left in the journal."""
        some, seen = slice(first, first + count), self.seen
        out, fills, costs, orders, _ = self.out
        told = out[:, some]
        filled = int(told[kernel.B_FILLS, -1]) if count else 0
        ordered = int(told[kernel.B_ORDERS, -1]) if count else 0
        order_end = told[kernel.B_ORDERS].copy()
        equity = told[kernel.B_EQUITY].copy()
        sheet, scalars = self._explained(first, order_end, orders[:, :ordered], equity)
        flag_end, flagged, quality = self._flagged(some)
        placed = [orders[row, :ordered].copy() for row in range(6)]
        done = [fills[row, :filled].copy() for row in range(7)]
        return StretchRows(
            seq=seen.screened.bars.seq + first,
            ts=self.bars[0][some].copy(),
            digest=np.frombuffer(bytearray(b"".join(seen.digests[some])), dtype=np.uint8).reshape(-1, 16),
            flag_end=flag_end,
            flagged=flagged,
            quality=quality,
            equity=equity,
            cash=told[kernel.B_CASH].copy(),
            realised=told[kernel.B_REALISED].copy(),
            fees=told[kernel.B_FEES].copy(),
            level=level,
            fill_end=told[kernel.B_FILLS].copy(),
            fill_number=done[kernel.F_NUMBER],
            fill_symbol=done[kernel.F_SYMBOL],
            fill_quantity=done[kernel.F_QUANTITY],
            fill_price=done[kernel.F_PRICE],
            fill_fee=done[kernel.F_FEE],
            fill_execution=done[kernel.F_EXECUTION],
            fill_realised=done[kernel.F_REALISED],
            fill_costs=costs[:filled].copy(),
            order_end=order_end,
            decision=decision,
            number=placed[kernel.O_NUMBER],
            columns=placed[kernel.O_COLUMN],
            position=placed[kernel.O_POSITION],
            target=placed[kernel.O_TARGET],
            quantity=placed[kernel.O_QUANTITY],
            reference_price=placed[kernel.O_REFERENCE],
            sheet=sheet,
            scalars=scalars,
        )

    def _explained(
        self, first: int, order_end: IntArray, orders: IntArray, equity: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        bar = first + np.repeat(np.arange(len(order_end)), np.diff(order_end, prepend=0))
        worth = np.full(len(self.asks), np.nan)
        worth[first : first + len(equity)] = equity / MONEY_SCALE
        ahead = OrdersAhead(bar, orders[kernel.O_COLUMN], orders[kernel.O_POSITION], worth[bar])
        sheet, scalars = self.policy.explain(self.market, self.wishes, ahead, worth)
        return np.ascontiguousarray(sheet), np.ascontiguousarray(scalars[first : first + len(equity)])

    def _flagged(self, some: slice) -> tuple[IntArray, IntArray, CodeArray]:
        screened = self.seen.screened
        if screened.all_good:
            return np.zeros(some.stop - some.start, dtype=np.int64), _NOTHING, _NO_CODES
        quality = screened.quality[some]
        bars, columns = np.nonzero(quality)
        ends = np.cumsum(np.bincount(bars, minlength=len(quality))).astype(np.int64)
        return ends, columns, quality[bars, columns]

    def orders(self, rows: StretchRows, course: IntArray) -> StretchOrders:
        """Orders and fills for the order table; those of an interrupted bar too."""
        sizes = np.diff(rows.order_end, prepend=0)
        ordered = np.flatnonzero(sizes)
        sizes = sizes[ordered]
        fills = self.out[1][:, : course[kernel.FILLS]]
        return StretchOrders(
            batch=np.repeat(rows.decision + np.arange(len(sizes)), sizes),
            ts=np.repeat(rows.ts[ordered], sizes),
            number=rows.number,
            symbol=rows.columns,
            quantity=rows.quantity,
            reference=rows.reference_price,
            sizes=sizes.tolist(),
            fill_number=fills[kernel.F_NUMBER],
            fill_symbol=fills[kernel.F_SYMBOL],
            fill_quantity=fills[kernel.F_QUANTITY],
            fill_price=fills[kernel.F_PRICE],
            fill_fee=fills[kernel.F_FEE],
            fill_execution=fills[kernel.F_EXECUTION],
        )

    def interrupted(self, rows: StretchRows, course: IntArray, bar: int) -> Filled | None:
        """The fills of the bar at which the stretch ended, as their journal row."""
        fills, costs = self.out[1], self.out[2]
        some = slice(len(rows.fill_number), int(course[kernel.FILLS]))
        if some.start == some.stop:
            return None
        return Filled(
            int(self.bars[0][bar]),
            fills[kernel.F_NUMBER, some].copy(),
            fills[kernel.F_SYMBOL, some].copy(),
            fills[kernel.F_QUANTITY, some].copy(),
            fills[kernel.F_PRICE, some].copy(),
            fills[kernel.F_FEE, some].copy(),
            np.array(costs[some].T, order="C"),
            fills[kernel.F_EXECUTION, some].copy(),
            fills[kernel.F_REALISED, some].copy(),
            np.full(some.stop - some.start, OrderState.FILLED, dtype=np.int8),
            False,
        )


class Room:
    """Arrays that the kernel writes into, used again for every block."""

    def __init__(self, universe: Universe) -> None:
        n = len(universe)
        self.n_symbols = n
        multiplier = np.array([float(item.multiplier) for item in universe.instruments])
        self.lot_worth: FloatArray = universe.lot / universe.quantity_scale * multiplier
        self.nobody: BoolArray = np.zeros((1, n), dtype=np.bool_)
        self.no_quantity: IntArray = np.zeros((1, n), dtype=np.int64)
        self.no_weight: FloatArray = np.zeros((1, n))
        self.scratch: kernel.Scratch = (
            np.zeros((2, n), dtype=np.int64),
            np.zeros((n, len(CostPart)), dtype=np.int64),
            np.zeros(n),
            np.zeros((5, n), dtype=np.int64),
            np.zeros((5, n), dtype=np.int64),
            np.zeros(3, dtype=np.int64),
        )
        self._unknown: FloatArray = np.zeros((0, n))
        self._out: kernel.Out | None = None

    def unknown(self, bars: int) -> FloatArray:
        """NaN ``[bars, n_symbols]``."""
        if len(self._unknown) != bars:
            self._unknown = np.full((bars, self.n_symbols), np.nan)
        return self._unknown

    def out(self, bars: int) -> kernel.Out:
        """Room for what ``bars`` bars leave."""
        if self._out is None or self._out[0].shape[1] < bars:
            n = self.n_symbols
            most = bars * min(n, _BUSY) + 2 * n
            self._out = (
                np.zeros((6, bars), dtype=np.int64),
                np.zeros((7, most), dtype=np.int64),
                np.zeros((most, len(CostPart)), dtype=np.int64),
                np.zeros((6, most), dtype=np.int64),
                np.zeros((bars, n), dtype=np.int64),
            )
        return self._out


def _wished(wishes: Wishes, room: Room) -> tuple[int, bool, FloatArray, BoolArray, IntArray, FloatArray]:
    """The wishes as the kernel takes them; what is not said stands as one row that is never read."""
    given, acting = wishes.quantity is not None, wishes.acting
    rule = GIVEN if acting is not None else EVERY_BAR if wishes.rebalance == "every bar" else ON_CHANGE
    return (
        rule,
        given,
        room.lot_worth,
        room.nobody if acting is None else plain(acting),
        room.no_quantity if wishes.quantity is None else plain(wishes.quantity),
        room.no_weight if wishes.weight is None else plain(wishes.weight),
    )


def plain(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` in the one layout that the kernel is compiled for."""
    return array if array.flags.c_contiguous and array.flags.writeable else array.copy()
