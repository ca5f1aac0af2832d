"""Write ``tests/engine/golden.json``: what the packaged backtest of 2007 to 2009 must come to.

Run ``python tools/write_golden.py`` after a change that is meant to change what the desk decides, look at the difference,
and commit it with the change. The test compares the order list exactly and the statistics with a tolerance.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from tuiconsole.verbs.common import Place
from tuiconsole.verbs.research import run_backtest_verb

GOLDEN = Path(__file__).resolve().parent.parent / "tests" / "engine" / "golden.json"
START, END = "2007-01-03", "2010-01-01"
EXACT = (
    "order_hash",
    "symbols",
    "bars",
    "orders",
    "fills",
    "refused",
    "halts",
    "rearmed",
    "orders_in_last_tenth",
)
NEAR = ("final_equity", "fees")
METRICS = (
    "total_return",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "skewness",
    "kurtosis",
    "hit_rate",
)


def measure() -> dict[str, Any]:
    """The backtest with default settings on the packaged history."""
    place = Place.of(Path(__file__).resolve().parent.parent / "config.toml", None, "replay", None, START)
    with tempfile.TemporaryDirectory() as runs:
        found, _ = run_backtest_verb(place, END, None, None, progress=False, runs=Path(runs))
    return {
        "from": START,
        "to": END,
        "exact": {name: found[name] for name in EXACT},
        "near": {
            **{name: found[name] for name in NEAR},
            **{name: found["metrics"][name] for name in METRICS},
        },
    }


def main() -> None:
    """Write the file."""
    GOLDEN.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
