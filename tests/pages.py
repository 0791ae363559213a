"""Pages of the manual that are a walk-through: their files are written, their commands run, what comes out compared.

A fence names what it is. ```` ```csv data/invoices.csv ```` (any language, then a path) is a file, written when the
page gets there. ```` ```console 2026-11-23 ```` holds commands after ``$ `` and what they print on that day, both
streams together. An ellipsis stands for anything on its line, and alone on a line for any lines. The mail server of
a page, ``smtp://127.0.0.1:25``, is one that takes everything. ``python tests/pages.py PAGE`` writes what comes out into
the page, for a person to look at before it is kept.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from zoneinfo import ZoneInfo

import time_machine
from post_office import Letterbox, smtp_server

_FENCE = re.compile(r"```(\w+)(?: (\S+))?\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
_ANYTHING = "…"
_SERVER = "smtp://127.0.0.1:25"


class Block(NamedTuple):
    """A fence: its language, the file or the day that it names, its text, and where that text stands in the page."""

    language: str
    name: str
    text: str
    start: int
    end: int


class Shown(NamedTuple):
    """A command and what the page says that it prints."""

    command: str
    output: str


def blocks(page: str) -> Iterator[Block]:
    """The fences of a page, in order."""
    for found in _FENCE.finditer(page):
        yield Block(found[1], found[2] or "", found[3], found.start(3), found.end(3))


def session(text: str) -> list[Shown]:
    """The commands of a console."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [Shown(*part.split("\n", 1)) if "\n" in part else Shown(part, "") for part in parts]


def follow(page: str, folder: Path) -> Iterator[tuple[Block, list[tuple[Shown, str]]]]:
    """Do what a page does, in a folder: each console, and what its commands printed."""
    with smtp_server(Letterbox()) as server:
        for block in blocks(page):
            if block.language == "console":
                yield block, _spoken(block, folder)
            elif block.name:
                target = folder / block.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.text.replace(_SERVER, server), "utf-8")


def _spoken(block: Block, folder: Path) -> list[tuple[Shown, str]]:
    morning = datetime.combine(date.fromisoformat(block.name), time(9), ZoneInfo("Europe/Paris"))
    with time_machine.travel(morning, tick=False):
        return [(shown, run(shown.command, folder)) for shown in session(block.text)]


def run(command: str, folder: Path) -> str:
    """What a command prints on both streams, in a folder: ``relance …`` or ``cat FILE``."""
    name, *arguments = shlex.split(command)
    if name == "cat":
        return "".join((folder / one).read_text("utf-8") for one in arguments)
    assert name == "relance", f"a page runs relance or cat, not {name}"
    from relance_addon.cli.main import _run

    stream = io.StringIO()
    width = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "160"
    try:
        with contextlib.chdir(folder), contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            _run(arguments, debug=False)
    finally:
        os.environ.pop("COLUMNS") if width is None else os.environ.update(COLUMNS=width)
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


def agree(said: str, printed: str) -> bool:
    """Whether what the page says is what was printed."""
    wanted = "".join(
        "(?:.*\n)*" if line == _ANYTHING else ".*".join(map(re.escape, line.split(_ANYTHING))) + "\n"
        for line in said.splitlines()
    )
    return re.fullmatch(wanted, printed) is not None


def rewritten(page: str, folder: Path) -> str:
    """The page with what its commands print now; what still agrees keeps its ellipses."""
    made, end = "", 0
    for block, outputs in follow(page, folder):
        text = "".join(
            f"$ {shown.command}\n{shown.output if agree(shown.output, printed) else printed}"
            for shown, printed in outputs
        )
        made, end = made + page[end : block.start] + text, block.end
    return made + page[end:]


def main(pages: Sequence[str]) -> None:
    """Rewrite pages."""
    for path in map(Path, pages):
        with TemporaryDirectory() as folder:
            path.write_text(rewritten(path.read_text("utf-8"), Path(folder)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
