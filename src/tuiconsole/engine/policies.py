"""Which policy a desk runs: the ensemble, or a strategy from the user's own file."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.instruments import Universe
from tuiconsole.domain.policy import Policy

_PROTOCOL = ("needs", "agent_names", "sheet_names", "scalar_names", "initial_state", "decide")


@dataclass(frozen=True, slots=True)
class PolicySettings:
    """Whose decisions the desk carries out."""

    strategy: str = ""
    """File and class of your own strategy, e.g. "my.py:SmaCross"; a relative path starts at the configuration file. Empty: the
    ensemble of agents."""

    parameters: tuple[str, ...] = ()
    """Its parameters, e.g. ["fast=10", "slow=50"]."""

    _source: str = ""
    """The file's text, taken in at the start; no setting of anyone's."""

    _schema: str = ""
    """Text of the feature schema that the strategy names, taken in with it; empty: it names none."""

    @property
    def name(self) -> str:
        """What screens and reports call the policy."""
        return self.strategy.rpartition(":")[2] or "ensemble"

    @property
    def source(self) -> str:
        """Text of the strategy's file as it was when the desk was started; a stop needs nothing else."""
        return self._source

    def digest(self) -> str:
        """SHA-256 over class, parameters and source text; empty for the ensemble."""
        if not self.strategy:
            return ""
        parts = [self.name, sorted(self.parameters), self._source, *([self._schema] if self._schema else [])]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def schema(self) -> str:
        """Text of the feature schema as it was when the desk was started; empty when the strategy names none."""
        return self._schema


def with_source(settings: PolicySettings, folder: Path | None) -> PolicySettings:
    """``settings`` with the file's text taken in and its path made absolute.

    Raises
    ------
    UsageError
        The file is missing or unreadable, or ``strategy`` is not FILE:CLASS.
    """
    if not settings.strategy or settings.source:
        return settings
    file, colon, name = settings.strategy.rpartition(":")
    if not colon or not file or not name.isidentifier():
        raise UsageError(
            f"The strategy {settings.strategy!r} is not FILE:CLASS.", "Write it as my.py:SmaCross."
        )
    path = ((folder or Path()) / Path(file).expanduser()).absolute()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"The strategy file {path} cannot be read: {reason}.", "Check --policy.") from None
    return replace(settings, strategy=f"{path}:{name}", _source=text)


def with_schema(settings: PolicySettings, universe: Universe) -> PolicySettings:
    """``settings`` with the text of the feature schema that the strategy names, if it names one, taken in.

    Raises
    ------
    UsageError
        The file is missing or unreadable, or as :func:`load_strategy`.
    """
    if not settings.strategy or settings.schema:
        return settings
    made = _made(settings, universe)
    named = getattr(made, "schema", "")
    if not named or not hasattr(made, "observe"):
        return settings
    file, _, name = settings.strategy.rpartition(":")
    if not isinstance(named, str):
        raise UsageError(f"schema of {name} must be the path of a file, was {named!r}.")
    path = Path(file).parent / Path(named).expanduser()
    try:
        return replace(settings, _schema=path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(
            f"The feature schema {path} of {name} cannot be read: {reason}.",
            "tuiconsole features select writes one.",
        ) from None


def load_strategy(settings: PolicySettings, universe: Universe) -> Policy:
    """The user's policy for one universe, from the texts that ``settings`` carry.

    Raises
    ------
    UsageError
        The text does not run, has no such class, or the class is no policy; the sentence names the line. Or its feature schema
        holds features that are not computed.
    """
    policy = _made(settings, universe)
    if settings.schema:
        _observing(policy, settings)
    file, _, name = settings.strategy.rpartition(":")
    missing = [part for part in _PROTOCOL if not hasattr(policy, part)]
    if missing:
        raise UsageError(
            f"{name} of {Path(file).name} is no policy: it has no {', no '.join(missing)}.",
            "Derive it from tuiconsole.strategy.Strategy.",
        )
    loaded: Policy = policy
    return loaded


def _observing(policy: Any, settings: PolicySettings) -> None:
    """Give ``policy`` the features of its recorded schema, by name."""
    from tuiconsole.features.schema import FeatureSchema, ObservationAdapter

    recorded = FeatureSchema.from_json(settings.schema)
    policy.observe(ObservationAdapter(recorded, FeatureSchema.of_known(recorded.names)).schema.names)


def _made(settings: PolicySettings, universe: Universe) -> Any:
    """What the class of ``settings`` makes; errors as in :func:`load_strategy`."""
    file, _, name = settings.strategy.rpartition(":")
    kind = strategy_class(settings)
    values = dict(_parameter(text) for text in settings.parameters)
    try:
        made = kind(universe, **values)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(f"{name} of {Path(file).name} cannot be made: {_sentence(error, file)}") from error
    return made


def strategy_class(settings: PolicySettings) -> Any:
    """The class that ``settings`` name; :class:`UsageError` when its file does not run or lacks it."""
    file, _, name = settings.strategy.rpartition(":")
    module = _run(file, settings.source)
    kind = getattr(module, name, None)
    if not isinstance(kind, type):
        known = [
            k for k, v in vars(module).items() if isinstance(v, type) and v.__module__ == module.__name__
        ]
        raise UsageError(
            f"{Path(file).name} has no class {name}.", f"It has: {', '.join(known) or 'no class at all'}."
        )
    return kind


def _run(file: str, source: str) -> ModuleType:
    """The module of a strategy's file; files beside it can be imported from it."""
    module = ModuleType(f"tuiconsole_strategy_{hashlib.sha256(source.encode()).hexdigest()[:12]}")
    module.__file__ = file
    folder = str(Path(file).parent)
    if folder not in sys.path:
        sys.path.append(folder)
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, file, "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise UsageError(f"{Path(file).name} does not run: {_sentence(error, file)}") from error
    return module


def _sentence(error: BaseException, file: str) -> str:
    line = error.lineno if isinstance(error, SyntaxError) else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    what = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {what}{f' (line {line})' if line else ''}."


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise UsageError(f"The parameter {text!r} is not NAME=VALUE.", "Write it as fast=10.")
    return name.strip(), literal(value.strip())


def literal(text: str) -> bool | int | float | str:
    """A parameter's value from text: true, false, a number, or the text itself.

    >>> literal("10"), literal("0.5"), literal("true"), literal("on change")
    (10, 0.5, True, 'on change')
    """
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, int | float | str) else text


def content(settings: PolicySettings) -> dict[str, Any]:
    """What of ``settings`` changes decisions, for the configuration digest; empty for the ensemble."""
    if not settings.strategy:
        return {}
    found = {**asdict(settings), "strategy": settings.name}
    if not settings.schema:
        del found["_schema"]  # a desk from before there were schemas keeps its digest
    return found
