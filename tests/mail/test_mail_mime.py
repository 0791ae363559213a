"""The exact message that leaves, read back with the standard library."""

from __future__ import annotations

import email
from datetime import datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relance_addon.core.model import Address
from relance_addon.mail.mime import ascii_address, build

AT = datetime(2026, 11, 21, 9, 30, tzinfo=timezone(timedelta(hours=1)))
quick = settings(derandomize=True, deadline=None, max_examples=150)


def made(**fields: Any) -> bytes:
    given = {
        "sender": Address("Comptabilité", "compta@acme.example"),
        "to": (Address("Dupont SA", "a@dupont.example"),),
        "subject": "Facture FA-0017 : rappel",
        "text": "Bonjour,\n\n1 200,00 €\n",
        "html": "<p>Bonjour</p>\n",
        "date": AT,
        "message_id": "<key@relance.acme.example>",
    }
    return build(**(given | fields))


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not [defect for part in message.walk() for defect in part.defects]
    return message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


def test_what_went_in_comes_out() -> None:
    message = parsed(
        made(
            cc=(Address("", "b@dupont.example"), Address("Zoé, DAF", "c@dupont.example")),
            references=("<a@x.example>", "<b@x.example>"),
            reply_to=Address("", "anne@acme.example"),
            headers={"X-Relance-Key": "abc"},
        )
    )
    assert str(message["From"]) == "Comptabilité <compta@acme.example>"
    assert [(one.display_name, one.addr_spec) for one in message["Cc"].addresses] == [
        ("", "b@dupont.example"),
        ("Zoé, DAF", "c@dupont.example"),
    ]
    assert message["Subject"] == "Facture FA-0017 : rappel"
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == "<key@relance.acme.example>"
    assert message["In-Reply-To"] == "<b@x.example>"
    assert message["References"].split() == ["<a@x.example>", "<b@x.example>"]
    assert message["Reply-To"] == "anne@acme.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Relance-Key"] == "abc"
    assert message["Bcc"] is None
    assert text_of(message) == "Bonjour,\n\n1 200,00 €\n"
    assert text_of(message, "html") == "<p>Bonjour</p>\n"
    assert message.get_content_type() == "multipart/alternative"


def test_attachments_come_out_as_they_went_in() -> None:
    given = [
        ("FA-0017.pdf", "application/pdf", bytes(range(256)) * 50),
        (f"échéancier – facture n° 17, {'très ' * 12}long nom 👩‍👩‍👧.html", "text/html", "<p>é</p>".encode()),
        ('a "b"; c=d.pdf', "application/pdf", b""),
    ]
    message = parsed(made(attachments=given))
    assert message.get_content_type() == "multipart/mixed"
    parts = list(message.iter_attachments())
    assert [(part.get_filename(), part.get_content_type(), part.get_payload(decode=True)) for part in parts] == given
    assert text_of(message).startswith("Bonjour")


def test_a_text_without_html_stands_alone() -> None:
    message = parsed(made(html=""))
    assert message.get_content_type() == "text/plain"
    assert text_of(message).startswith("Bonjour")


@pytest.mark.parametrize(
    "name",
    [
        "شركة الأمل",
        "Café 👩‍👩‍👧 & Fils",
        "株式会社",
        'Say "hi" \\ there',
        "a, b; <c@d.example>",
        "=?utf-8?q?x?=",
        "Ü" * 20,
    ],
)
def test_names_of_any_script_and_sign_are_kept(name: str) -> None:
    message = parsed(made(to=(Address(name, "a@b.example"), Address("", "c@d.example"))))
    assert [(one.display_name, one.addr_spec) for one in message["To"].addresses] == [
        (name, "a@b.example"),
        ("", "c@d.example"),
    ]


