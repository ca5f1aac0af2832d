"""Remembered executions: exact within the limit, bounded, and the same after a restart."""

import doctest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.execution.build import ints
from tuiconsole.domain.codec import decode_state, encode_state
from tuiconsole.execution import costs, executions
from tuiconsole.execution.executions import SeenExecutions


def test_the_examples_in_the_documentation_hold():
    for module in (costs, executions):
        outcome = doctest.testmod(module, extraglobs={"np": np})
        assert outcome.attempted > 0
        assert outcome.failed == 0


def test_the_oldest_are_forgotten_first():
    seen = SeenExecutions(limit=3)
    assert seen.admit(ints(1, 2, 3)) is None
    assert seen.admit(ints(4)) is None
    assert len(seen) == 3
    assert seen.admit(ints(2, 3, 4)).tolist() == []
    assert seen.admit(ints(1)) is None


@given(st.lists(st.lists(st.integers(0, 20), max_size=6), max_size=8))
@settings(max_examples=80)
def test_each_number_is_admitted_once(batches):
    seen, known = SeenExecutions(), set()
    for numbers in batches:
        expected = []
        for row, number in enumerate(numbers):
            if number not in known:
                expected.append(row)
            known.add(number)
        rows = seen.admit(ints(*numbers))
        assert (list(range(len(numbers))) if rows is None else rows.tolist()) == expected
        again = SeenExecutions()
        again.restore(decode_state(encode_state(seen.state())))
        seen = again
