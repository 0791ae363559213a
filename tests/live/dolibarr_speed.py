"""``RELANCE_LIVE_DOLIBARR=… python -m tests.live.dolibarr_speed [PART…]``: our figures on a running Dolibarr.

Parts: ``pull`` (beside the bare paged list of the same invoices), ``run`` (a run with 200 reminders, one a message).
"""

from __future__ import annotations

import sys
import time
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from relance_addon.connectors.dolibarr import fields, invoices
from relance_addon.connectors.dolibarr.connector import DolibarrConnector
from relance_addon.hosts.port import Surroundings

from .books import Books, rest

_COUNT = 200
_PROGRAM = """
[[programs]]
name = "standard"
default = true
group = "invoice"
[[programs.steps]]
name = "Rappel"
trigger = { after_due = 1 }
template = "first"
"""


def main() -> None:
    """Measure what is asked for, everything by default."""
    parts = {"pull": pull, "run": run}
    for name in sys.argv[1:] or parts:
        print(f"### {name}")
        parts[name]()


def pull() -> None:
    """A pull beside the bare list, by turns."""
    with TemporaryDirectory() as folder:
        books = Books(Path(folder) / "p", "p", _PROGRAM)
        for _ in range(3):
            start = perf_counter()
            count = sum(map(len, _paged()))
            bare = perf_counter() - start
            start = perf_counter()
            pages = list(_connector(books).pull("", date.today()).pages)
            ours = perf_counter() - start
            clients = sum(len(page.clients) for page in pages)
            print(f"{count} open: bare {bare:.2f} s, with {clients} clients {ours:.2f} s: {ours / bare:.2f} times")


def run() -> None:
    """A whole run of that many messages, from a journal that was pulled."""
    with TemporaryDirectory() as folder:
        for _ in range(3):
            host = f"s{time.time_ns()}"
            books = Books(Path(folder) / host, host, _PROGRAM, _COUNT)
            pulled = books("sync", host).seconds
            ran = books("run", host, "--format", "json", allowed=(0, 1))
            states = Counter(one["state"] for one in ran.json["messages"])
            left = ran.seconds - pulled
            rate = states["sent"] / left
            print(f"{dict(states)} in {ran.seconds:.1f} s, {left:.1f} s without the pull: {rate:.1f} a second")


def _paged() -> Any:
    call, last, size = rest(), 0, 500
    properties = fields.read({}, "mapping")["invoice"].properties
    while size == 500:
        where = f"(t.rowid:>:{last}) and {invoices.OWED}"
        rows = call("invoices", sortfield="t.rowid", limit=500, sqlfilters=where, properties=properties)
        size = len(rows)
        last = rows[-1]["id"] if rows else last
        yield rows


def _connector(books: Books) -> DolibarrConnector:
    table = tomllib.loads((books.path / "relance.toml").read_text())["hosts"][books.host]
    around = Surroundings(books.path, ZoneInfo("Europe/Paris"), "EUR", "fr")
    return DolibarrConnector(books.host, DolibarrConnector.Settings.model_validate(table), around)


if __name__ == "__main__":
    main()
