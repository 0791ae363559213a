"""What ``relance check`` says of a Dolibarr in memory: each right by itself, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dolibarr_books import PARIS, Books, Row, bill, party
from dolibarr_samples import outgoing
from mailers import PostOffice

from relance_addon.connectors.dolibarr.inspection import Inspection
from relance_addon.connectors.dolibarr.settings import Settings
from relance_addon.core.errors import Unreachable
from relance_addon.hosts.conformance import TODAY
from relance_addon.hosts.port import Finding

FORBIDDEN = (403, "application/json", '{"error":{"code":403,"message":"Forbidden"}}')
HTML = (501, "text/html", "<html>")


@pytest.fixture
def books() -> Iterator[Books]:
    with Books().open() as books:
        books.invoices = [bill(1), bill(2, 9)]
        yield books


def checked(books: Books, folder: Path, **more: Any) -> dict[str, Finding]:
    return {one.subject: one for one in books.connector(folder, **more).check(TODAY)}


def test_a_robot_with_the_few_rights_it_needs_has_no_error(books: Books, tmp_path: Path) -> None:
    findings = checked(books, tmp_path)
    assert {one.level for one in findings.values()} == {"ok", "warning"}
    assert {one.subject for one in findings.values() if one.level == "warning"} == {"users", "categories"}
    assert all(one.mend for one in findings.values() if one.level == "warning")
    assert findings["version"].text == "Dolibarr 22.0.4"
    assert findings["user"].text == "user 4 may write events"
    assert not books.events, "it writes nothing"
    assert not books.pauses


@pytest.mark.parametrize("version", ["15.0.3", "24.0.0", "unknown"])
def test_a_version_that_it_was_not_made_for(version: str, tmp_path: Path) -> None:
    with Books(version).open() as books:
        books.invoices = [bill(1)]
        finding = checked(books, tmp_path)["version"]
    assert (finding.level, finding.mend) == ("warning", "made for Dolibarr 16 to 23")


@pytest.mark.parametrize(
    ("version", "zone", "more", "level", "text"),
    [
        ("22.0.4", "Europe/Paris", {}, "ok", "Europe/Paris"),
        ("22.0.4", "Europe/Paris", {"timezone": "Europe/Paris"}, "ok", "Europe/Paris"),
        ("22.0.4", "UTC", {}, "warning", "UTC in Dolibarr, Europe/Paris in relance.toml: a day ends at two times"),
        ("22.0.4", "UTC", {"timezone": "Europe/Paris"}, "warning", "Europe/Paris is set, Dolibarr says UTC"),
        ("16.0.3", "", {}, "warning", "this version does not say its own; Europe/Paris is taken"),
        ("16.0.3", "", {"timezone": "Europe/Paris"}, "ok", "Europe/Paris"),
        ("16.0.3", "", {"timezone": "UTC"}, "warning", "UTC in Dolibarr, Europe/Paris in relance.toml"),
    ],
)
def test_the_zone_of_days(version: str, zone: str, more: Row, level: str, text: str, tmp_path: Path) -> None:
    with Books(version, zone=zone).open() as books:
        books.invoices = [bill(1)]
        finding = checked(books, tmp_path, **more)["time zone"]
    assert finding.level == level
    assert finding.text.startswith(text)


@pytest.mark.parametrize("version", ["16.0.3", "22.0.4"])
def test_whoever_sees_the_customers_of_others_is_told_apart(version: str, tmp_path: Path) -> None:
    with Books(version).open() as books:
        books.invoices = [bill(1), bill(2, 9)]
        assert checked(books, tmp_path)["all customers"].level == "ok"
        books.rights.remove("customers")
        finding = checked(books, tmp_path)["all customers"]
    assert finding.level == "error"
    assert "invoices are missing" in finding.text
    assert "Extend access to all" in finding.mend


def test_no_invoices_at_all_is_worth_a_look(tmp_path: Path) -> None:
    with Books("16.0.3").open() as books:
        findings = checked(books, tmp_path)
    assert findings["invoices"] == Finding(
        "warning", "invoices", "none owed that the user sees", "compare with the list in Dolibarr"
    )
    assert not [one for one in findings.values() if one.level == "error"]


@pytest.mark.parametrize(
    ("path", "subject", "right"),
    [
        ("thirdparties", "third parties", "Third parties: Read"),
        ("contacts", "contacts", "Contacts: Read"),
        ("agendaevents", "events", "Agenda: Read actions of others"),
        ("invoices", "invoices", "Invoices: Read"),
    ],
)
def test_a_right_that_is_missing_is_named(books: Books, tmp_path: Path, path: str, subject: str, right: str) -> None:
    books.faults[f"GET {path}"] = [FORBIDDEN] * 9
    found = books.connector(tmp_path).check(TODAY)
    finding = next(one for one in found if one.subject == subject)
    assert (finding.level, finding.text, finding.mend) == (
        "error", "the user may not see them", f"give the user {right}"
    )  # fmt: skip


def test_a_module_that_is_switched_off_is_no_right_that_is_there(books: Books, tmp_path: Path) -> None:
    books.faults["GET agendaevents"] = [HTML] * 9
    finding = checked(books, tmp_path)["events"]
    assert finding.level == "error"
    assert "is the module switched off" in finding.text


def test_16_makes_a_mistake_at_contacts_and_the_check_goes_on(books: Books, tmp_path: Path) -> None:
    said = '{"error":{"code":503,"message":"Service Unavailable: Error when retrieve contacts : SELECT t.rowid"}}'
    books.faults["GET contacts"] = [(503, "application/json", said)] * 9
    findings = checked(books, tmp_path)
    assert findings["contacts"].level == "error"
    assert "Error when retrieve contacts" in findings["contacts"].text
    assert findings["claim"].level == "ok"
    assert "mapping" not in findings, "it cannot be looked at"


def test_who_may_not_write_events_is_told(books: Books, tmp_path: Path) -> None:
    books.faults["POST agendaevents"] = [FORBIDDEN]
    finding = checked(books, tmp_path, user=4)["user"]
    assert (finding.level, finding.mend) == ("error", "give the user Agenda: Create/modify own")
    books.faults["POST agendaevents"] = [FORBIDDEN]
    finding = checked(books, tmp_path)["user"]
    assert (finding.level, finding.mend) == ("error", "set user to the id of that user")


@pytest.mark.parametrize("version", ["16.0.3", "22.0.4"])
def test_the_claim_wants_its_extra_field(version: str, tmp_path: Path) -> None:
    with Books(version, uid=False).open() as books:
        books.invoices = [bill(1)]
        finding = checked(books, tmp_path)["claim"]
    assert finding.level == "warning"
    assert "no extra field relance_uid" in finding.text
    assert "varchar(64), unique" in finding.mend


def test_16_shows_the_extra_field_on_the_last_event_only(tmp_path: Path) -> None:
    with Books("16.0.3").open() as books:
        books.invoices = [bill(1)]
        assert checked(books, tmp_path)["claim"].level == "warning", "no event to be seen"
        connector = books.connector(tmp_path, PostOffice())
        connector.post([outgoing("k1", connector.read(["1"], TODAY).invoices[0])])
        assert checked(books, tmp_path)["claim"].level == "ok"


@pytest.mark.parametrize(
    ("code", "label", "level"),
    [
        ("AC_EMAIL", "sendEmailsRemindersOnInvoiceDueDateOK (nbdays=-15)", "warning"),
        ("AC_EMAIL", "sendEmailsRemindersOnInvoiceDueDateKO (nbdays=-15)", "warning"),
        ("AC_EMAIL", "Mail envoyé", "ok"),
        ("AC_BILL_SENTBYMAIL", "sendEmailsReminders", "ok"),
    ],
)
def test_dolibarrs_own_job_is_a_second_sender(books: Books, tmp_path: Path, code: str, label: str, level: str) -> None:
    at = int(datetime(2026, 11, 1, 23, 30, tzinfo=UTC).timestamp())
    books.events = [{"id": "1", "code": code, "label": label, "datep": at, "percentage": "-1", "array_options": {}}]
    finding = checked(books, tmp_path)["second sender"]
    assert finding.level == level
    assert finding.text.endswith("2026-11-02") == (level == "warning"), "the day in the zone of Dolibarr"


def test_pdfs_are_built_by_whoever_may(books: Books, tmp_path: Path) -> None:
    assert checked(books, tmp_path)["PDF"].level == "ok"
    finding = checked(books, tmp_path, make_pdf=True)["PDF"]
    assert (finding.level, finding.mend) == ("error", "give the user Invoices: Create/modify")
    books.rights.add("build")
    assert checked(books, tmp_path, make_pdf=True)["PDF"].level == "ok"
    assert not books.documents, "none was built"


@pytest.mark.parametrize(
    ("link", "level", "text"),
    [
        ("https://acme.example/public/payment/newpayment.php?ref=FA", "ok", "https://acme.example/public/payment/"),
        ("http://localhost/public/payment/newpayment.php?ref=FA", "warning", "begins with http://localhost"),
        (None, "warning", "this version has none"),
    ],
)
def test_payment_links_lead_somewhere(books: Books, tmp_path: Path, link: str | None, level: str, text: str) -> None:
    for row in books.invoices:
        row["online_payment_url"] = link
    assert "payment link" not in checked(books, tmp_path), "not asked for"
    finding = checked(books, tmp_path, payment_link=True)["payment link"]
    assert finding.level == level
    assert finding.text.startswith(text)


def test_a_slow_server_is_told(books: Books) -> None:
    times = iter([0.0, 7.5])
    settings = Settings.model_validate({"connector": "dolibarr", "url": "https://x.example", "key": {"env": "X"}})
    inspection = Inspection(books.session(), settings, PARIS, ZoneInfo("Europe/Paris"), lambda: next(times))
    finding = next(one for one in inspection.findings() if one.subject == "invoices")
    assert (finding.level, finding.text) == ("warning", "2 owed or draft, read in 7.50 s")


def test_a_mapping_that_leads_nowhere_is_told(books: Books, tmp_path: Path) -> None:
    findings = checked(books, tmp_path, mapping={"invoice": {"program": "array_options.options_programme"}})
    finding = findings["hosts.acme.mapping.invoice.program"]
    assert (finding.level, finding.mend) == ("warning", "see relance mapping")
    assert "array_options.options_programme" in finding.text


def test_who_may_see_users_and_categories_is_warned_of_neither(books: Books, tmp_path: Path) -> None:
    books.rights.add("users")
    books.tags = {"VIP": [8]}
    findings = checked(books, tmp_path)
    assert not {"users", "categories"} & findings.keys()
    assert books.writes() == ["POST agendaevents"]


def test_an_entity_is_named(books: Books, tmp_path: Path) -> None:
    assert checked(books, tmp_path, entity=2)["version"].text == "Dolibarr 22.0.4, entity 2"


def test_a_server_out_of_reach_is_an_error_as_a_whole(books: Books, tmp_path: Path) -> None:
    books.down = True
    with pytest.raises(Unreachable):
        books.connector(tmp_path).check(TODAY)


def test_the_number_of_calls_of_a_check_does_not_grow(tmp_path: Path) -> None:
    asked = []
    for count in (2, 400):
        with Books().open() as books:
            books.parties = [party(number) for number in range(1, count + 1)]
            books.invoices = [bill(number, number) for number in range(1, count + 1)]
            checked(books, tmp_path)
            asked.append(len(books.calls))
    assert asked[0] == asked[1] <= 24
