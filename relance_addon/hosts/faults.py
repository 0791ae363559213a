"""What went wrong on the way to a host and back, for the person who can mend it."""

from __future__ import annotations

import errno
import socket
import ssl
from http.client import HTTPException
from typing import Final

import requests

from relance_addon.core.errors import HostError, Refused, Unreachable


class NotDone(Unreachable):
    """The call was certainly not carried out: it never reached the host, or the host took it back. Try it again."""


class BadStatus(Exception):  # noqa: N818 - it says what came
    """An HTTP status other than 200: what came with it, and where a redirect leads."""

    def __init__(self, status: int, location: str, body: bytes) -> None:
        self.status, self.location, self.body = status, location, body
        super().__init__(f"HTTP {status}")


class TooLong(Exception):  # noqa: N818 - it says what the answer is
    """The answer is longer than anything that was asked for."""


CAUGHT: Final = (BadStatus, TooLong, OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError)
"""Whatever HTTP lets through, and the errors of reading an answer that is not the host's."""
_NEVER_CONNECTED: Final = frozenset({errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH})
_LONGEST: Final = 300


def told(error: Exception, name: str, server: str, doing: str) -> HostError:
    """The error as a HostError that names ``server``, its software's ``name`` and what it was ``doing`` there."""
    where = f"{server}: {doing}"
    if isinstance(error, BadStatus):
        return _turned_away(error, name, where)
    if isinstance(error, TooLong):
        return Unreachable(f"{where}: the answer is too long")
    cause = _root(error)
    if isinstance(error, requests.ConnectTimeout):
        return NotDone(f"{server}: no connection in time")
    if isinstance(cause, OSError | HTTPException):
        return _network(cause, server, doing)
    return Unreachable(f"{where}: the answer is not {name}'s: is this the address of {name}?")


def _turned_away(error: BadStatus, name: str, where: str) -> HostError:
    """Below 500, what stands in front of the host turned the call away before it could be carried out."""
    text = f"{where}: HTTP {error.status}"
    if error.location:
        return Refused(f"{text}: it sends us to {line(error.location)}: is that the address to write as url?")
    if error.status == requests.codes.too_many_requests:
        return NotDone(f"{text}: too many calls at once")
    if error.status == requests.codes.request_entity_too_large:
        return Refused(f"{text}: more than the server in front of {name} takes at once")
    return Refused(f"{text}: is this the address of {name}?") if error.status < 500 else Unreachable(text)


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


def line(text: str) -> str:
    """A text in one line, cut where it is long."""
    return " ".join(text.split())[:_LONGEST]
