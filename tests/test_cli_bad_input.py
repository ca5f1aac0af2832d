"""Every wrong input: one clear sentence, the right exit code, no traceback, and nothing lost."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import desk_files
from tests.desk_files import DeskFiles
from tests.engine import rig as core
from tuiconsole.cli import main

Refused = Callable[..., str]


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> DeskFiles:
    desk = desk_files.fresh(tmp_path_factory.mktemp("traded"), core.market())
    desk_files.trade(desk)
    return desk


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No configuration, state or runtime directory but this test's own."""
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    with tempfile.TemporaryDirectory(prefix="tc-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        yield


@pytest.fixture
def desk(traded: DeskFiles, tmp_path: Path) -> DeskFiles:
    return traded.copy_to(tmp_path / "desk")


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """Run a verb that must be refused, without and with ``--json``; its sentence."""

    def run(*arguments: str, code: int = 2, as_json: bool = True) -> str:
        found = main(list(arguments))
        out, err = capsys.readouterr()
        assert (found, out) == (code, ""), err
        assert err.count("\n") == 1, err
        assert "Traceback" not in err
        sentence = err.strip()
        if as_json:
            assert main([*arguments, "--json"]) == code
            out, err = capsys.readouterr()
            assert json.loads(out) == {"error": sentence}
            assert err.strip() == sentence
        return sentence

    return run


# ---- words --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("99999", "There is no order 99999. Orders 1 to "),
        ("0", "'0' is not an order id."),
        ("abc", "'abc' is not an order id. Give a number such as 17"),
        ("deadbeef-1", "belongs to another desk"),
        ("1:NOPE", "wanted no order in 'NOPE'"),
        ("9999:AAA", "Decision 9999 wanted no order"),
        ("x:AAA", "'x' is not a decision's number"),
    ],
)
def test_unknown_order_and_symbol(order: str, says: str, desk: DeskFiles, refused: Refused) -> None:
    assert says in refused("why", order, *desk.options())


def test_unknown_agent(desk: DeskFiles, refused: Refused) -> None:
    for verb in ("enable", "disable"):
        assert "Unknown agent 'oracle'. Known agents: ts_momentum" in refused(
            "agents", verb, "oracle", *desk.options()
        )
    assert "Did you mean breakout?" in refused("agents", "enable", "brekout", *desk.options())
    config = ["--config", str(desk.config)]
    assert "Unknown agent 'oracle'" in refused("backtest", "--agents", "breakout,oracle", *config)
    with desk.config.open("a", encoding="utf-8") as file:
        file.write('[agents]\nenabled = ["oracle"]\n')
    assert "Unknown agent 'oracle'" in refused("headless", *desk.options())


def test_agent_twice(desk: DeskFiles, refused: Refused) -> None:
    said = refused("backtest", "--agents", "breakout,breakout", "--config", str(desk.config))
    assert "breakout more than once" in said


def test_unknown_theme(desk: DeskFiles, refused: Refused) -> None:
    said = refused(*desk.options(), "--theme", "neon", as_json=False)
    assert "There is no theme 'neon'. Choose one of: colourblind, dark, light, mono." in said
    assert said == refused("attach", *desk.options(), "--theme", "neon", as_json=False)
    with desk.config.open("a", encoding="utf-8") as file:
        file.write('[console]\ntheme = "beige"\n')
    assert "There is no theme 'beige'" in refused(*desk.options(), as_json=False)


