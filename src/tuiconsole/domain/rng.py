"""Seeded randomness. Every generator has a name, so adding one never changes the numbers of another."""

from __future__ import annotations

import hashlib

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
