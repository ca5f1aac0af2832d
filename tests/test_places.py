"""What every verb stands on: absolute places, words that can be sent, and no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuiconsole import cli
from tuiconsole.agents.registry import create_all
from tuiconsole.agents.settings import AgentSettings
from tuiconsole.domain.errors import UsageError
from tuiconsole.verbs.common import Place, plain_text


def test_a_data_file_lies_beside_the_configuration_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[feed]\npath = "data/bars.csv"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for named in (config, Path("config.toml"), None):
        place = Place.of(named, tmp_path / "state.db", None, None, None)
        assert place.config.desk.feed.path == str(tmp_path / "data" / "bars.csv")
    config.write_text(f'[feed]\npath = "{tmp_path}/bars.csv"\n', encoding="utf-8")
    assert Place.of(config, None, None, None, None).config.desk.feed.path == str(tmp_path / "bars.csv")


def test_a_reason_that_is_no_text_can_be_sent_all_the_same() -> None:
    assert plain_text("caf\udcff") == "caf?"
    assert plain_text("Überfall 測試") == "Überfall 測試"


def test_a_desk_without_agents_is_refused() -> None:
    with pytest.raises(UsageError, match=r"agents\.enabled names no agent"):
        create_all(AgentSettings(enabled=()))


def test_a_fault_inside_the_program_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nought")

    monkeypatch.setattr(cli, "app", broken)
    assert cli.main(["status"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: nought" in said
    assert "--debug" in said
    assert "Traceback" not in said
    with pytest.raises(ZeroDivisionError):
        cli.main(["status", "--debug"])


def test_live_feeds_symbols_and_bars_are_named_on_the_command_line(tmp_path: Path) -> None:
    place = Place.of(None, tmp_path / "s.db", "yahoo", None, None, universe="SPY,QQQ", interval="5 minutes")
    desk = place.config.desk
    assert (desk.feed.feed, desk.feeds.order, desk.feeds.bar) == ("live", ("yahoo",), "5min")
    assert desk.feed.universe == "SPY,QQQ"
    assert place.arguments[-6:] == ("--feed", "yahoo", "--universe", "SPY,QQQ", "--interval", "5 minutes")
    with pytest.raises(UsageError, match="no live bars of 1h"):
        Place.of(None, tmp_path / "s.db", "live", None, None, interval="1h")
    with pytest.raises(UsageError, match="Unknown feed 'yahooo'"):
        Place.of(None, tmp_path / "s.db", "yahooo", None, None)


def test_a_pace_stands_in_for_a_speed(tmp_path: Path) -> None:
    place = Place.of(None, tmp_path / "s.db", "replay", None, None, pace="10x")
    assert place.pace == 10.0
    assert place.arguments[-2:] == ("--pace", "10x")
    assert Place.of(None, tmp_path / "s.db", "replay", 5.0, None).pace == 0.0
