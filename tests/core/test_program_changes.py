"""What an edit does to planned reminders: patched with the difference, the old plans are what the new ones send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from core_samples import adapted, applied, client, invoice, on, outcome, program, quick, reminded
from hypothesis import given
from hypothesis import strategies as st
from test_properties import START, days, made_of, ref_steps

from relance_addon.core.decide import Decider
from relance_addon.core.diff import Difference, differences, planned
from relance_addon.core.model import Adaptation, Client, HandDate, History, Invoice, StepChange
from relance_addon.core.program import Book, Program

Plan = dict[tuple[str, int, str], date]


def changed(
    invoices: Invoice | Sequence[Invoice],
    before: Program | Sequence[Program],
    after: Program | Sequence[Program],
    today: str = "02-10",
    history: History | None = None,
    moved: History | None = None,
    kept: Sequence[Program] = (),
    clients: Sequence[Client] = (),
) -> list[str]:
    """``"moves 17 a 2026-03-04 2026-03-05"`` for each planned reminder that differs."""
    made = [invoices] if isinstance(invoices, Invoice) else list(invoices)
    known = {one.client: client(one.client) for one in made} | {one.id: one for one in clients}
    known_history = history or History()
    old, new = (
        Decider(known, Book([some] if isinstance(some, Program) else some, kept), past, on(today))
        for some, past in ((before, known_history), (after, moved or known_history))
    )
    return [told(*found) for found in differences(made, known, old, new)]


def told(made: Invoice, _: Client, found: Difference) -> str:
    dates = [str(one.date) if one else "-" for one in (found.before, found.after)]
    return " ".join([found.change, made.id, found.planned.step.name, *dates, *found.fields])


def test_a_step_that_leaves_later_moves_and_so_do_those_that_follow_it() -> None:
    assert changed(invoice(), program("D+3 P+10"), program("D+5 P+10", version=2)) == [
        "moves 17 a 2026-03-04 2026-03-06",
        "moves 17 b 2026-03-14 2026-03-16",
    ]


def test_steps_are_known_by_their_names() -> None:
    after = program("D+3 D+9 D+15", version=2, names="abc")
    assert changed(invoice(), program("D+3 D+15", names="ac"), after) == ["appears 17 b - 2026-03-10"]
    assert changed(invoice(), after, program("D+3 D+15", names="ac", version=3)) == ["vanishes 17 b 2026-03-10 -"]


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ({"sender": "salesperson"}, "sender"),
        ({"cc": ["accounting"], "bcc": ["x@y.example"]}, "cc bcc"),
        ({"to": ["client"]}, "to"),
        ({"channel": "activity"}, "channel"),
        ({"template": "first"}, "template"),
        ({"subject": "a", "body": "b"}, "subject body"),
        ({"attach": ["invoice?"], "payment_link": True}, "attach payment_link"),
    ],
)
def test_a_step_that_keeps_its_date_and_says_something_else_changes(step: dict[str, object], fields: str) -> None:
    found = changed(invoice(), program("D+3"), program("D+3", version=2, step=step))
    assert found == [f"changes 17 a 2026-03-04 2026-03-04 {fields}"]


def test_what_is_only_about_messages_as_a_whole_moves_nothing() -> None:
    after = program("D+3", version=2, group="client", minimum="500", quiet_days=9, label="x")
    assert changed(invoice(), program("D+3"), after) == []


def test_what_was_sent_stays_sent_and_counts() -> None:
    history = History(reminders={"17": reminded("a 03-09")})
    assert changed(invoice(), program("D+3 D+15"), program("D+4 D+18", version=2), "03-10", history) == [
        "moves 17 b 2026-03-21 2026-03-23"
    ]
    assert changed(invoice(), program("D+3 D+15"), program("D+9 D+15", version=2, names="xb"), "03-10", history) == [
        "appears 17 x - 2026-03-16",
        "moves 17 b 2026-03-21 2026-03-22",
    ]


def test_a_pinned_plan_changes_only_when_it_is_moved() -> None:
    before, after = program("D+3"), program("D+5", version=2)
    pinned = History(adaptations={"17": Adaptation(program="standard", version=1)})
    moved = History(adaptations={"17": Adaptation(program="standard", version=2)})
    assert changed(invoice(), before, after, history=pinned, kept=[before]) == []
    assert changed(invoice(), before, after, history=pinned, moved=moved, kept=[before]) == [
        "moves 17 a 2026-03-04 2026-03-06"
    ]


def test_what_was_changed_by_hand_is_the_same_before_and_after() -> None:
    plan = adapted("b", {"a": "03-20"}, changes={"c": StepChange(sender="manager", to=("client",))})
    history = History(adaptations={"17": plan})
    after = program("D+5 D+16 D+31", version=2, step={"sender": "salesperson", "to": ["x@y.example"]})
    assert changed(invoice(), program("D+3 D+15 D+30"), after, history=history) == [
        "changes 17 a 2026-03-20 2026-03-20 sender to",
        "moves 17 c 2026-04-16 2026-04-15",
    ]


def test_another_program_with_the_same_steps_is_a_change_of_program() -> None:
    before = [program("D+3", name="standard"), program("D+3", name="vip", default=False, when={"tag": ["vip"]})]
    after = [before[0], program("D+3", name="vip", default=False, version=2, when={"tag": ["gold"]})]
    vip = client("1", tags=("vip",))
    assert changed(invoice(), before, after, clients=[vip]) == ["changes 17 a 2026-03-04 2026-03-04 program"]


def test_without_a_program_everything_planned_vanishes() -> None:
    before = [program("D+3 D+9", name="vip", default=False, when={"tag": ["vip"]})]
    after = [program("D+3 D+9", name="vip", default=False, version=2, when={"tag": ["gold"]})]
    found = changed(invoice(), before, after, clients=[client("1", tags=("vip",))])
    assert found == ["vanishes 17 a 2026-03-04 -", "vanishes 17 b 2026-03-10 -"]


def test_only_what_can_be_reminded_of_has_a_plan() -> None:
    made = [
        *(invoice(status, status=status) for status in ("draft", "disputed", "paid", "cancelled", "written_off")),
        invoice("settled", residual=0),
        invoice("wrong", invalid="total: wrong"),
        invoice("nobody's", client="2"),
    ]
    wrong = [client("2", invalid="email: wrong")]
    found = changed(made, program("D+3"), program("D+5", version=2), clients=wrong)
    assert [one.split()[1] for one in found] == ["draft", "disputed"]


def test_instalments_are_planned_one_after_the_other() -> None:
    made = invoice(instalments=[("03-01", 50, 50), ("04-01", 50, 50)])
    assert changed(made, program("D+3"), program("D+5", version=2)) == [
        "moves 17 a 2026-03-04 2026-03-06",
        "moves 17 a 2026-04-04 2026-04-06",
    ]


def test_the_next_instalment_has_its_turn_once_the_courtesy_notes_of_the_one_before_have_lapsed() -> None:
    made = invoice(issue="03-22", due="03-31", instalments=[("03-31", 50, 50), ("04-01", 50, 50)])
    decider = Decider({"1": client()}, Book([program("I+0 D-1m D-1")]), History(), on("03-22"))
    found = [f"{one.instalment} {one.step.name} {one.leaves}" for one in planned(decider, made, client())]
    assert found == ["1 a 2026-03-22", "1 b 2026-03-23", "2 a 2026-03-31"], "c lapses on the 31st, 2 b the day after"


# Diff + apply = what the next simulations show


@st.composite
def edited(draw: st.DrawFn) -> tuple[list[Program], list[Program]]:
    """Programs, and the same ones after an edit that keeps, changes, adds or takes away steps and people."""
    before, after = [], []
    for number in range(draw(st.integers(1, 2))):
        keys = {
            "name": f"p{number}",
            "default": number == 0,
            "calendar": draw(st.sampled_from([None, None, "FR"])),
            "when": {"tag": ["vip"]} if number else None,
        }
        before.append(made_of(draw(ref_steps()), group="invoice", **keys))
        if draw(st.booleans()):
            steps, names = draw(ref_steps()), draw(st.permutations("abcdefg"))
            step = {"sender": draw(st.sampled_from(["accounting", "salesperson"]))}
            after.append(made_of(steps, names=names, version=2, step=step, group="invoice", **keys))
        else:
            after.append(before[-1])
    return before, after


plans = st.builds(
    lambda dropped, dates, pinned, program, instalment: Adaptation(
        program=program if pinned else "",
        version=1 if pinned else 0,
        instalment=instalment,
        dropped=dropped,
        changes={name: StepChange(date=HandDate(day)) for name, day in dates.items()},
    ),
    st.frozensets(st.sampled_from("abc"), max_size=1),
    st.dictionaries(st.sampled_from("abcd"), days, max_size=1),
    st.booleans(),
    st.sampled_from(["p0"]),
    st.sampled_from([0, 0, 1, 2]),
)


@st.composite
def invoices(draw: st.DrawFn) -> list[Invoice]:
    made = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        due = draw(days)
        second = due + timedelta(days=draw(st.integers(1, 40)))
        parts = draw(st.sampled_from([(), (), [(due, 50, 50), (second, 50, 50)]]))
        issue = due - timedelta(days=draw(st.integers(0, 45)))
        made.append(invoice(str(number), due, issue=issue, client=draw(st.sampled_from("12")), instalments=parts))
    return made


def sent_every_day(made: list[Invoice], programs: list[Program], kept: list[Program], history: History) -> Plan:
    """What runs on every day send: the date that simulations show for each step, the day it leaves."""
    found: Plan = {}
    clients = [client("1"), client("2", tags=("vip",))]
    for number in range(420):
        today = START + timedelta(days=20 + number)
        ran = outcome(made, programs, today, clients, history, kept=kept)
        for message in ran.messages:
            for one in message.decisions:
                assert one.date is not None
                found[one.invoice.id, one.instalment, message.step.name] = one.date
        if ran.messages:
            history = applied(ran, history, today)
    return found


@quick
@given(invoices(), edited(), st.dictionaries(st.sampled_from("12"), plans), st.data())
def test_plans_patched_with_the_difference_are_what_runs_send_after_it(
    made: list[Invoice],
    programs: tuple[list[Program], list[Program]],
    adapted: dict[str, Adaptation],
    data: st.DataObject,
) -> None:
    before, after = programs
    sent = data.draw(st.dictionaries(st.sampled_from("123"), st.sampled_from(["a 03-05", "b 03-20", "- 03-19"])))
    history = History({key: reminded(text, program="p0") for key, text in sent.items()}, adapted)
    moves = data.draw(st.booleans())
    versions = {one.name: one.version for one in after}
    plans_after = {
        key: replace(one, version=versions[one.program]) if moves and one.version else one
        for key, one in adapted.items()
    }
    known = {"1": client("1"), "2": client("2", tags=("vip",))}
    today = START + timedelta(days=20)
    later = replace(history, adaptations=plans_after)
    old, new = Decider(known, Book(before), history, today), Decider(known, Book(after, before), later, today)
    plan = {
        (one.id, planned_.instalment, planned_.step.name): planned_.date
        for one in made
        for planned_ in planned(old, one, known[one.client])
    }
    for one, _, found in differences(made, known, old, new):
        key = (one.id, found.planned.instalment, found.planned.step.name)
        assert (key in plan) == (found.before is not None)
        if found.after is None:
            del plan[key]
        else:
            plan[key] = found.after.date
    assert plan == sent_every_day(made, after, before, later)
