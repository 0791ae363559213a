"""The contract's "When a step is due", by sentence. Invoices are issued on 1 February and due on 1 March 2026."""

from __future__ import annotations

from typing import Any

import pytest
from core_samples import adapted, client, decision, invoice, next_step, on, program, reminded

from relance_addon.core.model import Adaptation

BASE = [
    # sentence, steps, issue, due, the first step's date
    ("days after the due date", "D+3", "02-01", "03-01", "2026-03-04"),
    ("the due date itself", "D+0", "02-01", "03-01", "2026-03-01"),
    ("days before the due date", "D-7", "02-01", "03-01", "2026-02-22"),
    ("days after the issue date", "I+30", "02-01", "03-01", "2026-03-03"),
    ("days before the issue date", "I-2", "02-01", "03-01", "2026-01-30"),
    ("two weeks after the due date", "D+2w", "02-01", "03-01", "2026-03-15"),
    ("a month after the due date", "D+1m", "02-01", "03-01", "2026-04-01"),
    ("a month before the due date", "D-1m", "02-01", "03-31", "2026-02-28"),
    ("a month after 31 January is clipped to the end of February", "D+1m", "01-01", "01-31", "2026-02-28"),
    ("a month after 31 January of a leap year", "D+1m", "2028-01-01", "2028-01-31", "2028-02-29"),
    ("three months after 30 November", "I+3m", "2025-11-30", "2026-01-30", "2026-02-28"),
    ("no due date means the issue date", "D+3", "02-01", None, "2026-02-04"),
    ("a due date that means never", "D+3", "02-01", "9999-12-31", "9999-12-31"),
    ("a due date that means never, in months", "D+1m", "02-01", "9999-12-31", "9999-12-31"),
]


@pytest.mark.parametrize(("steps", "issue", "due", "expected"), [row[1:] for row in BASE], ids=[row[0] for row in BASE])
def test_the_base_of_a_first_step(steps: str, issue: str, due: str | None, expected: str) -> None:
    assert decision(invoice(issue=issue, due=due), program(steps), "01-01").date == on(expected)


def case(sentence: str, steps: str, *sent: str, expect: str, today: str = "03-02", **keys: Any) -> Any:
    return pytest.param(steps, sent, expect, today, keys, id=sentence)


SPACING = [
    case("nothing sent: the first step", "D+3 D+15", expect="a 2026-03-04"),
    case("nothing sent, long overdue: the first step all the same", "D+3 D+15", expect="a 2026-03-04", today="07-01"),
    case("sent in time: the next one on its base", "D+3 D+15", "a 03-04", expect="b 2026-03-16"),
    case("sent five days late: the next one five days late", "D+3 D+15", "a 03-09", expect="b 2026-03-21"),
    case("sent by hand before its date: the next one on its base", "D+3 D+15", "a 03-01", expect="b 2026-03-16"),
    case("after the previous one: from the day it was really sent", "D+3 P+10", "a 03-09", expect="b 2026-03-19"),
    case("after the previous one, sent early", "D+3 P+10", "a 03-01", expect="b 2026-03-11"),
    case("after the previous one, in months", "D+3 P+1m", "a 03-31", expect="b 2026-04-30"),
    case("two steps with the same base: a day between them", "D+3 D+3", "a 03-04", expect="b 2026-03-05"),
    case("a step based before the one sent: the day after", "D+15 D+3", "a 03-16", expect="b 2026-03-17"),
    case("the issue date and the due date in one program", "I+30 D+3 D+10", "a 03-03", expect="b 2026-03-04"),
    case("the same, a late: its distance to b kept", "I+30 D+3 D+10", "a 03-10", expect="b 2026-03-11"),
    case("all sent", "D+3 D+15", "a 03-04", "b 03-16", expect="completed"),
    case("a step sent by hand passes over those before it", "D+3 D+15 D+30", "b 03-10", expect="c 2026-03-31"),
    case("the same, sent later than its base", "D+3 D+15 D+30", "b 03-20", expect="c 2026-04-04"),
    case(
        "the furthest step counts, not the last one sent", "D+3 D+15 D+30", "b 03-16", "a 03-20", expect="c 2026-03-31"
    ),
    case("a step sent twice counts from the second time", "D+3 D+15", "a 03-04", "a 03-08", expect="b 2026-03-20"),
    case("the last step sent first: nothing follows", "D+3 D+15 D+30", "c 03-04", expect="completed"),
]

