"""Runs verbs of the command line and writes down every plain ``open`` of the store's files in this process.

``python -m tests.reliability.watched_files OUT VERBS OPTION …``, ``VERBS`` being a JSON list of lists of words.
SQLite opens its files below Python, where no audit hook sees it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from tuiconsole import cli

WATCHED = (".db", ".db-wal", ".db-shm")


def main(out: str, verbs: str, *options: str) -> int:
    told = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(given[0], str | bytes | os.PathLike):
            path = os.fsdecode(given[0])
            if path.endswith(WATCHED):
                os.write(told, f"{path}\n".encode())

    sys.addaudithook(hook)
    failed = [verb for verb in json.loads(verbs) if cli.main([*verb, *options])]
    return len([verb for verb in failed if verb[0] != "doctor"])  # which may not like this machine


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
