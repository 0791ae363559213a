"""Mails of Odoo's own: with system rights, or through an empty template."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from odoo_samples import PostOffice, invoice, outgoing

from relance_addon.connectors.odoo import events
from relance_addon.connectors.odoo.mails import copies
from relance_addon.connectors.odoo.posting import Office, office
from relance_addon.connectors.odoo.posting import post as post_by
from relance_addon.connectors.odoo.traces import look_up
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Address, Client
from relance_addon.core.outgoing import Document, Outgoing, Posted
from relance_addon.hosts.faults import NotDone

CLIENT = Client("8", "Dupont")
MAIL = Office("mail")
TEMPLATE = Office("template", 7)


def post(odoo: PostOffice, way: Office, messages: list[Outgoing]) -> list[Posted]:
    return post_by(odoo, way, messages)[0]


def failing(error: HostError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def message(key: str = "k", *to: str, cc: str = "", **more: Any) -> Outgoing:
    made = outgoing(key, CLIENT, [invoice("21")], *(to or ("anyone@dupont.test",)), **more)
    return replace(made, cc=(Address("", cc),)) if cc else made


def test_the_way_is_the_best_that_the_users_rights_allow() -> None:
    assert office(PostOffice(system=True), "auto", None, "x").way == "mail"
    assert office(PostOffice(), "auto", 7, "x") == Office("template", 7, "x")
    assert office(PostOffice(), "auto", None, "x").way == "note"
    assert office(PostOffice(system=True), "note", None, "x").way == "note"


def test_a_batch_of_mails_is_written_and_sent_in_a_call_each() -> None:
    odoo = PostOffice(system=True)
    batch = [message(f"k{n}", f"client{n}@x.test") for n in range(20)]
    outcomes = post(odoo, MAIL, batch)
    assert [one.key for one in outcomes] == [one.key for one in batch]
    assert [one.state for one in outcomes] == ["sent"] * 20
    assert odoo.calls == ["mail.message.search_read", "mail.mail.load", "mail.mail.send", "mail.mail.read"]
    assert len(odoo.mailed) == 20
    assert odoo.asked[2]["auto_commit"] is True


def test_what_some_of_a_batch_meet_says_nothing_of_the_others() -> None:
    odoo = PostOffice(system=True)
    refused = ["k0", "k2"]

    def load(ids: Any, **named: Any) -> dict[str, Any]:
        if any(row[0].split(".")[1].startswith(tuple(f"{key}-" for key in refused)) for row in named["data"]):
            return {"ids": False, "messages": [{"message": "no"}]}
        return odoo.load(ids, **named)

    odoo.script["mail.mail.load"] = load
    outcomes = post(odoo, MAIL, [message(f"k{n}", f"client{n}@x.test") for n in range(10)])
    assert [one.state for one in outcomes] == ["failed", "sent", "failed", *["sent"] * 7]


def headers(one: dict[str, Any]) -> dict[str, str]:
    return dict(ast.literal_eval(one["headers"]))


def test_one_recipient_needs_no_other_to() -> None:
    (one,) = copies(message(), 18)
    assert one["email_to"] == "anyone@dupont.test"
    assert headers(one) == {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}
    assert (one["model"], one["res_id"]) == ("account.move", 21)


def test_a_partial_refusal_is_seen_because_everybody_has_a_copy_of_their_own() -> None:
    found = list(copies(message("k", "a@x.test", "b@x.test", cc="c@x.test", bcc=["d@x.test"]), 18))
    assert [one["email_to"] for one in found] == ["a@x.test", "b@x.test", "", "d@x.test"]
    assert [one["email_cc"] for one in found] == ["", "", "c@x.test", ""]
    assert {one["message_id"] for one in found} == {message().message_id}
    assert {headers(one)["X-Forge-To"] for one in found} == {"a@x.test, b@x.test"}
    assert [headers(one).get("Cc") for one in found] == ["c@x.test", "c@x.test", None, "c@x.test"]
    assert "d@x.test" not in str([one["headers"] for one in found])


def test_odoo_16_would_mail_to_a_cc_among_the_headers() -> None:
    found = list(copies(message("k", "a@x.test", cc="c@x.test"), 16))
    assert {headers(one)["X-Forge-To"] for one in found} == {"a@x.test, c@x.test"}
    assert all("Cc" not in headers(one) for one in found)


def test_only_the_first_copy_stands_on_the_invoice() -> None:
    odoo = PostOffice(system=True)
    post(odoo, MAIL, [message("k", "a@x.test", "b@x.test")])
    assert [(row["model"], row["res_id"]) for row in odoo.mails] == [("account.move", 21), ("res.partner", 8)]


def test_files_are_linked_to_the_invoice_and_to_every_copy() -> None:
    odoo = PostOffice(system=True)
    files = [Document("a.pdf", "application/pdf", b"%PDF"), Document("b", "text/plain", b"")]
    post(odoo, MAIL, [message("k", "a@x.test", "b@x.test", attachments=files)])
    assert odoo.calls.count("ir.attachment.create") == 1
    made = odoo.asked[odoo.calls.index("ir.attachment.create")]["vals_list"]
    assert {(one["res_model"], one["res_id"]) for one in made} == {("account.move", 21)}
    assert [row["attachment_ids/.id"] for row in odoo.mails] == ["50,51", "50,51"]


def test_earlier_reminders_are_referred_to() -> None:
    mime = b"Subject: x\r\nReferences: <one@a>\r\n <two@a>\r\n\r\nReferences: <no@a>\r\n"
    (one,) = copies(replace(message(), mime=mime), 18)
    assert one["references"] == "<one@a> <two@a>"


def test_address_refused() -> None:
    odoo = PostOffice(system=True)
    odoo.status = "exception"
    (outcome,) = post(odoo, MAIL, [message()])
    assert outcome.state == "failed"
    assert outcome.error == "anyone@dupont.test: 550 no such user"


def test_what_odoo_refuses_to_write_fails_alone() -> None:
    odoo = PostOffice(system=True)
    good, bad = post(odoo, MAIL, [message("k"), message("l", "broken")])
    assert (good.state, bad.state) == ("sent", "failed")
    assert bad.error == "a broken address"
    assert len(odoo.mailed) == 1


def test_a_second_attempt_after_a_failure_is_sent_and_judged_by_itself() -> None:
    odoo = PostOffice(system=True)
    odoo.status = "exception"
    assert post(odoo, MAIL, [message()])[0].state == "failed"
    assert post(odoo, MAIL, [message()])[0].state == "failed"
    odoo.status = "sent"
    assert post(odoo, MAIL, [message()])[0] == ("k", "sent", "", True)
    assert len(odoo.mailed) == 1
    assert len(odoo.names) == 3


@pytest.mark.parametrize("way", [MAIL, TEMPLATE, Office("note")])
def test_what_odoo_has_already_is_not_posted_again(way: Office) -> None:
    odoo = PostOffice(system=way is MAIL)
    first = message("k", "both@dupont.test")
    assert post(odoo, way, [first])[0].state in ("sent", "queued")
    asked = len(odoo.mailed) + len(odoo.mails)
    (again, other) = post(odoo, way, [first, message("l", "both@dupont.test")])
    assert again.state == other.state
    assert len(odoo.mailed) + len(odoo.mails) - asked == len([other]) * (2 if way is MAIL else 1)


def test_a_name_that_another_process_claimed_meanwhile_makes_no_second_mail() -> None:
    odoo = PostOffice(system=True)
    post(odoo, MAIL, [message()])
    seen = iter([[], *[list(odoo.kept.values())] * 2])
    odoo.script["mail.message.search_read"] = lambda ids, **named: next(seen)
    assert post(odoo, MAIL, [message()])[0].state == "sent"
    assert len(odoo.mailed) == 1


def test_written_but_not_sent_is_left_to_odoos_queue() -> None:
    odoo = PostOffice(system=True)
    odoo.script["mail.mail.send"] = lambda ids, **named: failing(Unreachable("no answer in time"))()
    (outcome,) = post(odoo, MAIL, [message()])
    assert outcome.state == "queued"
    assert "no answer" in outcome.error


def test_a_time_out_while_writing_is_looked_into() -> None:
    odoo = PostOffice(system=True)
    odoo.before = failing(Unreachable("no answer in time"))
    assert [one.state for one in post(odoo, MAIL, [message("k"), message("l")])] == ["in_doubt", "in_doubt"]
    assert not odoo.mailed


def test_out_of_reach_before_anything_costs_no_attempt() -> None:
    odoo = PostOffice(system=True)
    odoo.script["mail.message.search_read"] = lambda ids, **named: failing(NotDone("connection refused"))()
    assert [(one.state, one.tried) for one in post(odoo, MAIL, [message()])] == [("failed", False)]


def test_a_template_writes_what_the_queue_sends() -> None:
    odoo = PostOffice()
    outcomes = post(odoo, TEMPLATE, [message("k", cc="c@x.test"), message("l")])
    assert [one.state for one in outcomes] == ["queued", "queued"]
    asked = [one for one in odoo.asked if "email_values" in one]
    assert len(asked) == 3
    assert (asked[0]["ids"], asked[0]["res_id"], asked[0]["force_send"]) == ([7], 21, False)
    assert asked[0]["email_values"]["auto_delete"] is False
    assert [one["email_values"]["res_id"] for one in asked] == [21, 8, 21]


def test_a_template_that_may_not_be_used_fails_for_certain() -> None:
    odoo = PostOffice()
    odoo.before = failing(Refused("no such template"))
    assert post(odoo, TEMPLATE, [message()])[0] == ("k", "failed", "no such template", True)


def test_events_tell_every_copy_apart() -> None:
    odoo = PostOffice(system=True)
    one = message("k", "a@x.test", bcc=["b@x.test"])
    post(odoo, MAIL, [one])
    odoo.mails[1].update(state="exception", failure_reason="552\n full")
    found = list(events.events(odoo, [one.message_id, "<never@x>"], mails=True))
    assert [(event.event, event.recipient, event.detail) for event in found] == [
        ("sent", "a@x.test", ""),
        ("failed", "b@x.test", "552 full"),
    ]
    assert {event.at.isoformat() for event in found} == {"2026-11-21T08:00:00+00:00"}


def test_a_mail_that_odoo_cleared_away_was_sent() -> None:
    odoo = PostOffice(system=True)
    post(odoo, MAIL, [message()])
    odoo.mails.clear()
    assert look_up(odoo, [message().message_id], mails=True)[message().message_id].state == "sent"


def test_look_ups_grow_with_pages() -> None:
    odoo = PostOffice(system=True)
    look_up(odoo, [f"<{n}@x>" for n in range(2500)], mails=True)
    assert odoo.calls == ["mail.message.search_read"] * 3


def test_what_a_person_cancelled_in_odoo_is_in_doubt_and_not_sent_again() -> None:
    odoo = PostOffice(system=True)
    odoo.status = "cancel"
    assert post(odoo, MAIL, [message()])[0].state == "in_doubt"
    odoo.status = "sent"
    (again,) = post(odoo, MAIL, [message()])
    assert (again.state, again.error.partition(":")[0]) == ("in_doubt", "cancelled in Odoo")
    assert not odoo.mailed
    assert not list(events.events(odoo, [message().message_id], mails=True))


def test_a_mail_that_may_not_be_seen_any_more_is_in_doubt_and_not_said_to_be_queued() -> None:
    odoo = PostOffice(system=True)
    odoo.status = "exception"
    one = message("k", "both@dupont.test")
    assert post(odoo, MAIL, [one])[0].state == "failed"
    (again,) = post(odoo, Office("note"), [one])
    assert again.state == "in_doubt"


def test_turned_away_before_it_was_carried_out_is_a_failure_and_no_doubt() -> None:
    for way in (MAIL, TEMPLATE, Office("note")):
        odoo = PostOffice(system=True)
        odoo.before = failing(NotDone("HTTP 429"))
        (outcome,) = post(odoo, way, [message("k", "both@dupont.test")])
        assert outcome.state == "failed"
