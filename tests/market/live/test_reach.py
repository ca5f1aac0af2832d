"""Whether a live service is there, found out in time."""

from __future__ import annotations

import socket

from tuiconsole.market.live.reach import reachable
from tuiconsole.market.live.settings import FeedsSettings


def test_a_service_that_listens_is_reachable_and_one_that_does_not_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert reachable(FeedsSettings(yahoo_url=f"http://127.0.0.1:{port}/gateway"))
    assert not reachable(FeedsSettings(yahoo_url=f"http://127.0.0.1:{port}"))


def test_a_name_that_nobody_knows_is_not_waited_for() -> None:
    assert not reachable(FeedsSettings(yahoo_url="https://nobody.invalid", reach_s=0.2))
