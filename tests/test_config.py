"""``config.toml``: the one in the repository is the defaults, and every mistake is one sentence that names the key."""

from __future__ import annotations

import os
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal, get_origin, get_type_hints

import pytest

from tuiconsole.config import Config, ConsoleSettings, default_toml, field_docs, load
from tuiconsole.domain.errors import ConfigError, UsageError
from tuiconsole.engine.settings import Settings
from tuiconsole.research.settings import ResearchSettings

REPOSITORY = Path(__file__).resolve().parent.parent
SECTIONS: dict[str, type[Any]] = {
    **get_type_hints(Settings),
    "research": ResearchSettings,
    "console": ConsoleSettings,
}


def refusal(tmp_path: Path, text: str) -> str:
    """The sentence with which ``text`` is refused."""
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.exit_code == 2
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith("config.toml")
    return sentence


def test_the_repository_s_file_is_the_defaults() -> None:
    path = REPOSITORY / "config.toml"
    assert path.read_text(encoding="utf-8") == default_toml(), "run: python tools/write_config.py"
    assert load(path) == Config()
    assert load(None) == Config()


def test_every_setting_is_there_with_its_default_and_its_meaning() -> None:
    text = default_toml()
    found = tomllib.loads(text)
    assert found.keys() == {*SECTIONS, "periods", "keys"}
    for section, kind in SECTIONS.items():
        defaults = {key: value for key, value in asdict(kind()).items() if not key.startswith("_")}
        assert found[section].keys() == defaults.keys(), section
        for key, value in found[section].items():
            expected = list(defaults[key]) if isinstance(defaults[key], tuple) else defaults[key]
            assert (value, type(value)) == (expected, type(expected)), f"{section}.{key}"
        docs = field_docs(kind)
        assert docs.keys() == {item.name for item in fields(kind)}, (
            f"each setting of {section} says what it means"
        )
        lines = text.splitlines()
        for key in found[section]:
            at = next(i for i, line in enumerate(lines) if line.startswith(f"{key} ="))
            assert lines[at - 1].startswith("# "), f"{key} has a comment above it"


def test_ranges_are_written_beside_the_values() -> None:
    text = default_toml().replace("\n# ", " ")
    for words in (
        "Allowed: above 0 to 0.25.",
        "Allowed: from 100 to 10,000,000,000.",
        'Allowed: "auto", "replay", "history", "simulated",',
    ):
        assert words in text
    limited = [
        f"{section}.{item.name}"
        for section, kind in SECTIONS.items()
        for item in fields(kind)
        if _is_limited(get_type_hints(kind, include_extras=True)[item.name])
    ]
    assert text.count("Allowed:") == len(limited), limited


