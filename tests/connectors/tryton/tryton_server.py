"""A real Tryton with the books of an empty company, made of what pip installed for the tests.

Its database is made once for each version of Tryton and of this code, kept among the caches (``RELANCE_TEST_CACHE``,
else ``XDG_CACHE_HOME`` or ``~/.cache``), and copied for each server::

    with tryton_server(folder, smtp="smtp://127.0.0.1:2525") as tryton:
        tryton.client("robot").call("model.account.invoice.search_count", [])

By hand, ``python tests/connectors/tryton/tryton_server.py FOLDER --port 8000`` keeps a server until it is interrupted.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

import tryton_company
import tryton_rpc
from filelock import FileLock

DATABASE: Final = "relance"
PDF: Final = b"%PDF-1.4\n%%EOF\n"
"""What stands for every PDF: nothing here can make one (7.0 asks LibreOffice all the same)."""
_MODULES: Final = ("account_invoice", "account_dunning")
_NOWHERE: Final = "smtp://127.0.0.1:9"
_PATIENCE: Final = 60
"""Seconds within which a server has to listen."""
_VERSIONS: Final = """
import sys
from importlib.metadata import distributions
print(sys.version, sorted(f"{one.name} {one.version}" for one in distributions() if one.name.startswith("trytond")))
"""
_CONFIG: Final = """\
[database]
uri = sqlite://
path = {folder}
[web]
listen = 127.0.0.1:{port}
[email]
uri = {smtp}
from = Acme <erp@acme.example>
[session]
timeout = 86400
[report]
convert_command = cp "{folder}/invoice.pdf" "%(output_path)s"
"""


@dataclass(frozen=True)
class Tryton:
    """A running server, and the file that it logs to."""

    url: str
    log: Path

    def client(self, user: str) -> tryton_rpc.Client:
        """One of the company's users, logged in."""
        return tryton_rpc.Client(self.url, DATABASE, user, tryton_company.password(user))


@contextmanager
def tryton_server(folder: Path, smtp: str, port: int = 0, python: str = sys.executable) -> Iterator[Tryton]:
    """A server on loopback that sends its mails to ``smtp``, until the end.

    Its files are in ``folder``; where there is no database yet, it gets an empty company's. Without a port it takes one
    that is free. ``python`` is the interpreter beside which its Tryton is installed.
    """
    database = folder / f"{DATABASE}.sqlite"
    if not database.exists():
        shutil.copy(template(python), database)
    with _running(folder, smtp, port, python) as tryton:
        yield tryton


def template(python: str = sys.executable) -> Path:
    """The empty company's database for that interpreter's Tryton: made now, in a quarter of a minute, or long ago."""
    asked = subprocess.run([python, "-c", _VERSIONS], env=_environment(), capture_output=True, text=True, check=True)
    code = [Path(__file__).with_name(f"tryton_{name}.py").read_text("utf-8") for name in ("server", "company", "rpc")]
    cache = _caches() / "relance-addon-tests"
    cache.mkdir(parents=True, exist_ok=True)
    made = cache / f"tryton-{sha256(''.join([asked.stdout, *code]).encode()).hexdigest()[:16]}.sqlite"
    with FileLock(made.with_suffix(".lock")):
        if not made.exists():
            with TemporaryDirectory(dir=cache) as folder:
                _build(Path(folder), python).rename(made)
    return made


def _build(folder: Path, python: str) -> Path:
    database = folder / f"{DATABASE}.sqlite"
    database.touch()
    _configure(folder, _NOWHERE, 0)
    password = folder / "password"
    password.write_text(tryton_company.password("admin"))
    options = ("--activate-dependencies", "--email", "admin@acme.example")
    done = subprocess.run(
        [*_command(python, "trytond-admin"), "-u", *_MODULES, *options],
        cwd=folder,
        env={**_environment(), "TRYTONPASSFILE": str(password)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"no database can be made with {python}:\n{done.stderr}")
    with _running(folder, _NOWHERE, 0, python) as tryton:
        tryton_company.found(tryton.client("admin"))
    return _whole(database, folder / "whole.sqlite")


def _whole(database: Path, target: Path) -> Path:
    """A copy in one file, with what is still in the database's journal."""
    with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    return target


@contextmanager
def _running(folder: Path, smtp: str, port: int, python: str) -> Iterator[Tryton]:
    _configure(folder, smtp, port)
    log = folder / "trytond.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            _command(python, "trytond"),
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Tryton(_address(process, log), log)
    finally:
        process.terminate()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Where a server listens: it says so once it does."""
    end = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < end:
        if listens := re.search(r"Running on (http://127\.0\.0\.1:\d+)", log.read_text("utf-8")):
            return listens[1]
        time.sleep(0.02)
    raise RuntimeError(f"Tryton did not start:\n{log.read_text('utf-8')}")


def _configure(folder: Path, smtp: str, port: int) -> None:
    (folder / "invoice.pdf").write_bytes(PDF)
    (folder / "trytond.conf").write_text(_CONFIG.format(folder=folder.resolve(), port=port, smtp=smtp), "utf-8")


def _command(python: str, program: str) -> list[str]:
    # -O: Tryton asserts of each record that is read that all those read with it have numbers.
    return [python, "-O", str(Path(python).with_name(program)), "-c", "trytond.conf", "-d", DATABASE]


def _environment() -> dict[str, str]:
    """This one, without what would configure Tryton or lead to the packages of another Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TRYTON", "PYTHON"))}


def _caches() -> Path:
    home = os.environ.get("HOME")
    usual = os.environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else gettempdir())
    return Path(os.environ.get("RELANCE_TEST_CACHE") or usual)


def main() -> None:
    """Keep a server until it is interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="tryton_server.py")
    parser.add_argument("folder", type=Path, help="where its database and its log are; a new one gets an empty company")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--smtp", default="smtp://127.0.0.1:25", help="the mail server that it sends by")
    parser.add_argument("--python", default=sys.executable, help="the interpreter beside which Tryton is installed")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with tryton_server(given.folder, given.smtp, given.port, given.python) as tryton, suppress(KeyboardInterrupt):
        print(f"{tryton.url}, database {DATABASE}, admin's password {tryton_company.password('admin')}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
