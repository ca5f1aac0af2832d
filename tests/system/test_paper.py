"""Paper mode as real processes: a local Yahoo, a clock that runs faster, SIGKILL, and stops with the engine dead."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.engine import rig as core
from tests.market.live.yahoo_server import SECOND, Faults, StreamServer, YahooServer, frame
from tests.system import rig
from tests.system.paper_engine import FastClock
from tests.system.rig import Engine, SystemDesk
from tuiconsole.domain.clock import parse_iso
from tuiconsole.engine.paths import tape_path
from tuiconsole.market.live.recorded import RecordedTape
from tuiconsole.market.live.schedule import load_schedule

pytestmark = pytest.mark.system

SPEED = 400.0
EVENT = parse_iso("2025-11-29T10:00:00")
WARM_UP = 300
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
CONFIG = """
[engine]
checkpoint_bars = 7
stall_ms = 60000
slow_cycle_ms = 60000
[feed]
feed = "{feed}"
[feeds]
network = true
bar = "1min"
calendar = "24/7"
symbols = ["AAA", "BBB", "CCC", "DDD"]
warmup_bars = 300
settle_s = 1
poll_s = 0.05
stale_s = 30000
late_s = 30000
timeout_s = 20
reach_s = 10
yahoo_url = "{url}"
"""


@dataclass
class PaperDesk:
    """A desk on disk, a local Yahoo, and the wall time that its event time began at."""

    desk: SystemDesk
    server: YahooServer
    wall: int

    def engine(self, ready: bool = True) -> Engine:
        arguments = [str(self.desk.config), str(self.desk.state), str(self.wall), str(EVENT), str(SPEED)]
        command = [sys.executable, "-m", "tests.system.paper_engine", *arguments]
        repository = Path(__file__).resolve().parents[2]
        environment = self.desk.environment | {"XDG_CACHE_HOME": str(self.desk.home)}
        environment["PYTHONPATH"] = f"{environment.get('PYTHONPATH', '')}:{repository}".lstrip(":")
        started = Engine(command, environment, self.desk.home, ready)
        self.desk.engines.append(started)
        return started

    def configure(self, feed: str = "live", url: str | None = None) -> None:
        text = CONFIG.format(feed=feed, url=url or self.server.url)
        self.desk.config.write_text(text, encoding="utf-8")


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[PaperDesk]:
    pytest.importorskip("yfinance", reason="needs the extra: tuiconsole[feeds]")
    runtime = Path(tempfile.mkdtemp(prefix="tc-"))
    desk = SystemDesk(tmp_path, core.market(2), runtime, tmp_path / "config.toml", tmp_path / "none")
    wall = time.time_ns()
    clock = FastClock(wall, EVENT, SPEED)
    server = YahooServer(load_schedule("24/7", 60, EVENT), lambda: clock.now_ns() / SECOND)
    made = PaperDesk(desk, server, wall)
    made.configure()
    yield made
    desk.close()
    server.close()
    shutil.rmtree(runtime, ignore_errors=True)


def test_sigkill_in_paper_mode_loses_nothing_and_doubles_nothing(paper: PaperDesk) -> None:
    rows = 0
    for bars in (4, 7):
        engine = paper.engine()
        engine.wait_for(rig.bars_seen(bars), f"{bars} bars")
        engine.kill()
        store = sqlite3.connect(f"file:{paper.desk.state}?mode=ro", uri=True)
        kept = store.execute("SELECT max(seq) FROM journal").fetchone()[0]
        store.close()
        assert kept > rows
        rows = kept
    engine = paper.engine()
    assert engine.wait_event("recovered")["rows"] == rows
    engine.wait_for(rig.bars_seen(5), "5 bars")
    checks = {row["name"]: row for row in paper.desk.run("doctor", "--json").body["checks"]}
    assert checks["data"]["ok"]
    assert checks["data"]["detail"].startswith("live from yahoo, which can be reached; tape of 4 symbols, ")
    status = paper.desk.status()
    assert (status["mode"], status["feed"], status["tape_ended"]) == ("paper", "yahoo 1min", False)
    assert status["market"] == "open until 00:00"
    engine.terminate()
    tape = RecordedTape.open(tape_path(paper.desk.state))
    assert tape.header.start == WARM_UP
    ends = [tape.bars(i).ts for i in range(len(tape))]
    assert ends == list(range(ends[0], ends[-1] + 1, 60 * SECOND)), "every minute once"
    verified = paper.desk.verified()
    assert verified["replayed"] == verified["rows"] > rows
    compared = paper.desk.run("parity", "--json")
    assert (compared.code, compared.body["identical"]) == (0, True), compared.out
    assert compared.body["bars"] == len(tape) - WARM_UP - compared.body["unplayed"]
    store = sqlite3.connect(f"file:{paper.desk.state}?mode=ro", uri=True)
    fills = store.execute("SELECT count(*), count(DISTINCT execution) FROM fills").fetchone()
    store.close()
    assert fills[0] == fills[1]


def test_a_kill_with_the_engine_dead_flattens_the_paper_book(paper: PaperDesk) -> None:
    engine = paper.engine()
    engine.wait_for(lambda lines: any(line["event"] == "fill" for line in lines), "fill")
    copy = paper.desk.home / "copy"
    backup = paper.desk.run("backup", str(copy), "--json")
    assert (backup.code, backup.body["path"], backup.body["mode"]) == (0, "engine", "paper"), backup
    engine.kill()
    killed = paper.desk.run("kill", "--json")
    assert killed.code == 0, killed.err
    assert (killed.body["path"], killed.body["flat"], killed.body["latched"]) == ("direct", True, True)
    engine = paper.engine()
    before = len(engine.lines)
    engine.wait_for(rig.bars_seen(2), "2 bars")
    assert paper.desk.status()["state"] == "killed"
    assert not [line for line in engine.lines[before:] if line["event"] == "order"]
    engine.terminate()
    assert paper.desk.verified()["ok"]
    restored = paper.desk.run("restore", str(copy), "--overwrite", "--json")
    assert (restored.code, restored.body["state"]) == (0, "killed"), "an older book, and the stop of today"
    assert paper.desk.status()["journal_rows"] == backup.body["rows"]
    engine = paper.engine()
    engine.wait_for(rig.bars_seen(1), "a bar")
    status = paper.desk.status()
    assert (status["state"], status["positions"]) == ("killed", [])
    engine.terminate()
    assert paper.desk.verified()["ok"]


def test_auto_starts_live_when_it_may_and_can_and_stays_live(paper: PaperDesk) -> None:
    paper.configure("auto")
    engine = paper.engine()
    started = engine.wait_event("started")
    assert (started["mode"], started["market"]) == ("paper", "yahoo can be reached")
    engine.wait_for(rig.bars_seen(2), "2 bars")
    engine.kill()
    paper.server.faults = Faults(status=503)
    engine = paper.engine()
    assert engine.wait_event("recovered")["mode"] == "paper", "never from today's market to an old tape"
    failed = engine.wait_for(
        lambda lines: any(line.get("code") == "feed failed" for line in lines), "feed failure"
    )
    assert "status 503" in next(line["text"] for line in failed if line.get("code") == "feed failed")
    paper.server.faults = Faults()
    engine.wait_for(rig.bars_seen(2), "2 bars")
    engine.terminate()
    assert paper.desk.verified()["ok"]


def test_auto_starts_on_the_packaged_history_when_nobody_answers(paper: PaperDesk) -> None:
    paper.configure("auto", "http://127.0.0.1:9")
    engine = paper.engine()
    started = engine.wait_event("started")
    assert (started["mode"], started["market"]) == ("replay", "yahoo cannot be reached")
    assert paper.desk.status()["mode"] == "replay"
    engine.terminate()


def test_a_live_feed_that_was_asked_for_and_is_not_there_is_one_sentence(paper: PaperDesk) -> None:
    paper.configure("auto", "http://127.0.0.1:9")
    refused = paper.desk.run("paper", "--headless")
    assert refused.code == 1
    assert refused.err.startswith("No live feed answers. Feed yahoo failed: Yahoo cannot be reached")
    assert refused.err.rstrip().endswith("To play the packaged history instead: --feed replay")
    assert "Traceback" not in refused.err
    assert not tape_path(paper.desk.state).exists()


STREAM = """
[engine]
stall_ms = 60000
slow_cycle_ms = 60000
[feeds]
order = ["yahoo-stream"]
bar = "1s"
calendar = "24/7"
symbols = ["AAA", "BBB"]
settle_s = 0.2
poll_s = 0.05
late_s = 3600
yahoo_url = "{url}"
yahoo_stream_url = "{stream}"
"""


def test_streamed_quotes_become_bars_on_the_wall_clock(paper: PaperDesk) -> None:
    streamer = StreamServer()
    ended = threading.Event()

    def quotes() -> None:
        volume = 0
        while not ended.wait(0.1):
            volume += 10
            for name, amount in (("AAA", 10.0 + volume / 1e4), ("BBB", 50.0)):
                streamer.say(frame(name, time.time(), amount, volume))

    thread = threading.Thread(target=quotes, daemon=True)
    thread.start()
    try:
        text = STREAM.format(url=paper.server.url, stream=streamer.url)
        paper.desk.config.write_text(text, encoding="utf-8")
        engine = paper.desk.engine(0, "--feed", "yahoo-stream", "--every-bar")
        engine.wait_for(rig.bars_seen(3), "3 bars")
        assert paper.desk.status()["feed"] == "yahoo-stream 1s"
        engine.terminate()
        assert paper.desk.status()["feed"] == "yahoo-stream 1s", "without its engine too"
    finally:
        ended.set()
        thread.join()
        streamer.close()
    tape = RecordedTape.open(tape_path(paper.desk.state))
    assert tape.header.start == 0, "seconds have no history"
    ends = [tape.bars(i).ts for i in range(len(tape))]
    assert ends == list(range(ends[0], ends[-1] + 1, SECOND))
    middle = tape.bars(1)
    assert middle.low[0] < middle.high[0]
    assert middle.close[1] == 50.0
    assert middle.volume[0] > 0
    assert paper.desk.verified()["ok"]