def _is_limited(hint: Any) -> bool:
    return bool(getattr(hint, "__metadata__", ())) or get_origin(hint) is Literal


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_an_empty_section_and_a_single_value_load(section: str, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[{section}]\n", encoding="utf-8")
    assert load(path) == Config()


def test_values_arrive(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[engine]\ncapital = 50000\nseed = 9\n[agents]\nenabled = ["breakout"]\n[sizing]\nallow_short = true\n'
        '[feed]\nfeed = "replay"\nbars_per_second = 3\n[console]\ntheme = "light"\n[keys]\nhalt = "f8"\n',
        encoding="utf-8",
    )
    found = load(path)
    assert (found.desk.engine.capital, found.desk.engine.seed) == (50_000.0, 9)
    assert found.desk.agents.enabled == ("breakout",)
    assert found.desk.sizing.allow_short is True
    assert found.desk.feed.bars_per_second == 3.0
    assert found.console.theme == "light"
    assert found.keys == {"halt": "f8"}


def test_unknown_section(tmp_path: Path) -> None:
    assert "unknown section [rsk]. Did you mean risk?" in refusal(tmp_path, "[rsk]\nname_cap = 0.1\n")
    sentence = refusal(tmp_path, "[colours]\nred = 1\n")
    assert "unknown section [colours]. Known: engine, feed," in sentence


def test_unknown_key(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, "[risk]\nname_capp = 0.1\n")
    assert "unknown key risk.name_capp. Did you mean name_cap?" in sentence
    sentence = refusal(tmp_path, "[sizing]\nxyz = 1\n")
    assert "unknown key sizing.xyz. Known: kelly_fraction," in sentence


@pytest.mark.parametrize(
    ("text", "key", "expected", "was"),
    [
        ('[engine]\ncapital = "much"\n', "engine.capital", "a valid number", "'much'"),
        ("[engine]\nseed = 1.5\n", "engine.seed", "a valid integer", "1.5"),
        ("[engine]\nseed = true\n", "engine.seed", "a valid integer", "True"),
        ("[engine]\ncapital = true\n", "engine.capital", "a valid number", "True"),
        ('[sizing]\nallow_short = "yes"\n', "sizing.allow_short", "a valid boolean", "'yes'"),
        ("[sizing]\nallow_short = 1\n", "sizing.allow_short", "a valid boolean", "1"),
        ("[feed]\nstart = 2007-01-03\n", "feed.start", "a valid string", "2007"),
        (
            '[feed]\nfeed = "bloomberg"\n',
            "feed.feed",
            "'auto', 'replay', 'history', 'simulated' or 'live'",
            "'bloomberg'",
        ),
        ('[console]\nmouse = "maybe"\n', "console.mouse", "'auto', 'on' or 'off'", "'maybe'"),
        ('[agents]\nenabled = "breakout"\n', "agents.enabled", "a valid tuple", "'breakout'"),
        ("[agents]\nenabled = [1]\n", "agents.enabled", "a valid string", "[1]"),
        ("[keys]\nhalt = 9\n", "keys.halt", "the name of a key", "9"),
    ],
)
def test_ill_typed(text: str, key: str, expected: str, was: str, tmp_path: Path) -> None:
    sentence = refusal(tmp_path, text)
    for part in (key, expected, was):
        assert part in sentence


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("[sizing]\nkelly_fraction = 0.3\n", "sizing.kelly_fraction", "less than or equal to 0.25"),
        ("[sizing]\nkelly_fraction = 0\n", "sizing.kelly_fraction", "greater than 0"),
        ("[sizing]\ncash_reserve = 1.0\n", "sizing.cash_reserve", "less than 1"),
        ("[engine]\ncapital = 1\n", "engine.capital", "greater than or equal to 100"),
        ("[engine]\ncheckpoint_bars = 0\n", "engine.checkpoint_bars", "greater than or equal to 1"),
        ("[risk]\nname_cap = -0.1\n", "risk.name_cap", "greater than"),
        ("[feed]\nwarmup_bars = 757\n", "feed.warmup_bars", "less than or equal to 756"),
        ("[feed]\nbars_per_second = 0.0\n", "feed.bars_per_second", "greater than 0"),
        ("[risk]\ndrawdown = nan\n", "risk.drawdown", "was nan"),
        ("[risk]\ndrawdown = inf\n", "risk.drawdown", "was inf"),
    ],
)
def test_out_of_range(text: str, key: str, expected: str, tmp_path: Path) -> None:
    sentence = refusal(tmp_path, text)
    assert key in sentence
    assert expected in sentence


def test_not_a_section(tmp_path: Path) -> None:
    assert "risk must be a section, written [risk]" in refusal(tmp_path, "risk = 3\n")
    assert "keys must be a section" in refusal(tmp_path, "keys = 'f9'\n")


@pytest.mark.parametrize("text", ["[risk\n", "name_cap = ", "[risk]\nname_cap = 0.1\nname_cap = 0.2\n"])
def test_not_toml(text: str, tmp_path: Path) -> None:
    assert "config.toml is not valid TOML: " in refusal(tmp_path, text)


def test_not_text(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load(path)


def test_missing_and_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml does not exist\. Check --config\."):
        load(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)
    if os.geteuid() != 0:
        locked = tmp_path / "locked.toml"
        locked.write_text("", encoding="utf-8")
        locked.chmod(0)
        with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
            load(locked)


def test_unknown_agent(tmp_path: Path) -> None:
    """Names of agents are checked where agents are made; the sentence lists those that exist."""
    from tuiconsole.agents.registry import create_all

    path = tmp_path / "config.toml"
    path.write_text('[agents]\nenabled = ["oracle"]\n', encoding="utf-8")
    with pytest.raises(UsageError, match=r"oracle.*ts_momentum"):
        create_all(load(path).desk.agents)


def test_periods_are_those_of_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[periods]\nmine = { start = "2008-01-01", end = "2008-12-31", kind = "stress" }\n')
    (mine,) = load(path).periods
    assert (mine.name, mine.kind) == ("mine", "stress")
    assert [period.name for period in Config().periods][:2] == ["in_sample", "out_of_sample"]
    path.write_text("[engine]\nseed = 1\n")
    assert load(path).periods == Config().periods


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('x = "2008"', "periods.x must say start, end, kind, was '2008'"),
        ('x = { start = "2008-01-01", end = "2008-02-01" }', "must say start, end, kind"),
        (
            'x = { start = "2008-01-01", end = "2008-02-01", kind = "bad" }',
            "periods.x.kind must be 'in-sample'",
        ),
        ('x = { start = "2008-01-01", end = "2007-01-01", kind = "stress" }', "before it starts"),
        ('x = { start = "2008-01-01", end = "2008-02-01", kind = "stress", colour = 1 }', "unknown key"),
    ],
)
def test_ill_written_periods(line: str, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, f"[periods]\n{line}\n")
