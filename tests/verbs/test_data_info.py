"""`data info`: one page for people within 80 columns, and stable keys for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tuiconsole.cli import main
from tuiconsole.domain.clock import EventClock, parse_iso
from tuiconsole.market.actions import Action
from tuiconsole.market.calendar import exchange_close
from tuiconsole.market.exchange_sessions import exchange_sessions
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore

_FIRST = int(np.datetime64("2024-01-02", "D").astype(np.int64))


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HistoryStore:
    """Four names of 2024; every volume is 40 times from 3 June on, B has a hole, C a split that nobody recorded."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("")
    days = exchange_sessions("XNYS", _FIRST, _FIRST + 365).days
    switch = int(np.datetime64("2024-06-03", "D").astype(np.int64))
    parts = []
    for k, name in enumerate("ABCD"):
        held = days[(days < _FIRST + 30) | (days > _FIRST + 45)] if name == "B" else days
        generator = np.random.default_rng(k)
        close = 100.0 * np.exp(np.cumsum(0.01 * generator.standard_normal(len(held))))
        volume = np.exp(12 + 0.3 * generator.standard_normal(len(held))) * np.where(held >= switch, 40.0, 1.0)
        if name == "C":
            close[150:] /= 4.0
        if name == "D":
            close[150:] /= 5.0
            volume[3] = 0.0
            close[5] = np.nan
        parts.append(
            pa.table(
                {"ts": exchange_close(held), "symbol": [name] * len(held), "close": close, "volume": volume}
            )
        )
    made = HistoryStore(tmp_path / "history", EventClock(parse_iso("2100-01-01")))
    made.write(
        "1day",
        pa.concat_tables(parts),
        Provenance("file", "made.csv", "session", "declared", "America/New_York"),
    )
    with made.transaction() as transaction:
        transaction.add_actions([Action("D", int(days[150]), "split", 5.0, None, 0)])
        transaction.name_universe("mine", ("A", "B"))
    return made


def _answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["data", "info", *arguments, "--json"]) == 0
    body: dict[str, Any] = json.loads(capsys.readouterr().out)
    return body


def test_stable_keys_and_findings(capsys: pytest.CaptureFixture[str]) -> None:
    body = _answer(capsys)
    assert body.keys() == {"history", "intervals", "only_put_aside", "universes"}
    assert body["universes"] == {"mine": 2}
    days = body["intervals"]["1day"]
    assert days.keys() == {"bars", "first", "last", "feed_switches", "symbols"}
    (switch,) = days["feed_switches"]
    assert (switch["date"], switch["symbols"], switch["of"]) == ("2024-06-03", 4, 4)
    assert 25 < switch["ratio"] < 60
    a, b, c, d = days["symbols"]
    assert (a["symbol"], a["sessions"], a["missing_sessions"], a["split_like_jumps"]) == ("A", 252, 0, [])
    assert (b["missing_sessions"], b["longest_gap"], b["longest_gap_from"]) == (12, 12, "2024-02-01")
    assert [(jump["date"], jump["ratio"]) for jump in c["split_like_jumps"]] == [
        ("2024-08-07", pytest.approx(4.0))
    ]
    assert (d["split_like_jumps"], d["splits"], d["zero_volume"], d["quarantined"]) == (
        [],
        1,
        1,
        {"no close": 1},
    )
    assert d["quarantined_rows"] == [{"ts": "2024-01-09T21:00:00Z", "reason": "no close", "row": None}]
    assert a["sources"] == [
        {
            "source": "file",
            "file": "made.csv",
            "label": "session",
            "label_from": "declared",
            "timezone": "America/New_York",
            "prices": "raw",
        }
    ]


def test_the_page_fits_80_columns_and_says_what_is_doubtful(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if "/" not in line) <= 80
    assert any(line.startswith("  ! 2024-06-03: volume changes") for line in lines)
    (row,) = [line for line in lines if line.startswith("C ")]
    assert row.endswith("volume, split?")
    assert "  split?: a jump like a split, and no action" in lines
    assert not any(line.startswith("  mixed:") for line in lines)
    assert main(["data", "info", "d", "B"]) == 0
    page = capsys.readouterr().out
    assert max(len(line) for line in page.splitlines() if "/" not in line) <= 80
    assert "quarantined 1 no close" in page
    assert "2024-01-09 21:00:00: no close" in page
    assert "12 missing, longest 12 from 2024-02-01" in page
    assert "sessions (declared), America/New_York, raw" in page


def test_rows_put_aside_are_told_with_their_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(
        "date,symbol,close\n2024-07-02,E,5\n2024-07-03,E,6\n2024-07-02,E,7\n2024-07-05,E,-1\n"
    )
    assert main(["data", "import", "e.csv"]) == 0
    capsys.readouterr()
    (row,) = _answer(capsys, "E")["intervals"]["1day"]["symbols"]
    assert row["quarantined"] == {"price not positive": 1, "contradicts another row of the same time": 1}
    assert row["quarantined_rows"] == [
        {"ts": "2024-07-02T20:00:00Z", "reason": "contradicts another row of the same time", "row": 2},
        {"ts": "2024-07-05T20:00:00Z", "reason": "price not positive", "row": 5},
    ]


def test_mistakes_and_an_empty_store(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["data", "info", "ZZZ"]) == 2
    assert "holds no bars of ZZZ" in capsys.readouterr().err
    assert main(["data", "info", "--interval", "1min"]) == 2
    assert "holds no bars of 1min; it holds 1day" in capsys.readouterr().err
    (tmp_path / "config.toml").write_text('[history]\nroot = "other"\n')
    assert main(["data", "info"]) == 0
    assert "is empty. Fill it: tuiconsole data import PATH" in capsys.readouterr().out


def test_a_long_line_hangs_and_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "hard.csv"
    rows = "2024-01-02,10,11,9,10,5\n2024-01-03,10,9,12,10,-5\n"
    file.write_text(f"date,open,high,low,close,volume\n{rows}")
    assert main(["data", "import", str(file)]) == 0
    capsys.readouterr()
    assert main(["data", "info", "HARD"]) == 0
    page = capsys.readouterr().out
    assert "inside open and close, negative volume" in " ".join(page.split())
