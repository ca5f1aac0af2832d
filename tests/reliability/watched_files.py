"""Runs the command line and writes down every plain ``open`` of the store's files in this process.

``python -m tests.reliability.watched_files OUT VERB …``. SQLite opens its files below Python, where no audit hook sees it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from tuiconsole import cli

WATCHED = (".db", ".db-wal", ".db-shm")


def main(out: str, *arguments: str) -> int:
    told = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(given[0], str | bytes | os.PathLike):
            path = os.fsdecode(given[0])
            if path.endswith(WATCHED):
                os.write(told, f"{path}\n".encode())

    sys.addaudithook(hook)
    return cli.main(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
