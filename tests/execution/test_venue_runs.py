"""Orders of every kind against seeded markets: nothing is filled twice, beyond its size, past its limit or after its end."""

from __future__ import annotations

import pytest

from benchmarks.venue_runs import VenueRun, venue_runs


def test_thirty_seeds_keep_every_promise() -> None:
    fills, wrong = venue_runs(range(1, 31))
    assert wrong == []
    assert fills > 1_500


@pytest.mark.parametrize("seed", [100, 127, 269])
def test_seeds_that_once_failed(seed: int) -> None:
    assert VenueRun(seed).go(300).wrong == []


def test_a_seed_repeats() -> None:
    one, other = VenueRun(5).go(120), VenueRun(5).go(120)
    assert one.fills == other.fills > 10
    assert [(o.filled, o.ended) for o in one.orders.values()] == [
        (o.filled, o.ended) for o in other.orders.values()
    ]
