"""Hosts that cannot send: messages leave by our own SMTP, and what came back is read in our own mailbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from company import FAKE, PROGRAMS, Company
from post_office import HANG_UP, PASSWORD, USER, Letterbox, Mailbox, free_port, imap_server, smtp_server

from relance_addon.hosts.fake import FakeHost, client, invoice

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
PROGRAMS_WITH_COPY = PROGRAMS.replace("subject", 'cc = ["manager"]\nsubject', 1)
CLIENT = "client17@client.example"
REPORT = """\
From: MAILER-DAEMON@mail.acme.example
Date: Sat, 21 Nov 2026 09:00:03 +0100
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.acme.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {reason}
--b
Content-Type: text/rfc822-headers

To: {recipient}
Message-ID: {message_id}
--b--
"""


@pytest.fixture
def box() -> Letterbox:
    return Letterbox()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def posting(
    company: Company,
    known_connectors: Callable[[str, type], None],
    box: Letterbox,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Company]:
    """A switched-on host ``acme`` in memory that cannot send, with servers of our own and an invoice that is due."""
    host = company.host
    host.capabilities = replace(host.capabilities, send_mail=False, events=False, proves_absence=False)

    class Same(FakeHost):
        def __new__(cls, name: str, settings: Any, surroundings: Any) -> Any:
            host.surroundings = surroundings
            return host

    known_connectors("fake", Same)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    with smtp_server(box, log_in=True) as smtp, imap_server(mailbox) as imap:
        company.write("relance.toml", FAKE)
        log_in = f'user = "{USER}"\npassword = {{ env = "MAIL_PASSWORD" }}\n'
        company.configure(
            ("[mail]\n", f'[mail]\nsmtp = "{smtp}"\ntimeout = 1\n{log_in}'),
            ("[roles]", f'[mail.bounces]\nimap = "{imap}"\n{log_in}\n[roles]'),
        )
        company.programs()
        company("activate acme")
        host.put(invoice("17", client="17"), client("17"))
        yield company


def comes_back(company: Company, mailbox: Mailbox, status: str, reason: str, **more: str) -> None:
    """Let the first message of the log come back."""
    (entry,) = company("log acme").items
    fields = {"recipient": CLIENT, "action": "failed", "message_id": entry["message_id"], **more}
    mailbox.add(REPORT.format(status=status, reason=reason, **fields).encode())


def events(company: Company) -> list[tuple[str, str, str]]:
    """What the journal has of its messages, host's reports and our own outcomes."""
    from relance_addon.journal import models

    return [(one.event, one.recipient, one.detail) for one in models.Event.objects.order_by("pk")]


# Leaving


def test_a_run_hands_its_messages_over_on_one_connection(posting: Company, box: Letterbox) -> None:
    posting.host.put(*(invoice(str(id_), client="17") for id_ in range(30, 60)))
    ran = posting("run acme")
    assert set(ran.states.values()) == {"sent"}
    assert (len(box.got), box.connections) == (len(ran.states), 1)
    assert posting.host.closed


def test_a_recipient_who_is_refused_is_reported_and_has_an_event(posting: Company, box: Letterbox) -> None:
    posting.programs(PROGRAMS_WITH_COPY)
    box.answers["anne@acme.example"] = "550 5.1.1 no such user"
    ran = posting("run acme", status=1)
    assert ran.states == {"17": "sent"}
    assert ran.lines[0].startswith("relance: FA-0017: sent: anne@acme.example: 550 5.1.1 no such user")
    assert ("failed", "anne@acme.example", "550 5.1.1 no such user") in events(posting)
    (entry,) = posting("log acme").items
    assert entry["last_event"] == "failed"
    assert posting("run acme").states == {}


def test_a_client_who_is_refused_was_not_reminded(posting: Company, box: Letterbox) -> None:
    """Address refused (550): both OCA modules count it as reminded, and the next level follows."""
    posting.programs(PROGRAMS_WITH_COPY)
    box.answers[CLIENT] = "550 5.1.1 no such user"
    assert posting("run acme", status=1).states == {"17": "failed"}
    assert box.got == []
    box.answers.clear()
    assert posting("run acme").states == {"17": "sent"}


