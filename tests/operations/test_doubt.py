"""What a crash or a lost answer leaves behind: recovered where the host knows, in doubt where nobody does."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import cast

import pytest
from company import PROGRAMS, Company

from relance_addon.core.errors import Unreachable
from relance_addon.core.model import Instalment
from relance_addon.core.outgoing import Mark
from relance_addon.hosts.fake import ALL, FakeHost, client, invoice
from relance_addon.hosts.port import Document, Found

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


# Sent again by a person: only what may still leave


def fail_together(company: Company) -> str:
    """One message about FA-0017 and FA-0018 fails; its key."""
    company.host.put(invoice("17"), invoice("18"), client("1"))
    company.host.answer("17", "failed", "550")
    return cast(str, company("run acme", status=1).json["messages"][0]["key"])


def fail_alone(company: Company) -> str:
    """A message about FA-0017 fails; its key."""
    company.host.put(invoice("17"), client("1"))
    company.host.answer("17", "failed", "550")
    return cast(str, company("run acme", status=1).json["messages"][0]["key"])


def refused(company: Company, command: str, date: str = "2026-11-23") -> list[str]:
    """What a refusal says, nothing having left or been settled."""
    before, log = len(company.host.posted), company("log acme").items
    said = company(command, status=2, date=date)
    assert len(company.host.posted) == before
    assert company("log acme").items == log
    return [line.removeprefix("relance: ") for line in said.lines]


@pytest.mark.parametrize("option", ["--sent", "--resend"])
@pytest.mark.parametrize("both", [False, True])
def test_a_failed_message_whose_invoices_others_took_up_is_not_settled(fake: Company, option: str, both: bool) -> None:
    key = fail_together(fake)
    fake("hold acme --invoice FA-0018 --reason x")
    fake("run acme", date="2026-11-22")
    fake("hold acme --invoice FA-0018 --lift", date="2026-11-22")
    if both:
        fake("run acme", date="2026-11-22")
        fake.host.settle("17", "18")
    assert [one.invoices for one in fake.host.posted] == [("17",), ("18",)][: 1 + both]
    assert refused(fake, f"doubt acme {option} {key}") == [
        f"{key} failed, and its invoices were taken up by other messages since: 'relance log acme'"
    ]


def test_the_failures_of_an_invoice_count_on_when_the_others_of_its_message_have_left(fake: Company) -> None:
    fail_together(fake)
    fake("hold acme --invoice FA-0018 --reason x")
    fake("run acme", date="2026-11-22")
    fake("hold acme --invoice FA-0018 --lift", date="2026-11-22")
    for day in ("2026-11-23", "2026-11-24"):
        fake.host.answer("18", "failed", "550")
        assert fake("run acme", status=1, date=day).reasons["18"] == "due"
    assert fake("run acme", status=1, date="2026-11-25").reasons["18"] == "failed"


def test_a_failed_message_is_dropped_once_others_have_all_its_claims(fake: Company) -> None:
    from relance_addon.journal import claims

    key = fail_together(fake)
    fake("hold acme --invoice FA-0018 --reason x")
    fake("run acme", date="2026-11-22")
    assert [one.mark for one in claims.uncertain("acme", ["failed"])] == [
        Mark(key, f"<relance.{key}@acme.example>", "mail", ("18",))
    ]
    fake("hold acme --invoice FA-0018 --lift", date="2026-11-22")
    fake("run acme", date="2026-11-22")
    assert claims.uncertain("acme", ["failed"]) == []
    assert [one.mark.key for one in claims.uncertain("acme", ["dropped"])] == [key]


def test_a_message_that_fell_apart_and_comes_together_again_is_the_same_message(fake: Company) -> None:
    from relance_addon.journal import claims

    key = fail_together(fake)
    whole = claims.outgoing("acme", key)
    fake.host.answer("17", "failed", "550")
    fake("hold acme --invoice FA-0018 --reason x")
    alone = fake("run acme", status=1, date="2026-11-22").json["messages"][0]["key"]
    assert claims.claim("acme", None, [whole]) == set()
    assert [one.mark.key for one in claims.uncertain("acme", ["dropped"])] == [alone]
    assert [one.mark for one in claims.uncertain("acme", ["claimed"])] == [whole.mark]


def test_news_of_a_message_that_others_took_up_is_nobody_s(fake: Company) -> None:
    from relance_addon.core.records import Happened
    from relance_addon.journal import claims, log

    fail_alone(fake)
    (failed,) = claims.uncertain("acme", ["failed"])
    claims.claim("acme", None, [replace(claims.outgoing("acme", failed.mark.key), key="f" * 24, message_id="<f@x>")])
    at = datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert log.record("acme", [Happened(failed.mark.message_id, "bounced", at, "", "550")]) == 0
    assert log.record("acme", [Happened("<f@x>", "bounced", at, "", "550")]) == 1


STRICT = """
[[programs]]
name = "strict"
[[programs.steps]]
name = "Mise en demeure"
trigger = { after_due = 1 }
subject = "Mise en demeure #REF#"
body = "#SOLDE#."
[[programs.steps]]
name = "Huissier"
trigger = { after_previous = 10 }
subject = "Huissier #REF#"
body = "#SOLDE#."
"""


def test_a_step_of_a_program_that_was_left_is_not_sent_again_once_the_new_one_has_begun(fake: Company) -> None:
    fake.programs(PROGRAMS + STRICT)
    key = fail_alone(fake)
    fake("client acme 1 --program strict", date="2026-11-22")
    fake("run acme", date="2026-11-22")
    assert refused(fake, f"doubt acme --resend {key}") == [
        "FA-0017 is in another cycle, 'Mise en demeure' of program 'strict' left on 2026-11-22: not sent again; "
        f"settle it with --sent {key}"
    ]
    fake(f"doubt acme --sent {key}", date="2026-11-23")
    for day in ("2026-11-30", "2026-12-01", "2026-12-04", "2026-12-15"):
        fake("run acme", date=day)
    assert fake.subjects() == ["Mise en demeure FA-0017", "Huissier FA-0017"]


def test_a_step_of_a_program_that_was_left_can_be_sent_again_before_the_new_one_begins(fake: Company) -> None:
    fake.programs(PROGRAMS + STRICT)
    key = fail_alone(fake)
    fake("client acme 1 --program strict", date="2026-11-22")
    fake(f"doubt acme --resend {key}", date="2026-11-22")
    for day in ("2026-11-23", "2026-11-28", "2026-11-29", "2026-12-08", "2026-12-09"):
        fake("run acme", date=day)
    assert fake.subjects() == ["Rappel FA-0017", "Mise en demeure FA-0017", "Huissier FA-0017"]


@pytest.mark.parametrize(
    ("held", "named"),
    [
        ("--invoice FA-0017", "invoice on hold (dispute: contested)"),
        ("--client 17", "client on hold (dispute: contested)"),
    ],
)
def test_a_held_message_is_sent_again_only_with_a_reason(doubtful: Company, held: str, named: str) -> None:
    key = lose_the_answer(doubtful)
    doubtful(f"hold acme {held} --kind dispute --reason contested")
    assert refused(doubtful, f"doubt acme --resend {key}") == [
        f"FA-0017: {named}; --override-hold REASON sends it again all the same"
    ]
    doubtful(f"doubt acme --resend {key} --override-hold ' the boss asks '", date="2026-11-23")
    assert [one["override_reason"] for one in doubtful("log acme").items] == ["the boss asks"]
    assert [one.reason for one in doubtful.host.posted] == ["the boss asks"]


def test_a_message_that_the_host_holds_is_not_sent_again(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    doubtful.host.put(replace(doubtful.host.invoices["17"], held_until=date(2026, 12, 1)))
    assert refused(doubtful, f"doubt acme --resend {key}") == [
        "FA-0017: invoice on hold (on the host); --override-hold REASON sends it again all the same"
    ]
    doubtful(f"doubt acme --resend {key}", date="2026-12-02")
    assert len(doubtful.host.posted) == 1


def test_a_reason_without_a_hold_is_not_kept(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    doubtful(f"doubt acme --resend {key} --override-hold x")
    assert ["override_reason" in one for one in doubtful("log acme").items] == [False]


@pytest.mark.parametrize("options", ["", "--sent KEY"])
def test_a_hold_is_overridden_only_where_something_is_sent(doubtful: Company, options: str) -> None:
    assert doubtful(f"doubt acme {options} --override-hold x", status=2).err.startswith(
        "relance: Invalid value: --override-hold goes with --resend"
    )


def test_a_hold_is_not_overridden_without_a_reason(doubtful: Company) -> None:
    key = lose_the_answer(doubtful)
    assert refused(doubtful, f"doubt acme --resend {key} --override-hold ' '") == [
        "--override-hold: say why it leaves all the same"
    ]


def test_a_message_is_not_sent_again_when_the_instalments_it_is_about_are_paid(doubtful: Company) -> None:
    first = Instalment(date(2026, 10, 31), Decimal(60), Decimal(60))
    second = Instalment(date(2026, 12, 31), Decimal(40), Decimal(40))
    doubtful.host.put(invoice("17", client="17", instalments=(first, second)))
    key = lose_the_answer(doubtful)
    paid, also = replace(first, residual=Decimal(0)), replace(second, residual=Decimal(0))
    doubtful.host.put(invoice("17", client="17", instalments=(paid, second)))
    assert refused(doubtful, f"doubt acme --resend {key}") == [
        f"FA-0017 has instalment 1 paid on acme: not sent again; settle it with --sent {key}"
    ]
    doubtful.host.put(invoice("17", client="17", instalments=(paid, also)))
    assert refused(doubtful, f"doubt acme --resend {key}") == [
        f"FA-0017 is paid on acme: not sent again; settle it with --sent {key}"
    ]


def test_a_failed_message_is_not_sent_again_while_another_is_in_doubt(fake: Company) -> None:
    fake.host.capabilities = replace(fake.host.capabilities, proves_absence=False)
    key = fail_alone(fake)
    fake.write("mot.txt", "Bonjour")
    fake.host.fail("post", Unreachable("timed out"))
    fake("send acme --invoice FA-0017 --subject S --body-file mot.txt --yes", status=1)
    assert refused(fake, f"doubt acme --resend {key}") == [
        f"FA-0017 has another message in doubt: not sent again; settle it with --sent {key}"
    ]


# By hand


def test_a_message_by_hand_that_did_not_leave_is_told_once_and_left_to_a_person(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake.write("mot.txt", "Bonjour")
    fake("sync acme")
    fake("deactivate acme")
    fake.host.fail("post", Died())  # type: ignore[arg-type]
    with pytest.raises(Died):
        fake("send acme --invoice FA-0017 --subject S --body-file mot.txt --yes")
    told = fake("run acme", status=1, date="2026-11-22")
    (entry,) = fake("log acme").items
    key = entry["message_key"]
    assert told.lines == [
        "relance: FA-0017: the message by hand of 2026-11-21 did not leave; send it again, or "
        f"'relance doubt acme --resend {key}'"
    ]
    assert fake("run acme", date="2026-11-23").lines == []
    fake(f"doubt acme --resend {key}", date="2026-11-23")
    assert fake.subjects() == ["S"]


def test_a_step_by_hand_that_did_not_leave_is_told_once_and_taken_up_when_it_is_due(fake: Company) -> None:
    fake.host.put(invoice("17", due=date(2026, 11, 20)), client("1"))
    fake("sync acme")
    fake.host.fail("post", Died())  # type: ignore[arg-type]
    with pytest.raises(Died):
        fake("send acme --invoice FA-0017 --step 1 --yes")
    told = fake("run acme")
    (entry,) = fake("log acme").items
    assert told.lines == [
        "relance: FA-0017: the step by hand of 2026-11-21 did not leave; the program sends it when it is due, or "
        f"'relance doubt acme --resend {entry['message_key']}' now"
    ]
    assert fake("run acme", date="2026-11-22").lines == []
    assert fake.host.posted == []
    fake("run acme", date="2026-11-23")
    assert fake.subjects() == ["Rappel FA-0017"]


def test_failures_by_hand_cost_the_run_none_of_its_attempts(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    for name in "abc":
        fake.host.answer("17", "failed", "550 no such user")
        fake(f"send acme --invoice FA-0017 --step 1 --to {name}@x.example --yes", status=1)
    for day in ("2026-11-22", "2026-11-23", "2026-11-24"):
        fake.host.answer("17", "failed", "550 no such user")
        assert fake("run acme", status=1, date=day).reasons == {"17": "due"}
    assert fake("run acme", status=1, date="2026-11-25").reasons == {"17": "failed"}


def test_a_failure_that_the_host_tells_of_may_be_that_of_an_attempt_by_hand(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    fake.host.answer("17", "failed", "550")
    key = fake("send acme --invoice FA-0017 --step 1 --yes", status=1).items[0]["key"]
    die_while_posting(fake, 0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(FakeHost, "find", lambda *_: {key: Found(key, "present", "failed")})
        assert fake("run acme", status=1).reasons == {"17": "in_doubt"}
    assert fake.host.posted == []
