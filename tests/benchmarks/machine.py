"""The machine measured on, processes of their own, and markdown tables."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

ROOT = Path(__file__).parents[2]


def in_its_own_process(module: str, *arguments: object, python: Sequence[str] = (sys.executable,)) -> Any:
    """What ``python -m tests.benchmarks.MODULE`` prints as JSON."""
    command = [*python, "-m", f"tests.benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def markdown(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def described(folder: Path) -> str:
    """Cores, memory, Python, what an fsync costs in ``folder``, and the load just now."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}; "
        f"writing 2 kB with fsync: {synced_write(folder) * 1000:.2f} ms; load averages {load}"
    )


def synced_write(folder: Path, times: int = 200) -> float:
    """Seconds that a small new file takes with fsync, the best of three rounds."""
    rounds = []
    for _ in range(3):
        with TemporaryDirectory(dir=folder) as where:
            start = perf_counter()
            for number in range(times):
                with (Path(where) / str(number)).open("wb") as file:
                    file.write(b"x" * 2000)
                    file.flush()
                    os.fsync(file.fileno())
            rounds.append((perf_counter() - start) / times)
    return min(rounds)
