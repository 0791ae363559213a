"""Handing messages over, to a server on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from relance_addon.core.errors import HostError, InputError, Refused, Unreachable
from relance_addon.mail.smtp import Connection, InDoubtError, read_url, send

MESSAGE = b"Subject: x\r\n\r\nline\r\n.dot\r\n..\r\n"


class Handler:
    """Keeps what it gets; answers as it is told."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.answer = "250 OK"
        self.refused: dict[str, str] = {}

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer == "hang up":
            assert server.transport is not None
            server.transport.abort()
            return ""
        self.got.append(envelope)
        return self.answer


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def url(handler: Handler) -> Iterator[str]:
    def known(server: object, session: object, envelope: object, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"me", b"p@ss"), handled=False)

    controller = Controller(handler, "127.0.0.1", 0, authenticator=known, auth_require_tls=False)
    # The controller looks up its own port to see whether it started; one that was given must be known before.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def test_a_message_arrives_as_it_left(url: str, handler: Handler) -> None:
    assert send(url, "compta@acme.example", ["a@bücher.example", "hidden@b.example"], MESSAGE) == {}
    [envelope] = handler.got
    assert envelope.content == MESSAGE
    assert envelope.mail_from == "compta@acme.example"
    assert envelope.rcpt_tos == ["a@xn--bcher-kva.example", "hidden@b.example"]


def test_one_connection_takes_many_messages_and_survives_a_refused_one(url: str, handler: Handler) -> None:
    handler.refused["bad@b.example"] = "550 no such user"
    with Connection(url) as connection:
        connection.send("a@b.example", ["c@d.example"], MESSAGE)
        with pytest.raises(Refused, match="the mail server says 550 no such user"):
            connection.send("a@b.example", ["bad@b.example"], MESSAGE)
        assert connection.send("a@b.example", ["c@d.example", "bad@b.example"], MESSAGE) == {
            "bad@b.example": "550 no such user"
        }
    assert len(handler.got) == 2


def test_a_temporary_refusal_can_be_tried_again(url: str, handler: Handler) -> None:
    handler.refused["slow@b.example"] = "451 try later"
    with pytest.raises(Unreachable, match="451 try later") as caught:
        send(url, "a@b.example", ["slow@b.example"], MESSAGE)
    assert not isinstance(caught.value, InDoubtError)


@pytest.mark.parametrize(("answer", "kind"), [("554 spam", Refused), ("452 full", Unreachable)])
def test_a_message_refused_after_it_was_read_did_not_leave(
    url: str, handler: Handler, answer: str, kind: type[HostError]
) -> None:
    handler.answer = answer
    with pytest.raises(kind, match=answer) as caught:
        send(url, "a@b.example", ["c@d.example"], MESSAGE)
    assert not isinstance(caught.value, InDoubtError)


def test_a_connection_lost_after_the_message_leaves_it_in_doubt_and_the_next_goes(url: str, handler: Handler) -> None:
    handler.answer = "hang up"
    with Connection(url) as connection:
        with pytest.raises(InDoubtError):
            connection.send("a@b.example", ["c@d.example"], MESSAGE)
        handler.answer = "250 OK"
        connection.send("a@b.example", ["c@d.example"], MESSAGE)
    assert len(handler.got) == 1


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match=f"smtp://127.0.0.1:{port}"):
        send(f"smtp://127.0.0.1:{port}", "a@b.example", ["c@d.example"], MESSAGE)


def test_a_server_that_says_nothing_is_given_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unreachable):
        send(f"smtp://127.0.0.1:{silent.getsockname()[1]}", "a@b.example", ["c@d.example"], MESSAGE, timeout=0.1)


def test_a_server_without_starttls_gets_nothing_in_clear(url: str, handler: Handler) -> None:
    with pytest.raises(Refused, match="STARTTLS"):
        send(url.replace("smtp://", "smtp+starttls://me:secret@"), "a@b.example", ["c@d.example"], MESSAGE)
    assert not handler.got


def test_user_and_password_are_checked_and_never_told(url: str, handler: Handler) -> None:
    send(url.replace("smtp://", "smtp://me:p%40ss@"), "a@b.example", ["c@d.example"], MESSAGE)
    with pytest.raises(Refused, match="user or password refused") as caught:
        send(url.replace("smtp://", "smtp://me:secret@"), "a@b.example", ["c@d.example"], MESSAGE)
    assert "secret" not in str(caught.value)
    assert len(handler.got) == 1


def test_an_address_that_cannot_be_written_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="only ASCII"):
        send(url, "a@b.example", ["é@d.example"], MESSAGE)
    with pytest.raises(Refused, match="without recipients"):
        send(url, "a@b.example", [], MESSAGE)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("smpt://h", r"unknown scheme 'smpt' of an SMTP address; did you mean 'smtp'\?"),
        ("smtp://", "not as in smtp://host:25"),
        ("smtp://:secret@h:x", "not as in smtp://host:25"),
        ("smtp://h/path", "not as in smtp://host:25"),
    ],
)
def test_an_address_of_a_server_that_is_wrong_is_told_without_its_password(url: str, error: str) -> None:
    with pytest.raises(InputError, match=error) as caught:
        read_url(url)
    assert "secret" not in str(caught.value)


def test_ports_are_the_usual_ones() -> None:
    assert [read_url(f"{scheme}://h").port for scheme in ("smtp", "smtps", "smtp+starttls")] == [25, 465, 587]
