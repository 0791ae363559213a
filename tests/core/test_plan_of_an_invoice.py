"""C1–C4: what is planned for one invoice, on which day, from whom to whom, and what a person changes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from core_samples import (
    POLICY,
    adapted,
    applied,
    client,
    decision,
    invoice,
    on,
    outcome,
    program,
    quick,
    reminded,
)
from hypothesis import given
from hypothesis import strategies as st

from relance_addon.core.adapt import Change, adapt, check
from relance_addon.core.errors import InputError
from relance_addon.core.model import Adaptation, Address, HandDate, History, Invoice, StepChange
from relance_addon.core.plan import Plan, plan_of
from relance_addon.core.program import Book, Program

STANDARD = program("D+3 D+15 P+10")
FRENCH = program("D-7 D+3 P+10", calendar="FR")
TWO = [("03-01", 50, 50), ("04-01", 50, 50)]


def planned(made: Invoice, today: str | date, programs: Any = STANDARD, **keys: Any) -> Plan:
    """The plan of an invoice; ``sent`` and ``plan`` are its reminders and its adaptation."""
    found = [programs] if isinstance(programs, Program) else list(programs)
    known, book = {"1": keys.pop("client", client())}, Book(found, keys.pop("kept", ()))
    history = known_of(made, **keys)
    one = outcome(made, found, today, known.values(), history, kept=book.versions.values()).decisions[0]
    return plan_of(one, known, book, history, on(today), POLICY)


def known_of(made: Invoice, sent: Any = (), plan: Adaptation | None = None, **keys: Any) -> History:
    adaptations = {} if plan is None else {made.id: plan}
    return History(reminders={made.id: sent} if sent else {}, adaptations=adaptations, **keys)


def rows(plan: Plan) -> list[str]:
    """``a 03-04`` with what moved it, or ``a dropped``; a later instalment's with its rank."""
    first = plan.rows[0].instalment if plan.rows else 0
    return [
        " ".join(
            [
                row.step.name + (f"/{row.instalment}" if row.instalment != first else ""),
                f"{row.leaves:%m-%d}" if row.leaves else row.state,
                *row.moved,
            ]
        )
        for row in plan.rows
    ]


COURSES: list[tuple[str, dict[str, Any], str, list[str]]] = [
    ("nothing sent", {}, "03-02", ["a 03-04", "b 03-16", "c 03-26"]),
    ("a late one delays the others", {}, "03-09", ["a 03-09 late", "b 03-21", "c 03-31"]),
    ("one sent", {"sent": reminded("a 03-04")}, "03-05", ["b 03-16", "c 03-26"]),
    ("all sent", {"sent": reminded("a 03-04", "b 03-16", "c 03-26")}, "03-27", []),
    ("one dropped", {"plan": adapted("b")}, "03-02", ["a 03-04", "b dropped", "c 03-26"]),
    ("a date by hand", {"plan": adapted(dates={"b": "03-30"})}, "03-02", ["a 03-04", "b 03-30", "c 04-09"]),
    (
        "a date by hand before an earlier step",
        {"plan": adapted(dates={"b": "03-03"})},
        "03-02",
        ["a 03-04", "b 03-05 next_day", "c 03-15"],
    ),
    (
        "a date by hand on the day of the last reminder",
        {"sent": reminded("a 03-04"), "plan": adapted(dates={"b": "03-04"})},
        "03-04",
        ["b 03-05 next_day", "c 03-15"],
    ),
    ("sent by hand out of turn", {"sent": reminded("b 03-05", origin="manual")}, "03-06", ["a passed", "c 03-15"]),
    ("a message by hand", {"sent": reminded("- 03-03")}, "03-03", ["a 03-10 after_manual", "b 03-22", "c 04-01"]),
    (
        "restarted",
        {"sent": reminded("a 03-04"), "plan": Adaptation(restart=1)},
        "03-05",
        ["a 03-11 new_cycle", "b 03-23", "c 04-02"],
    ),
    (
        "another program",
        {"sent": reminded("a 03-04", program="before")},
        "03-05",
        ["a 03-11 new_cycle", "b 03-23", "c 04-02"],
    ),
    ("held here", {"invoice_holds": {"17": on("03-10")}}, "03-02", ["a 03-11 hold", "b 03-23", "c 04-02"]),
    ("the client held", {"client_holds": {"1": on("03-03")}}, "03-02", ["a 03-04", "b 03-16", "c 03-26"]),
    ("held for good", {"client_holds": {"1": date.max}}, "03-02", ["a 03-04", "b 03-16", "c 03-26"]),
]


