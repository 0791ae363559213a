"""Notes on a real Tryton's invoices and the mails that leave with them; what is said where either goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from typing import Any

import pytest
import requests
from mailers import PostOffice
from post_office import HANG_UP, Letterbox
from tryton_books import Bill, Books
from tryton_server import Tryton
from tryton_stage import TODAY, Fault, Line, Stage, activity, afterwards, broken, error, first, html, lost, outgoing

from relance_addon.connectors.tryton import notes
from relance_addon.connectors.tryton.connector import TrytonConnector
from relance_addon.core.model import Address, Invoice
from relance_addon.core.outgoing import Document, Outgoing, Posted
from relance_addon.hosts.port import Found
from relance_addon.hosts.wire import Wire

NOTE, LOOK, DELETE = "model.ir.note.create", "model.ir.note.search_read", "model.ir.note.delete"
SEND, READ = "model.ir.email.send", "model.account.invoice.search_read"
A, B, C = date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1)
TIMEOUT = requests.ReadTimeout("timed out")
KEYS = count(1)
Some = Callable[[int], list[Invoice]]


@pytest.fixture(scope="module")
def desk(tryton: Tryton, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Where the connectors are made that all tests share."""
    return Stage(tryton.url, tmp_path_factory.mktemp("posting"), Line(Wire.ask))


@pytest.fixture(scope="module")
def tryton_sends(desk: Stage) -> TrytonConnector:
    return desk.connector()


@pytest.fixture(scope="module")
def drawer(books: Books, tryton_sends: TrytonConnector) -> list[Invoice]:
    """Invoices of one party, which tests share: of messages each has its own."""
    (party,) = books.parties({"name": "Dupont", "email": "compta@dupont.example"})
    made = books.bill(*[Bill(party, A, {B: 100})] * 10)
    return list(tryton_sends.read([*map(str, made)], TODAY).invoices)


@pytest.fixture
def some(drawer: list[Invoice]) -> Some:
    return lambda count: drawer[:count]


@pytest.fixture
def fresh(drawer: list[Invoice]) -> Some:
    """Of these no other test hears."""
    return lambda count: [drawer.pop() for _ in range(count)]


@pytest.fixture
def one(drawer: list[Invoice]) -> Invoice:
    return drawer[0]


@pytest.fixture(scope="module")
def everybody_s() -> PostOffice:
    return PostOffice()


@pytest.fixture(scope="module")
def sending(desk: Stage, everybody_s: PostOffice) -> TrytonConnector:
    return desk.connector(everybody_s, mail="smtp")


@pytest.fixture
def office(everybody_s: PostOffice) -> PostOffice:
    """Our own mail server, of which nobody has asked anything yet."""
    everybody_s.answers.clear()
    everybody_s.came.clear()
    everybody_s.before = lambda message: None
    return everybody_s


@pytest.fixture
def smtp(sending: TrytonConnector, office: PostOffice, line: Line) -> Iterator[TrytonConnector]:
    """A connector that has our own mail server send."""
    yield sending
    assert not sending.finish(), "it leaves nothing for others to do"


def posted(connector: TrytonConnector, *messages: Outgoing) -> list[Posted]:
    return connector.post([*messages])


def state(connector: TrytonConnector, message: Outgoing) -> str:
    found = connector.find([message.mark])
    assert found == {message.key: Found(message.key, found[message.key].presence)}
    return found[message.key].presence


def on(invoice: str) -> list[Any]:
    return ["resource", "=", f"account.invoice,{invoice}"]


def texts(books: Books, message: Outgoing) -> list[str]:
    """The notes of a message on its first invoice, the oldest first."""
    rows = books.admin.rows("ir.note", ["message"], on(message.invoices[0]), ["message", "like", f"%:{message.key}:%"])
    return [row["message"] for row in rows]


def left(letters: Letterbox) -> list[EmailMessage]:
    return [message_from_bytes(bytes(one.content), policy=policy.default) for one in letters.got]  # type: ignore[arg-type]


def reminder(*some: Invoice, **more: Any) -> Outgoing:
    """A message that no test has posted."""
    return outgoing(f"k{next(KEYS)}", *some, **more)


def to_do(one: Invoice, **more: Any) -> Outgoing:
    return activity(f"k{next(KEYS)}", one, **more)


# The claim


