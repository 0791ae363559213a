"""What is said of a message when Dolibarr or the mail server answers badly, and what stays in the agenda."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from dolibarr_books import ROBOT, Books, bill, broken
from dolibarr_samples import activity, outgoing
from mailers import PostOffice

from relance_addon.connectors.dolibarr.agenda import UID, who_am_i
from relance_addon.connectors.dolibarr.connector import DolibarrConnector
from relance_addon.core.model import Address, Invoice
from relance_addon.core.outgoing import Document, Outgoing, Posted
from relance_addon.hosts.conformance import TODAY
from relance_addon.hosts.port import Found

TIMEOUT = broken(TimeoutError(), requests.ReadTimeout)
# The first event that is tried to be written only asks whose key it is.
DOWN = (202, "text/html", "<html>")


@pytest.fixture(params=["22.0.4", "16.0.3"])
def books(request: pytest.FixtureRequest) -> Iterator[Books]:
    with Books(request.param).open() as books:
        books.invoices = [bill(number) for number in range(1, 6)]
        yield books


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


@pytest.fixture
def connector(books: Books, office: PostOffice, tmp_path: Path) -> DolibarrConnector:
    return books.connector(tmp_path, office)


@pytest.fixture
def invoices(connector: DolibarrConnector) -> list[Invoice]:
    return list(connector.read(["1", "2", "3", "4", "5"], TODAY).invoices)


def posted(connector: DolibarrConnector, *messages: Outgoing) -> list[Posted]:
    return connector.post(list(messages))


# The claim


def test_the_event_is_there_before_the_mail_leaves_and_done_after(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    one = outgoing(
        "k1", invoices[0], cc=(Address("Élodie", "cc@client8.example"),), attachments=(Document("F & Co.pdf", "", b""),)
    )
    seen: list[Any] = []
    office.before = lambda message: seen.append(dict(books.event(message.key)))
    assert posted(connector, one) == [Posted("k1", "sent")]
    (event,) = seen
    assert event["percentage"] == "0"
    assert (event["fk_element"], event["elementtype"], event["socid"]) == (1, "invoice", "8")
    assert (event["type_code"], event["code"]) == ("AC_EMAIL", "AC_BILL_SENTBYMAIL")
    assert event["email_msgid"] == "k1@acme.example", "Dolibarr would empty it with its brackets"
    assert (event["email_to"], event["email_tocc"]) == ("client8@client.example", "cc@client8.example")
    assert event["datep"] == int(one.sent_at.timestamp()), "seconds: a text would be taken for UTC"
    assert event["note_private"].endswith("<ul><li>F &amp; Co.pdf</li></ul>")
    assert books.event("k1")["percentage"] == "100"
    assert not connector.finish()


def test_run_twice_it_sends_once(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice], tmp_path: Path
) -> None:
    one = outgoing("k1", invoices[0])
    posted(connector, one)
    again = books.connector(tmp_path, office)
    assert posted(again, one) == [Posted("k1", "sent")]
    assert office.sent == ["k1"]
    assert len(books.events) == 1


def test_of_two_at_once_one_claim_wins(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice], tmp_path: Path
) -> None:
    one, others = outgoing("k1", invoices[0]), PostOffice()
    outcomes: list[Posted] = []
    office.before = lambda message: outcomes.extend(posted(books.connector(tmp_path, others), message))
    assert posted(connector, one) == [Posted("k1", "sent")]
    assert [outcome.state for outcome in outcomes] == ["in_doubt"], "the other cannot know what becomes of it"
    assert (office.sent, others.sent) == (["k1"], [])


def test_no_answer_to_the_claim_means_that_nothing_left_and_the_rest_is_not_tried(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.faults["POST agendaevents"] = [None, TIMEOUT]
    messages = [outgoing(f"k{one.id}", one) for one in invoices]
    outcomes = posted(connector, *messages)
    assert office.sent == []
    assert [(one.state, one.tried) for one in outcomes] == [("failed", False)] * 5
    assert "no answer in time" in outcomes[0].error
    assert all("not tried, because another message met" in one.error for one in outcomes[1:])
    assert len(books.events) == 1, "it was written all the same"
    assert books.writes().count("POST agendaevents") == 2, (
        "asked whose key it is, and the claim: it is not written again"
    )
    (again,) = posted(connector, messages[0])
    assert (again.state, office.sent) == ("in_doubt", []), "whoever comes next finds it, and does not know"
    found = connector.find([one.mark for one in messages])
    assert [found[one.key].presence for one in messages] == ["unknown", *["absent"] * 4]


def test_a_claim_that_is_refused_is_a_failure_of_that_message_alone(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    refusal = (500, "application/json", '{"error":{"code":500,"message":"Error creating event","0":"no disk"}}')
    books.faults["POST agendaevents"] = [None, refusal]
    outcomes = posted(connector, outgoing("k1", invoices[0]), outgoing("k2", invoices[1]))
    assert [(one.state, one.tried) for one in outcomes] == [("failed", True), ("sent", True)]
    assert "no disk" in outcomes[0].error
    assert office.sent == ["k2"]


def test_what_cannot_be_learnt_of_an_event_that_was_written_stops_nothing(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.faults["GET agendaevents/*"] = [DOWN] * 3
    assert posted(connector, outgoing("k1", invoices[0])) == [Posted("k1", "sent")]
    assert office.sent == ["k1"]


def test_without_a_mail_server_nothing_is_claimed(books: Books, invoices: list[Invoice], tmp_path: Path) -> None:
    outcomes = posted(books.connector(tmp_path), outgoing("k1", invoices[0]))
    assert outcomes == [Posted("k1", "failed", "no mail server: set mail.smtp", tried=False)]
    assert not books.events


def test_dolibarr_out_of_reach_from_the_start_costs_no_attempt(
    books: Books, office: PostOffice, invoices: list[Invoice], tmp_path: Path
) -> None:
    books.down = True
    outcomes = posted(books.connector(tmp_path, office), *(outgoing(f"k{one.id}", one) for one in invoices))
    assert [(one.state, one.tried) for one in outcomes] == [("failed", False)] * 5
    assert all("Connection refused" in one.error for one in outcomes)


# Between the claim and the mail


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"remaintopay": "20.1"}, "20.1 EUR remain"),
        ({"remaintopay": "0", "statut": "2", "paye": "1"}, "paid"),
        ({"statut": "3", "close_code": "abandon"}, "cancelled"),
        ({"statut": "0"}, "draft"),
        ({"type": "2"}, "gone"),
    ],
)
def test_paid_or_back_to_draft_between_choosing_and_sending_stops_it(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice], change: Any, why: str
) -> None:
    books.before["POST agendaevents"] = [lambda: books.invoices[0].update(change)]
    outcomes = posted(connector, outgoing("k1", invoices[0]), outgoing("k2", invoices[1]))
    assert outcomes == [
        Posted("k1", "failed", f"changed meanwhile: FA2610-0001: {why}", tried=False),
        Posted("k2", "sent"),
    ]
    assert office.sent == ["k2"]
    (given_up,) = [one for one in books.events if one["percentage"] == "-1"]
    assert given_up["array_options"][f"options_{UID}"] == "k1:1", "its key is free again"
    assert why in given_up["note_private"]


def test_one_of_several_invoices_that_changed_stops_the_message(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.invoices[2]["remaintopay"] = "1"
    (outcome,) = posted(connector, outgoing("k1", *invoices[:3]))
    assert outcome.state == "failed"
    assert "FA2610-0003" in outcome.error
    assert len(books.events) == 1, "nothing is noted on the others"
    assert office.sent == []


def test_when_it_cannot_be_read_again_it_is_given_up_and_the_rest_is_not_tried(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.faults["GET invoices"] = [DOWN] * 3
    outcomes = posted(connector, outgoing("k1", invoices[0]), outgoing("k2", invoices[1]))
    assert [(one.state, one.tried) for one in outcomes] == [("failed", False)] * 2
    assert office.sent == []
    assert [one["percentage"] for one in books.events] == ["-1"]
    assert posted(connector, outgoing("k1", invoices[0])) == [Posted("k1", "sent")]


# What the mail server says


def test_an_address_that_is_refused_is_no_reminder_and_may_be_tried_again(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    office.answers["k1"] = Posted("k1", "failed", "550 <no> & such")
    one = outgoing("k1", invoices[0], *invoices[1:2])
    assert posted(connector, one) == [Posted("k1", "failed", "550 <no> & such")]
    (event,) = books.events
    assert event["label"].startswith("Non envoyé : Facture FA2610-0001")
    assert event["note_private"].startswith("<p>550 &lt;no&gt; &amp; such</p>")
    assert connector.find([one.mark]) == {"k1": Found("k1", "absent")}
    office.answers.clear()
    assert posted(connector, one) == [Posted("k1", "sent")]
    assert connector.find([one.mark]) == {"k1": Found("k1", "present")}


def test_a_mail_in_doubt_stays_under_way_and_is_unknown(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    office.answers["k1"] = Posted("k1", "in_doubt", "no answer after DATA")
    one = outgoing("k1", invoices[0], invoices[1])
    assert posted(connector, one) == [office.answers["k1"]]
    assert books.event("k1")["percentage"] == "0"
    assert len(books.events) == 1, "nothing is noted on the others"
    assert connector.find([one.mark]) == {"k1": Found("k1", "unknown")}
    assert not connector.finish()


def test_a_mail_that_reached_some_is_sent_and_says_whom_it_did_not_reach(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    office.answers["k1"] = Posted("k1", "sent", "cc@client.example: 550 no such user")
    assert posted(connector, outgoing("k1", invoices[0])) == [office.answers["k1"]]
    assert books.event("k1")["percentage"] == "100"


# After the mail


def test_when_it_cannot_be_noted_that_a_mail_left_it_left_all_the_same(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.faults["PUT agendaevents/*"] = [DOWN]
    one = outgoing("k1", invoices[0])
    assert posted(connector, one) == [Posted("k1", "sent")]
    assert books.event("k1")["percentage"] == "0"
    assert not connector.finish(), "noted now"
    assert books.event("k1")["percentage"] == "100"


def test_what_still_cannot_be_noted_is_told(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.faults["PUT agendaevents/*"] = [DOWN] * 4
    office.answers["k2"] = Posted("k2", "failed", "550")
    posted(connector, outgoing("k1", invoices[0]), outgoing("k2", invoices[1]))
    problems = list(connector.finish())
    assert [one.where for one in problems] == ["FA2610-0001", "FA2610-0002"]
    assert all("does not say what became of the reminder" in one.text for one in problems)
    assert not connector.finish(), "once"
    assert connector.find([outgoing("k1", invoices[0]).mark])["k1"].presence == "unknown"


def test_an_event_that_dolibarr_does_not_change_is_told_though_it_answers_200(
    books: Books, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.faults["PUT agendaevents/*"] = [(200, "application/json", "false")] * 2
    assert posted(connector, outgoing("k1", invoices[0])) == [Posted("k1", "sent")]
    (problem,) = connector.finish()
    assert "did not change the event 1" in problem.text


def test_a_message_about_several_invoices_is_noted_on_each(
    books: Books, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    assert posted(connector, outgoing("k1", *invoices)) == [Posted("k1", "sent")]
    assert sorted(one["fk_element"] for one in books.events) == [1, 2, 3, 4, 5]
    others = [one for one in books.events if one["fk_element"] != 1]
    assert all(one["percentage"] == "-1" and "FA2610-0001" in one["note_private"] for one in others)
    assert not any(one["array_options"].get(f"options_{UID}") or one.get("email_msgid") for one in others)


def test_what_cannot_be_noted_on_the_others_is_told_and_changes_no_outcome(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    office.before = lambda message: books.faults["POST agendaevents"].append(DOWN)
    assert posted(connector, outgoing("k1", *invoices[:3])) == [Posted("k1", "sent")]
    (problem,) = connector.finish()
    assert "not noted on every invoice" in problem.text


# To-dos


def test_a_to_do_is_for_the_salesperson_where_users_may_be_seen(
    books: Books, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.rights |= {"users", "others"}
    one = activity("k1", invoices[0], sender=Address("Anne", "ANNE@acme.example"), day=date(2026, 11, 23))
    books.users[0]["email"] = "ANNE@acme.example"
    assert posted(connector, one) == [Posted("k1", "sent")]
    event = books.event("k1")
    assert (event["userownerid"], event["percentage"], event["type_code"]) == (2, "0", "AC_OTH")
    assert datetime.fromtimestamp(event["datep"], UTC) == datetime(2026, 11, 23, 11, tzinfo=UTC), "noon of its PHP"
    assert posted(connector, one) == [Posted("k1", "sent")]
    assert connector.find([one.mark]) == {"k1": Found("k1", "present")}, "to be done is what it is for"


def test_a_to_do_is_for_the_robot_where_it_may_make_none_for_others(
    books: Books, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    books.rights.add("users")
    (outcome,) = posted(connector, activity("k1", invoices[0], sender=Address("", "anne@acme.example")))
    assert outcome.state == "sent"
    assert "lacks the right to make events for others" in outcome.error
    assert books.event("k1")["userownerid"] == ROBOT


@pytest.mark.parametrize("email", ["nobody@acme.example", "o'neil@acme.example"])
def test_a_to_do_for_whom_dolibarr_does_not_know_is_for_the_robot(
    books: Books, connector: DolibarrConnector, invoices: list[Invoice], email: str
) -> None:
    (outcome,) = posted(connector, activity("k1", invoices[0], sender=Address("", email)))
    assert (outcome.state, outcome.tried) == ("sent", True)
    assert email in outcome.error
    assert books.event("k1")["userownerid"] == ROBOT


def test_no_answer_to_a_to_do_is_in_doubt_and_a_refused_connection_is_not(
    books: Books, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    one = activity("k1", invoices[0])
    books.faults["POST agendaevents"] = [None, TIMEOUT]
    (outcome,) = posted(connector, one)
    assert outcome.state == "in_doubt"
    assert connector.find([one.mark])["k1"].presence == "present", "it was made"
    refused = broken(ConnectionRefusedError(111, "Connection refused"))
    books.faults["POST agendaevents"] = [refused]
    outcomes = posted(connector, activity("k2", invoices[1]), activity("k3", invoices[2]))
    assert [(one.state, one.tried) for one in outcomes] == [("failed", False)] * 2


def test_mails_and_to_dos_come_out_in_the_order_they_were_given(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    messages = [
        activity("k1", invoices[0]),
        outgoing("k2", invoices[1]),
        activity("k3", invoices[2]),
        outgoing("k4", invoices[3]),
    ]
    assert [one.key for one in posted(connector, *messages)] == ["k1", "k2", "k3", "k4"]
    assert office.sent == ["k2", "k4"]


# Without the extra field


def test_without_the_extra_field_an_event_is_found_by_its_message_id(tmp_path: Path) -> None:
    for version in ("22.0.4", "16.0.3"):
        office = PostOffice(k2=("failed", "550"))
        with Books(version, uid=False).open() as books:
            books.invoices = [bill(1), bill(2)]
            connector = books.connector(tmp_path, office)
            invoices = connector.read(["1", "2"], TODAY).invoices
            one, other = outgoing("k1", invoices[0]), outgoing("k2", invoices[1])
            assert [outcome.state for outcome in posted(connector, one, other)] == ["sent", "failed"]
            assert posted(books.connector(tmp_path, office), one) == [Posted("k1", "sent")]
            office.answers.clear()
            assert posted(books.connector(tmp_path, office), other) == [Posted("k2", "sent")], "given up, tried again"
            assert office.sent == ["k1", "k2", "k2"]


def test_whether_keys_are_unique_is_learnt_before_anything_is_written_or_from_what_was(
    tmp_path: Path,
) -> None:
    for version, known in (("22.0.4", 0), ("16.0.3", 1)):
        with Books(version).open() as books:
            books.invoices = [bill(number) for number in range(1, 4)]
            connector = books.connector(tmp_path, PostOffice())
            invoices = connector.read(["1", "2", "3"], TODAY).invoices
            posted(connector, *(outgoing(f"k{one.id}", one) for one in invoices))
            assert books.calls.count("GET agendaevents/*") == known, "16 cannot look for it: one event is looked at"


# Who writes


def test_the_robots_id_is_told_where_it_may_see_itself_or_by_what_it_may_not_do(books: Books) -> None:
    assert who_am_i(books.session()) == ROBOT
    assert books.writes() == ["POST agendaevents"], "refused before it is one"
    assert not books.events
    books.rights.add("users")
    assert who_am_i(books.session()) == ROBOT
    assert len(books.writes()) == 1


def test_a_robot_that_may_write_for_all_and_not_see_itself_has_to_be_named(
    books: Books, office: PostOffice, invoices: list[Invoice], tmp_path: Path
) -> None:
    books.rights.add("others")
    assert who_am_i(books.session()) == 0
    assert not books.events
    (outcome,) = posted(books.connector(tmp_path, office), outgoing("k1", invoices[0]))
    assert outcome == Posted(
        "k1", "failed", "hosts.acme.user: Dolibarr does not say whose key this is: set the user's id", tried=False
    )
    assert posted(books.connector(tmp_path, office, user=4), outgoing("k1", invoices[0])) == [Posted("k1", "sent")]


# Asking afterwards


def test_the_best_of_several_attempts_is_what_became_of_a_message(
    books: Books, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    one = outgoing("k1", invoices[0])
    for percentage, label, expected in (
        ("-1", "Non envoyé : Facture", "absent"),
        ("0", "Facture", "unknown"),
        ("100", "Facture", "present"),
        ("-1", "Non envoyé : Facture", "present"),
    ):
        number = str(len(books.events) + 1)
        event = {"id": number, "label": label, "email_msgid": "k1@acme.example", "percentage": percentage}
        books.events.append({**event, "array_options": {}})
        assert connector.find([one.mark])["k1"].presence == expected


@pytest.mark.parametrize("percentage", ["-1", "50"])
def test_an_event_that_a_person_set_to_something_else_says_nothing_of_its_mail(
    books: Books, connector: DolibarrConnector, office: PostOffice, invoices: list[Invoice], percentage: str
) -> None:
    office.answers["k1"] = Posted("k1", "in_doubt", "lost")
    one = outgoing("k1", invoices[0])
    posted(connector, one)
    books.events[0]["percentage"] = percentage
    assert connector.find([one.mark])["k1"].presence == "unknown"
    assert connector.capabilities.removable_marks, "one that was deleted proves nothing either"


def test_what_a_person_decides_to_send_again_is_sent_under_a_new_event(
    books: Books, connector: DolibarrConnector, office: PostOffice, invoices: list[Invoice]
) -> None:
    office.answers["k1"] = Posted("k1", "in_doubt", "lost")
    one = outgoing("k1", invoices[0])
    posted(connector, one)
    office.answers.clear()
    assert posted(connector, one)[0].state == "in_doubt", "by itself it is never sent again"
    connector.release([one])
    assert posted(connector, one) == [Posted("k1", "sent")]
    assert [row["percentage"] for row in books.events] == ["-1", "100"]


def test_marks_are_looked_for_together(books: Books, connector: DolibarrConnector, invoices: list[Invoice]) -> None:
    books.invoices += [bill(number) for number in range(6, 21)]
    messages = [outgoing(f"k{number}", replace(invoices[0], id=str(number))) for number in range(1, 21)]
    posted(connector, *messages[:10])
    before = len(books.calls)
    found = connector.find([one.mark for one in messages])
    assert [found[one.key].presence for one in messages] == ["present"] * 10 + ["absent"] * 10
    assert len(books.calls) - before == 1


def test_a_residual_that_was_claimed_otherwise_is_not_mailed(
    books: Books, office: PostOffice, connector: DolibarrConnector, invoices: list[Invoice]
) -> None:
    (outcome,) = posted(connector, outgoing("k1", replace(invoices[0], residual=Decimal("120.09"))))
    assert (outcome.state, office.sent) == ("failed", [])


def _asked_who(books: Books) -> int:
    """How many events are tried to be written, only to be told whose key it is."""
    return 1
