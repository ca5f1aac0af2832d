"""``make install``: quick when nothing changed, honest when interrupted, clear about what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# Stands in for both the interpreter and the one inside .venv; each call is written to the log.
FAKE_PYTHON = """#!/bin/sh
echo "$*" >> "{log}"
case "$*" in
    *version_info*) echo "{version}" ;;
    *ensurepip*) exit {no_venv} ;;
    *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *"-m pip"*) exit {pip_fails} ;;
esac
"""


class Desk:
    """A copy of what ``make install`` needs, with an interpreter that only pretends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stamp = folder / ".venv" / ".installed"
        self.python = folder / "fake-python"
        self.log = folder.parent / "calls.log"
        (folder / "tools").mkdir(parents=True)
        for name in ("Makefile", "pyproject.toml", "constraints.txt", "tools/install.sh"):
            shutil.copy(REPOSITORY / name, folder / name)
        self.pretend()

    def pretend(self, version: str = "3.12", *, no_venv: bool = False, pip_fails: bool = False) -> None:
        source = FAKE_PYTHON.format(
            log=self.log, version=version, no_venv=int(no_venv), pip_fails=int(pip_fails)
        )
        for path in (self.python, self.folder / ".venv" / "bin" / "python"):
            if path.parent.is_dir():
                path.write_text(source)
                path.chmod(0o755)

    def install(self, python: str = "./fake-python") -> subprocess.CompletedProcess[str]:
        self.log.write_text("")
        return subprocess.run(
            ["make", "install", f"PYTHON={python}"],
            cwd=self.folder,
            env={
                name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls_pip(self) -> bool:
        return "-m pip install" in self.log.read_text()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "a desk")


def test_the_first_install_makes_everything_with_the_pinned_versions(desk: Desk) -> None:
    result = desk.install()
    assert result.returncode == 0, result.stderr
    assert desk.stamp.is_file()
    installs = [line for line in desk.log.read_text().splitlines() if "-m pip install" in line]
    assert len(installs) == 2
    assert all("--constraint constraints.txt" in line for line in installs)
    assert installs[-1].endswith("--editable .[feeds,research,learning,cluster,learn,dev]")


def test_nothing_is_done_when_nothing_changed(desk: Desk) -> None:
    desk.install()
    result = desk.install()
    assert result.returncode == 0
    assert result.stdout == ""
    assert not desk.calls_pip()


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_file_installs_again(desk: Desk, name: str) -> None:
    desk.install()
    with (desk.folder / name).open("a") as file:
        file.write("\n# changed\n")
    desk.install()
    assert desk.calls_pip()
    assert "-m venv" not in desk.log.read_text()


def test_an_interrupted_install_leaves_no_stamp(desk: Desk) -> None:
    desk.install()
    desk.pretend(pip_fails=True)
    (desk.folder / "constraints.txt").write_text("")
    result = desk.install()
    assert result.returncode != 0
    assert "the install stopped" in result.stderr
    assert not desk.stamp.exists()
    desk.pretend()
    assert desk.install().returncode == 0
    assert desk.stamp.is_file()


@pytest.mark.parametrize("interpreter", [None, "#!/bin/sh\nexit 127\n", "#!/bin/sh\necho 3.10\n"])
def test_a_broken_environment_is_made_anew(desk: Desk, interpreter: str | None) -> None:
    desk.install()
    python = desk.folder / ".venv" / "bin" / "python"
    python.unlink()
    if interpreter is not None:
        python.write_text(interpreter)
        python.chmod(0o755)
    result = desk.install()
    assert result.returncode == 0, result.stderr
    assert "-m venv .venv" in desk.log.read_text()


def test_a_moved_repository_installs_again(desk: Desk, tmp_path: Path) -> None:
    desk.install()
    desk.folder = desk.folder.rename(tmp_path / "moved")
    result = desk.install()
    assert result.returncode == 0, result.stderr
    assert desk.calls_pip()


@pytest.mark.parametrize("version", ["3.10", "3.14", "3.9", "4.0"])
def test_another_python_is_refused_in_one_sentence(desk: Desk, version: str) -> None:
    desk.pretend(version)
    result = desk.install()
    assert result.returncode != 0
    [sentence] = [line for line in result.stderr.splitlines() if line.startswith("tuiconsole:")]
    assert f"needs Python 3.11, 3.12 or 3.13, but './fake-python' is {version}" in sentence
    assert not (desk.folder / ".venv").exists()


def test_no_python_is_said(desk: Desk) -> None:
    result = desk.install("no-such-python")
    assert result.returncode != 0
    assert "'no-such-python' does not run: install Python 3.11, 3.12 or 3.13" in result.stderr


def test_a_missing_venv_module_is_said(desk: Desk) -> None:
    desk.pretend(no_venv=True)
    result = desk.install()
    assert result.returncode != 0
    assert "has no venv module" in result.stderr
