"""Links to the portal: whose token, which address, how many calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from odoo_samples import ScriptedOdoo, invoice

from relance_addon.connectors.odoo.links import Portal
from relance_addon.core.errors import Refused, Unreachable

URL = "http://10.0.0.4:8069"


class Site(ScriptedOdoo):
    """An Odoo with posted invoices 1 to 5, of which the first two have a token."""

    def __init__(self, shares: bool = True, address: str = "https://acme.example") -> None:
        super().__init__(
            {
                "account.move.search_read": self.moves,
                "account.move.get_portal_url": self.portal_url,
                "account.move.get_base_url": lambda ids: f"{self.address}/",
                "portal.share.create": self.share,
                "portal.share.read": lambda ids, fields: [
                    {"id": one, "res_id": one - 70, "share_link": self.link(one - 70)} for one in ids
                ],
            }
        )
        self.tokens: dict[int, str | bool] = {1: "t1", 2: "t2", 3: False, 4: False, 5: False}
        self.shares, self.address = shares, address
        self.refused: set[int] = set()

    def link(self, number: int) -> str:
        return f"{self.address}/mail/view?model=account.move&res_id={number}&access_token=t{number}"

    def moves(self, ids: None, **named: Any) -> list[dict[str, Any]]:
        return [
            {"id": one, "access_token": token, "access_url": f"/my/invoices/{one}"}
            for one, token in self.tokens.items()
            if one in named["domain"][0][2]
        ]

    def portal_url(self, ids: list[int]) -> str:
        if ids[0] in self.refused:
            raise Refused("of another company")
        return f"/my/invoices/{ids[0]}?access_token=t{ids[0]}"

    def share(self, ids: None, vals_list: list[dict[str, Any]]) -> list[int]:
        if not self.shares:
            raise Refused("no rights")
        return [one["res_id"] + 70 for one in vals_list]


def links(odoo: ScriptedOdoo, *ids: str) -> dict[str, str]:
    return Portal(odoo, URL).links([invoice(one) for one in ids])


def test_tokens_that_are_there_are_read_at_once() -> None:
    odoo = Site()
    assert links(odoo, "1", "2", "404", "x") == {
        "1": "https://acme.example/my/invoices/1?access_token=t1",
        "2": "https://acme.example/my/invoices/2?access_token=t2",
    }
    assert odoo.calls == ["account.move.search_read", "account.move.get_base_url"]


def test_the_address_of_odoo_is_asked_for_once() -> None:
    odoo = Site()
    portal = Portal(odoo, URL)
    portal.links([invoice("1")])
    portal.links([invoice("2")])
    assert odoo.calls.count("account.move.get_base_url") == 1


def test_new_tokens_are_made_at_once_where_the_user_may_share_records() -> None:
    odoo = Site()
    found = links(odoo, "1", "3", "4", "5")
    assert found["4"] == "https://acme.example/my/invoices/4?access_token=t4"
    assert list(found) == ["1", "3", "4", "5"]
    assert "account.move.get_portal_url" not in odoo.calls
    assert len(odoo.calls) == 4


def test_an_accountant_has_them_made_one_by_one() -> None:
    odoo = Site(shares=False)
    odoo.refused = {4}
    assert links(odoo, "1", "3", "4", "5") == {
        one: f"https://acme.example/my/invoices/{one}?access_token=t{one}" for one in ("1", "3", "5")
    }
    assert odoo.calls.count("account.move.get_portal_url") == 3


@pytest.mark.parametrize("answer", ["", False, None])
def test_where_odoo_does_not_say_its_address_it_is_the_one_where_we_log_in(answer: Any) -> None:
    def address(ids: list[int]) -> Any:
        if answer is None:
            raise Refused("no rights")
        return answer

    odoo = Site()
    odoo.script["account.move.get_base_url"] = address
    assert links(odoo, "1") == {"1": f"{URL}/my/invoices/1?access_token=t1"}


def test_a_link_that_came_with_the_invoice_stays() -> None:
    odoo = Site()
    own = replace(invoice("1"), payment_link="https://pay.acme.example/FAC-1")
    assert Portal(odoo, URL).links([own]) == {"1": "https://pay.acme.example/FAC-1"}
    assert not odoo.calls


def test_drafts_have_no_link() -> None:
    odoo = Site()
    links(odoo, "1")
    assert ("state", "=", "posted") in odoo.asked[0]["domain"]


def test_an_odoo_that_does_not_answer_is_said_not_to() -> None:
    def broken(ids: None, **named: Any) -> Any:
        raise Unreachable("no answer")

    odoo = Site()
    odoo.script["portal.share.create"] = broken
    with pytest.raises(Unreachable):
        links(odoo, "3", "4")
