from __future__ import annotations

import numpy as np
import pytest

from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.domain.errors import DataError
from tuiconsole.domain.instruments import Universe
from tuiconsole.market.releases import Releases
from tuiconsole.market.tape import Tape

VIX = MACRO_SERIES.index("vix")


def test_a_value_counts_from_its_release_and_a_revision_replaces_it() -> None:
    released = np.array([30, 10, 20, 40, 20], dtype=np.int64)
    values = np.array([3.0, 1.0, 2.0, np.nan, 2.5])
    found = Releases({"vix": (released, values)}).as_of(np.array([9, 10, 19, 20, 35, 50], dtype=np.int64))
    np.testing.assert_array_equal(found[:, VIX], [np.nan, 1.0, 1.0, 2.5, 3.0, 3.0])
    assert np.isnan(np.delete(found, VIX, axis=1)).all()


def test_an_unknown_series_is_refused() -> None:
    nothing = (np.empty(0, dtype=np.int64), np.empty(0))
    with pytest.raises(DataError, match="Unknown macro series vixx"):
        Releases({"vixx": nothing})
    assert np.isnan(Releases({"vix": nothing}).as_of(np.array([1], dtype=np.int64))).all()


def test_a_tape_carries_macro_and_quotes_to_its_bars() -> None:
    ts = np.array([10, 20], dtype=np.int64)
    close = np.array([[1.0, 2.0], [3.0, 4.0]])
    plain = Tape("t", "t", Universe.of(["A", "B"]), ts, close)
    assert plain.bars(1).macro is None
    assert plain.bars(1).quotes is None
    rich = Tape("t", "t", plain.universe, ts, close, bid=close - 0.1, ask=close + 0.1)
    rich = rich.with_macro(Releases({"vix": (np.array([15], dtype=np.int64), np.array([30.0]))}))
    assert len({plain.digest, rich.digest, rich.with_macro(Releases({})).digest}) == 3
    bars = rich.tail(1).bars(0)
    assert bars.macro is not None
    assert bars.macro[VIX] == 30.0
    assert bars.quotes is not None
    assert bars.quotes.ask.tolist() == [3.1, 4.1]
    assert np.isnan(bars.quotes.bid_size).all()
