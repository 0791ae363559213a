"""Reading a mailbox over IMAP: only what looks like a bounce, only to read, and every mail by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from post_office import CA, PASSWORD, USER, Mailbox, free_port, imap_server

from relance_addon.core.errors import InputError, Refused, Unreachable
from relance_addon.mail import mailbox
from relance_addon.mail.mailbox import Place, count, read, read_url

SAMPLES = Path(__file__).parent / "bounces"
SINCE = date(2026, 11, 7)


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.eml").read_bytes().replace(b"\n", b"\r\n")


@contextmanager
def placed(
    box: Mailbox, scheme: str = "imap", user: str = USER, password: str = PASSWORD, folder: str = "INBOX",
    timeout: float = 5, ca: Path | None = CA,
) -> Iterator[Place]:  # fmt: skip
    with imap_server(box, scheme) as url:
        yield Place(read_url(url)._replace(user=user, password=password), folder, timeout, ca)


def test_only_what_looks_like_a_bounce_is_read_whole() -> None:
    box = Mailbox(sample("reply"), sample("postfix"), sample("out_of_office"), sample("exim_old"), sample("qmail"))
    with placed(box) as place:
        received, problems = read(place, SINCE)
    assert [one.raw for one in received] == [sample("postfix"), sample("exim_old"), sample("qmail")]
    assert {one.arrived for one in received} == {datetime(2026, 11, 21, 9, tzinfo=UTC)}
    assert problems == []


def test_the_mailbox_is_opened_to_read_and_only_mails_since_that_day_are_looked_at() -> None:
    box = Mailbox(sample("postfix"))
    with placed(box) as place:
        read(place, SINCE)
    verbs = [line.split()[0] if not line.startswith("UID") else " ".join(line.split()[:2]) for line in box.said]
    assert verbs == ["CAPABILITY", "LOGIN", "EXAMINE", "UID SEARCH", "UID FETCH", "UID FETCH", "LOGOUT"]
    assert "UID SEARCH (SINCE 7-Nov-2026)" in box.said
    assert all("BODY.PEEK" in line for line in box.said if line.startswith("UID FETCH"))


def test_an_empty_mailbox_has_nothing() -> None:
    with placed(Mailbox()) as place:
        assert read(place, SINCE) == ([], [])
        assert count(place) == 0


def test_mails_are_counted() -> None:
    with placed(Mailbox(b"", b"")) as place:
        assert count(place) == 2


def test_a_mail_that_cannot_be_had_stops_no_other() -> None:
    box = Mailbox(sample("postfix"), sample("qmail"))
    box.broken.add(1)
    with placed(box) as place:
        received, problems = read(place, SINCE)
    assert [one.raw for one in received] == [sample("qmail")]
    assert [str(one) for one in problems] == [f"{place.server}: INBOX, UID 1: that mail is damaged"]


def test_a_large_mail_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "LARGEST", 100)
    with placed(Mailbox(sample("postfix"))) as place:
        [one] = read(place, SINCE)[0]
    assert one.raw == sample("postfix")[:100]


def test_of_too_many_mails_only_the_newest_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST", 2)
    box = Mailbox(sample("qmail"), sample("exim"), sample("postfix"))
    with placed(box) as place:
        received, [problem] = read(place, SINCE)
    assert [one.raw for one in received] == [sample("exim"), sample("postfix")]
    assert "3 mails since 2026-11-07: only the newest 2 are looked at" in str(problem)


def test_headers_are_asked_for_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "_CHUNK", 2)
    with placed(Mailbox(*[sample("postfix")] * 5)) as place:
        assert len(read(place, SINCE)[0]) == 5


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_encryption_trusts_an_authority_of_ones_own_and_no_stranger(scheme: str) -> None:
    box = Mailbox(b"")
    with placed(box, scheme) as place:
        assert count(place) == 1
        box.said.clear()
        with pytest.raises(Refused, match="its certificate cannot be trusted"):
            count(place._replace(ca=None))
    assert not any(line.startswith("LOGIN") for line in box.said)


def test_a_server_without_starttls_gets_no_password() -> None:
    box = Mailbox()
    with placed(box) as place, pytest.raises(Refused, match="STARTTLS is not supported"):
        count(place._replace(server=place.server._replace(scheme="imap+starttls")))
    assert not any(line.startswith("LOGIN") for line in box.said)


def test_a_password_that_is_wrong_is_told_without_it() -> None:
    with placed(Mailbox(), password="wr0ng") as place, pytest.raises(Refused) as caught:
        count(place)
    assert str(caught.value) == f"{place.server}: user or password refused: [AUTHENTICATIONFAILED] no such user"


def test_a_folder_that_is_not_there_is_told() -> None:
    with placed(Mailbox(), folder="Retours é") as place, pytest.raises(Refused, match="no folder 'Retours é'"):
        count(place)


def test_nobody_listening_is_unreachable() -> None:
    server = read_url(f"imap://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable, match="Connection refused"):
        count(Place(server))


def test_a_server_that_says_nothing_is_given_up_on() -> None:
    box = Mailbox()
    box.stalls = True
    with placed(box, timeout=0.1) as place, pytest.raises(Unreachable, match="timed out"):
        count(place)


def test_a_server_that_is_none_of_imap_is_told() -> None:
    box = Mailbox()
    with placed(box) as place, pytest.raises(Refused, match="does not speak TLS"):
        count(place._replace(server=place.server._replace(scheme="imaps")))


def test_an_authority_that_is_not_there_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    with placed(Mailbox(), ca=tmp_path / "none.pem") as place, pytest.raises(InputError, match=r"mail\.ca"):
        count(place)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("imapss://h", r"unknown scheme 'imapss' of an IMAP address; did you mean 'imaps'\?"),
        ("imaps://", "the IMAP address is not as in imaps://host:993"),
    ],
)
def test_an_address_of_a_mailbox_that_is_wrong_is_told(url: str, error: str) -> None:
    with pytest.raises(InputError, match=error):
        read_url(url)


@pytest.mark.skipif("RELANCE_TEST_IMAP" not in os.environ, reason="a real server: imap://user:password@host:port")
def test_a_real_server_is_read() -> None:
    """Its INBOX holds the samples."""
    place = Place(read_url(os.environ["RELANCE_TEST_IMAP"]), ca=CA)
    received, problems = read(place, date(2000, 1, 1))
    assert problems == []
    assert len(received) == count(place) - len(("out_of_office", "read_receipt", "reply"))
