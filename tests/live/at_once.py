"""``RELANCE_LIVE_DOLIBARR=… python -m tests.live.at_once --sink DIR``: eight runs of the same host at once.

First with one journal, whose lock lets one of them run; then with a journal each, as on eight machines that know
nothing of one another: the host's own claims alone keep a reminder from leaving twice.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from .books import Books, received
from .killing import programs

_COUNT = 8


def main() -> None:
    """Run at once, and look at what was received; the first fault ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.at_once")
    parser.add_argument("--sink", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=40, help="messages of a run")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        host = f"a{time.time_ns()}"
        books = Books(Path(folder) / host, host, programs(False), given.limit)
        _together([books] * _COUNT, given.sink, "one journal")
        host = f"b{time.time_ns()}"
        many = [Books(Path(folder) / str(number), host, programs(False), given.limit) for number in range(_COUNT)]
        _together(many, given.sink, "a journal each")


def _together(books: list[Books], sink: Path, what: str) -> None:
    before = received(sink)
    going = [one.start("run", one.host, "--format", "json") for one in books]
    states: Counter[str] = Counter()
    for run in going:
        output, _ = run.communicate()
        states[f"status {run.returncode}"] += 1
        if run.returncode in (0, 1):
            states.update(one["state"] for one in json.loads(output)["messages"])
    # Each copy of a message reaches its person once, however many runs there were.
    mails = received(sink) - before
    assert mails, "nothing was received"
    assert set(mails.values()) == {1}, f"received twice: {[key for key, times in mails.items() if times > 1]}"
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    print(f"{len(books)} runs at once, {what}: {told}; {len(mails)} mails received, none twice")


if __name__ == "__main__":
    main()
