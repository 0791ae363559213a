"""Events: ask the host what became of the messages sent."""

from __future__ import annotations

from contextlib import closing

from relance_addon.operations import simulate
from relance_addon.operations.desk import Desk


def events(desk: Desk, host: str) -> int:
    """Record what the host says of the messages of the last 90 days; how many events are new."""
    desk.open_journal()
    from relance_addon.journal import database

    with closing(desk.connector(host)) as connector, database.journal_errors():
        return simulate.collect(desk, host, connector)
