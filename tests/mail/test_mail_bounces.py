"""What received mails say: samples of what servers write, in bounces/, and whatever else may lie in a mailbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relance_addon.core.records import Happened
from relance_addon.mail.bounces import LONGEST, Reading, looks_like_one, read

SAMPLES = Path(__file__).parent / "bounces"
MINE = "<relance.0123456789abcdef01234567@acme.example>"
"""The message that the samples are about."""
OURS = {MINE, "<relance.ffffffffffffffffffffffff@acme.example>"}
"""With it, an earlier one that it names among its references."""
ARRIVED = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT = datetime(2026, 11, 21, 9, 0, 3, tzinfo=timezone(timedelta(hours=1)))
CLIENT = "ap@dupont.example"

UNKNOWN = "550 5.1.1 <ap@dupont.example>: Recipient address rejected: User unknown in virtual mailbox table"
MISSING = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ap@dupont.example not found by SMTP address lookup"
TOLD = {
    "postfix": f"bounced {CLIENT} {UNKNOWN}",
    "postfix_forwarded": f"bounced {CLIENT} 552 5.2.2 Mailbox full",
    "postfix_given_up": f"bounced {CLIENT} 4.4.1 connect to mx.dupont.example[192.0.2.10]:25: Connection timed out",
    "postfix_delivered": f"delivered {CLIENT} 250 2.0.0 Ok: queued as 1234",
    "postfix_two_recipients": (
        f"bounced {CLIENT} 5.1.1 550 no such user",
        "bounced archive@acme.example 550 5.2.1 disabled",
    ),
    "postfix_delayed": (),
    "exim": f"bounced {CLIENT} 550 Unrouteable address",
    "exim_old": f"bounced {CLIENT} host mx.dupont.example [192.0.2.10]: 550 5.1.1 No such user here",
    "exchange": f"bounced {CLIENT} {MISSING}",
    "office365": f"bounced {CLIENT} 550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by "
    "organization policy",
    "gmail": f"bounced {CLIENT} 550-5.1.1 The email account that you tried to reach does not exist. Please try "
    "550-5.1.1 double-checking the recipient's email address for typos or 550 5.1.1 unnecessary spaces. "
    "a1-20020a05600c0001 - ",
    "gmail_delay": (),
    "qmail": f"bounced {CLIENT} Remote host said: 550 5.1.1 unknown user",
    "sendmail": f"bounced {CLIENT} 5.1.2 550 Host unknown",
    "utf8": f"bounced {CLIENT} 550 5.1.1 bo\ufffd\ufffdte inconnue",
    "complaint": f"complained {CLIENT} abuse, says fbl@isp.example",
    "out_of_office": (),
    "read_receipt": (),
    "reply": (),
    "reply_bounced": (),
}


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes()


def said(reading: Reading) -> tuple[str, ...]:
    """``event recipient detail`` of each event."""
    return tuple(f"{one.event} {one.recipient} {one.detail}" for one in reading.events)


@pytest.mark.parametrize("name", TOLD)
def test_a_sample_says(name: str) -> None:
    expected = TOLD[name]
    reading = read(sample(name), OURS, ARRIVED)
    assert said(reading) == ((expected,) if isinstance(expected, str) else expected)
    assert not reading.problem
    assert {one.message_id for one in reading.events} <= {MINE}


def test_every_sample_has_its_expectation() -> None:
    assert {path.stem for path in SAMPLES.glob("*.eml")} == {*TOLD, "broken", "no_headers_returned"}


@pytest.mark.parametrize("name", TOLD)
def test_a_mail_about_messages_of_somebody_else_says_nothing(name: str) -> None:
    assert read(sample(name), OURS - {MINE}, ARRIVED) == Reading()


def test_an_event_has_the_date_of_its_mail() -> None:
    assert [one.at for one in read(sample("postfix"), OURS, ARRIVED).events] == [AT]


@pytest.mark.parametrize("date", ["nonsense", "Sat, 21 Nov 2048 09:00:03 +0100", "Thu, 01 Jan 1970 00:00:00 +0000", ""])
def test_an_absurd_date_gives_way_to_that_of_the_arrival(date: str) -> None:
    raw = sample("postfix").replace(b"Date: Sat, 21 Nov 2026 09:00:03 +0100", f"Date: {date}".encode())
    assert [one.at for one in read(raw, OURS, ARRIVED).events] == [ARRIVED]


def test_a_date_without_a_time_zone_is_taken_for_utc() -> None:
    [event] = read(sample("qmail"), OURS, ARRIVED).events
    assert event.at == datetime(2026, 11, 21, 8, 0, 3, tzinfo=UTC)


def test_where_no_message_is_returned_the_answered_one_counts() -> None:
    expected = Happened(MINE, "bounced", ARRIVED, CLIENT, "5.1.1")
    assert read(sample("no_headers_returned"), OURS, ARRIVED) == Reading([expected])


def test_a_report_about_ours_that_says_nothing_is_a_problem() -> None:
    assert read(sample("broken"), OURS, ARRIVED) == Reading(problem="says nothing that can be used")


def test_a_report_that_was_cut_off_says_what_comes_first() -> None:
    raw = sample("exchange")
    cut = raw[: raw.index(b"Bonjour") if b"Bonjour" in raw else len(raw) - 20]
    assert said(read(cut, OURS, ARRIVED)) == (TOLD["exchange"],)


def test_line_ends_do_not_matter() -> None:
    for name, expected in TOLD.items():
        raw = sample(name).replace(b"\n", b"\r\n")
        assert said(read(raw, OURS, ARRIVED)) == ((expected,) if isinstance(expected, str) else expected)


def test_addresses_with_a_plus_are_known_as_they_stand_and_in_hexadecimal() -> None:
    for written in (b"ap+FACTURES@dupont.example", b"ap+2BFACTURES@dupont.example"):
        raw = sample("postfix").replace(b"To: Dupont SA <ap@", b"To: Dupont SA <ap+FACTURES@")
        raw = raw.replace(b"rfc822;ap@dupont.example", b"rfc822;" + written)
        [event] = read(raw, OURS, ARRIVED).events
        assert event.recipient == "ap+FACTURES@dupont.example"


def test_a_blind_copy_that_bounced_is_not_taken_for_the_client() -> None:
    raw = sample("postfix").replace(b"rfc822; ap@dupont", b"rfc822; archive@acme")
    raw = raw.replace(b"rfc822;ap@dupont", b"rfc822;archive@acme").replace(b"<ap@dupont.example>:", b"<archive>:")
    [event] = read(raw, OURS, ARRIVED).events
    assert event.recipient.startswith("archive@acme")


@pytest.mark.parametrize(("kind", "events"), [("not-spam", 0), ("auth-failure", 0), ("dmarc", 0), ("fraud", 1)])
def test_only_what_a_person_gave_is_a_complaint(kind: str, events: int) -> None:
    raw = sample("complaint").replace(b"Feedback-Type: abuse", f"Feedback-Type: {kind}".encode())
    assert len(read(raw, OURS, ARRIVED).events) == events


def test_a_complaint_whose_address_is_withheld_is_about_the_only_one() -> None:
    raw = sample("complaint").replace(b"<ap@dupont.example>\nArrival", b"redacted\nArrival")
    assert [one.recipient for one in read(raw, OURS, ARRIVED).events] == [CLIENT]


def test_a_reason_is_one_short_line_without_control_characters() -> None:
    raw = sample("postfix").replace(b"smtp; 550 5.1.1", b"smtp; 550 5.1.1 \x1b[31m" + b"blah " * 200)
    [event] = read(raw, OURS, ARRIVED).events
    assert len(event.detail) == LONGEST
    assert event.detail.isprintable()


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("MAILER-DAEMON@x.example", True),
        ("Mail Delivery System <mailer-daemon@x.example>", True),
        ("mail.daemon@x.example", True),
        ("postmaster@x.example", True),
        ("Anne <anne@x.example>", False),
        ("", False),
    ],
)
def test_a_mail_servers_letter_is_known_by_who_wrote_it(sender: str, expected: bool) -> None:
    mail = Message()
    mail["From"] = sender
    assert looks_like_one(mail) is expected


START = b"From: MAILER-DAEMON@x.example\nContent-Type: multipart/report; boundary=b\n\n--b\n"
PIECES = st.sampled_from(
    [
        *(b"--b\n", b"--b--\n", b"\n", b"\n\n", b"Content-Type: message/delivery-status\n", b"Final-Recipient: "),
        *(b"rfc822; a@b\n", b"Action: failed\n", b"Status: 5.1.1\n", b"Content-Type: message/rfc822\n", b"\xff\x00"),
        *(
            b"Message-ID: ",
            MINE.encode() + b"\n",
            b"Content-Transfer-Encoding: base64\n",
            b"Content-Type: text/plain\n",
        ),
        *(b"Content-Type: message/feedback-report\n", b"Feedback-Type: abuse\n", b"To: =?utf-8?q?=FF?= <a@b\n"),
        *(b"Diagnostic-Code: ", b"Content-Type: multipart/mixed\n", b"charset=", b"Date: 99 Foo 0000 99:99\n"),
    ]
)


@given(st.one_of(st.binary(), st.lists(PIECES).map(lambda some: START + b"".join(some))))
@example(sample("broken"))
def test_no_mail_makes_it_stumble(raw: bytes) -> None:
    reading = read(raw, OURS, ARRIVED)
    for event in reading.events:
        assert event.message_id in OURS
        assert event.recipient or event.event == "complained"
        assert event.at.tzinfo is not None


def test_nesting_without_end_is_survived() -> None:
    part = b"--b\nContent-Type: multipart/mixed; boundary=b\n\n"
    deep = part.replace(b"--b\n", b"").replace(b"mixed", b"report") + part * 3000
    assert read(deep, OURS, ARRIVED) == Reading()
    assert read(deep + MINE.encode(), OURS, ARRIVED).events == ()
