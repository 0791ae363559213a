"""``RELANCE_LIVE_ODOO=… python -m tests.live.by_hand --sink DIR``: the walk of docs/by-hand.md, on a running host.

Another host, and the mail server of tests and simulations, are named by variables: see books.py. A draft is validated
in between; where the user may not, ``--validator KEY`` may (Dolibarr), or ``USER:PASSWORD`` (Tryton). What the sink
received is compared with what was shown.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import requests
from tryton_books import Books as TrytonBooks

from .books import KIND, SALESPERSON, URL, Books, bare, message_id, received, tryton

_STANDARD = """
[[programs]]
name = "standard"
default = true
group = "client"
calendar = "FR"
[[programs.steps]]
name = "First reminder"
trigger = {{ after_due = 3 }}
template = "first"
payment_link = true
[[programs.steps]]
name = "Second reminder"
trigger = {{ after_previous = {days} }}
sender = "{sender}"
template = "second"
[[programs.steps]]
name = "Last reminder"
trigger = {{ after_previous = 10 }}
cc = ["manager"]
template = "final"
"""
_SIX = """
[[programs]]
name = "six"
[[programs.steps]]
name = "One"
trigger = { after_issue = 5 }
subject = "#REF#"
body = "#TOTAL#"
""" + "".join(
    f'[[programs.steps]]\nname = "{name}"\ntrigger = {{ after_issue = {days} }}\ntemplate = "second"\n'
    'cc = ["manager"]\nbcc = ["archive"]\n'
    for name, days in (("Two", 25), ("Three", 35), ("Four", 45), ("Five", 55), ("Six", "'2 months'"))
)
_ROLES = """
[roles]
manager = "manager@acme.example"
archive = "archive@acme.example"
"""
_ME = "me@acme.example"


def _standard(days: int) -> str:
    return _STANDARD.format(days=days, sender=SALESPERSON)


class Walk:
    """A host of a name of its own, the commands given to it, and what the sink received since."""

    def __init__(self, folder: Path, sink: Path) -> None:
        self.host = f"h{time.time_ns()}"
        self.books = Books(folder / self.host, self.host, _standard(10), more=_ROLES)
        self.sink = sink
        self.files = {path.name for path in sink.glob("*.eml")}

    def __call__(self, command: str, *arguments: str, status: int = 0) -> str:
        """What ``relance COMMAND HOST …`` says; its status must be this one."""
        ran = self.books(command, self.host, *arguments, allowed=(status,))
        said = ran.output.rstrip() or ran.errors.rstrip()
        print(f"$ relance {command} {self.host} {' '.join(arguments)}", *said.splitlines()[:4], sep="\n  ")
        return ran.output + ran.errors

    def programs(self, text: str, *arguments: str) -> str:
        """What ``relance programs …`` says of a file."""
        (self.books.path / "some.toml").write_text(text, "utf-8")
        return self.books("programs", *arguments).output

    def new_mails(self) -> list[Any]:
        """The mails that came since this was last asked."""
        time.sleep(1)
        new = sorted(path for path in self.sink.glob("*.eml") if path.name not in self.files)
        self.files.update(path.name for path in new)
        return [message_from_bytes(path.read_bytes(), policy=policy.default) for path in new]


def main() -> None:
    """Walk; the first difference ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.by_hand")
    parser.add_argument("--sink", type=Path, required=True)
    parser.add_argument("--validator", default="", help="a key that may validate drafts")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        walk = Walk(Path(folder), given.sink)
        numbers = _two_of_a_client(walk)
        _send(walk, numbers)
        _tests(walk)
        _draft(walk, given.validator)
        _edit(walk)
        _approved(walk)
        _promise(walk, numbers[0])
    print("all of it")


def _two_of_a_client(walk: Walk) -> list[str]:
    walk("invoices", "--by", "client", "--overdue")
    by_client = defaultdict(list)
    for row in walk.books.items("invoices", walk.host, "--overdue"):
        if row["reason"] == "due":
            by_client[row["client"]].append(f"id:{row['invoice']}")
    return next(found for found in by_client.values() if len(found) > 1)[:2]


def _send(walk: Walk, numbers: list[str]) -> None:
    """Two invoices of one client with schedule and link: previewed, sent once, recorded."""
    asked = [part for number in numbers for part in ("--invoice", number)]
    asked += ["--template", "statement", "--cc", "manager", "--attach", "invoice?", "--attach", "schedule"]
    walk("send", *asked, "--payment-link", "--preview", "shown.eml")
    assert not walk.new_mails(), "a preview was sent"
    shown = message_from_bytes((walk.books.path / "shown.eml").read_bytes(), policy=policy.default)
    walk("send", *asked, "--payment-link", "--yes")
    mails = walk.new_mails()
    assert set(map(message_id, mails)) == {shown["Message-ID"]}
    assert {mail["Subject"] for mail in mails} == {shown["Subject"]}
    names = sorted(part.get_filename() for part in shown.iter_attachments())
    assert all(sorted(part.get_filename() for part in mail.iter_attachments()) == names for mail in mails)
    again = walk("send", *asked, "--payment-link", "--yes", status=2)
    assert "today" in again or "already" in again, again
    log = walk.books.items("log", walk.host)
    assert [(one["origin"], one["last_event"], one["step"]) for one in log] == [("manual", "sent", None)] * 2
    print(f"  sent once, {len(mails)} mails with {names}; refused the second time")


