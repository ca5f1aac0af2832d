"""The verb data pull, from the command line to the store, against vendors on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import stamina

from tests.market.providers.rig import adjusted_days, chart, yahoo_answers
from tests.market.providers.vendor_server import Asked, Reply, Vendor
from tuiconsole.cli import main
from tuiconsole.domain.clock import NANOSECONDS_PER_DAY, WallClock, iso, parse_iso
from tuiconsole.domain.context import MACRO_SERIES
from tuiconsole.engine.build import load_tape
from tuiconsole.market.history.records import Provenance
from tuiconsole.market.history.store import HistoryStore
from tuiconsole.market.point_in_time_store import PointInTimeStore
from tuiconsole.verbs import pull
from tuiconsole.verbs.common import Place

DAYS = ("2024-01-02", "2024-01-03", "2024-01-04")
KEY = "SECRETKEY123"
RANGE = ("--start", "2024-01-01", "--end", "2024-01-05")


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    made = Vendor(lambda _: Reply({}, 404))
    yield made
    made.close()


@pytest.fixture
def place(vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a configuration whose vendors are on loopback."""
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("ALPHAVANTAGE_API_KEY", "ALPHAVANTAGE_API_KEYS", "APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config.toml").write_text(
        f'[providers]\nyahoo_url = "{vendor.url}"\nalpha_vantage_url = "{vendor.url}/query"\nrotation_s = 0.0\n'
        "free_per_minute = 0\nwait_initial_s = 0.0\nwait_max_s = 0.0\n"
    )
    with stamina.set_testing(True, attempts=2, cap=True):
        yield tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    found = main(["data", *words, "--json"])
    out, err = capsys.readouterr()
    assert (found, out.count("\n"), err) == (code, 1, ""), out
    body: dict[str, Any] = json.loads(out)
    return body


def charts(*symbols: str) -> Callable[[Asked], Reply]:
    answers: Callable[[Asked], Reply] = yahoo_answers(
        {s: chart(s, DAYS, (10.0, 20.0, 5.0), splits=(("2024-01-04", 4.0, 1.0),)) for s in symbols}
    )
    return answers