@pytest.mark.parametrize("break_", ["\r\nBcc: x@y.example", "\n", "\r", "\0"])
def test_a_line_break_in_a_header_is_refused(break_: str) -> None:
    for fields in (
        {"subject": f"x{break_}"},
        {"sender": Address(f"x{break_}", "a@b.example")},
        {"to": (Address("x", f"a@b.example{break_}"),)},
        {"cc": (Address(f"x{break_}", "a@b.example"),)},
        {"reply_to": Address(f"{break_}x", "a@b.example")},
        {"message_id": f"<a@b>{break_}"},
        {"references": (f"<a{break_}@b>",)},
        {"headers": {"X-A": f"x{break_}"}},
        {"headers": {f"X-A{break_}": "x"}},
        {"attachments": [(f"a{break_}.pdf", "application/pdf", b"")]},
        {"attachments": [("a.pdf", f"application/pdf{break_}", b"")]},
    ):
        with pytest.raises(ValueError, match=r"line break|no message id|header|no MIME type|domain|written"):
            made(**fields)


@pytest.mark.parametrize("name", ["Bcc", "bcc", "From", "Subject", "Content-Type", "MIME-Version", "", "A B", "Ä"])
def test_headers_that_are_ours_cannot_be_given_twice(name: str) -> None:
    with pytest.raises(ValueError, match="further header"):
        made(headers={name: "x"})


def test_a_date_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        made(date=datetime(2026, 11, 21))


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("a@b.example", "a@b.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@straße.example", "a@xn--strae-oqa.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("o'brien+x.y@b-c.example", "o'brien+x.y@b-c.example"),
    ],
)
def test_international_domains_are_written_in_ascii(address: str, written: str) -> None:
    assert ascii_address(address) == written


@pytest.mark.parametrize(
    "address",
    ["é@b.example", "a", "@b.example", "a@", "a b@c.example", "a@b..example", "a@-b", "a@b c", "a@b>,<c@d", "a\r\n@b"],
)
def test_addresses_that_cannot_be_written_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"only ASCII|no domain"):
        ascii_address(address)


def test_the_same_input_gives_the_same_bytes() -> None:
    one = made(attachments=[("a.pdf", "application/pdf", b"x")])
    assert one == made(attachments=[("a.pdf", "application/pdf", b"x")])
    assert one != made(attachments=[("a.pdf", "application/pdf", b"x")], message_id="<other@x>")


def assert_lines(raw: bytes) -> None:
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert raw.replace(b"\r\n", b"").find(b"\n") < 0
    assert raw.replace(b"\r\n", b"").find(b"\r") < 0
    raw.decode("ascii")


def test_lines_are_short_and_end_in_crlf() -> None:
    many = tuple(Address(f"Client numéro {number}", f"client{number}@dupont.example") for number in range(50))
    raw = made(
        to=many,
        subject="FA-0017, " * 200,
        text="x" * 5000 + "\r\ny\rz\n.\nFrom me\n \n",
        html="<p>" + "é" * 5000,
        references=tuple(f"<{number}@relance.example>" for number in range(50)),
    )
    assert_lines(raw)
    message = parsed(raw)
    assert text_of(message) == "x" * 5000 + "\ny\nz\n.\nFrom me\n \n"
    assert len(message["To"].addresses) == 50


def test_other_scripts_go_as_base64_latin_ones_stay_readable() -> None:
    assert b"base64" in made(text="مرحبا بكم في شركتنا\n" * 5, html="")
    assert b"quoted-printable" in made(text="Échéance dépassée\n", html="")
    assert text_of(parsed(made(text="مرحبا بكم\n", html=""))) == "مرحبا بكم\n"


_SAFE = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=120)


@quick
@given(_SAFE)
def test_any_subject_is_kept(subject: str) -> None:
    subject = " ".join(subject.split())
    raw = made(subject=subject, html="")
    assert_lines(raw)
    assert parsed(raw)["Subject"] == subject


@quick
@given(st.text(st.characters(blacklist_categories=("Cs",)), max_size=400))
def test_any_text_is_kept(text: str) -> None:
    raw = made(text=text, html="")
    assert_lines(raw)
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert text_of(parsed(raw)) == (wanted if wanted.endswith("\n") else f"{wanted}\n")


@quick
@given(_SAFE)
def test_any_name_is_kept_but_for_its_blanks(name: str) -> None:
    raw = made(to=(Address(name, "a@b.example"),))
    assert_lines(raw)
    [address] = parsed(raw)["To"].addresses
    assert "".join(address.display_name.split()) == "".join(name.split())
    assert address.addr_spec == "a@b.example"