@pytest.mark.parametrize(
    ("language", "before", "to", "bcc", "files"),
    [
        ("fr", "Envoi en cours : ", "À : ", "Cci : ", "Fichiers : "),
        ("en", "Being sent : ", "To : ", "Bcc : ", "Files : "),
        ("de", "Being sent : ", "To : ", "Bcc : ", "Files : "),
    ],
)
def test_the_note_is_there_before_the_mail_leaves_and_says_so_after(
    books: Books, stage: Stage, office: PostOffice, one: Invoice, language: str, before: str, to: str, bcc: str,
    files: str,
) -> None:  # fmt: skip
    connector = stage.connector(office, mail="smtp", language=language)
    message = reminder(
        one,
        cc=(Address("Élodie", "cc@dupont.example"),),
        bcc=(Address("", "boss@acme.example"),),
        attachments=(Document("Facture.pdf", "application/pdf", b"%PDF"),),
    )
    seen: list[str] = []
    office.before = lambda message: seen.extend(texts(books, message))
    assert posted(connector, message) == [Posted(message.key, "sent")]
    expected = [
        message.subject,
        f"{to}client{one.client}@client.example",
        "Cc : cc@dupont.example",
        f"{bcc}boss@acme.example",
        f"{files}Facture.pdf",
        "",
        "Bonjour,",
        "votre facture reste due.",
        "",
    ]
    (under_way,), (done,) = seen, texts(books, message)
    assert under_way.splitlines() == [before + expected[0], *expected[1:], f"relance:{message.key}:under_way"]
    assert done.splitlines() == [*expected, f"relance:{message.key}:done"]
    assert not connector.finish()


def test_run_twice_it_sends_once(
    books: Books, stage: Stage, tryton_sends: TrytonConnector, letters: Letterbox, one: Invoice
) -> None:
    message = reminder(one)
    for connector in (tryton_sends, stage.connector()):
        assert posted(connector, message) == [Posted(message.key, "sent")]
    assert len(letters.got) == 1
    assert len(texts(books, message)) == 1


def test_of_two_at_once_the_later_note_gives_way(
    books: Books, stage: Stage, smtp: TrytonConnector, office: PostOffice, line: Line, one: Invoice
) -> None:
    message, others = reminder(one), PostOffice()
    outcomes: list[Posted] = []
    second = stage.connector(others, mail="smtp")
    line.faults[NOTE] = [afterwards(lambda: outcomes.extend(posted(second, message)))]
    assert posted(smtp, message) == [Posted(message.key, "sent")]
    assert [outcome.state for outcome in outcomes] == ["in_doubt"], "it cannot know what becomes of the first"
    assert (office.sent, others.sent) == ([message.key], [])
    assert len(texts(books, message)) == 1, "the later one is gone"


