"""Clients and contacts of ours, made of a host's records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from relance_addon.core.model import Client, Contact, Problem
from relance_addon.hosts import values
from relance_addon.hosts.problems import Wrong

T = TypeVar("T")


class Values(Protocol):
    """The values of fields of ours in a record."""

    def value(self, field: str, record: Mapping[str, Any]) -> Any:
        """The value of a field; None for nothing."""
        ...


def contacts(fields: Values, row: Mapping[str, Any]) -> list[Contact]:
    """The people in a contact's e-mail field; several addresses are several people."""
    roles = values.words(fields.value("roles", row))
    name = values.text(fields.value("name", row))
    found = values.addresses(fields.value("email", row))
    return [Contact(name or one.name, one.email, roles) for one in found]


def client(
    fields: Values,
    row: Mapping[str, Any],
    people: Iterable[Contact],
    credits: Mapping[str, Decimal],
    problems: list[Problem],
    hold: Callable[[Any], date | None] = values.hold,
) -> Client:
    """The client of a record; ``hold`` reads the last day of a hold. What is wrong is added to ``problems``."""
    name = values.text(fields.value("name", row))
    wrong = Wrong(name)

    def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
        return wrong.take(field, convert, fields.value(field, row), otherwise)

    made = Client(
        id=str(row["id"]),
        name=name,
        email=take("email", values.email, ""),
        language=take("language", values.text, ""),
        country=take("country", values.text, ""),
        tags=take("tags", values.words, ()),
        program=take("program", values.text, ""),
        held_until=take("hold_until", hold, None),
        credits=dict(credits),
        contacts=tuple(people),
    )
    problems += wrong.problems
    return replace(made, invalid=wrong.text) if wrong.problems else made
