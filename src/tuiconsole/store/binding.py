"""What a store is bound to. A journal of one desk on one tape is never continued by another."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tuiconsole.domain.records import Opened

_WORDS = {
    "schema": "journal format",
    "mode": "mode",
    "tape": "tape",
    "configuration": "configuration",
    "seed": "seed",
    "desk": "desk",
}


@dataclass(frozen=True, slots=True)
class Binding:
    """What one journal belongs to, as its ``Opened`` row says; ``schema`` is the format of its records."""

    mode: str
    tape: str
    desk: str
    configuration: str
    seed: int
    schema: int

    @classmethod
    def of(cls, opened: Opened) -> Binding:
        """The binding that a journal's first row declares."""
        return cls(opened.mode, opened.tape, opened.desk, opened.configuration, opened.seed, opened.schema)

    def as_text(self) -> dict[str, str]:
        """Field names to text, as kept in the ``meta`` table."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_text(cls, values: dict[str, str]) -> Binding:
        """The inverse of :meth:`as_text`; ``KeyError`` or ``ValueError`` for a missing or ill-typed field."""
        return cls(
            values["mode"],
            values["tape"],
            values["desk"],
            values["configuration"],
            int(values["seed"]),
            int(values["schema"]),
        )

    def difference(self, wanted: Binding) -> str | None:
        """One clause naming the first field in which this binding differs from ``wanted``, or None.

        >>> bound = Binding("replay", "t", "d", "c", 7, 1)
        >>> bound.difference(Binding("paper", "t", "d", "c", 7, 1))
        "mode 'replay', not 'paper'"
        """
        have, want = self.as_text(), wanted.as_text()
        for name, word in _WORDS.items():
            if have[name] != want[name]:
                return f"{word} {have[name]!r}, not {want[name]!r}"
        return None
