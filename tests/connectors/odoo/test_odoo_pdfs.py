"""The PDF of an invoice: which of Odoo's it is, and by which way it comes."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import responses
from odoo_samples import ScriptedOdoo, invoice

from relance_addon.connectors.odoo.browser import Browser, Visit
from relance_addon.connectors.odoo.pdfs import Printer, printer
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.errors import Refused, Unreachable

URL = "https://odoo.example/erp"
KEY = "0123456789abcdef" * 2 + "01234567"
KEPT, PRINTED = b"%PDF-1.4 kept", b"%PDF-1.4 printed"


class Library(ScriptedOdoo):
    """An Odoo with posted invoices 1 to 3; the first has a legal PDF (from 17 on) or a saved one (16)."""

    def __init__(self, version: int = 18) -> None:
        super().__init__(
            {
                "account.move.search_read": self.moves,
                "account.move.read": self.moves,
                "account.move.get_portal_url": lambda ids, **named: f"/my/invoices/{ids[0]}?access_token=t0ken",
                "ir.attachment.search_read": lambda ids, **named: self.saved,
                "ir.attachment.read": lambda ids, fields: [
                    {"id": one, "datas": b64encode(self.kept[one]).decode()} for one in ids
                ],
                "account.move.send.fields_get": lambda ids, attributes: self.boxes,
                "account.move.send.create": self.make,
                "account.move.send.action_send_and_print": self.send,
                "account.move.send.wizard.create": self.make,
                "account.move.send.wizard.action_send_and_print": self.send,
            },
            version,
        )
        self.legal: dict[int, int] = {1: 51} if version > 16 else {}
        self.kept = {51: KEPT}
        self.saved: list[dict[str, Any]] = [
            {"id": 51, "res_id": 1, "name": "FAC_1.pdf", "create_date": "2026-11-01 09:00:00"}
        ]
        self.boxes = {
            "checkbox_send_mail": {"type": "boolean"},
            "checkbox_ubl_cii_xml": {"type": "boolean"},
            "l10n_xx_checkbox_send": {"type": "boolean"},
            "checkbox_label": {"type": "char"},
        }
        self.made: list[dict[str, Any]] = []
        self.refused: set[int] = set()

    def moves(self, ids: list[int] | None, **named: Any) -> list[dict[str, Any]]:
        wanted = ids if ids is not None else named["domain"][0][2]
        return [
            {
                "id": one,
                "name": f"FAC/{one}",
                "write_date": "2026-11-01 09:00:00",
                "invoice_pdf_report_id": self.legal.get(one, False),
            }
            for one in (1, 2, 3)
            if one in wanted
        ]

    def make(self, ids: None, vals_list: list[dict[str, Any]], context: dict[str, Any]) -> list[int]:
        self.made += vals_list
        return [context["active_ids"][0] + 70]

    def send(self, ids: list[int]) -> None:
        number = ids[0] - 70
        if number in self.refused:
            raise Refused("the e-invoice lacks a bank account")
        self.legal[number] = 50 + number
        self.kept[50 + number] = b"%PDF-1.4 made"


def log_in(uid: int | None = 6) -> None:
    """Odoo's web pages know the user, or not."""
    answer = {"result": {"uid": uid}} if uid else {"error": {"message": "no"}}
    responses.post(
        f"{URL}/web/session/authenticate", json=answer, headers={"Set-Cookie": "session_id=s3ss; Path=/; HttpOnly"}
    )
    responses.post(f"{URL}/web/session/destroy", json={"result": None})


def prints(*numbers: int, content: bytes = PRINTED, status: int = 200) -> None:
    for number in numbers:
        path = f"{URL}/report/pdf/account.report_invoice_with_payments/{number}"
        responses.get(path, body=content, status=status)


def hands_out(*numbers: int, content: bytes = PRINTED) -> None:
    for number in numbers:
        responses.get(f"{URL}/my/invoices/{number}?access_token=t0ken", body=content)


