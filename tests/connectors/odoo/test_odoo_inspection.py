"""What a check of an Odoo says, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from odoo_books import RELATIONS
from odoo_samples import TODAY, ScriptedOdoo
from odoo_stage import surroundings

from relance_addon.connectors.odoo.fields import Sources
from relance_addon.connectors.odoo.inspection import Access, Inspection
from relance_addon.connectors.odoo.records import Schema
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.errors import Refused, Unreachable
from relance_addon.hosts.port import Finding

PASSWORD = Access("jsonrpc", key=False, prints_any=True)
KEY = Access("jsonrpc", key=True, prints_any=False)
# What an accountant may not see.
SYSTEM = ("mail.mail", "ir.mail_server", "ir.config_parameter", "ir.model.data", "ir.cron")


class Office(ScriptedOdoo):
    """An Odoo in good order, as an administrator sees it; ``rows`` are what it answers, by model."""

    def __init__(self, version: int = 18, refused: tuple[str, ...] = ()) -> None:
        super().__init__({}, version)
        self.refused = refused
        self.access = True
        self.rows: dict[str, list[dict[str, Any]]] = {
            "account.move": [{"id": 1}],
            "res.users": [{"id": 6, "tz": "Europe/Paris"}],
            "res.company": [{"id": 1, "name": "ACME", "default_from_email": False}],
            "res.users.apikeys": [{"name": "old", "expiration_date": "2026-01-01 09:00:00"}],
            "mail.template": [],
            "ir.mail_server": [{"name": "relay", "from_filter": "acme.example"}],
            "ir.config_parameter": [],
            "ir.module.module": [],
            "ir.model.data": [],
            "ir.cron": [],
        }
        self.answers: dict[str, Any] = {
            "get_base_url": "https://acme.example",
            "get_wkhtmltopdf_state": "ok",
            "search_count": 3,
        }

    def call(self, model: str, method: str, ids: Any = None, /, **named: Any) -> Any:
        self.calls.append(f"{model}.{method}")
        self.asked.append(named)
        if model in self.refused:
            raise Refused(f"{model}: the user lacks rights")
        if method == "fields_get":
            return {
                name: {"type": "many2one" if name in RELATIONS else "char", "relation": RELATIONS.get(name)}
                for name in named["allfields"]
                if name != "x_nothing"
            }
        if method in ("has_access", "check_access_rights"):
            assert (method == "has_access") == (self.version >= 18)
            return self.access
        return self.answers[method] if method in self.answers else self.rows[model]


def ticking(step: float = 0.5) -> Callable[[], float]:
    ticks: Iterator[float] = count(0.0, step)
    return lambda: next(ticks)


def check(
    odoo: ScriptedOdoo,
    access: Access = PASSWORD,
    clock: Callable[[], float] | None = None,
    today: date = TODAY,
    mapping: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Finding]:
    """The findings by subject."""
    plain = {
        "connector": "odoo",
        "url": "https://acme.example",
        "database": "acme",
        "user": "relance",
        "password": {"env": "X"},
    }
    settings = Settings.model_validate({**plain, **more})
    looking = Inspection(odoo, settings, surroundings(Path()), access, clock or ticking())
    found = looking.findings(Sources(mapping or {}, "hosts.acme.mapping"), Schema(odoo), today)
    return {one.subject: one for one in found}


def test_an_odoo_in_good_order() -> None:
    odoo = Office()
    found = check(odoo)
    assert {one.level for one in found.values()} == {"ok"}
    assert {subject: one.text for subject, one in found.items()} == {
        "version": "Odoo 18, database 'acme', over JSON-RPC",
        "company": "ACME (1)",
        "invoices": "3 owed or draft",
        "speed": "1 invoices read in 0.50 s",
        "rights": "may see instalments and credits, clients, payments",
        "mapping": "every field is there",
        "time zone": "Europe/Paris",
        "sending": "as Odoo's own outgoing mails, for the user has system rights",
        "mail servers": "Odoo leaves senders as they are, as far as its settings say",
        "PDF": "of every invoice",
        "portal": "payment links lead to https://acme.example",
        "other reminders": "no other module for reminders that we know of",
    }


def test_the_calls_are_few_and_change_nothing() -> None:
    odoo = Office()
    few = len(check(odoo)) and len(odoo.calls)
    odoo = Office()
    odoo.rows["account.move"] = [{"id": number} for number in range(100)]
    odoo.answers["search_count"] = 10_000
    check(odoo)
    assert len(odoo.calls) == few <= 24
    reads = {"search_read", "search_count", "fields_get", "has_access", "get_base_url", "get_wkhtmltopdf_state"}
    assert {call.rpartition(".")[2] for call in odoo.calls} <= reads


def test_an_accountant_hears_once_what_is_not_for_him_to_see() -> None:
    found = check(Office(refused=SYSTEM))
    assert {one.level for one in found.values()} == {"ok"}
    assert found["mail servers"].text.startswith("not visible to this user")
    assert found["sending"].text.startswith("as notes on invoices")
    assert "empty mail template" in found["sending"].mend


def test_nothing_that_may_not_be_seen_stops_the_check() -> None:
    everything = (*Office().rows, "account.move.line", "res.partner", "account.payment", "ir.actions.report")
    found = check(Office(refused=everything))
    assert found["invoices"] == Finding(
        "error", "invoices", "relance may not see them", "give relance Accounting: Invoicing (Billing)"
    )
    assert found["rights"].level == found["mapping"].level == "error"
    assert check(Office(17, refused=everything))["rights"].level == "error"


def test_an_odoo_that_does_not_answer_is_said_not_to() -> None:
    class Gone(Office):
        def call(self, model: str, method: str, ids: Any = None, /, **named: Any) -> Any:
            raise Unreachable("no answer in time")

    with pytest.raises(Unreachable):
        check(Gone())


@pytest.mark.parametrize(
    ("version", "access", "mend"),
    [
        (19, PASSWORD, "write an API key of this user as password"),
        (19, KEY, "set api to auto"),
        (19, Access("json2", key=True, prints_any=False), ""),
        (18, KEY, ""),
    ],
)
def test_json_rpc_ends_with_odoo_22(version: int, access: Access, mend: str) -> None:
    assert check(Office(version), access).get("api", Finding("ok", "", "")).mend == mend


def test_a_version_that_nobody_tried() -> None:
    found = check(Office(20), Access("json2", key=True, prints_any=True))["version"]
    assert (found.level, found.mend) == ("warning", "made for Odoo 16 to 19")


def test_a_company_that_the_user_does_not_see_ends_the_check() -> None:
    found = check(Office(), company=7)
    assert found["company"].text == "relance sees no company 7"
    assert found["company"].mend == "set company to the id of one of: ACME (1)"
    assert list(found) == ["version", "company"]


def test_several_companies_without_a_choice_are_told() -> None:
    odoo = Office()
    odoo.rows["res.company"].append({"id": 3, "name": "Filiale", "default_from_email": False})
    found = check(odoo)["company"]
    assert (found.level, found.text) == ("warning", "together: ACME (1), Filiale (3)")
    assert check(odoo, company=3)["company"].text == "Filiale (3) only"


def test_missing_fields_name_their_key() -> None:
    found = check(Office(), mapping={"invoice": {"due_date": "x_nothing"}})
    assert found["hosts.acme.mapping.invoice.due_date"].level == "error"


def test_a_slow_odoo_is_told() -> None:
    found = check(Office(), clock=ticking(6.0))["speed"]
    assert (found.level, found.text) == ("warning", "1 invoices read in 6.00 s")


@pytest.mark.parametrize("tz", ["America/New_York", False])
def test_two_time_zones_are_told(tz: Any) -> None:
    odoo = Office()
    odoo.rows["res.users"] = [{"id": 6, "tz": tz}]
    found = check(odoo)["time zone"]
    assert (found.level, found.mend) == ("warning", "set the same in both")
    assert found.text.startswith(tz or "UTC")


def test_a_key_that_ends_soon_is_told() -> None:
    odoo = Office()
    odoo.rows["res.users.apikeys"] += [
        {"name": "relance", "expiration_date": "2026-12-01 09:00:00"},
        {"name": "later", "expiration_date": "2027-02-01 09:00:00"},
        {"name": "for ever", "expiration_date": False},
    ]
    found = check(odoo, KEY)["API key"]
    assert (found.level, found.text) == ("warning", "'relance', the first of this user's to end, ends on 2026-12-01")
    assert check(odoo, KEY, today=date(2026, 12, 2))["API key"].level == "ok"
    assert "API key" not in check(odoo, PASSWORD)
    assert "API key" not in check(Office(17), KEY)


def test_mails_without_the_right_to_write_them() -> None:
    found = check(Office(refused=SYSTEM), send="mail")["sending"]
    assert (found.level, found.mend) == ("error", "give the user Administration: Settings, or set send to auto")


EMPTY = {
    "name": "Relances", "model": "account.move", "use_default_to": False,
    "email_to": False, "email_cc": False, "partner_to": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("row", "level", "mend"),
    [
        (EMPTY, "ok", ""),
        (None, "error", "write the id of one for invoices as template"),
        ({**EMPTY, "model": "res.partner"}, "error", "make one for account.move"),
        ({**EMPTY, "use_default_to": True}, "error", "empty use_default_to of the template"),
        ({**EMPTY, "email_to": "a@b.test", "partner_to": "8"}, "error", "empty email_to, partner_to of the template"),
    ],
)
def test_the_template_is_empty_and_for_invoices(row: dict[str, Any] | None, level: str, mend: str) -> None:
    odoo = Office(19, refused=SYSTEM)
    odoo.rows["mail.template"] = [row] if row else []
    found = check(odoo, template=12)
    one = found["sending"] if level == "ok" else found["template"]
    assert (one.level, one.mend) == (level, mend)


def test_a_template_that_is_not_named() -> None:
    assert check(Office(refused=SYSTEM), send="template")["template"].mend == "write its id as template"


@pytest.mark.parametrize("version", [16, 18])
@pytest.mark.parametrize(
    ("kept", "address", "level", "text"),
    [
        ("acme.example", True, "ok", "senders of acme.example are kept; for any other Odoo writes bot@acme.example"),
        (False, True, "warning", "Odoo writes bot@acme.example for every sender; answers still go to the sender"),
        (False, False, "ok", "Odoo leaves senders as they are"),
    ],
)
def test_a_sender_that_odoo_replaces_is_told(version: int, kept: Any, address: bool, level: str, text: str) -> None:
    odoo = Office(version)
    odoo.rows["ir.mail_server"] = [{"name": "relay", "from_filter": kept}]
    if address:
        odoo.rows["res.company"][0]["default_from_email"] = "bot@acme.example"
        odoo.rows["ir.config_parameter"] = [
            {"key": "mail.default.from", "value": "bot"},
            {"key": "mail.catchall.domain", "value": "acme.example"},
        ]
    found = check(odoo)["mail servers"]
    assert found.level == level
    assert found.text.startswith(text)


def test_no_mail_server_at_all() -> None:
    odoo = Office()
    odoo.rows["ir.mail_server"] = []
    assert check(odoo)["mail servers"].level == "warning"


def test_pdfs_that_cannot_be_had() -> None:
    found = check(Office(), KEY)["PDF"]
    assert found.level == "warning"
    assert "make_pdf = true" in found.mend
    odoo = Office()
    odoo.answers["get_wkhtmltopdf_state"] = "install"
    assert "wkhtmltopdf" in check(odoo)["PDF"].mend


@pytest.mark.parametrize(
    "address", ["http://acme.example", "https://localhost:8069", "https://10.0.0.4", "http://[::1]", "https://odoo"]
)
def test_a_portal_that_clients_cannot_open(address: str) -> None:
    odoo = Office()
    odoo.answers["get_base_url"] = address
    found = check(odoo)["portal"]
    assert found.level == "warning"
    assert "web.base.url" in found.mend


def test_second_senders_and_their_jobs() -> None:
    odoo = Office()
    odoo.rows["ir.module.module"] = [{"name": "account_followup"}]
    assert check(odoo)["other reminders"].text.endswith("no job of its own runs")
    odoo.rows["ir.model.data"] = [{"module": "account_followup", "res_id": 40}, {"module": "mail", "res_id": 41}]
    odoo.rows["ir.cron"] = [{"id": 40, "name": "Send follow-ups"}]
    found = check(odoo)["other reminders"]
    assert found.level == "warning"
    assert "Payment Follow-up (Enterprise)" in found.text
    assert "Send follow-ups" in found.text
    odoo.refused = SYSTEM
    assert "ask an administrator" in check(odoo)["other reminders"].mend
    odoo.refused = ("ir.cron",)
    assert "ask an administrator" in check(odoo)["other reminders"].mend
