"""Showing: aligned tables, JSON, and lines for a person on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unicodedata import category, combining, east_asian_width

if TYPE_CHECKING:
    from relance_addon.operations.run import Progress


def say(text: str) -> None:
    """A line for a person, on standard error."""
    for line in clean(text, keep="\n").splitlines() or [""]:
        print(f"relance: {line}", file=sys.stderr)


def write(text: str) -> None:
    """A result, on standard output."""
    print(text)


def count(number: int, noun: str) -> str:
    """``1 message``, ``2 messages``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def clean(text: str, keep: str = "") -> str:
    """Text without control characters: what a host says must not move a terminal's cursor."""
    if text.isprintable():
        return text
    return "".join(
        one if one in keep or category(one) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else "\N{REPLACEMENT CHARACTER}"
        for one in text
    )


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], numbers: Iterable[str] = ()) -> None:
    """Aligned columns; those named in ``numbers`` to the right. Nothing is cut."""
    right = {index for index, header in enumerate(headers) if header in set(numbers)}
    cells = [[clean(_text(value)) for value in row] for row in rows]
    widths = [max([_width(header), *(_width(row[index]) for row in cells)]) for index, header in enumerate(headers)]
    for row in ([*headers], *cells):
        padded = (
            " " * (width - _width(cell)) + cell if index in right else cell + " " * (width - _width(cell))
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join(padded).rstrip())


def money(amounts: Mapping[str, str]) -> str:
    """Amounts of several currencies on one line."""
    return " + ".join(f"{value} {currency}" for currency, value in amounts.items()) or "0"


def document(data: Mapping[str, Any]) -> None:
    """JSON on standard output."""
    from relance_addon.operations.report import write as chunks

    sys.stdout.writelines(chunks(data))


def items(name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """The contract's list of items as JSON."""
    from relance_addon.operations.report import items as made

    document(made(name, list(rows)))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1 for one in text)


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """A progress bar, only on a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
