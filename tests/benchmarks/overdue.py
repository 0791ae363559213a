"""A company's books in Tryton with many overdue lines: one invoice that Tryton posted, copied in its tables.

Posting so many one by one would take Tryton an hour. A copy has every column as Tryton would have written it, but for
the printed invoice that it keeps.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from .machine import ROOT

TODAY: Final = date(2026, 11, 20)
LEVELS: Final = (5, 20, 40)
"""Days overdue, of each level of the parties' dunning procedure."""
NOWHERE: Final = "smtp://127.0.0.1:9"
_FURTHEST: Final = 180
_TERM: Final = timedelta(days=30)

# What a copy has of its own. n counts copies, client is the party's.
_PARTY: Final[Mapping[str, Mapping[str, str]]] = {
    "party_party": {
        "code": "old.code + n",
        "code_alnum": "old.code_alnum + n",
        "code_digit": "old.code_digit + n",
        "name": "'Client ' || (1 + n)",
    },
    "party_party_lang": {},
    "party_party_account": {},
    "party_party_payment_term": {},
    "party_party_dunning_procedure": {},
    "party_address": {},
    "party_contact_mechanism": {
        "value": "'compta@client' || (1 + n) || '.example'",
        "value_compact": "'compta@client' || (1 + n) || '.example'",
    },
}
_INVOICE: Final[Mapping[str, Mapping[str, str]]] = {
    "account_move": {
        "number": "old.number + n",
        "origin": "'account.invoice,' || (substr(old.origin, 17) + n)",
        "date": "issued",
        "period": "(SELECT id FROM account_period WHERE issued BETWEEN start_date AND end_date)",
    },
    "account_move_line": {
        "id": "old.id + 2 * n",
        "move": "old.move + n",
        "party": "old.party + client",
        "origin": "'account.invoice.line,' || (substr(old.origin, 22) + n)",
        "maturity_date": "iif(old.maturity_date IS NULL, NULL, due)",
        "debit": "iif(old.maturity_date IS NULL, old.debit, amount)",
        "credit": "iif(old.maturity_date IS NULL, amount, old.credit)",
    },
    "account_invoice": {
        "move": "old.move + n",
        "number": "printf('FA%06d', old.number_digit + n)",
        "number_alnum": "printf('FA%06d', old.number_digit + n)",
        "number_digit": "old.number_digit + n",
        "party": "old.party + client",
        "invoice_address": "old.invoice_address + client",
        "invoice_date": "issued",
        "payment_term_date": "due",
        "total_amount_cache": "amount",
        "untaxed_amount_cache": "amount",
    },
    "account_invoice_line": {"invoice": "old.invoice + n", "unit_price": "amount"},
}


def books(size: int, where: Path, python: str, seed: int = 1) -> Path:
    """The database of a Tryton of ``python`` in ``where``: ``size`` overdue lines, of a quarter as many parties."""
    server, tryton_books = beside_tryton()
    with server.tryton_server(where, NOWHERE, python=python) as tryton:
        written = tryton_books.Books(tryton.client("admin"))
        (party,) = written.parties(
            {"name": "Client 1", "email": "compta@client1.example", "language": "fr", "country": "FR"}
        )
        written.dun(party, written.procedure(*LEVELS))
        due = TODAY - timedelta(days=LEVELS[0])
        written.bill(tryton_books.Bill(party, due - _TERM, {due: "100.00"}))
    made: Path = where / f"{server.DATABASE}.sqlite"
    # Closing it, as nobody else has it open, also brings what stands in its journal into the file.
    with closing(sqlite3.connect(made)) as database, database:
        parties = max(1, size // 4)
        database.execute("CREATE TEMP TABLE one (n INTEGER PRIMARY KEY, client, issued, due, amount)")
        database.executemany("INSERT INTO one VALUES (?, ?, ?, ?, ?)", _bills(size, parties, Random(seed)))
        for table, told in _PARTY.items():
            key = "id" if table == "party_party" else "party"
            _copy(database, table, {key: f"old.{key} + n", **told}, f"old.{key} = {party} AND n < {parties}")
        for table, told in _INVOICE.items():
            _copy(database, table, told, "TRUE")
    return made


def _bills(size: int, parties: int, random: Random) -> Iterator[tuple[int, int, str, str, bytes]]:
    """Of each copy: its number, client, days, and amount as Tryton keeps those. More are overdue a little than long."""
    for number in range(1, size):
        due = TODAY - timedelta(days=int(_FURTHEST * random.random() ** 1.6))
        amount = f"{random.randint(1000, 900000) / 100:.2f}".encode()
        yield number, number % parties, (due - _TERM).isoformat(), due.isoformat(), amount


def _copy(database: sqlite3.Connection, table: str, told: Mapping[str, str], which: str) -> None:
    told = {"id": "old.id + n", **told}
    names = [name for _, name, *_ in database.execute(f'PRAGMA table_info("{table}")')]
    assert told.keys() <= set(names), table
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(told.get(name, f'old."{name}"') for name in names)
    copies = f'SELECT {values} FROM one CROSS JOIN "{table}" AS old WHERE {which} ORDER BY n'
    database.execute(f'INSERT INTO "{table}" ({columns}) {copies}')


def beside_tryton() -> tuple[Any, Any]:
    """The modules that start a server and write books: they stand with the tests of the connector."""
    sys.path.insert(0, str(ROOT / "tests" / "connectors" / "tryton"))
    import tryton_books
    import tryton_server

    return tryton_server, tryton_books
