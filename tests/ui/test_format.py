"""Forms: numbers, signs, ages, and text from outside."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuiconsole.ui import format as fmt


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        ("money", 103412.549, "103,412.55"),
        ("money_signed", -0.001, "0.00"),
        ("money_signed", 432.1, "+432.10"),
        ("money0", 20000.4, "20,000"),
        ("price", 0.12345, "0.1235"),
        ("price", 12.345, "12.35"),
        ("quantity", -1200.0, "-1,200"),
        ("quantity", 0.25, "0.25"),
        ("percent1", 0.0815, "8.2"),
        ("percent2_signed", -0.0042, "-0.42"),
        ("age", 0.31, "0.3 s"),
        ("age", 3700.0, "62 min"),
        ("age", 9000.0, "2.5 h"),
        ("milliseconds", 3.14, "3.1 ms"),
        ("milliseconds", 123.4, "123 ms"),
        ("speed", 0, "max speed"),
        ("clock", "2008-09-15T14:30:00Z", "2008-09-15 14:30:00"),
        ("order_state", "PARTIALLY_FILLED", "part fill"),
        ("check", True, "[x]"),
        ("number", 12.0, "12"),
    ],
)
def test_form(form: str, value: object, text: str) -> None:
    assert fmt.FORMS[form](value) == text


@pytest.mark.parametrize(
    "form", ["money", "money_signed", "price", "quantity", "percent1", "percent2_signed", "age"]
)
@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_unknown_numbers_are_a_dash(form: str, value: float | None) -> None:
    assert fmt.FORMS[form](value) == fmt.MISSING


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_text_from_outside_can_command_nothing(text: str) -> None:
    shown = fmt.plain(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
