"""Finding what a person named: an invoice by its number or id, a client by its id; pulled first when unknown."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Protocol, TypeVar

from relance_addon.core.errors import InputError
from relance_addon.core.model import Client, Invoice
from relance_addon.core.program import Program
from relance_addon.core.toml import nearest
from relance_addon.hosts.port import BATCH
from relance_addon.operations import sync
from relance_addon.operations.desk import Desk


def invoice(desk: Desk, host: str, text: str) -> Invoice:
    """The invoice of a number, or of ``id:…``. Raises InputError when there is none, or more than one."""
    from relance_addon.journal import ledger

    found = ledger.find_invoice(host, text)
    if not found:
        sync.sync(desk, host)
        found = ledger.find_invoice(host, text)
    if not found:
        found = _on_host(desk, host, text)
    return only(found, host, text)


class Named(Protocol):
    """Whatever stands for an invoice."""

    @property
    def id(self) -> str:
        """The host's id of it."""
        ...


N = TypeVar("N", bound=Named)


def only(found: Sequence[N], host: str, text: str) -> N:
    """The one that was found. Raises InputError when there is none, or more than one."""
    if not found:
        raise InputError(f"no invoice {text!r} on {host}; give its number, or its id as id:…")
    if len(found) > 1:
        ids = ", ".join(f"id:{one.id}" for one in found)
        raise InputError(f"{len(found)} invoices are numbered {text!r}; give one of {ids}")
    return found[0]


def _on_host(desk: Desk, host: str, text: str) -> list[Invoice]:
    """What the host itself has of that name: an invoice that is no longer owed is not pulled."""
    with closing(desk.connector(host)) as connector:
        ids = [text.removeprefix("id:")] if text.startswith("id:") else connector.numbered(text)[:BATCH]
        return list(connector.read(ids, desk.today).invoices) if ids else []


def step(program: Program, text: str) -> int:
    """The number (from 1) of the step of a name, or of a number. Raises InputError when there is none."""
    number = program.step_named(text) + 1
    if not number and text.isdecimal() and 1 <= int(text) <= len(program.steps):
        number = int(text)
    if not number:
        names = [one.name for one in program.steps]
        near = nearest(text, names) or "; it has " + ", ".join(f"{at} {name!r}" for at, name in enumerate(names, 1))
        raise InputError(f"program {program.name} has no step {text!r}{near}")
    return number


def client(desk: Desk, host: str, text: str) -> Client:
    """The client of an id. Raises InputError when there is none."""
    from relance_addon.journal import ledger

    text = text.removeprefix("id:")
    known = ledger.clients(host)
    if text not in known:
        sync.sync(desk, host)
        known = ledger.clients(host)
    if text not in known:
        raise InputError(f"no client {text!r} on {host}; give the host's id of a client")
    return known[text]
