"""Pulling: failover in order, nothing fetched twice, nothing lost at the end of a quota, resumption after a kill."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.market.providers.rig import (
    DAY,
    SleepingClock,
    adjusted_days,
    alpaca,
    alpha_vantage,
    chart,
    stock_rows,
    yahoo,
    yahoo_answers,
)
from tests.market.providers.vendor_server import Asked, Reply, Vendor
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, iso, parse_iso
from tuiconsole.market.providers.backfill_journal import BackfillJournal, DonePiece
from tuiconsole.market.providers.columns import actions_schema, bars_schema, bars_table, joined, within
from tuiconsole.market.providers.contract import Answer, Fault, FaultKind, faults_for
from tuiconsole.market.providers.key_ring import ApiKey, Purpose
from tuiconsole.market.providers.pull import PullReport, Wanted, pull_bars
from tuiconsole.market.providers.ranges import Range, pieces, union, without

DAYS = tuple(f"2025-01-{day:02d}" for day in (2, 3, 6, 7))
START, END = parse_iso("2025-01-01"), parse_iso("2025-01-08")


class Sink:
    """Keeps what it was given; may refuse."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], float] = {}
        self.givers: list[str] = []
        self.actions = 0

    def __call__(self, provider: str, bars: pa.Table, actions: pa.Table) -> None:
        self.givers.append(provider)
        self.actions += actions.num_rows
        for row in bars.to_pylist():
            self.rows[row["symbol"], row["ts"].value] = row["close"]

    def symbols(self) -> list[str]:
        return sorted({symbol for symbol, _ in self.rows})


