"""Find what the desk's source must not contain: raw clocks, randomness and ids; broad excepts; stray prints.

Time, randomness and ids come only from ``domain.clock``, ``domain.rng`` and ``domain.ids``: one raw call
elsewhere and a replay no longer repeats. An ``except`` names what it expects, and the console's terminal
belongs to the console. The source is parsed, so an alias (``from time import time as now``) hides nothing.

Two doors stay open. A handler may catch everything if its last statement raises, or if its ``except`` line
says why with ``# noqa: BLE001 - the reason``. The command line may print, through one function.

Run ``python tools/check_bans.py [PACKAGE]``; the default is ``src/tuiconsole``.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "tuiconsole"

TIME = "take time from tuiconsole.domain.clock"
RANDOMNESS = "take randomness from tuiconsole.domain.rng"
IDS = "take ids from tuiconsole.domain.ids"

# A banned name bans everything under it.
BANNED = {
    "time": TIME,
    "datetime.datetime.now": TIME,
    "datetime.datetime.utcnow": TIME,
    "datetime.datetime.today": TIME,
    "datetime.date.today": TIME,
    "pandas.Timestamp.now": TIME,
    "pandas.Timestamp.utcnow": TIME,
    "pandas.Timestamp.today": TIME,
    "random": RANDOMNESS,
    "numpy.random": RANDOMNESS,
    "secrets": RANDOMNESS,
    "os.urandom": RANDOMNESS,
    "os.getrandom": RANDOMNESS,
    "uuid": IDS,
}
# Types under a banned name: naming one in an annotation is fine, calling it is not.
TYPES = frozenset(
    {
        "numpy.random.BitGenerator",
        "numpy.random.Generator",
        "numpy.random.SeedSequence",
        "random.Random",
        "uuid.UUID",
    }
)
SOURCES = frozenset({"domain/clock.py", "domain/rng.py", "domain/ids.py"})
BROAD = frozenset({"Exception", "BaseException", "builtins.Exception", "builtins.BaseException"})
PRINTERS = frozenset({"print", "builtins.print", "click.echo", "rich.print", "typer.echo", "typer.secho"})
REASON = re.compile(r"#\s*noqa:\s*BLE001\s+-\s+\w+")


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """One thing that must not be there."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def check_package(package: Path) -> list[Violation]:
    """Check every module under ``package``, a package's directory."""
    found: list[Violation] = []
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).as_posix()
        found.extend(check_source(path.read_text(encoding="utf-8"), inside, shown_as=str(path)))
    return sorted(found)


def check_source(source: str, inside: str, shown_as: str = "") -> list[Violation]:
    """Check one module.

    Parameters
    ----------
    source
        The text of the module.
    inside
        Its path inside the package, such as ``engine/desk.py``: it decides which rules hold.
    shown_as
        The path to report; by default ``inside``.
    """
    visitor = _Visitor(source, inside, shown_as or inside)
    tree = ast.parse(source)
    visitor.read_imports(tree)
    visitor.visit(tree)
    return [*visitor.violations, *visitor.second_printers()]


class _Visitor(ast.NodeVisitor):
    """Walks one module, resolving each name to the dotted path that it was imported from."""

    def __init__(self, source: str, inside: str, shown_as: str) -> None:
        self.violations: list[Violation] = []
        self._lines = source.splitlines()
        self._shown_as = shown_as
        self._is_source = inside in SOURCES
        self._is_command_line = inside in ("cli.py", "cli_options.py")
        self._imported: dict[str, str] = {}
        self._functions: list[str] = []
        self._printers: dict[str, int] = {}

    def read_imports(self, tree: ast.AST) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self._imported[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def second_printers(self) -> Iterator[Violation]:
        for name, line in list(self._printers.items())[1:]:
            first = next(iter(self._printers))
            yield Violation(
                self._shown_as, line, f"{name} prints, and so does {first}: print through one function"
            )

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if any(alias.name == "*" for alias in node.names) and node.module:
            self._ban(node, node.module)

    def visit_Name(self, node: ast.Name) -> None:
        self._refer(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not self._refer(node):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = self._resolve(node.func)
        if name in TYPES:
            self._ban(node, name)
        elif name in PRINTERS:
            self._print(node, name)
        elif name == "contextlib.suppress" and any(self._is_broad(argument) for argument in node.args):
            self._complain_of_breadth(node, "contextlib.suppress")
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        raises = isinstance(node.body[-1], ast.Raise)
        if not raises and (node.type is None or self._is_broad(node.type)):
            self._complain_of_breadth(node, "except")
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions.append(node.name)
        self.generic_visit(node)
        self._functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the name that ast.NodeVisitor looks for

    def _resolve(self, node: ast.AST) -> str:
        if isinstance(node, ast.Attribute):
            value = self._resolve(node.value)
            return f"{value}.{node.attr}" if value else ""
        if isinstance(node, ast.Name):
            return self._imported.get(node.id, "" if node.id in BANNED else node.id)
        return ""

    def _refer(self, node: ast.Name | ast.Attribute) -> bool:
        """Complain if the name is banned; whether its parts need no further look."""
        name = self._resolve(node)
        return name in TYPES or self._ban(node, name)

    def _ban(self, node: ast.expr | ast.stmt, name: str) -> bool:
        if self._is_source:
            return False
        for banned, instead in BANNED.items():
            if name == banned or name.startswith(f"{banned}."):
                self._complain(node, f"{name} is raw: {instead}")
                return True
        return False

    def _print(self, node: ast.Call, name: str) -> None:
        if not self._is_command_line:
            self._complain(node, f"{name} writes to the terminal: log it, or return it to the command line")
            return
        self._printers.setdefault(".".join(self._functions) or "the module", node.lineno)

    def _is_broad(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Tuple):
            return any(self._is_broad(element) for element in node.elts)
        return self._resolve(node) in BROAD

    def _complain_of_breadth(self, node: ast.expr | ast.ExceptHandler, what: str) -> None:
        if not REASON.search(self._lines[node.lineno - 1]):
            self._complain(
                node, f"{what} is broad: name the errors it expects, or say '# noqa: BLE001 - the reason'"
            )

    def _complain(self, node: ast.expr | ast.stmt | ast.ExceptHandler, message: str) -> None:
        self.violations.append(Violation(self._shown_as, node.lineno, message))


def main(arguments: list[str]) -> int:
    """Print every violation; 0 when there is none."""
    package = Path(arguments[0]) if arguments else PACKAGE
    if not package.is_dir():
        print(f"{package} is not a directory, so there is nothing to check.", file=sys.stderr)
        return 2
    violations = check_package(package)
    for violation in violations:
        print(violation, file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
