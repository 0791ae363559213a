"""Each test of the journal runs on SQLite, and on PostgreSQL where RELANCE_TEST_POSTGRESQL names a server.

The address is that of a database which a role may make others beside: ``postgresql://user@127.0.0.1/postgres``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

SERVER = os.environ.get("RELANCE_TEST_POSTGRESQL", "")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a fresh database, dropped in the end."""
    import psycopg

    name = f"relance_test_{uuid4().hex[:8]}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    yield f"{SERVER.rpartition('/')[0]}/{name}"
    from django.db import connections

    connections.close_all()
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.skipif(not SERVER, reason="RELANCE_TEST_POSTGRESQL is not set")),
    ]
)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an open, empty journal."""
    from relance_addon.journal import database

    address = "sqlite:///relance.sqlite3"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql")
    database.connect(address, tmp_path)
    from django.core.management import call_command
    from django.db import connections

    call_command("flush", verbosity=0, interactive=False)
    yield address
    connections.close_all()
