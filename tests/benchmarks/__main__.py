"""``python -m tests.benchmarks [PART…]``, with ``--help`` for its options: markdown tables."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import deciding, helping, planning, running
from .machine import described


def main() -> None:
    """Measure the parts asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure, and print tables.")
    parser.add_argument("parts", nargs="*", metavar="PART", help="decide, run, simulate, help, plan; all by default")
    parser.add_argument("--sizes", default=",".join(map(str, deciding.SIZES)), help="open invoices, for decide")
    parser.add_argument("--size", type=int, default=100_000, help="open invoices, for run and simulate")
    parser.add_argument("--due", type=int, default=1_000, help="messages, for run")
    parser.add_argument("--lines", default=",".join(map(str, planning.SIZES)), help="overdue lines, for plan")
    parser.add_argument("--tryton", default=sys.executable, help="the Python that Tryton is installed for, for plan")
    parser.add_argument("--times", type=int, default=5, help="of which the best is taken")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where files are written")
    given = parser.parse_args()
    sizes, lines = (tuple(map(int, told.split(","))) for told in (given.sizes, given.lines))
    parts: dict[str, Callable[[], str]] = {
        "decide": lambda: deciding.table(sizes, given.times),
        "run": lambda: running.run_table(given.size, given.due, given.times, given.folder),
        "simulate": lambda: running.simulate_table(given.size, given.times, given.folder),
        "help": lambda: helping.table(3 * given.times),
        "plan": lambda: planning.table(lines, given.times, given.tryton, given.folder),
    }
    if unknown := set(given.parts) - set(parts):
        parser.error(f"no part {unknown.pop()!r}; there are {', '.join(parts)}")
    print(described(given.folder), end="\n\n")
    for name in given.parts or parts:
        print(f"### {name}\n\n{parts[name]()}\n\nLoad after it: {os.getloadavg()[0]:.1f}\n", flush=True)


if __name__ == "__main__":
    main()
