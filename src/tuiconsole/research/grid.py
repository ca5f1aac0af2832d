"""A grid of parameters: what a sweep tries, and the settings of each try."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tuiconsole.config import changed
from tuiconsole.domain.errors import UsageError
from tuiconsole.engine.policies import literal
from tuiconsole.engine.settings import Settings

Value = bool | int | float | str
LARGEST = 100_000


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and the values it takes: of the strategy (``fast``), or of the settings (``sizing.band``)."""

    name: str
    values: tuple[Value, ...]


def parse_axis(text: str) -> Axis:
    """The axis that ``text`` describes: ``fast=10,20,40`` or ``slow=50:200:50`` (last value included).

    Raises
    ------
    UsageError
        No name, no values, or a range that never ends.

    Examples
    --------
    >>> parse_axis("fast=10,20").values, parse_axis("slow=50:200:50").values
    ((10, 20), (50, 100, 150, 200))
    """
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not name or not values:
        raise UsageError(f"The axis {text!r} is not NAME=VALUES.", "Write fast=10,20,40 or slow=50:200:50.")
    if ":" in values:
        return Axis(name, tuple(_range(text, values)))
    found = tuple(literal(value.strip()) for value in values.split(","))
    if len(set(found)) != len(found):
        raise UsageError(f"The axis {text!r} names a value twice.")
    return Axis(name, found)


def parse_axes(texts: Sequence[str]) -> list[Axis]:
    """The axes that ``texts`` describe: each as :func:`parse_axis` reads it, or the name of a TOML file that holds several.

    In a file, ``fast = [10, 20]`` is an axis of the strategy and ``band = [0.1, 0.2]`` under ``[sizing]`` one of the settings.

    Raises
    ------
    UsageError
        As :func:`parse_axis`; or the file cannot be read, or an entry is no list of plain values.
    """
    found: list[Axis] = []
    for text in texts:
        found += _file(Path(text)) if text.endswith(".toml") and "=" not in text else [parse_axis(text)]
    return found


def _file(path: Path) -> list[Axis]:
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise UsageError(f"The grid {path} cannot be read: {error.strerror}.", "Check --grid.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}.") from None
    flat = {
        f"{section}.{key}" if isinstance(part, dict) else section: values
        for section, part in content.items()
        for key, values in (part.items() if isinstance(part, dict) else (("", part),))
    }
    for name, values in flat.items():
        if (
            not isinstance(values, list)
            or not values
            or not all(isinstance(v, bool | int | float | str) for v in values)
        ):
            raise UsageError(
                f"{path.name}: {name} must be a list of plain values, was {values!r}.",
                "Write fast = [10, 20].",
            )
    return [Axis(name, tuple(values)) for name, values in flat.items()]


def _range(text: str, values: str) -> Iterator[Value]:
    parts = [literal(part.strip()) for part in values.split(":")]
    if len(parts) != 3 or not all(isinstance(part, int | float) for part in parts):
        raise UsageError(f"The range of {text!r} is not START:STOP:STEP.", "Write slow=50:200:50.")
    start, stop, step = (float(part) for part in parts)
    if step == 0 or (stop - start) / step < 0:
        raise UsageError(f"The range of {text!r} never reaches its end.")
    whole = all(isinstance(part, int) for part in parts)
    for k in range(int((stop - start) / step + 1e-9) + 1):
        value = start + k * step
        yield int(value) if whole else round(value, 12)


def combinations(axes: Sequence[Axis]) -> list[dict[str, Value]]:
    """Every combination of the axes' values, the last axis varying fastest.

    Raises
    ------
    UsageError
        Two axes of one name, or over 100,000 combinations.
    """
    names = [axis.name for axis in axes]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"The grid has {twice} twice.", "Give all its values in one --grid.")
    size = 1
    for axis in axes:
        size *= len(axis.values)
    if size > LARGEST:
        raise UsageError(f"The grid has {size:,} combinations, at most {LARGEST:,} are run.")
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(a.values for a in axes))]


def applied(settings: Settings, values: Mapping[str, Value]) -> Settings:
    """``settings`` with one combination put in.

    Raises
    ------
    UsageError
        A name that is neither a setting nor, with a strategy of one's own, a parameter.
    """
    parameters = list(settings.policy.parameters)
    for name, value in values.items():
        if "." in name:
            room, _, key = name.partition(".")
            settings = changed(settings, room, key, value)
            continue
        if not settings.policy.strategy:
            raise UsageError(
                f"{name!r} is no setting.",
                "Write ROOM.KEY, e.g. sizing.band, or name a strategy with --policy.",
            )
        parameters = [text for text in parameters if text.partition("=")[0].strip() != name]
        parameters.append(f"{name}={value}")
    policy = replace(settings.policy, parameters=tuple(parameters))
    return replace(settings, policy=policy)
