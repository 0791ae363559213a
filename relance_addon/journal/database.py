"""Opening the journal: the address of its database, its tables, and the lock of a run."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from relance_addon.core.errors import Busy, InputError, RelanceError
from relance_addon.core.model import Problem

APP = "relance_addon.journal"


def connect(url: str, folder: Path) -> None:
    """Open the journal at ``url`` (a relative SQLite path starts at ``folder``) and bring its tables up to date.

    Raises InputError when the address is not one, or when the database cannot be opened.
    """
    from django.conf import settings

    database = address(url, folder)
    if not settings.configured:
        settings.configure(
            INSTALLED_APPS=[APP],
            DATABASES={"default": database},
            USE_TZ=True,
            TIME_ZONE="UTC",
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        )
        import django

        django.setup()
    else:
        _switch(database)
    _migrate(url)


def address(url: str, folder: Path) -> dict[str, Any]:
    """Django's settings of a database for ``sqlite:///path`` or ``postgresql://user@host:port/name``."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = folder / unquote(parts.path.removeprefix("/"))
        if not parts.path.removeprefix("/"):
            raise _wrong(f"{url!r} names no file; write sqlite:///relance.sqlite3")
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(path),
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                # FULL: a claim must outlive the machine, not only the process
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536;",
            },
        }
    if parts.scheme in ("postgresql", "postgres"):
        options = dict(parse_qsl(parts.query))
        if parts.password or "password" in options:
            raise _wrong("a password in clear; use ~/.pgpass, PGPASSWORD or a service file")
        try:
            port = str(parts.port or "")
        except ValueError:
            raise _wrong(f"{url!r}: its port is no number") from None
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.removeprefix("/")),
            "USER": unquote(parts.username or ""),
            "HOST": parts.hostname or "",
            "PORT": port,
            "OPTIONS": options,
        }
    raise _wrong(f"an address that begins with {parts.scheme!r} is neither sqlite:///… nor postgresql://…")


def _wrong(text: str) -> InputError:
    return InputError(Problem("", "relance.journal", text))


def _switch(database: dict[str, Any]) -> None:
    """Point an already configured process at another journal (tests, several configurations in one process)."""
    from django.db import connections

    connections["default"].close()
    connections.settings["default"].update(database)
    fresh = connections.create_connection("default")
    connections["default"] = fresh


def _migrate(url: str) -> None:
    from django.core.management import call_command
    from django.db import DatabaseError, connection
    from django.db.utils import OperationalError

    known = sorted(path.stem for path in (Path(__file__).parent / "migrations").glob("0*.py"))
    try:
        with connection.cursor() as cursor:
            if "django_migrations" in connection.introspection.table_names(cursor):
                cursor.execute("SELECT name FROM django_migrations WHERE app = 'journal'")
                done = {row[0] for row in cursor.fetchall()}
                if done.issuperset(known):
                    newer = sorted(done.difference(known))
                    if newer:
                        raise _wrong(f"{url} was made by a newer version; upgrade relance-addon")
                    return
        with _making_tables():
            call_command("migrate", verbosity=0, interactive=False)
    except (OperationalError, DatabaseError) as error:
        raise _wrong(f"{url} cannot be opened: {_first_line(error)}") from error


@contextmanager
def _making_tables() -> Iterator[None]:
    """One process at a time makes the tables; whoever waited finds them made."""
    from django.db import connection

    if connection.vendor == "postgresql":
        with _advisory_lock("tables", wait=True):
            yield
        return
    from filelock import FileLock

    path = f"{os.fspath(connection.settings_dict['NAME'])}.tables.lock"
    with FileLock(path, timeout=60):
        yield
    Path(path).unlink(missing_ok=True)


@contextmanager
def _advisory_lock(name: str, wait: bool = False) -> Iterator[bool]:
    """A lock of the PostgreSQL server; false when somebody else has it."""
    from django.db import connection

    number = int.from_bytes(hashlib.sha256(f"relance {name}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {'pg_advisory_lock' if wait else 'pg_try_advisory_lock'}(%s)", [number])
        mine = wait or bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


@contextmanager
def journal_errors() -> Iterator[None]:
    """Turn a database that fails under us (full disk, lost connection) into one line for a person."""
    from django.db import DatabaseError

    try:
        yield
    except DatabaseError as error:
        raise failure(error) from error


def failure(error: Exception) -> RelanceError:
    """What a database that fails under us means for a person."""
    return RelanceError(f"the journal cannot be written: {_first_line(error)}; nothing more was sent")


def is_failure(error: Exception) -> bool:
    """Whether an error is the database's."""
    django = sys.modules.get("django.db")
    return django is not None and isinstance(error, django.DatabaseError)


@contextmanager
def run_lock(host: str) -> Iterator[None]:
    """Keep other runs of ``host`` out. The operating system, or the server, lets go of a dead process's lock.

    Raises Busy when another run is in progress.
    """
    from django.db import connection

    busy = Busy(f"another run of {host} is in progress")
    if connection.vendor == "postgresql":
        with _advisory_lock(f"run of {host}") as mine:
            if not mine:
                raise busy
            yield
        return

    from filelock import FileLock, Timeout

    name = hashlib.sha256(host.encode()).hexdigest()[:12]
    try:
        with FileLock(f"{os.fspath(connection.settings_dict['NAME'])}.{name}.lock", timeout=0):
            yield
    except Timeout:
        raise busy from None