DROPPED = [
    case("the first step dropped: the second on its base", "D+3 D+15", dropped="a", expect="b 2026-03-16"),
    case("a dropped step still is a base", "D+3 P+10", dropped="a", expect="b 2026-03-14"),
    case("a chain over two dropped steps", "D+3 P+10 P+5", dropped="a b", expect="c 2026-03-19"),
    case(
        "dropped in the middle: the sum of the spacings", "D+3 P+10 P+5", "a 03-09", dropped="b", expect="c 2026-03-24"
    ),
    case(
        "months and days add up over a dropped step",
        "D+3 P+1m P+5",
        "a 03-31",
        dropped="b",
        expect="c 2026-05-05",
    ),
    case("dropped, the bases on the due date", "D+3 D+15 D+30", "a 03-09", dropped="b", expect="c 2026-04-05"),
    case(
        "after a dropped step on the due date: the later of base and spacing",
        "D+3 D+15 P+10",
        "a 03-09",
        dropped="b",
        expect="c 2026-03-31",
    ),
    case("every step dropped", "D+3 D+15", dropped="a b", expect="completed"),
    case("the rest dropped", "D+3 D+15", "a 03-04", dropped="b", expect="completed"),
    case("a step dropped after it was sent: it was sent", "D+3 D+15", "a 03-09", dropped="a", expect="b 2026-03-21"),
    case("a name that no step has", "D+3 D+15", dropped="z", expect="a 2026-03-04"),
]

LAPSED = [
    case("before the due date: still to come", "D-7 D+3", today="02-23", expect="a 2026-02-22"),
    case("the day before the due date: still", "D-7 D+3", today="02-28", expect="a 2026-02-22"),
    case("on the due date it lapses", "D-7 D+3", today="03-01", expect="b 2026-03-04"),
    case("a lapsed step still is a base", "D-7 P+10", today="03-05", expect="b 2026-03-04"),
    case("D+0 is not before the due date", "D+0 D+3", today="03-05", expect="a 2026-03-01"),
    case("I+N may come before the due date and does not lapse", "I+3 D+3", today="03-05", expect="a 2026-02-04"),
    case("sent: it has not lapsed", "D-7 D+3", "a 02-27", today="03-05", expect="b 2026-03-09"),
    case("two of them, the first sent late", "D-7 D-3 D+3", "a 02-27", today="03-05", expect="c 2026-03-09"),
    case("only courtesy notes: nothing is left", "D-7 D-3", today="03-01", expect="completed"),
    case("months before", "D-1m D+3", today="03-01", expect="b 2026-03-04"),
]

BY_HAND = [
    case("a message by hand: the next step waits seven days", "D+3 D+15", "- 03-03", expect="a 2026-03-10"),
    case("long before: nothing changes", "D+3 D+15", "- 02-03", expect="a 2026-03-04"),
    case("between two steps", "D+3 D+15", "a 03-04", "- 03-14", expect="b 2026-03-21"),
    case("after_manual = 2", "D+3 D+15", "a 03-04", "- 03-15", after_manual=2, expect="b 2026-03-17"),
    case("after_manual = 0", "D+3 D+15", "a 03-04", "- 03-16", after_manual=0, expect="b 2026-03-16"),
    case("the last of two messages by hand", "D+3 D+15", "- 03-01", "- 03-06", expect="a 2026-03-13"),
    case("a message by hand is no step: it passes over nothing", "D+3 D+15", "- 05-03", expect="a 2026-05-10"),
]

