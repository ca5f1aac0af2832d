"""What panels show equals the snapshot's JSON, cell by cell."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from tuiconsole.ui import marks, view
from tuiconsole.ui.cells import RowMemory, sign_tone
from tuiconsole.ui.format import FORMS

from .frozen import frozen


def resolve(body: Any, path: str) -> Any:
    """The value at ``path`` (``positions[3].weight``) of decoded JSON."""
    for name, index in re.findall(r"([a-z][a-z0-9_]*)|\[(\d+)\]", path):
        body = body[name] if name else body[int(index)]
    return body


def test_every_cell_is_the_json_value_in_its_form() -> None:
    snapshot = frozen()
    body = json.loads(msgspec.json.encode(snapshot))
    traced = 0
    for cell in view.displayed(snapshot):
        if not cell.form:
            continue
        expected = FORMS[cell.form](resolve(body, cell.path))
        written = (expected, f"{expected} %", f"forced: {expected}", f"!! {expected}", f"{expected} !")
        assert cell.text in written, cell.path
        traced += 1
    assert traced > 700


def test_cells_without_a_path_hold_no_figures_of_the_engine() -> None:
    for cell in view.displayed(frozen()):
        if not cell.path:
            assert not re.search(r"\d", cell.text), cell


def test_only_changed_items_make_new_rows() -> None:
    made: list[int] = []
    snapshot = frozen()

    def make(index: int, item: Any) -> Any:
        made.append(index)
        return view._position(index, item)

    memory: RowMemory[Any] = RowMemory(make)
    before = memory.rows(snapshot.positions)
    changed = list(snapshot.positions)
    changed[3] = msgspec.structs.replace(changed[3], last_price=1.0)
    after = memory.rows(tuple(changed))
    assert made == [*range(20), 3]
    assert [a is b for a, b in zip(before, after, strict=True)].count(False) == 1


def test_signs_have_tones_and_opinions_have_directions() -> None:
    assert [sign_tone(v) for v in (1.0, -1.0, 0.0, None)] == ["gain", "loss", "dim", "dim"]
    agent = frozen().signals[0].agents[0]
    opinion = marks.opinion
    up = msgspec.structs.replace(agent, mean=0.02, sigma=0.02)
    down = msgspec.structs.replace(agent, mean=-0.02, sigma=0.02)
    none = msgspec.structs.replace(agent, mean=None, sigma=None)
    assert [opinion(v)[0] for v in (up, down, none)] == ["▆", "▀", "·"]


def test_breached_limit_says_so_in_words() -> None:
    snapshot = frozen()
    limit = msgspec.structs.replace(snapshot.risk.limits[0], breached=True, share=1.2)
    row = view._limit(0, limit)
    assert row.cells[1].text == "!! 81.0"
    assert row.cells[0].tone == "critical"


def test_hostile_words_are_harmless() -> None:
    snapshot = frozen()
    order = msgspec.structs.replace(snapshot.orders[0], symbol="[b]X\x1b[2J", reason="\x07[red]boo")
    row = view._order(0, order)
    assert all(cell.text.isprintable() for cell in row.cells)
    assert "[b]X" in row.cells[3].text
