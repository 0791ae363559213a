"""Commands in processes of their own that need not import everything again: forked from one that has.

A run then consists of what matters when it is killed: reading, deciding, claiming, posting and recording.
"""

from __future__ import annotations

import os
import sys
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "relance_addon.cli.main",
        "relance_addon.cli.tables",
        "relance_addon.connectors.files.connector",
        "relance_addon.operations.run",
        "relance_addon.operations.doubt",
        "relance_addon.mail.render",
        "django.core.management",
        "django.db.models",
        "django.db.backends.sqlite3.base",
        "css_inline",
        "filelock",
    ]
)


class Done(NamedTuple):
    """How a command ended (minus the signal that killed it), and what it printed."""

    status: int
    output: str
    errors: str


class Command:
    """A command that is running in the folder ``where``."""

    def __init__(self, where: Path, *arguments: str) -> None:
        self._said = TemporaryDirectory()
        paths = [str(Path(self._said.name) / name) for name in ("output", "errors")]
        self._process = _CONTEXT.Process(target=_relance, args=(str(where), arguments, *paths))
        self._process.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, or so long; whether it has ended."""
        self._process.join(seconds)
        return self._process.exitcode is not None

    def kill(self) -> None:
        """kill -9"""
        self._process.kill()

    def done(self) -> Done:
        """Wait for its end."""
        self._process.join()
        output, errors = (_read(Path(self._said.name) / name) for name in ("output", "errors"))
        self._said.cleanup()
        status = self._process.exitcode
        assert status is not None
        return Done(status, output, errors)


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _relance(where: str, arguments: tuple[str, ...], output: str, errors: str) -> None:
    for path, fd in ((output, 1), (errors, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, fd)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as the process began
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.chdir(where)
    from relance_addon.cli.main import main

    main(list(arguments))
