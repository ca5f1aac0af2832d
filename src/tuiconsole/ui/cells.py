"""What panels are made of: cells, columns, rows, tables and labelled fields. No Textual here.

A cell knows where in the snapshot its number comes from (``path``) and how it was written (``form``), so that every figure on
the screen can be traced to, and tested against, the engine's own JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tuiconsole.ui.format import FORMS

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure or word.

    Attributes
    ----------
    text
        What is drawn.
    tone
        Meaning that the theme turns into a style: ``plain``, ``gain``, ``loss``, ``warn`` …
    path
        Where the value stands in the snapshot, e.g. ``positions[3].last_price``; empty for words of the console's own.
    form
        Name of the function in :data:`tuiconsole.ui.format.FORMS` that wrote it.
    parts
        ``(text, tone)`` pieces when one cell has several tones; their texts join to ``text``.
    fill
        Share of a bar to draw over the whole cell (0 to 1, more is drawn as full), or None.
    tail
        Keep the end instead of the beginning when there is not enough room.
    """

    text: str
    tone: str = "plain"
    path: str = ""
    form: str = ""
    parts: tuple[tuple[str, str], ...] = ()
    fill: float | None = None
    tail: bool = False


def cell(path: str, value: Any, form: str, tone: str = "plain") -> Cell:
    """The cell of a snapshot's value."""
    return Cell(FORMS[form](value), tone, path, form)


def sign_tone(value: float | None) -> str:
    """``gain`` above zero, ``loss`` below, ``dim`` at zero or unknown."""
    if value is None or value == 0:
        return "dim"
    return "gain" if value > 0 else "loss"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, side, and what becomes of it when room is short or plenty.

    ``rank`` 0 never goes; the highest ranks are dropped first. ``grow`` takes spare room; ``least`` is the smallest width.
    ``optional`` columns are there only while a row has something to say in them.
    """

    title: str
    rank: int = 0
    left: bool = False
    grow: bool = False
    least: int = 0
    most: int = 200
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a key that names what it is about (symbol, order id, agent), its cells, and what is said when it is chosen."""

    key: str
    cells: tuple[Cell, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A labelled figure in a line of figures; higher ``rank`` is dropped first, ``unit`` is written after the figure.

    ``glue`` stands between this field and the one before instead of the usual gap.
    """

    label: str
    cell: Cell
    rank: int = 0
    unit: str = ""
    glue: str = ""

    @property
    def text(self) -> str:
        """Label, figure and unit as drawn."""
        return f"{self.label} {self.cell.text}{self.unit}" if self.label else f"{self.cell.text}{self.unit}"


@dataclass(frozen=True, slots=True)
class Table:
    """What a table shows: rows under columns, and pinned lines of fields below them."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[tuple[Field, ...], ...] = ()


class RowMemory(Generic[Item]):
    """Rows of the last snapshot, so that an unchanged item keeps its row object and costs nothing."""

    def __init__(self, make: Callable[[int, Item], Row]) -> None:
        self._make = make
        self._items: Sequence[Item] = ()
        self._rows: tuple[Row, ...] = ()

    def rows(self, items: Sequence[Item]) -> tuple[Row, ...]:
        """One row per item, in order."""
        before, kept = self._items, self._rows
        known = len(before)
        self._rows = tuple(
            kept[index] if index < known and before[index] == item else self._make(index, item)
            for index, item in enumerate(items)
        )
        self._items = items
        return self._rows
