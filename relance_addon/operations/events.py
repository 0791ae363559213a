"""Events: ask the host what became of the messages sent."""

from __future__ import annotations

from relance_addon.operations import simulate
from relance_addon.operations.desk import Desk


def events(desk: Desk, host: str) -> int:
    """Record what the host says of the messages of the last 90 days; how many events are new."""
    connector = desk.connector(host)
    desk.open_journal()
    from relance_addon.journal import database

    with database.journal_errors():
        return simulate.collect(desk, host, connector)
