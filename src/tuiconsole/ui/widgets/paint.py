"""Shared brushwork: cells, fields and bars as Rich segments of an exact width."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tuiconsole.ui.cells import Cell, Field
from tuiconsole.ui.themes import Palette

FULL, EMPTY = "█", "░"
_ASCII = str.maketrans(
    {
        "●": "*", "‖": "=", "■": "#", "✖": "X", "█": "#", "░": "-", "·": ".", "–": "-", "▁": "_", "▂": "+", "▃": "-",
        "▄": "+", "▅": "=", "▆": "+", "▇": "#", "▔": "-", "▀": "-", "σ": "s", "μ": "m", "×": "x", "…": "~", "│": "|",
        "─": "-", "→": ">", "±": "~", "▸": ">", "▲": "^", "▼": "v", "°": "o",
    }
)  # fmt: skip


def to_ascii(text: str) -> str:
    """``text`` with every drawing character of ours replaced by an ASCII one of the same width."""
    return text if text.isascii() else text.translate(_ASCII).encode("ascii", "replace").decode()


def fit(text: str, width: int, *, left: bool) -> str:
    """``text`` in exactly ``width`` terminal cells, cut with ``…`` when too long."""
    length = len(text) if text.isascii() else cell_len(text)
    if length == width:
        return text
    if length < width:
        gap = " " * (width - length)
        return text + gap if left else gap + text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def bar(share: float, width: int) -> str:
    """A bar of ``width`` cells filled to ``share`` (clipped to 0-1); any use at all shows at least one cell.

    >>> bar(0.5, 4), bar(0.001, 4), bar(7, 4)
    ('██░░', '█░░░', '████')
    """
    filled = min(width, max(int(share * width + 0.5), 1 if share > 0 else 0))
    return FULL * filled + EMPTY * (width - filled)


class Brush:
    """Draws with one palette, in Unicode or ASCII. ``version`` changes whenever drawn strips are out of date."""

    def __init__(self, palette: Palette, *, ascii: bool = False) -> None:
        self.palette = palette
        self.ascii = ascii
        self.version = 0

    def use(self, palette: Palette) -> None:
        """Change the palette; everything drawn before is out of date."""
        self.palette = palette
        self.version += 1

    def style(self, tone: str) -> Style:
        """The palette's style of ``tone``."""
        return self.palette.style(tone)

    def ground(self, surface: str = "background") -> Style:
        """The colour behind everything; a strip drawn by lines has none of its own."""
        return self.palette.grounds[surface]

    def segment(self, text: str, tone: str, over: Style | None = None) -> Segment:
        """One piece of text; ``over`` is laid over its style (cursor, stale)."""
        style = self.style(tone)
        return Segment(to_ascii(text) if self.ascii else text, style + over if over else style)

    def cell(self, cell: Cell, width: int, *, left: bool, over: Style | None = None) -> list[Segment]:
        """``cell`` in exactly ``width`` cells."""
        if cell.fill is not None:
            return [self.segment(bar(cell.fill, width), cell.tone, over)]
        if cell.parts and len(cell.text) <= width:
            pieces = [self.segment(text, tone, over) for text, tone in cell.parts]
            return [*pieces, self.segment(" " * (width - len(cell.text)), "plain", over)]
        if cell.tail and len(cell.text) > width:
            return [self.segment(cell.text[-width:], cell.tone, over)]
        return [self.segment(fit(cell.text, width, left=left), cell.tone, over)]

    def fields(self, fields: Sequence[Field], width: int, over: Style | None = None, gap: int = 2) -> Strip:
        """A line of labelled figures; the least important are left out until the line fits, the last one is cut."""
        shown = fit_fields(fields, width, gap)
        pieces: list[Segment] = []
        for index, field in enumerate(shown):
            if index:
                pieces.append(self.segment(field.glue or " " * gap, "head", over))
            if field.label:
                pieces.append(self.segment(f"{field.label} ", "head", over))
            pieces.append(self.segment(field.cell.text, field.cell.tone, over))
            if field.unit:
                pieces.append(self.segment(field.unit, "head", over))
        return exactly(Strip(pieces), width, self.segment("…", "dim", over))


def fit_fields(fields: Sequence[Field], width: int, gap: int = 2) -> list[Field]:
    """Those of ``fields`` that fit in ``width`` cells: the highest ranks go first, the first field always stays."""
    shown = list(fields)
    while len(shown) > 1 and _fields_width(shown, gap) > width:
        worst = max(field.rank for field in shown)
        if worst == 0:
            break
        last = max(index for index, field in enumerate(shown) if field.rank == worst)
        del shown[last]
    return shown


def _fields_width(fields: Sequence[Field], gap: int) -> int:
    between = sum(len(field.glue) or gap for field in fields[1:])
    return sum(cell_len(field.text) for field in fields) + between


def exactly(strip: Strip, width: int, cut: Segment | None = None) -> Strip:
    """``strip`` padded or cut (``cut`` marks the place) to ``width`` cells."""
    if strip.cell_length > width and cut is not None and width > 0:
        return Strip([*strip.crop(0, width - 1), cut])
    return strip.adjust_cell_length(width)
