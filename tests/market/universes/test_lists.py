"""Symbol lists: what a file says becomes instruments and membership; mistakes are told by line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tuiconsole.domain.errors import DataError, UsageError
from tuiconsole.domain.instruments import AssetClass, Universe
from tuiconsole.market.universes.instruments import instrument_of, members, retold, told, universe_of
from tuiconsole.market.universes.lists import find_list, packaged_lists, read_list


def _day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def _list(folder: Path, text: str, name: str = "mine") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_packaged_lists_are_whole_and_of_one_currency_each() -> None:
    found = packaged_lists()
    assert {"us_top", "us_sectors", "us_etfs", "us_indices", "tsx_60", "tsx_venture", "crypto", "fx"} == set(
        found
    )
    assert len(found["us_top"].rows) > 95
    assert len(found["us_sectors"].rows) == 11
    for one in found.values():
        universe = universe_of(one.symbols, one)
        assert len({item.currency.code for item in universe.instruments}) == 1
        assert one.as_of
        assert "survivorship-biased" in " ".join(one.notes)
        assert len(set(one.symbols)) == len(one.symbols)
    kinds = {name: {i.asset_class for i in universe_of(found[name].symbols).instruments} for name in found}
    assert kinds["us_etfs"] == {AssetClass.ETF}
    assert kinds["us_indices"] == {AssetClass.INDEX}
    assert kinds["crypto"] == {AssetClass.CRYPTO}
    assert kinds["fx"] == {AssetClass.FX}
    toronto = universe_of(found["tsx_60"].symbols).instruments
    assert {(one.venue, one.currency.code) for one in toronto} == {("XTSE", "CAD")}


def test_a_stored_list_comes_before_a_file_and_a_file_before_a_packaged_one(tmp_path: Path) -> None:
    _list(tmp_path, "symbol,sector\nAAA,Mine\n", "us_top")
    assert find_list("us_top", {"us_top": ("ZZZ", "AAA")}, tmp_path).symbols == ("ZZZ", "AAA")
    assert find_list("us_top", {"us_top": ("ZZZ", "AAA")}, tmp_path).by_symbol["AAA"].sector == "Mine"
    assert find_list("us_top", {}, tmp_path).symbols == ("AAA",)
    assert "MSFT" in find_list("us_top", {}, None).symbols
    named = find_list("spy,  qqq,spy", {}, tmp_path)
    assert (named.symbols, named.origin) == (("SPY", "QQQ"), "named")
    with pytest.raises(UsageError, match="names no list") as caught:
        find_list("us_topp", {}, tmp_path)
    assert "us_top?" in (caught.value.remedy or "")


def test_rows_become_instruments_and_what_is_left_out_is_known(tmp_path: Path) -> None:
    path = _list(
        tmp_path,
        "# Some.\n# as of: 2024-06-30\nSymbol,category,sector,calendar,currency\nbrk-b,,,,\nXYZ,ETF,Gold,XLON,GBP\n",
    )
    found = read_list(path)
    assert (found.symbols, found.as_of, found.notes) == (("BRK.B", "XYZ"), "2024-06-30", ("Some.",))
    one = instrument_of("XYZ", found.by_symbol["XYZ"])
    assert (one.asset_class, one.venue, one.currency.code, one.sector) == (
        AssetClass.ETF,
        "XLON",
        "GBP",
        "Gold",
    )
    other = instrument_of("BRK.B", found.by_symbol["BRK.B"])
    assert (other.venue, other.currency.code, other.sector) == ("XNYS", "USD", "Financials")
    coin = instrument_of("BTC-USD")
    assert (coin.venue, coin.quantity_scale) == ("24/7", 10_000)
    with pytest.raises(UsageError, match=r"one currency, but BRK\.B is in USD and XYZ in GBP"):
        universe_of(found.symbols, found)


def test_what_is_told_of_instruments_makes_them_again() -> None:
    universe = universe_of(("SPY", "AAPL", "BTC-USD", "UNKNOWN", "EUR-USD"))
    assert retold(universe.symbols, told(universe)) == universe
    assert told(Universe.of(("AAA", "BBB"))) == ()
    assert [row[0] for row in told(universe)] == ["SPY", "BTC-USD", "EUR-USD"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name\nApple\n", r"mine.csv, line 1: no column symbol"),
        ("symbol\n", "names no symbol"),
        ("symbol,category\nAAA,core\nBBB,junk\n", r"line 3: no category 'junk'"),
        ("# x\n\nsymbol,from\nAAA,2020-13-01\n", r"line 4: '2020-13-01' is not a date"),
        ("symbol,from,to\nAAA,2020-01-02,2019-01-02\n", r"line 2: AAA leaves before it joins"),
        ("symbol\nAAA\nAAA\n", r"line 3: AAA is listed twice"),
        ("symbol,from,to\nAAA,2019-01-02,2020-01-02\nAAA,2020-01-02,\n", r"line 3: stretches of AAA overlap"),
        ("symbol\nA B\n", r"'A B' is no symbol"),
    ],
)
def test_mistakes_are_told_by_line(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        read_list(_list(tmp_path, text))


def test_membership_is_a_mask_over_sessions(tmp_path: Path) -> None:
    path = _list(
        tmp_path,
        "symbol,from,to\nAAA,,2020-01-03\nBBB,2020-01-02,2020-01-02\nBBB,2020-01-06,\nCCC,,\n",
    )
    found = read_list(path)
    days = np.array([_day(f"2020-01-0{d}") for d in (1, 2, 3, 6)])
    mask = members(found, ("AAA", "BBB", "CCC"), days)
    assert mask is not None
    assert mask.T.astype(int).tolist() == [[1, 1, 1, 0], [0, 1, 0, 1], [1, 1, 1, 1]]
    assert "no" not in found.survivorship.split()[:4]
    assert "says when each symbol belonged" in found.survivorship
    plain = read_list(_list(tmp_path, "symbol\nAAA\n", "plain"))
    assert members(plain, ("AAA",), days) is None
    assert "survivorship-biased" in plain.survivorship
