"""One Friday, half a day long, and a local Yahoo that knows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.market.live.yahoo_server import SECOND, YahooServer, yahoo
from tuiconsole.domain.clock import EventClock, parse_iso
from tuiconsole.market.live.schedule import Schedule, load_schedule
from tuiconsole.market.live.settings import FeedsSettings

NOW = parse_iso("2025-11-28T15:02:30")


@pytest.fixture(scope="session")
def schedule() -> Schedule:
    """Minutes of the New York exchanges."""
    return load_schedule("XNYS", 60, NOW)


@pytest.fixture
def clock() -> EventClock:
    return EventClock(NOW)


@pytest.fixture
def server(schedule: Schedule, clock: EventClock, request: pytest.FixtureRequest) -> Iterator[YahooServer]:
    request.getfixturevalue("cookies")
    from yfinance.data import SingletonMeta

    SingletonMeta._instances.clear()  # a crumb of the server before would be used on
    with yahoo(schedule, lambda: clock.now_ns() / SECOND) as made:
        yield made


@pytest.fixture
def settings(server: YahooServer) -> FeedsSettings:
    return FeedsSettings(bar="1min", yahoo_url=server.url, timeout_s=5.0)


@pytest.fixture(scope="session")
def cookies(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The client keeps cookies and time zones in files: not in this user's own."""
    cache = pytest.importorskip("yfinance.cache", reason="needs the extra: tuiconsole[feeds]")
    cache.set_cache_location(str(tmp_path_factory.mktemp("yahoo")))


def shared(name: str) -> Path:
    """A capture of the shared data, which are not part of the project; skips where they are not."""
    path = next(
        (
            folder / "shared" / "data" / "api_samples" / "yahoo" / name
            for folder in Path(__file__).resolve().parents
            if (folder / "shared").is_dir()
        ),
        None,
    )
    if path is None or not path.is_file():
        pytest.skip(f"shared/data/api_samples/yahoo/{name} is not here")
    return path
