"""What is known of a host as a whole: switched on or not, how far it was pulled, the day of its last run."""

from __future__ import annotations

from datetime import date

from relance_addon.core.records import HostState
from relance_addon.journal import models


def state(host: str) -> HostState:
    """The state of a host; one that was never seen is off and empty."""
    row = models.Host.objects.filter(name=host).first()
    return HostState(row.activated, row.cursor, row.settings, row.last_run) if row else HostState(False, "", "", None)


def activate(host: str, on: bool) -> None:
    """Switch automatic reminders of a host on or off."""
    models.Host.objects.update_or_create(name=host, defaults={"activated": on})


def pulled(host: str, cursor: str, settings: str) -> None:
    """A pull is complete: the next one starts from ``cursor``."""
    models.Host.objects.update_or_create(name=host, defaults={"cursor": cursor, "settings": settings})


def ran(host: str, day: date) -> None:
    """A run dated ``day`` has begun: none may be dated before it."""
    models.Host.objects.update_or_create(name=host, defaults={"last_run": day})