@pytest.mark.parametrize("verb", ["backtest", "headless"])
def test_unknown_feed(verb: str, desk: DeskFiles, refused: Refused) -> None:
    place = ["--config", str(desk.config)] if verb == "backtest" else desk.options()
    assert "Unknown feed 'bloomberg'. Known: auto, replay, history" in refused(
        verb, "--feed", "bloomberg", *place
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--start", "soon"], "'soon', expected an ISO date"),
        (["--start", "2099-01-01"], "is after the last bar"),
        (["--end", "later"], "'later' is not an ISO date"),
        (["--end", "1999-01-01"], "is not after the start"),
    ],
)
def test_wrong_dates(options: list[str], says: str, desk: DeskFiles, refused: Refused) -> None:
    assert says in refused("backtest", *options, "--config", str(desk.config))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["fly"], "No such command 'fly'"),
        (["status", "--colour"], "No such option: --colour"),
        (["headless", "--speed", "-1"], "greater than or equal to 0"),
        (["headless", "--speed", "fast"], "valid number"),
        (["why"], "Missing argument"),
        (["status", "--timeout", "0"], "0.05"),
        (["rearm"], "Missing argument"),
        (["agents", "sack", "breakout"], "No such command 'sack'"),
    ],
)
def test_wrong_usage(arguments: list[str], says: str, refused: Refused) -> None:
    said = refused(*arguments)
    assert says in said
    assert said.endswith(". Try: tuiconsole --help")


def test_rearm_needs_a_reason(desk: DeskFiles, refused: Refused) -> None:
    assert "needs a reason" in refused("rearm", "rearm", *desk.options())
    assert "needs a reason" in refused("rearm", "rearm", "--reason", "  ", *desk.options())


@pytest.mark.parametrize(
    "arguments",
    [["resume"], ["rearm", "rearm", "--reason", "x"], ["stop"], ["agents", "disable", "breakout"]],
)
def test_no_engine(arguments: list[str], desk: DeskFiles, refused: Refused) -> None:
    before = desk.snapshot()
    assert "No engine" in refused(*arguments, *desk.options(), code=1)
    assert desk.snapshot() == before


def test_wrong_configuration(desk: DeskFiles, refused: Refused) -> None:
    before = desk.snapshot()
    desk.config.write_text("[risk]\nname_capp = 0.1\n", encoding="utf-8")
    for verb in ("headless", "status", "verify", "agents list", "why 1"):
        said = refused(*verb.split(), *desk.options())
        assert "unknown key risk.name_capp. Did you mean name_cap?" in said
    assert desk.snapshot() == before
    assert "does not exist" in refused("status", "--config", "gone.toml", "--state", str(desk.state))


# ---- data ---------------------------------------------------------------------------------------------------------------

HEAD = "ts,symbol,close\n"
DATA = {
    "empty": ("", "is empty"),
    "header alone": (HEAD, "has a header but no rows"),
    "no close": ("ts,symbol,price\n2020-01-02,A,1\n", "has no column close"),
    "column twice": ("ts,symbol,close,close\n2020-01-02,A,1,1\n", "has the column close 2 times"),
    "ragged": (HEAD + "2020-01-02,A,1\n2020-01-03,A\n", "line 3: 2 cells, expected 3"),
    "word for a price": (
        HEAD + "2020-01-02,A,1\n2020-01-03,A,dear\n",
        "line 3: close 'dear' is not a number",
    ),
    "word for a time": (HEAD + "2020-01-02,A,1\nsoon,A,2\n", "line 3: 'soon' is not a timestamp"),
    "unsorted": (
        HEAD + "2020-01-03,A,1\n2020-01-02,A,2\n",
        "line 3: time goes back from 2020-01-03 to 2020-01-02",
    ),
    "clock backwards in one symbol": (
        HEAD + "2020-01-02,A,1\n2020-01-03,A,1\n2020-01-02,B,2\n2020-01-01,B,2\n",
        "line 5: time goes back from 2020-01-02 to 2020-01-01 (B)",
    ),
    "duplicate": (HEAD + "2020-01-02,A,1\n2020-01-02,A,2\n", "line 3: a second row for A at 2020-01-02"),
    "no zone": (HEAD + "2020-01-02 10:00:00,A,1\n", "carry no time zone"),
}


