"""The store keeps bars exactly, tells new from changed, and is never half-written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, EventClock, parse_iso
from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.market.history import taping
from tuiconsole.market.history.adjusting import Adjusting
from tuiconsole.market.history.manifest import Manifest, load_manifest
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore

_FILE = Provenance("file", "bars.csv", label="session", label_from="detected", zone="America/New_York")
_DAY = NANOSECONDS_PER_DAY


def _store(folder: Path) -> HistoryStore:
    return HistoryStore(folder / "history", EventClock(parse_iso("2024-01-02")))


def _bars(ts: list[int], symbol: list[str], close: list[float], **others: list[float]) -> Any:
    times = pa.array(ts, pa.timestamp("ns", tz="UTC"))
    return pa.table({"ts": times, "symbol": symbol, "close": pa.array(close, pa.float64()), **others})


def test_the_same_rows_twice_change_nothing(tmp_path: Path) -> None:
    store = _store(tmp_path)
    bars = _bars([_DAY, _DAY, 2 * _DAY], ["B", "A", "A"], [3.0, 1.0, 2.0], volume=[1.0, 2.0, 3.0])
    first = store.write("1d", bars, _FILE)
    before = (store.root / "manifest.json").read_bytes()
    second = store.write("1day", bars, _FILE)
    assert (first.given, first.new, first.changed, first.same) == (3, 3, 0, 0)
    assert (second.given, second.new, second.changed, second.same) == (3, 0, 0, 3)
    assert (store.root / "manifest.json").read_bytes() == before
    assert store.symbols("1day") == ("A", "B")


def test_a_changed_row_replaces_and_is_reported(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("1day", _bars([_DAY, 2 * _DAY], ["A", "A"], [1.0, 2.0], volume=[5.0, float("nan")]), _FILE)
    report = store.write(
        "1day", _bars([_DAY, 2 * _DAY], ["A", "A"], [1.0, 2.5], volume=[5.0, float("nan")]), _FILE
    )
    assert (report.new, report.changed, report.same) == (0, 1, 1)
    (change,) = report.changes
    assert (change.symbol, change.ts, change.column) == ("A", 2 * _DAY, "close")
    assert (change.before, change.after) == (2.0, 2.5)
    tape = store.tape(None, "1day")
    np.testing.assert_array_equal(tape.close, [[1.0], [2.5]])
    assert tape.volume is not None
    np.testing.assert_array_equal(tape.volume, [[5.0], [np.nan]])
    (covered,) = store.coverage("1day")
    assert (covered.bars, covered.first, covered.last) == (2, _DAY, 2 * _DAY)


def test_many_writes_to_one_bucket_are_joined_and_the_newest_counts(tmp_path: Path) -> None:
    store = _store(tmp_path)
    for n in range(30):
        store.write("1day", _bars([_DAY, (n + 2) * _DAY], ["A", "A"], [float(n + 1), 7.0]), _FILE)
    pieces = store.manifest.bars["1day"]
    assert len(pieces) <= 8
    tape = store.tape(["A"], "1day")
    assert len(tape) == 31
    assert tape.close[0, 0] == 30.0
    assert store.query("SELECT count(*) n, max(close) m FROM bars_1day").to_pylist() == [{"n": 31, "m": 30.0}]
    files = {path.relative_to(store.root).as_posix() for path in store.root.rglob("*.parquet")}
    assert files >= store.manifest.files()
    assert len(files) <= len(pieces) + 9


def test_many_small_writes_do_not_rewrite_a_large_piece_each_time(tmp_path: Path) -> None:
    """64 symbols of 200 days one by one after 100 at once: every row is written few times, the newest value counts."""
    store = _store(tmp_path)
    days = [d * _DAY for d in range(200)]

    def put(names: list[str], close: float) -> None:
        store.write(
            "1day",
            _bars(days * len(names), [n for n in names for _ in days], [close] * 200 * len(names)),
            _FILE,
        )

    put([f"L{k:03d}" for k in range(100)], 1.0)
    written = 0
    for k in range(64):
        before = {piece.file for piece in store.manifest.bars["1day"]}
        put([f"S{k:02d}"], 2.0 + k)
        written += sum(piece.rows for piece in store.manifest.bars["1day"] if piece.file not in before)
    put(["S00", "L000"], 9.0)
    assert written < 10 * 64 * 200
    assert len(store.manifest.bars["1day"]) <= 8
    tape = store.tape(None, "1day")
    assert len(tape.universe) == 164
    assert tape.close[5, tape.universe.column("S00")] == tape.close[5, tape.universe.column("L000")] == 9.0
    assert tape.close[5, tape.universe.column("S63")] == 65.0


def test_late_starts_are_unknown_before_and_limits_cut(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write(
        "1day", _bars([_DAY, 2 * _DAY, 3 * _DAY, 3 * _DAY], ["A", "A", "A", "B"], [1, 2, 3, 9]), _FILE
    )
    np.testing.assert_array_equal(store.tape(None, "1day").close, [[1, np.nan], [2, np.nan], [3, 9]])
    cut = store.tape(["A"], "1day", 2 * _DAY, 3 * _DAY)
    assert cut.ts.tolist() == [2 * _DAY]
    assert cut.close.tolist() == [[2.0]]


def test_wrong_rows_are_kept_and_flagged_and_second_rows_are_put_aside(tmp_path: Path) -> None:
    store = _store(tmp_path)
    table = pa.table(
        {
            "ts": [1, 2, 3, 4, 4, 5, 5],
            "symbol": ["A"] * 7,
            "open": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            "high": [2.0, 0.9, 2.0, 2.0, 2.0, 2.0, 2.0],
            "low": [0.5, 0.5, -1.0, 0.5, 0.5, 0.5, 0.5],
            "close": [None, 1.0, 1.0, 1.0, 1.0, 1.0, 1.5],
            "volume": [1.0, 1.0, 1.0, -1.0, -1.0, 1.0, 1.0],
            "row": [2, 3, 4, 5, 6, 7, 8],
        }
    )
    for _ in range(2):
        report = store.write("1min", table, _FILE)
        assert (report.given, report.put_aside) == (7, 2)
        assert report.flagged == {
            "no close": 1,
            "price not positive": 1,
            "high or low inside open and close": 1,
            "negative volume": 2,
            "duplicate of another row": 1,
            "contradicts another row of the same time": 1,
        }
    aside = store.query("SELECT symbol, close, row FROM aside_1min ORDER BY row").to_pylist()
    assert aside == [{"symbol": "A", "close": 1.0, "row": 5}, {"symbol": "A", "close": 1.0, "row": 7}]
    assert store.query("SELECT close FROM bars_1min ORDER BY ts").column("close").to_pylist()[1:] == [
        1,
        1,
        1,
        1.5,
    ]


def test_origins_are_recorded_with_their_times(tmp_path: Path) -> None:
    then = 4 * _DAY
    clock = EventClock(then + 10)
    store = HistoryStore(tmp_path, clock)
    store.write("1day", _bars([_DAY], ["A"], [1.0]), _FILE)
    clock.advance_to(then + 20)
    store.write("1day", _bars([2 * _DAY], ["A"], [1.0]), _FILE)
    store.write("1day", _bars([3 * _DAY], ["A"], [1.0]), Provenance("yahoo", adjusted="split"))
    first, second = store.manifest.origins
    assert (first.provenance, first.first_written - then, first.last_written - then) == (_FILE, 10, 20)
    assert first.writes == 2
    assert (second.provenance.source, second.writes) == ("yahoo", 1)
    (covered,) = store.coverage("1day")
    assert first.provenance.label_from == "detected"
    assert covered.adjusted == "mixed"
    assert covered.origins == (_FILE, second.provenance)


def test_sql_reaches_the_store_alone(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("1day", _bars([_DAY], ["A"], [1.0]), _FILE)
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(DataError, match=r"history is wrong: .*disabled"):
        store.query(f"SELECT * FROM read_csv('{secret}')")
    with pytest.raises(DataError, match=r"history is wrong: .*disabled"):
        store.query(f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'")
    with pytest.raises(DataError, match="history is wrong: Parser Error"):
        store.query("SELEC 1")
    with pytest.raises(DataError, match="has no answer"):
        store.query("")
    assert store.query("SELECT label_from FROM origins").to_pylist() == [{"label_from": "detected"}]


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    store = _store(tmp_path)
    with pytest.raises(DataError, match="holds no bars of 1day; it holds nothing yet"):
        store.tape(None, "1day")
    store.write("1day", _bars([_DAY], ["A"], [1.0]), _FILE)
    with pytest.raises(DataError, match="holds no bars of 1min; it holds 1day"):
        store.tape(None, "1min")
    with pytest.raises(DataError, match="no bars of 1day for B"):
        store.tape(["A", "B"], "1day")
    with pytest.raises(UsageError, match="is not a bar length"):
        store.write("7 parsecs", _bars([_DAY], ["A"], [1.0]), _FILE)
    with pytest.raises(DataError, match="need ts as timestamps in UTC"):
        store.write("1day", pa.table({"ts": ["x"], "symbol": ["A"], "close": [1.0]}), _FILE)
    with pytest.raises(DataError, match="need a symbol in every row"):
        store.write(
            "1day", pa.table({"ts": [1], "symbol": pa.array([None], pa.string()), "close": [1.0]}), _FILE
        )
    piece = store.root / store.manifest.bars["1day"][0].file
    content = piece.read_bytes()
    piece.write_bytes(content[:4] + bytes(len(content) // 2) + content[4 + len(content) // 2 :])
    with pytest.raises(
        DataError, match=r"\.parquet of the history in .* is damaged: .* another history\.root"
    ):
        store.tape(None, "1day")
    piece.unlink()
    for asks in (
        lambda: store.tape(None, "1day"),
        lambda: store.write("1day", _bars([_DAY], ["A"], [2.0]), _FILE),
    ):
        with pytest.raises(DataError, match=r"lacks the file .*\.parquet"):
            asks()
    (store.root / "manifest.json").write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json in .* is damaged"):
        store.symbols("1day")


def test_only_what_the_store_made_is_ever_removed(tmp_path: Path) -> None:
    """Somebody's own files under the same folder stay, whatever they are called."""
    store = _store(tmp_path)
    own = [
        store.root / name
        for name in ("prices.parquet", "1day/mine.parquet", "point_in_time/cpi.parquet", "tables/x.json")
    ]
    stray = [store.root / name for name in ("1day/2020/00000099.parquet", "aside/1min/all/00000098.parquet")]
    for path in (*own, *stray):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    store.write("1day", _bars([_DAY], ["A"], [1.0]), _FILE)
    assert all(path.exists() for path in own)
    assert not any(path.exists() for path in stray)


