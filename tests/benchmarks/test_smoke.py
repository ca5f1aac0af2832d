"""The measurements run, and the desk is nowhere near ten times slower than it should be."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import run
from benchmarks.books import ladder_of, level_stream, sorted_dictionary
from benchmarks.crashes import bounded_files
from benchmarks.history import write_files, write_whole
from benchmarks.journal_checks import check
from benchmarks.markets import long_market, start_of, synthetic, write_parquet
from benchmarks.peers import bare_loop, plain_loop
from benchmarks.report import number, summary, table
from benchmarks.rows import Row, percentile
from benchmarks.sessions import backtest, chosen, durable_session
from benchmarks.sma_cross import SmaCross
from benchmarks.stages import Stopwatch
from tuiconsole.domain.clock import EventClock
from tuiconsole.domain.records import Filled
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.imports.reading import Asked
from tuiconsole.market.imports.run import import_bars
from tuiconsole.market.tabular import read_tape

SYMBOL_BARS_PER_S = 30_000
WARMUP = 40


def test_the_five_agent_desk_keeps_a_tenth_of_its_pace() -> None:
    timed = backtest(synthetic(200, 400 + WARMUP), warmup=WARMUP)
    assert timed.result.bars == 400
    assert timed.result.orders > 0
    assert timed.per_cpu_s >= SYMBOL_BARS_PER_S


def test_a_strategy_of_ten_lines_trades_through_the_same_desk() -> None:
    tape = synthetic(20, 400)
    policy = SmaCross(tape.universe)
    first = backtest(tape, policy, warmup=120).result
    assert first.orders > 20
    assert first.refused == 0
    assert first.journal_head == backtest(tape, policy, warmup=120).result.journal_head


def test_peers_walk_the_whole_tape() -> None:
    tape = synthetic(5, 300)
    assert bare_loop(tape) > 0
    assert plain_loop(tape) > 0


def test_markets_repeat_and_survive_a_file(tmp_path: Path) -> None:
    tape = long_market(3, 900)
    assert tape.digest == long_market(3, 900).digest
    assert 5 < tape.close.min() < tape.close.max() < 500
    write_parquet(tape, tmp_path / "tape.parquet")
    again = read_tape(tmp_path / "tape.parquet")
    np.testing.assert_array_equal(again.close, tape.close)
    np.testing.assert_array_equal(again.ts, tape.ts)
    assert start_of(tape, 0) == "1989-03-02"


def test_a_stopwatch_sums_what_passes_through_it() -> None:
    clock = EventClock()
    watch = Stopwatch(clock)

    def work(ns: int) -> int:
        clock.advance_to(clock.now_ns() + ns)
        return 2 * ns

    timed = watch.around("work", work)
    assert [timed(5), timed(7)] == [10, 14]
    assert (watch.ns, watch.calls) == ({"work": 12}, {"work": 2})


@pytest.mark.parametrize(
    ("value", "budget", "at_least", "met"),
    [
        (9.0, 10.0, False, True),
        (11.0, 10.0, False, False),
        (9.0, 10.0, True, False),
        (10.0, 10.0, True, True),
        (float("nan"), 10.0, True, False),
        (5.0, None, False, None),
    ],
)
def test_a_row_knows_whether_its_budget_is_met(
    value: float, budget: float | None, at_least: bool, met: bool | None
) -> None:
    assert Row("x", value, "ms", budget, at_least).met is met


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(v) for v in range(1, 101)]
    assert [percentile(values, q) for q in (50, 95, 99, 100)] == [50.0, 95.0, 99.0, 100.0]
    assert np.isnan(percentile([], 50))


def test_the_table_is_aligned_and_says_what_was_missed() -> None:
    rows = [
        Row("short", 1.5, "ms", 2.0),
        Row("something longer", 1_234_567.0, "rows/s", 2e6, True, 0.5, "a peer", "noted"),
    ]
    head, _, first, second = table({"one": rows}).splitlines()
    assert first.index("ms") == second.index("rows/s") == head.index("unit")
    assert "1,234,567" in second
    assert second.endswith("of a peer · noted")
    assert summary({"one": rows}) == "1 of 2 budgets met. Not met: something longer."
    assert number(float("nan")) == "failed"


def test_the_report_is_written_and_failure_is_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [Row("fast enough", 1.0, "ms", 2.0)]
    monkeypatch.setattr(run, "measure", lambda name, quick: rows)
    report = tmp_path / "report.json"
    assert run.main(["--quick", "--only", "memory", "--json", str(report)]) == 0
    body = json.loads(report.read_text(encoding="utf-8"))
    assert body["measured"]["memory"][0] == rows[0].as_json()
    assert "1 of 1 budgets met" in capsys.readouterr().out
    rows.append(replace(rows[0], value=float("nan")))
    assert run.main(["--only", "memory"]) == 1


def test_an_independent_book_agrees_with_the_desk_and_finds_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = synthetic(20, 400)
    state = tmp_path / "state.db"
    session, writer = durable_session(state, replace(chosen(tape, warmup=120), mode="replay"))
    for _ in range(120):
        for _ in session.bar():
            writer.commit()
    writer.close()
    sound = check(state, tape)
    assert sound.wrong == []
    assert sound.bars == 120
    assert sound.fills > 0
    doubled = [record for record in _stored(state) for _ in range(1 + isinstance(record, Filled))]
    monkeypatch.setattr("benchmarks.journal_checks.records", lambda _: iter(doubled))
    wrong = check(state, tape).wrong
    assert any("booked twice" in text for text in wrong)
    assert any("the fills and the tape say" in text for text in wrong)


def test_files_that_grew_too_large_and_an_engine_that_complained_are_found(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    state.write_bytes(b"x" * 1_000)
    (tmp_path / "stderr.txt").touch()
    assert bounded_files(state, rows=10) == []
    (tmp_path / "state.latch").write_bytes(b"x" * 20_000)
    (tmp_path / "stderr.txt").write_text("Traceback\nValueError: no\n")
    wrong = bounded_files(state, rows=10)
    assert [text.split()[0] for text in wrong] == ["state.latch", "the"]
    assert wrong[1].endswith("ValueError: no")


def _stored(state: Path) -> list[object]:
    from benchmarks.journal_checks import records

    return list(records(state))


def test_a_market_survives_csv_files_and_the_history(tmp_path: Path) -> None:
    tape = synthetic(3, 50)
    write_files(tape, tmp_path / "files")
    for at, path in enumerate((tmp_path / "files", write_whole(tape, tmp_path / "whole.csv"))):
        store = HistoryStore(tmp_path / str(at))
        assert import_bars(store, path, Asked()).written.new == 150
        np.testing.assert_array_equal(store.tape(None, "1day").close, tape.close)


def test_the_order_book_and_the_sorted_dictionary_beside_it_agree() -> None:
    messages = level_stream(6_000)
    assert ladder_of(messages) == sorted_dictionary(messages) > 0