@pytest.mark.parametrize(("keys", "today", "expected"), [one[1:] for one in COURSES], ids=[one[0] for one in COURSES])
def test_the_day_each_step_would_leave(keys: dict[str, Any], today: str, expected: list[str]) -> None:
    assert rows(planned(invoice(), today, **keys)) == expected


WORKING_DAYS = [
    # due (3 March is a Tuesday), today, adapted, planned
    ("03-03", "02-01", None, ["a 02-24", "b 03-06", "c 03-16"]),
    ("03-01", "02-01", None, ["a 02-20 calendar", "b 03-04", "c 03-16 calendar"]),
    ("03-04", "02-01", None, ["a 02-25", "b 03-09 calendar", "c 03-19"]),
    ("03-04", "02-01", adapted(dates={"b": "03-08"}), ["a 02-25", "b 03-09 calendar", "c 03-19"]),
    ("03-04", "03-01", None, ["a 03-02 late calendar", "b 03-12", "c 03-23 calendar"]),
    ("03-01", "03-01", None, ["a lapsed", "b 03-04", "c 03-16 calendar"]),
    ("03-01", "02-28", None, ["a lapsed", "b 03-04", "c 03-16 calendar"]),
]


@pytest.mark.parametrize(("due", "today", "plan", "expected"), WORKING_DAYS)
def test_working_days(due: str, today: str, plan: Adaptation | None, expected: list[str]) -> None:
    assert rows(planned(invoice(due=due), today, FRENCH, plan=plan)) == expected


def test_later_instalments_follow_as_if_nothing_was_paid() -> None:
    short = program("D+3 P+10")
    expected = ["a 03-04", "b 03-14", "a/2 04-04", "b/2 04-14"]
    assert rows(planned(invoice(instalments=TWO), "03-02", short)) == expected
    close = [("03-01", 50, 50), ("03-08", 50, 50)]
    expected = ["a 03-04", "b 03-14", "a/2 03-21 new_cycle", "b/2 03-31"]
    assert rows(planned(invoice(instalments=close), "03-02", short)) == expected
    paid = [("03-01", 50, 0), ("04-01", 50, 50)]
    assert rows(planned(invoice(instalments=paid, residual=50), "03-02", short)) == ["a 04-04", "b 04-14"]


def test_what_was_changed_holds_for_its_instalment_alone() -> None:
    plan = adapted("b", instalment=1)
    made = planned(invoice(instalments=TWO), "03-02", program("D+3 P+10"), plan=plan)
    assert rows(made) == ["a 03-04", "b dropped", "a/2 04-04", "b/2 04-14"]


def test_sender_and_recipients_with_what_was_changed_by_hand() -> None:
    two = program("D+3 P+10", each={"a": {"cc": ["salesperson"], "bcc": ["Bo <bo@acme.example>"]}})
    change = StepChange(sender="salesperson", to=("client", "ann@x.example"), cc=())
    made = planned(
        invoice(salesperson=Address("Max", "max@acme.example")),
        "03-02",
        two,
        plan=Adaptation(changes={"a": change}),
        bounced=frozenset({"ann@x.example"}),
    )
    first, second = made.rows
    assert [str(one) for one in (first.people.sender, *first.people.to, *first.people.cc, *first.people.bcc)] == [
        "Max <max@acme.example>",
        "Client 1 <client1@x.example>",
        "Bo <bo@acme.example>",
    ]
    assert (first.changed, second.changed) == (("sender", "to", "cc"), ())
    assert str(second.people.sender) == "Comptabilité <compta@acme.example>"


def test_dates_of_a_draft_move_with_its_final_issue_date() -> None:
    draft = invoice(status="draft", issue="03-01", due="03-31")
    plan = adapted(dates={"b": "04-20"}, issued="2026-03-01")
    made = planned(draft, "03-02", plan=plan)
    assert (rows(made), made.blocked) == (["a 04-03", "b 04-20", "c 04-30"], "draft")
    final = replace(draft, status="open", issue_date=on("03-06"), due_date=on("04-05"))
    made = planned(final, "03-06", plan=plan)
    assert (rows(made), made.blocked) == (["a 04-08", "b 04-25", "c 05-05"], "")


BLOCKED = [
    ({"status": "disputed"}, {}, "disputed"),
    ({"held_until": "2026-03-09"}, {}, ""),
    ({}, {"client_holds": {"1": date.max}}, "client_held"),
    ({}, {"in_doubt": frozenset({"17"})}, "in_doubt"),
    ({}, {}, ""),
]


