"""Handing messages over, to a server on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from post_office import CA, HANG_UP, PASSWORD, STALL, USER, Letterbox, free_port, smtp_server

from relance_addon.core.errors import HostError, InputError, Refused, Unreachable
from relance_addon.mail import smtp
from relance_addon.mail.smtp import Connection, InDoubtError, LogInError, read_url

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
MESSAGE = b"Subject: x\r\n\r\nline\r\n.dot\r\n..\r\n"


@pytest.fixture
def box() -> Letterbox:
    return Letterbox()


@pytest.fixture
def url(box: Letterbox) -> Iterator[str]:
    with smtp_server(box) as address:
        yield address


def send(url: str, sender: str, to: Sequence[str], mime: bytes, **options: Any) -> dict[str, str]:
    with Connection(url, **options) as connection:
        return connection.send(sender, to, mime)


def test_a_message_arrives_as_it_left(url: str, box: Letterbox) -> None:
    assert send(url, "compta@acme.example", ["a@bücher.example", "hidden@b.example"], MESSAGE) == {}
    [envelope] = box.got
    assert envelope.content == MESSAGE
    assert envelope.mail_from == "compta@acme.example"
    assert envelope.rcpt_tos == ["a@xn--bcher-kva.example", "hidden@b.example"]


def test_one_connection_takes_many_messages_and_survives_a_refused_one(url: str, box: Letterbox) -> None:
    box.answers["bad@b.example"] = "550 no such user"
    with Connection(url) as connection:
        connection.send("a@b.example", ["c@d.example"], MESSAGE)
        with pytest.raises(Refused, match=r"the mail server says bad@b\.example: 550 no such user"):
            connection.send("a@b.example", ["bad@b.example"], MESSAGE)
        assert connection.send("a@b.example", ["c@d.example", "bad@b.example"], MESSAGE) == {
            "bad@b.example": "550 no such user"
        }
    assert len(box.got) == 2


def test_a_temporary_refusal_can_be_tried_again(url: str, box: Letterbox) -> None:
    box.answers["slow@b.example"] = "451 try later"
    with pytest.raises(Unreachable, match="451 try later") as caught:
        send(url, "a@b.example", ["slow@b.example"], MESSAGE)
    assert not isinstance(caught.value, InDoubtError)


@pytest.mark.parametrize(("answer", "kind"), [("554 spam", Refused), ("452 full", Unreachable)])
def test_a_message_refused_after_it_was_read_did_not_leave(
    url: str, box: Letterbox, answer: str, kind: type[HostError]
) -> None:
    box.answers["DATA"] = answer
    with pytest.raises(kind, match=answer) as caught:
        send(url, "a@b.example", ["c@d.example"], MESSAGE)
    assert not isinstance(caught.value, InDoubtError)


def test_a_connection_lost_after_the_message_leaves_it_in_doubt_and_the_next_goes(url: str, box: Letterbox) -> None:
    box.answers["DATA"] = HANG_UP
    with Connection(url) as connection:
        with pytest.raises(InDoubtError):
            connection.send("a@b.example", ["c@d.example"], MESSAGE)
        box.answers.clear()
        connection.send("a@b.example", ["c@d.example"], MESSAGE)
    assert len(box.got) == 1


def test_nobody_listening_is_unreachable() -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=f"smtp://127.0.0.1:{port}"):
        send(f"smtp://127.0.0.1:{port}", "a@b.example", ["c@d.example"], MESSAGE)


def test_a_server_that_says_nothing_is_given_up_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unreachable):
        send(f"smtp://127.0.0.1:{silent.getsockname()[1]}", "a@b.example", ["c@d.example"], MESSAGE, timeout=0.1)


def test_a_server_without_starttls_gets_nothing_in_clear(url: str, box: Letterbox) -> None:
    with pytest.raises(Refused, match="STARTTLS"):
        send(url.replace("smtp://", "smtp+starttls://me:secret@"), "a@b.example", ["c@d.example"], MESSAGE)
    assert not box.got


def test_user_and_password_are_checked_and_never_told(url: str, box: Letterbox) -> None:
    send(url.replace("smtp://", f"smtp://{USER}:{PASSWORD}@"), "a@b.example", ["c@d.example"], MESSAGE)
    with pytest.raises(LogInError, match="user or password refused") as caught:
        send(url.replace("smtp://", "smtp://me:secret@"), "a@b.example", ["c@d.example"], MESSAGE)
    assert "secret" not in str(caught.value)
    assert len(box.got) == 1


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
        ("smtp://h:0", "not as in smtp://host:25"),
    ],
)
def test_an_address_of_a_server_that_is_wrong_is_told_without_its_password(url: str, error: str) -> None:
    with pytest.raises(InputError, match=error) as caught:
        read_url(url)
    assert "secret" not in str(caught.value)


def test_ports_are_the_usual_ones() -> None:
    assert [read_url(f"{scheme}://h").port for scheme in ("smtp", "smtps", "smtp+starttls")] == [25, 465, 587]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_encryption_trusts_an_authority_of_ones_own_and_no_stranger(scheme: str, box: Letterbox) -> None:
    with smtp_server(box, scheme, log_in=True) as url:
        with pytest.raises(Refused, match=r"its certificate cannot be trusted: .*; an authority of your own goes into"):
            send(url, "a@b.example", ["c@d.example"], MESSAGE)
        known = url.replace("://", f"://{USER}:{PASSWORD}@")
        send(known, "a@b.example", ["c@d.example"], MESSAGE, ca=CA)
    assert len(box.got) == 1


def test_an_authority_that_is_none_is_an_error_of_the_configuration(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mail\.ca: cannot read the file .*ca\.pem: No such file"):
        send(url, "a@b.example", ["c@d.example"], MESSAGE, ca=tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(InputError, match="is no file of certificates in PEM"):
        send(url, "a@b.example", ["c@d.example"], MESSAGE, ca=tmp_path / "ca.pem")


def test_encryption_that_is_not_spoken_there_is_told(url: str) -> None:
    with pytest.raises(Refused, match="does not speak TLS on that port"):
        send(url.replace("smtp://", "smtps://"), "a@b.example", ["c@d.example"], MESSAGE)


def test_a_log_in_that_is_wanted_and_not_given_is_told(box: Letterbox) -> None:
    with smtp_server(box, log_in=True) as url, pytest.raises(LogInError, match="wants a user and password: 530"):
        send(url, "a@b.example", ["c@d.example"], MESSAGE)


def test_a_password_that_smtp_cannot_carry_is_told(url: str) -> None:
    with pytest.raises(LogInError, match="user and password must be ASCII"):
        send(url.replace("://", "://me:caf%C3%A9@"), "a@b.example", ["c@d.example"], MESSAGE)


def test_a_message_too_large_is_refused_before_it_is_sent(box: Letterbox) -> None:
    with smtp_server(box, data_size_limit=10) as url, pytest.raises(Refused, match="552") as caught:
        send(url, "a@b.example", ["c@d.example"], MESSAGE)
    assert not isinstance(caught.value, InDoubtError)
    assert box.asked == 0


def test_copies_leave_only_with_the_message_itself(url: str, box: Letterbox) -> None:
    box.answers["bad@b.example"] = "550 no such user"
    with Connection(url) as connection:
        with pytest.raises(Refused, match=r"bad@b\.example: 550 no such user"):
            connection.send("a@b.example", ["bad@b.example"], MESSAGE, ["copy@b.example"])
        refused = connection.send("a@b.example", ["c@d.example"], MESSAGE, ["bad@b.example", "C@d.example"])
    assert refused == {"bad@b.example": "550 no such user"}
    assert [envelope.rcpt_tos for envelope in box.got] == [["c@d.example", "C@d.example"]]


@pytest.mark.parametrize("place", ["MAIL", "RCPT"])
@pytest.mark.parametrize("answer", [HANG_UP, STALL, "421 closing"])
def test_a_connection_lost_before_the_message_is_no_doubt(url: str, box: Letterbox, place: str, answer: str) -> None:
    box.answers[place] = answer
    with pytest.raises(Unreachable) as caught:
        send(url, "a@b.example", ["c@d.example"], MESSAGE, timeout=0.1)
    assert not isinstance(caught.value, InDoubtError)


@pytest.mark.parametrize("answer", [HANG_UP, STALL, "xyz what", "150 go on"])
def test_no_answer_to_the_message_leaves_it_in_doubt(url: str, box: Letterbox, answer: str) -> None:
    box.answers["DATA"] = answer
    with pytest.raises(InDoubtError):
        send(url, "a@b.example", ["c@d.example"], MESSAGE, timeout=0.02)


def test_a_server_closing_after_the_message_took_it_or_not_as_it_says(url: str, box: Letterbox) -> None:
    box.answers["DATA"] = "421 too many messages"
    with Connection(url) as connection:
        with pytest.raises(Unreachable, match="421 too many") as caught:
            connection.send("a@b.example", ["c@d.example"], MESSAGE)
        assert not isinstance(caught.value, InDoubtError)
        assert not connection.is_open


def test_a_connection_is_renewed_before_servers_hang_up(
    url: str, box: Letterbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "PER_CONNECTION", 2)
    with Connection(url) as connection:
        for _ in range(5):
            connection.connect()
            connection.send("a@b.example", ["c@d.example"], MESSAGE)
    assert (len(box.got), box.connections) == (5, 3)


def test_a_server_never_shows_its_password() -> None:
    server = read_url("smtp://me:secret@[::1]")
    assert (str(server), repr(server)) == ("smtp://[::1]:25", "<smtp://[::1]:25>")