def press(odoo: ScriptedOdoo, password: str = "geheim", make: bool = False) -> Printer:
    return Printer(odoo, Browser(Visit(URL, 5), URL, "acme", "relance", password), make)


def contents(press: Printer, *ids: str) -> dict[str, bytes]:
    return {one: document.content for one, document in press.pdfs([invoice(one) for one in ids]).items()}


@responses.activate
def test_the_legal_pdf_that_odoo_keeps_comes_first_and_all_of_them_at_once() -> None:
    odoo = Library()
    odoo.legal, odoo.kept = {1: 51, 2: 52, 3: 53}, dict.fromkeys((51, 52, 53), KEPT)
    found = press(odoo).pdfs([invoice("1"), invoice("2"), invoice("3"), invoice("404"), invoice("x")])
    assert {one: (pdf.name, pdf.mime, pdf.content) for one, pdf in found.items()} == {
        one: (f"FAC-{one}.pdf", "application/pdf", KEPT) for one in ("1", "2", "3")
    }
    assert odoo.calls == ["account.move.search_read", "ir.attachment.read"]
    assert not responses.calls


@responses.activate
def test_with_a_password_the_others_are_printed_in_a_session() -> None:
    log_in()
    prints(2, 3)
    one = press(Library())
    assert one.prints_any()
    assert contents(one, "1", "2", "3") == {"1": KEPT, "2": PRINTED, "3": PRINTED}
    asked = json.loads(responses.calls[0].request.body or "")
    assert asked["params"] == {"db": "acme", "login": "relance", "password": "geheim"}
    assert [call.request.headers.get("Cookie") for call in responses.calls] == [None, *["session_id=s3ss"] * 2]
    one.close()
    one.close()
    assert [call.request.url for call in responses.calls][3:] == [f"{URL}/web/session/destroy"]


@responses.activate
def test_an_api_key_is_not_tried_as_a_password() -> None:
    one = press(Library(), KEY)
    assert not one.prints_any()
    assert contents(one, "1", "2") == {"1": KEPT}
    assert not responses.calls


@responses.activate
@pytest.mark.parametrize("version", [17, 18, 19])
def test_the_portal_of_17_and_after_is_not_asked_for_it_gives_out_a_pro_forma(version: int) -> None:
    log_in(None)
    odoo = Library(version)
    assert contents(press(odoo), "1", "2", "3") == {"1": KEPT}
    assert "account.move.get_portal_url" not in odoo.calls
    # A refused log-in is not repeated: Odoo locks those out who insist.
    assert len(responses.calls) == 1


@responses.activate
def test_the_portal_of_16_prints_the_invoice_itself() -> None:
    hands_out(2)
    hands_out(3, content=b"<html>Log in</html>")
    one = press(Library(16), KEY)
    assert one.prints_any()
    assert contents(one, "1", "2", "3") == {"1": KEPT, "2": PRINTED}


@responses.activate
@pytest.mark.parametrize(
    "to",
    [
        f"{URL}/fr/my/invoices/2?access_token=t0ken",
        "/fr/my/invoices/2?access_token=t0ken",
        "/erp/fr/my/invoices/2?access_token=t0ken",
    ],
)
def test_the_portal_may_lead_to_a_page_in_another_language(to: str) -> None:
    responses.get(f"{URL}/my/invoices/2?access_token=t0ken", status=303, headers={"Location": to})
    responses.get(f"{URL}/fr/my/invoices/2?access_token=t0ken", body=PRINTED)
    assert contents(press(Library(16), KEY), "2") == {"2": PRINTED}


@responses.activate
@pytest.mark.parametrize("to", ["https://evil.example/a.pdf", "//evil.example/a.pdf", ""])
def test_a_page_elsewhere_is_not_gone_to(to: str) -> None:
    responses.get(f"{URL}/my/invoices/2?access_token=t0ken", status=303, headers={"Location": to})
    assert contents(press(Library(16), KEY), "2") == {}
    assert len(responses.calls) == 1


