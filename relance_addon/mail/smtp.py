"""Messages over SMTP (RFC 5321): one connection, many messages."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from relance_addon.core.errors import Refused, Unreachable
from relance_addon.core.model import ascii_address
from relance_addon.mail import server as servers
from relance_addon.mail.server import Server

PORTS: Final = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
"""The schemes of SMTP addresses and their usual ports."""
TIMEOUT: Final = 60.0
"""Seconds that an answer may take."""
PATIENCE: Final = 10
"""How many times longer the answer to a whole message may take: ten minutes, as RFC 5321, 4.5.3.2.6 asks for."""
PER_CONNECTION: Final = 100
"""Messages after which a new connection is opened, before servers that limit them hang up."""
_SUCCESS: Final = range(200, 300)
_WANTS_LOG_IN: Final = (530, 538)
"""RFC 4954, 6: the log-in is required, or only encrypted."""


class InDoubtError(Unreachable):
    """The connection broke after the message was handed over: it may have left or not."""


class LogInError(Refused):
    """The server refused the user or password, or wants some: no message was looked at."""


def read_url(url: str) -> Server:
    """Read ``smtp://host:port``, ``smtps://…`` or ``smtp+starttls://user:password@host``. Raises InputError."""
    return servers.read_url(url, PORTS, "SMTP")


class _Envelope(NamedTuple):
    """``targets`` are the recipients in ASCII, as they were given; one of the ``wanted`` ones has to be accepted."""

    sender: str
    targets: dict[str, str]
    wanted: set[str]
    size: int


class Connection:
    """A connection that opens when it is needed. Use it in a ``with`` statement, or close it.

    ``timeout`` is in seconds, for every answer of the server; PATIENCE times as long for that to a whole message.
    ``ca``: a PEM file of authorities to trust besides the system's.
    """

    def __init__(self, server: Server | str, timeout: float = TIMEOUT, ca: Path | None = None) -> None:
        self.server = read_url(server) if isinstance(server, str) else server
        self.timeout = timeout
        self._ca = ca
        self._smtp: smtplib.SMTP | None = None
        self._taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as the last answer told."""
        return self._smtp is not None

    def connect(self) -> None:
        """Make sure of a connection that the server still answers on, logged in.

        Raises Unreachable, Refused, LogInError among them, or InputError for a ``ca`` that cannot be used.
        """
        if self._taken >= PER_CONNECTION:
            self.close()
        if self._smtp is not None:
            try:
                if self._smtp.noop()[0] == 250:
                    return
            except (OSError, smtplib.SMTPException):
                pass
            self._drop()
        server = self.server
        try:
            self._smtp, self._taken = self._open(), 0
        except smtplib.SMTPAuthenticationError as error:
            raise LogInError(f"{server}: user or password refused: {_words(error)}") from None
        except ssl.SSLError as error:
            raise Refused(f"{server}: {servers.distrusted(error)}") from None
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"{server}: {_words(error)}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(f"{server}: {_words(error)}") from None

    def send(self, sender: str, to: Sequence[str], mime: bytes, copies: Sequence[str] = ()) -> dict[str, str]:
        """Hand one message over, connecting first where that was not done; the recipients refused, with the answers.

        Addresses are bare ones. ``copies`` (blind ones among them) leave only where one of ``to`` is accepted. Raises
        Unreachable or Refused when for certain nothing left, InDoubtError when it may have.
        """
        envelope = _envelope(sender, to, copies, len(mime))
        if self._smtp is None:
            self.connect()
        assert self._smtp is not None
        self._taken += 1
        refused = self._announced(self._smtp, envelope)
        answer = self._handed_over(self._smtp, mime)
        if answer[0] == 421:
            self._drop()
        _accepted(answer, _SUCCESS)
        return refused

    def close(self) -> None:
        """Say goodbye, as far as the server still listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (OSError, smtplib.SMTPException):
                smtp.close()

    def _announced(self, smtp: smtplib.SMTP, envelope: _Envelope) -> dict[str, str]:
        """Everything before the message itself, the server's consent to DATA included; whom it refused."""
        try:
            answers = self._answers(smtp, envelope)
            refused = {given: _answer(answer) for given, answer in answers.items() if answer[0] not in _SUCCESS}
            if envelope.wanted <= refused.keys():
                again = any(400 <= answers[one][0] < 500 for one in envelope.wanted)
                raise (Unreachable if again else Refused)(f"the mail server says {told_of(refused)}")
            smtp.putcmd("data")
            _accepted(_alive(smtp.getreply()), (354,))
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unreachable(f"{self.server}: {_words(error)}") from None
        except (Refused, Unreachable):
            self._reset()
            raise
        return refused

    def _answers(self, smtp: smtplib.SMTP, envelope: _Envelope) -> dict[str, tuple[int, bytes]]:
        """Name the sender and the recipients; the answer to each of these."""
        # RFC 1870: a server that limits sizes says no now instead of after the whole message.
        options = [f"SIZE={envelope.size}"] if smtp.has_extn("size") else []
        answer = _alive(smtp.mail(envelope.sender, options))
        if answer[0] in _WANTS_LOG_IN:
            raise LogInError(f"{self.server}: it wants a user and password: {_answer(answer)}")
        _accepted(answer, _SUCCESS)
        return {given: _alive(smtp.rcpt(target)) for target, given in envelope.targets.items()}

    def _handed_over(self, smtp: smtplib.SMTP, mime: bytes) -> tuple[int, bytes]:
        """The answer to the message itself. Raises InDoubtError where there is none."""
        try:
            _wait(smtp, self.timeout * PATIENCE)
            smtp.send(_data(mime))
            answer = smtp.getreply()
            _wait(smtp, self.timeout)
            if answer[0] not in range(200, 600):
                raise smtplib.SMTPException(f"an answer that is none: {_answer(answer)}")
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise InDoubtError(f"{self.server}: lost while handing the message over: {_words(error)}") from None
        return answer

    def _open(self) -> smtplib.SMTP:
        server, context = self.server, servers.trust(self._ca)
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
                self._log_in(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.login(self.server.user, self.server.password)
        except UnicodeError:
            raise LogInError(
                f"{self.server}: user and password must be ASCII: nothing else is sure to arrive"
            ) from None

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


def _envelope(sender: str, to: Sequence[str], copies: Sequence[str], size: int) -> _Envelope:
    """Raises Refused for an address that cannot be written to, and for a message to nobody."""
    targets: dict[str, str] = {}
    try:
        origin = ascii_address(sender)
        for one in (*to, *copies):
            targets.setdefault(ascii_address(one), one)
    except ValueError as error:
        raise Refused(str(error)) from None
    if not to:
        raise Refused("a message without recipients")
    return _Envelope(origin, targets, {targets[ascii_address(one)] for one in to}, size)


def told_of(refused: dict[str, str]) -> str:
    """Who was refused and the server's answers, in one line."""
    return "; ".join(f"{recipient}: {answer}" for recipient, answer in refused.items())


def _alive(answer: tuple[int, bytes]) -> tuple[int, bytes]:
    """The answer, unless it is a goodbye (RFC 5321, 3.8)."""
    if answer[0] == 421:
        raise smtplib.SMTPServerDisconnected(_answer(answer))
    return answer


def _accepted(answer: tuple[int, bytes], codes: Collection[int]) -> None:
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


def _wait(smtp: smtplib.SMTP, seconds: float) -> None:
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)


def _data(mime: bytes) -> bytes:
    """The message as DATA carries it: dots at the start of a line doubled, ended by a dot."""
    body = mime if mime.endswith(b"\r\n") else mime + b"\r\n"
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..") + b".\r\n"