@pytest.mark.parametrize("leaves", [True, False])
def test_the_first_note_waits_for_a_later_one_to_give_way(
    books: Books, smtp: TrytonConnector, office: PostOffice, line: Line, one: Invoice, leaves: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(notes, "_PAUSES", (0.0, 0.0))
    message, rivals = reminder(one), list[int]()

    def come() -> None:
        text = f"Envoi en cours\nrelance:{message.key}:under_way"
        rivals.append(books.admin.one("ir.note", resource=on(one.id)[2], message=text))

    def go() -> None:
        books.admin.call("model.ir.note.delete", rivals)

    line.faults[NOTE] = [afterwards(come)]
    line.faults[LOOK] = [None, first(go) if leaves else None]
    (outcome,) = posted(smtp, message)
    assert outcome.state == ("sent" if leaves else "in_doubt")
    assert office.sent == [message.key] * leaves
    assert len(texts(books, message)) == 1, "its own, or that of the one who never gave way"
    assert line.count(LOOK) == (2 if leaves else 4)


def test_no_answer_to_the_claim_means_that_nothing_left_and_the_rest_is_not_tried(
    books: Books, smtp: TrytonConnector, office: PostOffice, line: Line, some: Some
) -> None:
    messages = [reminder(one) for one in some(3)]
    line.faults[NOTE] = [lost(TIMEOUT)]
    outcomes = posted(smtp, *messages)
    assert office.sent == []
    assert [(one.state, one.tried) for one in outcomes] == [("failed", False)] * 3
    assert all("not tried, because another message met" in one.error for one in outcomes[1:])
    assert line.count(NOTE) == 1
    (again,) = posted(smtp, messages[0])
    assert (again.state, office.sent) == ("in_doubt", []), "whoever comes next finds it, and does not know"
    assert [state(smtp, one) for one in messages] == ["unknown", "absent", "absent"]


def test_a_claim_that_cannot_be_looked_for_is_taken_back(
    books: Books, smtp: TrytonConnector, office: PostOffice, line: Line, one: Invoice
) -> None:
    message = reminder(one)
    line.faults[LOOK] = [html(502)] * 3
    (outcome,) = posted(smtp, message)
    assert (outcome.state, outcome.tried, office.sent) == ("failed", False, [])
    assert texts(books, message) == []
    assert posted(smtp, message) == [Posted(message.key, "sent")]


def test_a_person_who_deletes_the_note_lets_it_be_sent_again(
    books: Books, smtp: TrytonConnector, office: PostOffice, one: Invoice
) -> None:
    message = reminder(one)
    posted(smtp, message)
    assert state(smtp, message) == "present"
    books.admin.call("model.ir.note.delete", books.admin.ids("ir.note", ["message", "like", f"%:{message.key}:%"]))
    assert state(smtp, message) == "absent"
    assert posted(smtp, message) == [Posted(message.key, "sent")]
    assert office.sent == [message.key] * 2


def test_what_others_write_on_an_invoice_says_nothing(books: Books, smtp: TrytonConnector, one: Invoice) -> None:
    message = reminder(one)
    for text in (
        "",
        f"see relance:{message.key}:done",
        f"relance:{message.key}:done\nyes",
        f"relance:{message.key}x:done",
    ):
        books.admin.one("ir.note", resource=on(one.id)[2], message=text)
    assert state(smtp, message) == "absent"
    assert posted(smtp, message) == [Posted(message.key, "sent")]


def test_tryton_out_of_reach_from_the_start_costs_no_attempt(stage: Stage, line: Line, some: Some) -> None:
    line.faults["common.server.version"] = [broken(ConnectionRefusedError(111, "Connection refused"))]
    outcomes = posted(stage.connector(), *map(reminder, some(2)))
    assert [(one.state, one.tried) for one in outcomes] == [("failed", False)] * 2


# Between the claim and the mail


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda books, one: books.pay(one, 50, on=B), "50.00 EUR remain"),
        (lambda books, one: books.pay(one, on=B), "paid"),
        (lambda books, one: books.cancel(one), "cancelled"),
    ],
    ids=["paid in part", "paid", "cancelled"],
)
def test_what_changed_between_the_note_and_the_mail_stops_it(
    books: Books, tryton_sends: TrytonConnector, letters: Letterbox, line: Line, fresh: Some, some: Some,
    change: Callable[[Books, int], None], why: str,
) -> None:  # fmt: skip
    changed, other = reminder(*fresh(1)), reminder(*some(1))
    line.faults[NOTE] = [afterwards(lambda: change(books, int(changed.invoices[0])))]
    number = changed.claims[0].number
    assert posted(tryton_sends, changed, other) == [
        Posted(changed.key, "failed", f"changed meanwhile: {number}: {why}", tried=False),
        Posted(other.key, "sent"),
    ]
    assert [mail["Subject"] for mail in left(letters)] == [other.subject]
    (text,) = texts(books, changed)
    assert text.splitlines() == [
        f"Non envoyé : {changed.subject}", f"changed meanwhile: {number}: {why}", f"relance:{changed.key}:given_up"
    ]  # fmt: skip
    assert state(tryton_sends, changed) == "absent"


def test_of_equal_instalments_another_one_is_not_the_one_that_was_asked_for(
    books: Books, smtp: TrytonConnector, office: PostOffice, line: Line
) -> None:
    (party,) = books.parties({"name": "Thirds"})
    (number,) = books.bill(Bill(party, A, {A: 50, B: 50, C: 50}))
    (invoice,) = smtp.read([str(number)], TODAY).invoices
    message = reminder(invoice)
    for rank, asked, state in ((1, 100, "sent"), (2, 100, "sent"), (2, 50, "failed")):
        claim = message.claims[0]._replace(instalment=rank, residual=asked)  # type: ignore[arg-type]
        outcome = posted(smtp, replace(message, key=f"{message.key}-{rank}-{asked}", claims=(claim,)))
        assert (rank, asked, outcome[0].state) == (rank, asked, state)
    claim = message.claims[0]._replace(instalment=2, residual=100)  # type: ignore[arg-type]
    line.faults[NOTE] = [afterwards(lambda: books.pay(number, 50, on=B))]
    (outcome,) = posted(smtp, replace(message, claims=(claim,)))
    assert outcome.error == f"changed meanwhile: {invoice.number}: 100.00 EUR remain", "fifty of it are not due yet"
    assert len(office.sent) == 2


