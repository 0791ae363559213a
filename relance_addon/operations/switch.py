"""Activate and deactivate: automatic reminders of a host are off until someone switches them on."""

from __future__ import annotations

from relance_addon.operations.desk import Desk


def switch(desk: Desk, host: str, on: bool) -> bool:
    """Switch a host on or off; whether that changed anything. Raises InputError for a host that is not configured."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import hosts

    before = hosts.state(host).activated
    hosts.activate(host, on)
    return before != on
