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
from relance_addon.hosts.port import Found, Mark, Outgoing, Posted

NAME: Final = "activities.csv"
COLUMNS: Final = ("key", "invoice", "client", "due_date", "summary", "note", "user")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BOM: Final = b"\xef\xbb\xbf"
_LEFT_OPEN = re.compile(rb'\n"[^"]')
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
    header = (",".join(COLUMNS) + "\n").encode()
    if header.startswith(content):
        return (
            Kept(COLUMNS, ",", frozenset(), 0, True)
            if content != header
            else Kept(COLUMNS, ",", frozenset(), len(header), True)
        )
    end, is_open = _whole(content)
    tail = content[end:]
    if is_open and _LEFT_OPEN.search(tail):
        number = content[:end].count(b"\n") + 1
        raise ValueError(f"line {number}: a quotation mark is left open")
    text = content.removeprefix(_BOM).decode("utf-8", "replace")
    delimiter = delimiter_of(text.partition("\n")[0])
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = tuple(cell.strip() for cell in next(rows, []))
    if "key" not in columns:
        raise ValueError('its header has no column "key"')
    at = columns.index("key")
    found = [row for row in rows if row]
    if tail and found and (is_open or len(found[-1]) < len(columns)):
        found.pop()
    elif tail:
        end = len(content)
    keys = frozenset(row[at] for row in found if len(row) > at)
    return Kept(columns, delimiter, keys, end, content[:end].endswith(b"\n") or end == 0)


def _whole(content: bytes) -> tuple[int, bool]:
    """Where the last record ends that has its line break, and whether quotes are open at the end."""
    end = at = quotes = 0
    for line in io.BytesIO(content):
        at += len(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0 and line.endswith(b"\n"):
            end = at
    return end, quotes % 2 == 1


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
        "note": message.text,
        "user": str(message.sender),
    }
    return _line([harmless(cells.get(column, "")) for column in kept.columns], kept.delimiter, csv.QUOTE_ALL)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _line(cells: Sequence[str], delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerow(cells)  # type: ignore[arg-type]
    return text.getvalue().encode("utf-8", "replace")


def _content(fd: int) -> bytes:
    with open(fd, "rb", closefd=False) as file:
        return file.read()


def _said(path: Path, error: OSError | ValueError) -> str:
    return f"{path}: {getattr(error, 'strerror', None) or error}"