HAND_DATES = [
    case("a date by hand is the date", "D+3 D+15", dates={"a": "03-20"}, expect="a 2026-03-20"),
    case("earlier than the base", "D+3 D+15", dates={"a": "02-20"}, expect="a 2026-02-20"),
    case("no catching up", "D+3 D+15", "a 03-20", dates={"b": "03-22"}, expect="b 2026-03-22"),
    case("after_previous does not count", "D+3 P+10", "a 03-20", dates={"b": "03-22"}, expect="b 2026-03-22"),
    case("after_manual does not count", "D+3 D+15", "- 03-10", dates={"a": "03-12"}, expect="a 2026-03-12"),
    case(
        "never before the day after the last reminder",
        "D+3 D+15",
        "a 03-20",
        dates={"b": "03-12"},
        expect="b 2026-03-21",
    ),
    case("nor after a message by hand", "D+3 D+15", "- 03-20", dates={"a": "03-12"}, expect="a 2026-03-21"),
    case(
        "no calendar: a Sunday stays a Sunday", "D+3 D+15", dates={"a": "03-22"}, calendar="FR", expect="a 2026-03-22"
    ),
    case(
        "a courtesy note put after the due date", "D-7 D+3", dates={"a": "03-02"}, today="03-01", expect="a 2026-03-02"
    ),
    case(
        "a courtesy note put before it lapses too",
        "D-7 D+3",
        dates={"a": "02-26"},
        today="03-01",
        expect="b 2026-03-04",
    ),
    case("the steps after it keep their bases", "D+3 D+15", "a 03-20", dates={"a": "03-20"}, expect="b 2026-04-01"),
    case("dropped all the same", "D+3 D+15", dates={"a": "03-20"}, dropped="a", expect="b 2026-03-16"),
]

CALENDAR = [
    case("a working day stays", "D+3", due="03-01", calendar="FR", expect="a 2026-03-04"),
    case("Saturday moves to Monday", "D+3", due="03-04", calendar="FR", expect="a 2026-03-09"),
    case("14 July moves to the 15th", "D+3", due="07-11", calendar="FR", today="07-01", expect="a 2026-07-15"),
    case("14 July is nothing in Germany", "D+3", due="07-11", calendar="DE", today="07-01", expect="a 2026-07-14"),
    case("Easter Monday after a week-end", "D+3", due="04-01", calendar="FR", expect="a 2026-04-07"),
    case("Good Friday in the Haut-Rhin", "D+3", due="03-31", calendar="FR-6AE", expect="a 2026-04-07"),
    case("Good Friday elsewhere in France", "D+3", due="03-31", calendar="FR", expect="a 2026-04-03"),
    case(
        "a courtesy note moves to the working day before",
        "D-7",
        due="07-21",
        calendar="FR",
        today="07-01",
        expect="a 2026-07-13",
    ),
    case("a courtesy note on Sunday moves to Friday", "D-7", due="03-15", calendar="FR", expect="a 2026-03-06"),
    case("the issue date's step moves forward", "I+6", calendar="FR", today="02-01", expect="a 2026-02-09"),
    case("spacing first, then the calendar", "D+3 D+15", "a 03-07", calendar="FR", expect="b 2026-03-19"),
    case("spacing ends on a Sunday", "D+3 D+14", "a 03-11", calendar="FR", expect="b 2026-03-23"),
    case(
        "after the previous one, on 1 May", "D+3 P+10", "a 04-21", calendar="FR", today="04-22", expect="b 2026-05-04"
    ),
    case("after a message by hand, on a Saturday", "D+3", "- 03-07", calendar="FR", expect="a 2026-03-16"),
    case("the client's country", "D+3", due="07-11", calendar="client", today="07-01", expect="a 2026-07-15"),
    case(
        "the client's country, Germany",
        "D+3",
        due="07-11",
        calendar="client",
        today="07-01",
        country="DE",
        expect="a 2026-07-14",
    ),
    case(
        "the client's country is unknown: week-ends only",
        "D+3",
        due="07-11",
        calendar="client",
        today="07-01",
        country="",
        expect="a 2026-07-14",
    ),
    case(
        "a country that nobody knows: week-ends only",
        "D+3",
        due="03-04",
        calendar="client",
        country="XX",
        expect="a 2026-03-09",
    ),
    case(
        "the client's country in small letters",
        "D+3",
        due="07-11",
        calendar="client",
        today="07-01",
        country="fr",
        expect="a 2026-07-15",
    ),
    case("no calendar: Sunday it is", "D+7", due="03-01", expect="a 2026-03-08"),
]


