"""Time is told, ids derive from intents, random streams are named."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain import clock, ids
from tuiconsole.domain.rng import generator, restore_shared, shared_state

DAY = clock.NANOSECONDS_PER_DAY


def test_an_event_clock_never_goes_back() -> None:
    now = clock.EventClock(10)
    now.advance_to(10)
    now.advance_to(25)
    assert now.now_ns() == now.monotonic_ns() == 25
    with pytest.raises(ValueError, match="went backwards from 25 to 24"):
        now.advance_to(24)
    assert now.now_ns() == 25


def test_the_wall_clock_moves_forward() -> None:
    wall = clock.WallClock()
    first = wall.monotonic_ns()
    assert wall.monotonic_ns() >= first
    assert wall.now_ns() > clock.parse_iso("2020-01-01")


@pytest.mark.parametrize(
    ("text", "ts"),
    [
        ("1970-01-01", 0),
        ("2007-01-03", 13_516 * DAY),
        ("2007-01-03T21:00:00+00:00", 13_516 * DAY + 21 * 3600 * 10**9),
        ("2007-01-03T16:00:00-05:00", 13_516 * DAY + 21 * 3600 * 10**9),
        ("1970-01-01T00:00:00.000001", 1000),
        ("1969-12-31T23:59:59.500000", -500_000_000),
        ("1969-12-31", -DAY),
    ],
)
def test_parse_iso(text: str, ts: int) -> None:
    assert clock.parse_iso(text) == ts


@given(st.integers(-(10**9), 4 * 10**9))
def test_iso_and_parse_iso_are_inverse_at_whole_seconds(seconds: int) -> None:
    ts = seconds * clock.NANOSECONDS_PER_SECOND
    assert clock.parse_iso(clock.iso(ts)) == ts


@pytest.mark.parametrize("text", ["", "yesterday", "2007-13-01", "03/01/2007"])
def test_what_is_not_iso_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clock.parse_iso(text)


def test_sessions_and_months() -> None:
    end = clock.parse_iso("2008-12-31T23:59:59")
    assert clock.session_date(end) + 1 == clock.session_date(end + clock.NANOSECONDS_PER_SECOND)
    assert clock.month_key(end) == 2008 * 12 + 11
    assert clock.month_key(end + clock.NANOSECONDS_PER_SECOND) == 2009 * 12
    assert clock.session_date(-1) == -1


@given(st.integers(1, 10**18 - 1), st.binary())
def test_order_ids_come_back(number: int, binding: bytes) -> None:
    desk = ids.desk_id(binding)
    assert ids.parse_order_id(ids.client_order_id(desk, number)) == (desk, number)
    assert ids.parse_order_id(f" {number} ") == (None, number)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "017", "abc", "zz00ff00-1", "00ff00ff-", "00ff00ff-0", "1.5", "1" * 19]
)
def test_other_text_is_no_order_id(text: str) -> None:
    assert ids.parse_order_id(text) is None


@given(st.text(), st.text())
def test_execution_numbers_are_stable_and_positive(left: str, right: str) -> None:
    assert 0 <= ids.execution_number(left) < 2**63
    assert (ids.execution_number(left) == ids.execution_number(right)) == (left == right)


def test_fresh_ids_differ() -> None:
    assert len({ids.fresh_id() for _ in range(100)}) == 100
    assert len(ids.fresh_id()) == 16
    assert len(ids.fresh_key()) == 32


def test_streams_are_named_and_do_not_depend_on_the_hash_seed() -> None:
    code = "from tuiconsole.domain.rng import generator as g; print(g(7, 'agent', 'noise').integers(2**60))"
    drawn = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert drawn == {str(generator(7, "agent", "noise").integers(2**60)).encode()}
    assert generator(7, "a").random() != generator(7, "b").random()
    assert generator(7, "a").random() != generator(8, "a").random()
    assert generator(7, "ab").random() != generator(7, "a", "b").random()


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        generator(-1, "a")


def test_the_shared_generators_are_put_back() -> None:
    before = shared_state()
    first = random.random(), np.random.random()  # noqa: NPY002 - strategies of users do
    assert shared_state() != before
    restore_shared(before)
    assert shared_state() == before
    assert (random.random(), np.random.random()) == first  # noqa: NPY002 - strategies of users do
