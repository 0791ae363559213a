"""A company whose host ``acme`` is the tests' own Tryton, where commands see the parties of their test alone.

::

    def test_something(acme):
        dupont, smith = acme.owing(2)          # a party each, with an invoice of 100.00 that is three weeks late
        assert acme("run acme").states == {dupont: "sent", smith: "sent"}
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import tryton_company
from company import CONFIGURATION, Company
from post_office import Letterbox
from tryton_books import Amount, Bill, Books
from tryton_server import DATABASE, Tryton

from relance_addon.connectors.tryton import inspection, invoices, reading, records, rpc
from relance_addon.connectors.tryton.connector import TrytonConnector
from relance_addon.connectors.tryton.settings import Settings

ISSUED, DUE = date(2026, 10, 1), date(2026, 10, 31)
CONFIG = CONFIGURATION.replace("compta@", "robot@").replace("[mail]", '[mail]\nsmtp = "{smtp}"') + (
    'connector = "tryton"\nurl = "{url}"\ndatabase = "{database}"\n'
    'user = "robot"\npassword = {{ file = "password" }}\nmail = "{mail}"\n'
)
_AT_ONCE = 16
"""Posting many invoices in a call takes Tryton less than a call for each."""


class Stock:
    """Invoices of 100.00, each of a French party of its own, three weeks late on the day of the tests.

    ``robot`` is the session of all commands.
    """

    def __init__(self, books: Books, tryton: Tryton, folder: Path) -> None:
        self.books, self.url = books, tryton.url
        told = {"connector": "tryton", "url": tryton.url, "database": DATABASE, "user": "robot"}
        settings = Settings.model_validate({**told, "password": {"file": "password"}})
        session = rpc.connect(settings, tryton_company.password("robot"), folder, lambda pause: None)
        self.robot = session, records.Records(session)
        self._names = count(1)
        self._ready: list[tuple[int, int]] = []

    def take(self) -> tuple[int, int]:
        """A party and its invoice, by id."""
        if not self._ready:
            parties = self.parties(_AT_ONCE)
            made = self.books.bill(*(Bill(party, ISSUED, {DUE: 100}) for party in parties))
            self._ready = list(zip(parties, made, strict=True))
        return self._ready.pop(0)

    def parties(self, number: int = 1, **more: Any) -> list[int]:
        """New parties: ``client7@client.example``."""
        names = [next(self._names) for _ in range(number)]
        known = {"language": "fr", "country": "FR"}
        return self.books.parties(
            *({"name": f"Client {name}", "email": f"client{name}@client.example", **known, **more} for name in names)
        )


class Acme(Company):
    """The folder of a company whose host is on the tests' own Tryton. Invoices are named by id, in words.

    ``mail`` is who sends; whichever, mails go to the server at ``smtp``, and into ``letters``.
    """

    def __init__(self, company: Company, stock: Stock, letters: Letterbox, smtp: str, mail: str) -> None:
        super().__init__(company.folder, company.capture)
        self.stock, self.books = stock, stock.books
        self.letters, self.smtp, self.mail = letters, smtp, mail
        self.monkeypatch = pytest.MonkeyPatch()
        self.parties: dict[str, int] = {}
        self._seen = [0]
        self._narrow()
        self.write("relance.toml", CONFIG.format(smtp=smtp, url=stock.url, database=DATABASE, mail=mail))
        self.write("password", tryton_company.password("robot"))
        self.programs()
        self("activate acme")

    def _narrow(self) -> None:
        """Commands see nothing of the parties of others, and are logged in."""
        ours = ["party", "in", self._seen]
        for module in (reading, inspection):
            self.monkeypatch.setattr(module, "OWED", (*invoices.OWED, ours))
        self.monkeypatch.setattr(reading, "SALES", (*invoices.SALES, ours))
        # Logging in, and learning what each model has, take Tryton longer than all that a run asks it.
        self.monkeypatch.setattr(TrytonConnector, "_connected", lambda _: self.stock.robot)

    def owing(self, number: int = 1) -> list[str]:
        """Invoices from the stock."""
        taken = [self.stock.take() for _ in range(number)]
        self._seen += [party for party, _ in taken]
        self.parties.update((str(invoice), party) for party, invoice in taken)
        return [str(invoice) for _, invoice in taken]

    def client(self, **told: Any) -> int:
        """A party that owes nothing yet."""
        (party,) = self.stock.parties(**told)
        self._seen.append(party)
        return party

    def bills(self, party: int, *dues: Mapping[date, Amount] | Amount, draft: bool = False) -> list[str]:
        """Invoices of a party: what is due when, or all of it three weeks ago."""
        bills = [Bill(party, ISSUED, due if isinstance(due, Mapping) else {DUE: due}) for due in dues]
        made = self.books.draft(*bills) if draft else self.books.bill(*bills)
        self.parties.update((str(one), party) for one in made)
        return [str(one) for one in made]

    def issue(self, draft: str, on: date, due: date) -> None:
        """Give a draft other days."""
        days = {"invoice_date": on, "payment_term_date": due}
        self.books.admin.call("model.account.invoice.write", [int(draft)], days)

    def mails(self) -> list[EmailMessage]:  # type: ignore[override]  # there is no outbox here
        """The mails that arrived, in order; ``X-To`` are all to whom."""
        return [_mail(bytes(one.content), one.rcpt_tos) for one in self.letters.got]

    def email(self, invoice: str) -> str:
        """The address of an invoice's party."""
        return str(self.books.admin.rows("party.party", ["email"], ["id", "=", self.parties[invoice]])[0]["email"])

    def notes(self, invoice: str) -> list[str]:
        """What stands on an invoice."""
        rows = self.books.admin.rows("ir.note", ["message"], ["resource", "=", f"account.invoice,{invoice}"])
        return [row["message"] for row in rows]

    def number(self, invoice: str) -> str:
        """The number of an invoice."""
        return str(self.books.admin.rows("account.invoice", ["number"], ["id", "=", int(invoice)])[0]["number"])

    def before(self, method: str, act: Callable[[], object]) -> None:
        """Do something once, just before the connector, or what it looks at invoices with, is asked."""
        owner = TrytonConnector if hasattr(TrytonConnector, method) else reading.Reader
        real = getattr(owner, method)
        left = [act]

        def late(*told: Any, **more: Any) -> Any:
            if left:
                left.pop()()
            return real(*told, **more)

        self.monkeypatch.setattr(owner, method, late)

    def another(self) -> Company:
        """Somebody else's folder with a journal of its own, for the same host."""
        folder = self.folder / "elsewhere"
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("relance.sqlite3*"))
        other = Company(folder, self.capture)
        other("programs apply programs.toml")
        other("activate acme")
        return other


def _mail(content: bytes, people: list[str]) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    mail["X-To"] = ",".join(sorted(people))
    return mail