@pytest.mark.parametrize(
    ("steps", "sent", "expect", "today", "keys"),
    [*SPACING, *DROPPED, *LAPSED, *BY_HAND, *HAND_DATES, *CALENDAR],
)
def test_the_next_step(steps: str, sent: tuple[str, ...], expect: str, today: str, keys: dict[str, Any]) -> None:
    keys = dict(keys)
    made = invoice(due=keys.pop("due", "03-01"))
    country = keys.pop("country", "FR")
    plan = adapted(keys.pop("dropped", ""), keys.pop("dates", None))
    found = next_step(
        made, program(steps, **keys), today, sent=reminded(*sent), plan=plan, clients=[client(country=country)]
    )
    assert found == expect


def test_a_step_is_due_from_its_date_on() -> None:
    program_of = program("D+3 D+15")
    reasons = [decision(invoice(), program_of, day).reason for day in ("03-03", "03-04", "03-05", "2027-03-05")]
    assert reasons == ["not_due_yet", "due", "due", "due"]


def test_nothing_automatic_leaves_on_a_day_that_is_none() -> None:
    late = invoice(due="07-01")
    reasons = [decision(late, program("D+3", calendar="FR"), day).reason for day in ("07-13", "07-14", "07-15")]
    assert reasons == ["due", "non_working_day", "due"]


def test_a_courtesy_note_kept_back_by_a_week_end_leaves_on_monday() -> None:
    made = invoice(due="03-10")
    courtesy = program("D-2 D+3", calendar="FR")
    found = [
        (decision(made, courtesy, day).reason, next_step(made, courtesy, day)) for day in ("03-07", "03-09", "03-10")
    ]
    assert found == [
        ("non_working_day", "a 2026-03-06"),
        ("due", "a 2026-03-06"),
        ("not_due_yet", "b 2026-03-13"),
    ]


def test_a_courtesy_note_does_not_move_back_to_before_what_it_has_to_wait_for() -> None:
    made = invoice(due="03-22")
    found = next_step(made, program("D-7 D+3", calendar="FR"), "03-09", sent=reminded("- 03-08"))
    assert found == "a 2026-03-16"  # base Sunday 15, not Friday 13


