"""What a strategy could remember between bars outside the desk's state: to see whether asking it has changed something.

A strategy should keep nothing between bars. Many do: a counter on ``self``, a list at the top of the file, random numbers.
Asked for bars ahead, such a strategy answers otherwise than bar by bar; so it is found out, put back, and asked bar by bar.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from tuiconsole.domain.rng import restore_shared, shared_state

_CODE = (ModuleType, FunctionType, BuiltinFunctionType, MethodType, type, property, classmethod, staticmethod)
"""Kinds of values that are program, not memory."""

_MOST_BYTES = 1 << 23
"""What is larger at the top of a file, is data."""


class Memory:
    """The values that an object, the classes it is made from and their files hold now, and the shared random generators.

    Parameters
    ----------
    owner
        The strategy.
    base
        Its classes down to this one, exclusive, and the files that they are written in belong to it.

    Attributes
    ----------
    complete
        False when a value on the object itself cannot be kept, so that a change of it would not be seen.
    """

    def __init__(self, owner: object, base: type) -> None:
        self._owner, self._base = owner, base
        self._kept: list[dict[str, bytes]] = []
        self.complete = True
        for holder, values in self._places():
            kept = {name: _kept(value) for name, value in values.items() if _remembers(name, value)}
            if holder is owner and None in kept.values():
                self.complete = False
            self._kept.append({name: value for name, value in kept.items() if value is not None})
        self._shared = shared_state()

    def unchanged(self) -> bool:
        """Whether everything is as it was."""
        now = Memory(self._owner, self._base)
        return now._kept == self._kept and now._shared == self._shared

    def restore(self) -> None:
        """Put everything back as it was."""
        now = Memory(self._owner, self._base)
        for (holder, _), kept, found in zip(self._places(), self._kept, now._kept, strict=True):
            for name in found.keys() - kept.keys():
                delattr(holder, name)
            for name, value in kept.items():
                if found.get(name) != value:
                    setattr(holder, name, pickle.loads(value))
        restore_shared(self._shared)

    def _places(self) -> Iterator[tuple[object, Mapping[str, Any]]]:
        yield self._owner, vars(self._owner)
        modules = list[str]()
        for kind in type(self._owner).__mro__:
            if kind in self._base.__mro__:
                continue
            yield kind, vars(kind)
            if kind.__module__ in sys.modules and kind.__module__ not in modules:
                modules.append(kind.__module__)
        for name in modules:
            yield (
                sys.modules[name],
                {
                    key: value
                    for key, value in vars(sys.modules[name]).items()
                    if sys.getsizeof(value, 0) <= _MOST_BYTES
                },
            )


def _remembers(name: str, value: object) -> bool:
    return not isinstance(value, _CODE) and not (name.startswith("__") and name.endswith("__"))


def _kept(value: object) -> bytes | None:
    try:
        return pickle.dumps(value, protocol=5)
    except Exception:  # noqa: BLE001 - whatever a value of the user's raises, it cannot be kept
        return None
