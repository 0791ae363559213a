"""Activities written back: one record each in ``activities.csv``, for a person to do.

A record is appended by one write and forced to the disk; one that a crash left unfinished is removed before the next.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from relance_addon.connectors.files import disk
from relance_addon.connectors.files.table import delimiter_of
from relance_addon.core.names import plain_cell
from relance_addon.hosts.port import Found, Mark, Outgoing, Posted

NAME: Final = "activities.csv"
COLUMNS: Final = ("key", "invoice", "client", "due_date", "summary", "note", "user")
_BOM: Final = b"\xef\xbb\xbf"
_START = re.compile(rb'\n"(?=[^",;\t\r\n])')
_BINARY: Final = getattr(os, "O_BINARY", 0)


class Kept(NamedTuple):
    """What the file holds. ``end`` is where its last whole record ends, ``ended`` whether that is the end of a line."""

    columns: tuple[str, ...]
    delimiter: str
    keys: frozenset[str]
    end: int
    ended: bool


def post(path: Path, messages: Sequence[Outgoing]) -> list[Posted]:
    """Append activities to the file ``path``: one outcome each, in order. A key that is there is not written again."""
    with disk.alone(path.parent):
        return _post(path, messages)


def _post(path: Path, messages: Sequence[Outgoing]) -> list[Posted]:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o644)
    except OSError as error:
        return [Posted(message.key, "failed", _said(path, error)) for message in messages]
    try:
        kept = kept_in(_content(fd))
        os.ftruncate(fd, kept.end)
        if kept.end == 0:
            disk.sync_folder(path.parent)
    except (OSError, ValueError) as error:
        os.close(fd)
        return [Posted(message.key, "failed", _said(path, error)) for message in messages]
    try:
        keys = set(kept.keys)
        outcomes: list[Posted] = []
        for message in messages:
            outcome = Posted(message.key, "sent") if message.key in keys else _append(fd, path, kept, message)
            if outcome.state == "sent":
                keys.add(message.key)
            outcomes.append(outcome)
        return outcomes
    finally:
        os.close(fd)


def find(path: Path, marks: Sequence[Mark]) -> dict[str, Found]:
    """What the file has of these marks, by key. A key that is not there is unknown: a person may have removed it."""
    keys: frozenset[str] = frozenset()
    if marks:
        try:
            keys = kept_in(path.read_bytes()).keys
        except (OSError, ValueError):
            keys = frozenset()
    return {mark.key: Found(mark.key, "present" if mark.key in keys else "unknown") for mark in marks}


def kept_in(content: bytes) -> Kept:
    """What the bytes of the file hold. Raises ValueError when a person left it in a state that we must not touch."""
    header = _line(COLUMNS, ",")
    if header.startswith(content):
        return Kept(COLUMNS, ",", frozenset(), 0 if content != header else len(header), True)
    text = content.removeprefix(_BOM).decode("utf-8", "replace")
    delimiter = delimiter_of(text.partition("\n")[0])
    columns = tuple(cell.strip() for cell in next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []))
    if "key" not in columns:
        raise ValueError('its header has no column "key"')
    end = _whole(content, len(columns), delimiter)
    rows = csv.reader(io.StringIO(content[:end].decode("utf-8", "replace"), newline=""), delimiter=delimiter)
    at = columns.index("key")
    keys = frozenset(row[at] for number, row in enumerate(rows) if number and len(row) > at)
    return Kept(columns, delimiter, keys, end, content[:end].endswith(b"\n"))


def _whole(content: bytes, width: int, delimiter: str) -> int:
    """Where the last whole record ends: what comes after it is one of ours that was not written to its end.

    Ours begin a line with a quotation mark and their key; a quotation mark inside one of ours is doubled.
    """
    if content.endswith(b'\n"'):
        return len(content) - 1
    starts = [found.start() + 1 for found in _START.finditer(content)]
    if not starts:
        return len(content)
    last = content[starts[-1] :].decode("utf-8", "replace")
    try:
        rows = list(csv.reader(io.StringIO(last, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error) and not last.endswith('"\n'):
            return starts[-1]
        number = content[: starts[-1]].count(b"\n") + 1
        raise ValueError(f"line {number}: a stray quotation mark") from None
    torn = len(rows) == 1 and len(rows[0]) < width and not last.endswith("\n")
    return starts[-1] if torn else len(content)


def _append(fd: int, path: Path, kept: Kept, message: Outgoing) -> Posted:
    start = os.lseek(fd, 0, os.SEEK_END)
    lead = b"" if start == 0 or start > kept.end or kept.ended else b"\n"
    content = lead + (_line(kept.columns, kept.delimiter) if start == 0 else b"") + _record(kept, message)
    try:
        written = os.write(fd, content)
        if written < len(content):
            raise OSError(0, "the disk is full")
        os.fsync(fd)
    except OSError as error:
        try:
            os.ftruncate(fd, start)
        except OSError:
            return Posted(message.key, "in_doubt", _said(path, error))
        return Posted(message.key, "failed", _said(path, error))
    return Posted(message.key, "sent")


def _record(kept: Kept, message: Outgoing) -> bytes:
    cells = {
        "key": message.key,
        "invoice": " ".join(message.invoices),
        "client": message.client,
        "due_date": message.day.isoformat(),
        "summary": message.subject,
        "note": message.text.strip(),
        "user": str(message.sender),
    }
    return _line([harmless(cells.get(column, "")) for column in kept.columns], kept.delimiter, csv.QUOTE_ALL)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return plain_cell(cell)


def _line(cells: Sequence[str], delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerow(cells)  # type: ignore[arg-type]  # csv has a type of its own for the numbers of its QUOTE_ constants
    return text.getvalue().encode("utf-8", "replace")


def _content(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()


def _said(path: Path, error: OSError | ValueError) -> str:
    return f"{path}: {getattr(error, 'strerror', None) or error}"
