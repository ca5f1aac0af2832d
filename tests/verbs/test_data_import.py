"""`data import` and `--feed history`: a folder of CSV files becomes a backtest."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tuiconsole.cli import main
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.replay import open_tape
from tuiconsole.market.settings import FeedSettings, HistorySettings

_N_BARS = 160


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text('[history]\nroot = "bars"\n[feed]\nwarmup_bars = 60\n')
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))


def _folder(where: Path, names: tuple[str, ...] = ("AAA", "BBB", "CCC")) -> Path:
    """One Yahoo file per symbol with a trend of its own."""
    folder = where / "prices"
    folder.mkdir(exist_ok=True)
    days = np.busday_offset("2020-01-02", np.arange(_N_BARS), roll="forward")
    for k, name in enumerate(names):
        close = 50.0 * np.exp(np.cumsum(0.001 * (k - 1) + 0.01 * np.sin(np.arange(_N_BARS) * (k + 1))))
        rows = [
            f"{d},{c:.4f},{c * 1.01:.4f},{c * 0.99:.4f},{c:.4f},{c:.4f},1000000"
            for d, c in zip(days, close, strict=True)
        ]
        (folder / f"{name}.csv").write_text(
            "Date,Open,High,Low,Close,Adj Close,Volume\n" + "\n".join(rows) + "\n"
        )
    return folder


def _asked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    found = main([*arguments, "--json"])
    text = capsys.readouterr()
    assert found == code, text.err
    body: dict[str, Any] = json.loads(text.out)
    return body


def test_a_folder_of_files_becomes_a_backtest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _folder(tmp_path)
    body = _asked(capsys, "data", "import", str(folder), "--universe", "mine")
    assert (body["rows"], body["new"], body["files"], body["layout"]) == (
        3 * _N_BARS,
        3 * _N_BARS,
        3,
        "yahoo",
    )
    assert (body["interval"], body["label"], body["prices"]) == ("1day", "session", "split")
    assert (tmp_path / "bars" / "manifest.json").is_file()
    again = _asked(capsys, "data", "import", str(folder), "--universe", "mine")
    assert (again["new"], again["changed"], again["same"]) == (0, 0, 3 * _N_BARS)
    feed = ("backtest", "--feed", "history", "--start", "2020-05-01")
    whole = _asked(capsys, *feed)
    named = _asked(capsys, *feed, "--universe", "mine")
    listed = _asked(capsys, *feed, "--universe", "ccc,BBB,AAA")
    assert whole["symbols"] == 3
    assert whole["bars"] == 74
    assert whole["journal_head"] == named["journal_head"] == listed["journal_head"]
    two = _asked(capsys, "backtest", "--start", "2020-05-01", "--universe", "AAA,BBB")
    assert two["symbols"] == 2
    assert two["journal_head"] != whole["journal_head"]


def test_the_example_of_the_readme_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first block under "Your own data", word by word, on a folder called prices."""
    readme = Path(__file__).resolve().parents[2] / "README.md"
    if not readme.is_file():
        pytest.skip("README.md is not beside the tests")
    block = readme.read_text(encoding="utf-8").split("## Your own data")[1].split("```")[1]
    commands = [shlex.split(line, comments=True) for line in block.splitlines() if line.strip()]
    assert [command[:2] for command in commands] == [["tuiconsole", "data"], ["tuiconsole", "backtest"]]
    _folder(tmp_path)
    for command in commands:
        assert main(command[1:]) == 0
    assert "160 bars" in capsys.readouterr().out


def test_people_get_a_page_that_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "import", str(_folder(tmp_path))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "480 rows of 3 symbols (AAA BBB CCC)"
    assert lines[-1] == "Play it: tuiconsole backtest --feed history --start 2020-01-02"


def test_mistakes_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = _folder(tmp_path)
    assert main(["data", "import", str(folder), "--label", "middle"]) == 2
    assert capsys.readouterr().err == "--label is 'middle', expected start or end.\n"
    assert main(["data", "import", str(folder), "--universe", "a b"]) == 2
    assert "'a b' cannot name a universe." in capsys.readouterr().err
    assert main(["backtest", "--feed", "history"]) == 2
    assert "holds no bars of 1day; it holds nothing yet. Import some" in capsys.readouterr().err
    assert main(["data", "import", str(folder), "--universe", "mine"]) == 0
    assert main(["backtest", "--universe", "mien"]) == 2
    assert "no bars of 1day for MIEN. Its lists are called mine. See" in capsys.readouterr().err
    assert main(["backtest", "--feed", "prices.csv", "--interval", "1day"]) == 2
    assert "choose from the history" in capsys.readouterr().err


def test_actions_are_imported_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "splits.csv").write_text(
        "symbol,ex_date,ratio,cash\nAAA,2020-03-02,2:1,\nAAA,2020-04-01,,0.5\n"
    )
    (tmp_path / "map.csv").write_text(
        "file,date,ticker\naaa,20190102,OLD\naaa,20200131,OLD\naaa,20501231,AAA\n"
    )
    body = _asked(capsys, "data", "import", "splits.csv")
    assert (body["splits"], body["dividends"], body["new"], body["symbols"]) == (1, 1, 2, ["AAA"])
    assert _asked(capsys, "data", "import", "splits.csv")["same"] == 2
    assert _asked(capsys, "data", "import", "map.csv")["ticker_spans"] == 2
    assert main(["data", "import", "map.csv"]) == 0
    assert "2 ticker spans of 1 instruments" in capsys.readouterr().out


