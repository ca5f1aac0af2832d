"""The verb data universes: which lists of symbols there are, what one holds, and a copy to edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tuiconsole.domain.errors import UsageError
from tuiconsole.market.history.manifest import load_manifest
from tuiconsole.market.universes.instruments import instrument_of
from tuiconsole.market.universes.lists import (
    SymbolList,
    find_list,
    own_lists,
    packaged_lists,
    packaged_text,
    valid_name,
)
from tuiconsole.verbs.columns import table
from tuiconsole.verbs.common import Place


def universes(place: Place, name: str | None, *, copy: bool) -> dict[str, Any]:
    """The lists, or the one called ``name``; with ``copy`` a packaged one is written into the user's folder."""
    history = place.config.desk.history
    folder = Path(history.universes).expanduser()
    stored = load_manifest(Path(history.root).expanduser()).universes
    body: dict[str, Any] = {"folder": str(folder), "copied": ""}
    if copy:
        body["copied"] = str(_copy(name or "", folder))
    if name is not None:
        found = find_list(name, stored, folder, symbols_too=False)
        return {**body, "lists": [_told(found)], "symbols": [_row(found, symbol) for symbol in found.symbols]}
    names = sorted({*stored, *packaged_lists(), *(path.stem for path in own_lists(folder))})
    return {**body, "lists": [_told(find_list(one, stored, folder)) for one in names], "symbols": []}


def _copy(name: str, folder: Path) -> Path:
    if name not in packaged_lists() or not valid_name(name):
        raise UsageError(
            f"No list {name!r} comes with the program.", f"Those that do: {', '.join(packaged_lists())}."
        )
    path = folder / f"{name}.csv"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(packaged_text(name))
    except FileExistsError:
        raise UsageError(f"{path} is there already.", "Edit it, or remove it first.") from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Check history.universes."
        ) from error
    return path


def _told(found: SymbolList) -> dict[str, Any]:
    return {
        "name": found.name,
        "origin": found.origin,
        "symbols": len(found.rows),
        "as_of": found.as_of,
        "point_in_time": found.point_in_time,
        "notes": list(found.notes),
        "survivorship": found.survivorship,
    }


def _row(found: SymbolList, symbol: str) -> dict[str, Any]:
    row = found.by_symbol[symbol]
    one = instrument_of(symbol, row)
    return {
        "symbol": symbol,
        "name": row.name,
        "asset_class": one.asset_class.value,
        "category": row.category,
        "sector": one.sector,
        "calendar": one.venue,
        "currency": one.currency.code,
    }


def universes_text(body: dict[str, Any], width: int) -> str:
    """The lists for people."""
    lines = [f"Copied to {body['copied']}"] if body["copied"] else []
    rows = []
    for one in body["lists"]:
        when = "by date" if one["point_in_time"] else f"as of {one['as_of']}" if one["as_of"] else ""
        rows.append([one["name"], f"{one['symbols']:,}", one["origin"], when])
    lines += table(["list", "symbols", "origin", ""], rows, width, left=("origin", ""), whole=("origin", ""))
    if body["symbols"]:
        one = body["lists"][0]
        lines += [f"  {note}" for note in dict.fromkeys((*one["notes"], one["survivorship"]))]
        columns = ("symbol", "asset_class", "currency", "calendar", "sector", "name")
        head = [name.replace("_", " ") for name in columns]
        shown = [[row[name] for name in columns] for row in body["symbols"]]
        fixed = ("asset class", "currency", "calendar")
        lines += table(head, shown, width, left=head[1:], whole=fixed, drop=("calendar", "currency"))
    else:
        lines.append(
            f"Your own lists: {body['folder']}/NAME.csv; a packaged one to edit: data universes NAME --copy"
        )
    return "\n".join(lines)
