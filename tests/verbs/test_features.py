"""The verbs of features, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuiconsole.cli import main
from tuiconsole.domain.rng import generator
from tuiconsole.features.catalogue import listed
from tuiconsole.features.schema import FeatureSchema


def body(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture
def prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two symbols that revert to their means, with quotes, 420 sessions."""
    monkeypatch.chdir(tmp_path)
    rng = generator(5, "verbs", "features")
    x = np.zeros((420, 2))
    for row in range(1, 420):
        x[row] = 0.8 * x[row - 1] + 0.02 * rng.normal(size=2)
    close = 50.0 * np.exp(x)
    days = np.datetime64("2018-01-01") + np.arange(600)
    days = days[np.is_busday(days)][:420]
    lines = ["ts,symbol,close,bid,ask"]
    for row, day in enumerate(days):
        for column, symbol in enumerate(("AAA", "BBB")):
            price = close[row, column]
            lines.append(f"{day},{symbol},{price:.6f},{price * 0.999:.6f},{price * 1.002:.6f}")
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    found = body(capsys, "features", "list")
    assert found["count"] == len(found["features"]) == len(listed())
    assert found["digest"] == FeatureSchema.of(listed()).digest
    rsi = next(each for each in found["features"] if each["name"] == "rsi_14")
    assert (rsi["parameters"], rsi["warmup_bars"], rsi["version"]) == ({"period": 14}, 15, 1)
    assert rsi["needs"] == ["close"]


def test_families_by_a_part_of_their_name(capsys: pytest.CaptureFixture[str]) -> None:
    found = body(capsys, "features", "list", "--family", "entropy")
    families = {each["family"] for each in found["features"]}
    assert families == {"sign_entropy", "permutation_entropy", "bin_entropy"}
    refused = body(capsys, "features", "list", "--family", "moonphase", code=2)
    assert refused["error"].startswith("No listed feature's family holds 'moonphase'.")
    assert main(["features", "list", "--family", "entropy"]) == 0
    assert "Bandt" not in (text := capsys.readouterr().out)
    assert text.splitlines()[-1].startswith(f"{found['count']} features, schema {found['digest'][:16]}")


def test_a_choice_and_its_schema(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["features", "select", "--feed", str(prices), "--start", "2018-06-01", "--most", "8"]
    found = body(capsys, *arguments, "--out", "chosen.json", "--samples", "400")
    assert len(found["chosen"]) == 8
    assert found["clusters"] > 40
    assert found["observations"] > 300
    best = found["features"][0]
    assert best["chosen"]
    assert best["stability"] == 1.0
    assert abs(best["rank_correlation"]) > 0.4  # closes revert, so their place among the last ones tells
    by_name = {each["name"]: each for each in found["features"]}
    assert by_name["macro_vix"]["coverage"] == 0.0
    assert by_name["quoted_spread"]["coverage"] == 1.0
    schema = FeatureSchema.from_json(Path("chosen.json").read_text())
    assert list(schema.names) == found["chosen"]
    assert schema.digest == found["digest"]

    again = body(capsys, *arguments, "--out", "again.json", "--samples", "400")
    assert again["features"] == found["features"]
    shown = body(capsys, "features", "list", "--schema", "chosen.json")
    assert [each["name"] for each in shown["features"]] == found["chosen"]
    assert shown["digest"] == found["digest"]


def test_a_schema_that_cannot_be_computed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = FeatureSchema.of(["rsi_14"])
    moon = type(schema.columns[0])("moonphase_3", "moonphase", (3,), 1, "none")
    path = tmp_path / "old.json"
    path.write_text(FeatureSchema((*schema.columns, moon)).to_json())
    refused = body(capsys, "features", "list", "--schema", str(path), code=2)
    assert "needs 1 feature that this desk does not compute: moonphase_3." in refused["error"]
    refused = body(capsys, "features", "list", "--schema", str(tmp_path / "none.json"), code=2)
    assert "cannot be read" in refused["error"]


def test_a_horizon_beyond_the_tape_is_refused(prices: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["features", "select", "--feed", str(prices), "--start", "2019-06-03", "--horizon", "300"]
    refused = body(capsys, *arguments, code=2)
    assert (
        refused["error"]
        == "No bar between the start and the end has 300 bars after it. Choose a shorter --horizon."
    )
