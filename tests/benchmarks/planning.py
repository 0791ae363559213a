"""Deciding on the overdue lines of a Tryton beside Tryton's own dunning of them, level after level.

Tryton generates dunnings, processes them and generates again, on one day, by ``python -O``: the lines that are overdue
long enough go from level to level. Ours decides on the same lines, fetched before, with a program of the same days:
first without reminders, then with those that a run each day would have sent for the levels before. It has the longer
task: it also says to whom and in which message. Both are asked which lines they take to the next level.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import resource
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any
from zoneinfo import ZoneInfo

from .machine import in_its_own_process, markdown
from .overdue import LEVELS, NOWHERE, TODAY, beside_tryton, books

SIZES = (300, 3_000, 30_000)
"""The sizes measured unless told otherwise."""
_ROUNDS = 5
Row = dict[str, Any]


def table(sizes: tuple[int, ...], times: int, python: str, folder: Path) -> str:
    """The table of part e: the best of ``times`` processes of each; ``python`` is the one that Tryton is installed for.

    Below it, what fetching the lines cost, which is compared with nothing.
    """
    rows: list[tuple[str, ...]] = []
    fetching: list[tuple[str, ...]] = []
    for size in sizes:
        with TemporaryDirectory(dir=folder) as temporary:
            where = Path(temporary)
            database = books(size, where, python)
            theirs = _best(_theirs(database, python) for _ in range(times))
            cost = in_its_own_process("planning", "fetched", where, python)
            ours = _best(in_its_own_process("planning", "decided", where) for _ in range(times))
        rows += (_row(size, *both) for both in zip(theirs, ours, strict=True))
        fetching.append((f"{cost['invoices']:,}", *(f"{cost[key]:.1f}" for key in ("wall", "seconds", "server"))))
    headers = (
        "overdue lines", "Tryton: dunnings made", "s", "s by the clock", "s to process them", "MB",
        "ours: decisions", "messages", "s", "of which invoice by invoice", "s with collections", "MB",
        "times faster", "lines on which both differ",
    )  # fmt: skip
    told = ("fetched by the connector", "s by the clock", "of which our processor", "the server's, its start included")
    return f"{markdown(headers, rows)}\n\n{markdown(told, fetching)}"


def _row(size: int, theirs: Row, ours: Row) -> tuple[str, ...]:
    differ = dict(theirs["levels"].items() ^ ours["steps"].items())
    return (
        f"{size:,}",
        _counted(f"at level {level}" for level in theirs["levels"].values()),
        *(f"{theirs[key]:.2f}" for key in ("seconds", "wall", "processing")),
        f"{theirs['peak'] / 1e6:.0f}",
        _counted(ours["reasons"]),
        f"{ours['messages']:,}",
        *(f"{ours[key]:.4f}" for key in ("seconds", "each", "collected")),
        f"{ours['peak'] / 1e6:.0f}",
        f"{theirs['seconds'] / ours['seconds']:.0f}",
        f"{len(differ):,}",
    )


def _counted(what: Iterable[object]) -> str:
    return ", ".join(f"{count:,} {one}" for one, count in Counter(what).most_common())


def _best(runs: Iterable[list[Row]]) -> list[Row]:
    """Of each level, the fastest."""
    return [min(rows, key=itemgetter("seconds")) for rows in zip(*runs, strict=True)]


def _theirs(database: Path, python: str) -> list[Row]:
    """Tryton's levels, on a copy of the database."""
    with TemporaryDirectory(dir=database.parent) as copied:
        shutil.copy(database, copied)
        arguments = (copied, database.stem, TODAY, len(LEVELS))
        return in_its_own_process("dunning", *arguments, python=(python, "-O"))  # type: ignore[no-any-return]


def fetched(where: Path, python: str) -> Row:
    """Pull all that is owed from the server in ``where`` into a file there, with the rights of the tests' robot."""
    from relance_addon.connectors.tryton.connector import TrytonConnector
    from relance_addon.connectors.tryton.settings import Settings
    from relance_addon.core.model import natural
    from relance_addon.hosts.port import Surroundings

    server, _ = beside_tryton()
    (where / "password").write_text(server.tryton_company.password("robot"))
    with server.tryton_server(where, NOWHERE, python=python) as tryton:
        told = {"url": tryton.url, "database": server.DATABASE, "user": "robot", "password": {"file": "password"}}
        settings = Settings.model_validate({"connector": "tryton", **told})
        connector = TrytonConnector("acme", settings, Surroundings(where, ZoneInfo("Europe/Paris"), "EUR", "fr"))
        start, clock = process_time(), perf_counter()
        pages = list(connector.pull("", TODAY).pages)
        seconds, wall = process_time() - start, perf_counter() - clock
        connector.close()
    after = os.times()
    clients = {client.id: client for page in pages for client in page.clients}
    # as operations give them
    invoices = sorted(
        (one for page in pages for one in page.invoices), key=lambda one: (natural(one.client), natural(one.id))
    )
    assert not any(page.problems for page in pages)
    (where / "fetched").write_bytes(pickle.dumps((invoices, clients)))
    server_seconds = after.children_user + after.children_system
    return {"invoices": len(invoices), "wall": wall, "seconds": seconds, "server": server_seconds}


def decided(where: Path) -> list[Row]:
    """Our levels on what was fetched: ``steps`` are those that are due, by invoice id."""
    from relance_addon.core.decide import Policy, decide_each
    from relance_addon.core.group import decide
    from relance_addon.core.model import Address, History, Reminder
    from relance_addon.core.program import Book, Program

    steps = [{"name": f"{days} days", "trigger": {"after_due": days}} for days in LEVELS]
    program = Program.model_validate({"name": "standard", "steps": steps}).at(1, True)
    policy = Policy({"accounting": Address("Comptabilité", "compta@acme.example")}, "fr", frozenset({"fr"}))
    invoices, clients = pickle.loads((where / "fetched").read_bytes())
    reminders: dict[str, tuple[Reminder, ...]] = defaultdict(tuple)
    rows: list[Row] = []
    for days in LEVELS:
        arguments = (invoices, clients, Book([program]), History(dict(reminders)), TODAY)
        gc.disable()
        outcome = decide(*arguments, policy)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        seconds, each = _fastest(decide, *arguments, policy), _fastest(decide_each, *arguments)
        gc.enable()
        collected = _fastest(decide, *arguments, policy)
        due = [one for one in outcome.decisions if one.reason == "due"]
        rows.append(
            {
                "seconds": seconds,
                "each": each,
                "collected": collected,
                "peak": peak,
                "messages": len(outcome.messages),
                "reasons": [one.reason for one in outcome.decisions],
                "steps": {one.invoice.id: one.step for one in due},
            }
        )
        for one in due:
            assert one.due is not None
            sent = one.due + timedelta(days=days)
            step = program.steps[one.step - 1].name
            reminder = Reminder(sent, step, program.name, one.instalment, 0, one.cycle, "automatic")
            reminders[one.invoice.id] += (reminder,)
    return rows


def _fastest(do: Callable[..., object], *arguments: object) -> float:
    """Processor seconds, the best of some."""
    found = []
    for _ in range(_ROUNDS):
        start = process_time()
        do(*arguments)
        found.append(process_time() - start)
    return min(found)


if __name__ == "__main__":
    what, folder, *python = sys.argv[1:]
    print(json.dumps(fetched(Path(folder), *python) if what == "fetched" else decided(Path(folder))))
