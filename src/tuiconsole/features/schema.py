"""What a row of features means, for good: names, parameters, formula versions and units under one hash.

A model keeps the schema it was trained on. An adapter gives it those rows by name from whatever a later desk computes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tuiconsole.domain.errors import UsageError
from tuiconsole.domain.types import FloatArray
from tuiconsole.features.catalogue import request

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One feature of a schema: its name, its family and parameters, the version of its formula, its unit."""

    name: str
    family: str
    parameters: tuple[int, ...]
    version: int
    unit: str


@dataclass(frozen=True)
class FeatureSchema:
    """Features in an order, with everything that decides what their numbers mean.

    Examples
    --------
    >>> schema = FeatureSchema.of(["rsi_14", "momentum_252_21"])
    >>> FeatureSchema.from_json(schema.to_json()) == schema
    True
    """

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, names: Sequence[str]) -> FeatureSchema:
        """The schema of ``names`` as this version computes them; an unknown name raises :class:`UsageError`."""
        found = [request(name) for name in names]
        return cls(
            tuple(
                Column(
                    each.name, each.feature.family, each.parameters, each.feature.version, each.feature.unit
                )
                for each in found
            )
        )

    @classmethod
    def of_known(cls, names: Sequence[str]) -> FeatureSchema:
        """The schema of those of ``names`` that this version computes."""
        known = []
        for name in names:
            try:
                request(name)
            except UsageError:
                continue
            known.append(name)
        return cls.of(known)

    @property
    def names(self) -> tuple[str, ...]:
        """Catalogue names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def canonical(self) -> bytes:
        """The bytes that are hashed: JSON without spaces, keys in alphabetical order, ASCII alone."""
        rows = [
            {
                "family": column.family,
                "name": column.name,
                "parameters": list(column.parameters),
                "unit": column.unit,
                "version": column.version,
            }
            for column in self.columns
        ]
        content = {"columns": rows, "format": _FORMAT}
        return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")

    @cached_property
    def digest(self) -> str:
        """SHA-256 of :attr:`canonical` in hex: the same in every run and on every machine."""
        return hashlib.sha256(self.canonical).hexdigest()

    def to_json(self) -> str:
        """A file for people and programs; :meth:`from_json` reads it back."""
        content = json.loads(self.canonical) | {"digest": self.digest}
        return json.dumps(content, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> FeatureSchema:
        """The schema of a file.

        Raises
        ------
        UsageError
            When the text is no schema, or was changed after it was written.
        """
        try:
            content = json.loads(text)
            schema = cls(tuple(_column(row) for row in content["columns"]))
            form, digest = content["format"], content["digest"]
        except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                "The file is no feature schema.", "Write one with tuiconsole features select."
            ) from error
        if form != _FORMAT:
            raise UsageError(f"The feature schema has format {form}, this version reads {_FORMAT}.")
        if digest != schema.digest:
            raise UsageError(
                "The feature schema does not match its digest: it was changed after it was written.",
                "Write it again with tuiconsole features select.",
            )
        return schema


def _column(row: dict[str, Any]) -> Column:
    parameters = tuple(int(number) for number in row["parameters"])
    return Column(str(row["name"]), str(row["family"]), parameters, int(row["version"]), str(row["unit"]))


class ObservationAdapter:
    """Gives a model the rows of its recorded schema, whatever else and in whatever order the desk computes.

    Parameters
    ----------
    recorded
        What the model was trained on.
    available
        What is computed now; surplus rows are dropped.

    Raises
    ------
    UsageError
        When a recorded feature is not among ``available``, or its formula has another version by now: such a feature is
        missing, whatever its name. All missing ones are named in one sentence.
    """

    def __init__(self, recorded: FeatureSchema, available: FeatureSchema) -> None:
        place = {column.name: row for row, column in enumerate(available.columns)}
        missing = []
        for column in recorded.columns:
            row = place.get(column.name)
            if row is None:
                missing.append(column.name)
            elif available.columns[row].version != column.version:
                now = available.columns[row].version
                missing.append(f"{column.name} (formula {column.version}, now {now})")
        if missing:
            raise UsageError(
                f"The model needs {len(missing)} feature{'s' * (len(missing) > 1)} that this desk does not compute: "
                f"{', '.join(missing)}.",
                "Train it again, or run the version that it was trained with.",
            )
        self.schema = recorded
        self._rows = np.array([place[name] for name in recorded.names], dtype=np.int64)

    def adapt(self, values: FloatArray) -> FloatArray:
        """The model's rows ``[..., n_recorded, n_symbols]`` of ``values`` ``[..., n_available, n_symbols]``; a copy."""
        return values.take(self._rows, axis=-2)