@pytest.mark.parametrize("what", sorted(DATA))
@pytest.mark.parametrize("verb", ["backtest", "headless"])
def test_bad_data_file(what: str, verb: str, desk: DeskFiles, refused: Refused, tmp_path: Path) -> None:
    text, says = DATA[what]
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    before = desk.snapshot()
    place = ["--config", str(desk.config)] if verb == "backtest" else desk.options()
    said = refused(verb, "--feed", str(path), *place)
    assert says in said
    assert "prices.csv" in said
    assert path.read_text(encoding="utf-8") == text
    assert {name: desk.snapshot()[name] for name in before} == before


def test_no_data_file(desk: DeskFiles, refused: Refused, tmp_path: Path) -> None:
    config = ["--config", str(desk.config)]
    assert "gone.csv does not exist" in refused("backtest", "--feed", str(tmp_path / "gone.csv"), *config)
    (tmp_path / "prices.xls").write_text(HEAD, encoding="utf-8")
    assert "neither CSV nor Parquet" in refused("backtest", "--feed", str(tmp_path / "prices.xls"), *config)
    assert "is not a file" in refused("backtest", "--feed", f"{tmp_path}/", *config)
    (tmp_path / "prices.parquet").write_bytes(b"PAR1 and then nothing")
    assert "prices.parquet" in refused("backtest", "--feed", str(tmp_path / "prices.parquet"), *config)
    desk.data.unlink()
    assert "six.csv does not exist" in refused("headless", *desk.options())