def test_a_server_that_is_down_costs_no_attempt(posting: Company, box: Letterbox) -> None:
    """SMTP down: Tryton records what did not leave as sent."""
    text = posting.path("relance.toml").read_text("utf-8")
    down = text.replace(text.split('smtp = "')[1].split('"')[0], f"smtp://127.0.0.1:{free_port()}")
    posting.write("relance.toml", down)
    for _ in range(4):
        assert posting("run acme", status=1).states == {"17": "failed"}
    posting.write("relance.toml", text)
    assert posting("run acme").states == {"17": "sent"}


def test_a_password_that_is_not_there_costs_no_attempt(posting: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAIL_PASSWORD")
    said = posting("run acme", status=1)
    assert said.states == {"17": "failed"}
    assert "mail.password: the environment variable MAIL_PASSWORD is not set" in said.err


def test_a_connection_lost_after_the_message_is_left_to_a_person(posting: Company, box: Letterbox) -> None:
    box.answers["DATA"] = HANG_UP
    assert posting("run acme", status=1).states == {"17": "in_doubt"}
    box.answers.clear()
    assert posting("run acme", status=1).reasons == {"17": "in_doubt"}
    assert box.got == []


def test_a_host_that_sends_by_itself_opens_nothing_and_reveals_nothing(
    posting: Company, box: Letterbox, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    posting.host.capabilities = replace(posting.host.capabilities, send_mail=True)
    monkeypatch.delenv("MAIL_PASSWORD")
    posting("run acme")
    posting("events acme")
    posting("check acme")
    assert (box.connections, mailbox.said) == (0, [])
    assert len(posting.host.posted) == 1


# Coming back


def test_a_bounce_is_an_event_once_and_its_address_is_left_out(posting: Company, mailbox: Mailbox) -> None:
    posting("run acme")
    comes_back(posting, mailbox, "5.1.1", "550 5.1.1 unknown")
    for _ in range(2):
        posting("events acme")
    assert events(posting) == [("sent", "", ""), ("bounced", CLIENT, "550 5.1.1 unknown")]
    (entry,) = posting("log acme").items
    assert (entry["last_event"], entry["last_event_at"]) == ("bounced", "2026-11-21T09:00:03+01:00")
    assert posting("run acme", date="2026-12-01").reasons == {"17": "no_recipient"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("4.4.1", "connection timed out"),
        ("4.2.2", "452 4.2.2 mailbox full"),
        ("5.2.2", "552 5.2.2 mailbox full"),
        ("5.3.4", "552 5.3.4 message too large"),
        ("5.7.1", "550 5.7.1 SPF check failed"),
    ],
)
def test_a_bounce_that_does_not_blame_the_address_leaves_it_in(
    posting: Company, mailbox: Mailbox, status: str, reason: str
) -> None:
    posting("run acme")
    comes_back(posting, mailbox, status, reason)
    assert posting("run acme", date="2026-12-01").states == {"17": "sent"}
    assert [one[0] for one in events(posting)] == ["sent", "bounced", "sent"]


def test_a_delay_is_no_event_and_a_delivery_is_one(posting: Company, mailbox: Mailbox) -> None:
    posting("run acme")
    comes_back(posting, mailbox, "4.4.1", "try later", action="delayed")
    posting("events acme")
    assert [one[0] for one in events(posting)] == ["sent"]
    comes_back(posting, mailbox, "2.0.0", "250 ok", action="delivered")
    posting("events acme")
    assert posting("log acme --event delivered").items != []


def test_a_bounce_settles_a_message_in_doubt(posting: Company, box: Letterbox, mailbox: Mailbox) -> None:
    box.answers["DATA"] = HANG_UP
    posting("run acme", status=1)
    comes_back(posting, mailbox, "5.1.1", "550 5.1.1 unknown")
    posting("events acme")
    assert posting("doubt acme").items == []


def test_bounces_of_addresses_and_messages_that_are_not_ours_count_for_nothing(
    posting: Company, mailbox: Mailbox
) -> None:
    posting("run acme")
    comes_back(posting, mailbox, "5.1.1", "550 unknown", recipient="other@client.example")
    comes_back(posting, mailbox, "5.1.1", "550 unknown", message_id="<another@acme.example>")
    posting("events acme")
    assert [one[0] for one in events(posting)] == ["sent"]


def test_addresses_are_known_however_they_are_written(posting: Company, mailbox: Mailbox) -> None:
    posting.host.put(client("17", email="Compta@Bücher.example"))
    posting("run acme")
    comes_back(posting, mailbox, "5.1.1", "550 5.1.1 unknown", recipient="compta@xn--bcher-kva.example")
    posting("events acme")
    assert events(posting)[-1][:2] == ("bounced", "Compta@Bücher.example")
    assert posting("run acme", date="2026-12-01").reasons == {"17": "no_recipient"}


def test_a_mailbox_out_of_reach_is_reported_and_stops_no_run(
    posting: Company, box: Letterbox, mailbox: Mailbox
) -> None:
    posting("run acme")
    mailbox.stalls = True
    posting.host.put(invoice("18", client="17"))
    said = posting("run acme", status=1)
    assert said.states == {"18": "sent"}
    assert said.lines == [one for one in said.lines if "mail.bounces: imap://127.0.0.1:" in one and "timed out" in one]


def test_a_bounce_that_says_nothing_is_reported_and_stops_no_other(posting: Company, mailbox: Mailbox) -> None:
    posting("run acme")
    comes_back(posting, mailbox, "", "", action="", recipient="")
    comes_back(posting, mailbox, "5.1.1", "550 5.1.1 unknown")
    said = posting("events acme", status=1)
    assert "INBOX: the mail of 2026-11-21 10:00: says nothing that can be used" in said.err
    assert posting("log acme --event bounced").items != []


def test_bounces_come_back_to_an_address_of_their_own(posting: Company, box: Letterbox) -> None:
    posting.configure(("[mail.bounces]\n", '[mail.bounces]\naddress = "Retours <bounces@acme.example>"\n'))
    posting("run acme")
    assert box.got[0].mail_from == "bounces@acme.example"


# Checking


def findings(company: Company, status: int) -> dict[str, tuple[str, str, str]]:
    """``level text mend`` of our own servers."""
    found = company("check acme", status=status, form="json").items
    return {
        one["subject"]: (one["level"], one["text"], one["mend"])
        for one in found
        if one["subject"] in ("smtp", "bounces")
    }


def test_check_logs_in_to_both_servers_and_sends_nothing(posting: Company, box: Letterbox, mailbox: Mailbox) -> None:
    mailbox.add(b"")
    found = findings(posting, 0)
    assert {key: level for key, (level, *_) in found.items()} == {"smtp": "ok", "bounces": "ok"}
    assert found["smtp"][1].endswith("answers, logged in as relance")
    assert found["bounces"][1].endswith("answers, 1 mails in INBOX")
    assert (box.connections, box.asked, mailbox.said[-1]) == (1, 0, "LOGOUT")


def test_check_tells_what_to_mend(posting: Company, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "wr0ng")
    found = findings(posting, 1)
    assert found["smtp"][0] == found["bounces"][0] == "error"
    assert found["smtp"][2] == "look at mail.smtp, mail.user and mail.password"
    assert "user or password refused" in found["bounces"][1]
    assert "wr0ng" not in str(found)
    monkeypatch.delenv("MAIL_PASSWORD")
    assert "mail.password: the environment variable MAIL_PASSWORD is not set" in findings(posting, 1)["smtp"][1]


def test_check_warns_of_a_password_in_clear(posting: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from relance_addon.mail.server import Server

    monkeypatch.setattr(Server, "in_clear", True)
    found = posting("check acme", form="json").items
    warned = [one["mend"] for one in found if "unencrypted" in one["text"]]
    assert warned == ["write smtps:// or smtp+starttls://", "write imaps:// or imap+starttls://"]
