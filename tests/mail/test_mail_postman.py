"""The mailer of hosts that cannot send: an outcome per message, one connection, and nothing that it raises."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from post_office import HANG_UP, PASSWORD, STALL, USER, Letterbox, free_port, smtp_server

from relance_addon.core.errors import InputError
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.fake import invoice, message
from relance_addon.mail.postman import Postman
from relance_addon.mail.smtp import Connection

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


@pytest.fixture
def box() -> Letterbox:
    return Letterbox()


@pytest.fixture
def postman(box: Letterbox) -> Iterator[Postman]:
    with smtp_server(box) as url:
        made = at(url)
        yield made
        made.close()


def at(url: str, **options: Any) -> Postman:
    return Postman(lambda: Connection(url, timeout=0.05), **options)


def mails(count: int, **more: Any) -> list[Outgoing]:
    """Messages k1, k2 … to client1@client.example and so on."""
    return [message(f"k{number}", invoice(str(number), client=str(number)), **more) for number in range(1, count + 1)]


def states(posted: list[Posted]) -> list[tuple[str, bool]]:
    return [(one.state, one.tried) for one in posted]


def test_fifty_messages_take_one_connection_over_several_batches(postman: Postman, box: Letterbox) -> None:
    for _ in range(5):
        assert {one.state for one in postman.send(mails(10))} == {"sent"}
    assert (len(box.got), box.connections) == (50, 1)


def test_to_cc_and_bcc_are_in_the_envelope_and_the_bytes_are_those_of_the_message(
    postman: Postman, box: Letterbox
) -> None:
    [one] = mails(1, cc=(Address("", "cc@acme.example"),), bcc=(Address("B", "bcc@acme.example"),))
    assert postman.send([one]) == [Posted("k1", "sent")]
    [envelope] = box.got
    assert envelope.mail_from == "compta@acme.example"
    assert envelope.rcpt_tos == ["client1@client.example", "cc@acme.example", "bcc@acme.example"]
    assert envelope.content == one.mime


def test_a_redirected_message_goes_to_nobody_else(postman: Postman, box: Letterbox) -> None:
    postman.send(mails(1, cc=(Address("", "cc@acme.example"),), redirected_to="me@acme.example"))
    assert box.got[0].rcpt_tos == ["me@acme.example"]


def test_bounces_may_go_to_an_address_of_their_own(box: Letterbox) -> None:
    with smtp_server(box) as url:
        at(url, return_path="bounces@acme.example").send(mails(1))
    assert box.got[0].mail_from == "bounces@acme.example"


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "451 try later"])
def test_a_recipient_who_is_refused_is_named_and_the_others_get_it(
    postman: Postman, box: Letterbox, answer: str
) -> None:
    box.answers["cc@acme.example"] = answer
    [posted] = postman.send(mails(1, cc=(Address("", "cc@acme.example"),)))
    refused = (("cc@acme.example", answer),)
    assert posted == Posted("k1", "sent", f"cc@acme.example: {answer}", refused=refused)
    assert len(box.got) == 1


@pytest.mark.parametrize("answer", ["550 5.1.1 no such user", "451 try later"])
def test_a_message_whose_client_is_refused_has_failed_and_its_copies_do_not_leave(
    postman: Postman, box: Letterbox, answer: str
) -> None:
    box.answers["client1@client.example"] = answer
    posted = postman.send(mails(2, cc=(Address("", "cc@acme.example"),)))
    assert states(posted) == [("failed", True), ("sent", True)]
    assert posted[0].error == f"the mail server says client1@client.example: {answer}"
    assert (len(box.got), box.connections) == (1, 1)


def test_an_address_that_cannot_be_written_fails_alone(postman: Postman) -> None:
    [bad, good] = mails(2)
    bad = message("k1", invoice("1"), to=(Address("", "é@client.example"),))
    assert states(postman.send([bad, good])) == [("failed", True), ("sent", True)]


def test_a_server_that_is_not_there_costs_no_message_an_attempt() -> None:
    posted = at(f"smtp://127.0.0.1:{free_port()}").send(mails(3))
    assert states(posted) == [("failed", False)] * 3
    assert "Connection refused" in posted[2].error


def test_a_server_that_says_nothing_is_waited_for_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        posted = at(f"smtp://127.0.0.1:{silent.getsockname()[1]}").send(mails(20))
        silent.settimeout(0)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert states(posted) == [("failed", False)] * 20


@pytest.mark.parametrize("known", [f"{USER}:wrong@", ""])
def test_a_log_in_that_is_refused_or_missing_costs_no_message_an_attempt(box: Letterbox, known: str) -> None:
    with smtp_server(box, log_in=True) as url:
        posted = at(url.replace("://", f"://{known}")).send(mails(3))
    assert states(posted) == [("failed", False)] * 3
    assert "wrong" not in posted[0].error
    assert box.connections == 1


def test_a_log_in_that_is_right_lets_messages_leave(box: Letterbox) -> None:
    with smtp_server(box, log_in=True) as url:
        assert states(at(url.replace("://", f"://{USER}:{PASSWORD}@")).send(mails(2))) == [("sent", True)] * 2


def test_a_password_that_is_not_where_it_should_be_is_an_outcome() -> None:
    def connection() -> Connection:
        raise InputError("the environment variable X is not set")

    posted = Postman(connection).send(mails(2))
    assert states(posted) == [("failed", False)] * 2
    assert posted[0].error == "the environment variable X is not set"


def test_what_nobody_thought_of_is_an_outcome_too(postman: Postman, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumbles(*_: Any) -> None:
        raise RuntimeError("what now")

    monkeypatch.setattr(Connection, "_handed_over", stumbles)
    assert states(postman.send(mails(1))) == [("in_doubt", True)]
    monkeypatch.setattr(Connection, "connect", stumbles)
    assert states(postman.send(mails(1))) == [("failed", False)]


@pytest.mark.parametrize("answer", [HANG_UP, STALL, "421 closing"])
def test_before_the_message_a_lost_connection_is_a_failure(postman: Postman, box: Letterbox, answer: str) -> None:
    box.answers["client1@client.example"] = answer
    assert states(postman.send(mails(3))) == [("failed", True), ("sent", True), ("sent", True)]
    assert box.connections == 2


@pytest.mark.parametrize("answer", [HANG_UP, STALL])
def test_after_the_message_a_lost_connection_is_a_doubt_and_two_in_a_row_are_enough(
    postman: Postman, box: Letterbox, answer: str
) -> None:
    box.answers["DATA"] = answer
    posted = postman.send(mails(5))
    assert states(posted) == [("in_doubt", True)] * 2 + [("failed", False)] * 3
    assert posted[4].error.startswith("not tried: ")
    assert box.connections == 2
    box.answers.clear()
    assert states(postman.send(mails(1))) == [("sent", True)]


def test_a_server_that_closes_between_batches_is_connected_to_again(postman: Postman, box: Letterbox) -> None:
    postman.send(mails(1))
    box.answers["client2@client.example"] = "421 closing"
    postman.send(mails(2))
    assert states(postman.send(mails(1))) == [("sent", True)]


def test_nothing_is_opened_before_the_first_message(box: Letterbox) -> None:
    with smtp_server(box) as url:
        idle = at(url)
        assert idle.send([]) == []
        idle.close()
    assert box.connections == 0