# ---- places -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["headless", "status", "why 1", "verify", "stop", "halt", "kill"])
def test_a_state_file_where_none_can_be(verb: str, desk: DeskFiles, refused: Refused) -> None:
    """Also for root, who may write everywhere: a directory below a file cannot be made."""
    place = ["--config", str(desk.config), "--state", str(desk.data / "state.db")]
    code = 1 if verb in ("headless", "stop", "halt", "kill") else 2
    before = desk.data.read_bytes()
    assert "six.csv" in refused(*verb.split(), *place, code=code) or verb == "stop"
    assert desk.data.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_directory(desk: DeskFiles, refused: Refused, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    place = ["--config", str(desk.config), "--state", str(locked / "state.db")]
    assert "cannot be written" in refused("headless", *place, code=1)


@pytest.mark.parametrize("verb", ["status", "why 1", "verify"])
def test_no_state_file(verb: str, desk: DeskFiles, refused: Refused, tmp_path: Path) -> None:
    place = ["--config", str(desk.config), "--state", str(tmp_path / "none.db")]
    assert "There is no " in refused(*verb.split(), *place)
    assert not list(tmp_path.glob("none*"))


# ---- state.db -----------------------------------------------------------------------------------------------------------


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA user_version = 99")
    store.close()


def _other_program(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE recipes (name TEXT)")
        store.execute("INSERT INTO recipes VALUES ('soup')")
    store.close()


def _not_a_database(path: Path) -> None:
    path.write_text("Dear diary, today the market fell.\n" * 200, encoding="utf-8")


def _corrupted(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for page in range(4096, len(data) - 4096, 4096):
        data[page : page + 64] = b"\xa5" * 64
    path.write_bytes(bytes(data))


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _row_changed(path: Path) -> None:
    with sqlite3.connect(path) as store:
        store.execute("UPDATE journal SET payload = zeroblob(40) WHERE seq = (SELECT max(seq) FROM journal)")
    store.close()


def _row_gone(path: Path) -> None:
    with sqlite3.connect(path) as store:
        store.execute("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
    store.close()


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "newer": (_newer, "has format 99, newer than the"),
    "another program's": (_other_program, "is a database of another program"),
    "not a database": (_not_a_database, "is not a database"),
    "corrupted": (_corrupted, "damaged"),
    "cut short": (_cut_short, "damaged"),
    "a row changed": (_row_changed, "of the journal in"),
    "a row gone": (_row_gone, "journal rows where"),
}


@pytest.mark.parametrize("what", sorted(DAMAGE))
def test_untrusted_state_file(what: str, desk: DeskFiles, refused: Refused) -> None:
    damage, says = DAMAGE[what]
    damage(desk.state)
    before = desk.state.read_bytes()
    said = refused("headless", *desk.options())
    assert says in said
    assert "state.db" in said
    assert desk.state.read_bytes() == before, "nothing is changed in a file that is refused"


@pytest.mark.parametrize("what", sorted(DAMAGE))
@pytest.mark.parametrize("verb", ["status", "why 1", "verify"])
def test_reading_an_untrusted_state_file(
    what: str, verb: str, desk: DeskFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    """Readers may still read what is readable; ``verify`` never calls it well, and nobody shows a traceback."""
    DAMAGE[what][0](desk.state)
    code = main([*verb.split(), *desk.options()])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert code in (0, 1, 2)
    if code:
        assert (out + err).count("\n") == 1, out + err
    if verb == "verify":
        assert code == 1 or "newer" in err or code == 2


@pytest.mark.parametrize("what", ["tape", "start", "configuration", "mode", "seed"])
def test_bound_to_another_desk(what: str, desk: DeskFiles, refused: Refused, tmp_path: Path) -> None:
    options = desk.options()
    if what == "tape":
        desk.data.write_text(
            desk.data.read_text(encoding="utf-8").replace(
                "2003-01-01T21:00:00Z,AAA,", "2003-01-01T21:00:00Z,AAA,1"
            ),
            encoding="utf-8",
        )
    elif what == "start":
        options += ["--start", "2003-10-01"]
    elif what == "configuration":
        with desk.config.open("a", encoding="utf-8") as file:
            file.write("[risk]\nname_cap = 0.1\n")
    elif what == "seed":
        text = desk.config.read_text(encoding="utf-8").replace("[engine]\n", "[engine]\nseed = 8\n")
        desk.config.write_text(text, encoding="utf-8")
    else:
        desk = desk_files.fresh(tmp_path / "paper", desk.tape)
        desk_files.trade(desk, 5, "paper")
        options = desk.options()
    before = desk.state.read_bytes()
    said = refused("headless", *options)
    word = {"start": "tape", "seed": "configuration"}.get(what, what)
    assert f"belongs to a desk with {word} " in said
    assert "Start with the settings it was made with, or name another file with --state." in said
    assert desk.state.read_bytes() == before


# ---- terminals ----------------------------------------------------------------------------------------------------------


def in_a_terminal(desk: DeskFiles, columns: int, rows: int, term: str) -> tuple[int, str]:
    """Run the bare command in a terminal of this size; exit code and what it printed."""
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "tuiconsole", *desk.options()],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": term, "COLUMNS": "", "LINES": ""},
            cwd=desk.home,
            start_new_session=True,
        )
        code = process.wait(30)
        os.close(slave)
        slave = -1
        said = b""
        try:
            while chunk := os.read(master, 4096):
                said += chunk
        except OSError:
            pass  # the other end of the terminal is closed
    finally:
        os.close(master)
        if slave >= 0:
            os.close(slave)
    return code, said.decode()


def test_terminal_too_small(desk: DeskFiles) -> None:
    code, said = in_a_terminal(desk, 50, 15, "xterm-256color")
    assert code == 2
    assert said.count("\n") == 1
    assert "The terminal is 50×15; the console needs at least 60×20" in said
    assert not desk.state.with_suffix(".lock").exists(), "no engine was started"


def test_no_terminal(desk: DeskFiles, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    said = refused(*desk.options(), as_json=False)
    assert "The console needs a terminal" in said
    assert "tuiconsole status" in said
    assert not desk.state.with_suffix(".lock").exists(), "no engine was started"


def test_debug_shows_the_rest(desk: DeskFiles) -> None:
    from tuiconsole.domain.errors import UsageError

    with pytest.raises(UsageError, match="99999"):
        main(["why", "99999", *desk.options(), "--debug"])