def test_when_it_cannot_be_read_again_it_is_given_up_and_the_rest_is_not_tried(
    smtp: TrytonConnector, office: PostOffice, line: Line, some: Some
) -> None:
    messages = [reminder(one) for one in some(2)]
    line.faults[READ] = [html(502)] * 3
    assert [(one.state, one.tried) for one in posted(smtp, *messages)] == [("failed", False)] * 2
    assert [state(smtp, one) for one in messages] == ["absent"] * 2
    assert posted(smtp, messages[0]) == [Posted(messages[0].key, "sent")]
    assert office.sent == [messages[0].key]


# What our mail server says


def test_a_mail_that_is_refused_is_given_up_and_may_be_tried_again(
    books: Books, smtp: TrytonConnector, office: PostOffice, one: Invoice
) -> None:
    message = reminder(one)
    office.answers[message.key] = Posted(message.key, "failed", "550 no such user")
    assert posted(smtp, message) == [office.answers[message.key]]
    (text,) = texts(books, message)
    assert text.splitlines()[1:] == ["550 no such user", f"relance:{message.key}:given_up"]
    assert state(smtp, message) == "absent"
    office.answers.clear()
    assert posted(smtp, message) == [Posted(message.key, "sent")]
    assert state(smtp, message) == "present"


def test_a_mail_in_doubt_is_known_to_nobody_until_a_person_says_that_it_never_left(
    books: Books, stage: Stage, smtp: TrytonConnector, office: PostOffice, one: Invoice
) -> None:
    message = reminder(one)
    office.answers[message.key] = Posted(message.key, "in_doubt", "no answer after DATA")
    assert posted(smtp, message) == [office.answers[message.key]]
    assert state(smtp, message) == "unknown"
    office.answers.clear()
    again = stage.connector(office, mail="smtp")
    assert posted(again, message)[0].state == "in_doubt"
    again.release([message])
    assert state(again, message) == "absent"
    assert posted(again, message) == [Posted(message.key, "sent")]
    (given_up, done) = texts(books, message)
    assert given_up.splitlines()[1] == "relance doubt --resend"
    assert done.endswith(":done")


def test_release_gives_up_every_note_that_is_in_the_way(
    books: Books, smtp: TrytonConnector, office: PostOffice, one: Invoice
) -> None:
    message = reminder(one)
    for _ in range(2):
        text = f"Envoi en cours\nrelance:{message.key}:under_way"
        books.admin.one("ir.note", resource=on(one.id)[2], message=text)
    smtp.release([message])
    assert posted(smtp, message) == [Posted(message.key, "sent")]


def test_without_a_mail_server_nothing_is_noted(books: Books, stage: Stage, one: Invoice) -> None:
    message = reminder(one)
    (outcome,) = posted(stage.connector(mail="smtp"), message)
    assert outcome == Posted(message.key, "failed", "no mail server: set mail.smtp", tried=False)
    assert texts(books, message) == []


# What Tryton sends


def test_a_mail_arrives_as_it_was_written(tryton_sends: TrytonConnector, letters: Letterbox, one: Invoice) -> None:
    people = {
        "to": (Address('Dupont, Jean "JD"', "jean@dupont.example"), Address("Zoé", "zoe@dupont.example")),
        "cc": (Address("", "cc@dupont.example"), Address("A;B <C>", "abc@dupont.example")),
        "bcc": (Address("Boss\\", "boss@acme.example"),),
    }
    page = (
        "<!DOCTYPE html><html><head><title>x</title></head><body class='a'>\n<p>100 % à vous &amp; co</p></body></html>"
    )
    files = (
        Document("Facture é.pdf", "application/pdf", b"%PDF-1"),
        Document("a.bin", "application/octet-stream", b"\0"),
    )
    subject = "Échéance : votre facture, 100 %"
    assert (
        posted(tryton_sends, reminder(one, subject=subject, html=page, attachments=files, **people))[0].state == "sent"
    )
    (mail,), (envelope,) = left(letters), letters.got
    meant = [person for some in people.values() for person in some]
    assert sorted(envelope.rcpt_tos) == sorted(person.email for person in meant)
    for field, some in (("To", people["to"]), ("Cc", people["cc"])):
        assert [(a.display_name, a.addr_spec) for a in mail[field].addresses] == [tuple(person) for person in some]
    assert mail["Bcc"] is None
    assert (mail["Subject"], mail["From"]) == (subject, "robot@acme.example")
    body = mail.get_body(("html",))
    assert body is not None
    text = body.get_content()
    assert text.count("<body") == text.count("<html") == 1, "a page within a page shows in some readers only"
    assert "<p>100 % à vous &amp; co</p>" in text
    assert [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()] == [
        ("Facture é.pdf", b"%PDF-1"), ("a.bin", b"\0")
    ]  # fmt: skip
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "relance:" not in plain.get_content(), "nobody is shown the mark"


