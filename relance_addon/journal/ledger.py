"""Invoices and clients as last pulled: rows that change are written, the others are only compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, cast

from django.db import connection, transaction

from relance_addon.core.model import OWED, Address, Client, Contact, Instalment, Invoice, Status, written_address

_INVOICE = [
    "ref",
    "number",
    "client",
    "status",
    "issue_date",
    "due_date",
    "total",
    "residual",
    "currency",
    "salesperson",
    "payment_link",
    "pdf",
    "program",
    "held_until",
    "instalments",
    "invalid",
    "contacts",
]
_STORED = (*_INVOICE, "present")
_CLIENT = ("ref", "name", "data")
_CHUNK = 900
"""Ids in one query: below the number of parameters that every supported SQLite takes."""

Row = tuple[Any, ...]


@contextmanager
def pulling() -> Iterator[None]:
    """One transaction around a page of a pull: a page is stored whole or not at all."""
    with transaction.atomic():
        yield


def store(host: str, invoices: Sequence[Invoice], clients: Sequence[Client]) -> int:
    """Write what differs from what is known; the number of rows written."""
    written = _store(host, "journal_client", _CLIENT, [_client_row(client) for client in clients])
    rows = [(*_invoice_row(invoice), True) for invoice in invoices]
    return written + _store(host, "journal_invoice", _STORED, rows)


def gone(host: str, ids: Iterable[str]) -> None:
    """These invoices are no longer owed."""
    wanted = list(ids)
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        marks = ", ".join(["%s"] * len(chunk))
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE journal_invoice SET present = %s WHERE host = %s AND ref IN ({marks})",  # noqa: S608 - our own names
                [False, host, *chunk],
            )


def keep_only(host: str, seen: set[str]) -> None:
    """After a full pull: what was not seen is no longer owed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ref FROM journal_invoice WHERE host = %s AND present = %s", [host, True])
        missing = [ref for (ref,) in cursor.fetchall() if ref not in seen]
    gone(host, missing)


def invoices(host: str, refs: Sequence[str] | None = None) -> list[Invoice]:
    """The invoices still owed or unusable, as last pulled; ``refs`` asks for some of any status."""
    columns = ", ".join(_INVOICE)
    with connection.cursor() as cursor:
        if refs is None:
            cursor.execute(
                f"SELECT {columns} FROM journal_invoice WHERE host = %s AND present = %s",  # noqa: S608 - our own names
                [host, True],
            )
            found = [_invoice(row) for row in cursor.fetchall() if row[3] in OWED]
        else:
            found = []
            for start in range(0, len(refs), _CHUNK):
                chunk = list(refs[start : start + _CHUNK])
                marks = ", ".join(["%s"] * len(chunk))
                cursor.execute(
                    f"SELECT {columns} FROM journal_invoice WHERE host = %s AND ref IN ({marks})",  # noqa: S608 - our own names
                    [host, *chunk],
                )
                found += [_invoice(row) for row in cursor.fetchall()]
    return found


def find_invoice(host: str, text: str) -> list[Invoice]:
    """The invoices of that number, or, for ``id:…``, of that id on the host."""
    if text.startswith("id:"):
        return invoices(host, [text.removeprefix("id:")])
    with connection.cursor() as cursor:
        cursor.execute("SELECT ref FROM journal_invoice WHERE host = %s AND number = %s", [host, text])
        refs = [ref for (ref,) in cursor.fetchall()]
    return invoices(host, refs)


def clients(host: str) -> dict[str, Client]:
    """Every client as last pulled, by id."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ref, name, data FROM journal_client WHERE host = %s", [host])
        return {row[0]: _client(row) for row in cursor.fetchall()}


def named_programs(host: str) -> list[tuple[Literal["invoice", "client"], str, str]]:
    """The invoices still owed and the clients that name a program on the host: kind, id, name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ref, program FROM journal_invoice WHERE host = %s AND present = %s AND program <> ''", [host, True]
        )
        found: list[tuple[Literal["invoice", "client"], str, str]] = [
            ("invoice", ref, name) for ref, name in cursor.fetchall()
        ]
        cursor.execute("SELECT ref, data FROM journal_client WHERE host = %s AND data LIKE %s", [host, '%"program"%'])
        rows = [(ref, json.loads(data).get("program", "")) for ref, data in cursor.fetchall()]
    return found + [("client", ref, name) for ref, name in rows if name]


