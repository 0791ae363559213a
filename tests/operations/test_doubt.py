"""What a crash or a lost answer leaves behind: recovered where the host knows, in doubt where nobody does."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import cast

import pytest
from company import PROGRAMS, Company

from relance_addon.core.errors import Unreachable
from relance_addon.hosts.fake import ALL, FakeHost, client, invoice
from relance_addon.hosts.port import Document

ACTIVITY = PROGRAMS.replace("trigger = { after_due = 3 }", 'trigger = { after_due = 3 }\nchannel = "activity"')


class Died(BaseException):
    """The process ends here: nothing may catch it."""


@pytest.fixture
def doubtful(fake: Company) -> Company:
    """A host that cannot prove that a message never left."""
    fake.host.capabilities = replace(fake.host.capabilities, proves_absence=False)
    fake.host.put(invoice("17"), client("17"))
    fake.host.put(invoice("17", client="17"))
    return fake


def lose_the_answer(company: Company, after: int = 0, date: str = "2026-11-21") -> str:
    """Run with an answer that is lost; the key of the message in doubt."""
    company.host.fail("post", Unreachable("timed out"), after=after)
    company("run acme", status=1, date=date)
    (listed,) = company("doubt acme", date=date).items
    return cast(str, listed["key"])


def die_while_posting(company: Company, after: int) -> None:
    company.host.fail("post", Died(), after=after)  # type: ignore[arg-type]
    with pytest.raises(Died):
        company("run acme")


# A dead process


@pytest.mark.parametrize(
    ("after", "proves", "events"),
    [
        (ALL, True, ["sent"]),
        (ALL, False, ["sent"]),
        (0, True, ["sent"]),
        (0, False, ["in_doubt"]),
    ],
)
def test_a_message_claimed_by_a_process_that_died_is_settled_by_the_next_run(
    fake: Company, after: int, proves: bool, events: list[str]
) -> None:
    fake.host.capabilities = replace(fake.host.capabilities, proves_absence=proves)
    fake.host.put(invoice("17"), client("1"))
    die_while_posting(fake, after)
    assert [one["last_event"] for one in fake("log acme").items] == ["in_doubt"]
    ran = fake("run acme", status=None)
    assert [one["last_event"] for one in fake("log acme").items] == events
    assert ran.status == (0 if events == ["sent"] else 1)
    assert len(fake.host.posted) == (events == ["sent"])


def test_a_message_that_was_claimed_is_never_regrouped(fake: Company) -> None:
    fake.host.put(invoice("17"), invoice("18"), client("1"))
    die_while_posting(fake, 0)
    fake.host.put(invoice("19"))
    assert fake("run acme").states == {"17 18": "sent", "19": "sent"}
    assert [message.invoices for message in fake.host.posted] == [("17", "18"), ("19",)]


@pytest.mark.parametrize("method", ["pull", "page", "read", "post", "find", "events"])
def test_a_run_that_dies_at_any_call_to_the_host_sends_nothing_twice_and_loses_nothing(
    fake: Company, method: str
) -> None:
    numbers = [str(number) for number in range(1, 31)]
    fake.host.put(*(invoice(number, client=number) for number in numbers), *map(client, numbers))

    def die(_: FakeHost) -> None:
        raise Died

    die_while_posting(fake, 3)
    fake.host.put(client("1"))
    fake.host.before(method, die)
    with pytest.raises(Died):
        fake("run acme")
    die_while_posting(fake, 3)
    fake("run acme")
    assert sorted(int(message.invoices[0]) for message in fake.host.posted) == list(range(1, 31))
    assert fake("doubt acme").items == []


def test_an_uncertain_call_whose_absence_is_proved_later_is_tried_again(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake.host.fail("post", Unreachable("timed out"))
    fake("run acme", status=1)
    assert fake("run acme").states == {"17": "sent"}
    assert len(fake.host.posted) == 1


def test_a_journal_that_fills_the_disk_after_the_message_left_forgets_nothing(
    fake: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from relance_addon.journal import claims

    fake.host.put(invoice("17"), client("1"))

    def full(*_: object) -> None:
        assert fake.host.posted
        raise OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(claims, "settle", full)
        said = fake("run acme", status=1)
    assert said.err.startswith("relance: the journal cannot be written: database or disk is full")
    fake("run acme")
    assert [one["last_event"] for one in fake("log acme").items] == ["sent"]
    assert len(fake.host.posted) == 1


def test_nothing_leaves_when_its_claim_cannot_be_written(fake: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    from relance_addon.journal import claims

    fake.host.put(invoice("17"), client("1"))

    def full(*_: object) -> None:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(claims, "claim", full)
    fake("run acme", status=1)
    assert fake.host.posted == []


def test_a_message_that_another_process_claimed_is_left_to_it(fake: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from relance_addon.journal import claims

    fake.host.put(invoice("17"), client("1"))
    monkeypatch.setattr(claims, "claim", lambda host, run, messages: {one.key for one in messages})
    ran = fake("run acme")
    assert (ran.states, ran.json["messages"][0]["error"]) == ({"17": "dropped"}, "claimed already today")
    assert fake.host.posted == []


# In doubt


def test_nothing_in_doubt_is_said_in_words(fake: Company) -> None:
    assert fake("doubt acme", form="table").out == "acme: nothing is in doubt\n"
    assert fake("doubt acme").json == {"schema": "relance.doubt/1", "items": []}


def test_a_message_in_doubt_is_listed_with_what_a_person_needs(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    (listed,) = doubtful("doubt acme").items
    assert listed == {
        "key": key,
        "message_id": f"<relance.{key}@acme.example>",
        "date": "2026-11-21",
        "client": "17",
        "client_name": "Client 17",
        "invoices": ["17"],
        "numbers": ["FA-0017"],
        "to": ["Client 17 <client17@client.example>"],
        "subject": "Rappel FA-0017",
        "error": "Unreachable: timed out",
    }


def test_a_message_someone_saw_is_settled_as_sent_and_the_program_goes_on(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    assert doubtful(f"doubt acme --sent {key}").items == [{"key": key, "state": "sent", "numbers": ["FA-0017"]}]
    assert doubtful("doubt acme").items == []
    (decision,) = doubtful("run acme").json["decisions"]
    assert (decision["reason"], decision["step"], decision["date"]) == ("not_due_yet", 2, "2026-12-01")
    assert doubtful.host.posted == []


def test_a_message_sent_again_is_the_same_to_the_byte(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    before = doubtful(f"log acme --message {key}").out
    doubtful.host.put(client("17", name="Another name", email="another@client.example"))
    assert doubtful(f"doubt acme --resend {key}", date="2026-11-30").items == [
        {"key": key, "state": "sent", "error": ""}
    ]
    (sent,) = doubtful.host.posted
    assert (sent.key, sent.mime.decode()) == (key, before.replace("\n", "\r\n") if "\r" not in before else before)
    assert [str(one) for one in sent.to] == ["Client 17 <client17@client.example>"]
    assert doubtful("doubt acme").items == []


def test_an_activity_sent_again_says_the_same(doubtful: Company) -> None:
    doubtful.programs(ACTIVITY.replace("[[programs.steps]]", '[[programs.steps]]\nattach = ["invoice"]', 1))
    doubtful.host.documents["17"] = Document("FA-0017.pdf", "application/pdf", b"%PDF-1.4 \r\n\x00\xff")
    with pytest.MonkeyPatch.context() as patched:
        refused: list[object] = []
        real = FakeHost.post
        patched.setattr(FakeHost, "post", lambda host, messages: (refused.extend(messages), real(host, messages))[1])
        key = lose_the_answer(doubtful)
        doubtful(f"doubt acme --resend {key}")
    (meant,) = refused[:1]
    (sent,) = doubtful.host.posted
    assert replace(sent, html="", sent_at=meant.sent_at) == replace(meant, html="")
    assert sent.html.rstrip() == meant.html.rstrip()
    assert "Bonjour Client 17" in sent.text and "Bonjour Client 17" in sent.html
    assert sent.attachments == (Document("FA-0017.pdf", "application/pdf", b"%PDF-1.4 \r\n\x00\xff"),)


@pytest.mark.parametrize("status", ["paid", "cancelled", "disputed", "draft"])
def test_a_message_is_not_sent_again_when_its_invoice_is_no_longer_open(doubtful: Company, status: str) -> None:
    key = lose_the_answer(doubtful)
    doubtful.host.put(replace(doubtful.host.invoices["17"], status=status))
    said = doubtful(f"doubt acme --resend {key}", status=2)
    assert said.err == f"relance: FA-0017 is {status} on acme: not sent again; settle it with --sent {key}\n"
    assert doubtful.host.posted == []
    assert len(doubtful("doubt acme").items) == 1


def test_a_message_sent_again_in_vain_stays_in_doubt(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    doubtful.host.fail("post", Unreachable("timed out"))
    said = doubtful(f"doubt acme --resend {key}", status=1)
    assert said.items[0]["state"] == "in_doubt"
    assert said.err == f"relance: FA-0017: in_doubt: Unreachable: timed out ({key})\n"
    assert len(doubtful("doubt acme").items) == 1


def test_a_message_sent_again_that_is_refused_is_tried_again_by_the_next_run(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    doubtful.host.answer("17", "failed", "550 no such user")
    doubtful(f"doubt acme --resend {key}", status=1)
    ran = doubtful("run acme")
    assert (ran.states, ran.json["messages"][0]["key"]) == ({"17": "sent"}, key)


def test_a_message_is_not_sent_again_while_the_host_cannot_be_asked(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    doubtful.host.break_down(Unreachable("gone"))
    assert doubtful(f"doubt acme --resend {key}", status=3).err == "relance: gone\n"
    assert len(doubtful("doubt acme").items) == 1


@pytest.mark.parametrize("option", ["--sent", "--resend"])
def test_only_what_is_in_doubt_can_be_settled(doubtful: Company, option: str) -> None:
    key = lose_the_answer(doubtful)
    doubtful(f"doubt acme --sent {key}")
    for named in (key, "nonsense"):
        assert doubtful(f"doubt acme {option} {named}", status=2).err == (
            f"relance: no message '{named}' in doubt on acme; 'relance doubt acme' lists them\n"
        )


def test_news_of_a_message_in_doubt_settles_it(doubtful: Company) -> None:
    from relance_addon.hosts.port import DeliveryEvent

    key = lose_the_answer(doubtful)
    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    doubtful.host.delivery.append(DeliveryEvent(f"<relance.{key}@acme.example>", "delivered", at))
    doubtful("events acme")
    assert doubtful("doubt acme").items == []
    assert [one["last_event"] for one in doubtful("log acme").items] == ["delivered"]
    assert doubtful("run acme", date="2026-11-23").reasons == {"17": "not_due_yet"}


def test_nothing_is_settled_while_a_run_is_in_progress(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    from relance_addon.journal.database import run_lock

    with run_lock("acme"):
        for option in ("--sent", "--resend"):
            assert (
                doubtful(f"doubt acme {option} {key}", status=4).err == "relance: another run of acme is in progress\n"
            )


def _mail(content: bytes) -> EmailMessage:
    return cast(EmailMessage, BytesParser(policy=policy.default).parsebytes(content))


def test_the_exact_message_can_be_read_again(files: Company) -> None:
    key = files("run acme").json["messages"][0]["key"]
    exact = (files.path("data/outbox") / f"{key}.eml").read_bytes()
    files.capture.readouterr()
    from relance_addon.operations.desk import open_desk
    from relance_addon.operations.log import exact as again

    assert again(open_desk(files.path("relance.toml")), "acme", key) == exact
    assert _mail(exact)["Subject"] == "Rappel 17"


# The folder of files


def test_a_file_written_by_a_run_that_died_is_known_by_its_name(
    files: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from relance_addon.journal import claims

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(claims, "settle", die)
        with pytest.raises(Died):
            files("run acme")
    (mail,) = files.path("data/outbox").iterdir()
    before = mail.stat().st_mtime_ns
    assert files("run acme").json["messages"] == []
    assert mail.stat().st_mtime_ns == before
    assert [one["last_event"] for one in files("log acme").items] == ["sent"]


def test_a_run_killed_while_writing_leaves_no_half_written_message(
    files: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def die(path: Path, target: Path) -> Path:
        if os.fspath(target).endswith(".eml"):
            raise Died
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with pytest.raises(Died):
            files("run acme")
    assert files.mails() == {}
    assert files("run acme").states == {"17": "sent"}
    assert len(files.mails()) == 1


def test_a_message_sent_again_is_dated_that_day_so_that_the_next_step_waits(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake.host.fail("post", Unreachable("gone"))
    fake("run acme", status=1, date="2026-11-05")
    (entry,) = fake("doubt acme").items
    fake(f"doubt acme --resend {entry['key']}", date="2026-11-21")
    again = fake("run acme", date="2026-11-21")
    assert again.reasons == {"17": "not_due_yet"}
    assert again.json["decisions"][0]["date"] == "2026-12-01"
    assert [one["date"] for one in fake("log acme").items] == ["2026-11-21"]


def test_a_failed_message_can_be_sent_again_by_a_person(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    for day in ("2026-11-05", "2026-11-06", "2026-11-07"):
        fake.host.answer("17", "failed")
        fake("run acme", status=1, date=day)
    (entry,) = fake("log acme").items
    assert fake("run acme", status=1, date="2026-11-08").reasons == {"17": "failed"}
    fake(f"doubt acme --resend {entry['message_key']}", date="2026-11-08")
    assert [one["last_event"] for one in fake("log acme").items] == ["sent"]
    assert fake("run acme", date="2026-11-09").reasons == {"17": "not_due_yet"}
