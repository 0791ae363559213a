"""The mailbox that messages come back to, over IMAP4rev1 (RFC 3501): only read, nothing is marked or deleted."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, NamedTuple

from imap_tools import AND, BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import MailboxFolderSelectError, MailboxLoginError, UnexpectedCommandStatusError

from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Problem
from relance_addon.mail import server as servers
from relance_addon.mail.bounces import HEADERS, looks_like_one
from relance_addon.mail.server import Server

PORTS: Final = {"imaps": 993, "imap+starttls": 143, "imap": 143}
"""The schemes of IMAP addresses and their usual ports."""
MOST: Final = 5_000
"""The most mails whose headers are looked at, the newest first."""
LARGEST: Final = 512 * 1024
"""Bytes that are read of a bounce: what it says comes before the message that it returns."""
_CHUNK: Final = 200
_UID: Final = re.compile(rb"\bUID (\d+)")
_ARRIVED: Final = re.compile(rb'INTERNALDATE "([^"]+)"')


class Place(NamedTuple):
    """A folder of a mailbox. ``timeout`` is in seconds per answer, ``ca`` a PEM file of authorities to trust."""

    server: Server
    folder: str = "INBOX"
    timeout: float = 60.0
    ca: Path | None = None


class Received(NamedTuple):
    """A mail that looks like a bounce, whole up to LARGEST bytes; ``arrived`` is aware."""

    arrived: datetime
    raw: bytes


def read_url(url: str) -> Server:
    """Read ``imaps://host``, ``imap+starttls://host:143`` or ``imap://127.0.0.1``. Raises InputError."""
    return servers.read_url(url, PORTS, "IMAP")


def count(place: Place) -> int:
    """How many mails the folder holds. Raises Unreachable, Refused, or InputError for the ``ca``."""
    with _opened(place) as (_, held):
        return held


def read(place: Place, since: date) -> tuple[list[Received], list[Problem]]:
    """The mails that look like bounces and arrived that day or later; what could not be read. Raises as ``count``."""
    problems: list[Problem] = []
    with _opened(place) as (box, _):
        uids = box.uids(AND(date_gte=since), charset=None)
        if len(uids) > MOST:
            text = f"{len(uids)} mails since {since}: only the newest {MOST} are looked at; use a folder of its own"
            problems.append(Problem(f"{place.server}", place.folder, text))
            uids = sorted(uids, key=int)[-MOST:]
        found: list[Received] = []
        for uid in _candidates(box, uids):
            try:
                found += _whole(box, uid)
            except UnexpectedCommandStatusError as error:
                problems.append(Problem(f"{place.server}", f"{place.folder}, UID {uid}", _words(error)))
        return found, problems


def _candidates(box: BaseMailBox, uids: Sequence[str]) -> Iterator[str]:
    """Those mails that look like bounces by their headers."""
    parser = BytesHeaderParser()
    for start in range(0, len(uids), _CHUNK):
        some = ",".join(uids[start : start + _CHUNK])
        for uid, (_, content) in _fetched(box, some, f"(BODY.PEEK[HEADER.FIELDS ({' '.join(HEADERS)})])").items():
            if looks_like_one(parser.parsebytes(content)):
                yield uid


def _whole(box: BaseMailBox, uid: str) -> Iterator[Received]:
    for about, content in _fetched(box, uid, f"(INTERNALDATE BODY.PEEK[]<0.{LARGEST}>)").values():
        arrived = _ARRIVED.search(about)
        if arrived:
            yield Received(parsedate_to_datetime(arrived[1].decode("ascii", "replace").strip()), content)


def _fetched(box: BaseMailBox, uids: str, what: str) -> dict[str, tuple[bytes, bytes]]:
    """By UID, what the server says of each mail and the text asked for; one that is gone meanwhile is left out.

    The UID and the like may stand before or after the text: imaplib gives these as a pair and what follows it.
    """
    status, answers = box.client.uid("fetch", uids, what)
    if status != "OK":
        raise UnexpectedCommandStatusError((status, answers), "OK")
    found: dict[str, tuple[bytes, bytes]] = {}
    for index, answer in enumerate(answers):
        if isinstance(answer, tuple):
            after = answers[index + 1] if index + 1 < len(answers) else b""
            about = answer[0] + b" " + (after if isinstance(after, bytes) else b"")
            uid = _UID.search(about)
            if uid:
                found[uid[1].decode()] = (about, answer[1])
    return found


@contextmanager
def _opened(place: Place) -> Iterator[tuple[BaseMailBox, int]]:
    """The folder, to read only (EXAMINE), and how many mails it holds."""
    server, context = place.server, servers.trust(place.ca)
    box: BaseMailBox | None = None
    try:
        box = _connected(server, place.timeout, context)
        log_in = box.login if (server.user + server.password).isascii() else box.login_utf8
        log_in(server.user, server.password, initial_folder=None)
        _, held = box.folder.set(place.folder, readonly=True)
        yield box, int(held[0])
    except HostError:
        raise
    except MailboxLoginError as error:
        raise Refused(f"{server}: user or password refused: {_words(error)}") from None
    except MailboxFolderSelectError as error:
        raise Refused(f"{server}: no folder {place.folder!r}: {_words(error)}") from None
    except ssl.SSLError as error:
        raise Refused(f"{server}: {servers.distrusted(error)}") from None
    except (OSError, imaplib.IMAP4.abort) as error:
        raise Unreachable(f"{server}: {_first_line(str(error)) or type(error).__name__}") from None
    except (imaplib.IMAP4.error, ImapToolsError) as error:
        raise Refused(f"{server}: {_words(error)}") from None
    except Exception as error:  # noqa: BLE001 - what a server answers against the rules, libraries stumble over
        raise Unreachable(f"{server}: not an answer of IMAP: {type(error).__name__}") from None
    finally:
        if box is not None:
            _leave(box)


def _connected(server: Server, timeout: float, context: ssl.SSLContext) -> BaseMailBox:
    if server.scheme == "imaps":
        return MailBox(server.host, server.port, timeout, ssl_context=context)
    if server.scheme == "imap+starttls":
        try:
            return MailBoxStartTls(server.host, server.port, timeout, ssl_context=context)
        except imaplib.IMAP4.abort as error:
            if "TLS not supported" in str(error):
                raise Refused(f"{server}: no encryption: STARTTLS is not supported there") from None
            raise
    return MailBoxUnencrypted(server.host, server.port, timeout)


def _leave(box: BaseMailBox) -> None:
    try:
        box.logout()
    except Exception:  # noqa: BLE001 - whatever is wrong with a goodbye, everything is read
        with suppress(OSError):
            box.client.shutdown()


def _words(error: Exception) -> str:
    """What the server said, in one line."""
    if isinstance(error, UnexpectedCommandStatusError):
        said = error.command_result[1]
        first = said[0] if isinstance(said, list) and said else said
        return _first_line(first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first))
    return _first_line(str(error))


def _first_line(text: str) -> str:
    return " ".join(text.split())[:300]
