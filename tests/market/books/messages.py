"""Short ways to write messages of exchanges, and to find the recorded ones."""

import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "api_samples"


def sample(name: str) -> Path:
    """A recorded file beside the repository, or a skipped test."""
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"the recorded file {name} is not beside the repository")
    return path


def diff(first, last, bids=(), asks=(), before=None, symbol="AAA"):
    """A depth update of Binance."""
    data = {"e": "depthUpdate", "s": symbol, "U": first, "u": last, "b": list(bids), "a": list(asks)}
    if before is not None:
        data["pu"] = before
    return json.dumps({"stream": f"{symbol.lower()}@depth", "data": data})


def snapshot(last, bids=(), asks=()):
    """A snapshot of Binance."""
    return json.dumps({"lastUpdateId": last, "bids": list(bids), "asks": list(asks)})
