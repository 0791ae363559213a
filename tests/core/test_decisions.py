"""The contract's table of decisions: every reason, and which one is given when several hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from core_samples import POLICY, adapted, client, decision, invoice, money, on, outcome, program, reasons, reminded

from relance_addon.core.decide import REASONS
from relance_addon.core.model import NO_PROGRAM, Attempt, Client, Contact, History, Invoice
from relance_addon.core.program import Program

TODAY = on("03-10")
STANDARD = program("D+3 D+15", calendar="FR", minimum="10.00", quiet_days=5)


@dataclass(frozen=True)
class World:
    """All that a decision on invoice 17 of client 1 depends on."""

    invoice: Invoice
    client: Client
    history: History
    today: date = TODAY
    programs: tuple[Program, ...] = (STANDARD,)
    per_run: int | None = None
    active: bool = True

    @property
    def reason(self) -> str:
        policy = replace(POLICY, per_run=self.per_run)
        found = outcome(
            self.invoice, self.programs, self.today, [self.client], self.history, policy, active=self.active
        )
        return found.decisions[0].reason


def change(world: World, **keys: Any) -> World:
    """A world with parts of its invoice (``invoice_…``), client (``client_…``) or history (``history_…``) replaced."""
    for part in ("invoice", "client", "history"):
        own = {key.removeprefix(f"{part}_"): keys.pop(key) for key in list(keys) if key.startswith(f"{part}_")}
        world = replace(world, **{part: replace(getattr(world, part), **own)})
    return replace(world, **keys)


CYCLE = "0.1.0.standard"
HELD = {"history_invoice_holds": {"17": TODAY}}
COMPLETED = {"history_reminders": {"17": reminded("a 03-04", "b 03-05")}}
PLAIN = World(invoice(), client(), History())

CAUSES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # reason, what brings it about, what takes it away again; all stack but where two say the same in one place
    ("invalid", {"invoice_invalid": "due_date: '31/02' is no date"}, {"invoice_invalid": ""}),
    ("draft", {"invoice_status": "draft"}, {"invoice_status": "open"}),
    ("no_program", {"client_program": NO_PROGRAM}, {"client_program": ""}),
    ("invoice_held", HELD, {"history_invoice_holds": {}}),
    ("client_held", {"client_held_until": TODAY}, {"client_held_until": None}),
    ("in_doubt", {"history_in_doubt": frozenset({"17"})}, {"history_in_doubt": frozenset()}),
    (
        "failed",
        {"history_attempts": {"17": (Attempt(CYCLE, "a", 3, ""),)}},
        {"history_attempts": {"17": (Attempt(CYCLE, "a", 2, ""),)}},
    ),
    ("not_due_yet", {"invoice_due_date": on("03-30")}, {"invoice_due_date": on("03-01")}),
    ("non_working_day", {"today": on("03-08")}, {"today": TODAY}),
    ("covered_by_credit", {"client_credits": {"EUR": money(100)}}, {"client_credits": {}}),
    ("no_recipient", {"client_email": ""}, {"client_email": "client1@x.example"}),
    ("below_minimum", {"invoice_residual": money("9.99")}, {"invoice_residual": money(100)}),
    ("quiet_period", {"history_messaged": {"1": on("03-08")}}, {"history_messaged": {}}),
    ("limit_reached", {"per_run": 0}, {"per_run": 1}),
    ("inactive", {"active": False}, {"active": True}),
    ("due", {}, {}),
]


def test_the_first_reason_that_holds_is_given() -> None:
    """All causes at once, taken away one by one from the top."""
    world = PLAIN
    for _, bring, _ in reversed(CAUSES):
        world = change(world, **bring)
    given = []
    for _, _, take in CAUSES:
        given.append(world.reason)
        world = change(world, **take)
    assert given == [reason for reason, _, _ in CAUSES]


@pytest.mark.parametrize(("reason", "bring"), [(reason, bring) for reason, bring, _ in CAUSES])
def test_each_cause_by_itself(reason: str, bring: dict[str, Any]) -> None:
    assert change(PLAIN, **bring).reason == reason


@pytest.mark.parametrize("status", ["draft", "disputed", "paid", "cancelled", "written_off"])
def test_a_status_other_than_open_is_the_reason(status: str) -> None:
    assert change(PLAIN, invoice_status=status).reason == status


def test_a_status_comes_before_no_program() -> None:
    assert change(PLAIN, invoice_status="disputed", client_program=NO_PROGRAM).reason == "disputed"


def test_paid_comes_before_held() -> None:
    assert change(PLAIN, invoice_residual=money(0), **HELD).reason == "paid"


def test_completed_stands_between_failed_and_not_due_yet() -> None:
    completed = change(PLAIN, **COMPLETED)
    assert completed.reason == "completed"
    assert change(completed, history_in_doubt=frozenset({"17"})).reason == "in_doubt"
    assert change(completed, client_credits={"EUR": money(100)}, active=False).reason == "completed"
    assert change(completed, today=on("03-08")).reason == "completed"


def test_every_reason_has_its_verdict() -> None:
    waits = {"not_due_yet", "non_working_day", "quiet_period", "limit_reached"}
    assert {reason: verdict for reason, verdict in REASONS.items() if verdict != "skip"} == (
        dict.fromkeys(waits, "wait") | {"due": "send"}
    )
    assert set(REASONS) == {reason for reason, _, _ in CAUSES} | {
        "disputed",
        "paid",
        "cancelled",
        "written_off",
        "completed",
    }


class TestWhatADecisionSays:
    def test_program_step_and_date_while_a_step_is_left(self) -> None:
        for reason, bring, _ in CAUSES:
            found = outcome(
                change(PLAIN, **bring).invoice,
                STANDARD,
                change(PLAIN, **bring).today,
                [change(PLAIN, **bring).client],
                change(PLAIN, **bring).history,
            ).decisions[0]
            filled = (found.program is not None, found.step > 0, found.date is not None)
            assert filled == ((False,) * 3 if reason in ("invalid", "no_program") else (True,) * 3), reason

    def test_nothing_of_them_when_completed(self) -> None:
        found = decision(invoice(), program("D+3"), "05-01", sent=reminded("a 03-04"))
        assert (found.reason, found.program, found.step, found.date) == ("completed", None, 0, None)

    def test_the_due_date_and_what_is_asked_for_without_a_program(self) -> None:
        found = decision(invoice(), program("D+3", default=False), "05-01")
        assert (found.reason, found.due, found.residual) == ("no_program", on("03-01"), money(100))

    def test_why_it_is_invalid(self) -> None:
        bad = decision(invoice(), program(), "05-01", clients=[client(invalid="email: 'x' is no mail address")])
        assert (bad.reason, bad.detail) == ("invalid", "email: 'x' is no mail address")
        lost = outcome([invoice(client="9")], program(), "05-01", clients=[]).decisions[0]
        assert lost.reason == "due"  # the samples make a client

    def test_an_invoice_of_an_unknown_client_is_invalid(self) -> None:
        from relance_addon.core.group import decide
        from relance_addon.core.program import Book

        found = decide([invoice(client="9")], {}, Book([program()]), History(), on("05-01"), POLICY).decisions[0]
        assert (found.reason, found.detail) == ("invalid", "client: no client '9'")

    def test_an_unknown_program_is_invalid_and_names_the_nearest(self) -> None:
        found = decision(invoice(program="standart"), program(), "05-01")
        assert (found.reason, found.detail) == (
            "invalid",
            "program: unknown program 'standart'; did you mean 'standard'?",
        )


class TestHolds:
    @pytest.mark.parametrize(("until", "reason"), [("03-09", "due"), ("03-10", "held"), ("9999-12-31", "held")])
    def test_up_to_and_including_the_day_or_for_good(self, until: str, reason: str) -> None:
        day = on(until)
        wanted = {"held": "invoice_held"}.get(reason, reason)
        assert change(PLAIN, invoice_held_until=day).reason == wanted
        assert change(PLAIN, history_invoice_holds={"17": day}).reason == wanted
        wanted = {"held": "client_held"}.get(reason, reason)
        assert change(PLAIN, client_held_until=day).reason == wanted
        assert change(PLAIN, history_client_holds={"1": day}).reason == wanted

    def test_either_holds_the_host_or_the_journal(self) -> None:
        world = change(PLAIN, invoice_held_until=on("03-09"), history_invoice_holds={"17": on("03-12")})
        assert world.reason == "invoice_held"

    def test_another_invoice_of_the_client_is_not_held(self) -> None:
        history = History(invoice_holds={"17": date.max})
        assert reasons(outcome([invoice("17"), invoice("18")], STANDARD, TODAY, history=history)) == {
            "17": "invoice_held",
            "18": "due",
        }


class TestFailures:
    def test_three_attempts_at_this_step(self) -> None:
        def reason(*attempts: Attempt) -> str:
            return change(PLAIN, history_attempts={"17": attempts}).reason

        assert reason(Attempt(CYCLE, "a", 2, "m1")) == "due"
        assert reason(Attempt(CYCLE, "a", 3, "m1")) == "failed"
        assert reason(Attempt(CYCLE, "b", 3, "m1")) == "due"
        assert reason(Attempt("0.1.0.other", "a", 3, "m1")) == "due"


class TestCredits:
    """Covered when the credit reaches what is due before today, plus this one when it is not."""

    @pytest.mark.parametrize(
        ("credit", "expected"),
        [
            pytest.param({}, "due due", id="no credit"),
            pytest.param({"EUR": 100}, "due due", id="enough for one, not for all that is due"),
            pytest.param({"EUR": "299.99"}, "due due", id="a cent short"),
            pytest.param({"EUR": 300}, "covered_by_credit covered_by_credit", id="reaches both"),
            pytest.param({"USD": 300}, "due due", id="another currency"),
            pytest.param({"EUR": 0}, "due due", id="a credit of nothing"),
        ],
    )
    def test_two_invoices_due(self, credit: dict[str, Any], expected: str) -> None:
        both = [invoice("17", residual=100), invoice("18", residual=200)]
        found = outcome(both, program(), TODAY, [client(credit=credit)])
        assert " ".join(reasons(found).values()) == expected

    def test_amounts_in_two_currencies_are_never_added_up(self) -> None:
        both = [invoice("17", residual=100), invoice("18", residual=200, currency="USD")]
        found = outcome(both, program(), TODAY, [client(credit={"EUR": 100})])
        assert reasons(found) == {"17": "covered_by_credit", "18": "due"}

    def test_one_that_is_not_due_before_today_counts_for_itself_only(self) -> None:
        courtesy = program("D-7 D+3")
        both = [invoice("17", residual=100), invoice("18", due="03-15", residual=50)]
        assert reasons(outcome(both, courtesy, TODAY, [client(credit={"EUR": 100})])) == {
            "17": "covered_by_credit",
            "18": "due",
        }
        assert reasons(outcome(both, courtesy, TODAY, [client(credit={"EUR": 150})])) == {
            "17": "covered_by_credit",
            "18": "covered_by_credit",
        }

    def test_an_invoice_due_today_is_not_due_before_today(self) -> None:
        both = [invoice("17", residual=100), invoice("18", due="03-10", residual=50)]
        found = outcome(both, program("D+0"), TODAY, [client(credit={"EUR": 100})])
        assert reasons(found) == {"17": "covered_by_credit", "18": "due"}

    @pytest.mark.parametrize(
        ("keys", "counts"),
        [
            pytest.param({"held_until": "12-31"}, True, id="held"),
            pytest.param({"program": "none"}, True, id="without a program"),
            pytest.param({"due": "03-09"}, True, id="its step still to come"),
            pytest.param({"status": "draft"}, False, id="a draft"),
            pytest.param({"status": "disputed"}, False, id="disputed"),
            pytest.param({"residual": -50}, False, id="a residual below zero"),
        ],
    )
    def test_what_else_the_credit_has_to_reach(self, keys: dict[str, Any], counts: bool) -> None:
        both = [invoice("17"), invoice("18", **keys)]
        found = outcome(both, program(), TODAY, [client(credit={"EUR": 100})])
        assert reasons(found)["17"] == ("due" if counts else "covered_by_credit")

    def test_only_that_client_is_covered(self) -> None:
        both = [invoice("17"), invoice("18", client="2")]
        found = outcome(both, program(), TODAY, [client(credit={"EUR": 500})])
        assert reasons(found) == {"17": "covered_by_credit", "18": "due"}


class TestRecipients:
    def people(self, **keys: Any) -> tuple[list[str], str]:
        history = keys.pop("history", History())
        salesperson = keys.pop("salesperson", None)
        step = keys.pop("step", {})
        policy = keys.pop("policy", POLICY)
        found = outcome(
            invoice(salesperson=salesperson), program("D+3", step=step), TODAY, [client(**keys)], history, policy
        )
        if not found.messages:
            return [], found.decisions[0].reason
        return [str(one) for one in found.messages[0].people.to], found.decisions[0].reason

    def test_billing_is_the_clients_billing_contacts(self) -> None:
        contacts = (
            Contact("Ann", "ann@x.example", ("billing", "sales")),
            Contact("Bob", "bob@x.example", ("sales",)),
            Contact("Eve", "eve@x.example", ("billing",)),
        )
        assert self.people(contacts=contacts)[0] == ["Ann <ann@x.example>", "Eve <eve@x.example>"]

    def test_or_the_clients_own_address(self) -> None:
        assert self.people(contacts=(Contact("Bob", "bob@x.example", ("sales",)),))[0] == [
            "Client 1 <client1@x.example>"
        ]

    def test_a_billing_contact_without_an_address_is_none(self) -> None:
        assert self.people(contacts=(Contact("Ann", "", ("billing",)),))[0] == ["Client 1 <client1@x.example>"]

    @pytest.mark.parametrize("email", ["", "n/a", "nobody", "a@b@c", "x y@z.example"])
    def test_no_usable_address(self, email: str) -> None:
        assert self.people(email=email) == ([], "no_recipient")

    def test_addresses_that_bounced_for_good_are_left_out(self) -> None:
        step = {"to": ["client", "Boss <Boss@x.example>"]}
        bounced = History(bounced=frozenset({"client1@x.example"}))
        assert self.people(step=step, history=bounced)[0] == ["Boss <Boss@x.example>"]
        assert self.people(history=bounced, email="Client1@X.example") == ([], "no_recipient")

    def test_copies_alone_are_no_recipients(self) -> None:
        assert self.people(email="", step={"cc": ["boss@x.example"]}) == ([], "no_recipient")

    def test_an_activity_needs_none(self) -> None:
        assert self.people(email="", step={"channel": "activity"}) == ([], "due")

    def test_each_address_once_in_the_first_place_it_stands_in(self) -> None:
        step = {
            "to": ["client", "billing", "CLIENT1@x.example"],
            "cc": ["client", "accounting"],
            "bcc": ["accounting", "boss@x.example"],
        }
        found = outcome(invoice(), program("D+3", step=step), TODAY).messages[0].people
        assert [[one.email for one in kind] for kind in found[1:]] == [
            ["client1@x.example"],
            ["compta@acme.example"],
            ["boss@x.example"],
        ]

    def test_the_salesperson_else_accounting_sends(self) -> None:
        from relance_addon.core.model import Address

        def sender(salesperson: Address | None) -> str:
            steps = program("D+3", step={"sender": "salesperson"})
            return outcome(invoice(salesperson=salesperson), steps, TODAY).messages[0].people.sender.email

        assert sender(Address("Max", "max@acme.example")) == "max@acme.example"
        assert sender(None) == "compta@acme.example"

    def test_names_of_roles_are_addresses(self) -> None:
        from relance_addon.core.model import Address

        policy = replace(POLICY, roles={**POLICY.roles, "manager": Address("Anne", "anne@acme.example")})
        assert self.people(step={"to": ["manager"]}, policy=policy)[0] == ["Anne <anne@acme.example>"]

    def test_sender_and_recipients_changed_by_hand(self) -> None:
        from relance_addon.core.model import StepChange

        plan = adapted(changes={"a": StepChange(sender="max@acme.example", to=("new@x.example",), cc=("client",))})
        people = outcome(invoice(), program(), TODAY, history=History(adaptations={"17": plan})).messages[0].people
        assert people.sender.email == "max@acme.example"
        assert [one.email for one in (*people.to, *people.cc)] == ["new@x.example", "client1@x.example"]


class TestMinimum:
    def test_the_whole_message_counts(self) -> None:
        steps = program("D+3", minimum="150")
        assert reasons(outcome([invoice("17")], steps, TODAY)) == {"17": "below_minimum"}
        assert set(reasons(outcome([invoice("17"), invoice("18")], steps, TODAY)).values()) == {"due"}

    def test_exactly_the_minimum_is_enough(self) -> None:
        assert reasons(outcome([invoice("17")], program("D+3", minimum="100.00"), TODAY)) == {"17": "due"}

    def test_any_one_currency_may_reach_it(self) -> None:
        pair = [invoice("17", residual=90), invoice("18", residual=90, currency="USD")]
        assert set(reasons(outcome(pair, program("D+3", minimum="100"), TODAY)).values()) == {"below_minimum"}
        pair = [invoice("17", residual=100), invoice("18", residual=1, currency="USD")]
        assert set(reasons(outcome(pair, program("D+3", minimum="100"), TODAY)).values()) == {"due"}

    def test_it_is_counted_after_what_is_covered_or_without_a_recipient(self) -> None:
        pair = [invoice("17"), invoice("18", held_until="12-31")]
        assert reasons(outcome(pair, program("D+3", minimum="150"), TODAY))["17"] == "below_minimum"


class TestQuietDays:
    @pytest.mark.parametrize(
        ("days_ago", "quiet_days", "reason"),
        [
            (0, 0, "due"),
            (1, 0, "due"),
            (0, 3, "quiet_period"),
            (1, 3, "quiet_period"),
            (3, 3, "quiet_period"),
            (4, 3, "due"),
        ],
    )
    def test_since_the_clients_last_automatic_message(self, days_ago: int, quiet_days: int, reason: str) -> None:
        history = History(messaged={"1": TODAY - timedelta(days=days_ago)})
        found = outcome(invoice(), program("D+3", quiet_days=quiet_days), TODAY, history=history)
        assert reasons(found) == {"17": reason}

    def test_one_message_to_a_client_in_a_run_the_oldest_due_date_first(self) -> None:
        three = [invoice("17", due="03-05"), invoice("18", due="03-01"), invoice("19", due="03-03")]
        steps = program("D+3", group="invoice", quiet_days=1)
        assert reasons(outcome(three, steps, TODAY)) == {"17": "quiet_period", "18": "due", "19": "quiet_period"}

    def test_another_client_is_not_concerned(self) -> None:
        pair = [invoice("17"), invoice("18", client="2")]
        assert set(reasons(outcome(pair, program("D+3", quiet_days=9), TODAY)).values()) == {"due"}

    def test_a_message_that_is_kept_back_silences_no_other(self) -> None:
        pair = [invoice("17", due="03-01", residual=5), invoice("18", due="03-03")]
        steps = program("D+3", group="invoice", quiet_days=1, minimum="10")
        assert reasons(outcome(pair, steps, TODAY)) == {"17": "below_minimum", "18": "due"}

    def test_a_message_of_another_program_counts(self) -> None:
        loud = program("D+3", name="loud", default=False)
        quiet = program("D+3", name="quiet", quiet_days=2)
        pair = [invoice("17", due="03-01", program="loud"), invoice("18", due="03-02")]
        assert reasons(outcome(pair, [loud, quiet], TODAY)) == {"17": "due", "18": "quiet_period"}


class TestLimits:
    def test_the_oldest_due_date_first_then_the_client(self) -> None:
        made = [
            invoice("17", due="03-05", client="1"),
            invoice("18", due="03-01", client="10"),
            invoice("19", due="03-01", client="9"),
        ]
        order = []
        for limit in range(4):
            found = outcome(made, program("D+3"), TODAY, policy=replace(POLICY, per_run=limit))
            order.append({number for number, reason in reasons(found).items() if reason == "due"})
        assert order == [set(), {"19"}, {"18", "19"}, {"17", "18", "19"}]

    def test_messages_are_counted_not_invoices(self) -> None:
        three = [invoice("17"), invoice("18"), invoice("19")]
        found = outcome(three, program("D+3"), TODAY, policy=replace(POLICY, per_run=1))
        assert set(reasons(found).values()) == {"due"}

    def test_what_does_not_leave_for_another_reason_takes_no_place(self) -> None:
        pair = [invoice("17", due="03-01", residual=1), invoice("18", due="03-03", client="2")]
        found = outcome(pair, program("D+3", minimum=10), TODAY, policy=replace(POLICY, per_run=1))
        assert reasons(found) == {"17": "below_minimum", "18": "due"}

    def test_a_limit_reached_by_a_host_that_is_off(self) -> None:
        pair = [invoice("17"), invoice("18", client="2")]
        found = outcome(pair, program("D+3"), TODAY, policy=replace(POLICY, per_run=1), active=False)
        assert reasons(found) == {"17": "inactive", "18": "limit_reached"}
        assert found.messages == []


def test_amounts_stay_decimals() -> None:
    found = outcome([invoice(residual="0.10"), invoice("18", residual="0.20")], program("D+3"), TODAY)
    assert found.messages[0].totals == {"EUR": Decimal("0.30")}