@pytest.mark.parametrize(("of_invoice", "keys", "expected"), BLOCKED)
def test_what_keeps_everything_from_leaving(of_invoice: Any, keys: Any, expected: str) -> None:
    made = planned(invoice(**of_invoice), "03-02", **keys)
    assert (made.blocked, len(made.rows)) == (expected, 3)


@pytest.mark.parametrize("status", ["paid", "cancelled", "written_off"])
def test_nothing_is_planned_for_what_is_not_owed(status: str) -> None:
    assert planned(invoice(status=status), "03-02") == Plan()
    assert planned(invoice(residual=0), "03-02") == Plan()
    assert planned(invoice(program="none"), "03-02") == Plan()
    assert planned(invoice(), "03-02", client=client(invalid="email: wrong")) == Plan()


def test_what_chose_the_program_and_whether_its_version_is_kept() -> None:
    newer = STANDARD.at(2, True)
    made = planned(invoice(), "03-02", newer)
    assert (made.program, made.rule, made.pinned) == (newer, "default", False)
    made = planned(invoice(), "03-02", newer, kept=[STANDARD], plan=adapted(program="standard", version=1))
    assert (made.program, made.rule, made.pinned) == (STANDARD, "applied", True)
    made = planned(invoice(program="standard"), "03-02", newer)
    assert (made.rule, made.pinned) == ("invoice", False)


# Changes


def changed(made: Invoice, change: Change, today: str = "03-02", programs: Any = STANDARD, **keys: Any) -> Adaptation:
    found = [programs] if isinstance(programs, Program) else list(programs)
    history = known_of(made, **keys)
    one = decision(made, found, today, history=history)
    check(change, {"manager"})
    return adapt(one, {"1": client()}, Book(found), history, on(today), change)


STRICT = program("D+1 P+7", name="strict", default=False, version=3, names=["x", "y"])
LATER = program("D+1", name="later", default=False, since="2026-02-02")
ALL = [STANDARD, STRICT, LATER]
BEFORE = adapted("a", {"b": "03-20"}, program="standard", version=1, restart=2, instalment=1)

CHANGES: list[tuple[str, Change, dict[str, Any], Adaptation]] = [
    ("applied", Change("strict"), {}, Adaptation("strict", 3)),
    ("applied: what was adapted is gone", Change("strict"), {"plan": BEFORE}, Adaptation("strict", 3, 2)),
    ("none", Change("none"), {"plan": BEFORE}, Adaptation("none", 0, 2)),
    ("reset: restarts are not undone", Change(reset=True), {"plan": BEFORE}, Adaptation(restart=2)),
    (
        "restarted: the steps as the program has them",
        Change(restart=True),
        {"plan": BEFORE, "sent": reminded("a 02-20")},
        Adaptation("standard", 1, 3),
    ),
    ("dropped by name", Change(drop=("b",)), {}, adapted("b", instalment=1)),
    ("dropped by number", Change(drop=("2", "3")), {}, adapted("b c", instalment=1)),
    ("dropped twice is dropped once", Change(drop=("b",)), {"plan": adapted("b")}, adapted("b", instalment=1)),
    ("restored", Change(restore=("a", "2")), {"plan": BEFORE}, replace(BEFORE, dropped=frozenset(), changes={})),
    ("a date", Change(step="b", on=on("03-20")), {}, adapted(dates={"b": "03-20"}, instalment=1)),
    (
        "a sender keeps the date",
        Change(step="2", sender="manager"),
        {"plan": adapted(dates={"b": "03-20"})},
        Adaptation(instalment=1, changes={"b": StepChange(HandDate(on("03-20")), "manager")}),
    ),
    (
        "recipients",
        Change(step="b", to=("client",), cc=("a@x.example",), bcc=()),
        {},
        Adaptation(instalment=1, changes={"b": StepChange(to=("client",), cc=("a@x.example",), bcc=())}),
    ),
    (
        "all together",
        Change("strict", drop=("x",), step="y", cc=("manager",)),
        {"plan": BEFORE},
        Adaptation("strict", 3, 2, 1, frozenset("x"), {"y": StepChange(cc=("manager",))}),
    ),
]


@pytest.mark.parametrize(("change", "keys", "expected"), [one[1:] for one in CHANGES], ids=[one[0] for one in CHANGES])
def test_a_change_makes_an_adaptation(change: Change, keys: dict[str, Any], expected: Adaptation) -> None:
    assert changed(invoice(), change, programs=ALL, **keys) == expected


