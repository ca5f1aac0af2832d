"""What a process holds of memory and has used of the processor, as the kernel counts it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

KIB_PER_MB = 1e6 / 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory in MB (10^6 bytes): now, and the most it ever was."""

    now: float
    peak: float


def memory_of(pid: int) -> Memory:
    """Resident memory of process ``pid``."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        name, _, rest = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found[name] = int(rest.split()[0]) / KIB_PER_MB
    return Memory(found["VmRSS"], found["VmHWM"])


def cpu_seconds(pid: int) -> float:
    """Processor seconds of process ``pid`` so far, in user and kernel mode."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare_interpreter() -> Memory:
    """Resident memory of a Python that has imported numpy and nothing else."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import numpy, sys; print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        if process.stdout is not None:
            process.stdout.readline()
        return memory_of(process.pid)
    finally:
        process.communicate()
