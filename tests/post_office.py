"""Mail servers on loopback, in this process: an SMTP server that answers as it is told, and a mailbox over IMAP."""

from __future__ import annotations

import asyncio
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

TLS = Path(__file__).parent / "connectors" / "odoo" / "tls"
CA = TLS / "ca.pem"
"""The authority of the servers here, which nobody knows: ``server.pem`` is for 127.0.0.1."""
USER, PASSWORD = "relance", "hunter2"
HANG_UP, STALL = "hang up", "stall"
"""Answers that are none: the connection ends, or nothing more is said."""


class Letterbox:
    """Keeps what it gets. ``answers`` are those to MAIL, RCPT (by address, or to all) and DATA where not ``250 OK``.

    To ``CONNECT`` it can only hang up.
    """

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.answers: dict[str, str] = {}
        self.connections = 0
        self.asked = 0

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        self.asked += 1
        envelope.mail_from = address
        return await self._answer(server, "MAIL")

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        answer = await self._answer(server, address if address in self.answers else "RCPT")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await self._answer(server, "DATA")
        if answer.startswith("2"):
            self.got.append(envelope)
        return answer

    async def _answer(self, server: SMTP, key: str) -> str:
        answer = self.answers.get(key, "250 OK")
        if answer == HANG_UP:
            assert server.transport is not None
            server.transport.abort()
        elif answer == STALL:
            await asyncio.Event().wait()
        return answer


class _Closed(asyncio.Protocol):
    """Hangs up at once."""

    def connection_made(self, transport: Any) -> None:
        transport.abort()


@contextmanager
def smtp_server(box: Any, scheme: str = "smtp", log_in: bool = False, **options: Any) -> Iterator[str]:
    """The address of a server that hands mail to ``box``; with ``log_in`` only USER may send."""

    def known(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    class Counting(Controller):
        def factory(self) -> asyncio.BaseProtocol:
            box.connections = getattr(box, "connections", 0) + 1
            return super().factory() if "CONNECT" not in getattr(box, "answers", ()) else _Closed()

    options |= {"authenticator": known, "auth_require_tls": False, "auth_required": log_in}
    if scheme == "smtps":
        options["ssl_context"] = _certified()
    elif scheme == "smtp+starttls":
        options |= {"tls_context": _certified(), "require_starttls": True}
    # The controller looks up its own port to see whether it started; one that was given must be known before.
    controller = Counting(box, "127.0.0.1", free_port(), **options)
    controller.start()
    box.connections = 0
    yield f"{scheme}://127.0.0.1:{controller.port}"
    controller.stop()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem")
    return context


class Kept(NamedTuple):
    """A mail of a mailbox, and when it arrived, as IMAP writes it."""

    raw: bytes
    arrived: str = "21-Nov-2026 10:00:00 +0100"


class Mailbox:
    """A mailbox with the one folder INBOX. ``said`` is every command, without its tag; ``broken`` are bad UIDs."""

    def __init__(self, *mails: bytes) -> None:
        self.mails = [Kept(mail) for mail in mails]
        self.said: list[str] = []
        self.broken: set[int] = set()
        self.stalls = False

    def add(self, raw: bytes, arrived: str = "21-Nov-2026 10:00:00 +0100") -> None:
        self.mails.append(Kept(raw, arrived))


@contextmanager
def imap_server(box: Mailbox, scheme: str = "imap") -> Iterator[str]:
    """The address of a stand-in of an IMAP4rev1 server (RFC 3501) for that mailbox, USER's."""

    class Handler(socketserver.StreamRequestHandler):
        timeout = 5

        def handle(self) -> None:
            if scheme == "imaps":
                self._encrypt()
            if box.stalls:
                self.rfile.read()
                return
            self._say("* OK ready")
            while line := self.rfile.readline():
                tag, command = line.decode().rstrip("\r\n").split(" ", 1)
                box.said.append(command)
                try:
                    self._say(f"{tag} {self._answer(command)}")
                except (ssl.SSLError, OSError):
                    return
                if command == "STARTTLS":
                    self._encrypt()
                elif command == "LOGOUT":
                    return

        def _answer(self, command: str) -> str:
            name = command.split(" ", 1)[0].upper()
            if name == "CAPABILITY":
                self._say("* CAPABILITY IMAP4rev1" + (" STARTTLS" if scheme == "imap+starttls" else ""))
            elif name == "LOGIN":
                return (
                    "OK in" if command == f'LOGIN "{USER}" "{PASSWORD}"' else "NO [AUTHENTICATIONFAILED] no such user"
                )
            elif name == "EXAMINE":
                if command != 'EXAMINE "INBOX"':
                    return "NO no such folder"
                self._say(f"* {len(box.mails)} EXISTS")
                return "OK [READ-ONLY] done"
            elif command.startswith("UID SEARCH (SINCE "):
                self._say("* SEARCH " + " ".join(str(number + 1) for number in range(len(box.mails))))
            elif command.startswith("UID FETCH "):
                return self._fetch(command)
            elif name == "LOGOUT":
                self._say("* BYE")
            elif command != "STARTTLS":
                return "BAD unknown"
            return "OK done"

        def _fetch(self, command: str) -> str:
            uids = [int(uid) for uid in command.split()[2].split(",")]
            fields = re.search(r"BODY\.PEEK\[HEADER\.FIELDS \((.*)\)\]", command)
            part = re.search(r"\(INTERNALDATE BODY\.PEEK\[\]<0\.(\d+)>\)", command)
            if not (fields or part):
                return "BAD not understood"
            if not fields and box.broken.intersection(uids):
                return "NO that mail is damaged"
            for uid in uids:
                mail = box.mails[uid - 1]
                if fields:
                    content = self._fields(mail.raw, fields[1].upper().split())
                    about = f"BODY[HEADER.FIELDS ({fields[1]})] {{{len(content)}}}"
                else:
                    assert part is not None
                    content = mail.raw[: int(part[1])]
                    about = f'INTERNALDATE "{mail.arrived}" BODY[]<0> {{{len(content)}}}'
                self._say(f"* {uid} FETCH (UID {uid} {about}")
                self.wfile.write(content + b")\r\n")
                self._say(f"* {uid} FETCH (FLAGS (\\Recent))")
            return "OK done"

        @staticmethod
        def _fields(raw: bytes, names: list[str]) -> bytes:
            head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
            fields = re.findall(rb"^([^\s:]+):(.*(?:\r?\n[ \t].*)*)", head, re.M)
            kept = [name + b":" + value for name, value in fields if name.decode("latin-1").upper() in names]
            return b"\r\n".join(kept) + b"\r\n\r\n"

        def _say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

        def _encrypt(self) -> None:
            self.request = _certified().wrap_socket(self.request, server_side=True)
            self.setup()

    class Quiet(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """What a client breaks off is its own business."""

    server = Quiet(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
