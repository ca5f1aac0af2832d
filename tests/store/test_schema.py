import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tuiconsole.store import schema


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db")
    schema.migrate(connection)
    once = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    schema.migrate(connection)
    connection.execute(
        "PRAGMA user_version=0"
    )  # as if the version had been lost: the record of migrations holds
    schema.migrate(connection)
    assert connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall() == once
    assert connection.execute("SELECT count(*) FROM _sqlite_migrations").fetchone()[0] == 1
    connection.close()


def test_tables_are_strict_and_carry_their_version(tmp_path: Path) -> None:
    connection = connect(tmp_path / "a.db")
    schema.migrate(connection)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == schema.SCHEMA_VERSION
    assert connection.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
    strict = dict(connection.execute("SELECT name, strict FROM pragma_table_list").fetchall())
    for name, columns in (schema.CORE_TABLES | schema.PROJECTION_TABLES).items():
        assert strict[name] == 1
        found = connection.execute(f"PRAGMA table_info({name})").fetchall()
        assert [row[1] for row in found] == list(columns)
        keys = [row[1] for row in sorted(found, key=lambda row: row[5]) if row[5]]
        assert tuple(keys) == schema.PRIMARY_KEYS[name]
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO positions VALUES ('A', 1.5, 0, 0, 0, 0)")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("INSERT INTO journal VALUES (1, NULL, x'00', 0)")
    connection.close()


def test_a_migration_that_fails_leaves_neither_tables_nor_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect(tmp_path / "a.db")
    monkeypatch.setattr(schema, "_INDEXES", (("no_such_table", "row"),))
    with pytest.raises(sqlite3.OperationalError):
        schema.migrate(connection)
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names <= {"_sqlite_migrations"}
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 0
    monkeypatch.undo()
    schema.migrate(connection)
    assert connection.execute("SELECT count(*) FROM orders").fetchone()[0] == 0
    connection.close()


def test_an_existing_store_opens_without_the_migration_library(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.store.desk import open_store\n"
        "open_store(Path(sys.argv[1])).close(); print('sqlite_utils' in sys.modules)\n"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "state.db")],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert answers == ["True", "False"]