class TestNewCycles:
    """Another instalment, another program, or a restart; no sooner than 7 days after the last reminder."""

    def test_another_program_starts_from_its_first_step(self) -> None:
        other = program("D+3 D+15", name="strict", names="xyz")
        found = next_step(invoice(), other, "05-01", sent=reminded("a 03-04", "b 03-16"))
        assert found == "x 2026-03-23"

    def test_steps_of_the_same_name_count_for_nothing_in_another_program(self) -> None:
        found = next_step(invoice(), program("D+3 D+15", name="strict"), "05-01", sent=reminded("a 03-04"))
        assert found == "a 2026-03-11"

    def test_its_first_step_waits_for_its_own_date_when_that_is_later(self) -> None:
        found = next_step(invoice(), program("D+40", name="strict"), "05-01", sent=reminded("a 03-04"))
        assert found == "a 2026-04-10"

    def test_back_to_the_first_program_is_a_new_cycle_again(self) -> None:
        first = decision(invoice(), program("D+3 D+15"), "05-01", sent=reminded("a 03-04"))
        other = program("D+3 D+15", name="strict")
        second = decision(invoice(), other, "05-01", sent=reminded("a 03-04"))
        sent = (
            *reminded("a 03-04", cycle=first.cycle),
            *reminded("a 03-11", program="strict", cycle=second.cycle),
        )
        third = decision(invoice(), program("D+3 D+15"), "05-01", sent=sent)
        assert len({first.cycle, second.cycle, third.cycle}) == 3
        assert (third.step, third.date) == (1, on("03-18"))

    def test_a_program_that_sent_nothing_breaks_no_cycle(self) -> None:
        sent = reminded("a 03-04")
        before = decision(invoice(), program("D+3 D+15"), "05-01", sent=sent)
        decision(invoice(), program("D+3 D+15", name="strict"), "05-01", sent=sent)
        assert decision(invoice(), program("D+3 D+15"), "05-01", sent=sent) == before
        assert before.step == 2

    def test_a_restart(self) -> None:
        sent = reminded("a 03-04", "b 03-16")
        found = next_step(invoice(), program("D+3 D+15"), "05-01", sent=sent, plan=Adaptation(restart=1))
        assert found == "a 2026-03-23"

    def test_a_restart_counts_from_the_last_reminder_of_any_cycle(self) -> None:
        sent = (*reminded("a 03-04"), *reminded("a 03-20", program="strict", cycle="0.1.1.strict"))
        assert next_step(invoice(), program("D+3"), "05-01", sent=sent, plan=Adaptation(restart=1)) == "a 2026-03-27"

    def test_after_a_restart_the_second_step_follows_the_first(self) -> None:
        sent = (*reminded("a 03-04", "b 03-16"), *reminded("a 03-23", restart=1))
        found = next_step(invoice(), program("D+3 D+15"), "05-01", sent=sent, plan=Adaptation(restart=1))
        assert found == "b 2026-04-04"

    def test_the_seven_days_fall_on_a_week_end(self) -> None:
        other = program("D+3", name="strict", calendar="FR")
        assert next_step(invoice(), other, "05-01", sent=reminded("a 03-07")) == "a 2026-03-16"

    def test_a_date_by_hand_does_not_wait_seven_days(self) -> None:
        plan = adapted(dates={"a": "03-06"}, restart=1)
        assert next_step(invoice(), program("D+3"), "05-01", sent=reminded("a 03-04"), plan=plan) == "a 2026-03-06"


class TestVersions:
    """Steps sent are counted by name, across versions of a program."""

    def test_a_step_put_in_before_what_was_sent_is_passed_over(self) -> None:
        edited = program("D+1 D+3 D+15", names="zab", version=2)
        assert next_step(invoice(), edited, "05-01", sent=reminded("a 03-04")) == "b 2026-03-16"

    def test_a_step_put_in_after_it_comes_next(self) -> None:
        edited = program("D+3 D+8 D+15", names="azb", version=2)
        assert next_step(invoice(), edited, "05-01", sent=reminded("a 03-04")) == "z 2026-03-09"

    def test_steps_in_another_order(self) -> None:
        edited = program("D+3 D+15 D+30", names="bac", version=2)
        assert next_step(invoice(), edited, "05-01", sent=reminded("a 03-20")) == "c 2026-04-04"

    def test_a_step_taken_out_after_it_was_sent(self) -> None:
        edited = program("D+3 D+30", names="ac", version=2)
        assert next_step(invoice(), edited, "05-01", sent=reminded("a 03-04", "b 03-16")) == "c 2026-03-31"

    def test_a_step_added_to_a_completed_program(self) -> None:
        edited = program("D+3 D+15 P+10", version=2)
        assert next_step(invoice(), edited, "05-01", sent=reminded("a 03-04", "b 03-16")) == "c 2026-03-26"

    def test_a_cycle_lives_through_an_edit(self) -> None:
        sent = reminded("a 03-04")
        old = decision(invoice(), program("D+3 D+15"), "05-01", sent=sent)
        new = decision(invoice(), program("D+3 D+20", version=2), "05-01", sent=sent)
        assert old.cycle == new.cycle

    def test_when_no_step_sent_is_left_the_first_waits_seven_days(self) -> None:
        edited = program("D+3 D+15", names="xy", version=2)
        assert next_step(invoice(), edited, "05-01", sent=reminded("a 03-04")) == "x 2026-03-11"


