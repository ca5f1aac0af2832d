"""Seeded randomness. Every generator has a name, so adding one never changes the numbers of another."""

from __future__ import annotations

import hashlib
import pickle
import random

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """A reproducible generator for one named purpose.

    Parameters
    ----------
    seed
        The run's seed, any non-negative integer.
    names
        What the numbers are for, e.g. ``("agent", "noise")``.

    Returns
    -------
    numpy.random.Generator
        Philox (Salmon et al., 2011), keyed by SHA-256 of seed and names; independent streams per name.
    """
    if seed < 0:
        raise ValueError(f"seed must be non-negative, was {seed}")
    digest = hashlib.sha256("\x1f".join((str(seed), *names)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def shared_state() -> bytes:
    """Where Python's and NumPy's shared generators stand: this program uses neither, a strategy of the user's may."""
    return pickle.dumps((random.getstate(), np.random.get_state()), protocol=5)  # noqa: NPY002 - the shared one


def restore_shared(state: bytes) -> None:
    """Put the shared generators back where they stood; ``state`` is what :func:`shared_state` answered."""
    python, numpy = pickle.loads(state)
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002 - the shared one
