"""``python -m tests.acceptance PATH [--first DATE] [--last DATE] [--replay]``: a run each day on IBM's receivables.csv.

With ``--replay``, a replay of those days instead, which takes seconds for the ledger's two years.
"""

from __future__ import annotations

import argparse
import resource
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from .ledger import STEPS, walk
from .replaying import replayed


def main() -> None:
    """Walk through the days and say what left; status 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description="A run each day on a real ledger.")
    parser.add_argument("data", type=Path, help="receivables.csv")
    parser.add_argument("--first", type=date.fromisoformat, default=date(2013, 4, 1))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2013, 6, 30))
    parser.add_argument("--replay", action="store_true", help="replay these days instead of running on each")
    given = parser.parse_args()
    if given.replay:
        _replay(given.data, given.first, given.last)
    with TemporaryDirectory() as temporary:
        met = walk(given.data, Path(temporary), given.first, given.last)
    steps = ", ".join(f"{met.reminders[step]} {step.lower()}s" for step in STEPS)
    print(
        f"{met.runs} runs in {met.seconds:.1f} s: {met.messages} messages with {sum(met.reminders.values())} reminders "
        f"({steps}) of {len(met.invoices)} invoices; {len(met.faults)} faults"
    )
    for fault in met.faults:
        print(fault)
    sys.exit(bool(met.faults))


def _replay(data: Path, first: date, last: date) -> NoReturn:
    with TemporaryDirectory() as temporary:
        made = replayed(data, Path(temporary), first, last)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{(last - first).days + 1} days in {made.seconds:.1f} s, {most} MB: {made.messages} messages with "
        f"{made.reminders} reminders; {made.faults.total()} faults"
    )
    for fault in made.faults:
        print(*fault)
    sys.exit(bool(made.faults))


if __name__ == "__main__":
    main()