def test_a_date_set_on_a_draft_is_kept_with_the_issue_date_of_then() -> None:
    change = Change(step="b", on=on("04-20"))
    made = changed(invoice(status="draft", issue="03-01"), change)
    assert made.changes["b"].date == HandDate(on("04-20"), on("03-01"))
    made = changed(invoice(status="draft", issue=None), change)
    assert made.changes["b"].date == HandDate(on("04-20"), on("03-02"))


REFUSED: list[tuple[Change, dict[str, Any], str]] = [
    (Change("strickt"), {}, "--apply: no program 'strickt'; did you mean 'strict'?"),
    (
        Change("later"),
        {},
        "--apply: program 'later' is only for invoices issued from 2026-02-02 on, and FA-17 is of 2026-02-01",
    ),
    (
        Change("strict"),
        {"program": "standard"},
        "--apply: FA-17 has the program 'standard' on the host, which goes first: change it there",
    ),
    (Change(drop=("d",)), {}, "--drop: program 'standard', version 1, has no step 'd'; it has 1 a, 2 b, 3 c"),
    (Change(drop=("0",)), {}, "--drop: program 'standard', version 1, has no step '0'; it has 1 a, 2 b, 3 c"),
    (Change(step="4", cc=()), {}, "--set: program 'standard', version 1, has no step '4'; it has 1 a, 2 b, 3 c"),
    (
        Change(drop=("b",)),
        {"sent": reminded("b 03-01")},
        "--drop: step 2 'b' left on 2026-03-01; what left cannot be changed",
    ),
    (
        Change(step="a", cc=()),
        {"sent": reminded("b 03-01")},
        "--set: step 1 'a' was passed over: a later one has left",
    ),
    (Change(step="b", cc=()), {"plan": adapted("b")}, "--set: step 2 'b' is dropped; --restore it first"),
    (Change(drop=("b",), step="b", cc=()), {}, "--set: step 2 'b' is dropped; --restore it first"),
    (Change(step="b", on=on("03-01")), {}, "--on 2026-03-01 is over already"),
    (Change(restore=("b",)), {"plan": adapted("a")}, "--restore: step 2 'b' is neither dropped nor changed"),
    (Change(restart=True), {"sent": reminded("- 02-20")}, "--restart: no step was sent about FA-17 yet"),
    (Change(drop=("a",)), {"program": "none"}, "FA-17 follows no program: it has no step to change"),
    (Change(reset=True), {"status": "paid"}, "FA-17 is paid: it has no plan to change"),
    (Change(reset=True), {"residual": 0}, "FA-17 is paid: it has no plan to change"),
    (Change("none"), {"status": "written_off"}, "FA-17 is written off: it has no plan to change"),
    (Change("none"), {"invalid": "due_date: x"}, "FA-17 cannot be used: due_date: x"),
    (Change("strict", reset=True), {}, "--apply and --reset exclude each other"),
    (Change("none", drop=("a",)), {}, "--apply none leaves no step to change"),
    (Change(on=on("03-20")), {}, "--on: of which step? name it with --set"),
    (Change(cc=()), {}, "--cc: of which step? name it with --set"),
    (Change(step="a"), {}, "--set: nothing to set; give --on, --sender, --to, --cc or --bcc"),
    (Change(step="a", to=()), {}, "--to: nobody would be written to; --drop takes a step out"),
    (Change(step="a", sender="billing"), {}, "--sender: 'billing' is a role of the client, it cannot send"),
    (
        Change(step="a", bcc=("maneger",)),
        {},
        "--bcc: 'maneger' is neither a role nor an address; did you mean 'manager'?",
    ),
]


@pytest.mark.parametrize(("change", "keys", "why"), REFUSED, ids=[one[2][:60] for one in REFUSED])
def test_what_cannot_be_is_refused_with_the_reason(change: Change, keys: dict[str, Any], why: str) -> None:
    history = {key: keys.pop(key) for key in ("sent", "plan") if key in (keys := dict(keys))}
    with pytest.raises(InputError) as refused:
        changed(invoice(**keys), change, programs=ALL, **history)
    assert str(refused.value) == why


def test_a_courtesy_note_that_has_lapsed_lives_again_with_a_date() -> None:
    with pytest.raises(InputError, match=r"--set: step 1 'a' has lapsed: the due date has come"):
        changed(invoice(), Change(step="a", cc=()), programs=FRENCH)
    plan = changed(invoice(), Change(step="a", on=on("03-03")), programs=FRENCH)
    assert rows(planned(invoice(), "03-02", FRENCH, plan=plan))[0] == "a 03-03"


