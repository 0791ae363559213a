"""One CSV file: its header, its records one after the other, and any one record again by its place.

The file is read as a stream of lines, whatever its size. A *place* is one number that holds where a record starts:
its offset in bytes and the physical line; it is all that is remembered of a record.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import re
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from relance_addon.core.errors import InputError, Unreachable
from relance_addon.core.model import Problem

DELIMITERS: Final = ",;\t"
_LINES: Final = 32
_LINE_MASK: Final = (1 << _LINES) - 1
_BUFFER: Final = 1 << 18
_BOM: Final = codecs.BOM_UTF8
_WIDE = re.compile(r"utf[-_]?(16|32)")
_ALONE = re.compile(rb"[^\r\n]*\r(?!\n)")
"""A first line that ends in a carriage return alone, as old Macs wrote them."""


Record = tuple[int, list[str], str]
"""One record: the place where it starts, its cells, and why they cannot be trusted (empty when they can)."""


class Stamp(NamedTuple):
    """What tells whether a file is still the one that was opened."""

    device: int
    inode: int
    size: int
    modified: int


def stamp_of(stat: os.stat_result) -> Stamp:
    """The stamp of a file; ``modified`` in nanoseconds."""
    return Stamp(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


def line_of(place: int) -> int:
    """The physical line, from 1, on which the record at ``place`` starts."""
    return place & _LINE_MASK


class Table:
    """An open CSV file with a header. ``shown`` is its path as the user wrote it; ``encoding`` a codec's name."""

    def __init__(self, path: Path, shown: str, encoding: str) -> None:
        """Open and read the header. Raises InputError for a file that is missing, cannot be read or has none."""
        self.path, self.shown, self.encoding = path, shown, encoding
        try:
            fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            raise InputError(Problem(shown, "", "no such file")) from None
        except OSError as error:
            raise InputError(Problem(shown, "", f"cannot be opened: {error.strerror}")) from None
        self._release = weakref.finalize(self, os.close, fd)
        self.stamp = stamp_of(os.fstat(fd))
        self.fd = self._original = fd
        try:
            self._start = self._prepare()
        except OSError as error:
            raise InputError(Problem(shown, "", f"cannot be read: {error.strerror}")) from None
        self.delimiter = ","
        self.columns: list[str] = []
        self._first = self._start << _LINES | 1
        self._header()

    def close(self) -> None:
        """Let go of the file. Whatever still reads it gets an error."""
        self.fd = -1
        self._release()

    def digest(self) -> str:
        """SHA-256 of the bytes of the open file, in hexadecimal."""
        with io.BufferedReader(_Stream(self, 0), _BUFFER) as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest()

    def intact(self) -> bool:
        """Whether the open file was left alone since it was opened (a new file under its name does not count)."""
        return self._release.alive and stamp_of(os.fstat(self._original)) == self.stamp

    def records(self, place: int | None = None) -> Iterator[Record]:
        """Every record from ``place`` on (the first one by default); empty lines are passed over.

        A line that breaks the rules of CSV is one record with an error, and reading goes on with the line after it,
        so that a stray quotation mark does not swallow what follows.
        """
        place = self._first if place is None else place
        end, at = place >> _LINES, (place & _LINE_MASK) - 1
        width, encoding = len(self.columns), self.encoding
        bad = ""

        def lines(raw: Iterable[bytes]) -> Iterator[str]:
            nonlocal end, at, bad
            for data in raw:
                end += len(data)
                at += 1
                try:
                    text = data.decode(encoding)
                except UnicodeDecodeError as error:
                    bad = _undecodable(error, encoding)
                    text = data.decode(encoding, "replace")
                if "\0" in text:
                    bad = "has a NUL character"
                yield text

        while True:
            start, first = end, at + 1
            try:
                with io.BufferedReader(_Stream(self, end), _BUFFER) as raw:
                    for row in csv.reader(lines(raw), delimiter=self.delimiter, strict=True):
                        if bad or len(row) != width:
                            if row and (bad or any(row)):
                                yield start << _LINES | first, row, bad or _counted(len(row), width)
                            bad = ""
                        else:
                            yield start << _LINES | first, row, ""
                        start, first = end, at + 1
                return
            except csv.Error as error:
                # Only the line that the record starts on is lost.
                data = self._line(start)
                text = data.decode(encoding, "replace")
                end, at, bad = start + len(data), first, ""
                row = text[:_BUFFER].rstrip("\r\n").replace('"', "").split(self.delimiter)
                yield start << _LINES | first, row, _said(error)

    def record(self, place: int) -> Record:
        """The record at ``place`` again."""
        return next(self.records(place))

    def problem(self, place: int, key: str, text: str) -> Problem:
        """A problem of a field in the record at ``place``."""
        return Problem(f"{self.shown}:{line_of(place)}", key, text)

    def _line(self, offset: int) -> bytes:
        with io.BufferedReader(_Stream(self, offset), _BUFFER) as raw:
            return raw.readline()

    def _prepare(self) -> int:
        """Where the text starts; a file whose lines do not end in the byte of a line feed is first written out anew."""
        head = os.read(self.fd, _BUFFER)
        marked = head.startswith(_BOM)
        if marked:
            self.encoding = "utf-8"
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not _WIDE.match(self.encoding):
            raise InputError(Problem(f"{self.shown}:1", "", 'is UTF-16, as it seems: set encoding = "utf-16"'))
        if "\n".encode(self.encoding) != b"\n" or _ALONE.match(head):
            self._rewrite("utf-8-sig" if marked else self.encoding)
            return 0
        return len(_BOM) if marked else 0

    def _rewrite(self, encoding: str) -> None:
        raw = io.BufferedReader(_Stream(self, 0), _BUFFER)
        copy = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the table
        try:
            for text in io.TextIOWrapper(raw, encoding):
                copy.write(text.encode("utf-8"))
        except UnicodeError as error:
            told = f"is not {encoding.upper()} ({error}): set encoding = …"
            raise InputError(Problem(self.shown, "", told)) from None
        copy.flush()
        self._copy, self.fd, self.encoding = copy, copy.fileno(), "utf-8"

    def _header(self) -> None:
        number, offset = 0, self._start
        text = ""
        with io.BufferedReader(_Stream(self, offset), _BUFFER) as raw:
            for data in raw:
                number += 1
                offset += len(data)
                try:
                    text += data.decode(self.encoding)
                except UnicodeDecodeError as error:
                    problem = _undecodable(error, self.encoding)
                    raise InputError(Problem(f"{self.shown}:{number}", "", problem)) from None
                if text.count('"') % 2 == 0 and text.strip():
                    break
                if len(text) > csv.field_size_limit():
                    break
        if not text.strip():
            raise InputError(Problem(self.shown, "", "is empty: it has no header line"))
        self.delimiter = delimiter_of(text)
        try:
            cells = next(
                csv.reader(io.StringIO(text.lstrip("\ufeff\r\n"), newline=""), delimiter=self.delimiter, strict=True)
            )
        except csv.Error as error:
            raise InputError(Problem(f"{self.shown}:1", "", f"the header line cannot be read: {error}")) from None
        self.columns = [cell.strip() for cell in cells]
        self._first = offset << _LINES | number + 1


