"""The files as they were at one moment: CSV to invoices, clients, contacts and instalments.

Clients, contacts and instalments are held in memory; invoices pass by in pages, and of each only its place is kept, so
that a few of them can be read again without reading the file again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import relance_addon
from relance_addon.connectors.files import values
from relance_addon.connectors.files.folder import Folder, Pdfs, inside, modified, present
from relance_addon.connectors.files.settings import Settings
from relance_addon.connectors.files.table import Record, Table, stamp_of
from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import OWED, Client, Contact, Instalment, Invoice, Problem, Status
from relance_addon.hosts import mapping
from relance_addon.hosts.port import Page, Surroundings

T = TypeVar("T")
Row = list[str]
Sources = dict[str, dict[str, mapping.Source]]

PAGE: Final = 1000
REQUIRED: Final = {
    "invoice": ("id", "client", "issue_date", "residual"),
    "client": ("id",),
    "contact": ("client", "email"),
    "instalment": ("invoice", "due_date", "residual"),
}
KINDS: Final = {"invoices": "invoice", "clients": "client", "contacts": "contact", "instalments": "instalment"}
_FROM_INVOICES: Final = ("email", "language", "country", "tags", "credit")
_NAME_COLUMN: Final = "client_name"
_INVOICE: Final = mapping.FIELDS["invoice"]
_CLIENT: Final = mapping.FIELDS["client"]
_SETTLING_NS: Final = 2_000_000_000
_MOST_FOLDERS: Final = 20
_ZERO: Final = Decimal()


class Parsers:
    """The readers of cells, as the settings say; what they have read they remember by its text."""

    def __init__(self, settings: Settings, currency: str) -> None:
        amount = values.amount_in(settings.decimal)
        self.day = values.Cache(values.day_in(settings.dates))
        self.hold = values.Cache(values.hold_in(settings.dates))
        self.amount = amount
        self.status = values.Cache(values.status)
        self.currency = values.Cache(values.currency_or(currency))
        self.person = values.Cache(values.person)
        self.words = values.Cache(values.words)
        self.credit = values.credit_in(amount, currency)


class Line:
    """The problems of one record, gathered field by field."""

    def __init__(self, table: Table, place: int) -> None:
        self.table, self.place = table, place
        self.problems: list[Problem] = []

    def take(self, field: str, parse: Callable[[str], T], text: str, otherwise: T) -> T:
        """The value of a cell, or ``otherwise`` and a problem."""
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(field, str(error))
            return otherwise

    def wrong(self, field: str, text: str) -> None:
        """Note a problem of one field (of the whole record: an empty name)."""
        self.problems.append(self.table.problem(self.place, field, text))

    @property
    def invalid(self) -> str:
        """Why the record cannot be used; empty when it can."""
        return "; ".join(f"{one.key}: {one.text}" if one.key else one.text for one in self.problems)


class Part(NamedTuple):
    """One instalment and where it stands."""

    place: int
    instalment: Instalment | None
    invalid: str


class Ledger:
    """The folder's files, opened together. Raises InputError when one of them cannot be used at all."""

    def __init__(self, folder: Folder, settings: Settings, sources: Sources, surroundings: Surroundings) -> None:
        self.folder, self.settings, self.sources, self.surroundings = folder, settings, sources, surroundings
        self.opened = time.time_ns()
        self.tables: dict[str, Table] = {}
        self._open()
        self.parsers = Parsers(settings, surroundings.currency)
        self.problems: list[Problem] = []
        self.invoices = self.tables["invoices"]
        self.parts: dict[str, list[Part]] = {}
        self.client_places: dict[str, int] = {}
        self.clients: dict[str, Client] = {}
        self.derived = "clients" not in self.tables
        self.client_sources = from_invoices(sources) if self.derived else sources["client"]
        self._check_columns()
        columns = self.invoices.columns
        self.width = len(columns)
        self.pick = mapping.columns(sources["invoice"], columns, _INVOICE)
        self.settles = not _told(sources["invoice"]["status"], columns) and _told(
            sources["invoice"]["settled_date"], columns
        )
        self._pick_client = mapping.columns(
            self.client_sources, columns if self.derived else self.tables["clients"].columns, _CLIENT
        )
        self._index: dict[str, int] | None = None
        self._digest = ""
        self._loaded = False

    def close(self) -> None:
        """Close the files."""
        for table in self.tables.values():
            table.close()

    # Opening

    def _open(self) -> None:
        if not self.folder.path.is_dir():
            raise InputError(Problem(self.folder.shown.as_posix(), "", "no such folder"))
        problems: list[Problem] = []
        for name in KINDS:
            path, shown = self._path(name)
            if name != "invoices" and name not in self.settings.files.model_fields_set and not path.exists():
                continue
            try:
                self.tables[name] = Table(path, shown, self.settings.encoding)
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(*problems)

    def _path(self, name: str) -> tuple[Path, str]:
        file = getattr(self.settings.files, name)
        return self.folder.at(file), self.folder.told(file)

    def _check_columns(self) -> None:
        problems: list[Problem] = []
        for name, kind in KINDS.items():
            if name in self.tables:
                problems += lacking(self.tables[name], self.sources[kind], REQUIRED[kind])
            elif name == "clients":
                problems += lacking(self.invoices, self.client_sources, ())
        if problems:
            raise InputError(*problems)

    # Changes

    def changed(self) -> bool:
        """Whether a file is not what it was when it was opened."""
        fresh = False
        for name in KINDS:
            path, _ = self._path(name)
            table = self.tables.get(name)
            try:
                stamp = stamp_of(path.stat())
            except OSError:
                if table is not None:
                    return True
                continue
            if table is None or stamp != table.stamp:
                return True
            # Written within the same tick of the clock, a file can change without its stamp changing.
            fresh = fresh or stamp.modified > self.opened - _SETTLING_NS
        if not fresh:
            return False
        now = time.time_ns()
        if self._contents() != self._known_contents():
            return True
        self.opened = now
        return False

    def _known_contents(self) -> str:
        if not self._digest:
            self._digest = self._contents()
        return self._digest

    def _contents(self) -> str:
        return " ".join(f"{name}={table.digest()}" for name, table in self.tables.items())

    def cursor(self, today: date) -> str:
        """A fingerprint of everything that the pages are made of, save the PDFs that exist."""
        self._known_contents()
        settings = self.settings.model_dump(mode="json", exclude={"mapping"})
        sources = {kind: {field: source.text for field, source in of.items()} for kind, of in self.sources.items()}
        about = [
            relance_addon.__version__, settings, sources, self.surroundings.currency, self._digest,
            today.isoformat() if self.settles else "",
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def unchanged(self, cursor: str, today: date) -> bool:
        """Whether a pull that ended in ``cursor`` would give the same again."""
        fingerprint, _, folders = cursor.partition(" ")
        if not fingerprint or fingerprint != self.cursor(today):
            return False
        seen: dict[str, int] = json.loads(folders) if folders else {}
        return all(modified(self.folder.path / folder) == when for folder, when in seen.items())

    # Clients, contacts and instalments

    def load(self) -> None:
        """Read what invoices refer to."""
        if self._loaded:
            return
        self._loaded = True
        # Before the first line is read: what changes while they are read is then seen the next time.
        self._known_contents()
        if "clients" in self.tables:
            self._load_clients(self.tables["clients"])
        if "instalments" in self.tables:
            self._load_instalments(self.tables["instalments"])
        self.contacts = self._load_contacts(self.tables["contacts"]) if "contacts" in self.tables else {}
        if not self.derived:
            for client, contacts in self.contacts.items():
                self.clients[client] = replace(self.clients[client], contacts=contacts)

    def _load_clients(self, table: Table) -> None:
        for record in table.records():
            line = Line(table, record[0])
            client = self._client(record, line, len(table.columns))
            if client is not None:
                if client.id in self.client_places:
                    line.wrong("id", f"{client.id!r} stands on an earlier line already, which is the one used")
                else:
                    self.client_places[client.id] = record[0]
                    self.clients[client.id] = client
            self.problems += line.problems

    def _client(self, record: Record, line: Line, width: int) -> Client | None:
        """The client of a record; None when its id cannot be read."""
        parsers, (_, row, error) = self.parsers, record
        if error:
            line.wrong("", error)
            row = [*row, *[""] * width][:width]
        elif not any(row):
            return None
        cells = self._pick_client(row[:width])
        id_, name, email, language, country, tags, program, hold, credit = cells
        if error:
            key = id_.strip()
            return Client(key, key, invalid=line.invalid) if key and key.isprintable() else None
        key = line.take("id", values.identifier, id_, "")
        if not key:
            return None
        client = Client(
            key,
            values.line(name) or key,
            line.take("email", values.email, email, "") if email else "",
            language.strip(),
            country.strip().upper(),
            parsers.words[tags],
            values.line(program),
            line.take("hold_until", parsers.hold.__getitem__, hold, None) if hold else None,
            line.take("credit", parsers.credit, credit, {}) if credit else {},
        )
        return replace(client, invalid=line.invalid) if line.problems else client

    def _load_contacts(self, table: Table) -> dict[str, tuple[Contact, ...]]:
        pick = mapping.columns(self.sources["contact"], table.columns, mapping.FIELDS["contact"])
        found: dict[str, list[Contact]] = {}
        for place, row, error in table.records():
            line = Line(table, place)
            if error:
                line.wrong("", error)
            elif any(row):
                client, name, email, roles = pick(row)
                client = line.take("client", values.identifier, client, "")
                if client and not self.derived and client not in self.clients:
                    line.wrong("client", self._no_client(client))
                address = line.take("email", _email_there, email, "")
                if not line.problems:
                    contact = Contact(values.line(name), address, values.words(roles.lower()))
                    found.setdefault(client, []).append(contact)
            self.problems += line.problems
        return {client: tuple(contacts) for client, contacts in found.items()}

    def _load_instalments(self, table: Table) -> None:
        pick = mapping.columns(self.sources["instalment"], table.columns, mapping.FIELDS["instalment"])
        width = len(table.columns)
        for place, row, error in table.records():
            line = Line(table, place)
            if error:
                line.wrong("", error)
                row = [*row, *[""] * width][:width]
            elif not any(row):
                continue
            invoice, due, amount, residual = pick(row)
            part = None if error else self._part(line, due, amount, residual)
            key = invoice.strip() if error else line.take("invoice", values.identifier, invoice, "")
            self.problems += line.problems
            if key:
                told = str(line.problems[0]) if line.problems else ""
                self.parts.setdefault(key, []).append(Part(place, part, told))

    def _part(self, line: Line, due: str, amount: str, residual: str) -> Instalment | None:
        parsers = self.parsers
        day = line.take("due_date", _there(parsers.day.__getitem__), due, None)
        left = line.take("residual", _there(parsers.amount), residual, None)
        whole = line.take("amount", parsers.amount, amount, None)
        if line.problems or day is None or left is None:
            return None
        return Instalment(day, left if whole is None else whole, left)

    def _no_client(self, client: str) -> str:
        return f"no client {client!r} in {self.tables['clients'].shown}"

    # Invoices

    def builder(self, today: date, pdf: Callable[[str], str]) -> Callable[[Row], Invoice]:
        """A function from a row to its invoice. It raises ValueError at anything wrong, which ``mend`` then sorts out.

        This is the inner loop: one look-up per cell, and nothing that only a wrong line needs.
        """
        pick, parsers, settles = self.pick, self.parsers, self.settles
        days, amount, states, currencies = parsers.day, parsers.amount, parsers.status, parsers.currency
        people, holds, link = parsers.person, parsers.hold, values.link
        known = None if self.derived else self.clients
        parts = {key: _in_order(of) for key, of in self.parts.items()}
        broken = {key for key, of in self.parts.items() if any(part.invalid for part in of)}

        def build(row: Row) -> Invoice:
            (
                key, number, client, state, issued, due, total, residual, currency, person, url, file, program, hold,
                settled,
            ) = pick(row)  # fmt: skip
            key, client = key.strip(), client.strip()
            number = number.strip() or key
            left, issue = amount(residual), days[issued]
            if not key or not client or left is None or not (key.isprintable() and number.isprintable()):
                raise ValueError
            status = states[state]
            if settles:
                day = days[settled]
                status = "paid" if day is not None and day <= today else "open"
            if issue is None and status != "draft":
                raise ValueError
            if (known is not None and client not in known) or (broken and key in broken):
                raise ValueError
            whole = left if total == residual else amount(total)
            return Invoice(
                key, number, client, status, issue, days[due], left if whole is None else whole, left,
                currencies[currency], people[person] if person else None, link(url) if url else "",
                pdf(file) if file else "", program.strip(), holds[hold] if hold else None, parts.get(key, ()),
            )  # fmt: skip

        return build

    def mend(self, record: Record, today: date, pdf: Callable[[str], str], line: Line) -> Invoice | None:
        """The invoice of a wrong record with what can be read of it, and its problems; None without a readable id."""
        parsers, (_, row, error) = self.parsers, record
        if error:
            line.wrong("", error)
            return self._remains(row, line)
        if not any(row[: self.width]):
            return None
        cells = dict(zip(_INVOICE, self.pick(row[: self.width]), strict=False))
        key = line.take("id", values.identifier, cells["id"], "")
        client = line.take("client", values.identifier, cells["client"], "")
        if client and not self.derived and client not in self.clients:
            line.wrong("client", self._no_client(client))
        status: Status = line.take("status", parsers.status.__getitem__, cells["status"], "open")
        issue = line.take("issue_date", parsers.day.__getitem__, cells["issue_date"], None)
        if issue is None and status != "draft" and not cells["issue_date"].strip():
            line.wrong("issue_date", "missing: only a draft may have none")
        if self.settles:
            day = line.take("settled_date", parsers.day.__getitem__, cells["settled_date"], None)
            status = "paid" if day is not None and day <= today else "open"
        due = line.take("due_date", parsers.day.__getitem__, cells["due_date"], None)
        left = line.take("residual", _there(parsers.amount), cells["residual"], None)
        whole = line.take("total", parsers.amount, cells["total"], None)
        left = _ZERO if left is None else left
        invoice = Invoice(
            id=key,
            number=values.line(cells["number"]) or key,
            client=client,
            status=status,
            issue_date=issue,
            due_date=due,
            total=left if whole is None else whole,
            residual=left,
            currency=line.take("currency", parsers.currency.__getitem__, cells["currency"], self.surroundings.currency),
            salesperson=line.take("salesperson", parsers.person.__getitem__, cells["salesperson"], None),
            payment_link=line.take("payment_link", values.link, cells["payment_link"], ""),
            pdf=line.take("pdf", pdf, cells["pdf"], ""),
            program=cells["program"].strip(),
            held_until=line.take("hold_until", parsers.hold.__getitem__, cells["hold_until"], None),
            instalments=_in_order(self.parts.get(key, ())),
        )
        broken = [f"instalments: {part.invalid}" for part in self.parts.get(key, ()) if part.invalid]
        return replace(invoice, invalid="; ".join(filter(None, [line.invalid, *broken]))) if key else None

    def _remains(self, row: Row, line: Line) -> Invoice | None:
        """What can be told of a record whose cells cannot be trusted: its id, so that it is not lost silently."""
        row = [*row, *[""] * self.width][: self.width]
        cells = dict(zip(_INVOICE, self.pick(row), strict=False))
        key, client = cells["id"].strip(), values.line(cells["client"])
        if not key or not key.isprintable():
            return None
        number = values.line(cells["number"]) or key
        currency = self.surroundings.currency
        return Invoice(key, number, client, "open", None, None, _ZERO, _ZERO, currency, invalid=line.invalid)

    def derive(self, row: Row, line: Line) -> None:
        """Make the client of an invoice's row, unless an earlier line did."""
        client = self._client((line.place, row, ""), line, self.width)
        if client is not None and client.id not in self.clients:
            self.clients[client.id] = replace(client, contacts=self.contacts.get(client.id, ()))
            self.client_places[client.id] = line.place

    # Pages

    def pages(self, today: date) -> Iterator[Page]:
        """Every client, and every invoice that is draft, open or disputed, in the order of the files."""
        self.load()
        sound = not self.problems
        problems = list(self.problems)
        if not self.derived:
            everyone = list(self.clients.values())
            for start in range(0, len(everyone), PAGE):
                yield Page(clients=everyone[start : start + PAGE], problems=problems)
                problems = []
        pdf = Pdfs(self.folder.path)
        index: dict[str, int] = {}
        sent: set[str] = set()
        for invoices, wrong in self._batches(today, pdf, index):
            sound = sound and not wrong
            clients = self._new_clients(invoices, sent)
            yield Page(invoices, clients, [*problems, *wrong])
            problems = []
        self._index = index
        strays = [part for key, of in self.parts.items() if key not in index for part in self._strays(key, of)]
        cursor = self._end(today, pdf) if sound and not strays else ""
        yield Page(problems=[*problems, *strays], cursor=cursor)

    def _batches(self, today: date, pdf: Pdfs, index: dict[str, int]) -> Iterator[tuple[list[Invoice], list[Problem]]]:
        build, table, hidden, derived = self.builder(today, pdf), self.invoices, self.settles, self.derived
        owed, clients, place_of = OWED, self.clients, index.setdefault
        invoices: list[Invoice] = []
        problems: list[Problem] = []
        for record in table.records():
            place, row, error = record
            try:
                if error:
                    raise ValueError
                invoice = build(row)
            except ValueError:
                line = Line(table, place)
                mended = self.mend(record, today, pdf, line)
                problems += line.problems
                if mended is None:
                    continue
                invoice = mended
            if place_of(invoice.id, place) != place:
                problems.append(self._twice(place, invoice.id))
                continue
            if derived and not error and invoice.client and invoice.client not in clients:
                line = Line(table, place)
                self.derive(row, line)
                problems += line.problems
            if invoice.status in owed and not (hidden and invoice.issue_date and invoice.issue_date > today):
                invoices.append(invoice)
            if len(invoices) >= PAGE or len(problems) >= PAGE:
                yield invoices, problems
                invoices, problems = [], []
        if invoices or problems:
            yield invoices, problems

    def _twice(self, place: int, key: str) -> Problem:
        text = f"{key!r} stands on an earlier line already, which is the one used"
        return self.invoices.problem(place, "id", text)

    def _new_clients(self, invoices: Sequence[Invoice], sent: set[str]) -> list[Client]:
        if not self.derived:
            return []
        wanted = dict.fromkeys(invoice.client for invoice in invoices if invoice.client not in sent)
        sent.update(wanted)
        return [self.clients[client] for client in wanted if client in self.clients]

    def _strays(self, key: str, parts: Sequence[Part]) -> list[Problem]:
        table = self.tables["instalments"]
        text = f"no invoice {key!r} in {self.invoices.shown}"
        return [table.problem(part.place, "invoice", text) for part in parts if not part.invalid]

    def _end(self, today: date, pdf: Pdfs) -> str:
        """The cursor, unless a file changed under our hands or there are too many folders of PDFs to watch."""
        if len(pdf.folders) > _MOST_FOLDERS or not all(table.intact() for table in self.tables.values()):
            return ""
        fingerprint = self.cursor(today)
        return f"{fingerprint} {json.dumps(pdf.folders)}" if pdf.folders else fingerprint

    # A few

    def index(self) -> dict[str, int]:
        """Where each invoice stands, by id; derived clients are made on the way."""
        if self._index is None:
            self.load()
            pick = mapping.columns(self.sources["invoice"], self.invoices.columns, ("id", "client"))
            found: dict[str, int] = {}
            for place, row, error in self.invoices.records():
                cells = [*row, *[""] * self.width][: self.width] if error else row
                key, client = pick(cells)
                key = key.strip()
                first = bool(key) and key.isprintable() and found.setdefault(key, place) == place
                client = client.strip() if self.derived and not error else ""
                if first and client and client not in self.clients:
                    self.derive(row, Line(self.invoices, place))
            self._index = found
        return self._index

    def read(self, ids: Sequence[str], today: date) -> Page:
        """These invoices in any status, and their clients; those that are not in the file are gone."""
        self.load()
        index = self.index()

        def pdf(text: str) -> str:
            return present(self.folder.path, text)

        build = self.builder(today, pdf)
        invoices: list[Invoice] = []
        problems: list[Problem] = []
        gone: list[str] = []
        for key in dict.fromkeys(ids):
            place = index.get(key)
            invoice = None if place is None else self._again(place, build, pdf, today, problems)
            if invoice is None or (self.settles and invoice.issue_date and invoice.issue_date > today):
                gone.append(key)
            else:
                invoices.append(invoice)
        clients = dict.fromkeys(invoice.client for invoice in invoices)
        found = [self.clients[client] for client in clients if client in self.clients]
        return Page(invoices, found, problems, gone)

    def _again(
        self,
        place: int,
        build: Callable[[Row], Invoice],
        pdf: Callable[[str], str],
        today: date,
        problems: list[Problem],
    ) -> Invoice | None:
        record = self.invoices.record(place)
        try:
            if record[2]:
                raise ValueError
            return build(record[1])
        except ValueError:
            line = Line(self.invoices, place)
            invoice = self.mend(record, today, pdf, line)
            problems += line.problems
            return invoice


def from_invoices(sources: Sources) -> dict[str, mapping.Source]:
    """Where clients come from without a file of their own: the invoices' columns, the user's mapping first.

    An invoice's own ``program`` and ``hold_until`` are never taken for its client's.
    """
    given = sources["client"]
    found = dict.fromkeys(given, mapping.NOWHERE)
    found.update({field: given[field] for field in _FROM_INVOICES})
    found["id"] = sources["invoice"]["client"]
    found["name"] = mapping.Source((_NAME_COLUMN,), text=_NAME_COLUMN)
    found.update({field: source for field, source in given.items() if source.given and field != "id"})
    return found


def lacking(table: Table, sources: mapping.Sources, required: Sequence[str]) -> list[Problem]:
    """Columns that a file should have and has not, or has twice."""
    problems: list[Problem] = []
    where = f"{table.shown}:1"
    for field, path in mapping.missing(sources, table.columns, required).items():
        text = f"no column {path!r}{_near(path, table.columns)}" if path else "must be mapped to a column"
        problems.append(Problem(where, field, text))
    for path in mapping.needed(sources):
        if table.columns.count(path) > 1:
            problems.append(Problem(where, "", f"the column {path!r} stands there twice"))
    return problems


def _near(path: str, columns: Sequence[str]) -> str:
    same = [column for column in columns if column.casefold() == path.casefold()]
    if same:
        return f"; did you mean {same[0]!r}?"
    return toml.nearest(path, columns) or "; its columns: " + ", ".join(column for column in columns if column)


def _told(source: mapping.Source, columns: Sequence[str]) -> bool:
    if source.constant:
        return source.value is not None
    return any(path in columns for path in source.paths)


def _there(read: Callable[[str], T | None]) -> Callable[[str], T | None]:
    def parse(text: str) -> T | None:
        value = read(text)
        if value is None:
            raise ValueError("missing")
        return value

    return parse


def _email_there(text: str) -> str:
    address = values.email(text)
    if not address:
        raise ValueError("missing")
    return address


def _in_order(parts: Sequence[Part]) -> tuple[Instalment, ...]:
    found = [part.instalment for part in parts if part.instalment is not None]
    return tuple(sorted(found, key=lambda one: one.due_date))


def pdf_path(folder: Path, reference: str) -> Path:
    """The file that an invoice's ``pdf`` stands for. Raises ValueError for one outside the folder."""
    return folder / inside(reference)
