"""``RELANCE_LIVE_ODOO=… python -m tests.live.whole --sink DIR``: every command on a running host, journal empty.

Another host is named by a variable of its own: see books.py.

What the sink received must be what the simulation said; what is decided must be what the connector ``files`` decides
on the same books, exported by calls of their own.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from email.utils import getaddresses
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .books import KIND, Books, received

_PROGRAM = """
[[programs]]
name = "standard"
default = true
group = "step"
calendar = "client"
[[programs.steps]]
name = "Premier rappel"
trigger = { after_due = 3 }
template = "first"
payment_link = true
attach = ["schedule?"]
cc = ["manager"]
bcc = ["archive"]
[[programs.steps]]
name = "Second rappel"
trigger = { after_previous = 10 }
template = "second"
"""
_MORE = """
[roles]
manager = "manager@acme.example"
archive = "archive@acme.example"
"""


def main() -> None:
    """Run everything; the first difference ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.whole")
    parser.add_argument("--sink", type=Path, required=True)
    parser.add_argument("--day", default="2026-11-20", help="the day to decide for (a working day)")
    parser.add_argument(
        "--no-copies", action="store_true", help="no cc and bcc: who posts notes needs contacts for them"
    )
    given = parser.parse_args()
    date = ("--date", given.day)
    program = _PROGRAM
    if given.no_copies:
        program = program.replace('cc = ["manager"]\n', "").replace('bcc = ["archive"]\n', "")
    with TemporaryDirectory() as folder:
        host = f"w{time.time_ns()}"
        books = Books(Path(folder) / host, host, program, more=_MORE)
        for command in (("check", host), ("mapping", host), ("sync", host, *date)):
            print(books(*command, allowed=(0, 1)).output.rstrip(), end="\n\n")
        simulated = books("simulate", host, *date, "--format", "json", allowed=(0, 1)).json
        _compare(_files(Path(folder) / "files", program, date), simulated["decisions"])
        ran = books("run", host, *date, "--format", "json", allowed=(0, 1))
        print(ran.errors.rstrip())
        done = ran.json
        states = defaultdict(int)
        for one in done["messages"]:
            states[one["state"]] += 1
        print(f"run: {len(done['messages'])} messages in {ran.seconds:.1f} s, {dict(states)}")
        _same_messages(simulated["messages"], done["messages"])
        for command in (("events", host), ("log", host)):
            print(*books(*command).output.splitlines()[:3], sep="\n")
        log = books.items("log", host)
        _reached(simulated["messages"], log, received(given.sink))
        print("\n".join(books("explain", host, log[0]["number"]).output.splitlines()[:12]))
        again = books("run", host, *date, "--format", "json", allowed=(0, 1)).json
        assert again["messages"] == [], "a second run sent something"


def _same_messages(simulated: list[dict[str, Any]], done: list[dict[str, Any]]) -> None:
    wanted = [(one["invoices"], one["to"], one["cc"], one["bcc"], one["subject"]) for one in simulated]
    assert wanted == [(one["invoices"], one["to"], one["cc"], one["bcc"], one["subject"]) for one in done]
    print(f"the run sent the {len(wanted)} messages that were simulated")


def _reached(simulated: list[dict[str, Any]], log: list[dict[str, Any]], mails: Any) -> None:
    """Each person of each simulated message was reached once under its Message-ID, and nobody else."""
    ids = {(one["invoice"], one["subject"]): one["message_id"] for one in log}
    wanted = set()
    for one in simulated:
        message_id = ids[one["invoices"][0], one["subject"]]
        for _, address in getaddresses([*one["to"], *one["cc"], *one["bcc"]]):
            wanted.add((message_id, address))
    ours = {key: times for key, times in mails.items() if key[0] in {one["message_id"] for one in log}}
    assert set(ours) == wanted, f"missing: {wanted - set(ours)}; too many: {set(ours) - wanted}"
    assert set(ours.values()) <= {1}, "received twice"
    print(f"the sink received {len(ours)} mails, those that were simulated and no other")


def _compare(files: list[dict[str, Any]], host: list[dict[str, Any]]) -> None:
    keys = ("decision", "reason", "step", "date", "due_date", "residual", "currency")
    wanted, found = ({one["invoice"]: tuple(one[key] for key in keys) for one in each} for each in (files, host))
    differing = {key: (wanted.get(key), found.get(key)) for key in wanted | found if wanted.get(key) != found.get(key)}
    assert not differing, f"files against the host: {json.dumps(differing, indent=1)}"
    reasons: dict[str, int] = defaultdict(int)
    for one in host:
        reasons[one["reason"]] += 1
    print(f"files decide the same of all {len(found)} invoices: {dict(reasons)}")


def _files(folder: Path, program: str, date: tuple[str, str]) -> list[dict[str, Any]]:
    import_module(f".{KIND}_export", __package__).export(folder / "data")
    config = f'[mail]\nsender = "compta@acme.example"\n{_MORE}\n[hosts.f]\nconnector = "files"\npath = "data"\n'
    (folder / "relance.toml").write_text(config, "utf-8")
    (folder / "programs.toml").write_text(program, "utf-8")
    run = Books.__call__
    place = _Folder(folder)
    run(place, "programs", "apply", "programs.toml")  # type: ignore[arg-type]  # all that it takes is a path
    simulated = run(place, "simulate", "f", *date, "--format", "json", allowed=(0, 1))  # type: ignore[arg-type]
    decisions: list[dict[str, Any]] = simulated.json["decisions"]
    return decisions


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path


if __name__ == "__main__":
    main()
