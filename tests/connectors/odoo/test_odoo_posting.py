"""What is said of a message when Odoo answers badly, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from odoo_samples import PostOffice, invoice, outgoing
from odoo_server import settings
from odoo_stage import surroundings

from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.posting import Office
from relance_addon.connectors.odoo.posting import post as post_by
from relance_addon.connectors.odoo.traces import look_up
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Client
from relance_addon.core.outgoing import Document, Outgoing, Posted
from relance_addon.hosts.faults import NotDone

CLIENT = Client("8", "Dupont")


def post(odoo: PostOffice, messages: list[Outgoing]) -> list[Posted]:
    """As an accountant."""
    return post_by(odoo, Office("note"), messages)[0]


def failing(error: HostError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def message(key: str = "k", *to: str, **more: Any) -> Outgoing:
    return outgoing(key, CLIENT, [invoice("21")], *(to or ("both@dupont.test",)), **more)


def test_a_batch_of_notes_is_one_call_to_a_message_and_five_for_all() -> None:
    odoo = PostOffice()
    outcomes = post(odoo, [message(f"k{n}") for n in range(20)])
    assert [one.state for one in outcomes] == ["sent"] * 20
    assert len(odoo.calls) == 20 + 5


def test_of_several_contacts_with_the_address_it_takes_the_clients_own_for_invoices() -> None:
    odoo = PostOffice()
    post(odoo, [message("k", "BOTH@dupont.test", "sales@acme.test")])
    assert odoo.posted()["partner_ids"] == [9, 12]


def test_it_posts_a_note_that_followers_do_not_get() -> None:
    odoo = PostOffice()
    post(odoo, [message()])
    assert odoo.posted()["ids"] == [21]
    assert odoo.posted()["subtype_xmlid"] == "mail.mt_note"
    assert odoo.posted()["body_is_html"] is True
    assert odoo.posted()["email_from"] == '"Comptabilité, Acme" <compta@relance.test>'


def test_odoo_16_is_not_told_that_the_body_is_html() -> None:
    odoo = PostOffice(16)
    post(odoo, [message()])
    assert "body_is_html" not in odoo.posted()


def test_a_message_without_html_is_its_text() -> None:
    odoo = PostOffice()
    post(odoo, [message(html="")])
    assert odoo.posted()["body"] == "<p>Bonjour,<br>merci de régler vos factures.</p>"


def test_documents_are_attached() -> None:
    odoo = PostOffice()
    post(odoo, [message(attachments=[Document("a.pdf", "application/pdf", b"%PDF"), Document("b", "text/plain", b"")])])
    assert odoo.posted()["attachment_ids"] == [50, 51]


def test_documents_are_not_taken_for_ones_to_update_the_invoice_from() -> None:
    odoo = PostOffice()
    post(odoo, [message(attachments=[Document("a.pdf", "application/pdf", b"%PDF")])])
    assert odoo.posted()["context"].items() >= {"no_new_invoice": True, "disable_attachment_import": True}.items()


def test_a_message_that_left_is_noted_on_its_other_invoices() -> None:
    odoo = PostOffice()
    both = [
        outgoing("a", CLIENT, [invoice("21"), invoice("22"), invoice("23")], "both@dupont.test"),
        outgoing("b", CLIENT, [invoice("24"), invoice("25")], "nobody@dupont.test"),
    ]
    posted, trouble = post_by(odoo, Office("note"), both)
    assert [one.state for one in posted] == ["sent", "failed"]
    assert not trouble
    notes = odoo.asked[odoo.calls.index("mail.message.create")]["vals_list"]
    assert [(note["res_id"], note["subject"]) for note in notes] == [(22, both[0].subject), (23, both[0].subject)]
    assert post_by(odoo, Office("note"), both[:1]) == ([("a", "sent", "", True)], "")
    assert odoo.calls.count("mail.message.create") == 1, "noted already"


def test_what_cannot_be_noted_on_other_invoices_has_left_all_the_same() -> None:
    odoo = PostOffice()

    def refuse(ids: object, **named: object) -> None:
        raise Refused("not your invoice")

    odoo.script["mail.message.create"] = refuse
    both = outgoing("a", CLIENT, [invoice("21"), invoice("22")], "both@dupont.test")
    assert post_by(odoo, Office("note"), [both]) == ([("a", "sent", "", True)], "not your invoice")


def test_an_address_that_no_contact_has_fails_and_says_what_to_do() -> None:
    odoo = PostOffice()
    first, second = post(odoo, [message("k", "nobody@dupont.test"), message("l")])
    assert first.state == "failed"
    assert "add it" in first.error
    assert second.state == "sent"


def test_odoo_19_would_show_a_bcc_to_the_others() -> None:
    hidden = message("k", bcc=["sales@acme.test"])
    assert post(PostOffice(19), [hidden])[0].state == "failed"
    odoo = PostOffice(18)
    assert post(odoo, [hidden])[0].state == "sent"
    assert odoo.posted()["partner_ids"] == [9, 12]


@pytest.mark.parametrize(
    ("status", "state"),
    [("sent", "sent"), ("bounce", "sent"), ("ready", "queued"), ("exception", "failed"), ("canceled", "in_doubt")],
)
def test_odoo_says_what_became_of_it(status: str, state: str) -> None:
    odoo = PostOffice()
    odoo.status = status
    (outcome,) = post(odoo, [message()])
    assert outcome.state == state
    assert ("550 no such user" in outcome.error) == (status in ("bounce", "exception"))


def test_a_time_out_leaves_a_message_in_doubt_and_the_rest_untried() -> None:
    odoo = PostOffice()
    odoo.before = failing(Unreachable("no answer in time"))
    first, second = post(odoo, [message("k"), message("l")])
    assert (first.state, second.state) == ("in_doubt", "failed")
    assert "not tried" in second.error
    assert odoo.calls.count("account.move.message_post") == 1


def test_a_time_out_after_the_message_was_kept_is_no_doubt() -> None:
    odoo = PostOffice()
    odoo.after = failing(Unreachable("no answer in time"))
    assert post(odoo, [message()])[0].state == "sent"


def test_a_refusal_is_a_failure_of_that_message_alone() -> None:
    odoo = PostOffice()
    errors = iter([Refused("the user lacks rights"), None])

    def refuse() -> None:
        error = next(errors)
        if error:
            raise error

    odoo.before = refuse
    assert [one.state for one in post(odoo, [message("k"), message("l")])] == ["failed", "sent"]


def test_an_error_after_the_message_was_kept_does_not_make_it_fail() -> None:
    odoo = PostOffice()
    odoo.after = failing(Refused("a mail server said no"))
    assert post(odoo, [message()])[0].state == "sent"


def test_odoo_out_of_reach_fails_all_for_certain() -> None:
    odoo = PostOffice()
    odoo.script["res.partner.search_read"] = lambda ids, **named: failing(NotDone("connection refused"))()
    assert [one.state for one in post(odoo, [message("k"), message("l")])] == ["failed", "failed"]
    assert odoo.calls == ["mail.message.search_read", "res.partner.search_read"]


def test_what_cannot_be_asked_afterwards_is_in_doubt() -> None:
    odoo = PostOffice()

    def cut() -> None:
        odoo.script["mail.message.search_read"] = lambda ids, **named: failing(Unreachable("HTTP 502"))()

    odoo.after = cut
    assert post(odoo, [message()])[0].state == "in_doubt"


def test_a_message_posted_to_nobody_is_told_apart() -> None:
    odoo = PostOffice()
    odoo.keep("comment", "<a@b>")
    assert look_up(odoo, ["<a@b>", "<c@d>"], mails=False)["<a@b>"].state == "silent"


@pytest.mark.parametrize(("system", "lanes"), [(True, 2), (False, 1)])
def test_two_batches_of_mails_go_at_a_time_over_connections_of_their_own_and_notes_one_by_one(
    system: bool, lanes: int
) -> None:
    made: list[PostOffice] = []

    def connect(*_: Any) -> Any:
        made.append(PostOffice(system=system))
        return made[-1]

    host = OdooConnector("acme", settings("https://odoo.test", password={"env": "PATH"}), surroundings(Path()), connect)
    assert host.lanes(2) == lanes
    assert [one.state for one in host.post([message()])] == ["sent"]
    (office,) = made
    assert [bool(one.mailed) for one in (office, *office.others)] == ([False, True, False] if system else [True])
