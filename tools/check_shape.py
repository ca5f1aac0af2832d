"""Find what is too long to read, and rooms that do not say what they are for.

A file has at most 600 lines and a function at most 70, its docstring not counted. Every package has an
``__init__.py`` that says in its docstring what the room is.

Run ``python tools/check_shape.py``; it reads ``src``, ``tests``, ``tools`` and ``benchmarks``.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "tests", "tools", "benchmarks")
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 70


def check_length(source: str, shown_as: str) -> Iterator[str]:
    """Yield a sentence for the file and for each function in it that is too long."""
    lines = len(source.splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{shown_as}: {lines} lines, at most {MAX_FILE_LINES} are readable: split it"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = function_lines(node)
            if length > MAX_FUNCTION_LINES:
                yield (
                    f"{shown_as}:{node.lineno}: {node.name} has {length} lines, "
                    f"at most {MAX_FUNCTION_LINES} are readable: split it"
                )


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines from ``def`` to the last statement, without the docstring."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        docstring = node.body[0]
        length -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return length


def check_packages(root: Path) -> Iterator[str]:
    """Yield a sentence for each folder of modules under ``root`` that is no package or has no docstring."""
    for folder in sorted({path.parent for path in root.rglob("*.py")}):
        init = folder / "__init__.py"
        if not init.is_file():
            yield f"{folder}: has modules but no __init__.py"
        elif not (ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or "").strip():
            yield f"{init}: has no docstring that says what enters the room and what leaves it"


def check_repository(repository: Path) -> list[str]:
    """Check every Python file of the repository, and every package under ``src``."""
    found = list(check_packages(repository / "src" / "tuiconsole"))
    for folder in FOLDERS:
        for path in sorted((repository / folder).rglob("*.py")):
            source = path.read_text(encoding="utf-8")
            found.extend(check_length(source, path.relative_to(repository).as_posix()))
    return found


def main() -> int:
    """Print what is wrong; 0 when nothing is."""
    complaints = check_repository(REPOSITORY)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