class _Stream(io.RawIOBase):
    """The bytes of a file from an offset on, by a position of its own: many readers can share one file."""

    def __init__(self, table: Table, offset: int) -> None:
        super().__init__()
        self._table, self._offset = table, offset

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io calls it with a memoryview only, and says any buffer
        try:
            os.lseek(self._table.fd, self._offset, os.SEEK_SET)
            data = os.read(self._table.fd, len(buffer))
        except OSError as error:
            raise Unreachable(f"{self._table.shown}: cannot be read: {error.strerror}") from None
        buffer[: len(data)] = data
        self._offset += len(data)
        return len(data)


def delimiter_of(header: str) -> str:
    """The mark among comma, semicolon and tab that parts most cells of a header; those in quotes do not count."""
    bare = "".join(part for index, part in enumerate(header.split('"')) if index % 2 == 0)
    return max(DELIMITERS, key=bare.count)


def known_encoding(name: str) -> str:
    """The codec of that name. Raises ValueError for one that does not exist or is none for text."""
    with suppress(LookupError, UnicodeError, TypeError):
        found = codecs.lookup(name)
        if isinstance("a".encode(found.name), bytes):
            return "utf-8" if found.name == "utf-8-sig" else found.name
    raise ValueError(f"unknown encoding {name!r}")


def _counted(cells: int, width: int) -> str:
    return f"{cells} cell{'s' * (cells != 1)} where the header has {width}"


def _undecodable(error: UnicodeDecodeError, encoding: str) -> str:
    byte = error.object[error.start]
    return f"byte 0x{byte:02x} is not {encoding.upper()}: set encoding = … (cp1252 is usual on Windows)"


def _said(error: csv.Error) -> str:
    text = str(error)
    if "field larger" in text:
        return f"a cell is longer than {csv.field_size_limit()} characters: is a quotation mark left open?"
    return "a quotation mark is left open" if "unexpected end" in text else f"a stray quotation mark ({text})"