def test_a_redirected_mail_goes_to_one_address_alone(
    tryton_sends: TrytonConnector, letters: Letterbox, one: Invoice
) -> None:
    posted(tryton_sends, reminder(one, redirected_to="test@acme.example", bcc=(Address("", "boss@acme.example"),)))
    assert [one.rcpt_tos for one in letters.got] == [["test@acme.example"]]


def test_another_sender_than_the_user_is_refused_and_named(
    books: Books, tryton_sends: TrytonConnector, letters: Letterbox, some: Some
) -> None:
    ours, theirs = some(2)
    messages = (reminder(theirs, sender=Address("", "anne@acme.example")), reminder(ours))
    refused, sent = posted(tryton_sends, *messages)
    assert (refused.state, refused.tried, sent.state) == ("failed", False, "sent")
    assert "robot@acme.example, not from anne@acme.example" in refused.error
    assert texts(books, messages[0]) == []
    same = replace(reminder(theirs), sender=Address("Anne", "Robot@ACME.example"))
    assert posted(tryton_sends, same)[0].state == "sent"


def test_its_mail_server_down_means_that_nothing_was_sent_and_the_next_run_sends(
    tryton_sends: TrytonConnector, letters: Letterbox, some: Some
) -> None:
    messages = [reminder(one) for one in some(2)]
    letters.answers["CONNECT"] = HANG_UP
    outcomes = posted(tryton_sends, *messages)
    assert [(one.state, one.tried) for one in outcomes] == [("failed", False)] * 2
    assert "nothing was sent: " in outcomes[0].error
    assert [state(tryton_sends, one) for one in messages] == ["absent"] * 2
    letters.answers.clear()
    assert [one.state for one in posted(tryton_sends, *messages)] == ["sent"] * 2
    assert len(letters.got) == 2


@pytest.mark.parametrize(("when", "answer"), [("MAIL", "554 no"), ("RCPT", "550 who?"), ("DATA", HANG_UP)])
def test_what_its_mail_server_refuses_tryton_does_not_say(
    tryton_sends: TrytonConnector, letters: Letterbox, one: Invoice, when: str, answer: str
) -> None:
    letters.answers[when] = answer
    assert posted(tryton_sends, reminder(one))[0].state == "sent", "docs/tryton.md says so"
    assert letters.got == []


def test_the_mail_that_tryton_keeps_proves_that_it_left_but_not_that_another_one_did(
    tryton_sends: TrytonConnector, letters: Letterbox, line: Line, one: Invoice
) -> None:
    message = reminder(one)
    line.faults[SEND] = [lost(TIMEOUT), broken(TIMEOUT)]
    assert posted(tryton_sends, message)[0].state == "in_doubt"
    assert len(letters.got) == 1
    assert state(tryton_sends, message) == "present"
    assert posted(tryton_sends, message) == [Posted(message.key, "sent")]
    tryton_sends.release([message])
    assert posted(tryton_sends, message)[0].state == "in_doubt"
    assert state(tryton_sends, message) == "unknown", "the first mail is there, the second is not"
    assert len(letters.got) == 1