def test_the_feed_plays_prices_as_the_settings_say(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date,symbol,close\n2020-03-02,A,40\n2020-03-03,A,19\n2020-03-04,A,18\n")
    (tmp_path / "actions.csv").write_text("symbol,ex_date,ratio,cash\nA,2020-03-03,2:1,\nA,2020-03-04,,1.9\n")
    for name in ("a.csv", "actions.csv"):
        assert main(["data", "import", name]) == 0
    feed, root = FeedSettings(feed="history"), str(tmp_path / "bars")
    for prices, expected in (("raw", [40, 19, 18]), ("split", [20, 19, 18]), ("total", [18, 17.1, 18])):
        history = HistorySettings(root=root, prices=prices)  # type: ignore[arg-type]
        np.testing.assert_allclose(open_tape(feed, history).close[:, 0], expected)


_SLOW_FILES = """
import os, signal, sys
from tuiconsole.cli import main
from tuiconsole.market.imports import run
shown = run.FileReader.parts
def parts(self, path):
    if path.name == "BBB.csv":
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    return shown(self, path)
run.FileReader.parts = parts
sys.exit(main(["data", "import", "prices"]))
"""


@pytest.mark.system
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGKILL", -signal.SIGKILL)])
def test_an_interrupted_import_leaves_what_was_there(tmp_path: Path, name: str, code: int) -> None:
    """Interrupted while it reads its second file: the store holds the first import and nothing of the second."""
    assert main(["data", "import", str(_folder(tmp_path, ("OLD",)))]) == 0
    _folder(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _SLOW_FILES, name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    store = HistoryStore(tmp_path / "bars")
    assert store.symbols("1day") == ("OLD",)
    assert main(["data", "import", "prices"]) == 0
    assert store.symbols("1day") == ("AAA", "BBB", "CCC", "OLD")
    assert {
        p.relative_to(store.root).as_posix() for p in store.root.rglob("*.parquet")
    } == store.manifest.files()


def test_prices_that_do_not_fit_those_stored_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bars as traded over bars that were adjusted for splits make jumps that never happened."""
    assert _asked(capsys, "data", "import", str(_folder(tmp_path)))["mixed_prices"] == []
    raw = tmp_path / "raw.csv"
    raw.write_text("date,symbol,close\n2020-01-03,AAA,200\n2020-01-03,ZZZ,9\n2020-01-06,ZZZ,9\n")
    assert _asked(capsys, "data", "import", str(raw))["mixed_prices"] == ["AAA"]
    assert main(["data", "import", str(raw)]) == 0
    assert "1 symbols now hold prices as traded beside adjusted ones" in capsys.readouterr().out


def test_vendor_spellings_are_told_and_older_ones_stay_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _folder(tmp_path, ("BRK-B", "SHOP.TO"))
    assert _asked(capsys, "data", "import", str(folder), "--spelling", "keep")["mapped_symbols"] == {}
    body = _asked(capsys, "data", "import", str(folder))
    assert (body["symbols"], body["mapped_symbols"]) == (["BRK.B", "SHOP.TO"], {"BRK-B": "BRK.B"})
    assert body["stored_apart"] == ["BRK-B"]
    assert main(["data", "import", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "symbols as the house writes them: BRK-B is BRK.B" in out
    assert "! stored before under other spellings, and left apart: BRK-B" in out
    assert main(["data", "import", str(folder), "--spelling", "yahu"]) == 2
    assert (
        "--spelling is 'yahu', expected yahoo, alpaca, alpha_vantage, stooq, keep." in capsys.readouterr().err
    )


def test_dates_and_decimals_are_asked_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "A.csv").write_text("Date;Close\n03.04.2024;1,234\n04.04.2024;1,235\n")
    assert main(["data", "import", "A.csv"]) == 2
    assert "Add --decimal . or --decimal ," in capsys.readouterr().err
    assert main(["data", "import", "A.csv", "--decimal", ","]) == 2
    assert "Add --dates day-first or --dates month-first." in capsys.readouterr().err
    body = _asked(capsys, "data", "import", "A.csv", "--decimal", ",", "--dates", "day-first")
    assert (body["first"][:10], body["dates"], body["dates_from"]) == ("2024-04-03", "day-first", "asked")


def test_rows_later_than_now_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "A.csv").write_text("Date,Close\n2024-04-03,1\n2204-04-04,2\n")
    body = _asked(capsys, "data", "import", "A.csv", "--interval", "1day")
    assert (body["new"], body["quarantined"]) == (1, {"later than the time of the import": 1})
    assert main(["data", "info", "A"]) == 0
    assert "row 3, 2204-04-04 20:00:00: later than the time of the import" in capsys.readouterr().out
    (tmp_path / "B.csv").write_text("Date,Close\n2204-04-03,1\n2204-04-04,2\n")
    assert _asked(capsys, "data", "import", "B.csv")["new"] == 0
    other = _asked(capsys, "data", "info")
    assert other["intervals"]["1day"]["bars"] == 1


def test_a_list_holds_no_symbol_without_a_price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    days = np.busday_offset("2020-01-02", np.arange(_N_BARS), roll="forward")
    rows = [f"{day},{100 + k % 7},,{50 + k % 5}" for k, day in enumerate(days)]
    (tmp_path / "wide.csv").write_text("\n".join(["date,AAA,NONE,BBB", *rows]) + "\n")
    body = _asked(capsys, "data", "import", "wide.csv", "--universe", "mine")
    assert body["unpriced"] == ["NONE"]
    assert main(["data", "import", "wide.csv", "--universe", "mine"]) == 0
    text = capsys.readouterr().out
    assert "without a single price, left out of the list mine: 1 (NONE)" in text
    played = _asked(capsys, "backtest", "--feed", "history", "--universe", "mine", "--start", "2020-06-01")
    assert played["symbols"] == 2