class TestInstalments:
    SHORT = program("D+3 P+10")
    MADE = invoice(instalments=TWO)

    def test_a_change_is_for_the_current_one(self) -> None:
        sent = reminded("a 03-04", "b 03-14")
        plan = changed(self.MADE, Change(drop=("a",)), "03-20", self.SHORT, sent=sent)
        assert plan == adapted("a", instalment=2)

    def test_what_was_changed_for_one_that_is_over_goes(self) -> None:
        paid = invoice(instalments=[("03-01", 50, 0), ("04-01", 50, 50)], residual=50)
        before = adapted("b", {"a": "03-05"}, program="standard", version=1, instalment=1)
        plan = changed(paid, Change(drop=("a",)), "03-20", self.SHORT, plan=before)
        assert plan == adapted("a", program="standard", version=1, instalment=2)

    def test_what_was_dropped_for_one_that_is_still_owed_does_not_come_back(self) -> None:
        keys: dict[str, Any] = {"sent": reminded("a 03-04"), "plan": adapted("b", instalment=1)}
        with pytest.raises(InputError, match="instalment 1 is still owed, and steps of it were dropped"):
            changed(self.MADE, Change(drop=("a",)), "03-20", self.SHORT, **keys)
        assert changed(self.MADE, Change(restore=("b",)), "03-20", self.SHORT, **keys).dropped == frozenset()


# Whatever is changed

START = date(2026, 3, 2)
OTHER = program("I+20 P+6 D+30", name="other", default=False, version=1)
edits = st.one_of(
    st.sampled_from(["standard", "other", "none"]).map(Change),
    st.just(Change(reset=True)),
    st.just(Change(restart=True)),
    st.sampled_from("123").map(lambda step: Change(drop=(step,))),
    st.sampled_from("123").map(lambda step: Change(restore=(step,))),
    st.builds(
        lambda step, after: Change(step=step, on=START + timedelta(days=after)),
        st.sampled_from("123"),
        st.integers(0, 70),
    ),
    st.sampled_from("123").map(lambda step: Change(step=step, cc=("salesperson",))),
)
steps = st.lists(st.sampled_from(["D-5", "D+0", "D+3", "D+15", "I+10", "P+4", "P+1m"]), min_size=1, max_size=4).filter(
    lambda found: found[0] != "P+4" and found[0] != "P+1m"
)
programs = st.tuples(steps, st.sampled_from([None, "FR"])).map(
    lambda drawn: program(" ".join(drawn[0]), calendar=drawn[1])
)
owed = st.builds(
    lambda due, status, parts: invoice(due=START + timedelta(days=due), status=status, instalments=parts),
    st.integers(-20, 20),
    st.sampled_from(["open", "open", "open", "draft"]),
    st.sampled_from([(), (), TWO]),
)
holds = st.sampled_from([{}, {}, {"invoice_holds": {"17": START + timedelta(days=9)}}])


@quick
@given(made=owed, standard=programs, edited=st.lists(edits, max_size=4), keys=holds, waited=st.integers(0, 30))
def test_a_run_every_day_sends_each_step_on_the_day_that_the_plan_shows(
    made: Invoice, standard: Program, edited: list[Change], keys: Any, waited: int
) -> None:
    """On a draft nothing leaves: the day it is validated, with the dates it has, its plan says the same."""
    book, known, history = Book([standard, OTHER]), {"1": client()}, History(**keys)

    def run(day: date) -> None:
        nonlocal history
        found = outcome(made, [standard, OTHER], day, known.values(), history)
        history = applied(found, history, day)

    today = START
    for _ in range(waited):
        run(today)
        today += timedelta(days=1)
    for change in edited:
        try:
            one = outcome(made, [standard, OTHER], today, known.values(), history).decisions[0]
            plan = adapt(one, known, book, history, today, change)
        except InputError:
            continue
        history = replace(history, adaptations={made.id: plan})
    one = outcome(made, [standard, OTHER], today, known.values(), history).decisions[0]
    shown = plan_of(one, known, book, history, today, POLICY)
    expected = [(row.step.name, row.instalment, row.leaves) for row in shown.rows if row.state == "planned"]
    made = replace(made, status="open")
    before = len(history.reminders.get(made.id, ()))
    for _ in range(200):
        run(today)
        today += timedelta(days=1)
    left = [(one.step, one.instalment, one.day) for one in history.reminders.get(made.id, ())[before:]]
    assert left == expected
