"""The instalments of invoices that are paid in several parts."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from relance_addon.connectors.files import values
from relance_addon.connectors.files.cells import Line, Parsers, there, whole
from relance_addon.connectors.files.table import Table
from relance_addon.core.model import Instalment, Problem
from relance_addon.hosts import mapping


class Part(NamedTuple):
    """One line of the file: where it stands, and its instalment or what is wrong with it."""

    place: int
    instalment: Instalment | None
    invalid: str


class Instalments:
    """The parts of each invoice by its id, those in order of their dates, and what was wrong in the file."""

    def __init__(self, table: Table | None, sources: mapping.Sources, parsers: Parsers) -> None:
        self.problems: list[Problem] = []
        self._table, self._parsers = table, parsers
        self._parts: dict[str, list[Part]] = {}
        if table is not None:
            self._load(table, mapping.columns(sources, table.columns, mapping.FIELDS["instalment"]))
        self.of = {invoice: _in_order(parts) for invoice, parts in self._parts.items()}
        self.broken = {
            invoice: "; ".join(f"instalments: {part.invalid}" for part in parts if part.invalid)
            for invoice, parts in self._parts.items()
            if any(part.invalid for part in parts)
        }

    def strays(self, known: Container[str], invoices: str) -> Iterator[Problem]:
        """The parts of invoices that are not in the file ``invoices``."""
        for invoice, parts in self._parts.items():
            if self._table is not None and invoice not in known:
                for part in parts:
                    if not part.invalid:
                        yield self._table.problem(part.place, "invoice", f"no invoice {invoice!r} in {invoices}")

    def _load(self, table: Table, pick: mapping.Pick) -> None:
        for place, row, error in table.records():
            line = Line(table, place)
            if error:
                line.wrong("", error)
            elif not any(row):
                continue
            invoice, due, amount, residual = pick(whole(row, len(table.columns)))
            part = None if error else self._part(line, due, amount, residual)
            key = invoice.strip() if error else line.take("invoice", values.identifier, invoice, "")
            self.problems += line.problems
            if key:
                told = str(line.problems[0]) if line.problems else ""
                self._parts.setdefault(key, []).append(Part(place, part, told))

    def _part(self, line: Line, due: str, amount: str, residual: str) -> Instalment | None:
        parsers = self._parsers
        day = line.take("due_date", there(parsers.day.__getitem__), due, None)
        left = line.take("residual", there(parsers.amount), residual, None)
        total = line.take("amount", parsers.amount, amount, None)
        if line.problems or day is None or left is None:
            return None
        return Instalment(day, left if total is None else total, left)


def _in_order(parts: list[Part]) -> tuple[Instalment, ...]:
    found = [part.instalment for part in parts if part.instalment is not None]
    return tuple(sorted(found, key=lambda one: one.due_date))
