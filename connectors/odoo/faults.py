"""What went wrong in a remote call, for the person who can mend it.

Odoo translates its messages into the user's language, so an error is known by its type and its ``name`` only.
"""

from __future__ import annotations

import errno
import socket
import ssl
from http.client import HTTPException
from typing import Any, Final

import requests
from odoorpc.error import Error as OdooError
from odoorpc.error import RPCError

from relance_addon.core.errors import HostError, Refused, Unreachable


class NotDone(Unreachable):
    """The call was certainly not carried out: it never reached Odoo, or Odoo took it back. Trying again can help."""


class NoKey(Refused):
    """What was given as an API key is none of Odoo's."""


class BadStatus(Exception):  # noqa: N818 - it says what came
    """An HTTP status other than 200: what came with it, and where a redirect leads."""

    def __init__(self, status: int, location: str, body: bytes) -> None:
        self.status, self.location, self.body = status, location, body
        super().__init__(f"HTTP {status}")


class TooLong(Exception):  # noqa: N818 - it says what the answer is
    """The answer is longer than anything that was asked for."""


CAUGHT: Final = (
    OdooError, BadStatus, TooLong, OSError, HTTPException,
    ValueError, KeyError, TypeError, AttributeError, RecursionError,
)  # fmt: skip
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
_NEVER_CONNECTED: Final = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH})
_LONGEST: Final = 300


def told(error: Exception, server: str, doing: str) -> HostError:
    """The error as a HostError that names ``server`` and what it was ``doing`` there."""
    where = f"{server}: {doing}"
    if isinstance(error, RPCError):
        data = error.info.get("data") if isinstance(error.info, dict) else None
        return answered(data.get("name") if isinstance(data, dict) else None, str(error), where)
    if isinstance(error, BadStatus):
        return _turned_away(error, where)
    if isinstance(error, TooLong):
        return Unreachable(f"{where}: the answer is too long")
    cause = _root(error)
    if isinstance(error, requests.ConnectTimeout):
        return NotDone(f"{server}: no connection in time")
    if isinstance(cause, OSError | HTTPException):
        return _network(cause, server, doing)
    return Unreachable(f"{where}: the answer is not Odoo's: is this the address of Odoo?")


def answered(name: Any, message: str, where: str) -> HostError:
    """An error of Odoo's own, known by the ``name`` of its exception; ``message`` is in the user's language."""
    if name in _BUSY:
        return NotDone(f"{where}: others keep changing the same records in Odoo")
    if name in _DATABASE:
        # Its text gives away where the database server is.
        return Unreachable(f"{where}: Odoo cannot open its database")
    if name == _NO_KEY:
        return NoKey(f"{where}: Odoo does not know this API key (or no longer)")
    text = _line(message)
    if name in _RIGHTS:
        return Refused(f"{where}: the user lacks rights: {text}")
    return Refused(f"{where}: {text}")


def _turned_away(error: BadStatus, where: str) -> HostError:
    """Below 500, what stands in front of Odoo turned the call away before it could be carried out."""
    text = f"{where}: HTTP {error.status}"
    if error.location:
        return Refused(f"{text}: it sends us to {_line(error.location)}: is that the address to write as url?")
    if error.status == requests.codes.too_many_requests:
        return NotDone(f"{text}: too many calls at once")
    if error.status == requests.codes.request_entity_too_large:
        return Refused(f"{text}: more than the server in front of Odoo takes at once")
    return Refused(f"{text}: is this the address of Odoo?") if error.status < 500 else Unreachable(text)


def _root(error: BaseException) -> BaseException:
    """The network's own error in what requests has wrapped; anything else is its own root."""
    inner: BaseException | None = error
    while inner and (isinstance(inner, requests.RequestException) or not isinstance(inner, OSError | HTTPException)):
        inner = inner.__cause__ or (None if inner.__suppress_context__ else inner.__context__)
    return inner or error


def _network(cause: OSError | HTTPException, server: str, doing: str) -> HostError:
    if isinstance(cause, ssl.SSLCertVerificationError):
        mend = "an authority of your own goes into a file, named by ca"
        return NotDone(f"{server}: its certificate cannot be trusted: {cause.verify_message}: {mend}")
    if isinstance(cause, ssl.SSLError):
        why = (cause.reason or str(cause)).replace("_", " ").lower()
        return Unreachable(f"{server}: {doing}: https does not work there: {why}")
    if isinstance(cause, TimeoutError):
        return Unreachable(f"{server}: {doing}: no answer in time")
    if isinstance(cause, HTTPException | ConnectionResetError | BrokenPipeError | requests.RequestException):
        return Unreachable(f"{server}: {doing}: the connection broke off ({type(cause).__name__})")
    text = f"{server}: {cause.strerror or cause}"
    never = isinstance(cause, socket.gaierror) or cause.errno in _NEVER_CONNECTED
    return NotDone(text) if never else Unreachable(text)


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
