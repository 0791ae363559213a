"""``python -m tests.crash [N] [--seed N]``: kill N runs and look at what left; stops at the first fault."""

from __future__ import annotations

import argparse
import time
from collections import Counter

from .killing import trials


def main() -> None:
    """Run the trials and say what was met."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="Kill runs, and look at what left.")
    parser.add_argument("count", nargs="?", type=int, default=200, help="how many runs to kill (200)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.perf_counter()
    met: Counter[str] = Counter()
    for number, one in enumerate(trials(given.count, given.seed), 1):
        met["killed"] += one.killed
        met["killed with some messages out, not all"] += one.killed and 0 < one.before < 60
        met["with messages in doubt"] += one.doubts > 0
        met["messages in doubt"] += one.doubts
        print(
            f"{number}: killed={one.killed} after {one.delay:.2f} s, {one.before} out, {one.doubts} in doubt",
            flush=True,
        )
    told = ", ".join(f"{count} {what}" for what, count in met.items())
    print(f"{given.count} runs, seed {given.seed}: {told}; none twice, none lost; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
