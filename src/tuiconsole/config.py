"""Reads ``config.toml`` into the rooms' settings; every mistake is one sentence that names the key and what is expected."""

from __future__ import annotations

import ast
import difflib
import inspect
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from tuiconsole.analytics.named_periods import DEFAULT_PERIODS, Period, PeriodSettings, periods_of
from tuiconsole.domain.errors import ConfigError
from tuiconsole.engine.settings import Settings
from tuiconsole.research.settings import ResearchSettings


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """How the console looks and behaves."""

    theme: str = "dark"
    """Name of a theme: dark, light, colourblind, or one of your own in the user's theme directory."""
    ascii: bool = False
    """Draw borders, bars and curves with ASCII characters only."""
    mouse: Literal["auto", "on", "off"] = "auto"
    """Mouse support; auto means off over SSH."""


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    desk: Settings = field(default_factory=Settings)
    research: ResearchSettings = field(default_factory=ResearchSettings)
    periods: tuple[Period, ...] = field(default_factory=lambda: periods_of(DEFAULT_PERIODS))
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    keys: Mapping[str, str] = field(default_factory=dict)


def load(path: Path | None) -> Config:
    """The configuration of the TOML file at ``path``, or the defaults when it is None.

    Raises :class:`ConfigError` naming the key, the value found and the range expected.
    """
    if path is None:
        return Config()
    try:
        with path.open("rb") as file:
            found = tomllib.load(file)
    except FileNotFoundError:
        raise ConfigError(f"The configuration file {path} does not exist.", "Check --config.") from None
    except OSError as error:
        raise ConfigError(f"The configuration file {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not valid TOML: {error}.") from None
    return _config(found, path.name)


def _config(found: dict[str, Any], name: str) -> Config:
    rooms = get_type_hints(Settings)
    known = [*rooms, "research", "periods", "console", "keys"]
    for section, values in found.items():
        if section not in known:
            raise ConfigError(f"{name}: unknown section [{section}].{_near(section, known)}")
        if not isinstance(values, dict):
            raise ConfigError(f"{name}: {section} must be a section, written [{section}].")
    parts = {room: _section(kind, room, found.get(room, {}), name) for room, kind in rooms.items()}
    research = _section(ResearchSettings, "research", found.get("research", {}), name)
    console = _section(ConsoleSettings, "console", found.get("console", {}), name)
    keys = found.get("keys", {})
    for action, key in keys.items():
        if not isinstance(key, str):
            raise ConfigError(f"{name}: keys.{action} must be the name of a key as text, was {key!r}.")
    periods = _periods(found["periods"], name) if "periods" in found else periods_of(DEFAULT_PERIODS)
    return Config(Settings(**parts), research, periods, console, dict(keys))


def _periods(values: dict[str, Any], name: str) -> tuple[Period, ...]:
    """The named periods of the file alone: who writes the section says all of them."""
    known = [item.name for item in fields(PeriodSettings)]
    for period, value in values.items():
        if not isinstance(value, dict) or not set(known) <= value.keys():
            raise ConfigError(
                f"{name}: periods.{period} must say {', '.join(known)}, was {value!r}.",
                'Write it as stress_2008 = { start = "2007-10-09", end = "2009-03-09", kind = "stress" }.',
            )
    blank = PeriodSettings("", "", "stress")
    made = {
        period: _section(PeriodSettings, f"periods.{period}", value, name, blank)
        for period, value in values.items()
    }
    try:
        return periods_of(made)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _section(kind: type[Any], section: str, values: dict[str, Any], name: str, base: Any = None) -> Any:
    """``kind`` with the checked ``values``; everything else as in ``base``, or its default."""
    base = kind() if base is None else base
    from pydantic import TypeAdapter, ValidationError

    hints = get_type_hints(kind, include_extras=True)
    good: dict[str, Any] = {}
    for key, value in values.items():
        if key not in hints or key.startswith("_"):
            raise ConfigError(f"{name}: unknown key {section}.{key}.{_near(key, list(hints))}")
        try:
            good[key] = TypeAdapter(hints[key]).validate_python(value, strict=not _lenient(hints[key], value))
        except ValidationError as error:
            problem = error.errors()[0]["msg"].replace("Input should be", "must be")
            raise ConfigError(f"{name}: {section}.{key} {problem}, was {value!r}.") from None
    try:
        return replace(base, **good)
    except ConfigError as error:
        raise ConfigError(f"{name}: [{section}] {error}") from None


