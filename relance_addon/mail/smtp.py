"""Messages over SMTP: one connection, many messages."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

from relance_addon.core.errors import InputError, Refused, Unreachable
from relance_addon.core.model import ascii_address
from relance_addon.core.toml import nearest

PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
"""The schemes of SMTP addresses and their usual ports."""


class InDoubtError(Unreachable):
    """The connection broke after the message was handed over: it may have left or not."""


class Server(NamedTuple):
    """Where mail is handed over. ``scheme`` is a key of PORTS."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def read_url(url: str) -> Server:
    """Read ``smtp://host:port``, ``smtps://…`` or ``smtp+starttls://user:password@host``.

    Raises InputError, which never repeats the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InputError("the SMTP address is not as in smtp://host:25") from None
    if parts.scheme not in PORTS:
        raise InputError(
            f"unknown scheme {parts.scheme!r} of an SMTP address{nearest(parts.scheme, PORTS)}; known are "
            + ", ".join(f"{scheme}://" for scheme in PORTS)
        )
    if not parts.hostname or parts.path.strip("/") or parts.query:
        raise InputError("the SMTP address is not as in smtp://host:25")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.scheme, parts.hostname, port or PORTS[parts.scheme], user, password)


class Connection:
    """A connection that opens when it is needed, and again when the server has closed it meanwhile.

    ``timeout`` is in seconds, for every answer of the server. Use it in a ``with`` statement, or close it.
    """

    def __init__(self, server: Server | str, timeout: float = 30.0) -> None:
        self.server = read_url(server) if isinstance(server, str) else server
        self.timeout = timeout
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def send(self, sender: str, recipients: Sequence[str], mime: bytes) -> dict[str, str]:
        """Hand one message over; returns the recipients that the server refused, with its answer.

        ``sender`` and ``recipients`` are bare addresses (blind copies among them). Raises Unreachable or Refused when
        for certain nothing left, InDoubtError when it may have.
        """
        try:
            origin, targets = ascii_address(sender), {ascii_address(one): one for one in recipients}
        except ValueError as error:
            raise Refused(str(error)) from None
        if not targets:
            raise Refused("a message without recipients")
        smtp = self._ready()
        try:
            refused = self._envelope(smtp, origin, targets)
            smtp.putcmd("data")
            _accepted(smtp.getreply(), (354,))
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unreachable(f"{self.server}: {_words(error)}") from None
        except (Refused, Unreachable):
            self._reset()
            raise
        try:
            smtp.send(_data(mime))
            answer = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise InDoubtError(f"{self.server}: lost while handing the message over: {_words(error)}") from None
        if answer[0] == 421:
            self._drop()
        _accepted(answer, (250,))
        return refused

    def close(self) -> None:
        """Say goodbye, as far as the server still listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (OSError, smtplib.SMTPException):
                smtp.close()

    def _envelope(self, smtp: smtplib.SMTP, origin: str, targets: dict[str, str]) -> dict[str, str]:
        _accepted(smtp.mail(origin), (250,))
        refused: dict[str, tuple[int, bytes]] = {}
        for target, given in targets.items():
            answer = smtp.rcpt(target)
            if answer[0] == 421:
                raise smtplib.SMTPServerDisconnected(_answer(answer))
            if answer[0] not in (250, 251):
                refused[given] = answer
        if len(refused) == len(targets):
            _accepted(min(refused.values()), ())
        return {given: _answer(answer) for given, answer in refused.items()}

    def _ready(self) -> smtplib.SMTP:
        """A connection that the server still answers on."""
        if self._smtp is not None:
            try:
                if self._smtp.noop()[0] == 250:
                    return self._smtp
            except (OSError, smtplib.SMTPException):
                pass
            self._drop()
        server = self.server
        try:
            self._smtp = self._open()
        except smtplib.SMTPAuthenticationError as error:
            raise Refused(f"{server}: user or password refused: {_words(error)}") from None
        except (smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
            raise Refused(f"{server}: {_words(error)}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(f"{server}: {_words(error)}") from None
        return self._smtp

    def _open(self) -> smtplib.SMTP:
        server, context = self.server, ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.scheme == "smtps":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=self.timeout, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self.timeout)
        try:
            if server.scheme == "smtp+starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _reset(self) -> None:
        try:
            if self._smtp is not None:
                self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def send(url: str, sender: str, recipients: Sequence[str], mime: bytes, timeout: float = 30.0) -> dict[str, str]:
    """Hand one message over on a connection of its own; see ``Connection.send``."""
    with Connection(url, timeout) as connection:
        return connection.send(sender, recipients, mime)


def _accepted(answer: tuple[int, bytes], codes: tuple[int, ...]) -> None:
    """Raise Unreachable for a temporary no (4xx), Refused for a final one."""
    if answer[0] in codes:
        return
    raise (Unreachable if 400 <= answer[0] < 500 else Refused)(f"the mail server says {_answer(answer)}")


def _answer(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {' '.join(answer[1].decode('utf-8', 'replace').split())}"[:300]


def _words(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error if isinstance(error.smtp_error, bytes) else str(error.smtp_error).encode()
        return _answer((error.smtp_code, text))
    return str(error).split("\n")[0] or type(error).__name__


def _data(mime: bytes) -> bytes:
    """The message as DATA carries it: dots at the start of a line doubled, ended by a dot."""
    body = mime if mime.endswith(b"\r\n") else mime + b"\r\n"
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..") + b".\r\n"
