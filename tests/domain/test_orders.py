"""The transition table: every cell, the sequences of FIX 4.4 Vol. 4 Appendix D, and random lives of an
order."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tuiconsole.domain.errors import IllegalTransition
from tuiconsole.domain.orders import (
    BY_QUANTITY,
    ILLEGAL,
    TERMINAL_STATES,
    TRANSITIONS,
    OrderBatch,
    next_state,
)
from tuiconsole.domain.orders import OrderEvent as E
from tuiconsole.domain.orders import OrderState as S

CODES = {
    "p": S.PENDING_NEW,
    "N": S.NEW,
    "h": S.PARTIALLY_FILLED,
    "F": S.FILLED,
    "c": S.PENDING_CANCEL,
    "C": S.CANCELED,
    "r": S.PENDING_REPLACE,
    "R": S.REPLACED,
    "J": S.REJECTED,
    "X": S.EXPIRED,
    "D": S.DONE_FOR_DAY,
    "S": S.SUSPENDED,
    "T": S.STOPPED,
    "K": S.CALCULATED,
    "u": S.UNKNOWN,
    "?": BY_QUANTITY,
    "-": ILLEGAL,
}

# Columns, left to right:
# ACKNOWLEDGED PARTIAL_FILL FILL | CANCEL_SENT CANCEL_PENDING CANCELED CANCEL_REJECTED |
# REPLACE_SENT REPLACE_PENDING REPLACED REPLACE_REJECTED | REJECTED EXPIRED DONE_FOR_DAY |
# SUSPENDED RESUMED STOPPED CALCULATED | TIMED_OUT BUSTED WITHHELD TRIGGERED
EXPECTED = {
    S.PENDING_NEW: "?hF ccC- ---- JXD S?TK u?C?",
    S.NEW: "?hF ccC- rr?- JXD S?TK u?-?",
    S.PARTIALLY_FILLED: "?hF ccC- rr?- JXD S?TK u?-?",
    S.FILLED: "FFF FFFF FF?F FFF FFFF F?FF",
    S.PENDING_CANCEL: "ccF ccC? --cc JXD ---- uc-c",
    S.CANCELED: "CCF CCCC CCCC CCC CCCC CCCC",
    S.PENDING_REPLACE: "rrF ccC- -r?? JXD ---- ur-r",
    S.REPLACED: "RRR RRRR RRRR RRR RRRR RRRR",
    S.REJECTED: "JJJ JJJJ JJJJ JJJ JJJJ JJJJ",
    S.EXPIRED: "XXF XXXX XXXX XXX XXXX XXXX",
    S.DONE_FOR_DAY: "?hF ccC- ---- JXD S?TK uD-D",
    S.SUSPENDED: "?hF ccC- r--- JXD S?TK uS-S",
    S.STOPPED: "?hF ccC- r--- JXD S?TK uT-T",
    S.CALCULATED: "?hF ccC- ---- JXD S?TK uK-K",
    S.UNKNOWN: "?hF ccC? --?? JXD S-TK u?-?",
}


@pytest.mark.parametrize("state", list(S), ids=lambda s: s.name)
def test_every_cell_of_the_table(state):
    expected = [CODES[letter] for letter in EXPECTED[state].replace(" ", "")]
    assert len(expected) == len(E)
    assert TRANSITIONS[state].tolist() == [int(code) for code in expected]


@pytest.mark.parametrize("state", list(S), ids=lambda s: s.name)
@pytest.mark.parametrize("event", list(E), ids=lambda e: e.name)
def test_next_state_reads_the_table(state, event):
    to = TRANSITIONS[state, event]
    if to == ILLEGAL:
        with pytest.raises(IllegalTransition, match=f"{state.name} cannot take {event.name}"):
            next_state(state, event, 0, 10)
    elif to == BY_QUANTITY:
        filled = [next_state(state, event, filled, 10) for filled in (0, 1, 10, 11)]
        assert filled == [S.NEW, S.PARTIALLY_FILLED, S.FILLED, S.FILLED]
    else:
        assert next_state(state, event, 3, 10) is S(to)


def test_the_table_is_closed():
    with pytest.raises(ValueError, match="read-only"):
        TRANSITIONS[0, 0] = 3
    assert TRANSITIONS.shape == (len(S), len(E))
    assert TRANSITIONS.dtype == np.int8


def test_finished_orders_leave_only_by_a_late_fill_or_a_bust():
    left = {
        (S(int(state)).name, E(int(event)).name)
        for state, event in np.argwhere(np.arange(len(S), dtype=np.int8)[:, None] != TRANSITIONS)
        if S(int(state)) in TERMINAL_STATES
    }
    assert left == {("CANCELED", "FILL"), ("EXPIRED", "FILL"), ("FILLED", "BUSTED"), ("FILLED", "REPLACED")}


def test_silence_is_unknown_and_never_the_end():
    for state in S:
        after = next_state(state, E.TIMED_OUT, 0, 10)
        assert after == (state if state in TERMINAL_STATES else S.UNKNOWN)


# FIX 4.4 Vol. 4 Appendix D. Each row: (event, quantity filled after it, order quantity, state after it).
APPENDIX_D = {
    "A.1.a filled order": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.PARTIAL_FILL, 2, 10, S.PARTIALLY_FILLED),
        (E.PARTIAL_FILL, 3, 10, S.PARTIALLY_FILLED),
        (E.FILL, 10, 10, S.FILLED),
    ],
    "B.1.a cancel of a zero-filled order": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.CANCEL_SENT, 0, 10, S.PENDING_CANCEL),
        (E.CANCEL_PENDING, 0, 10, S.PENDING_CANCEL),
        (E.CANCELED, 0, 10, S.CANCELED),
    ],
    "B.1.c order fills before the cancel can be accepted": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.PARTIAL_FILL, 2, 10, S.PARTIALLY_FILLED),
        (E.CANCEL_SENT, 2, 10, S.PENDING_CANCEL),
        (E.FILL, 10, 10, S.FILLED),
        (E.CANCEL_REJECTED, 10, 10, S.FILLED),
    ],
    "B.1.c with the rest filled in parts": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.CANCEL_SENT, 0, 10, S.PENDING_CANCEL),
        (E.PARTIAL_FILL, 2, 10, S.PENDING_CANCEL),
        (E.CANCEL_REJECTED, 2, 10, S.PARTIALLY_FILLED),
    ],
    "C.1.a replace to increase the quantity": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.REPLACE_SENT, 0, 10, S.PENDING_REPLACE),
        (E.REPLACE_PENDING, 0, 10, S.PENDING_REPLACE),
        (E.REPLACED, 0, 11, S.NEW),
    ],
    "C.3.a replace down whilst executing": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.PARTIAL_FILL, 2, 10, S.PARTIALLY_FILLED),
        (E.REPLACE_SENT, 2, 10, S.PENDING_REPLACE),
        (E.PARTIAL_FILL, 3, 10, S.PENDING_REPLACE),
        (E.REPLACED, 3, 9, S.PARTIALLY_FILLED),
    ],
    "immediate or cancel, part available": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.PARTIAL_FILL, 4, 10, S.PARTIALLY_FILLED),
        (E.CANCELED, 4, 10, S.CANCELED),
    ],
    "immediate or cancel, told as expired": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.PARTIAL_FILL, 4, 10, S.PARTIALLY_FILLED),
        (E.EXPIRED, 4, 10, S.EXPIRED),
    ],
    "fill before the acknowledgement": [
        (E.PARTIAL_FILL, 4, 10, S.PARTIALLY_FILLED),
        (E.ACKNOWLEDGED, 4, 10, S.PARTIALLY_FILLED),
        (E.FILL, 10, 10, S.FILLED),
        (E.ACKNOWLEDGED, 10, 10, S.FILLED),
    ],
    "the venue filled the rest before it saw the cancel": [
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.CANCEL_SENT, 0, 10, S.PENDING_CANCEL),
        (E.CANCELED, 0, 10, S.CANCELED),
        (E.PARTIAL_FILL, 4, 10, S.CANCELED),
        (E.FILL, 10, 10, S.FILLED),
    ],
    "a bust reopens a filled order": [
        (E.FILL, 10, 10, S.FILLED),
        (E.BUSTED, 6, 10, S.PARTIALLY_FILLED),
        (E.BUSTED, 0, 10, S.NEW),
    ],
    "a bust leaves a pending cancel pending": [
        (E.PARTIAL_FILL, 4, 10, S.PARTIALLY_FILLED),
        (E.CANCEL_SENT, 4, 10, S.PENDING_CANCEL),
        (E.BUSTED, 0, 10, S.PENDING_CANCEL),
        (E.CANCELED, 0, 10, S.CANCELED),
    ],
    "silence, then an answer": [
        (E.TIMED_OUT, 0, 10, S.UNKNOWN),
        (E.ACKNOWLEDGED, 0, 10, S.NEW),
        (E.CANCEL_SENT, 0, 10, S.PENDING_CANCEL),
        (E.TIMED_OUT, 0, 10, S.UNKNOWN),
        (E.CANCEL_REJECTED, 0, 10, S.NEW),
    ],
    "withheld before it was sent": [(E.WITHHELD, 0, 10, S.CANCELED)],
}


@pytest.mark.parametrize("name", APPENDIX_D)
def test_sequences_of_appendix_d(name):
    state = S.PENDING_NEW
    for event, filled, quantity, expected in APPENDIX_D[name]:
        state = next_state(state, event, filled, quantity)
        assert state is expected, event.name


def test_take_keeps_the_rows_and_the_order_asked_for():
    column = np.arange(4, dtype=np.int64)
    batch = OrderBatch(3, 9, column + 1, column, column * 10 - 15, column + 100, column.astype(np.int8) % 2)
    taken = batch.take(np.array([2, 0]))
    assert (taken.batch, taken.ts, len(taken), len(batch)) == (3, 9, 2, 4)
    assert taken.number.tolist() == [3, 1]
    assert taken.quantity.tolist() == [5, -15]
    assert taken.purpose.dtype == np.int8


QUANTITY = 10
FILLS = (E.PARTIAL_FILL, E.FILL)


class OrderLife(RuleBasedStateMachine):
    """Any sequence of legal events keeps quantity and state in step."""

    def __init__(self):
        super().__init__()
        self.state = S.PENDING_NEW
        self.filled = 0

    @precondition(lambda self: self.filled < QUANTITY)
    @rule(part=st.integers(1, QUANTITY))
    def fill(self, part):
        before = self.state
        part = min(part, QUANTITY - self.filled)
        self.filled += part
        event = E.FILL if self.filled == QUANTITY else E.PARTIAL_FILL
        self.state = next_state(before, event, self.filled, QUANTITY)
        if before not in TERMINAL_STATES:
            assert (self.state == S.FILLED) == (self.filled == QUANTITY)

    @precondition(lambda self: self.filled > 0)
    @rule(part=st.integers(1, QUANTITY))
    def bust(self, part):
        before = self.state
        self.filled -= min(part, self.filled)
        self.state = next_state(before, E.BUSTED, self.filled, QUANTITY)
        if before in TERMINAL_STATES - {S.FILLED}:
            assert self.state is before

    @rule(event=st.sampled_from([event for event in E if event not in (*FILLS, E.BUSTED)]))
    def other(self, event):
        before = self.state
        if TRANSITIONS[before, event] == ILLEGAL:
            with pytest.raises(IllegalTransition):
                next_state(before, event, self.filled, QUANTITY)
            return
        self.state = next_state(before, event, self.filled, QUANTITY)
        if before in TERMINAL_STATES:
            assert self.state is before

    @invariant()
    def quantity_and_state_agree(self):
        assert 0 <= self.filled <= QUANTITY
        if self.state is S.FILLED:
            assert self.filled == QUANTITY
        if self.state is S.NEW:
            assert self.filled == 0
        if self.state is S.PARTIALLY_FILLED:
            assert 0 < self.filled < QUANTITY


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=60, stateful_step_count=30)
