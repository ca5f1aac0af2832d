"""What the console writes to files: copies and crashes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuiconsole.domain.clock import EventClock
from tuiconsole.ui import clipboard, crash


def test_long_texts_go_to_the_file_only(tmp_path: Path) -> None:
    sent: list[str] = []
    path = tmp_path / "copy.txt"
    text = "ä" * (clipboard.MOST_BYTES // 2 + 1)
    said, tone = clipboard.copy(text, sent.append, path)
    assert not sent
    assert path.read_text(encoding="utf-8") == text + "\n"
    assert "Too long for the clipboard (16,386 bytes); written to" in said
    assert tone == "running"
    said, _ = clipboard.copy("ä" * (clipboard.MOST_BYTES // 2), sent.append, path)
    assert len(sent) == 1
    assert said == f"Copied to the clipboard (OSC 52) and to {path}"


def test_copy_without_a_file_or_without_text_says_so(tmp_path: Path) -> None:
    sent: list[str] = []
    missing = tmp_path / "no" / "copy.txt"
    assert "could not be written: No such file" in clipboard.copy("x", sent.append, missing)[0]
    assert sent == ["x"]
    assert clipboard.copy(" \n", sent.append, missing) == ("There is nothing to copy here.", "warn")


def failed(words: str) -> ValueError:
    try:
        raise ValueError(words)
    except ValueError as error:
        return error


def test_crashes_are_one_sentence_and_a_file(tmp_path: Path) -> None:
    path = tmp_path / "state-console.log"
    said = str(crash.crash_error(failed("first\nline"), path, EventClock()))
    assert said == (
        f"The console failed (ValueError: first line). Details are in {path}. "
        "The engine is not affected; look again with: tuiconsole attach"
    )
    crash.crash_error(failed("second"), path, EventClock())
    kept = path.read_text()
    assert "Traceback" in kept
    assert "first" in kept
    assert "second" in kept
    assert path.stat().st_mode & 0o077 == 0


def test_crash_log_is_bounded_and_may_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state-console.log"
    monkeypatch.setattr(crash, "MOST_BYTES", 10)
    crash.crash_error(failed("first"), path, EventClock())
    crash.crash_error(failed("second"), path, EventClock())
    assert "first" not in path.read_text()
    said = str(crash.crash_error(failed("x"), tmp_path / "no" / "log", EventClock()))
    assert "could not be written" in said
    assert "--debug" in said
