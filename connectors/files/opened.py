"""The files of the folder, opened together: which there are, whether they have their columns, whether they changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

import relance_addon
from relance_addon.connectors.files.folder import Folder
from relance_addon.connectors.files.settings import Settings
from relance_addon.connectors.files.table import Table, stamp_of
from relance_addon.core import toml
from relance_addon.core.errors import InputError
from relance_addon.core.model import Problem
from relance_addon.hosts import mapping
from relance_addon.hosts.port import Surroundings

Sources = dict[str, dict[str, mapping.Source]]

KINDS: Final = {"invoices": "invoice", "clients": "client", "contacts": "contact", "instalments": "instalment"}
"""The kind of record in each file."""
REQUIRED: Final = {
    "invoice": ("id", "client", "issue_date", "residual"),
    "client": ("id",),
    "contact": ("client", "email"),
    "instalment": ("invoice", "due_date", "residual"),
}
_FROM_INVOICES: Final = ("email", "language", "country", "tags", "credit")
_NAME_COLUMNS: Final = ("client_name", "name")
_SETTLING_NS: Final = 2_000_000_000


class Opened:
    """The open files by name. Raises InputError when one of them cannot be used at all.

    ``derived``: there is no file of clients, they are made of the invoices. ``dated``: there are dates of settlement;
    ``settles``: and no status, so that they decide.
    """

    def __init__(self, folder: Folder, settings: Settings, sources: Sources, surroundings: Surroundings) -> None:
        self.folder, self.settings, self.surroundings = folder, settings, surroundings
        self._verified = time.time_ns()
        self.tables = self._open()
        self.invoices = self.tables["invoices"]
        self.derived = "clients" not in self.tables
        self.sources = {**sources, "client": from_invoices(sources, self.invoices.columns)} if self.derived else sources
        self._check_columns()
        has = self.invoices.columns
        self.dated = _told(sources["invoice"]["settled_date"], has)
        self.settles = self.dated and not _told(sources["invoice"]["status"], has)
        self._digest = ""

    def close(self) -> None:
        """Close the files."""
        for table in self.tables.values():
            table.close()

    def table_of(self, kind: str) -> Table | None:
        """The file that records of a kind come from."""
        if kind == "client" and self.derived:
            return self.invoices
        return next((self.tables[name] for name, of in KINDS.items() if of == kind and name in self.tables), None)

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
            fresh = fresh or stamp.modified > self._verified - _SETTLING_NS
        if not fresh:
            return False
        now = time.time_ns()
        if self._contents() != self.digest():
            return True
        self._verified = now
        return False

    def intact(self) -> bool:
        """Whether the open files were left alone since they were opened."""
        return all(table.intact() for table in self.tables.values())

    def digest(self) -> str:
        """The digests of the files' contents, as they were when it was first asked for."""
        if not self._digest:
            self._digest = self._contents()
        return self._digest

    def fingerprint(self, today: date) -> str:
        """Changes whenever what is read could: contents, settings, mapping, and the day where it decides a status."""
        settings = self.settings.model_dump(mode="json", exclude={"mapping"})
        sources = {kind: {field: source.text for field, source in of.items()} for kind, of in self.sources.items()}
        day = today.isoformat() if self.settles else ""
        about = [relance_addon.__version__, settings, sources, self.surroundings.currency, self.digest(), day]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def _contents(self) -> str:
        return " ".join(f"{name}={table.digest()}" for name, table in self.tables.items())

    def _open(self) -> dict[str, Table]:
        if not self.folder.path.is_dir():
            raise InputError(Problem(self.folder.shown.as_posix(), "", "no such folder"))
        tables: dict[str, Table] = {}
        problems: list[Problem] = []
        for name in KINDS:
            path, shown = self._path(name)
            if name != "invoices" and name not in self.settings.files.model_fields_set and not path.exists():
                continue
            try:
                tables[name] = Table(path, shown, self.settings.encoding)
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(*problems)
        return tables

    def _path(self, name: str) -> tuple[Path, str]:
        file = getattr(self.settings.files, name)
        return self.folder.at(file), self.folder.told(file)

    def _check_columns(self) -> None:
        problems: list[Problem] = []
        for name, kind in KINDS.items():
            if name in self.tables:
                problems += lacking(self.tables[name], self.sources[kind], REQUIRED[kind])
            elif name == "clients":
                problems += lacking(self.invoices, self.sources[kind], ())
        if problems:
            raise InputError(*problems)


def from_invoices(sources: Sources, columns: Sequence[str]) -> dict[str, mapping.Source]:
    """Where clients come from without a file of their own: the invoices' columns, the user's mapping first.

    An invoice's own ``program`` and ``hold_until`` are never taken for its client's.
    """
    given = sources["client"]
    found = dict.fromkeys(given, mapping.NOWHERE)
    found.update({field: given[field] for field in _FROM_INVOICES})
    found["id"] = sources["invoice"]["client"]
    column = next((name for name in _NAME_COLUMNS if name in columns), _NAME_COLUMNS[0])
    found["name"] = mapping.Source((column,), text=column)
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
