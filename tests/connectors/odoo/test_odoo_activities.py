"""To-dos on invoices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from odoo_samples import PostOffice, invoice, outgoing

from relance_addon.connectors.odoo.activities import find
from relance_addon.connectors.odoo.posting import Office
from relance_addon.connectors.odoo.posting import post as post_by
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Address, Client
from relance_addon.core.outgoing import Outgoing, Posted

NOTE = Office("note", activity="mail.mail_activity_data_call")


def post(odoo: PostOffice, way: Office, messages: list[Outgoing]) -> list[Posted]:
    return post_by(odoo, way, messages)[0]


def to_do(key: str = "k", sender: str = "Anne@acme.test") -> Outgoing:
    made = outgoing(key, Client("8", "Dupont"), [invoice("21"), invoice("22")])
    return replace(made, channel="activity", sender=Address("", sender), text="Appeler <Dupont>\nmerci")


def test_a_to_do_of_a_chosen_type_deadline_and_user_on_every_invoice() -> None:
    odoo = PostOffice()
    (outcome,) = post(odoo, NOTE, [to_do()])
    assert outcome == ("k", "sent", "", True)
    asked = odoo.asked[-1]
    assert asked["ids"] == [21, 22]
    assert (asked["act_type_xmlid"], asked["date_deadline"], asked["user_id"]) == (
        "mail.mail_activity_data_call",
        "2026-11-21",
        2,
    )
    assert asked["note"] == "<p>Appeler &lt;Dupont&gt;<br>merci</p><p>relance k</p>"


def test_it_is_found_again_and_not_made_twice() -> None:
    odoo = PostOffice()
    post(odoo, NOTE, [to_do("k1")])
    assert find(odoo, ["k1", "k", "k2"]) == {"k1"}
    assert post(odoo, NOTE, [to_do("k1"), to_do("k2")]) == [("k1", "sent", "", True), ("k2", "sent", "", True)]
    assert len(odoo.to_dos) == 2


def test_one_that_was_done_is_found_in_the_chatter() -> None:
    odoo = PostOffice()
    odoo.script["mail.message.search_read"] = lambda ids, **named: [{"id": 1, "body": "<p>relance k</p>"}]
    assert find(odoo, ["k"]) == {"k"}


def test_of_somebody_who_is_no_user_odoo_chooses_who_does_it() -> None:
    odoo = PostOffice()
    (outcome,) = post(odoo, NOTE, [to_do(sender="nobody@acme.test")])
    assert outcome == ("k", "sent", "no user of Odoo has the address nobody@acme.test", True)
    assert "user_id" not in odoo.asked[-1]


@pytest.mark.parametrize(
    ("error", "states", "tried"),
    [(Refused("no"), ["failed", "failed"], True), (Unreachable("no answer in time"), ["in_doubt", "failed"], False)],
)
def test_what_goes_wrong(error: HostError, states: list[str], tried: bool) -> None:
    odoo = PostOffice()

    def fail() -> None:
        raise error

    odoo.before = fail
    outcomes = post(odoo, NOTE, [to_do("k1"), to_do("k2")])
    assert [one.state for one in outcomes] == states
    assert outcomes[1].tried is tried


def test_a_time_out_after_it_was_made_is_no_doubt() -> None:
    odoo = PostOffice()

    def fail() -> None:
        raise Unreachable("no answer in time")

    odoo.after = fail
    assert post(odoo, NOTE, [to_do()])[0].state == "sent"