def test_bars_come_into_the_store_once(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    vendor.answer = charts("AAPL", "BRK-B")
    body = run(capsys, "pull", "aapl,brk-b", *RANGE)
    assert (body["symbols"], body["stored"], body["left"], body["new"]) == (["AAPL", "BRK.B"], 2, 0, 6)
    assert body["by_provider"] == {"yahoo": 2}
    tape = HistoryStore(place / "history").tape(["BRK.B"], "1day", adjusted=False)
    assert tape.close[:, 0].tolist() == [40.0, 80.0, 5.0]
    assert iso(int(tape.ts[0])) == "2024-01-02T21:00:00Z"
    assert body["actions"] == 2
    adjusted = HistoryStore(place / "history").tape(["BRK.B"], "1day")
    assert adjusted.close[:, 0].tolist() == [10.0, 20.0, 5.0]
    asked = len(vendor.asked)
    again = run(capsys, "pull", "AAPL", "BRK.B", *RANGE)
    assert (again["already"], again["pieces"], len(vendor.asked)) == (2, 0, asked)
    assert main(["data", "pull", "AAPL", *RANGE]) == 0
    out, err = capsys.readouterr()
    assert "bars of 1day, 2024-01-01 to 2024-01-05" in out
    assert "1 symbols were complete" in out
    assert err == ""


def test_the_second_vendor_fills_in_and_a_stranger_is_named(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", KEY)
    yahoo = charts("AAPL")

    def answer(asked: Asked) -> Reply:
        if asked.path != "/query":
            return yahoo(asked)
        if asked.params["symbol"] != "B":
            return Reply({"Error Message": "Invalid API call."})
        return Reply(adjusted_days(dict.fromkeys(DAYS, (7.0, 0.0, 1.0))))

    vendor.answer = answer
    body = run(capsys, "pull", "AAPL", "B", "NOSUCH", *RANGE, code=1)
    assert body["by_provider"] == {"yahoo": 1, "alpha_vantage": 1}
    (fault,) = body["faults"]
    assert (fault["symbol"], fault["kind"], fault["provider"]) == ("NOSUCH", "not found", "alpha_vantage")
    assert body["sentence"].startswith("2 of 3 pieces are stored and stay so, 1 are left (NOSUCH)")
    assert HistoryStore(place / "history").symbols("1day") == ("AAPL", "B")


def test_the_end_of_a_quota_is_one_sentence(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "keys.toml").write_text(f'[[alpha_vantage]]\nkey = "{KEY}"\nper_day = 2\n')
    (place / "keys.toml").chmod(0o600)
    vendor.answer = lambda _: Reply(adjusted_days(dict.fromkeys(DAYS, (7.0, 0.0, 1.0))))
    code = main(["data", "pull", "A", "B", "C", *RANGE, "--provider", "alpha_vantage"])
    text = capsys.readouterr().out
    assert code == 1
    last = " ".join(text.partition("The vendors take")[2].split())
    assert last.startswith("no more requests: 2 of 3 pieces are stored and stay so, 1 are left (C)")
    assert "run the same command again after 20" in last
    assert KEY not in text
    assert KEY not in "".join(p.read_text(errors="replace") for p in place.rglob("*.json*"))


def test_a_key_file_open_to_others_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "keys.toml").write_text(f'[[alpha_vantage]]\nkey = "{KEY}"\n')
    (place / "keys.toml").chmod(0o644)
    assert main(["data", "pull", "A"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "chmod 600" in err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pull"], "no symbol is named"),
        (["pull", "A", "--what", "gossip"], "names nothing that can be pulled"),
        (["pull", "A", "--interval", "2h"], "no bars of 2h"),
        (["pull", "A", "--start", "soon"], "--start 'soon' is not an ISO date"),
        (["pull", "A", "--start", "2024-02-01", "--end", "2024-01-01"], "is empty"),
        (["pull", "A", "--provider", "bloomberg"], "Unknown vendor 'bloomberg'"),
        (["pull", "A", "--what", "transcripts"], "by fiscal quarter"),
        (["known", "--as-of", "then"], "--as-of 'then' is not an ISO date"),
        (["import-macro", "nothing.csv"], "cannot be read"),
    ],
)
def test_wrong_words_are_one_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["data", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert sentence in err


BALANCE = {"totalShareholderEquity": "200", "shortLongTermDebtTotal": "50", "totalAssets": "None"}
QUARTERS = [
    ("2023-03-31", "2023-05-04"),
    ("2023-06-30", "2023-08-03"),
    ("2023-09-30", "2023-11-02"),
    ("2023-12-31", "2024-02-01"),
]
FACTS: dict[str, dict[str, Any]] = {
    "EARNINGS": {
        "quarterlyEarnings": [
            {
                "fiscalDateEnding": end,
                "reportedDate": day,
                "reportedEPS": "2.5",
                "estimatedEPS": "2.0",
                "surprisePercentage": "25",
                "reportTime": "pre-market" if day == "2024-02-01" else "post-market",
            }
            for end, day in QUARTERS
        ]
    },
    "BALANCE_SHEET": {
        "annualReports": [{"fiscalDateEnding": "2023-12-31"} | BALANCE],
        "quarterlyReports": [{"fiscalDateEnding": end} | BALANCE for end, _ in QUARTERS],
    },
    "INCOME_STATEMENT": {
        "annualReports": [{"fiscalDateEnding": "2023-12-31", "netIncome": "40"}],
        "quarterlyReports": [{"fiscalDateEnding": end, "netIncome": "10"} for end, _ in QUARTERS],
    },
    "OVERVIEW": {"Symbol": "A", "PERatio": "28.1", "Beta": "-"},
    "INSIDER_TRANSACTIONS": {
        "data": [
            {
                "transaction_date": "2024-01-05",
                "ticker": "A",
                "acquisition_or_disposal": "A",
                "shares": "100",
                "share_price": "3",
            },
            {
                "transaction_date": "2024-01-05",
                "ticker": "A",
                "acquisition_or_disposal": "D",
                "shares": "40",
                "share_price": "",
            },
        ]
    },
    "TOP_GAINERS_LOSERS": {
        "last_updated": "2024-01-05 16:15:59 US/Eastern",
        "top_gainers": [{"ticker": "AB"}, {"ticker": "A"}],
        "top_losers": [],
        "most_actively_traded": [{"ticker": "A"}],
    },
    "NEWS_SENTIMENT": {
        "feed": [
            {
                "title": "Good news",
                "url": "u1",
                "time_published": "20240104T153000",
                "summary": "s",
                "source": "Wire",
                "ticker_sentiment": [
                    {"ticker": "A", "relevance_score": "0.9", "ticker_sentiment_score": "0.6"},
                    {"ticker": "CRYPTO:BTC", "relevance_score": "0.1", "ticker_sentiment_score": "-0.2"},
                ],
            }
        ]
    },
    "EARNINGS_CALL_TRANSCRIPT": {
        "transcript": [{"speaker": "Jo", "title": "CEO", "content": "Well.", "sentiment": "0.5"}]
    },
}


def facts(asked: Asked) -> Reply:
    found = FACTS.get(asked.params["function"])
    if found is not None:
        return Reply(found)
    rows = [{"date": "2024-01-01", "value": "3.7"}, {"date": "2023-12-01", "value": "."}]
    return Reply({"name": "x", "data": rows})


def test_everything_that_is_no_bars(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row counts from its release: a stated time, a stated day's end, a lag, or its retrieval."""
    monkeypatch.setenv("ALPHAVANTAGE_API_KEYS", f"premium_delayed:{KEY}")
    vendor.answer = facts
    what = "fundamentals,insider,macro,movers,news,transcripts"
    body = run(capsys, "pull", "A", *RANGE, "--what", what, "--quarter", "2024Q1")
    assert {topic: counts["new"] for topic, counts in body["facts"].items()} == {
        "fundamentals": 12 + 8 + 2 + 4 + 1 + 1,
        "insider": 2,
        "macro": 14,
        "movers": 3,
        "news": 2,
        "transcripts": 1,
    }
    assert all("entitlement" not in asked.params for asked in vendor.asked)
    store = PointInTimeStore(place / "history", WallClock())
    eps = store.series("fundamentals", "eps", "A")
    assert [iso(int(t)) for t in eps.release[-2:]] == ["2023-11-03T04:00:00Z", "2024-02-01T14:30:00Z"]
    net = store.series("insider", "insider_net_shares", "A")
    assert (net.value.tolist(), iso(int(net.release[0]))) == ([60.0], "2024-01-12T05:00:00Z")
    year = store.series("fundamentals", "equity", "A")
    assert iso(int(year.release[-1])) == "2024-03-31T04:00:00Z"
    again = run(capsys, "pull", "A", *RANGE, "--what", what, "--quarter", "2024Q1")
    assert all(counts["new"] == 0 for counts in again["facts"].values())

    known = run(capsys, "known", "A", "--as-of", "2024-02-01T14:29:59Z")
    assert "eps_ttm" not in known["companies"]["A"]["figures"]
    known = run(capsys, "known", "A", "--as-of", "2024-02-01T14:30:00Z")
    assert known["companies"]["A"]["figures"]["eps_ttm"] == 10.0
    known = run(capsys, "known", "A", "--as-of", "2024-01-05")
    assert known["companies"]["A"]["sentiment"] == pytest.approx(0.6)
    assert [one["title"] for one in known["companies"]["A"]["headlines"]] == ["Good news"]


def test_stored_macro_series_reach_the_tape_as_released(place: Path) -> None:
    """The desk that plays the history sees unemployment from the day after its release on, unless it is switched off."""
    (place / "m.csv").write_text("ts,series,value\n2024-01-01,UNRATE,3.7\n")
    assert main(["data", "import-macro", "m.csv"]) == 0
    sessions = [parse_iso(f"2024-02-{day}T21:00:00Z") for day in (14, 15, 16)]
    bars = pa.table({"ts": pa.array(sessions, pa.int64()), "symbol": ["A"] * 3, "close": [1.0] * 3})
    HistoryStore(place / "history").write("1day", bars, Provenance("test"))
    desk = Place.of(None, None, "history", None, None).config.desk
    macro = load_tape(desk).macro
    assert macro is not None
    seen = macro[:, MACRO_SERIES.index("unemployment")]
    np.testing.assert_array_equal(seen, [np.nan, np.nan, 3.7])
    assert load_tape(replace(desk, history=replace(desk.history, macro=False))).macro is None


def test_few_requests_a_day_get_on_every_day(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Companies never asked about come first, then those asked longest ago; news that is stored is not asked again."""
    keys = place / "keys.toml"
    keys.write_text(f'[[alpha_vantage]]\nkey = "{KEY}"\nper_day = 6\n')
    keys.chmod(0o600)
    vendor.answer = facts
    body = run(capsys, "pull", "A", "B", *RANGE, "--what", "fundamentals,news", code=1)
    assert "6 of 10 requests were answered and stay stored, 4 are left" in body["sentence"]
    assert [a.params.get("symbol") for a in vendor.asked] == ["A"] * 4 + ["B"] * 2
    keys.write_text(f'[[alpha_vantage]]\nkey = "{KEY}2"\nper_day = 6\n')
    assert run(capsys, "pull", "A", "B", *RANGE, "--what", "fundamentals,news")["sentence"] == ""
    asked = [(a.params["function"], a.params.get("symbol")) for a in vendor.asked[6:]]
    assert asked[:2] == [("INCOME_STATEMENT", "B"), ("OVERVIEW", "B")]
    assert [name for name, _ in asked[2:]] == ["NEWS_SENTIMENT"] * 2
    again = run(capsys, "pull", "A", "B", *RANGE, "--what", "fundamentals,news")
    assert (len(vendor.asked), again["facts"]["news"]["new"]) == (10, 0)
    shutil.rmtree(place / "XDG_CACHE_HOME")
    assert run(capsys, "pull", "A", "B", *RANGE, "--what", "news")["sentence"] == ""
    assert len(vendor.asked) == 10, "the journal knows, without any kept answer"


def test_the_doctor_tells_of_vendors_and_keys(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = place / "keys.toml"
    keys.write_text(
        f'[[alpha_vantage]]\nkey = "{KEY}"\n[[alpha_vantage]]\nkey = "p"\npurpose = "premium_delayed"\n'
    )
    keys.chmod(0o600)
    vendor.answer = facts
    run(capsys, "pull", "--what", "movers")

    def told() -> tuple[bool, str]:
        main(["doctor", "--json"])
        found = json.loads(capsys.readouterr().out)["checks"]
        one = next(check for check in found if check["name"] == "vendors")
        return one["ok"], one["detail"]

    every = "yahoo (no key needed), alpha_vantage, market_data key 1 of 25 today, premium_delayed key 0 today"
    assert told() == (True, every)
    keys.chmod(0o644)
    ok, detail = told()
    assert (ok, "chmod 600" in detail) == (False, True)


def test_without_the_clients_the_pull_says_what_to_install(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "_PACKAGES", ("httpx", "no_such_client"))
    assert main(["data", "pull", "A"]) == 2
    assert (
        "no_such_client, which is not installed. pip install 'tuiconsole[feeds]'" in capsys.readouterr().err
    )


def test_four_weeks_of_minutes_are_within_reach_by_default(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --start nothing is asked for that the first vendor no longer keeps; a piece is a week at most."""
    daily = charts("A")

    def answer(asked: Asked) -> Reply:
        if asked.params.get("interval") != "1m":
            return daily(asked)
        meta = chart("A")["chart"]["result"][0]["meta"]
        return Reply({"chart": {"result": [{"meta": meta, "indicators": {"quote": [{}]}}], "error": None}})

    vendor.answer = answer
    body = run(capsys, "pull", "A", "--interval", "1min")
    assert (body["left"], body["stored"], body["rows"]) == (0, 5, 0)
    spans = [
        int(a.params["period2"]) - int(a.params["period1"])
        for a in vendor.asked
        if a.params.get("interval") == "1m"
    ]
    assert len(spans) == 5
    daily_charts = [a for a in vendor.asked if a.params.get("interval") == "1d" and "period2" in a.params]
    assert len(daily_charts) == 1
    assert max(spans) <= 7 * 86_400 + 60


def test_actions_alone(place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str]) -> None:
    vendor.answer = charts("AAPL")
    body = run(capsys, "pull", "AAPL", *RANGE, "--what", "actions", "--interval", "5min")
    assert (body["actions"], body["new"]) == (1, 0)
    (split,) = HistoryStore(place / "history").actions()["AAPL"]
    assert (split.kind, split.value, iso(split.known)) == ("split", 4.0, "2024-01-04T05:00:00Z")
    assert run(capsys, "pull", "AAPL", *RANGE)["new"] == 3


def test_ratios_use_the_price_of_the_day(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", KEY)
    days = adjusted_days({"2024-04-01": (250.0, 0.0, 1.0), "2024-04-02": (999.0, 0.0, 1.0)})
    vendor.answer = lambda a: Reply(days) if a.params["function"].startswith("TIME") else facts(a)
    run(
        capsys,
        "pull",
        "A",
        "--start",
        "2024-04-01",
        "--end",
        "2024-04-03",
        "--provider",
        "alpha_vantage",
        "--what",
        "bars,fundamentals",
    )
    figures = run(capsys, "known", "A", "--as-of", "2024-04-02T12:00:00Z")["companies"]["A"]["figures"]
    assert figures["price_earnings"] == 25.0
    assert figures["return_on_equity"] == 0.2
    assert figures["debt_to_equity"] == 0.25
    assert main(["data", "known", "A", "--as-of", "2024-04-02T12:00:00Z"]) == 0
    assert "price earnings" in capsys.readouterr().out


def test_a_quota_in_the_middle_of_the_figures(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "keys.toml").write_text(f'[[alpha_vantage]]\nkey = "{KEY}"\nper_day = 3\n')
    (place / "keys.toml").chmod(0o600)
    vendor.answer = facts
    body = run(capsys, "pull", "--what", "macro", code=1)
    assert body["facts"]["macro"]["new"] == 3
    assert "3 of 14 requests were answered and stay stored, 11 are left" in body["sentence"]
    assert body["goes_on"] > iso(WallClock().now_ns())


def test_a_key_refused_for_one_topic_is_used_for_the_others(
    place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", KEY)
    premium = Reply({"Information": "This is a premium endpoint."})
    vendor.answer = lambda a: premium if a.params["function"] == "INSIDER_TRANSACTIONS" else facts(a)
    body = run(capsys, "pull", "A", "B", *RANGE, "--what", "insider,movers,news", code=1)
    assert [fault["kind"] for fault in body["faults"]] == ["authentication"]
    assert {topic: counts["new"] for topic, counts in body["facts"].items()} == {
        "insider": 0,
        "movers": 3,
        "news": 2,
    }
    assert body["sentence"].endswith("Alpha Vantage gives this to premium keys only.")


def test_old_answers_are_forgotten(place: Path, vendor: Vendor, capsys: pytest.CaptureFixture[str]) -> None:
    vendor.answer = charts("A")
    run(capsys, "pull", "A", *RANGE)
    (kept,) = place.rglob("*.json.gz")
    for days, left in ((29, 1), (31, 0)):
        os.utime(kept, ns=(0, WallClock().now_ns() - days * NANOSECONDS_PER_DAY))
        run(capsys, "pull", "A", *RANGE)
        assert len(list(place.rglob("*.json.gz"))) == left


def test_macro_of_a_file_and_of_events(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "m.csv").write_text("ts,series,value\n2008-08-01,UNRATE,6.1\n")
    body = run(capsys, "import-macro", "m.csv")
    assert (body["new"], body["release_times"]["UNRATE"][:11]) == (1, "lag 45 days")
    known = run(capsys, "known", "--as-of", "2008-09-20")
    assert known["macro"] == {"unemployment": 6.1}
    assert known["macro_released"] == {"unemployment": "2008-09-16T04:00:00Z"}
    assert "Lehman Brothers files for bankruptcy" in [event["title"] for event in known["events"]]
    assert run(capsys, "known", "--as-of", "2008-09-15")["macro"] == {}
    assert main(["data", "import-macro", "m.csv"]) == 0
    assert main(["data", "known", "--as-of", "2008-09-20"]) == 0
    assert "6.1   since 2008-09-16" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_pull_goes_on_where_it_was(place: Path, vendor: Vendor, number: signal.Signals) -> None:
    """Stopped while the third symbol is on its way: the next run asks for no finished one again."""
    good = charts("A", "B", "C")
    waiting = threading.Event()

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/chart/C") and not waiting.is_set():
            waiting.set()
            return Reply(hangs=True)
        return good(asked)

    vendor.answer = answer
    command = [sys.executable, "-m", "tuiconsole", "data", "pull", "A", "B", "C", *RANGE, "--json"]
    process = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert waiting.wait(60)
    os.kill(process.pid, number)
    said, _ = process.communicate(timeout=60)
    if number == signal.SIGINT:
        sentence = "Interrupted: 6 bars of finished pieces are stored. The same command goes on where it was."
        assert (process.returncode, json.loads(said)) == (130, {"error": sentence})
    vendor.released.set()
    before = len(vendor.asked)
    finished = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False, timeout=60)
    assert (finished.returncode, finished.stderr) == (0, "")
    body = json.loads(finished.stdout)
    assert (body["left"], body["new"]) == (0, 9 if number == signal.SIGKILL else 3)
    ranged = [asked.path for asked in vendor.asked[before:] if "period2" in asked.params]
    assert ranged == ["/v8/finance/chart/C"]
    closes = HistoryStore(place / "history").tape(["A", "B", "C"], "1day", adjusted=False).close
    np.testing.assert_array_equal(closes, np.array([[40.0] * 3, [80.0] * 3, [5.0] * 3]))
