"""``python -m tests.acceptance PATH [--first DATE] [--last DATE]``: a run each day on IBM's receivables.csv."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from .ledger import STEPS, walk


def main() -> None:
    """Walk through the days and say what left; status 1 when something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description="A run each day on a real ledger.")
    parser.add_argument("data", type=Path, help="receivables.csv")
    parser.add_argument("--first", type=date.fromisoformat, default=date(2013, 4, 1))
    parser.add_argument("--last", type=date.fromisoformat, default=date(2013, 6, 30))
    given = parser.parse_args()
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


if __name__ == "__main__":
    main()
