"""A backup of a desk that trades, and the way back, as a user would do it."""

from __future__ import annotations

import pytest

from tests.system import rig
from tests.system.rig import SystemDesk

pytestmark = pytest.mark.system


def test_back_up_while_it_trades_and_go_back(desk: SystemDesk) -> None:
    engine = desk.engine(100, "--every-bar")
    engine.wait_for(rig.bars_seen(20))
    place = desk.home / "copy"
    made = desk.run("backup", str(place), "--json")
    assert made.code == 0, made
    assert (made.body["path"], made.body["mode"], made.body["level"]) == ("engine", "replay", "running")
    told = desk.run("backup", str(place))
    assert (told.code, "exists already" in told.err) == (2, True)
    refused = desk.run("restore", str(place), "--overwrite")
    assert (refused.code, "An engine runs" in refused.err) == (1, True)
    engine.wait_event("end of tape")
    engine.terminate()
    refused = desk.run("restore", str(place))
    assert refused.code == 2
    assert f"goes back to {made.body['clock']}, row {made.body['rows']}" in refused.err
    restored = desk.run("restore", str(place), "--overwrite", "--json")
    assert restored.code == 0, restored
    assert (restored.body["rows"], restored.body["state"]) == (made.body["rows"], "paused")
    engine = desk.engine(0)
    assert desk.status()["state"] == "paused"
    assert desk.run("resume").code == 0
    engine.wait_event("end of tape")
    engine.terminate()
    assert desk.verified()["rows"] > made.body["rows"]
    kept = str(place / "state.db.head.json")
    assert desk.run("verify", "--chain-only", "--head", kept).code == 0
    newer = str(next(desk.home.glob("state.before-restore-*")) / "state.db.head.json")
    cut = desk.run("verify", "--chain-only", "--head", newer, "--json")
    assert (cut.code, cut.body["ok"]) == (1, False)


def test_archive_while_it_trades_and_again_when_it_stands(desk: SystemDesk) -> None:
    engine = desk.engine(0, "--every-bar")
    engine.wait_for(rig.bars_seen(150))
    engine.kill()
    engine = desk.engine(2)
    young = desk.run("archive")
    assert (young.code, "Nothing is old enough" in young.out) == (0, True), young
    first = desk.run("archive", "--days", "0", "--json")
    assert (first.code, first.body["path"]) == (0, "engine"), first
    assert first.body["moved"] == first.body["rows"] > 50
    assert first.body["bytes_free"] > 0
    assert desk.run("why", "1", "--json").body["order"]["number"] == 1
    assert desk.run("verify", "--chain-only").code == 0
    engine.kill()
    done = desk.run("archive", "--days", "0", "--json")
    assert (done.code, done.body["path"]) == (0, "direct"), done
    assert done.body["rows"] >= first.body["rows"]
    assert done.body["bytes_after"] < done.body["bytes_before"]
    engine = desk.engine(0)
    stopped = engine.terminate()
    verified = desk.verified()
    assert (verified["rows"], verified["head"]) == (stopped["rows"], stopped["head"])
    assert verified["replayed"] == verified["rows"], "every row followed again, the archived ones too"
