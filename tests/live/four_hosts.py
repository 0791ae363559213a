"""``python -m tests.live.four_hosts --load odoo,dolibarr,tryton``: the same 200 invoices on each host, decided alike.

The hosts that variables name (see servers.py) are compared with a folder of CSV files, invoice by invoice and message
by message. What a host cannot say stands in cannot.py: it must decide as the files do on books without that. What comes
of it is counted; anything else ends this with 1.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from email.utils import parseaddr
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final, NamedTuple

from . import files_load, servers
from .cannot import CANNOT, without
from .same_books import Books, make

_PROGRAMS: Final = """
[[programs]]
name = "standard"
default = true
group = "client"
calendar = "client"
minimum = "10.00"
[[programs.steps]]
name = "Courtesy"
trigger = { after_due = -3 }
subject = "#REF# : #SOLDE#"
body = "#SOLDE#, #ECHEANCE#"
[[programs.steps]]
name = "First reminder"
trigger = { after_due = 3 }
template = "first"
attach = ["schedule?"]
[[programs.steps]]
name = "Second reminder"
trigger = { after_previous = 10 }
template = "second"

[[programs]]
name = "public"
group = "invoice"
calendar = "FR"
when = { tag = ["public"] }
[[programs.steps]]
name = "Statement"
trigger = { after_issue = "2 months" }
cc = ["manager"]
template = "first"
[[programs.steps]]
name = "Second statement"
trigger = { after_previous = "1 month" }
template = "second"

[[programs]]
name = "abroad"
group = "step"
calendar = "client"
when = { country = ["DE", "US"] }
[[programs.steps]]
name = "Reminder"
trigger = { after_due = 5 }
sender = "salesperson"
template = "first"
[[programs.steps]]
name = "Last reminder"
trigger = { after_previous = 20 }
template = "final"
"""
_CONFIG: Final = """
[mail]
smtp = "smtp://127.0.0.1:25"
sender = "Comptabilité <compta@acme.example>"
[roles]
manager = "manager@acme.example"
"""
_DECIDED: Final = (
    "decision", "reason", "status", "client_name", "due_date", "days_late", "residual", "currency",
    "program", "step", "step_name", "date",
)  # fmt: skip
"""What of a decision is compared."""
DAY: Final = date(2026, 11, 26)
"""A holiday in the United States."""
_RELANCE: Final = Path(sys.executable).with_name("relance")


def main() -> None:
    """Load what is to be loaded, let every host decide, and compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.four_hosts")
    parser.add_argument("--load", default="", help="the hosts to write the books to first, with commas")
    parser.add_argument("--day", type=date.fromisoformat, default=DAY, help="the day that the books are made for")
    parser.add_argument("--date", type=date.fromisoformat, help="the day to decide for, where it is another")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    books = make(given.day, given.seed)
    for kind in filter(None, given.load.split(",")):
        start = perf_counter()
        loader(kind).load(books)
        print(f"{kind}: loaded in {perf_counter() - start:.0f} s")
    raise SystemExit(bool(compare(books, servers.named(), given.date or given.day)))


def compare(books: Books, hosts: Sequence[str], day: date) -> list[str]:
    """Let hosts that have these books decide for a day, and print what is different; gives what should not be."""
    with TemporaryDirectory() as folder:
        decided = _simulate(Path(folder), books, hosts, day)
    _table(len(books.bills), {kind: decided[kind].decisions for kind in ("files", *hosts)})
    wrong = [line for kind in hosts for line in _compare(books, kind, decided)]
    said = [[decided[kind].decisions.get(one.ref) for kind in ("files", *hosts)] for one in books.bills]
    print(
        f"\n{sum(one.count(one[0]) == len(one) for one in said)} of {len(said)} invoices are decided alike everywhere"
    )
    print(*wrong, sep="\n")
    return wrong


class Decided(NamedTuple):
    """What one host says: of each invoice by its reference, and of each message by its invoices'."""

    decisions: dict[str, dict[str, Any]]
    messages: dict[tuple[str, ...], dict[str, Any]]


