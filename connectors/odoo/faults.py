"""What went wrong in a remote call, for the person who can mend it.

Odoo translates its messages into the user's language, so an error is known by its type and its ``name`` only.
"""

from __future__ import annotations

from typing import Any, Final

from odoorpc.error import Error as OdooError
from odoorpc.error import RPCError

from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.hosts import faults
from relance_addon.hosts.faults import NotDone


class NoKey(Refused):
    """What was given as an API key is none of Odoo's."""


CAUGHT: Final = (OdooError, AttributeError, *faults.CAUGHT)
"""Whatever a call lets through: odoorpc's own errors, the network's, and those of reading an answer not Odoo's."""

_BUSY: Final = frozenset(
    {
        "psycopg2.errors.SerializationFailure",
        "psycopg2.errors.DeadlockDetected",
        "psycopg2.errors.LockNotAvailable",
        "odoo.exceptions.ConcurrencyError",
        "odoo.exceptions.LockError",
    }
)
_DATABASE: Final = frozenset({"psycopg2.OperationalError", "psycopg2.errors.AdminShutdown", "psycopg2.pool.PoolError"})
_RIGHTS: Final = frozenset({"odoo.exceptions.AccessError", "odoo.exceptions.AccessDenied"})
_NO_KEY: Final = "werkzeug.exceptions.Unauthorized"


def told(error: Exception, server: str, doing: str) -> HostError:
    """The error as a HostError that names ``server`` and what it was ``doing`` there."""
    if isinstance(error, RPCError):
        data = error.info.get("data") if isinstance(error.info, dict) else None
        return answered(data.get("name") if isinstance(data, dict) else None, str(error), f"{server}: {doing}")
    return faults.told(error, "Odoo", server, doing)


def answered(name: Any, message: str, where: str) -> HostError:
    """An error of Odoo's own, known by the ``name`` of its exception; ``message`` is in the user's language."""
    if name in _BUSY:
        return NotDone(f"{where}: others keep changing the same records in Odoo")
    if name in _DATABASE:
        # Its text gives away where the database server is.
        return Unreachable(f"{where}: Odoo cannot open its database")
    if name == _NO_KEY:
        return NoKey(f"{where}: Odoo does not know this API key (or no longer)")
    text = faults.line(message)
    if name in _RIGHTS:
        return Refused(f"{where}: the user lacks rights: {text}")
    return Refused(f"{where}: {text}")
