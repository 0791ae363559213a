"""Reading the cells of a record as the settings say, and gathering what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from relance_addon.connectors.files import values
from relance_addon.connectors.files.settings import Settings
from relance_addon.connectors.files.table import Table
from relance_addon.core.model import Problem

T = TypeVar("T")


class Parsers:
    """The readers of cells; what they have read they remember by its text. ``currency`` is for amounts without one."""

    def __init__(self, settings: Settings, currency: str) -> None:
        self.day = values.Cache(values.day_in(settings.dates))
        self.hold = values.Cache(values.hold_in(settings.dates))
        self.amount = values.amount_in(settings.decimal)
        self.status = values.Cache(values.status)
        self.currency = values.Cache(values.currency_or(currency))
        self.person = values.Cache(values.person)
        self.words = values.Cache(values.words)
        self.credit = values.credit_in(self.amount, currency)
        self.default_currency = currency


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


def there(read: Callable[[str], T | None]) -> Callable[[str], T]:
    """A reader that refuses a blank cell."""

    def parse(text: str) -> T:
        value = read(text)
        if value is None or value == "":
            raise ValueError("missing")
        return value

    return parse


def whole(row: list[str], width: int) -> list[str]:
    """A row cut or filled up to the width of its header, for what can be told of a wrong one."""
    return [*row, *[""] * width][:width]
