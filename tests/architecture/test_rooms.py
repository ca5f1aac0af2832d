"""The room table holds for the real source, and would be red if it did not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.rooms_contract import read_table

REPOSITORY = Path(__file__).resolve().parents[2]

CONFIGURATION = """
[tool.importlinter]
root_package = "house"
contract_types = ["rooms: tools.rooms_contract.RoomsContract"]

[[tool.importlinter.contracts]]
name = "rooms"
type = "rooms"
allowed = ["domain:", "market: domain", "features: domain market.panel", "cli: *", "later: domain"]
"""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter in ``folder``, with this repository's ``tools`` in reach."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports; exit(lint_imports(no_cache=True))",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(REPOSITORY)]), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def build_house(folder: Path, modules: dict[str, str]) -> None:
    (folder / "pyproject.toml").write_text(CONFIGURATION)
    empty = {f"{room}/__init__": "" for room in ("domain", "market", "features")}
    panel = {"__init__": "", "cli": "from house.market import feeds", "market/panel": "", "market/feeds": ""}
    for name, source in {**empty, **panel, **modules}.items():
        path = folder / "house" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def test_the_real_rooms_keep_to_the_table() -> None:
    result = lint_imports(REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr


def test_imports_on_the_table_are_kept(tmp_path: Path) -> None:
    build_house(
        tmp_path,
        {
            "market/feeds": "from house import domain\nfrom house.market import panel",
            "features/bank": "from house.market.panel import __name__ as name\nimport house",
        },
    )
    result = lint_imports(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("domain/money", "from house.market import panel", "house.domain.money imports house.market.panel"),
        (
            "features/bank",
            "\nimport house.market.feeds",
            "house.features.bank imports house.market.feeds (line 2)",
        ),
        (
            "market/late",
            "def run():\n    from house import cli",
            "house.market.late imports house.cli (line 2)",
        ),
        ("__init__", "from house.domain import __name__", "house imports house.domain"),
        ("attic/__init__", "", "the room 'attic' has no line"),
    ],
)
def test_imports_off_the_table_break_the_contract(
    tmp_path: Path, module: str, source: str, complaint: str
) -> None:
    build_house(tmp_path, {module: source})
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    assert complaint in " ".join(result.stdout.split())


@pytest.mark.parametrize("lines", [["domain"], [": domain"], ["ui: domain", "ui: protocol"]])
def test_a_table_that_cannot_be_read_is_refused(lines: list[str]) -> None:
    with pytest.raises(ValueError, match="one 'room: names' line per room"):
        read_table(lines)