def test_a_reader_whose_files_were_replaced_meanwhile_asks_again(tmp_path: Path) -> None:
    store = _store(tmp_path)
    for day in range(1, 9):
        store.write("1day", _bars([day * _DAY], ["A"], [float(day)]), _FILE)
    seen: list[int] = []

    def slow(manifest: Manifest) -> float:
        """Reads what it was told to, after two writes that joined and removed the pieces it knows."""
        seen.append(manifest.seq)
        if len(seen) == 1:
            store.write("1day", _bars([20 * _DAY], ["A"], [20.0]), _FILE)
            store.write("1day", _bars([21 * _DAY], ["A"], [21.0]), _FILE)
        close = taping.tape(store.root, manifest, None, "1day", (None, None), Adjusting()).close
        return float(close[-1, 0])

    assert store.consistently(slow) == 21.0
    assert len(seen) == 2


def test_an_error_inside_a_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.write("1day", _bars([_DAY], ["A"], [1.0]), _FILE)
    before = store.manifest

    def interrupted() -> None:
        with store.transaction() as transaction:
            transaction.add("1day", _bars([2 * _DAY], ["A"], [2.0]), _FILE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.manifest == before
    assert len(list(store.root.rglob("*.parquet"))) == 1


_KILLED_WRITERS = """
import os, signal, sys
from pathlib import Path
import pyarrow as pa
from pyarrow import compute, parquet
from tuiconsole.market.history import store
from tuiconsole.market.history.records import Provenance

day = 86_400_000_000_000

def write(root, ts, symbols, close):
    bars = pa.table({"ts": ts, "symbol": symbols, "close": close})
    store.HistoryStore(root).write("1day", bars, Provenance("test"))

def killed_at(step, root):
    write(root, [day], ["A"], [1.0])
    left = step
    def durable(call):
        def dying(*arguments):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)
        return dying
    os.fsync = durable(os.fsync)
    Path.replace = durable(Path.replace)
    write(root, [day, 5000 * day, 9000 * day], ["A", "A", "B"], [2.0, 2.0, 2.0])

for step in range(1, 40):
    child = os.fork()
    if not child:
        killed_at(step, Path(sys.argv[1]) / str(step))
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        sys.exit(0)
sys.exit(1)
"""


@pytest.mark.system
def test_a_write_killed_at_any_step_leaves_the_old_or_the_new_state(tmp_path: Path) -> None:
    """SIGKILL before every step that makes something durable; the next write finishes the work and tidies up."""
    subprocess.run([sys.executable, "-c", _KILLED_WRITERS, tmp_path], check=True, timeout=100)
    seen: list[str] = []
    for root in sorted(tmp_path.iterdir(), key=lambda path: int(path.name)):
        store = HistoryStore(root, EventClock(parse_iso("2100-01-01")))
        close = store.tape(None, "1day").close
        seen.append("old" if close.tolist() == [[1.0]] else "new")
        if seen[-1] == "new":
            np.testing.assert_array_equal(close, [[2, np.nan], [2, np.nan], [np.nan, 2]])
        store.write("1day", _bars([3 * _DAY], ["A"], [3.0]), _FILE)
        on_disk = {path.relative_to(root).as_posix() for path in root.rglob("*.parquet")}
        assert on_disk == load_manifest(root).files()
    assert 5 <= seen.count("old") < len(seen)
    assert seen == sorted(seen, reverse=True)


_PRICE = st.floats(0.01, 1e6, allow_subnormal=False)
_VOLUME = st.floats(1e-3, 1e12) | st.sampled_from([0.0, float("nan")])


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(0, 20_000), st.sampled_from(["A", "BB", "BRK.B", "ΔX"]), _PRICE, _VOLUME),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 4),
)
def test_what_is_written_in_any_parts_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, float, float]], parts: int
) -> None:
    store = HistoryStore(tmp_path_factory.mktemp("history"), EventClock(parse_iso("2100-01-01")))
    expected: dict[tuple[int, str], tuple[float, float]] = {}
    size = -(-len(rows) // parts)
    for at in range(0, len(rows), size):
        some = rows[at : at + size]
        days, names, close, volume = (list(column) for column in zip(*some, strict=True))
        store.write("1day", _bars([d * _DAY for d in days], names, close, volume=volume), _FILE)
        expected |= {(d * _DAY, name): (c, v) for d, name, c, v in some}
    tape = store.tape(None, "1day")
    assert tape.volume is not None
    found = {
        (int(tape.ts[i]), name): (float(tape.close[i, k]), float(tape.volume[i, k]))
        for i in range(len(tape))
        for k, name in enumerate(tape.universe.symbols)
    }
    for key, (close, volume) in found.items():
        np.testing.assert_array_equal((close, volume), expected.get(key, (np.nan, np.nan)))
    assert set(expected) <= set(found)


def test_rows_later_than_now_are_put_aside_until_their_time(tmp_path: Path) -> None:
    clock = EventClock(2 * _DAY)
    store = HistoryStore(tmp_path, clock)
    bars = _bars([2 * _DAY, 3 * _DAY, 90_000 * _DAY], ["A", "A", "A"], [1.0, 2.0, 3.0])
    report = store.write("1day", bars, _FILE)
    assert (report.new, report.put_aside, report.last) == (1, 2, 2 * _DAY)
    assert report.flagged == {"later than the time of the import": 2}
    assert store.tape(None, "1day").close[:, 0].tolist() == [1.0]
    (held,) = store.inspect("1day")
    assert held.quarantined == {"later than the time of the import": 2}
    assert [row.ts for row in held.wrong_rows] == [3 * _DAY, 90_000 * _DAY]
    clock.advance_to(3 * _DAY)
    assert (store.write("1day", bars, _FILE).new, len(store.tape(None, "1day"))) == (1, 2)
    (held,) = store.inspect("1day")
    assert held.quarantined == {"later than the time of the import": 1}


def test_rows_that_are_all_later_than_now_make_no_bars(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path, EventClock(0))
    report = store.write("1day", _bars([2 * _DAY, _DAY], ["A", "B"], [1.0, 2.0]), _FILE)
    assert (report.new, report.put_aside) == (0, 2)
    assert store.symbols("1day") == ()
    rows = store.query("SELECT symbol, flags FROM aside_1day ORDER BY symbol").to_pylist()
    assert rows == [{"symbol": "A", "flags": 64}, {"symbol": "B", "flags": 64}]
