"""A company's folder in which commands run, in this process, and what they said.

::

    def test_something(files):                      # data/*.csv
        files.csv("invoices", "17,3,2026-10-01,2026-10-31,100")
        assert files("run acme", status=1).err == "…"

    def test_something_else(fake):                  # a host in memory: fake.host
        fake.host.put(invoice("17"), client("1"))
        assert fake("run acme").reasons == {"17": "due"}
"""

from __future__ import annotations

import contextlib
import json
import shlex
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from relance_addon.hosts.fake import FakeHost

DAY = "2026-11-21"
"""Today, unless a test says otherwise."""
CONFIGURATION = """\
[relance]
journal = "sqlite:///relance.sqlite3"

[mail]
sender = "Comptabilité <compta@acme.example>"

[roles]
manager = "Anne Roux <anne@acme.example>"

[hosts.acme]
"""
FILES = CONFIGURATION + 'connector = "files"\npath = "data"\n'
FAKE = CONFIGURATION + 'connector = "fake"\n'
PROGRAMS = """\
[[programs]]
name = "standard"
default = true

[[programs.steps]]
name = "Rappel"
trigger = { after_due = 3 }
subject = "Rappel #REF#"
body = "Bonjour #CLIENT#, #SOLDE# dus depuis le #ECHEANCE#."

[[programs.steps]]
name = "Relance"
trigger = { after_previous = 10 }
subject = "Relance #REF#"
body = "Toujours #SOLDE#."

[[programs.steps]]
name = "Dernier rappel"
trigger = { after_previous = 10 }
subject = "Dernier rappel #REF#"
body = "Encore #SOLDE#."
"""
HEADERS = {
    "invoices": "id,client,issue_date,due_date,residual",
    "clients": "id,name,email,language,country,tags,program,hold_until,credit",
    "contacts": "client,name,email,roles",
    "instalments": "invoice,due_date,amount,residual",
    "events": "message_id,event,at,recipient,detail",
}
UNDATED = ("activate", "deactivate", "log", "programs", "templates", "init")
"""Commands that do not depend on today."""


@dataclass(frozen=True)
class Said:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def items(self) -> list[dict[str, Any]]:
        return self.json["items"]

    @property
    def lines(self) -> list[str]:
        """What it said on standard error."""
        return self.err.splitlines()

    @property
    def reasons(self) -> dict[str, str]:
        """The reason of each invoice, by id."""
        return {one["invoice"]: one["reason"] for one in self.json["decisions"]}

    @property
    def states(self) -> dict[str, str]:
        """The state of each message, by its invoices."""
        return {" ".join(one["invoices"]): one["state"] for one in self.json["messages"]}


@dataclass
class Company:
    """A folder with a relance.toml; calling it runs a command there."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    host: FakeHost = field(default_factory=FakeHost)

    def __call__(self, command: str, status: int | None = 0, date: str = DAY, form: str = "") -> Said:
        """Run ``relance COMMAND`` today, as JSON where ``form`` or the command's name allows it."""
        from relance_addon.cli.main import _run

        arguments = shlex.split(command)
        if arguments[0] not in UNDATED and "--date" not in arguments:
            arguments += ["--date", date]
        form = form or ("json" if arguments[0] in ("simulate", "run", "send", "log", "doubt", "invoices") else "")
        if form and "--format" not in arguments and "--message" not in arguments:
            arguments += ["--format", form]
        with contextlib.chdir(self.folder):
            self.capture.readouterr()
            ended = _run(arguments, debug=False)
            said = Said(ended, *self.capture.readouterr())
        assert status is None or said.status == status, f"{command}: {said.status}\n{said.err}\n{said.out}"
        return said

    def path(self, name: str) -> Path:
        return self.folder / name

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def configure(self, *changes: tuple[str, str], more: str = "") -> None:
        """Replace texts of relance.toml, and add to its end."""
        text = self.path("relance.toml").read_text("utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.write("relance.toml", text + more)

    def programs(self, text: str = PROGRAMS) -> None:
        """Apply a programs.toml."""
        self.write("programs.toml", text)
        self("programs apply programs.toml")

    def csv(self, name: str, *lines: str, header: str = "") -> None:
        """Write a file of data/, its usual header first."""
        self.write(f"data/{name}.csv", "\n".join([header or HEADERS[name], *lines, ""]))

    def mails(self) -> dict[str, EmailMessage]:
        """What is in the outbox, by key."""
        parser = BytesParser(policy=policy.default)
        return {
            path.stem: parser.parsebytes(path.read_bytes()) for path in sorted(self.path("data/outbox").glob("*.eml"))
        }

    def subjects(self) -> list[str]:
        """The subjects of what the host in memory let leave, in order."""
        return [message.subject for message in self.host.posted]