def changed(settings: Settings, section: str, key: str, value: object) -> Settings:
    """``settings`` with one key changed, checked as if it stood in a file; :class:`ConfigError` names key and range."""
    kinds = get_type_hints(Settings)
    if section not in kinds:
        raise ConfigError(f"Unknown section {section!r}.{_near(section, list(kinds))}")
    base = getattr(settings, section)
    return replace(settings, **{section: _section(kinds[section], section, {key: value}, "grid", base)})


def changed_research(settings: ResearchSettings, values: Mapping[str, object]) -> ResearchSettings:
    """``settings`` with ``values`` of the command line put in; :class:`ConfigError` names key and range."""
    found: ResearchSettings = _section(ResearchSettings, "research", dict(values), "command line", settings)
    return found


def _lenient(hint: Any, value: object) -> bool:
    """Lists stand for tuples, and whole numbers for floats, in TOML."""
    return isinstance(value, list) or (
        isinstance(value, int) and not isinstance(value, bool) and "float" in str(hint)
    )


def _near(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]}?" if near else f" Known: {', '.join(known)}."


def default_toml() -> str:
    """The text of ``config.toml``: every setting with its meaning, range and default."""
    from tuiconsole.ui.actions import ACTIONS

    lines = ["# tuiconsole: every setting, with its default. Delete what you do not change.", ""]
    for room, kind in get_type_hints(Settings).items():
        lines += _section_toml(room, kind)
    lines += _section_toml("research", ResearchSettings)
    lines += _periods_toml()
    lines += _section_toml("console", ConsoleSettings)
    lines += ["# Your own keys, by action. Uncomment a line to change it.", "[keys]"]
    lines += [f'# {action.id} = "{action.key}"  # {action.help}' for action in ACTIONS]
    lines.append("")
    return "\n".join(lines)


def _periods_toml() -> list[str]:
    lines = [
        "# Named periods, first and last day included: what strategies were chosen on (in-sample), what was kept apart",
        "# from every choice (out-of-sample), and storms (stress). Change, add or delete lines.",
        "[periods]",
    ]
    for name, period in DEFAULT_PERIODS.items():
        figures = (f"{item.name} = {_toml(getattr(period, item.name))}" for item in fields(PeriodSettings))
        lines.append(f"{name} = {{ {', '.join(figures)} }}")
    return [*lines, ""]


def _section_toml(section: str, kind: type[Any]) -> list[str]:
    meaning = field_docs(kind)
    hints = get_type_hints(kind, include_extras=True)
    defaults = kind()
    lines = [f"# {(kind.__doc__ or section).splitlines()[0]}", f"[{section}]"]
    for item in fields(kind):
        if item.name.startswith("_"):
            continue
        default = getattr(defaults, item.name)
        text = " ".join(meaning.get(item.name, "").split()) + _range(hints[item.name])
        lines += [f"# {line}" for line in textwrap.wrap(text, 108)]
        lines.append(f"# {item.name} =" if default is None else f"{item.name} = {_toml(default)}")
    return [*lines, ""]


def _range(hint: Any) -> str:
    """What a setting's type allows, as a sentence; empty when anything of its kind goes."""
    if get_origin(hint) is Literal:
        return f" Allowed: {', '.join(_toml(choice) for choice in get_args(hint))}."
    low = high = ""
    for mark in getattr(hint, "__metadata__", ()):
        bounds = {name: getattr(mark, name, None) for name in ("ge", "gt", "le", "lt")}
        low = next((f"{word} {_figure(bounds[k])} " for k, word in _LOW if bounds[k] is not None), low)
        high = next((f"{word} {_figure(bounds[k])}" for k, word in _HIGH if bounds[k] is not None), high)
    return f" Allowed: {low}{high}".rstrip() + "." if low or high else ""


_LOW = (("ge", "from"), ("gt", "above"))
_HIGH = (("le", "to"), ("lt", "below"))
_LARGE = 1_000_000


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:g}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return str(value)


def field_docs(kind: type[Any]) -> dict[str, str]:
    """The docstring under each field of a settings class, from its source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    docs: dict[str, str] = {}
    if not isinstance(tree, ast.ClassDef):
        return docs
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            docs[before.target.id] = after.value.value
    return docs
