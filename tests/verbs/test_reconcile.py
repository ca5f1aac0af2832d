"""The verb reconcile: executions of the store against a statement, and what is refused in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_protection import grown
from tests.engine.test_terms_told import stored
from tuiconsole.cli import main
from tuiconsole.domain.errors import DataError
from tuiconsole.store.readers import executions
from tuiconsole.verbs.reconciling import account_text, read_statement

HEADER = "trade_id,client_order_id,ticker,side,qty,price,commission"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    driven = grown(3.0)
    driven.bars(10)
    return stored(driven, tmp_path_factory.mktemp("desk"))


def statement(state: Path, change: Any = lambda lines: lines) -> Path:
    lines = [
        f"{execution},{order},{symbol},{'buy' if quantity > 0 else 'sell'},{abs(quantity)},{price / 1e6},{fee / 1e8}"
        for order, symbol, quantity, price, fee, execution in executions(state)
    ]
    path = state.parent / "statement.csv"
    path.write_text("\n".join([HEADER, *change(lines)]) + "\n", encoding="utf-8")
    return path


def run(state: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["reconcile", "--state", str(state), "--json", *words])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, found


def test_a_statement_that_agrees(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, body = run(desk, capsys, "--trades", str(statement(desk, lambda lines: lines[::-1])))
    assert (code, body["agrees"], body["matched"]) == (0, True, len(executions(desk)))
    assert main(["reconcile", "--state", str(desk), "--trades", str(statement(desk))]) == 0
    assert "executions agree, 0 differ" in capsys.readouterr().out


def test_a_statement_that_differs(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def change(lines: list[str]) -> list[str]:
        wrong = lines[0].rsplit(",", 1)[0] + ",99"
        return [wrong, *lines[2:], "x-99,,A,sell,5,90,"]

    code, body = run(desk, capsys, "--trades", str(statement(desk, change)))
    assert (code, body["agrees"]) == (1, False)
    assert [row["what"] for row in body["differing"]] == [["fee"]]
    assert len(body["only_ours"]) == 1
    assert [row["quantity"] for row in body["only_theirs"]] == ["-5"]
    assert main(["reconcile", "--state", str(desk), "--trades", str(statement(desk, change))]) == 1
    assert "there alone: A -5 at 90" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b\n1,2\n", "has no column for symbol, quantity, price"),
        ("", "has no column for symbol, quantity, price"),
        ("symbol,quantity,price\nA,ten,5\n", "Line 2 of wrong.csv holds what is no number"),
    ],
)
def test_statements_that_cannot_be_read(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=sentence):
        read_statement(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_statement(tmp_path / "nothing.csv")


def test_one_thing_at_a_time_and_with_a_reason(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reconcile", "--state", str(desk), "--adopt", "--ignore"]) == 2
    assert main(["reconcile", "--state", str(desk), "--adopt"]) == 2
    assert "needs a reason" in capsys.readouterr().err


def test_differences_in_words() -> None:
    assert account_text({"agrees": True, "state": "running", "differences": []}).endswith(
        "The desk is running."
    )
    told = account_text(
        {"agrees": False, "state": "paused", "differences": [{"kind": "cash", "text": "Cash: 1 here."}]}
    )
    assert "1 differences; the desk is paused." in told
    assert "  Cash: 1 here." in told