class TestOneStepADay:
    def test_a_first_step_sent_again_by_hand_keeps_the_next_one_for_the_day_after(self) -> None:
        sent = reminded("a 03-04", "b 03-16", "a 03-31")
        assert next_step(invoice(), program("D+3 D+15 D+30"), "03-31", sent=sent) == "c 2026-04-01"

    def test_an_instalment_taken_up_again_waits_for_the_day_after(self) -> None:
        made = invoice(due="03-01", instalments=[("03-01", 50, 50), ("04-01", 50, 50)])
        sent = (*reminded("a 03-04"), *reminded("a 04-04", rank=2))
        longer = program("D+3 D+10", version=2)
        assert next_step(made, longer, "04-04", sent=sent) == "b 2026-04-05"


class TestDrafts:
    def test_a_draft_has_provisional_dates(self) -> None:
        found = decision(invoice(status="draft"), program("D+3"), "02-02")
        assert (found.reason, found.step, found.date) == ("draft", 1, on("03-04"))

    def test_they_move_when_it_is_validated(self) -> None:
        assert next_step(invoice(issue="02-10", due="03-10"), program("D+3"), "02-10") == "a 2026-03-13"

    def test_a_draft_without_dates_counts_from_today(self) -> None:
        assert next_step(invoice(status="draft", issue=None, due=None), program("D+3"), "02-02") == "a 2026-02-05"

    def test_a_date_by_hand_keeps_its_distance_to_the_issue_date(self) -> None:
        plan = adapted(dates={"a": "03-20"}, issued="02-01")
        assert next_step(invoice(status="draft"), program("D+3"), "02-02", plan=plan) == "a 2026-03-20"
        moved = invoice(issue="02-11", due="03-11")
        assert next_step(moved, program("D+3"), "02-11", plan=plan) == "a 2026-03-30"

    def test_so_it_does_on_a_later_instalment(self) -> None:
        plan = adapted(dates={"a": "04-20"}, issued="02-01", instalment=2)
        made = invoice(status="draft", instalments=[("03-01", 50, 0), ("04-01", 50, 50)])
        assert next_step(made, program("D+3"), "02-02", plan=plan) == "a 2026-04-20"

    def test_a_date_by_hand_on_an_open_invoice_does_not_move(self) -> None:
        plan = adapted(dates={"a": "03-20"})
        assert next_step(invoice(issue="02-11", due="03-11"), program("D+3"), "02-11", plan=plan) == "a 2026-03-20"


class TestResiduals:
    @pytest.mark.parametrize("residual", ["0", "-0.01", "-100"])
    def test_a_residual_of_zero_or_less_counts_as_paid(self, residual: str) -> None:
        assert decision(invoice(residual=residual, total=100), program("D+3"), "05-01").reason == "paid"

    def test_so_do_instalments_all_paid(self) -> None:
        made = invoice(instalments=[("03-01", 50, 0), ("04-01", 50, 0)])
        assert decision(made, program("D+3"), "05-01").reason == "paid"


