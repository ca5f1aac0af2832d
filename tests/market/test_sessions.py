"""To which session a bar belongs: that of its last moment, which is just before its time."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tuiconsole.market.tabular import read_tape


def days(path: Path, zone: str) -> list[str]:
    sessions = read_tape(path, zone).sessions.tolist()
    return [(date(1970, 1, 1) + timedelta(days=day)).isoformat() for day in sessions]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", ""])
def test_a_daily_bar_belongs_to_its_own_date(tmp_path: Path, zone: str) -> None:
    path = tmp_path / "daily.csv"
    path.write_text("ts,symbol,close\n2024-01-30,BTC,1\n2024-01-31,BTC,2\n2024-02-01,BTC,3\n")
    assert days(path, zone) == ["2024-01-30", "2024-01-31", "2024-02-01"]


def test_the_bar_that_ends_at_midnight_closes_its_day(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    hours = ["30T22:00", "30T23:00", "31T00:00", "31T01:00"]
    path.write_text("ts,symbol,close\n" + "".join(f"2024-01-{hour}:00Z,BTC,1\n" for hour in hours))
    assert days(path, "UTC") == ["2024-01-30"] * 3 + ["2024-01-31"]
