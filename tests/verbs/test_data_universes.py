"""The verb data universes: lists, one list, and a copy to edit that then counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tuiconsole.cli import main


def _answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["data", "universes", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_packaged_list_is_copied_edited_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    names = {one["name"]: one["origin"] for one in _answer(capsys)["lists"]}
    assert names["us_top"] == "packaged"
    assert _answer(capsys, "fx", "--copy")["copied"] == str(tmp_path / "universes" / "fx.csv")
    path = tmp_path / "universes" / "fx.csv"
    path.write_text(path.read_text(encoding="utf-8") + "PLN-USD,Zloty,FX,,24/5,USD\n", encoding="utf-8")
    body = _answer(capsys, "fx")
    assert body["lists"][0]["origin"] == "yours"
    assert body["symbols"][-1] == {
        "symbol": "PLN-USD",
        "name": "Zloty",
        "asset_class": "fx",
        "category": "FX",
        "sector": "",
        "calendar": "24/5",
        "currency": "USD",
    }
    assert main(["data", "universes", "fx", "--copy"]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["data", "universes", "nothing"]) == 2
    assert "names no list" in capsys.readouterr().err
    assert main(["data", "universes", "fx"]) == 0
    assert "survivorship-biased" in capsys.readouterr().out
