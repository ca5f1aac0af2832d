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
        content = json.dumps([self.name, sorted(self.parameters), self._source])
        return hashlib.sha256(content.encode()).hexdigest()


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


def load_strategy(settings: PolicySettings, universe: Universe) -> Policy:
    """The user's policy for one universe, from the text that ``settings`` carry.

    Raises
    ------
    UsageError
        The text does not run, has no such class, or the class is no policy; the sentence names the line.
    """
    file, _, name = settings.strategy.rpartition(":")
    kind = strategy_class(settings)
    values = dict(_parameter(text) for text in settings.parameters)
    try:
        policy = kind(universe, **values)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(f"{name} of {Path(file).name} cannot be made: {_sentence(error, file)}") from error
    missing = [part for part in _PROTOCOL if not hasattr(policy, part)]
    if missing:
        raise UsageError(
            f"{name} of {Path(file).name} is no policy: it has no {', no '.join(missing)}.",
            "Derive it from tuiconsole.strategy.Strategy.",
        )
    loaded: Policy = policy
    return loaded


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
    return {**asdict(settings), "strategy": settings.name}
