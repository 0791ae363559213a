"""Whole commands on a folder of CSV files, beside what no program could do without: reading it, writing the mails."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import NamedTuple

from . import folder
from .machine import markdown

RELANCE = Path(sys.executable).with_name("relance")
DAY = ["--date", folder.TODAY.isoformat()]


class Ran(NamedTuple):
    """Wall seconds and processor seconds of one command, and what it printed."""

    wall: float
    processor: float
    output: str


def relance(where: Path, *arguments: str) -> Ran:
    """Run the command in a folder; it must end in status 0."""
    before = os.times()
    start = perf_counter()
    done = subprocess.run([RELANCE, *arguments], cwd=where, capture_output=True, text=True, check=False)
    wall = perf_counter() - start
    after = os.times()
    if done.returncode:
        raise SystemExit(f"relance {' '.join(arguments)}: status {done.returncode}\n{done.stderr}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(wall, used, done.stdout)


def prepared(where: Path, size: int, due: int) -> Path:
    """A folder with its programs applied and its host switched on, nothing pulled."""
    folder.write(where, size, due)
    relance(where, "programs", "apply", "programs.toml")
    relance(where, "activate", folder.HOST)
    return where


def read_alone(where: Path) -> float:
    """Seconds to read both files with the csv module."""
    start = perf_counter()
    for name in ("invoices.csv", "clients.csv"):
        with (where / "data" / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    assert rows
    return perf_counter() - start


def write_alone(where: Path, contents: list[tuple[str, bytes]]) -> float:
    """Seconds to write these files, each through to the disk."""
    target = where / "alone"
    target.mkdir()
    start = perf_counter()
    for name, content in contents:
        with (target / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    seconds = perf_counter() - start
    shutil.rmtree(target)
    return seconds


def run_table(size: int, due: int, times: int, under: Path) -> str:
    """The table of part b: the best of ``times``.

    The machine's speed changes from one minute to the next: the baseline is measured right before and after each run,
    and each run is compared with those two.
    """
    walls: dict[str, list[Ran]] = {"empty": [], "pulled": []}
    ratios: dict[str, list[float]] = {"empty": [], "pulled": []}
    reading: list[float] = []
    writing: list[float] = []
    mails = [(str(number), b"x" * 6000) for number in range(due)]
    with TemporaryDirectory(dir=under) as temporary:
        first = prepared(Path(temporary) / "first", size, due)
        for number in range(times):
            for kind in walls:
                where = Path(temporary) / f"{kind}{number}"
                shutil.copytree(first, where)
                if kind == "pulled":
                    relance(where, "sync", folder.HOST, *DAY)
                before = (read_alone(where), write_alone(where, mails))
                ran = relance(where, "run", folder.HOST, *DAY)
                mails = [(path.name, path.read_bytes()) for path in (where / "data" / "outbox").iterdir()]
                assert len(mails) == due
                after = (read_alone(where), write_alone(where, mails))
                walls[kind].append(ran)
                ratios[kind].append(ran.wall / ((sum(before) + sum(after)) / 2))
                reading += before[0], after[0]
                writing += before[1], after[1]
                shutil.rmtree(where)
    base = min(reading) + min(writing)
    told = f"baseline: csv module {min(reading):.2f} s, {due:,} fsynced files {min(writing):.2f} s"
    rows = [(told, f"{base:.2f}", "", "1.0", "1.0")]
    for kind, label in (("empty", "run, empty journal"), ("pulled", "run, nothing changed since the pull")):
        best = min(walls[kind], key=lambda one: one.wall)
        middle = f"{median(ratios[kind]):.1f} ({min(ratios[kind]):.1f} to {max(ratios[kind]):.1f})"
        rows.append((label, f"{best.wall:.2f}", f"{best.processor:.2f}", f"{best.wall / base:.1f}", middle))
    headers = (
        f"{size:,} open invoices, {due:,} messages", "s, the best", "of which processor", "times the best baseline",
        "times the baseline beside it: median (range)",
    )  # fmt: skip
    return markdown(headers, rows)


def simulate_table(size: int, times: int, under: Path) -> str:
    """The table of part c: nothing changed, nothing due."""
    ours: list[Ran] = []
    shown: list[Ran] = []
    reading: list[float] = []
    with TemporaryDirectory(dir=under) as temporary:
        where = prepared(Path(temporary) / "first", size, 0)
        relance(where, "simulate", folder.HOST, *DAY)
        for _ in range(times):
            ours.append(relance(where, "simulate", folder.HOST, *DAY))
            shown.append(relance(where, "simulate", folder.HOST, *DAY, "--format", "json"))
            reading.append(read_alone(where))
    base = min(reading)
    rows = [("baseline: csv module", f"{base:.2f}", "")]
    for label, runs in (("simulate", ours), ("simulate --format json", shown)):
        best = min(one.wall for one in runs)
        rows.append((label, f"{best:.2f}", f"{best - base:.2f}"))
    return markdown((f"{size:,} open invoices, nothing new, nothing due", "s", "more than the baseline"), rows)
