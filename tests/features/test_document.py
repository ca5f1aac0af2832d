"""The page of features and the numbers of their formulas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tools.write_features import DOCUMENT, VALUES, document, values
from tuiconsole.features.catalogue import listed

ON_FILE: dict[str, Any] = json.loads(VALUES.read_text(encoding="utf-8"))


def test_the_page_is_that_of_the_catalogue() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == document(), "run python tools/write_features.py"
    assert f"{len(listed())} named features" in text


def test_a_changed_formula_has_a_new_version() -> None:
    now = values()
    assert set(now) == set(ON_FILE), "run python tools/write_features.py"
    for name, found in now.items():
        before = ON_FILE[name]
        assert found["version"] == before["version"], f"{name}: run python tools/write_features.py"
        expected = [None if x is None else pytest.approx(x, rel=1e-6, abs=1e-9) for x in before["values"]]
        assert found["values"] == expected, f"{name} changed: raise the version of its Feature"


def test_every_formula_has_a_number() -> None:
    assert not [name for name, row in ON_FILE.items() if all(value is None for value in row["values"])]
