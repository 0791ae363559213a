"""What is said where something cannot be used, found or reached: one line, a status, and nothing taken away."""

from __future__ import annotations

import pytest
from company import Company

HEADER = "id,client,issue_date,due_date,residual,status"


@pytest.fixture
def spoilt(files: Company) -> Company:
    files.csv(
        "invoices", "17,1,2026-10-01,2026-10-31,100.00,open", "18,1,2026-10-01,2026-10-30,50.00,perhaps",
        "19,1,2026-10-01,2026-02-30,20.00,open", header=HEADER,
    )  # fmt: skip
    return files


@pytest.mark.parametrize("command", ["plan acme 18", "explain acme 18"])
def test_an_invoice_that_cannot_be_used_is_said_and_is_status_1(spoilt: Company, command: str) -> None:
    said = spoilt(command, status=1)
    assert any("status" in line and "perhaps" in line for line in said.lines), said.err


def test_the_age_of_an_invoice_is_that_of_its_due_date_where_this_can_be_read(spoilt: Company) -> None:
    rows = {row["invoice"]: row for row in spoilt("invoices acme", status=1).items}
    assert (rows["18"]["due_date"], rows["18"]["days_late"], rows["18"]["age"]) == ("2026-10-30", 22, "1-30")
    assert (rows["19"]["due_date"], rows["19"]["days_late"], rows["19"]["age"]) == (None, None, None)
    (client,) = spoilt("invoices acme --by client", status=1).items
    assert client["residual"] == {"EUR": "170.00"}
    assert client["ages"]["pending"] == {}
    assert client["ages"]["1-30"] == {"EUR": "150.00"}


@pytest.mark.parametrize("more", ["", " --archive all.zip"])
def test_the_log_of_an_invoice_that_nobody_knows_is_refused(files: Company, more: str) -> None:
    assert "no invoice 'FA-99'" in files(f"log acme --invoice FA-99{more}", status=2).err


def test_the_log_of_a_paid_invoice_has_its_holds(files: Company) -> None:
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,0.00,paid", header=HEADER)
    files("hold acme --invoice 17 --kind dispute --reason broken")
    assert [one["reason"] for one in files("log acme --invoice 17").json["holds"]] == ["broken"]
    files("log acme --invoice 17 --archive all.zip")
    assert files.path("all.zip").exists()


def test_a_simulation_that_cannot_be_mailed_is_shown_all_the_same(files: Company) -> None:
    files.configure(("[mail]", '[mail]\nsmtp = "smtp://127.0.0.1:1"'))
    said = files("simulate acme --save --mail-to me@acme.example", status=3)
    assert said.reasons == {"17": "due"}
    assert said.json["id"] == 1


def test_what_has_nothing_left_to_pay_is_not_replayed(files: Company) -> None:
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,-5.00,open", header=HEADER)
    assert files("replay acme standard --format json").json["summary"]["messages"] == 0


@pytest.mark.parametrize("command", ["hold acme --client 1 --reason x", "client acme 1 --program none"])
def test_nothing_is_recorded_on_a_day_before_the_last_run(files: Company, command: str) -> None:
    files("run acme", date="2026-11-24")
    assert "before the last run" in files(command, status=2, date="2026-11-23").err


def test_a_client_who_is_switched_off_is_said_to_have_invoices_that_keep_their_program(files: Company) -> None:
    files("plan acme 17 --apply standard")
    said = files("client acme 1 --program none").err
    assert said == "relance: 17 keeps 'standard', version 1: 'relance plan acme 17 --reset' lets it go\n"
    assert files("plan acme 17 --reset").status == 0
    assert files("simulate acme").reasons == {"17": "no_program"}


def test_a_promise_that_looked_broken_on_a_day_to_come_and_was_kept_was_not_broken(files: Company) -> None:
    files("hold acme --invoice 17 --kind promise --until 2026-12-15 --reason tel")
    assert "not paid" in files("simulate acme", date="2026-12-20").err
    files.csv("invoices", "17,1,2026-10-01,2026-10-31,0.00,paid", header=HEADER)
    files("run acme", date="2026-12-16")
    (one,) = files("hold acme --all --format json", date="2026-12-16").items
    assert one["state"] == "kept"
    (told,) = files("log acme --invoice 17", date="2026-12-16").json["holds"]
    assert (told["broken_at"], bool(told["kept_at"])) == (None, True)