@pytest.mark.parametrize(
    ("fault", "outcome", "kept"),
    [
        (lambda ask: (ask(), error("Connection lost", "")(ask))[1], ("in_doubt", True), "present"),
        (error("Connection refused", ""), ("failed", False), "absent"),
        (error("UserError", ["No right", ""]), ("failed", True), "absent"),
        (error("ConcurrencyException", "again"), ("failed", False), "absent"),
        (broken(ConnectionRefusedError(111, "refused")), ("failed", False), "absent"),
        (html(502), ("in_doubt", True), "unknown"),
    ],
    ids=["after it was kept", "before it was kept", "refused", "taken back", "not reached", "who knows"],
)
def test_when_sending_fails(
    tryton_sends: TrytonConnector, letters: Letterbox, line: Line, one: Invoice, fault: Fault,
    outcome: tuple[str, bool], kept: str,
) -> None:  # fmt: skip
    message = reminder(one)
    line.faults[SEND] = [fault]
    (told,) = posted(tryton_sends, message)
    assert (told.state, told.tried) == outcome
    assert state(tryton_sends, message) == kept
    assert line.count(SEND) == 1, "it is never sent again by itself"


# After the mail


def test_when_it_cannot_be_noted_that_a_mail_left_it_left_all_the_same(
    smtp: TrytonConnector, line: Line, one: Invoice
) -> None:
    message = reminder(one)
    line.faults[NOTE] = [None, html(502)]
    assert posted(smtp, message) == [Posted(message.key, "sent")]
    assert state(smtp, message) == "unknown"
    assert not smtp.finish(), "noted now"
    assert state(smtp, message) == "present"


def test_what_still_cannot_be_noted_is_told(smtp: TrytonConnector, line: Line, one: Invoice) -> None:
    line.faults[NOTE] = [None, html(502), html(502)]
    assert posted(smtp, reminder(one))[0].state == "sent"
    (problem,) = smtp.finish()
    assert problem.where == one.number
    assert "Tryton does not say what became of the reminder" in problem.text
    assert not smtp.finish(), "once"


def test_a_note_that_stays_beside_its_successor_is_none(
    books: Books, smtp: TrytonConnector, line: Line, one: Invoice
) -> None:
    message = reminder(one)
    line.faults[DELETE] = [html(502)]
    assert posted(smtp, message) == [Posted(message.key, "sent")]
    assert len(texts(books, message)) == 2
    assert state(smtp, message) == "present"
    assert posted(smtp, message) == [Posted(message.key, "sent")]
    assert not smtp.finish()
    assert {text.rpartition(":")[2] for text in texts(books, message)} == {"done"}


def test_a_message_about_several_invoices_is_noted_on_each(
    books: Books, smtp: TrytonConnector, line: Line, fresh: Some
) -> None:
    head, *others = fresh(3)
    message = reminder(head, *others)
    assert posted(smtp, message) == [Posted(message.key, "sent")]
    for other in others:
        (row,) = books.admin.rows("ir.note", ["message"], on(other.id))
        assert row["message"].startswith(f"Avec {head.number} : {message.subject}")
        assert state(smtp, reminder(other)) == "absent", "it claims nothing there"
    line.faults[NOTE] = [None, None, html(502)]
    again = reminder(others[0], head)
    assert posted(smtp, again) == [Posted(again.key, "sent")]
    (problem,) = smtp.finish()
    assert "not noted on every invoice" in problem.text


# To-dos


@pytest.mark.parametrize(
    ("language", "first"), [("fr", "À faire le 2026-11-21 pour"), ("en", "To do by 2026-11-21 for")]
)
def test_a_to_do_is_a_note_with_a_date_and_a_name(
    books: Books, stage: Stage, one: Invoice, language: str, first: str
) -> None:
    message = to_do(one, subject="Appeler", text="Demander Jean.", sender=Address("Anne", "anne@acme.example"))
    connector = stage.connector(language=language)
    assert posted(connector, message) == posted(connector, message) == [Posted(message.key, "sent")]
    (text,) = texts(books, message)
    assert text.splitlines() == [
        f"{first} Anne <anne@acme.example> : Appeler", "", "Demander Jean.", f"relance:{message.key}:done"
    ]  # fmt: skip
    assert state(connector, message) == "present"
    (row,) = books.admin.rows("ir.note", ["unread"], ["message", "=", text])
    assert row["unread"], "to everybody else"


def test_a_to_do_without_an_answer_is_in_doubt_and_the_rest_is_not_tried(
    tryton_sends: TrytonConnector, line: Line, some: Some
) -> None:
    messages = [to_do(one) for one in some(2)]
    line.faults[NOTE] = [lost(TIMEOUT)]
    assert [(one.state, one.tried) for one in posted(tryton_sends, *messages)] == [
        ("in_doubt", True),
        ("failed", False),
    ]
    assert [state(tryton_sends, one) for one in messages] == ["unknown", "absent"]
