"""No raw clock, randomness or ids, no broad except and no stray print; and the check sees each of them."""

from pathlib import Path

import pytest

from tools.check_bans import PACKAGE, check_package, check_source, main

RAW = {
    "time": "import time\nnow = time.time()",
    "time_ns": "import time as t\nnow = t.time_ns()",
    "monotonic": "from time import monotonic as tick\ntick()",
    "perf_counter": "def run():\n    import time\n    return time.perf_counter()",
    "sleep": "import time\ntime.sleep(1)",
    "uncalled": "import time\ncall_later(time.time)",
    "star": "from time import *",
    "now": "from datetime import UTC, datetime\ndatetime.now(UTC)",
    "utcnow": "import datetime as dt\ndt.datetime.utcnow()",
    "today": "from datetime import date\ndate.today()",
    "chained": "from datetime import datetime\nday = datetime.now().date()",
    "timestamp": "import pandas as pd\npd.Timestamp.now()",
    "random": "import random\nrandom.random()",
    "choice": "from random import choice\nchoice([1])",
    "numpy": "import numpy as np\nnp.random.default_rng(1)",
    "numpy from": "from numpy.random import default_rng\ndefault_rng(1)",
    "numpy module": "from numpy import random as rnd\nrnd.normal()",
    "made generator": "import numpy as np\nnp.random.Generator(bits)",
    "uuid": "import uuid\nuuid.uuid4()",
    "parsed uuid": "from uuid import UUID\nUUID(text)",
    "secrets": "from secrets import token_hex\ntoken_hex()",
    "urandom": "import os\nos.urandom(8)",
}
FINE = {
    "asyncio": "import asyncio\nasync def run():\n    await asyncio.sleep(0)",
    "our clock": "from tuiconsole.domain import clock\nclock.time()",
    "a field": "def age(bar):\n    return bar.time - bar.random",
    "a variable": "def at(time, random):\n    return time.time + random.random",
    "an annotation": "import numpy as np\ndef draw(rng: np.random.Generator) -> None: ...",
    "a given instant": "from datetime import datetime\ndatetime.fromisoformat(text)",
    "the time of day": "from datetime import time\ntime(9, 30)",
    "the relative": "from . import time\ntime.time()",
}
BROAD = {
    "bare": "try:\n    run()\nexcept:\n    pass",
    "Exception": "try:\n    run()\nexcept Exception:\n    pass",
    "BaseException": "try:\n    run()\nexcept BaseException as error:\n    keep(error)",
    "builtins": "import builtins\ntry:\n    run()\nexcept builtins.Exception:\n    pass",
    "among others": "try:\n    run()\nexcept (KeyError, Exception):\n    pass",
    "no reason": "try:\n    run()\nexcept Exception:  # noqa: BLE001\n    pass",
    "raises sometimes": "try:\n    run()\nexcept Exception:\n    if odd:\n        raise",
    "suppressed": "from contextlib import suppress\nwith suppress(Exception):\n    run()",
}
NARROW = {
    "named": "try:\n    run()\nexcept (KeyError, ValueError):\n    pass",
    "raised again": "try:\n    run()\nexcept BaseException:\n    undo()\n    raise",
    "translated": "try:\n    run()\nexcept Exception as error:\n    raise DeskError from error",
    "with a reason": "try:\n    run()\nexcept Exception:  # noqa: BLE001 - agents may raise all\n    pass",
}
PRINTS = {
    "print": "print('hello')",
    "typer": "import typer\ntyper.echo('hello')",
    "rich": "from rich import print as show\nshow('hello')",
}
SAY_AND_TELL = "def say():\n    print(1)\n    print(2)\n\ndef tell():\n    print(3)"


@pytest.mark.parametrize(
    "source", [*RAW.values(), *BROAD.values(), *PRINTS.values()], ids=[*RAW, *BROAD, *PRINTS]
)
def test_each_banned_thing_is_found(source: str) -> None:
    assert len(check_source(source, "engine/desk.py")) == 1


@pytest.mark.parametrize("source", [*FINE.values(), *NARROW.values()], ids=[*FINE, *NARROW])
def test_what_is_fine_is_left_alone(source: str) -> None:
    assert check_source(source, "engine/desk.py") == []


@pytest.mark.parametrize("inside", ["domain/clock.py", "domain/rng.py", "domain/ids.py"])
@pytest.mark.parametrize("source", RAW.values(), ids=RAW)
def test_the_three_sources_may_use_the_raw_ones(source: str, inside: str) -> None:
    assert check_source(source, inside) == []


def test_the_rest_of_the_domain_may_not() -> None:
    assert check_source(RAW["time"], "domain/orders.py") != []


def test_the_command_line_prints_through_one_function() -> None:
    for source in PRINTS.values():
        assert check_source(source, "cli_options.py") == []
    [violation] = check_source(SAY_AND_TELL, "cli_options.py")
    assert str(violation) == "cli_options.py:6: tell prints, and so does say: print through one function"


def test_a_violation_names_its_place_and_what_to_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "market" / "feed.py"
    path.parent.mkdir()
    path.write_text("import time\n\nnow = time.time()\n")
    assert main([str(tmp_path)]) == 1
    expected = f"{path}:3: time.time is raw: take time from tuiconsole.domain.clock\n"
    assert capsys.readouterr().err == expected


def test_nothing_to_check_is_an_error(tmp_path: Path) -> None:
    assert main([str(tmp_path / "nowhere")]) == 2


def test_the_real_source_has_none() -> None:
    assert [str(violation) for violation in check_package(PACKAGE)] == []
