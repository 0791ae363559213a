"""A folder on which every invoice is due each day, and what can be seen in it from outside."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from .warm import Command, Done

HOST = "acme"
FIRST = date(2026, 11, 2)
STEPS = 6
INVOICES = 60
CLIENTS = 40
_NUMBER = re.compile(r"FA-\d+")
_CONFIG = """
[mail]
sender = "Comptabilité <compta@acme.example>"

[roles]
boss = "chef@acme.example"

[hosts.acme]
connector = "files"
path = "data"
"""
_PROGRAM = """
[[programs]]
name = "{name}"
default = {default}
group = "{group}"
{when}
"""
_STEP = """
[[programs.steps]]
name = "Étape {number}"
trigger = {{ {trigger} }}
channel = "{channel}"
bcc = {bcc}
subject = "R{number} #REF#"
body = "Madame, Monsieur, #SOLDE# restent dus pour #REF#."
"""


class Folder:
    """A fresh folder: 60 invoices of 40 clients, due each day from FIRST on for STEPS days, mails and activities."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outbox, self.taken = path / "data" / "outbox", path / "taken"
        self.taken.mkdir(parents=True)
        (path / "data").mkdir()
        (path / "relance.toml").write_text(_CONFIG, "utf-8")
        (path / "programs.toml").write_text(_programs(), "utf-8")
        with (path / "data" / "invoices.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("id", "number", "client", "issue_date", "due_date", "residual"))
            for number in range(1, INVOICES + 1):
                day = FIRST - timedelta(days=3)
                rows.writerow((number, numbered(number), 1 + number % CLIENTS, day - timedelta(days=30), day, "100.00"))
        with (path / "data" / "clients.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("id", "name", "email", "tags"))
            for number in range(1, CLIENTS + 1):
                rows.writerow((number, f"Client {number}", f"c{number}@x.example", "apart" if number % 3 == 0 else ""))
        self.done("programs", "apply", "programs.toml")
        self.done("activate", HOST)

    def start(self, *arguments: str) -> Command:
        """Start a command."""
        return Command(self.path, *arguments)

    def done(self, *arguments: str, allowed: Sequence[int] = (0,)) -> Done:
        """Run a command to its end; its status must be one of those allowed."""
        found = self.start(*arguments).done()
        assert found.status in allowed, f"{arguments}: status {found.status}\n{found.output}\n{found.errors}"
        return found

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """The items that a command shows as JSON."""
        found: list[dict[str, Any]] = json.loads(self.done(*arguments, "--format", "json").output)["items"]
        return found

    def saved(self, day: str) -> str:
        """The number of a simulation saved that day."""
        said = self.done("simulate", HOST, "--save", "--date", day, "--format", "json")
        return str(json.loads(said.output)["id"])

    def empty_the_outbox(self) -> None:
        """What a program does that sends the files: it takes them away."""
        if self.outbox.is_dir():
            for path in self.outbox.iterdir():
                if not path.name.startswith("."):
                    assert not (self.taken / path.name).exists(), f"{path.name} was written again"
                    path.rename(self.taken / path.name)

    def left(self) -> Counter[tuple[str, int]]:
        """How often each (invoice number, step) left, as the mails and the file of activities say."""
        found: Counter[tuple[str, int]] = Counter()
        for path in self.mails():
            found.update(_told(str(message_from_bytes(path.read_bytes(), policy=policy.default)["Subject"])))
        activities = self.path / "data" / "activities.csv"
        if activities.exists():
            with activities.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    found.update(_told(row["summary"]))
        return found

    def mails(self) -> list[Path]:
        """Every mail that left, those taken away among them."""
        return [*self.outbox.glob("*.eml"), *self.taken.glob("*.eml")]

    def check_mails_are_whole(self) -> None:
        """Each mail is, to the byte, the one that the journal kept before it left."""
        with sqlite3.connect(f"file:{self.path / 'relance.sqlite3'}?mode=ro", uri=True) as journal:
            kept = dict(journal.execute("SELECT key, mime FROM journal_message"))
        for path in self.mails():
            assert path.read_bytes() == bytes(kept[path.stem]), f"{path.name} is not what was claimed"


def numbered(number: int) -> str:
    """The number of an invoice."""
    return f"FA-{number:03}"


def _told(subject: str) -> list[tuple[str, int]]:
    step = int(subject.split()[0].removeprefix("R"))
    return [(number, step) for number in _NUMBER.findall(subject)]


def _programs() -> str:
    text = []
    for name, group, when in (("standard", "step", ""), ("apart", "invoice", 'when = { tag = ["apart"] }')):
        text.append(_PROGRAM.format(name=name, default=str(not when).lower(), group=group, when=when))
        for number in range(1, STEPS + 1):
            trigger = "after_previous = 1" if number > 1 else "after_due = 3"
            channel = "activity" if number in (2, 5) else "mail"
            bcc = '["boss"]' if number == 3 else "[]"
            text.append(_STEP.format(number=number, trigger=trigger, channel=channel, bcc=bcc))
    return "".join(text)
