"""Kernels: plain functions over arrays, written as loops, that Numba turns into machine code.

What a kernel may use: its arguments, numbers, loops and other such functions, its parts. Numba is imported when the first
kernel is wanted, never at start-up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import UsageError

Kernel = Callable[..., Any]


@cache
def _store(folder: Path, sources: tuple[Path, ...]) -> Path:
    """Where machine code is kept: a folder for each state of ``sources``, so that none outlives a change of them."""
    content = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources)))
    return folder / "__pycache__" / f"kernels-{content.hexdigest()[:16]}"


def is_stored(sources: tuple[Path, ...]) -> bool:
    """Whether this machine has compiled kernels of these ``sources`` before, as they are now."""
    return any(_store(sources[0].parent, sources).rglob("*.nbc"))


@cache
def machine_code(
    kernel: Kernel, parts: tuple[Kernel, ...], sources: tuple[Path, ...], needed_by: str
) -> Kernel:
    """Machine code of ``kernel``, which calls ``parts``; made once on a machine and stored beside the first source.

    A division by zero is infinite or NaN there, never an error. Floating-point operations keep their order and are not
    fused, so the bits are those of the same operations in NumPy.

    Parameters
    ----------
    sources
        Every file that the kernel and its parts are written in.
    needed_by
        What does without when Numba is missing, for the sentence: ``"These features"``.

    Raises
    ------
    UsageError
        When Numba is not installed.
    """
    try:
        from numba import config, njit
        from numba.extending import register_jitable
    except ImportError as error:
        raise UsageError(
            f"{needed_by} need the numba library, which is not installed.",
            "Install it with pip install 'tuiconsole[research]'.",
        ) from error
    config.CACHE_DIR = str(_store(sources[0].parent, sources))  # type: ignore[attr-defined]
    for part in parts:
        register_jitable(part)
    made: Kernel = njit(cache=True, error_model="numpy")(kernel)
    return made
