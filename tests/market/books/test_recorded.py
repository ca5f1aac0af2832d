"""Recorded files: both ways of writing lines, several files as one stream, and files that are none."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from benchmarks.book_fuzz import fuzz
from tests.market.books.messages import diff, snapshot
from tuiconsole.domain.books import DepthUpdate
from tuiconsole.domain.errors import DataError
from tuiconsole.market.books.recorded import feed_of, played, read_lines

WHOLE = snapshot(10, [["1.00", "1.0"]], [["2.00", "1.0"]])


def test_both_ways_of_writing_lines(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text(
        f"wss://stream.binance.com/x <-> 1633998511.1\n1633998512.0633569: {diff(11, 12)}\n"
        'wss://stream.binance.com/x <- 1633998512.2: {"method":"SUBSCRIBE"}\n\n'
        f"https://x/depth?symbol=AAA&limit=5 -> 1633998512.5: {WHOLE}\n1723161253937085768 {diff(13, 14)}\n",
        encoding="utf-8",
    )
    lines = list(read_lines(path))
    assert [(line.ts, line.asked) for line in lines] == [
        (1633998512063356900, ""),
        (1633998512500000000, "AAA"),
        (1723161253937085768, ""),
    ]
    assert lines[1].payload == WHOLE


def test_several_files_are_one_stream(tmp_path: Path) -> None:
    stream, answers = tmp_path / "a.gz", tmp_path / "b.gz"
    stream.write_bytes(
        gzip.compress(f"1723161253937085768 {diff(9, 11)}\n1723161253937085800 {diff(12, 13)}\n".encode())
    )
    answers.write_bytes(gzip.compress(f"1723161253937085790 {WHOLE}\nnot a line".encode()))
    paths = [stream, answers]
    with pytest.raises(DataError, match=r"b\.gz, line 2"):
        list(played(feed_of(paths), paths))
    answers.write_bytes(gzip.compress(f"1723161253937085790 {WHOLE}\n1723161253937085799 {{\n".encode()))
    feed = feed_of(paths)
    events = list(played(feed, paths))
    assert [event.last_id for event in events if isinstance(event, DepthUpdate)] == [10, 11, 13]
    assert feed.malformed == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", gzip.compress(b"1723161253937085768 {}", mtime=0)[:-6], b"\x1f\x8b"],
    ids=["empty", "words", "cut short", "two bytes"],
)
def test_files_that_hold_no_feed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(DataError):
        feed_of([path])
    with pytest.raises(DataError):
        feed_of([tmp_path / "absent"])


def test_hostile_messages_are_read_or_refused_with_one_error() -> None:
    found = fuzz(2_000)
    assert found.escaped == []
    assert found.refused > 1_000
    assert found.events > 300