def _tests(walk: Walk) -> None:
    """Each step to oneself, the simulation by mail, the run."""
    for step in ("First reminder", "Second reminder", "Last reminder"):
        walk("test-message", "standard", step, "--to", _ME)
    walk("simulate", "--mail-to", _ME)
    mails = walk.new_mails()
    assert [mail["X-Envelope-To"] for mail in mails] == [_ME] * 4
    assert len(walk.books.items("log", walk.host)) == 2, "a test was counted"
    simulated = walk.books("simulate", walk.host, "--format", "json", allowed=(0, 1)).json
    ran = walk.books("run", walk.host, "--format", "json", allowed=(0, 1)).json
    assert [one["invoices"] for one in ran["messages"]] == [one["invoices"] for one in simulated["messages"]]
    walk.new_mails()
    print(f"  tests came to oneself alone; the run sent {len(ran['messages'])} messages")


def _draft(walk: Walk, validator: str) -> None:
    """A program applied to a draft, adapted, and followed when it is validated; a planned step sent at once."""
    walk.programs(_SIX, "apply", "some.toml")
    print(walk.books("programs", "recap", "six").output.splitlines()[0])
    rows = walk.books("simulate", walk.host, "--format", "json", allowed=(0, 1)).json["decisions"]
    draft = next(f"id:{row['invoice']}" for row in rows if row["status"] == "draft" and row["reason"] == "draft")
    day = (date.today() + timedelta(days=60)).isoformat()
    walk("plan", draft, "--apply", "six", "--drop", "Two", "--set", "Three", "--on", day, "--cc", "manager")
    before = _planned(walk, draft)
    _validate(draft.removeprefix("id:"), validator)
    after = _planned(walk, draft)
    assert [row["step_name"] for row in after] == ["One", "Three", "Four", "Five", "Six"], after
    moved = {
        date.fromisoformat(new["date"]) - date.fromisoformat(old["date"])
        for old, new in zip(before, after, strict=True)
    }
    assert all(not row["provisional"] for row in after)
    walk("send", "--invoice", draft, "--step", "One", "--yes")
    assert len(set(map(message_id, walk.new_mails()))) == 1
    states = [(row["state"], row["step_name"]) for row in walk.books.items("plan", walk.host, draft)]
    assert ("sent", "One") in states and ("planned", "Three") in states, states
    print(f"  the draft's plan followed its final date by {sorted(one.days for one in moved)} days")


def _planned(walk: Walk, invoice: str) -> list[dict[str, Any]]:
    rows = walk.books.items("plan", walk.host, invoice)
    return [row for row in rows if row["state"] == "planned"]


def _validate(invoice: str, key: str) -> None:
    if KIND == "odoo":
        bare()("account.move", "action_post", [int(invoice)])
        return
    if KIND == "tryton":
        TrytonBooks(tryton(*key.split(":"))).post(int(invoice))
        return
    answer = requests.post(
        f"{URL}/api/index.php/invoices/{invoice}/validate", json={}, headers={"DOLAPIKEY": key}, timeout=60
    )
    answer.raise_for_status()


def _edit(walk: Walk) -> None:
    """A program edited: what the diff says comes true; replayed; another deleted."""
    edited = _standard(8)
    (walk.books.path / "some.toml").write_text(edited, "utf-8")
    rows = walk.books.items("programs", "diff", "some.toml")
    changes = Counter(row["change"] for row in rows)
    walk.programs(edited, "apply", "some.toml")
    assert rows and not walk.books.items("programs", "diff", "some.toml"), "applied, it differs still"
    some = next(row for row in rows if row["change"] == "moves")
    planned = _planned(walk, f"id:{some['invoice']}")
    assert any((row["step_name"], row["date"]) == (some["step_name"], some["after"]) for row in planned), (
        some,
        planned,
    )
    print(f"  the edit: {dict(changes)}; the plan shows what the diff said")
    walk("replay", "standard", "--days", "90")
    print(walk.books("programs", "delete", "six", "--yes").errors.rstrip())


def _approved(walk: Walk) -> None:
    """Saved, run as it is, and not a second time."""
    day = ("--date", (date.today() + timedelta(days=12)).isoformat())
    saved = walk.books("simulate", walk.host, "--save", "--format", "json", *day, allowed=(0, 1)).json
    ran = walk.books("run", walk.host, "--simulation", str(saved["id"]), "--format", "json", *day, allowed=(0, 1)).json
    assert [one["invoices"] for one in ran["messages"]] == [one["invoices"] for one in saved["messages"]]
    left = Counter(one["state"] for one in ran["messages"])
    assert left["sent"] + left["queued"] > len(ran["messages"]) // 2, left
    refused = walk.books("run", walk.host, "--simulation", str(saved["id"]), *day, allowed=(2,))
    times = received(walk.sink)
    ours = {one["message_id"] for one in walk.books.items("log", walk.host)}
    assert max(count for key, count in times.items() if key[0] in ours) == 1, "received twice"
    print(f"  simulation {saved['id']}: {dict(left)}; again: {refused.errors.strip()}")


def _promise(walk: Walk, invoice: str) -> None:
    """A promise, its words, and the evidence of one invoice."""
    day = ("--date", (date.today() + timedelta(days=13)).isoformat())
    until = (date.today() + timedelta(days=30)).isoformat()
    walk("hold", "--invoice", invoice, "--kind", "promise", "--until", until, "--reason", "by phone", *day)
    assert "by phone" in walk("explain", invoice, "--language", "en", *day)
    reasons = walk.books("simulate", walk.host, "--format", "json", *day, allowed=(0, 1)).json["decisions"]
    assert {one["invoice"]: one["reason"] for one in reasons}[invoice.removeprefix("id:")] == "invoice_held"
    walk("hold", "--invoice", invoice, "--lift", *day)
    walk("log", "--invoice", invoice, "--archive", "evidence.zip")
    names = ZipFile(walk.books.path / "evidence.zip").namelist()
    assert any(name.endswith(".eml") for name in names), names
    print(f"  the archive: {len(names)} files")


if __name__ == "__main__":
    main()
