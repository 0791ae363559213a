"""What goes together in one message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from core_samples import POLICY, adapted, client, contents, invoice, on, outcome, program, reasons, reminded

from relance_addon.core.group import Message
from relance_addon.core.model import Address, Attempt, History, StepChange

TODAY = on("03-20")
MAX, LEA = Address("Max", "max@acme.example"), Address("Léa", "lea@acme.example")
CYCLE = "0.1.0.standard"


def sent(**keys: Any) -> History:
    """Invoices by id whose step a was sent on that day: ``i17="03-04"``."""
    return History(reminders={key.removeprefix("i"): reminded(f"a {day}") for key, day in keys.items()})


def steps_of(messages: list[Message]) -> list[int]:
    return [one.step_number for one in messages]


class TestPerStep:
    def test_invoices_of_a_client_at_the_same_step(self) -> None:
        found = outcome([invoice("17"), invoice("18"), invoice("19", client="2")], program(), TODAY)
        assert contents(found) == ["17 18", "19"]

    def test_two_steps_make_two_messages(self) -> None:
        found = outcome([invoice("17"), invoice("18")], program(), TODAY, history=sent(i17="03-04"))
        assert (contents(found), steps_of(found.messages)) == (["17", "18"], [2, 1])

    def test_two_senders_make_two_messages(self) -> None:
        steps = program(step={"sender": "salesperson"})
        three = [invoice("17", salesperson=MAX), invoice("18", salesperson=LEA), invoice("19", salesperson=MAX)]
        assert contents(outcome(three, steps, TODAY)) == ["17 19", "18"]

    def test_a_recipient_added_by_hand_makes_a_message_of_its_own(self) -> None:
        plan = adapted(changes={"a": StepChange(cc=("boss@x.example",))})
        found = outcome([invoice("17"), invoice("18")], program(), TODAY, history=History(adaptations={"17": plan}))
        assert contents(found) == ["17", "18"]

    def test_a_change_by_hand_that_changes_no_one_stays_together(self) -> None:
        plan = adapted(changes={"a": StepChange(to=("client",))})
        found = outcome([invoice("17"), invoice("18")], program(), TODAY, history=History(adaptations={"17": plan}))
        assert contents(found) == ["17 18"]

    def test_two_programs_make_two_messages(self) -> None:
        other = program(name="other", default=False)
        found = outcome([invoice("17"), invoice("18", program="other")], [program(), other], TODAY)
        assert contents(found) == ["17", "18"]

    def test_two_versions_make_two_messages(self) -> None:
        history = History(adaptations={"17": adapted(program="standard", version=1)})
        found = outcome([invoice("17"), invoice("18")], program(version=2), TODAY, history=history, kept=[program()])
        assert contents(found) == ["17", "18"]

    def test_currencies_go_together_and_are_not_added_up(self) -> None:
        found = outcome([invoice("17"), invoice("18", currency="USD")], program(), TODAY)
        assert [{currency: str(amount) for currency, amount in one.totals.items()} for one in found.messages] == [
            {"EUR": "100.00", "USD": "100.00"}
        ]


class TestPerInvoice:
    def test_one_message_each(self) -> None:
        found = outcome([invoice("17"), invoice("18")], program(group="invoice"), TODAY)
        assert contents(found) == ["17", "18"]


class TestPerClient:
    def test_all_steps_go_together_with_the_text_of_the_furthest(self) -> None:
        found = outcome([invoice("17"), invoice("18")], program(group="client"), TODAY, history=sent(i18="03-04"))
        assert (contents(found), steps_of(found.messages)) == (["17 18"], [2])

    def test_each_invoice_goes_on_from_its_own_step(self) -> None:
        found = outcome([invoice("17"), invoice("18")], program(group="client"), TODAY, history=sent(i18="03-04"))
        assert [one.step for one in found.decisions] == [1, 2]

    def test_sender_and_recipients_are_those_of_the_furthest(self) -> None:
        steps = program(group="client", each={"b": {"sender": "boss@acme.example", "cc": ["accounting"]}})
        found = outcome([invoice("17"), invoice("18")], steps, TODAY, history=sent(i18="03-04"))
        people = found.messages[0].people
        assert (people.sender.email, [one.email for one in people.cc]) == ("boss@acme.example", ["compta@acme.example"])

    def test_a_mail_and_an_activity_do_not_go_together(self) -> None:
        steps = program(group="client", each={"b": {"channel": "activity"}})
        found = outcome([invoice("17"), invoice("18")], steps, TODAY, history=sent(i18="03-04"))
        assert contents(found) == ["17", "18"]

    def test_another_salesperson_makes_another_message(self) -> None:
        steps = program(group="client", step={"sender": "salesperson"})
        three = [invoice("17", salesperson=MAX), invoice("18", salesperson=LEA), invoice("19", salesperson=MAX)]
        found = outcome(three, steps, TODAY, history=sent(i17="03-04"))
        assert (contents(found), steps_of(found.messages)) == (["17 19", "18"], [2, 1])

    def test_the_text_of_what_is_left_is_its_own_furthest_step(self) -> None:
        steps = program(group="client", step={"sender": "salesperson"})
        four = [invoice("17", salesperson=MAX), invoice("18", salesperson=LEA), invoice("19", salesperson=LEA)]
        history = sent(i17="03-04", i19="03-04")
        history = replace(history, reminders={**history.reminders, "17": reminded("a 03-02", "b 03-03")})
        found = outcome(
            four, program("D+3 D+15 D+16", group="client", step={"sender": "salesperson"}), TODAY, history=history
        )
        assert (contents(found), steps_of(found.messages)) == (["17", "18 19"], [3, 2])
        assert steps.group == "client"


class TestOrder:
    def test_messages_stand_in_order_of_client_then_invoice_digits_as_numbers(self) -> None:
        made = [
            invoice("100", client="10"),
            invoice("9", client="9"),
            invoice("20", client="9"),
            invoice("3", client="A2"),
        ]
        found = outcome(made, program(group="invoice"), TODAY)
        assert contents(found) == ["9", "20", "100", "3"]
        assert [one.number for one in found.messages] == [1, 2, 3, 4]

    def test_decisions_stand_as_the_invoices_were_given(self) -> None:
        found = outcome([invoice("20"), invoice("9")], program(), TODAY)
        assert list(reasons(found)) == ["20", "9"]

    def test_what_does_not_leave_takes_no_number(self) -> None:
        steps = program(group="invoice", minimum="50")
        found = outcome([invoice("17", residual=1), invoice("18")], steps, TODAY)
        assert [(one.number, one.decisions[0].invoice.id) for one in found.messages] == [(1, "18")]


class TestFailedMessages:
    """A message once claimed is settled whole, never regrouped."""

    def attempts(self, *ids: str, message: str = "m1") -> History:
        return History(attempts={one: (Attempt(CYCLE, "a", 1, message),) for one in ids})

    def test_it_is_repeated_apart_from_what_has_come_since(self) -> None:
        three = [invoice("17"), invoice("18"), invoice("19")]
        found = outcome(three, program(), TODAY, history=self.attempts("17", "19"))
        assert [(one.retry, [d.invoice.id for d in one.decisions]) for one in found.messages] == [
            ("m1", ["17", "19"]),
            ("", ["18"]),
        ]

    def test_two_failed_messages_stay_two(self) -> None:
        history = self.attempts("17")
        history = replace(history, attempts={**history.attempts, **self.attempts("18", message="m2").attempts})
        assert contents(outcome([invoice("17"), invoice("18")], program(), TODAY, history=history)) == ["17", "18"]

    @pytest.mark.parametrize("group", ["invoice", "step", "client"])
    def test_it_stays_whole_whatever_the_program_has_become(self, group: str) -> None:
        found = outcome([invoice("17"), invoice("18")], program(group=group), TODAY, history=self.attempts("17", "18"))
        assert contents(found) == ["17 18"]

    def test_it_falls_apart_when_senders_have_come_to_differ(self) -> None:
        pair = [invoice("17", salesperson=MAX), invoice("18", salesperson=LEA)]
        steps = program(step={"sender": "salesperson"})
        assert contents(outcome(pair, steps, TODAY, history=self.attempts("17", "18"))) == ["17", "18"]

    def test_what_was_paid_meanwhile_is_left_out(self) -> None:
        pair = [invoice("17", residual=0), invoice("18")]
        assert contents(outcome(pair, program(), TODAY, history=self.attempts("17", "18"))) == ["18"]

    def test_a_message_held_in_doubt_is_not_repeated(self) -> None:
        history = replace(self.attempts("17"), in_doubt=frozenset({"17"}))
        assert contents(outcome([invoice("17")], program(), TODAY, history=history)) == []


class TestLanguage:
    @pytest.mark.parametrize(
        ("language", "expected"),
        [("", "fr"), ("fr", "fr"), ("en", "en"), ("en_US", "en"), ("EN-gb", "en"), ("de", "fr"), ("pt_BR", "fr")],
    )
    def test_the_clients_when_there_are_texts_in_it(self, language: str, expected: str) -> None:
        found = outcome(invoice(), program(), TODAY, [client(language=language)])
        assert found.messages[0].language == expected

    def test_any_when_nothing_says_which_there_are(self) -> None:
        policy = replace(POLICY, languages=frozenset())
        assert (
            outcome(invoice(), program(), TODAY, [client(language="de_AT")], policy=policy).messages[0].language == "de"
        )