@dataclass
class Shelf:
    """A vendor in memory: daily bars by symbol, faults by symbol, and what it was asked."""

    name: str
    has: dict[str, list[int]]
    faults: dict[str, Fault] = field(default_factory=dict)
    longest_days: int = 2
    earliest: int = 0
    symbols_per_request: int = 3
    asked: list[tuple[tuple[str, ...], Range]] = field(default_factory=list)

    def longest_piece_ns(self, interval_s: int) -> int:
        return self.longest_days * NANOSECONDS_PER_DAY if interval_s == DAY else 0

    def earliest_ns(self, interval_s: int) -> int:
        return self.earliest if interval_s else 0

    def close(self) -> None:
        pass

    def bars(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer:
        assert 0 < end_ns - start_ns <= self.longest_piece_ns(interval_s)
        assert len(symbols) <= self.symbols_per_request
        self.asked.append((tuple(symbols), (start_ns, end_ns)))
        known = [s for s in symbols if s in self.has and s not in self.faults]
        tables = []
        for symbol in known:
            ts = np.array(self.has[symbol], dtype=np.int64)
            ones = np.ones(len(ts))
            names = ("open", "high", "low", "close", "volume")
            tables.append(bars_table(symbol, ts, dict.fromkeys(names, ones)))
        nowhere = Fault(FaultKind.NOT_FOUND, self.name, "unknown")
        absent = [s for s in symbols if s not in known]
        faults = tuple(self.faults.get(s, nowhere).about(s) for s in absent)
        table = within(joined(tables, bars_schema()), start_ns, end_ns)
        return Answer(table, actions_schema().empty_table(), faults)


def day(n: int) -> int:
    return START + n * NANOSECONDS_PER_DAY


def pull(
    folder: Path, providers: Sequence[Any], symbols: str = "A B", sink: Sink | None = None, **more: Any
) -> tuple[PullReport, Sink]:
    into = sink or Sink()
    clock = more.pop("clock", SleepingClock())
    wanted = Wanted(tuple(symbols.split()), DAY, more.pop("start", START), more.pop("end", END))
    journal = BackfillJournal(folder / "journal.jsonl")
    return pull_bars(wanted, providers, journal, into, clock, **more), into


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    shelf = Shelf("one", {"A": [day(1), day(5)], "B": [day(2)]})
    report, sink = pull(tmp_path, [shelf])
    assert (report.stored, report.pieces, report.rows, report.left) == (8, 8, 3, [])
    assert len(sink.rows) == 3
    assert [stretch for _, stretch in shelf.asked] == list(pieces((START, END), 2 * NANOSECONDS_PER_DAY))
    again, _ = pull(tmp_path, [shelf])
    assert (again.already, again.pieces, len(shelf.asked)) == (2, 0, 4)
    longer, _ = pull(tmp_path, [shelf], end=END + NANOSECONDS_PER_DAY)
    assert (longer.pieces, shelf.asked[-1]) == (2, (("A", "B"), (END, END + NANOSECONDS_PER_DAY)))


def test_each_vendor_is_asked_for_what_the_ones_before_did_not_give(tmp_path: Path) -> None:
    first = Shelf("first", {"A": [day(1)]}, longest_days=10)
    second = Shelf("second", {"A": [day(1)], "B": [day(2)]}, longest_days=3)
    third = Shelf("third", {"C": [day(3)]}, longest_days=10)
    report, sink = pull(tmp_path, [first, second, third], "A B C D")
    assert sink.symbols() == ["A", "B", "C"]
    assert {s for symbols, _ in second.asked for s in symbols} == {"B", "C", "D"}
    assert [symbols for symbols, _ in third.asked] == [("C", "D")]
    assert report.by_provider == {"first": 1, "second": 3, "third": 1}
    assert [(symbol, fault.provider) for symbol, _, fault in report.left] == [("D", "third")]


def test_a_vendor_out_of_requests_is_left_alone_and_nothing_is_lost(tmp_path: Path) -> None:
    until = parse_iso("2025-03-01T05:00:00Z")
    over = Fault(FaultKind.QUOTA, "only", "No more.", until_ns=until)
    only = Shelf(
        "only", {"A": [day(1)], "B": [day(1)], "C": [day(1)]}, {"B": over}, 10, symbols_per_request=1
    )
    report, sink = pull(tmp_path, [only], "A B C")
    assert sink.symbols() == ["A"]
    assert [symbols for symbols, _ in only.asked] == [("A",), ("B",)]
    assert report.sentence() == (
        "The vendors take no more requests: 1 of 3 pieces are stored and stay so, 2 are left (B, C); "
        "run the same command again after 2025-03-01T05:00:00Z."
    )
    del only.faults["B"]
    rest, sink = pull(tmp_path, [only], "A B C", sink)
    assert (rest.sentence(), rest.already, sink.symbols()) == ("", 1, ["A", "B", "C"])
    assert [symbols for symbols, _ in only.asked[2:]] == [("B",), ("C",)]


def test_a_stretch_without_bars_is_done_for_a_symbol_that_is_known(tmp_path: Path) -> None:
    """A vendor that cannot tell an unknown symbol from an empty stretch says "not found" for both."""

    class Vague(Shelf):
        def bars(self, symbols: Sequence[str], interval_s: int, start_ns: int, end_ns: int) -> Answer:
            answer = super().bars(symbols, interval_s, start_ns, end_ns)
            empty = set(symbols) - set(answer.bars["symbol"].to_pylist())
            fault = Fault(FaultKind.NOT_FOUND, self.name, "no bars")
            return Answer(answer.bars, answer.actions, faults_for(sorted(empty), fault))

    vague = Vague("vague", {"A": [day(5)]})
    report, _ = pull(tmp_path, [vague], "A NONE")
    assert {symbol for symbol, _, _ in report.left} == {"NONE"}
    before = len(vague.asked)
    again, _ = pull(tmp_path, [vague], "A")
    assert (again.already, len(vague.asked)) == (1, before)


def test_what_a_vendor_no_longer_keeps_is_asked_from_the_next(tmp_path: Path) -> None:
    short = Shelf("short", {"A": [day(1), day(6)]}, longest_days=10, earliest=day(4))
    long = Shelf("long", {"A": [day(1), day(6)]}, longest_days=10)
    report, _ = pull(tmp_path, [short, long], "A")
    assert short.asked == [(("A",), (day(4), END))]
    assert long.asked == [(("A",), (START, day(4)))]
    assert (report.rows, report.left) == (2, [])


def test_what_no_vendor_keeps_is_left_and_said(tmp_path: Path) -> None:
    """A vendor that forgets old bars cannot know that there were none: another vendor may give them one day."""
    short = Shelf("short", {"A": [day(1), day(6)]}, longest_days=10, earliest=day(4))
    report, _ = pull(tmp_path, [short], "A")
    assert [(symbol, stretch) for symbol, stretch, _ in report.left] == [("A", (START, day(4)))]
    assert "short keeps no bars before 2025-01-05" in report.sentence()
    rest, sink = pull(tmp_path, [Shelf("long", {"A": [day(1)]}, longest_days=10)], "A")
    assert (rest.left, len(sink.rows)) == ([], 1)


def test_a_vendor_without_the_interval_is_passed_over(tmp_path: Path) -> None:
    report = pull_bars(
        Wanted(("A",), 60, START, END),
        [Shelf("s", {})],
        BackfillJournal(tmp_path / "j"),
        Sink(),
        SleepingClock(),
    )
    assert report.left[0][2].sentence == "s offers no bars of 60 seconds."


def test_the_day_under_way_is_pulled_again_tomorrow(tmp_path: Path) -> None:
    clock = SleepingClock(day(3) + NANOSECONDS_PER_DAY // 2)
    shelf = Shelf("one", {"A": [day(1), day(3) + 5]}, longest_days=10)
    pull(tmp_path, [shelf], "A", clock=clock, end=day(9))
    clock.advance_to(day(5))
    pull(tmp_path, [shelf], "A", clock=clock, end=day(9))
    assert [stretch for _, stretch in shelf.asked] == [
        (START, day(3) + NANOSECONDS_PER_DAY // 2),
        (day(3), day(5)),
    ]


def test_pieces_are_noted_only_after_the_store_took_them(tmp_path: Path) -> None:
    class Full(Sink):
        def __call__(self, provider: str, bars: pa.Table, actions: pa.Table) -> None:
            raise OSError(28, "No space left on device")

    shelf = Shelf("one", {"A": [day(1)]})
    with pytest.raises(OSError, match="No space"):
        pull(tmp_path, [shelf], "A", Full())
    assert not (tmp_path / "journal.jsonl").exists()
    report, _ = pull(tmp_path, [shelf], "A")
    assert report.stored == 4


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    pull(tmp_path, [Shelf("one", {"A": []})], "A", progress=lambda *step: told.append(step))
    assert told == [(1, 4, "one"), (2, 4, "one"), (3, 4, "one"), (4, 4, "one")]


def test_a_line_cut_short_is_not_counted_and_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = BackfillJournal(path)
    journal.add([DonePiece("p", "A", DAY, 0, 10, 1), DonePiece("p", "A", DAY, 10, 20, 0)])
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        again = BackfillJournal(path)
        lines = whole[:cut].count(b"\n")
        assert again.done("A", DAY) == [[], [(0, 10)]][min(lines, 1)]
        again.add([DonePiece("p", "B", DAY, 0, 5, 1)])
        assert BackfillJournal(path).done("B", DAY) == [(0, 5)]
        assert BackfillJournal(path).has_rows("B", DAY)


STRETCH = st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda p: (min(p), max(p)))


def moments(ranges: Sequence[Range]) -> set[int]:
    return {t for start, end in ranges for t in range(start, end)}


@given(STRETCH, st.lists(STRETCH, max_size=8), st.integers(1, 20))
def test_stretches_are_sets_of_moments(wanted: Range, done: list[Range], longest: int) -> None:
    left = without(wanted, done)
    assert moments(left) == moments([wanted]) - moments(done)
    assert moments(union(done)) == moments(done)
    cut = [piece for stretch in left for piece in pieces(stretch, longest)]
    assert sum(end - start for start, end in cut) == len(moments(left))
    assert all(0 < end - start <= longest for start, end in cut)


@given(
    st.lists(st.sampled_from(["ok", "quota", "down", "unknown"]), min_size=6, max_size=6),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_whatever_fails_a_second_pull_completes_the_first(
    tmp_path_factory: pytest.TempPathFactory, troubles: list[str], longest: int, group: int
) -> None:
    """Bars in the store are those that vendors gave; a later pull asks exactly for what is left."""
    folder = tmp_path_factory.mktemp("pull")
    kinds = {"quota": FaultKind.QUOTA, "down": FaultKind.TRANSIENT, "unknown": FaultKind.NOT_FOUND}
    symbols = "ABC"
    shelves = []
    for i, name in enumerate(("first", "second")):
        faults = {
            s: Fault(kinds[t], name, t)
            for s, t in zip(symbols, troubles[3 * i : 3 * i + 3], strict=True)
            if t != "ok"
        }
        held = {s: [day(n) for n in range(1, 8)] for s in symbols}
        shelves.append(Shelf(name, held, faults, longest, symbols_per_request=group))
    report, sink = pull(folder, shelves, "A B C")
    assert len(sink.rows) == report.rows
    given_ = {s for s, _ in sink.rows}
    assert given_ | {s for s, _, _ in report.left} == set(symbols)
    for shelf in shelves:
        shelf.faults.clear()
        shelf.asked.clear()
    rest, sink = pull(folder, shelves, "A B C", sink)
    assert len(sink.rows) == 21
    asked = [(s, stretch) for symbols_, stretch in shelves[0].asked for s in symbols_]
    first_left = {s for s, _, _ in report.left}
    assert {s for s, _ in asked} == first_left
    assert rest.left == []


# ------------------------------------------------------------------------------------- with the real clients


def test_failover_through_the_real_clients(tmp_path: Path) -> None:
    """Yahoo does not know B and is out of requests at C; Alpaca gives B, refuses the rest; Alpha Vantage gives C."""
    tables = {"A": chart("A", DAYS, (1.0, 2.0, 3.0, 4.0), splits=()), "C": Reply({}, 429)}
    first = Vendor(yahoo_answers(tables))

    def second_answer(asked: Asked) -> Reply:
        if "corporate" in asked.path:
            return Reply({"corporate_actions": {}, "next_page_token": None})
        wanted = asked.params["symbols"].split(",")
        return Reply(
            {"bars": {"B": stock_rows(DAYS, 20.0)} if "B" in wanted else {}, "next_page_token": None}
        )

    second = Vendor(second_answer)
    third = Vendor(lambda _: Reply(adjusted_days(dict.fromkeys(DAYS, (30.0, 0.0, 1.0)))))
    clock = SleepingClock()
    chain = [
        yahoo(first.url, tmp_path, clock),
        alpaca(second.url, tmp_path, clock),
        alpha_vantage(third.url, tmp_path, clock),
    ]
    try:
        report, sink = pull(tmp_path, chain, "A B C", clock=clock)
    finally:
        for vendor in (first, second, third):
            vendor.close()
    assert report.left == []
    assert report.by_provider == {"yahoo": 1, "alpaca": 1, "alpha_vantage": 1}
    assert {symbol: close for (symbol, _), close in sink.rows.items()} == {"A": 4.0, "B": 20.0, "C": 30.0}
    assert len(sink.rows) == 12
    assert third.asked[0].params["symbol"] == "C"


def test_the_end_of_a_quota_is_said_and_the_next_day_goes_on(vendor: Vendor, tmp_path: Path) -> None:
    """25 requests of a free key: 25 of 30 symbols today, the rest after midnight in New York, none twice."""
    vendor.answer = lambda _: Reply(adjusted_days(dict.fromkeys(DAYS, (5.0, 0.0, 1.0))))
    names = " ".join(f"S{i:02d}" for i in range(30))
    clock = SleepingClock(parse_iso("2025-02-20T15:00:00Z"))
    key = ApiKey("secret", Purpose.MARKET_DATA, 0, 25)
    report, sink = pull(tmp_path, [alpha_vantage(vendor.url, tmp_path, clock, key)], names, clock=clock)
    assert (report.stored, len(report.left), iso(report.until_ns)) == (25, 5, "2025-02-21T05:00:00Z")
    assert "25 of 30 pieces are stored and stay so, 5 are left (S25, S26, S27, S28, S29)" in report.sentence()
    assert "after 2025-02-21T05:00:00Z" in report.sentence()
    clock.advance_to(report.until_ns)
    rest, sink = pull(tmp_path, [alpha_vantage(vendor.url, tmp_path, clock, key)], names, sink, clock=clock)
    assert (rest.stored, rest.already, rest.sentence()) == (5, 25, "")
    assert len(vendor.asked) == 30
    assert len(sink.symbols()) == 30


def test_after_a_crash_kept_answers_spare_the_vendor(vendor: Vendor, tmp_path: Path) -> None:
    """The process dies between the vendor's answer and the store: the next run needs no second request."""
    vendor.answer = lambda _: Reply(adjusted_days(dict.fromkeys(DAYS, (5.0, 0.0, 1.0))))
    clock = SleepingClock()

    class Dies(Sink):
        def __call__(self, provider: str, bars: pa.Table, actions: pa.Table) -> None:
            raise MemoryError

    with pytest.raises(MemoryError):
        pull(tmp_path, [alpha_vantage(vendor.url, tmp_path, clock)], "A B", Dies(), clock=clock)
    report, sink = pull(tmp_path, [alpha_vantage(vendor.url, tmp_path, clock)], "A B", clock=clock)
    assert (report.stored, sink.symbols(), len(vendor.asked)) == (2, ["A", "B"], 2)
    assert json.loads((tmp_path / "journal.jsonl").read_text().splitlines()[0])["provider"] == "alpha_vantage"
