"""The verb data aggregate on the store: made once, by session, from elsewhere left alone; and on real minutes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tuiconsole.cli import main
from tuiconsole.domain.clock import parse_iso
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore

MINUTE = 60_000_000_000


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HistoryStore:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    return HistoryStore(tmp_path / "history")


def _answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_stored_minutes_become_bars_once(store: HistoryStore, capsys: pytest.CaptureFixture[str]) -> None:
    opened = parse_iso("2025-11-28T14:30:00Z")
    minutes = np.arange(1, 211)
    ts = np.tile(opened + minutes * MINUTE, 2)
    close = np.concatenate((minutes * 1.0, minutes * 10.0))
    rows = {"ts": ts, "symbol": ["AAA"] * 210 + ["BTC-USD"] * 210, "close": close, "volume": np.ones(420)}
    store.write("1min", pa.table(rows), Provenance("file", adjusted="split"))
    elsewhere = {"ts": [opened + 60 * MINUTE], "symbol": ["ZZZ"], "close": [5.0]}
    store.write("1h", pa.table(elsewhere), Provenance("yahoo"))
    body = _answer(capsys, "data", "aggregate", "--interval", "1h", "--from", "1min")
    assert (body["bars"], body["new"], body["read"], body["kept"]) == (8, 8, 420, ["ZZZ"])
    again = _answer(capsys, "data", "aggregate", "--interval", "60min")
    assert (again["new"], again["same"], again["from"]) == (0, 8, "1min")
    hours = store.tape(["AAA"], "1h")
    assert ((hours.ts - opened) // MINUTE).tolist() == [60, 120, 180, 210]
    assert hours.close[:, 0].tolist() == [60.0, 120.0, 180.0, 210.0]
    assert hours.volume is not None
    assert hours.volume[:, 0].tolist() == [60.0, 60.0, 60.0, 30.0]
    coin = store.tape(["BTC-USD"], "1h")  # round the clock, from midnight
    assert ((coin.ts - opened) // MINUTE).tolist() == [30, 90, 150, 210]
    assert {one.origins[0].adjusted for one in store.coverage("1h")} == {"split", "raw"}
    assert main(["data", "aggregate", "--interval", "90s", "--from", "1min"]) == 2
    assert "cannot be made" in capsys.readouterr().err
    assert main(["data", "aggregate", "--interval", "30s"]) == 2
    assert "Import or pull finer ones" in capsys.readouterr().err


def test_real_minutes_make_the_vendors_quarter_hours(
    store: HistoryStore, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    minutes, quarters = folder / "us_1min_2019w07.parquet", folder / "us_15min_2019.parquet"
    if not minutes.is_file() or not quarters.is_file():
        pytest.skip("the real bars of 2019 are not beside the repository")
    assert main(["data", "import", str(minutes), "--label", "end"]) == 0
    capsys.readouterr()
    _answer(capsys, "data", "aggregate", "--interval", "15min")
    made = store.tape(["AAPL", "SPY", "TSLA"], "15min")
    vendor = HistoryStore(store.root.parent / "vendor")
    from tuiconsole.market.imports.reading import Asked
    from tuiconsole.market.imports.run import import_bars

    import_bars(vendor, quarters, Asked(label="end"))
    theirs = vendor.tape(["AAPL", "SPY", "TSLA"], "15min", int(made.ts[0]), int(made.ts[-1]) + 1)
    common, ours, other = np.intersect1d(made.ts, theirs.ts, return_indices=True)
    assert len(common) > 125
    for name in ("open", "high", "low", "close"):  # their minutes and quarter hours differ in some trades
        off = np.abs(getattr(made, name)[ours] / getattr(theirs, name)[other] - 1.0)
        assert float(np.mean(off < 1e-6)) > 0.5, name  # a minute beside: below 0.1 for opens and closes
        assert float(off.max()) < 0.01, name
    assert made.volume is not None
    assert theirs.volume is not None
    assert float(np.median(np.abs(made.volume[ours] / theirs.volume[other] - 1.0))) < 0.002
