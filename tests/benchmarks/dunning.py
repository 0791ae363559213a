"""Tryton's own dunning, in this process: ``python -O -m tests.benchmarks.dunning FOLDER DATABASE DAY TIMES``.

Run by the Python that Tryton is installed for, which need not know anything else that this repository needs.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from time import perf_counter, process_time
from typing import Any

Row = dict[str, Any]


def generated(folder: str, database: str, day: date, times: int) -> list[Row]:
    """Generate the dunnings of a day and process them, ``times`` times.

    Each time: processor seconds of generating, commit included, seconds by the clock, processor seconds of processing,
    the most memory by then in bytes, and ``levels``: of the drafts it made the level, from 1, by invoice id.
    """
    from trytond import config

    config.set("database", "uri", "sqlite://")
    config.set("database", "path", folder)
    from trytond.pool import Pool
    from trytond.transaction import Transaction

    Pool.start()
    pool = Pool(database)
    pool.init()
    with Transaction().start(database, 1, readonly=True):
        (company,) = pool.get("company.company").search([])
        number = company.id

    @contextmanager
    def transaction() -> Iterator[Any]:
        with Transaction().start(database, 1, context={"company": number}):
            yield pool.get("account.dunning")

    def process() -> None:
        with transaction() as dunnings:
            dunnings.process(dunnings.search([("state", "=", "draft")]))

    def generate() -> None:
        with transaction() as dunnings:
            dunnings.generate_dunnings(day)

    rows: list[Row] = []
    for _ in range(times):
        seconds, wall = _seconds(generate)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        with transaction() as dunnings:
            levels = {
                one.line.move_origin.id: one.procedure.levels.index(one.level) + 1
                for one in dunnings.search([("state", "=", "draft")])
            }
        processing, _ = _seconds(process)
        rows.append({"seconds": seconds, "wall": wall, "processing": processing, "peak": peak, "levels": levels})
    return rows


def _seconds(do: Callable[[], None]) -> tuple[float, float]:
    """Of the processor, and by the clock."""
    start, clock = process_time(), perf_counter()
    do()
    return process_time() - start, perf_counter() - clock


if __name__ == "__main__":
    print(json.dumps(generated(sys.argv[1], sys.argv[2], date.fromisoformat(sys.argv[3]), int(sys.argv[4]))))
