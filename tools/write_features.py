"""Write ``docs/features.md`` and ``tests/features/formula_values.json`` from the catalogue of features.

Run ``python tools/write_features.py`` after a feature was added, or after its formula was changed and its version raised;
tests compare both. The numbers of a version that is already on file are never written over: a formula that gives other
numbers under the same version fails the test.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY
from tuiconsole.domain.context import MACRO_SERIES, QUOTE_FIELDS, BarQuotes
from tuiconsole.domain.market import Bars, ScreenedBars
from tuiconsole.domain.rng import generator
from tuiconsole.features.catalogue import BANK_FILES, FEATURES, listed
from tuiconsole.features.contract import Feature, Request
from tuiconsole.features.feature_set import FeatureSet
from tuiconsole.market.panel import Panel

REPOSITORY = Path(__file__).resolve().parent.parent
DOCUMENT = REPOSITORY / "docs" / "features.md"
VALUES = REPOSITORY / "tests" / "features" / "formula_values.json"

_HEAD = """# Features

{count} named features stand in the standard list (`tuiconsole features list`); any other parameters may be asked for by
name, for example `rsi_9`. This page is written from the catalogue by `tools/write_features.py`; a test compares.

Every feature is computed by one streaming update over all symbols at once; history goes through the same code, so stream and
batch are equal bit for bit. A value is NaN until it is warm, and wherever its symbol's price or another input is missing:
nothing is filled in. Unless a formula says otherwise, a window speaks when at least 80 % of its bars hold an observation.

In the formulas `C`, `O`, `H`, `L`, `V` are close, open, high, low and volume of a bar, `t` is the newest bar, `r` the one-bar
log-return, `ln` the natural logarithm. *Warm* is the number of bars that a series without gaps needs until the first value, for
the parameters shown. *Needs* names what must be given: without volume, quotes, sectors or macro series (as released, never by
reference date) the features that need them stay NaN.
"""
_BARS, _SYMBOLS = 330, 6


def document() -> str:
    """The page: one section per bank file, one line per family."""
    parts = [_HEAD.format(count=len(listed()))]
    for file in BANK_FILES:
        module = import_module(f"tuiconsole.features.{file}")
        parts.append(f"\n## {str(module.__doc__).splitlines()[0].rstrip('.')}\n")
        parts.append("| name | listed | formula | unit | warm | needs | version | source |")
        parts.append("|---|---|---|---|---|---|---|---|")
        parts += [_line(feature) for feature in module.FEATURES]
    return "\n".join(parts) + "\n"


def _line(feature: Feature) -> str:
    shown = ", ".join("_".join(map(str, parameters)) for parameters in feature.listed) or "—"
    if feature.listed == ((),):
        shown = "yes"
    warm = feature.window_bars(*feature.example)
    cells = (
        f"`{feature.pattern}`",
        shown,
        feature.formula,
        feature.unit,
        f"{warm} ({'_'.join(map(str, feature.example))})" if feature.example else str(warm),
        ", ".join(feature.needs),
        str(feature.version),
        feature.source,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def values() -> dict[str, dict[str, Any]]:
    """Version and last values of one example of every family, on a seeded market with every input and some gaps."""
    names = [Request(feature, feature.example).name for feature in FEATURES.values()]
    features = FeatureSet(names, _SYMBOLS)
    panel = Panel(_SYMBOLS, features.panel_window, np.arange(_SYMBOLS) % 2)
    for screened in _market():
        panel.push(screened)
        features.update(panel)
    return {
        name: {
            "version": feature.version,
            "values": [float(f"{x:.9g}") if np.isfinite(x) else None for x in row.tolist()],
        }
        for name, feature, row in zip(names, FEATURES.values(), features.values, strict=True)
    }


def _market() -> list[ScreenedBars]:
    rng = generator(17, "tools", "features")
    shape = (_BARS, _SYMBOLS)
    close = 50.0 * np.exp(
        np.cumsum(rng.normal(0.0, 0.015, shape) + rng.normal(0.0, 0.01, (_BARS, 1)), axis=0)
    )
    opened = close * np.exp(rng.normal(0.0, 0.004, shape))
    high = np.maximum(opened, close) * np.exp(np.abs(rng.normal(0.0, 0.004, shape)))
    low = np.minimum(opened, close) / np.exp(np.abs(rng.normal(0.0, 0.004, shape)))
    volume = np.round(1e5 * np.exp(rng.normal(0.0, 0.5, shape)))
    sizes = np.round(np.exp(rng.normal(6.0, 0.7, (len(QUOTE_FIELDS), *shape))))
    sizes[0], sizes[1] = close * (1.0 - 1e-6 * sizes[0]), close * (1.0 + 1e-6 * sizes[1])
    sizes[4:6] += sizes[2:4]
    macro = np.linspace(2.0, 60.0, len(MACRO_SERIES)) * np.exp(
        np.cumsum(rng.normal(0.0, 0.02, (_BARS, len(MACRO_SERIES))), axis=0)
    )
    missing = rng.random(shape) < 0.03
    missing[-1] = missing[:, 0] = False
    out = []
    for row in range(_BARS):
        session = 10_959 + row + 2 * (row // 5)
        bars = Bars(
            session * NANOSECONDS_PER_DAY + NANOSECONDS_PER_DAY * 21 // 24,
            row,
            opened[row],
            high[row],
            low[row],
            close[row],
            volume[row],
            session,
            macro[row],
            BarQuotes(*(column[row] for column in sizes)),
        )
        out.append(ScreenedBars(bars, close[row], missing[row].astype(np.int8)))
    return out


def updated(on_file: dict[str, Any]) -> dict[str, Any]:
    """What the file of values should hold: new and raised versions as computed now, all others as they are on file."""
    return {
        name: on_file[name] if on_file.get(name, {}).get("version") == found["version"] else found
        for name, found in values().items()
    }


def main() -> None:
    """Write both files."""
    DOCUMENT.write_text(document(), encoding="utf-8")
    on_file = json.loads(VALUES.read_text(encoding="utf-8")) if VALUES.exists() else {}
    rows = (f" {json.dumps(name)}: {json.dumps(row)}" for name, row in updated(on_file).items())
    VALUES.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
