"""``doctor``: looks at everything a desk needs and says in one line each what is wrong and what to do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuiconsole.domain.clock import WallClock
from tuiconsole.domain.errors import DeskError
from tuiconsole.verbs.common import Place

_NEEDED = (
    "textual",
    "rich",
    "numpy",
    "msgspec",
    "pydantic",
    "sqlite_utils",
    "structlog",
    "uvloop",
    "typer",
    "skfolio",
)
_LEARN = ("torch", "stable_baselines3", "sb3_contrib")
_SAFE_SQLITE = (3, 51, 3)
_LEAST_FREE_BYTES = 200_000_000
_EARLIEST_SANE_NS = 1_700_000_000 * 1_000_000_000

Verdict = tuple[bool, str]


def run_checks(config: Path | None, state: Path | None) -> dict[str, Any]:
    """All checks; ``ok`` is true when none failed."""
    checks: list[dict[str, Any]] = []

    def check(name: str, look: Callable[[], Verdict]) -> None:
        try:
            ok, detail = look()
        except DeskError as error:
            ok, detail = False, str(error)
        checks.append({"name": name, "ok": ok, "detail": detail})

    check("python", _python)
    check("packages", _packages)
    check("learning extra", _learn)
    check("sqlite", _sqlite)
    check("clock", _clock)
    check("terminal", _terminal)
    places: list[Place] = []

    def configuration() -> Verdict:
        place = Place.of(config, state, None, None, None)
        places.append(place)
        return True, str(place.config_path or "defaults (no config.toml found)")

    check("configuration", configuration)
    if places:
        place = places[0]
        check("theme", lambda: _theme(place))
        check("directory", lambda: _directory(place))
        check("data", lambda: _data(place))
        check("vendors", lambda: _vendors(place))
        check("state file", lambda: _store(place))
        check("latch", lambda: _latch(place))
        check("engine", lambda: _engine(place))
    return {"ok": all(c["ok"] for c in checks), "checks": checks}


def _vendors(place: Place) -> Verdict:
    """Which vendors can be asked, and what is left of their keys; a key file that others may read fails."""
    from tuiconsole.verbs.pull import vendors_text

    return True, vendors_text(place)


def checks_text(body: dict[str, Any]) -> str:
    """The checks for people."""
    lines = [f"{'ok  ' if c['ok'] else 'FAIL'} {c['name']:<15} {c['detail']}" for c in body["checks"]]
    return "\n".join([*lines, "all is well" if body["ok"] else "something needs attention"])


def _python() -> Verdict:
    version = ".".join(str(v) for v in sys.version_info[:3])
    return (3, 11) <= sys.version_info[:2] < (3, 14), f"{version} (3.11 to 3.13 needed)"


def _packages() -> Verdict:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return False, f"missing: {', '.join(missing)}. Run: make install"
    return (
        True,
        f"textual {importlib.metadata.version('textual')}, numpy {importlib.metadata.version('numpy')}",
    )


def _learn() -> Verdict:
    missing = [name for name in _LEARN if importlib.util.find_spec(name) is None]
    if missing:
        return (
            True,
            f"not installed ({', '.join(missing)}): rule agents only. Get it with: pip install 'tuiconsole[learn]'",
        )
    return True, "installed"


def _sqlite() -> Verdict:
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info >= _SAFE_SQLITE:
        return True, version
    return (
        True,
        f"{version}: older than 3.51.3, so two writers could lose pages; this desk has one writer only",
    )


def _clock() -> Verdict:
    now = WallClock().now_ns()
    return (
        now > _EARLIEST_SANE_NS,
        "plausible" if now > _EARLIEST_SANE_NS else "the machine's clock is years behind: set it",
    )


def _terminal() -> Verdict:
    term = os.environ.get("TERM", "")
    size = shutil.get_terminal_size()
    if term in ("", "dumb"):
        return True, f"TERM={term or 'unset'}: the console shows plain status text here"
    return size.columns >= 60 and size.lines >= 20, f"{term} {size.columns}x{size.lines} (at least 60x20)"


def _theme(place: Place) -> Verdict:
    from tuiconsole.verbs.console import find_theme

    name = place.config.console.theme
    find_theme(name)
    return True, name


def _directory(place: Place) -> Verdict:
    directory = place.paths.state.parent
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        return False, f"{directory} is not a directory you may write to. Name another with --state."
    free = shutil.disk_usage(directory).free
    return free > _LEAST_FREE_BYTES, f"{directory}, {free / 1e9:.1f} GB free"


def _data(place: Place) -> Verdict:
    from tuiconsole.engine.build import load_tape
    from tuiconsole.engine.paths import tape_path

    directory = tape_path(place.paths.state)
    if place.config.desk.feed.feed == "live" or directory.exists():
        return _live(place, directory)
    tape = load_tape(place.config.desk)
    return True, f"{tape.name}: {len(tape.universe)} symbols, {len(tape):,} bars"


def _live(place: Place, directory: Path) -> Verdict:
    """A live desk: its recorded tape, and whether the best feed takes a connection."""
    from tuiconsole.market.live.reach import reachable
    from tuiconsole.market.live.recorded import RecordedTape

    feeds = place.config.desk.feeds
    there = reachable(feeds)
    told = f"live from {feeds.order[0]}, which can{'' if there else 'not'} be reached"
    if not directory.exists():
        return there, told
    tape = RecordedTape.open(directory)
    return there, f"{told}; tape of {len(tape.universe)} symbols, {tape.check():,} bars, chain sound"


def _store(place: Place) -> Verdict:
    if not place.paths.state.exists():
        return True, "none yet; it is made at the first start"
    from tuiconsole.store.audit import verify_chain

    report = verify_chain(place.paths.state)
    return report.ok, f"{report.rows} rows, chain sound" if report.ok else report.text


def _latch(place: Place) -> Verdict:
    from tuiconsole.risk.latch import Latch

    if not place.paths.latch.exists():
        found = place.paths.state.exists()
        return not found, "missing although a state file exists: counts as latched" if found else "none yet"
    said = Latch(place.paths.latch).read()
    if not said.readable:
        return False, "unreadable, which counts as latched: start the engine, look, then re-arm"
    return True, f"{said.level.name.lower()}{': ' + said.reason if said.reason else ''}"


def _engine(place: Place) -> Verdict:
    from tuiconsole.engine.lock import EngineLock

    holder = EngineLock(place.paths.lock).holder()
    if holder is None:
        return True, "not running"
    from tuiconsole.verbs.engine import status_of

    body = status_of(place, 2.0)
    return True, f"running as process {holder.pid}, {body['state']}"