class TestInstalments:
    """30 due on 1 March, 30 on 1 April, 40 on 1 May."""

    def made(self, *left: int, **keys: Any) -> Any:
        days = ("03-01", "04-01", "05-01")
        parts = [(day, amount, rest) for day, amount, rest in zip(days, (30, 30, 40), left, strict=True)]
        return invoice(instalments=keys.pop("order", parts), residual=sum(left), total=100, **keys)

    @pytest.mark.parametrize(
        ("left", "today", "sent", "expected"),
        [
            pytest.param(
                (30, 30, 40), "02-02", (), (1, "03-01", "a 2026-03-04", 30), id="none due: the first is asked"
            ),
            pytest.param((30, 30, 40), "03-01", (), (1, "03-01", "a 2026-03-04", 30), id="due today counts as due"),
            pytest.param(
                (30, 30, 40), "04-02", (), (1, "03-01", "a 2026-03-04", 60), id="two due: one cycle asks both"
            ),
            pytest.param((0, 30, 40), "03-10", (), (2, "04-01", "a 2026-04-04", 30), id="the first paid: the second"),
            pytest.param((10, 30, 40), "04-01", (), (1, "03-01", "a 2026-03-04", 40), id="the first paid in part"),
            pytest.param(
                (30, 0, 40), "04-10", (), (1, "03-01", "a 2026-03-04", 30), id="the second paid before the first"
            ),
            pytest.param((0, 0, 40), "05-10", (), (3, "05-01", "a 2026-05-04", 40), id="the last one"),
            pytest.param(
                (30, 30, 40),
                "03-20",
                ("a 03-04", "b 03-16"),
                (2, "04-01", "a 2026-04-04", 30),
                id="every step sent: on to the second, the first is asked for",
            ),
            pytest.param(
                (30, 30, 40),
                "04-05",
                ("a 03-04", "b 03-31"),
                (2, "04-01", "a 2026-04-07", 60),
                id="a new cycle: seven days after the last reminder",
            ),
        ],
    )
    def test_the_current_one(
        self, left: tuple[int, ...], today: str, sent: tuple[str, ...], expected: tuple[int, str, str, int]
    ) -> None:
        steps = program("D+3 D+15")
        found = decision(self.made(*left), steps, today, sent=reminded(*sent))
        rank, due, step, asked = expected
        assert (found.instalment, found.due, found.residual) == (rank, on(due), asked)
        assert next_step(self.made(*left), steps, today, sent=reminded(*sent)) == step

    def test_they_rank_by_due_date_in_whatever_order_they_come(self) -> None:
        order = [("05-01", 40, 40), ("03-01", 30, 30), ("04-01", 30, 30)]
        found = decision(self.made(30, 30, 40, order=order), program("D+3"), "03-02")
        assert (found.instalment, found.due) == (1, on("03-01"))

    def test_the_issue_date_moves_by_the_distance_to_the_first_one(self) -> None:
        found = [
            next_step(self.made(*left), program("I+10"), "02-02") for left in ((30, 30, 40), (0, 30, 40), (0, 0, 40))
        ]
        assert found == ["a 2026-02-11", "a 2026-03-14", "a 2026-04-13"]

    def test_a_courtesy_note_per_instalment(self) -> None:
        steps = program("D-7 D+3")
        found = [next_step(self.made(*left), steps, "03-20") for left in ((30, 30, 40), (0, 30, 40))]
        assert found == ["b 2026-03-04", "a 2026-03-25"]

    def test_all_steps_of_all_of_them_sent(self) -> None:
        sent = (*reminded("a 03-04"), *reminded("a 04-04", rank=2), *reminded("a 05-04", rank=3))
        assert decision(self.made(30, 30, 40), program("D+3"), "06-01", sent=sent).reason == "completed"

    def test_a_payment_of_the_first_begins_a_new_cycle_on_the_second(self) -> None:
        found = decision(self.made(0, 30, 40), program("D+3 D+15"), "04-10", sent=reminded("a 04-02"))
        assert (found.step, found.date, found.instalment) == (1, on("04-09"), 2)

    def test_what_was_adapted_for_one_holds_for_that_one(self) -> None:
        plan = adapted("a", instalment=1)
        found = [
            next_step(self.made(*left), program("D+3 D+15"), "03-02", plan=plan) for left in ((30, 30, 40), (0, 30, 40))
        ]
        assert found == ["b 2026-03-16", "a 2026-04-04"]
