"""Holds by hand: disputes last until they are lifted; promises end by themselves, and say so when nothing was paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from company import Company

from relance_addon.core.model import Instalment
from relance_addon.hosts.fake import client, invoice

UNTIL, AFTER = "2026-11-25", "2026-11-26"
BROKEN = "relance: FA-0017: promised by 2026-11-25, not paid: reminders go on"


@pytest.fixture
def promised(fake: Company) -> Company:
    """An invoice of 100.00 that is due, and a promise to pay it by the 25th."""
    fake.host.put(invoice("17"), client("1", name="Dupont SA"))
    fake("sync acme")
    fake(f"hold acme --invoice FA-0017 --kind promise --until {UNTIL} --reason 'she called'")
    return fake


def states(company: Company, day: str) -> list[str]:
    return [one["state"] for one in company("hold acme --all", form="json", date=day).items]


def test_nothing_leaves_up_to_and_including_the_promised_day(promised: Company) -> None:
    assert promised("run acme", date=UNTIL).reasons == {"17": "invoice_held"}
    assert states(promised, UNTIL) == ["in_force"]


def test_the_day_after_reminders_go_on_and_that_is_said_once_and_is_no_fault(promised: Company) -> None:
    ran = promised("run acme", date=AFTER, status=0)
    assert (ran.lines, ran.states) == ([BROKEN], {"17": "sent"})
    again = promised("run acme", date="2026-11-27")
    assert again.lines == []
    assert states(promised, "2026-11-27") == ["broken"]
    assert promised("hold acme", form="json", date="2026-11-27").items == []


@pytest.mark.parametrize("command", ["simulate acme", "run acme", "explain acme FA-0017"])
def test_whoever_asks_first_is_told(promised: Company, command: str) -> None:
    assert promised(command, date=AFTER).lines == [BROKEN]
    assert promised(command, date=AFTER).lines == []
    assert promised("simulate acme", date=AFTER).lines == []


def test_a_simulation_of_a_later_day_does_not_use_it_up(promised: Company) -> None:
    assert promised("simulate acme", date="2026-12-31").lines == [BROKEN]
    assert states(promised, "2026-11-21") == ["in_force"]
    assert promised("run acme", date=AFTER).lines == [BROKEN]


def test_a_promise_that_was_kept_says_nothing(promised: Company) -> None:
    promised.host.settle("17")
    assert promised("run acme", date=AFTER).lines == []
    assert states(promised, AFTER) == ["kept"]


def test_what_was_not_pulled_breaks_no_promise(promised: Company) -> None:
    promised.host.settle("17")
    assert promised("simulate acme --no-sync", date=AFTER).lines == []
    assert promised("simulate acme", date=AFTER).lines == []
    assert states(promised, AFTER) == ["kept"]


@pytest.mark.parametrize("then", ["--kind pause --until 2026-11-30 --reason holidays", "--lift"])
def test_what_is_put_or_lifted_after_its_day_leaves_it_to_be_found(promised: Company, then: str) -> None:
    promised(f"hold acme --invoice FA-0017 {then}", date=AFTER, status=2 if then == "--lift" else 0)
    assert promised("simulate acme", date=AFTER).lines == [BROKEN]
    assert states(promised, AFTER)[0] == "broken"


def test_one_is_replaced_on_its_last_day(promised: Company) -> None:
    promised("hold acme --invoice FA-0017 --kind pause --until 2026-11-30 --reason holidays", date=UNTIL)
    assert promised("simulate acme", date=AFTER).lines == []
    assert states(promised, AFTER) == ["lifted", "in_force"]


def test_killed_while_it_is_replaced_a_hold_is_still_in_force(fake: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    from relance_addon.journal import models

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    fake("hold acme --invoice FA-0017 --kind dispute --reason 'arrived broken'")
    with monkeypatch.context() as patched:
        patched.setattr(models.Hold, "save", killed)
        fake("hold acme --invoice FA-0017 --reason 'better said'", status=130)
    assert [one["reason"] for one in fake("hold acme", form="json").items] == ["arrived broken"]
    assert fake("run acme").reasons == {"17": "invoice_held"}


def test_one_that_was_lifted_before_its_day_is_neither_kept_nor_broken(promised: Company) -> None:
    promised("hold acme --invoice FA-0017 --lift")
    assert promised("simulate acme", date=AFTER).lines == []
    assert states(promised, AFTER) == ["lifted"]


@pytest.mark.parametrize(("left", "state"), [("60.00", "kept"), ("59.99", "kept"), ("60.01", "broken"), ("0", "kept")])
def test_a_part_that_was_promised_is_kept_once_as_much_was_paid(fake: Company, left: str, state: str) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    fake(f"hold acme --invoice 'id:17' --kind promise --until {UNTIL} --amount 40 --reason 'a part of it'")
    fake.host.put(replace(fake.host.invoices["17"], residual=Decimal(left)))
    said = fake("simulate acme", date=AFTER)
    told = "relance: FA-0017: 40.00 EUR promised by 2026-11-25, not paid: reminders go on"
    assert said.lines == ([told] if state == "broken" else [])
    assert states(fake, AFTER) == [state]


@pytest.mark.parametrize(("paid", "state"), [((), "broken"), (("17",), "broken"), (("17", "18"), "kept")])
def test_a_client_s_promise_is_about_all_that_is_due_by_its_day(
    fake: Company, paid: tuple[str, ...], state: str
) -> None:
    fake.host.put(
        invoice("17"),
        invoice("18", due=date(2026, 11, 25)),
        invoice("19", due=date(2026, 11, 26)),
        invoice("20", client="2"),
        client("1", name="Dupont SA"),
        client("2"),
    )
    fake("sync acme")
    fake(f"hold acme --client 1 --kind promise --until {UNTIL} --reason 'she called'")
    fake.host.settle(*paid)
    told = "relance: Dupont SA: promised by 2026-11-25, not paid: reminders go on"
    assert fake("simulate acme", date=AFTER).lines == ([told] if state == "broken" else [])
    assert states(fake, AFTER) == [state]


def test_a_client_s_promised_part_is_counted_in_its_currency(fake: Company) -> None:
    fake.host.put(invoice("17"), invoice("18", currency="USD"), client("1"))
    fake("sync acme")
    fake(f"hold acme --client 1 --kind promise --until {UNTIL} --amount '30 USD' --reason x")
    (held,) = fake("hold acme", form="json").items
    assert (held["amount"], held["currency"]) == ("30.00", "USD")
    fake.host.settle("17")
    assert len(fake("simulate acme", date=AFTER).lines) == 1


def test_of_an_invoice_in_instalments_those_due_by_the_day_are_promised(fake: Company) -> None:
    halves = [Instalment(date(2026, month, 1), Decimal(50), Decimal(50)) for month in (11, 12)]
    fake.host.put(invoice("17", instalments=tuple(halves)), client("1"))
    fake("sync acme")
    fake(f"hold acme --invoice FA-0017 --kind promise --until {UNTIL} --reason x")
    paid = replace(halves[0], residual=Decimal())
    fake.host.put(replace(fake.host.invoices["17"], residual=Decimal(50), instalments=(paid, halves[1])))
    fake("simulate acme", date=AFTER)
    assert states(fake, AFTER) == ["kept"]


def test_an_invoice_may_be_promised_before_it_is_due(fake: Company) -> None:
    fake.host.put(invoice("17", due=date(2026, 12, 31)), client("1"))
    fake("sync acme")
    fake(f"hold acme --invoice FA-0017 --kind promise --until {UNTIL} --reason x")
    fake("simulate acme", date=AFTER)
    assert states(fake, AFTER) == ["broken"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--kind promise --reason x", "--until is missing: a promise is made for a day"),
        ("--kind promise --until 2026-11-20 --reason x", "--until 2026-11-20 is over already"),
        ("--kind promise --until 2026-12-01", "--reason is missing"),
        ("--kind promise --until 2026-12-01 --reason x --amount some", "--amount 'some' is no amount such as 120.50"),
        ("--kind promise --until 2026-12-01 --reason x --amount=-5", "--amount '-5' is no amount"),
        ("--kind promise --until 2026-12-01 --reason x --amount 0", "--amount '0' is no amount"),
        ("--kind promise --until 2026-12-01 --reason x --amount NaN", "--amount 'NaN' is no amount"),
        ("--kind promise --until 2026-12-01 --reason x --amount '5 USD'", "--amount 5 USD: FA-0017 is in EUR"),
        ("--kind dispute --reason x --amount 5", "--amount goes with --kind promise only"),
    ],
)
def test_a_promise_that_is_none_is_refused(fake: Company, options: str, told: str) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    said = fake(f"hold acme --invoice FA-0017 {options}", status=2)
    assert said.err.startswith(f"relance: {told}") and said.err.count("\n") == 1
    assert fake("hold acme --all", form="json").items == []


# In words


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "fr",
            "Paiement promis pour le 25 novembre 2026 (tout ce qui est échu), "
            "noté ici le 21 novembre 2026 : she called",
        ),
        ("en", "Payment promised by November 25, 2026 (all that is due), noted here on November 21, 2026: she called"),
    ],
)  # fmt: skip
def test_a_promise_is_explained(promised: Company, language: str, expected: str) -> None:
    assert expected in promised(f"explain acme FA-0017 --language {language}").out.splitlines()


def test_a_broken_promise_is_explained_after_its_day(promised: Company) -> None:
    said = promised("explain acme FA-0017 --language en", date=AFTER)
    assert "and not received: reminders go on." in said.out
    assert "and not received: reminders go on." in promised("explain acme FA-0017 --language en", date=AFTER).out


def test_a_dispute_is_explained_with_its_reason_until_it_is_lifted(fake: Company) -> None:
    fake.host.put(invoice("17"), client("1"))
    fake("sync acme")
    fake("hold acme --client 1 --kind dispute --reason 'wrong goods'")
    told = "Dispute noted here on November 21, 2026: wrong goods"
    assert told in fake("explain acme FA-0017 --language en", date="2027-06-01").out.splitlines()
    fake("hold acme --client 1 --lift")
    assert "Dispute" not in fake("explain acme FA-0017 --language en", date="2027-06-01").out


def test_a_hold_says_whether_it_is_the_host_s_or_ours(fake: Company) -> None:
    fake.host.put(invoice("17", held_until=date(2026, 12, 1)), client("1"))
    fake("sync acme")
    said = fake("explain acme FA-0017 --language en").out
    assert "Invoice on hold in the ERP up to and including December 1, 2026." in said
    assert "noted here" not in said
    fake("hold acme --invoice FA-0017 --reason 'plan agreed'")
    said = fake("explain acme FA-0017 --language en").out
    assert "Invoice on hold in the ERP" in said and "Invoice on hold for good." in said
    assert "Pause noted here on November 21, 2026: plan agreed" in said
