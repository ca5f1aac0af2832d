"""The defence on real markets: real bad ticks are held, real crashes are kept, false alarms are rare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tuiconsole.domain.clock import iso, parse_iso
from tuiconsole.domain.market import Quality
from tuiconsole.domain.types import CodeArray, FloatArray
from tuiconsole.market.defence import Defence
from tuiconsole.market.packaged import packaged_tape
from tuiconsole.market.tabular import read_tape
from tuiconsole.market.tape import Tape

_FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def _shared_file(name: str) -> Path:
    """A file of real data beside the repository, or a skipped test."""
    path = _FOLDER / name
    if not path.is_file():
        pytest.skip(f"real data file {name} is not beside the repository")
    return path


@dataclass(frozen=True)
class _Judged:
    tape: Tape
    price: FloatArray
    quality: CodeArray

    def held(self) -> int:
        """Symbol-bars held back as jumps."""
        return int(np.count_nonzero(np.isin(self.quality, (Quality.JUMP, Quality.SPLIT_LIKE))))

    def at(self, text: str, symbol: str) -> tuple[int, int]:
        return self.tape.index_from(parse_iso(text)), self.tape.universe.column(symbol)


def _judge(tape: Tape) -> _Judged:
    defence = Defence(len(tape.universe))
    screened = [defence.screen(tape.bars(i)) for i in range(len(tape))]
    return _Judged(tape, np.array([s.price for s in screened]), np.array([s.quality for s in screened]))


@pytest.fixture(scope="module")
def packaged() -> _Judged:
    """The packaged history, judged."""
    return _judge(packaged_tape())


@pytest.fixture(scope="module")
def daily() -> _Judged:
    """172 US names, 1999-2020, judged."""
    return _judge(read_tape(_shared_file("us_daily_ohlcv.parquet")))


@pytest.fixture(scope="module")
def five_minutes() -> _Judged:
    """Twelve instruments in five-minute bars with extended hours, judged."""
    return _judge(read_tape(_shared_file("multi_5min_extended.parquet"), bar_seconds=300))


def test_packaged_history_raises_few_alarms_and_each_lasts_one_bar(packaged: _Judged) -> None:
    """33 years of 20 names: under 10 held, all released by the next bar; none stale after 1992."""
    held = np.isin(packaged.quality, (Quality.JUMP, Quality.SPLIT_LIKE))
    assert 1 <= packaged.held() < 10
    assert not (held[:-1] & (packaged.quality[1:] != Quality.GOOD)).any()
    stale = np.flatnonzero((packaged.quality == Quality.STALE).any(axis=1))
    assert iso(int(packaged.tape.ts[stale[-1]])) < "1993"
    assert (packaged.price > 0.0).all()


@pytest.mark.parametrize(
    ("factor", "share"), [(0.01, 1.0), (0.1, 1.0), (10.0, 1.0), (0.5, 0.95), (2.0, 0.95), (1.5, 0.85)]
)
def test_injected_bad_ticks_are_caught(packaged: _Judged, factor: float, share: float) -> None:
    """Decimal slips, unadjusted splits and other one-bar errors never become the price."""
    tape = packaged.tape
    rows = np.arange(300, len(tape) - 1, 97)
    columns = np.random.default_rng(11).integers(0, len(tape.universe), len(rows))
    close = tape.close.copy()
    close[rows, columns] *= factor
    judged = _judge(Tape("injected", "test", tape.universe, tape.ts, close))
    caught = np.isin(judged.quality[rows, columns], (Quality.JUMP, Quality.SPLIT_LIKE))
    assert caught.mean() >= share
    assert (judged.price[rows, columns] != close[rows, columns])[caught].all()
    np.testing.assert_array_equal(judged.price[-1], packaged.price[-1])


def test_real_bad_tick_never_becomes_the_price(five_minutes: _Judged) -> None:
    """QQQ 568.68, 456.90, 568.63 after hours on 2025-07-28."""
    row, column = five_minutes.at("2025-07-28T21:00:00Z", "QQQ")
    assert five_minutes.tape.close[row, column] == pytest.approx(456.90, abs=0.01)
    assert five_minutes.quality[row, column] == Quality.JUMP
    assert five_minutes.price[row, column] == pytest.approx(568.68, abs=0.01)
    assert five_minutes.quality[row + 1, column] == Quality.GOOD
    assert five_minutes.price[row + 1, column] == pytest.approx(568.63, abs=0.01)
    assert np.nanmin(five_minutes.price[row - 50 : row + 50, column]) > 560.0


def test_real_bad_wicks_are_held(five_minutes: _Judged) -> None:
    """TSLA shows a high of 483 and a low of 275 around 307 after hours on 2025-08-05."""
    row, column = five_minutes.at("2025-08-05T21:00:00Z", "TSLA")
    high, low = five_minutes.tape.bars(row).high[column], five_minutes.tape.bars(row).low[column]
    assert high / low > 1.7
    assert five_minutes.quality[row, column] == Quality.JUMP


def test_real_crash_is_kept(daily: _Judged) -> None:
    """AIG loses 61 % on 2008-09-15: held at most until the next bar, which confirms it."""
    row, column = daily.at("2008-09-15", "AIG")
    close = daily.tape.close[:, column]
    assert np.log(close[row] / close[row - 1]) < -0.9
    assert daily.quality[row, column] in (Quality.JUMP, Quality.GOOD)
    assert daily.quality[row + 1, column] == Quality.GOOD
    assert daily.price[row + 1, column] == close[row + 1]


def test_false_alarms_on_172_names_are_rare(daily: _Judged) -> None:
    """At most one symbol-bar in 10,000 is held, and nothing stays held for more than three bars."""
    assert np.isfinite(daily.tape.close).sum() > 770_000
    assert daily.held() <= 78
    held = np.isin(daily.quality, (Quality.JUMP, Quality.SPLIT_LIKE))
    assert not (held[:-3] & held[1:-2] & held[2:-1] & held[3:]).any()
    assert np.count_nonzero(daily.quality == Quality.BAD_RANGE) == 0