def _simulate(folder: Path, books: Books, hosts: Sequence[str], day: date) -> dict[str, Decided]:
    """What each host says, and what files say of what it can say (``files_KIND``)."""
    tables = [_CONFIG]
    for name, said in {"files": books, **{f"files_{kind}": without(books, kind) for kind in hosts}}.items():
        files_load.load(said, folder / name)
        tables.append(f'[hosts.{name}]\nconnector = "files"\npath = "{name}"\n')
    for kind in hosts:
        (folder / f"{kind}.secret").write_text(servers.secret(kind), "utf-8")
        tables.append(servers.table(kind))
    (folder / "relance.toml").write_text("\n".join(tables), "utf-8")
    (folder / "programs.toml").write_text(_PROGRAMS, "utf-8")
    _run(folder, "programs", "apply", "programs.toml")
    own = {one.ref: one.ref for one in books.bills}
    found = {}
    for name in ("files", *(f"files_{kind}" for kind in hosts), *hosts):
        start = perf_counter()
        said = json.loads(_run(folder, "simulate", name, "--date", str(day), "--format", "json"))
        found[name] = _decided(said, loader(name).references() if name in hosts else own)
        print(f"{name}: simulated in {perf_counter() - start:.1f} s")
    return found


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([_RELANCE, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        raise SystemExit(f"relance {' '.join(arguments)}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def _decided(said: Mapping[str, Any], references: Mapping[str, str]) -> Decided:
    strangers = {row["number"] for row in said["decisions"] if row["invoice"] not in references}
    if strangers or len(set(references.values())) < len(references):
        raise SystemExit(f"{said['host']} has other invoices, or ours twice: reset it and load them ({strangers})")
    decisions = {references[row["invoice"]]: {key: row[key] for key in _DECIDED} for row in said["decisions"]}
    messages = {
        tuple(sorted(references[one] for one in row["invoices"])): {
            **{key: row[key] for key in ("step", "channel", "language", "to", "cc", "bcc")},
            # Its name is the host's own.
            "sender": parseaddr(row["sender"])[1],
            "attachments": len(row["attachments"]),
        }
        for row in said["messages"]
    }
    return Decided(decisions, messages)


def _compare(books: Books, kind: str, decided: Mapping[str, Decided]) -> list[str]:
    """Print what comes of what a host cannot say; what else is different."""
    files, able, host = decided["files"], decided[f"files_{kind}"], decided[kind]
    wrong = [
        f"{kind}: {key}: {able_said} wanted, {host_said} found"
        for wanted, found in ((able.decisions, host.decisions), (able.messages, host.messages))
        for key in sorted(wanted.keys() | found.keys(), key=str)
        for able_said, host_said in [_apart(wanted.get(key), found.get(key))]
        if able_said != host_said
    ]
    fields = {
        ref: {key for key in _DECIDED if (files.decisions.get(ref) or {}).get(key) != (said or {}).get(key)}
        for ref in files.decisions | host.decisions
        for said in [host.decisions.get(ref)]
        if files.decisions.get(ref) != said
    }
    causes: dict[str, set[str]] = defaultdict(set)
    for one in CANNOT[kind]:
        touched = one.touched(books)
        causes[one.what] = (touched & fields.keys()).difference(*causes.values())
        if not touched:
            wrong.append(f"{kind}: {one.what}: these books say nothing of it")
    causes["other invoices of these clients"] = fields.keys() - set().union(*causes.values())
    print(
        f"\n{kind}: {len(fields)} of {len(files.decisions | host.decisions)} invoices decided otherwise than in files"
    )
    for what, refs in causes.items():
        if refs:
            counts = Counter(key for ref in refs for key in fields[ref])
            print(f"  {what}: {len(refs)} ({', '.join(f'{key} {counts[key]}' for key in _DECIDED if counts[key])})")
    same = sum(files.messages.get(key) == one for key, one in host.messages.items())
    alone = f"{len(files.messages) - same} in files alone, {len(host.messages) - same} here alone"
    print(f"  messages: {same} the same, {alone}")
    return wrong


def _apart(wanted: dict[str, Any] | None, found: dict[str, Any] | None) -> tuple[Any, Any]:
    """What of two is different."""
    if wanted is None or found is None:
        return wanted, found
    keys = [key for key in wanted if wanted[key] != found[key]]
    return {key: wanted[key] for key in keys}, {key: found[key] for key in keys}


def _table(count: int, decisions: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """How many of each decision and reason there are on each host."""
    counts = {
        kind: Counter((one["decision"], one["reason"]) for one in rows.values()) for kind, rows in decisions.items()
    }
    print(f"\n{'':28}", *(f"{kind:>9}" for kind in counts))
    for decision, reason in sorted(set().union(*counts.values())):
        print(f"{decision:5} {reason:22}", *(f"{found[decision, reason]:9}" for found in counts.values()))
    print(f"{'paid or cancelled':28}", *(f"{count - sum(found.values()):9}" for found in counts.values()))


def loader(kind: str) -> Any:
    """The module that writes books to a kind of host."""
    return import_module(f".{kind}_load", __package__)


if __name__ == "__main__":
    main()
