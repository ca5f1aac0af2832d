"""Grids: what is tried, in which order, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.policies import PolicySettings
from tuiconsole.engine.settings import Settings
from tuiconsole.research.grid import Axis, applied, combinations, parse_axis


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=10,20,40", (10, 20, 40)),
        ("slow=50:200:50", (50, 100, 150, 200)),
        ("band=0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        ("down=3:1:-1", (3, 2, 1)),
        ("on=true,false", (True, False)),
        ("word = a , b", ("a", "b")),
    ],
)
def test_an_axis(text: str, values: tuple[object, ...]) -> None:
    assert parse_axis(text).values == values


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("fast", "is not NAME=VALUES"),
        ("=1", "is not NAME=VALUES"),
        ("fast=", "is not NAME=VALUES"),
        ("fast=1,1", "names a value twice"),
        ("fast=1:2", "is not START:STOP:STEP"),
        ("fast=a:b:c", "is not START:STOP:STEP"),
        ("fast=1:5:0", "never reaches its end"),
        ("fast=1:5:-1", "never reaches its end"),
    ],
)
def test_a_wrong_axis_is_one_sentence(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        parse_axis(text)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_combinations_are_all_different_and_complete(sizes: list[int]) -> None:
    found = combinations([Axis(f"a{i}", tuple(range(size))) for i, size in enumerate(sizes)])
    product = 1
    for size in sizes:
        product *= size
    assert len(found) == len({tuple(each.items()) for each in found}) == product


def test_one_name_twice_and_too_many_are_refused() -> None:
    axis = Axis("a", tuple(range(1000)))
    with pytest.raises(UsageError, match="The grid has a twice"):
        combinations([axis, axis])
    with pytest.raises(UsageError, match="1,000,000 combinations, at most 100,000"):
        combinations([axis, Axis("b", tuple(range(1000)))])


def test_settings_and_parameters_are_put_where_they_belong() -> None:
    from dataclasses import replace

    base = replace(Settings(), policy=PolicySettings("my.py:X", ("fast=1", "slow=9")))
    done = applied(base, {"fast": 10, "sizing.band": 0.05})
    assert done.policy.parameters == ("slow=9", "fast=10")
    assert (done.sizing.band, done.sizing.kelly_fraction) == (0.05, base.sizing.kelly_fraction)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("fast", 1, "'fast' is no setting. Write ROOM.KEY"),
        ("sizing.bnd", 0.1, "unknown key sizing.bnd. Did you mean band"),
        ("sizng.band", 0.1, "Unknown section 'sizng'. Did you mean sizing"),
        ("sizing.band", 7.0, "sizing.band must be less than or equal to 1, was 7.0"),
    ],
)
def test_what_does_not_exist_is_one_sentence(name: str, value: float, complaint: str) -> None:
    with pytest.raises(UsageError) as error:
        applied(Settings(), {name: value})
    assert complaint in str(error.value)
