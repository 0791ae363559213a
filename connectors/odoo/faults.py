"""What went wrong in a remote call, for the person who can mend it.

Odoo translates its messages into the user's language, so an error is known by its type and by ``data.name`` only.
"""

from __future__ import annotations

import errno
import socket
import ssl
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError

from odoorpc.error import Error as OdooError
from odoorpc.error import RPCError

from relance_addon.core.errors import HostError, Refused, Unreachable

CAUGHT: Final = (OdooError, OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError)
"""Whatever odoorpc lets through: its own errors, the network's, and those of reading an answer that is not Odoo's."""

_BUSY: Final = frozenset(
    {
        "psycopg2.errors.SerializationFailure",
        "psycopg2.errors.DeadlockDetected",
        "psycopg2.errors.LockNotAvailable",
    }
)
_DATABASE: Final = "psycopg2.OperationalError"
_RIGHTS: Final = frozenset({"odoo.exceptions.AccessError", "odoo.exceptions.AccessDenied"})
_NEVER_CONNECTED: Final = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH})
_LONGEST: Final = 300


class NotDone(Unreachable):
    """The call was certainly not carried out: it never reached Odoo, or Odoo took it back. Trying again can help."""


def told(error: Exception, server: str, doing: str) -> HostError:
    """The error as a HostError that names ``server`` and what it was ``doing`` there."""
    if isinstance(error, RPCError):
        return _answered(error.info, str(error), server, doing)
    if isinstance(error, HTTPError):
        text = f"{server}: {doing}: HTTP {error.code}"
        # What stands in front of Odoo turned the call away before it could be carried out.
        return Refused(f"{text}: is this the address of Odoo?") if error.code < 500 else Unreachable(text)
    if isinstance(error, URLError) and isinstance(error.reason, OSError):
        return _network(error.reason, server)
    if isinstance(error, TimeoutError):
        return Unreachable(f"{server}: {doing}: no answer in time")
    if isinstance(error, OSError | HTTPException):
        return Unreachable(f"{server}: {doing}: the connection broke off ({type(error).__name__})")
    return Unreachable(f"{server}: {doing}: the answer is not Odoo's: is this the address of Odoo?")


def _answered(info: Any, message: str, server: str, doing: str) -> HostError:
    data = info.get("data") if isinstance(info, dict) else None
    name = data.get("name") if isinstance(data, dict) else None
    text = " ".join(message.split())[:_LONGEST]
    if name in _BUSY:
        return NotDone(f"{server}: {doing}: others keep changing the same records in Odoo")
    if name == _DATABASE:
        # Its text gives away where the database server is.
        return Unreachable(f"{server}: {doing}: Odoo cannot open its database")
    if name in _RIGHTS:
        return Refused(f"{server}: {doing}: the user lacks rights: {text}")
    return Refused(f"{server}: {doing}: {text}")


def _network(reason: OSError, server: str) -> HostError:
    never = isinstance(reason, socket.gaierror | ssl.SSLCertVerificationError) or reason.errno in _NEVER_CONNECTED
    if isinstance(reason, TimeoutError):
        return Unreachable(f"{server}: no answer in time")
    text = f"{server}: {reason.strerror or reason}"
    return NotDone(text) if never else Unreachable(text)
