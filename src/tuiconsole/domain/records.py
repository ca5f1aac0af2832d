"""What the journal holds: one frozen record per thing that happened, with a fixed field order.

Records contain integers, text, bytes and arrays only; never a wall time, a process id, a path or a Decimal. Their
canonical bytes (:mod:`tuiconsole.domain.codec`) are what the hash chain covers.
"""

from __future__ import annotations

import msgspec

from tuiconsole.domain.types import CodeArray, FloatArray, IntArray


class Opened(msgspec.Struct, frozen=True, array_like=True, tag=0):
    """First row: what this journal is bound to, and the names of what later rows hold as columns.

    ``sheet`` names the rows of :attr:`Decided.sheet`, ``scalars`` the entries of :attr:`Decided.scalars`.
    """

    schema: int
    desk: str
    mode: str
    tape: str
    configuration: str
    seed: int
    capital: int
    symbols: tuple[str, ...]
    agents: tuple[str, ...]
    sheet: tuple[str, ...]
    scalars: tuple[str, ...]


class BarSeen(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """A bar was taken in. Money in scaled integers.

    ``digest``: 16 bytes of SHA-256 over the bar's arrays. ``flagged``: columns whose quality is not good, with
    ``quality`` beside them. ``level`` is the :class:`~tuiconsole.domain.events.DeskLevel`.
    """

    seq: int
    ts: int
    digest: bytes
    flagged: IntArray
    quality: CodeArray
    equity: int
    cash: int
    realised: int
    fees: int
    level: int


class Decided(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """One decision, the orders it led to and the gate's verdict on each: one record, one hash, one commit.

    Attributes
    ----------
    scalars
        float64 ``[n_scalars]``, named by :attr:`Opened.scalars`.
    columns
        int64 ``[k]`` universe columns that wanted an order; the sheet holds these alone.
    sheet
        float64 ``[n_rows, k]``: prices, features, regimes, every agent's mean and sigma, blend, weights, target.
    position, target
        int64 ``[k]`` scaled quantity before, and wanted.
    quantity
        int64 ``[k]`` signed scaled order quantity; 0 never occurs.
    reference_price
        int64 ``[k]`` scaled.
    number
        int64 ``[k]`` order number, or 0 when the gate refused.
    rule, value, limit
        int8, float64, float64 ``[k]``: the refusing rule (0 = approved), what it measured, what it allows.
    purpose
        int8 ``[k]``.
    """

    seq: int
    bar_seq: int
    ts: int
    scalars: FloatArray
    columns: IntArray
    sheet: FloatArray
    position: IntArray
    target: IntArray
    quantity: IntArray
    reference_price: IntArray
    number: IntArray
    rule: CodeArray
    value: FloatArray
    limit: FloatArray
    purpose: CodeArray


class Updated(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Orders changed state without a fill. ``event`` and ``state`` are codes ``[n]`` of the transition table."""

    ts: int
    number: IntArray
    event: CodeArray
    state: CodeArray
    text: str


class Filled(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """Executions, columns as in :class:`~tuiconsole.domain.events.Fills`; ``state`` is each order's state after."""

    ts: int
    number: IntArray
    symbol: IntArray
    quantity: IntArray
    price: IntArray
    fee: IntArray
    costs: IntArray
    execution: IntArray
    realised: IntArray
    state: CodeArray
    forced: bool


class Commanded(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """A command took effect (or was refused: ``accepted`` false, ``text`` says why). An input of the core."""

    ts: int
    kind: int
    id: str
    argument: str
    reason: str
    source: str
    accepted: bool
    text: str


class Alerted(msgspec.Struct, frozen=True, array_like=True, tag=6):
    """Something the trader must see. ``number`` counts alerts on this desk from 1."""

    ts: int
    number: int
    severity: int
    code: str
    text: str


class LevelChanged(msgspec.Struct, frozen=True, array_like=True, tag=7):
    """The desk was stopped or released. ``value`` and ``limit`` are what a breaker measured and allows (0 if none)."""

    ts: int
    level: int
    before: int
    cause: str
    value: str
    limit: str
    text: str


class AgentChanged(msgspec.Struct, frozen=True, array_like=True, tag=8):
    """An agent was switched on or off."""

    ts: int
    agent: str
    enabled: bool
    text: str


class Charged(msgspec.Struct, frozen=True, array_like=True, tag=10):
    """Borrow of short positions for ``days`` calendar days was paid: columns ``[n]``, ``amount`` int64 money."""

    ts: int
    symbol: IntArray
    amount: IntArray
    days: int


class TapeEnded(msgspec.Struct, frozen=True, array_like=True, tag=9):
    """The tape has no more events."""

    ts: int
    seq: int


class Parented(msgspec.Struct, frozen=True, array_like=True, tag=11):
    """Parents were opened, amended or ended: columns ``[k]``.

    Attributes
    ----------
    seq
        Number of the decision that did it; 0 when none did.
    number, symbol
        int64, the parent's number and universe column.
    event
        int8 of :class:`~tuiconsole.domain.parents.ParentEvent`.
    quantity, taken
        int64 signed scaled quantity of the whole from now on, and what its children filled or may still fill.
    reference_price, bars
        int64, scaled price the decision saw; bars over which it is worked.
    position, target, sheet, scalars
        As in :class:`Decided`; the last two are empty when no decision did it.
    """

    ts: int
    bar_seq: int
    seq: int
    algo: str
    number: IntArray
    event: CodeArray
    symbol: IntArray
    quantity: IntArray
    taken: IntArray
    reference_price: IntArray
    bars: IntArray
    position: IntArray
    target: IntArray
    sheet: FloatArray
    scalars: FloatArray


class Sliced(msgspec.Struct, frozen=True, array_like=True, tag=12):
    """The orders of the :class:`Decided` row right before are children: columns ``[k]`` in its order.

    ``number`` is the order's, 0 where the gate refused it; ``parent`` its parent's; ``total`` and ``taken`` what the
    parent was in all, and what was taken of it, before this child; ``decision`` that which opened the parent.
    """

    ts: int
    seq: int
    number: IntArray
    parent: IntArray
    decision: IntArray
    total: IntArray
    taken: IntArray


class Termed(msgspec.Struct, frozen=True, array_like=True, tag=13):
    """Terms of the orders of the decision before it: :class:`~tuiconsole.domain.order_terms.OrderTerms`, its type as ``kind``.

    Written only for decisions that want anything else than market orders for the day; ``number`` is 0 where the gate refused.
    """

    ts: int
    seq: int
    number: IntArray
    kind: CodeArray
    tif: CodeArray
    limit: IntArray
    stop: IntArray
    trail: IntArray
    trail_unit: CodeArray
    display: IntArray
    peg: CodeArray
    peg_offset: IntArray
    expiry: IntArray
    parent: IntArray
    oco: IntArray


class ReplaceAsked(msgspec.Struct, frozen=True, array_like=True, tag=14):
    """An order was to be changed; what the gate said, and what the venue is asked for when it said yes.

    Attributes
    ----------
    number, revision
        The order, and which replacement of it this is; 0 when refused.
    quantity, before
        Signed scaled quantity asked for, and until now.
    limit, stop, trail, display
        As asked for, scaled; the other terms never change.
    rule, value, allowed
        As in :class:`Decided`; the figures as text.
    text
        Why it was asked for.
    """

    ts: int
    number: int
    revision: int
    quantity: int
    before: int
    limit: int
    stop: int
    trail: int
    display: int
    rule: int
    value: str
    allowed: str
    text: str


class Styled(msgspec.Struct, frozen=True, array_like=True, tag=15):
    """Order types were chosen for the children of the decision before it: columns ``[k]``.

    ``arm`` is the :class:`~tuiconsole.execution.order_choice.Style`, ``propensity`` how likely it was, ``context`` float64
    ``[k, n_context]`` what the choice knew; ``number`` is 0 where the gate refused.
    """

    ts: int
    seq: int
    number: IntArray
    arm: IntArray
    propensity: FloatArray
    context: FloatArray


class Rewarded(msgspec.Struct, frozen=True, array_like=True, tag=16):
    """What chosen order types brought: ``reward`` ``[k]`` is the negative slippage in basis points; NaN = not known."""

    ts: int
    number: IntArray
    reward: FloatArray


class Checked(msgspec.Struct, frozen=True, array_like=True, tag=17):
    """The account was compared with the broker's, and the answer was news. An input of the core.

    Columns as in :class:`~tuiconsole.domain.accounts.Differences`; empty when both agree again.
    """

    ts: int
    kind: CodeArray
    symbol: IntArray
    number: IntArray
    ours: IntArray
    theirs: IntArray
    price: IntArray
    names: tuple[str, ...]


class Corrected(msgspec.Struct, frozen=True, array_like=True, tag=18):
    """The trader adopted the broker's word: a position (booked at ``price``), or ``cash`` money where ``symbol`` is -1.

    ``realised``: money that the booking realised.
    """

    ts: int
    symbol: int
    quantity: int
    price: int
    cash: int
    realised: int
    text: str


Record = (
    Opened
    | BarSeen
    | Decided
    | Updated
    | Filled
    | Commanded
    | Alerted
    | LevelChanged
    | AgentChanged
    | TapeEnded
    | Charged
    | Parented
    | Sliced
    | Termed
    | ReplaceAsked
    | Styled
    | Rewarded
    | Checked
    | Corrected
)

RECORD_TYPES: tuple[type[Record], ...] = (
    Opened,
    BarSeen,
    Decided,
    Updated,
    Filled,
    Commanded,
    Alerted,
    LevelChanged,
    AgentChanged,
    TapeEnded,
    Charged,
    Parented,
    Sliced,
    Termed,
    ReplaceAsked,
    Styled,
    Rewarded,
    Checked,
    Corrected,
)
