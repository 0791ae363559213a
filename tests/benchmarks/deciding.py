"""How long ``decide`` takes and how much it holds: each size in a process of its own.

Processor time is measured, which what else the machine does disturbs less than the time on the wall. Collections of
cyclic garbage are paused as the operations pause them; what they would add is measured beside it.
"""

from __future__ import annotations

import gc
import resource
import sys
import tracemalloc
from collections import Counter
from time import process_time
from typing import Any

from .machine import in_its_own_process, markdown

SIZES = (1_000, 10_000, 100_000, 1_000_000)
"""The sizes measured unless told otherwise."""


def table(sizes: tuple[int, ...] = SIZES, times: int = 5) -> str:
    """The table of part a: the best of several processes for each size."""
    rows = []
    before: dict[str, Any] | None = None
    for size in sizes:
        best = in_its_own_process("deciding", size, "paused", times)
        collected = in_its_own_process("deciding", size, "collected", times)
        held = in_its_own_process("deciding", size, "memory", 1)
        growth = ""
        if before is not None:
            growth = f"{(best['peak'] - before['peak']) / (size - before['size']):,.0f}"
        rows.append(
            (
                f"{size:,}",
                f"{best['due'] / size:.1%}",
                f"{best['messages']:,}",
                f"{best['seconds']:.3f}",
                f"{best['seconds'] / size * 1e6:.1f}",
                f"{collected['seconds'] / size * 1e6:.1f}",
                f"{held['allocated'] / size:,.0f}",
                growth,
            )
        )
        before = best
    headers = (
        "open invoices", "due", "messages", "s", "µs an invoice", "µs with collections",
        "bytes an invoice that decide allocates (peak)", "bytes an invoice that the whole process grows by",
    )  # fmt: skip
    return markdown(headers, rows)


def measure(size: int, what: str, times: int) -> dict[str, Any]:
    """One size in this process: seconds (the best of ``times``) and ru_maxrss, or what tracemalloc counts."""
    from relance_addon.core.group import decide

    from .mix import POLICY, TODAY, made

    gc.disable()
    mix = made(size)
    arguments = (*mix, TODAY, POLICY)
    if what == "memory":
        tracemalloc.start()
        outcome = decide(*arguments)
        return {"size": size, "allocated": tracemalloc.get_traced_memory()[1]}
    if what == "collected":
        gc.enable()
    seconds = []
    peak = 0
    for _ in range(times):
        outcome = None
        start = process_time()
        outcome = decide(*arguments)
        seconds.append(process_time() - start)
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert outcome is not None
    reasons = Counter(one.reason for one in outcome.decisions)
    return {
        "size": size,
        "seconds": min(seconds),
        "peak": peak,
        "due": reasons["due"],
        "messages": len(outcome.messages),
        "reasons": dict(reasons.most_common()),
    }


if __name__ == "__main__":
    import json

    print(json.dumps(measure(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