def _store(host: str, table: str, columns: Sequence[str], rows: Sequence[Row]) -> int:
    written = 0
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        known = _known(host, table, columns, [row[0] for row in chunk])
        changed = [row for row in chunk if known.get(row[0]) != row]
        if changed:
            _upsert(host, table, columns, changed)
            written += len(changed)
    return written


def _known(host: str, table: str, columns: Sequence[str], refs: Sequence[str]) -> Mapping[str, Row]:
    """The rows of these ids. Nothing else is asked for, so that only the index of ids can serve."""
    marks = ", ".join(["%s"] * len(refs))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE host = %s AND ref IN ({marks})",  # noqa: S608 - our own names
            [host, *refs],
        )
        return {row[0]: tuple(row) for row in cursor.fetchall()}


def _upsert(host: str, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    names = ["host", *columns]
    marks = ", ".join(["%s"] * len(names))
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) "  # noqa: S608 - our own names
            f"ON CONFLICT (host, ref) DO UPDATE SET {updates}",
            [(host, *row) for row in rows],
        )


def _invoice_row(one: Invoice) -> Row:
    return (
        one.id,
        one.number,
        one.client,
        one.status,
        one.issue_date.isoformat() if one.issue_date else "",
        one.due_date.isoformat() if one.due_date else "",
        str(one.total),
        str(one.residual),
        one.currency,
        str(one.salesperson) if one.salesperson else "",
        one.payment_link,
        one.pdf,
        one.program,
        one.held_until.isoformat() if one.held_until else "",
        json.dumps([(str(part.due_date), str(part.amount), str(part.residual)) for part in one.instalments])
        if one.instalments
        else "",
        one.invalid,
        _contacts_text(one.contacts) if one.contacts else "",
    )


def _invoice(row: Row) -> Invoice:
    (
        ref,
        number,
        client,
        status,
        issued,
        due,
        total,
        residual,
        currency,
        sales,
        link,
        pdf,
        program,
        held,
        parts,
        bad,
        people,
    ) = row
    return Invoice(
        ref,
        number,
        client,
        cast(Status, status),
        _day(issued),
        _day(due),
        Decimal(total),
        Decimal(residual),
        currency,
        _address(sales) if sales else None,
        link,
        pdf,
        program,
        _day(held),
        tuple(
            Instalment(date.fromisoformat(day), Decimal(amount), Decimal(left))
            for day, amount, left in json.loads(parts)
        )
        if parts
        else (),
        bad,
        _contacts(json.loads(people)) if people else (),
    )


@lru_cache(maxsize=65536)
def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@lru_cache(maxsize=4096)
def _address(text: str) -> Address:
    return written_address(text)


def _contacts_text(contacts: Sequence[Contact]) -> str:
    return json.dumps([(one.name, one.email, one.roles) for one in contacts], ensure_ascii=False)


def _contacts(items: Iterable[tuple[str, str, Sequence[str]]]) -> tuple[Contact, ...]:
    return tuple(Contact(name, email, tuple(roles)) for name, email, roles in items)


def _client_row(one: Client) -> Row:
    data = {
        "email": one.email,
        "language": one.language,
        "country": one.country,
        "tags": one.tags,
        "program": one.program,
        "held_until": one.held_until.isoformat() if one.held_until else "",
        "credits": {currency: str(amount) for currency, amount in sorted(one.credits.items())},
        "contacts": [(contact.name, contact.email, contact.roles) for contact in one.contacts],
        "invalid": one.invalid,
    }
    kept = {key: value for key, value in data.items() if value}
    return one.id, one.name, json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def _client(row: Row) -> Client:
    ref, name, text = row
    data = json.loads(text)
    return Client(
        ref,
        name,
        data.get("email", ""),
        data.get("language", ""),
        data.get("country", ""),
        tuple(data.get("tags", ())),
        data.get("program", ""),
        _day(data.get("held_until", "")),
        {currency: Decimal(amount) for currency, amount in data.get("credits", {}).items()},
        _contacts(data.get("contacts", ())),
        data.get("invalid", ""),
    )
