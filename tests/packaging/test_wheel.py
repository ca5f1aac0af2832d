"""A wheel carries themes and the default configuration; an editable install reads the repository's own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
THEMES = ("colourblind", "dark", "light", "mono")
ASK = """
from pathlib import Path
import tuiconsole
from tuiconsole.ui.themes import load_theme, theme_files
print(Path(tuiconsole.__file__).parent)
for name, place in sorted(theme_files(None).items()):
    print(name, load_theme(name, None).name, place)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def ask(path: Path | None, cwd: Path) -> list[str]:
    command = [
        sys.executable,
        "-c",
        ASK if path is None else f"import sys; sys.path.insert(0, {str(path)!r})\n{ASK}",
    ]
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_wheel_finds_its_own_themes(unpacked: Path, tmp_path: Path) -> None:
    where, *themes = ask(unpacked, tmp_path)
    assert where == str(unpacked / "tuiconsole")
    assert [line.split()[0] for line in themes] == list(THEMES)
    assert all(str(unpacked) in line for line in themes)


def test_wheel_carries_the_configuration(unpacked: Path) -> None:
    carried = (unpacked / "tuiconsole" / "config_default.toml").read_bytes()
    assert carried == (REPOSITORY / "config.toml").read_bytes()


def test_wheel_carries_the_symbol_lists(unpacked: Path) -> None:
    folder = unpacked / "tuiconsole" / "market" / "universes" / "packaged"
    assert {"us_top.csv", "tsx_60.csv", "fx.csv"} <= {path.name for path in folder.iterdir()}


def test_editable_install_reads_the_repository(tmp_path: Path) -> None:
    where, *themes = ask(None, tmp_path)
    assert where == str(REPOSITORY / "src" / "tuiconsole")
    assert [line.split()[0] for line in themes] == list(THEMES)
    assert all(str(REPOSITORY / "themes") in line for line in themes)


def test_the_users_own_theme_comes_first(tmp_path: Path) -> None:
    own = tmp_path / "dark.toml"
    own.write_bytes((REPOSITORY / "themes" / "dark.toml").read_bytes())
    from tuiconsole.ui.themes import theme_files

    assert theme_files(tmp_path)["dark"] == own
