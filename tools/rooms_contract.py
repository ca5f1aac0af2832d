"""The import-linter contract behind the room table: each room imports only the rooms on its line.

The table itself is in ``pyproject.toml``, one line per room::

    "features: domain market.panel"

means that modules of ``features`` may import ``domain`` and ``market.panel``, themselves, and nothing else of
ours; ``*`` stands for every room. A room may be on the table before it is built, but a room that is built
and not on the table breaks the contract. Only direct imports are judged: what a permitted room imports in
turn is judged on that room's own line.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

EVERYTHING = "*"


class RoomsContract(Contract):
    """Checks every import between rooms against the table."""

    type_name = "rooms"

    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Judge the whole graph of imports; ``verbose`` is part of the interface and changes nothing."""
        root = self.session_options["root_packages"][0]
        table = read_table(list(self.allowed))  # type: ignore[call-overload]
        complaints = sorted(find_violations(graph, root, table))
        return ContractCheck(kept=not complaints, metadata={"complaints": complaints})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that the table does not allow."""
        for complaint in check.metadata["complaints"]:
            output.print_error(f"- {complaint}", bold=False)
        output.new_line()


def read_table(lines: list[str]) -> dict[str, frozenset[str]]:
    """Turn ``"room: other other.part"`` lines into room -> names it may import."""
    table: dict[str, frozenset[str]] = {}
    for line in lines:
        room, colon, names = line.partition(":")
        if not colon or not room.strip() or room.strip() in table:
            raise ValueError(f"Expected one 'room: names' line per room, got {line!r}.")
        table[room.strip()] = frozenset(names.split())
    return table


def find_violations(graph: ImportGraph, root: str, table: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yield a sentence for every import, and every room, that is not on the table."""
    for importer in graph.modules:
        if importer != root and not importer.startswith(f"{root}."):
            continue
        room = importer.removeprefix(root).lstrip(".").partition(".")[0]
        if room and room not in table:
            yield f"{importer}: the room {room!r} has no line in the room table of pyproject.toml"
            continue
        for imported in graph.find_modules_directly_imported_by(importer):
            inside = imported.removeprefix(f"{root}.")
            if imported in {root, inside} or is_allowed(room, inside, table):
                continue
            yield f"{importer} imports {imported} ({line_numbers(graph, importer, imported)})"


def is_allowed(room: str, inside: str, table: Mapping[str, frozenset[str]]) -> bool:
    """Whether ``room`` (empty for the package itself) may import ``inside``, a name without the root."""
    if room == inside.partition(".")[0]:
        return True
    names = table.get(room, frozenset())
    return EVERYTHING in names or any(inside == name or inside.startswith(f"{name}.") for name in names)


def line_numbers(graph: ImportGraph, importer: str, imported: str) -> str:
    """Where in ``importer`` the import stands."""
    details: list[Any] = list(graph.get_import_details(importer=importer, imported=imported))
    return ", ".join(f"line {detail['line_number']}" for detail in details)
