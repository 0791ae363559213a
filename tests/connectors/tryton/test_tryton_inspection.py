"""What ``relance check`` says of a real Tryton, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import tryton_company
from mailers import PostOffice
from tryton_books import Bill, Books
from tryton_stage import TODAY, Ask, Line, Stage, error, said

from relance_addon.connectors.tryton import inspection, invoices
from relance_addon.core.errors import Refused
from relance_addon.hosts.port import Finding
from relance_addon.hosts.wire import Answer

DAY = date(2026, 10, 1)
GROUP = "put the user into the group Accounting"
ACCESS = "model.ir.model.access.get_access"
READS = ("search_read", "search_count", "read", "fields_get", "get_access", "get_preferences", "login", "version")


@pytest.fixture(scope="module")
def party(books: Books) -> int:
    (party,) = books.parties({"name": "Inspected"})
    books.bill(*[Bill(party, DAY, {DAY: 10})] * 2)
    return party


def checked(stage: Stage, mailer: PostOffice | None = None, **more: Any) -> dict[str, Finding]:
    found = stage.connector(mailer, **more).check(TODAY)
    assert all(one.mend for one in found if one.level != "ok"), "nobody is left without a way out"
    return {one.subject: one for one in found if one.level != "ok" or one.subject != "account.invoice"}


def test_a_robot_with_the_few_rights_it_needs_has_no_error(stage: Stage, line: Line, party: int) -> None:
    found = checked(stage)
    assert [one for one in found.values() if one.level == "error"] == []
    assert found["version"].level == "ok"
    assert found["company"] == Finding("ok", "company", "Acme (1), EUR")
    assert found["mapping"].level == found["invoices"].level == found["ir.note"].level == "ok"
    assert {method.rpartition(".")[2] for method in line.methods} <= {*READS}, "it writes nothing"


def test_who_may_not_read_invoices_is_told_what_is_missing(stage: Stage, party: int) -> None:
    found = checked(stage, user="blind")
    wrong = {subject: (one.text, one.mend) for subject, one in found.items() if one.level == "error"}
    assert set(wrong) == {"account.invoice", "account.move.line", "invoices"}
    assert {mend for _, mend in wrong.values()} == {GROUP}
    assert wrong["account.move.line"][0] == "the user may not read it: nothing says what remains to pay"
    assert "no reminder can be kept" in wrong["account.invoice"][0]
    assert "not allowed to access" in wrong["invoices"][0]
    assert "the user may not see it" in found["second sender"].text
    with pytest.raises(Refused, match="not allowed to access"):
        list(stage.connector(user="blind").pull("", TODAY).pages)


@pytest.fixture
def others(books: Books) -> Iterator[None]:
    """``stray``, who is of no company, and ``mute``, who has no address."""
    (robot,) = books.admin.rows("res.user", ["groups", "companies", "company"], ["login", "=", "robot"])
    member = {"companies": [["add", robot["companies"]]], "company": robot["company"]}
    if not books.admin.ids("res.user", ["login", "=", "mute"]):
        for login, more in (("mute", member), ("stray", {"companies": [], "company": None})):
            groups = [["add", robot["groups"]]]
            books.admin.one(
                "res.user", login=login, name=login, password=tryton_company.password(login), groups=groups, **more
            )
    yield


def test_a_user_of_no_company_can_do_nothing(stage: Stage, others: None) -> None:
    version, company = stage.connector(user="stray").check(TODAY)
    assert version.level == "ok"
    mend = "give 'stray' a company, or set company to one of its own"
    assert company == Finding("error", "company", "the user sees none", mend)
    with pytest.raises(Refused, match="'stray' sees no company: relance check says more"):
        stage.connector(user="stray").pull("", TODAY)


def test_a_user_without_an_address_cannot_send(stage: Stage, others: None) -> None:
    finding = checked(stage, user="mute")["mail"]
    assert (finding.level, finding.text) == ("error", "'mute' has no address to send from")
    assert checked(stage, PostOffice(), user="mute", mail="smtp")["mail"].level == "ok"


@pytest.mark.parametrize(
    ("mailer", "more", "level", "text"),
    [
        (None, {}, "warning", "by Tryton, from robot@acme.example alone"),
        (None, {"mail": "smtp"}, "error", "by our own mail server, which is not set"),
        (PostOffice(), {"mail": "smtp"}, "ok", "by our own mail server"),
    ],
)
def test_who_sends(stage: Stage, mailer: PostOffice | None, more: dict[str, str], level: str, text: str) -> None:
    finding = checked(stage, mailer, **more)["mail"]
    assert finding.level == level
    assert finding.text.startswith(text)


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"zone": "UTC"}, "Europe/Paris in Tryton, UTC in relance.toml: a day ends at two times"),
        ({"currency": "USD"}, "currency is USD in relance.toml"),
    ],
)
def test_what_the_company_is_otherwise_than_here(stage: Stage, more: dict[str, str], text: str) -> None:
    finding = checked(stage, **more)["company"]
    assert (finding.level, finding.text, finding.mend) == (
        "warning", f"Acme (1), EUR: {text}", "set the same in both"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("version", "level"), [("7.0.59", "ok"), ("8.2.1", "ok"), ("8.20.1", "warning"), ("", "warning")]
)
def test_a_version_that_it_was_not_made_for(stage: Stage, line: Line, version: str, level: str) -> None:

    def other(ask: Ask) -> Answer:
        answer = ask()
        return said(version)(ask) if answer.status == 200 else answer

    line.faults["common.server.version"] = [other, other]
    assert checked(stage)["version"].level == level


def test_pdfs_are_there_where_the_report_is_one(stage: Stage, books: Books) -> None:
    books.print_as("pdf")
    assert checked(stage)["PDF"].level == "ok"
    books.print_as("")
    assert checked(stage)["PDF"].level == "warning"


def test_no_invoices_at_all_is_worth_a_look(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "OWED", (*invoices.OWED, ["party", "=", -1]))
    finding = checked(stage)["invoices"]
    assert finding == Finding("warning", "invoices", "none owed that the user sees", "compare with the list in Tryton")


def test_a_slow_server_is_told(stage: Stage, party: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "OWED", (*invoices.OWED, ["party", "=", party]))
    assert checked(stage)["invoices"].text.startswith("2 owed or draft, read in 0.")
    monkeypatch.setattr(inspection, "_PAGE", 1)
    monkeypatch.setattr(inspection, "_SLOW", 0.0)
    finding = checked(stage)["invoices"]
    assert finding.level == "warning"
    assert finding.text.startswith("at least 1 owed or draft, read in ")
    assert "PYTHONOPTIMIZE=1" in finding.mend


# Tryton's own dunning


def test_dunnings_that_are_not_blocked_are_counted(stage: Stage, books: Books, party: int) -> None:
    def count() -> int:
        finding = checked(stage)["second sender"]
        words = finding.text.split()
        return int(words[words.index("dunnings") - 1]) if finding.level == "warning" else 0

    before = count()
    bills = books.admin.ids("account.invoice", ["party", "=", party])
    books.block(*books.owed(*bills))
    assert count() == before, "blocked ones hold an invoice, and remind nobody"
    books.release(*books.owed(*bills))
    assert count() == before + 2


def test_where_the_module_is_not_there_nothing_is_counted(stage: Stage, line: Line) -> None:
    checked(stage)
    asked = line.count(ACCESS)
    line.faults[ACCESS] = [*[None] * (asked - 1), error("'account.dunning'", "")]
    assert checked(stage)["second sender"] == Finding("ok", "second sender", "Tryton has no dunning module")
