"""Files and functions stay short, and every room says what it is for."""

from pathlib import Path

from tools.check_shape import (
    MAX_FILE_LINES,
    MAX_FUNCTION_LINES,
    REPOSITORY,
    check_length,
    check_packages,
    check_repository,
)


def function_of(lines: int, docstring: str = "") -> str:
    return "\n".join(
        ["async def run():", *([f'    """{docstring}"""'] if docstring else []), *["    x = 1"] * (lines - 1)]
    )


def test_a_function_at_the_limit_is_fine_and_one_line_more_is_not() -> None:
    assert list(check_length(function_of(MAX_FUNCTION_LINES), "a.py")) == []
    [complaint] = check_length(function_of(MAX_FUNCTION_LINES + 1), "a.py")
    assert complaint.startswith("a.py:1: run has 71 lines")


def test_a_docstring_does_not_count() -> None:
    assert list(check_length(function_of(MAX_FUNCTION_LINES, "One\n\n    two.\n    "), "a.py")) == []


def test_a_file_at_the_limit_is_fine_and_one_line_more_is_not() -> None:
    assert list(check_length("x = 1\n" * MAX_FILE_LINES, "a.py")) == []
    [complaint] = check_length("x = 1\n" * (MAX_FILE_LINES + 1), "a.py")
    assert complaint.startswith("a.py: 601 lines")


def test_a_room_must_say_what_it_is_for(tmp_path: Path) -> None:
    for name, source in {"good": '"""Bars enter."""', "silent": "", "bare": None}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "module.py").touch()
        if source is not None:
            (tmp_path / name / "__init__.py").write_text(source)
    bare, silent = check_packages(tmp_path)
    assert "no __init__.py" in bare
    assert "no docstring" in silent


def test_the_real_repository_is_in_shape() -> None:
    assert check_repository(REPOSITORY) == []