@responses.activate
def test_another_file_of_an_invoice_on_16_is_not_its_pdf() -> None:
    odoo = Library(16)
    odoo.saved[0]["res_id"] = 2
    hands_out(1, 2)
    assert contents(press(odoo, KEY), "1", "2") == {"1": PRINTED, "2": PRINTED}


@responses.activate
def test_what_16_printed_before_the_invoice_changed_is_printed_anew() -> None:
    odoo = Library(16)
    odoo.saved[0]["create_date"] = "2026-11-01 08:59:59"
    hands_out(1)
    assert contents(press(odoo, KEY), "1") == {"1": PRINTED}


@responses.activate
def test_what_is_no_pdf_is_not_attached() -> None:
    log_in()
    prints(1)
    prints(2, content=b"<html>Log in</html>")
    prints(3, content=b"Unable to find Wkhtmltopdf", status=400)
    odoo = Library()
    odoo.kept[51] = b"<xml/>"
    assert contents(press(odoo), "1", "2", "3") == {"1": PRINTED}


@responses.activate
@pytest.mark.parametrize(("version", "wizard"), [(17, ""), (18, ".wizard"), (19, ".wizard")])
def test_with_consent_odoo_makes_what_is_missing_and_sends_it_nowhere(version: int, wizard: str) -> None:
    odoo = Library(version)
    one = press(odoo, KEY, make=True)
    assert one.prints_any()
    assert contents(one, "1", "2") == {"1": KEPT, "2": b"%PDF-1.4 made"}
    assert f"account.move.send{wizard}.action_send_and_print" in odoo.calls
    ways = {"sending_methods": [], "extra_edis": [], "move_id": 2}
    boxes = {"checkbox_send_mail": False, "l10n_xx_checkbox_send": False, "move_ids": [(6, 0, [2])]}
    assert odoo.made == [ways if wizard else boxes]


@responses.activate
def test_an_invoice_that_odoo_refuses_to_make_stops_no_other() -> None:
    odoo = Library()
    odoo.refused = {2}
    assert contents(press(odoo, KEY, make=True), "2", "3") == {"3": b"%PDF-1.4 made"}


@responses.activate
def test_consent_means_nothing_on_16_where_nothing_is_marked() -> None:
    odoo = Library(16)
    assert contents(press(odoo, KEY, make=True), "1") == {"1": KEPT}
    assert not odoo.made


@responses.activate
def test_pages_out_of_reach_leave_invoices_without_and_the_batch_goes_on() -> None:
    log_in()
    prints(2)
    # Nothing is there for 3: the connection fails.
    assert contents(press(Library()), "1", "2", "3") == {"1": KEPT, "2": PRINTED}


@responses.activate
def test_what_is_told_of_a_broken_connection_holds_no_token() -> None:
    with pytest.raises(Unreachable) as caught:
        Browser(Visit(URL, 5), URL, "acme", "relance", KEY).pdf("/my/invoices/1?access_token=t0ken")
    assert "t0ken" not in str(caught.value)
    assert str(caught.value).startswith(URL)


def test_attachments_that_may_not_be_read_are_passed_over() -> None:
    def refuse(ids: Any, **named: Any) -> Any:
        raise Refused("no rights")

    odoo = Library()
    odoo.script["ir.attachment.read"] = refuse
    assert contents(press(odoo, KEY), "1") == {}


def test_an_odoo_that_cannot_be_asked_at_all_is_said_to_be() -> None:
    def broken(ids: Any, **named: Any) -> Any:
        raise Unreachable("no answer")

    with pytest.raises(Unreachable):
        press(ScriptedOdoo({"account.move.search_read": broken}), KEY).pdfs([invoice("1")])


def test_a_printer_follows_the_settings() -> None:
    settings = Settings.model_validate(
        {
            "connector": "odoo",
            "url": URL,
            "database": "acme",
            "user": "relance",
            "password": {"env": "X"},
            "make_pdf": True,
        }
    )
    assert printer(Library(), settings, KEY, Path()).prints_any()
    assert not printer(Library(), settings.model_copy(update={"make_pdf": False}), KEY, Path()).prints_any()
