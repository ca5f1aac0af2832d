"""What each process loads when it starts, read from ``sys.modules`` of a fresh interpreter.

This is the authority on imports: a contract between rooms can hold while a package's ``__init__`` drags in
half the house.
"""

import importlib.util
import json
import subprocess
import sys

import pytest

HEAVY = {"cvxpy", "pandas", "skfolio", "torch"}


def exists(module: str) -> bool:
    """Whether the file of ``module`` is there, without importing the module itself."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def loaded_by(module: str) -> set[str]:
    """Names of all modules in a fresh interpreter that imported ``module``."""
    if not exists(module):
        pytest.skip(f"{module} is not built yet")
    code = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def within(names: set[str], packages: set[str]) -> set[str]:
    """Those of ``names`` that are one of ``packages`` or inside one."""
    return {name for name in names if any(name == one or name.startswith(f"{one}.") for one in packages)}


@pytest.mark.parametrize("room", ["domain", "engine", "protocol"])
def test_entering_a_room_loads_nothing_else_of_ours(room: str) -> None:
    package = f"tuiconsole.{room}"
    assert within(loaded_by(package), {"tuiconsole"}) == {"tuiconsole", package}


def test_the_console_loads_no_trading() -> None:
    forbidden = {"tuiconsole.engine.desk", "tuiconsole.store", "tuiconsole.risk"} | HEAVY
    assert within(loaded_by("tuiconsole.ui.app"), forbidden) == set()


def test_the_engine_loads_no_console_and_nothing_heavy() -> None:
    forbidden = {"tuiconsole.ui", "textual", "pyarrow"} | HEAVY
    assert within(loaded_by("tuiconsole.engine.desk"), forbidden) == set()


def test_an_engine_without_a_network_loads_no_live_clients() -> None:
    clients = {"yfinance", "curl_cffi", "websockets", "exchange_calendars", "google"}
    assert within(loaded_by("tuiconsole.engine.headless"), clients | HEAVY) == set()


def test_a_name_is_within_its_package_only() -> None:
    names = {"torch", "torch.nn", "torchlight", "tuiconsole.store.writer"}
    assert within(names, {"torch", "tuiconsole.store"}) == {"torch", "torch.nn", "tuiconsole.store.writer"}
