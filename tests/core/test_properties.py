"""What holds for any invoices, programs and days."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from core_samples import POLICY, adapted, applied, client, invoice, money, outcome, program, quick, reasons, reminded
from hypothesis import assume, given
from hypothesis import strategies as st
from reference import RefInvoice, RefStep

from relance_addon.core.explain import explain
from relance_addon.core.group import Outcome
from relance_addon.core.model import Address, Client, Contact, HandDate, History, Invoice, Reminder, StepChange
from relance_addon.core.program import Book, Program

START = date(2026, 3, 2)
days = st.integers(0, 60).map(lambda n: START + timedelta(days=n))


@st.composite
def ref_steps(draw: st.DrawFn, months: bool = True) -> list[RefStep]:
    units = "ddddw" + ("m" if months else "")
    steps = []
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from("DDI" if number == 0 else "DDIPP"))
        unit = draw(st.sampled_from(units))
        low, high = {"d": (-9, 25), "w": (-1, 3), "m": (-1, 1)}[unit]
        steps.append(RefStep(kind, draw(st.integers(1 if kind == "P" else low, high)), unit))
    return steps


def made_of(steps: list[RefStep], **keys: object) -> Program:
    text = " ".join(f"{one.kind}{one.count:+d}{'' if one.unit == 'd' else one.unit}" for one in steps)
    return program(text, **keys)


programs_lists = st.lists(
    st.builds(
        lambda steps, group, minimum, quiet: (steps, group, minimum, quiet),
        ref_steps(),
        st.sampled_from(["invoice", "step", "client"]),
        st.sampled_from([None, "60"]),
        st.sampled_from([0, 0, 4]),
    ),
    min_size=1,
    max_size=3,
).map(
    lambda found: [
        made_of(
            steps,
            name=f"p{number}",
            default=number == 0,
            group=group,
            minimum=minimum,
            quiet_days=quiet,
            step={"sender": "salesperson"} if number else {},
        )
        for number, (steps, group, minimum, quiet) in enumerate(found)
    ]
)

clients = st.lists(
    st.builds(
        client,
        email=st.sampled_from(["a@x.example", "b@x.example", ""]),
        credit=st.sampled_from([None, None, {"EUR": 120}]),
        contacts=st.sampled_from([(), (Contact("Bo", "bo@x.example", ("billing",)),)]),
        invalid=st.sampled_from(["", "", "", "email: wrong"]),
        tags=st.sampled_from([(), ("vip",)]),
    ),
    min_size=3,
    max_size=3,
).map(lambda found: [replace(one, id=str(number)) for number, one in enumerate(found, 1)])

invoices = st.lists(
    st.builds(
        lambda due, term, **keys: invoice(due=due, issue=due - timedelta(days=term), **keys),
        due=days,
        term=st.integers(0, 45),
        client=st.sampled_from("123"),
        residual=st.sampled_from([100, 50, 10, 0, -30]),
        currency=st.sampled_from(["EUR", "EUR", "USD"]),
        status=st.sampled_from(
            ["open", "open", "open", "open", "draft", "disputed", "paid", "cancelled", "written_off"]
        ),
        salesperson=st.sampled_from([None, Address("Max", "max@acme.example")]),
        program=st.sampled_from(["", "", "", "p1", "none"]),
    ),
    max_size=9,
).map(lambda found: [replace(one, id=str(number), number=f"FA-{number}") for number, one in enumerate(found, 1)])

histories = st.builds(
    lambda sent, messaged, doubt: History(
        reminders={
            key: reminded(*(f"{name} {day}" for name, day in value), program="p0") for key, value in sent.items()
        },
        messaged=messaged,
        in_doubt=doubt,
    ),
    st.dictionaries(
        st.sampled_from("123456"), st.lists(st.tuples(st.sampled_from("ab-"), days), max_size=2), max_size=4
    ),
    st.dictionaries(st.sampled_from("12"), days),
    st.frozensets(st.sampled_from("1234567"), max_size=1),
)


def messages_of(found: Outcome) -> list[object]:
    return [
        (
            one.number,
            one.client.id,
            one.program.name,
            one.step_number,
            one.people,
            [d.invoice.id for d in one.decisions],
        )
        for one in found.messages
    ]


def run(
    made: list[Invoice],
    programs: list[Program],
    known: list[Client],
    history: History,
    day: date,
    limit: int | None = None,
) -> Outcome:
    return outcome(made, programs, day, known, history, replace(POLICY, per_run=limit))


@quick
@given(invoices, programs_lists, clients, histories, days)
def test_run_twice_is_run_once(
    made: list[Invoice], programs: list[Program], known: list[Client], history: History, today: date
) -> None:
    first = run(made, programs, known, history, today)
    again = run(made, programs, known, applied(first, history, today), today)
    assert again.messages == []
    assert "due" not in reasons(again).values()


@quick
@given(invoices, programs_lists, clients, histories, days, st.sampled_from([None, None, 0, 1, 2]))
def test_messages_are_made_of_what_is_due_each_once_and_nothing_else(
    made: list[Invoice],
    programs: list[Program],
    known: list[Client],
    history: History,
    today: date,
    limit: int | None,
) -> None:
    found = run(made, programs, known, history, today, limit)
    inside = Counter(one.invoice.id for message in found.messages for one in message.decisions)
    assert inside == Counter(one.invoice.id for one in found.decisions if one.reason == "due")
    assert [one.invoice for one in found.decisions] == made
    assert limit is None or len(found.messages) <= limit
    for message in found.messages:
        assert {one.invoice.client for one in message.decisions} == {message.client.id}
        assert message.people.to
        assert all(total > 0 for total in message.totals.values())
        assert max(one.step for one in message.decisions) == message.step_number
        for one in message.decisions:
            assert (one.invoice.status, one.program) == ("open", message.program)
            assert one.invoice.residual > 0
            assert one.date is not None
            assert one.date <= today


@quick
@given(invoices, programs_lists, clients, histories, days, st.sampled_from([None, None, 1]), st.randoms())
def test_the_order_of_the_invoices_changes_nothing(
    made: list[Invoice],
    programs: list[Program],
    known: list[Client],
    history: History,
    today: date,
    limit: int | None,
    random: object,
) -> None:
    shuffled = list(made)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (run(some, programs, known, history, today, limit) for some in (made, shuffled))
    assert messages_of(one) == messages_of(other)
    assert reasons(one) == reasons(other)


@quick
@given(invoices, programs_lists, clients, histories, days, st.sampled_from(["fr", "en"]))
def test_any_decision_can_be_explained(
    made: list[Invoice],
    programs: list[Program],
    known: list[Client],
    history: History,
    today: date,
    language: str,
) -> None:
    found = run(made, programs, known, history, today)
    by_id = {one.id: one for one in known}
    for one in found.decisions:
        told = explain(one.invoice.id, found, by_id, Book(programs), history, today, POLICY, language)
        assert told.decision is one
        assert all(
            line and line[-1] in ".'" for line in told.lines if not line.startswith(("Unusable", "Inutilisable"))
        )


@quick
@given(ref_steps(months=False), st.integers(0, 60), st.sets(st.integers(-20, 150), min_size=1, max_size=60))
def test_spacing_never_shrinks(steps: list[RefStep], term: int, run_days: set[int]) -> None:
    made = invoice(due=START, issue=START - timedelta(days=term))
    sent = sent_by([made] * len(run_days), made_of(steps), [START + timedelta(days=n) for n in sorted(run_days)])
    bases: list[date] = []
    for one in steps:
        start = {"D": START, "I": START - timedelta(days=term)}
        bases.append(one.after(bases[-1] if one.kind == "P" else start[one.kind]))
    for (step, day), (following, later) in pairwise(sent):
        assert following > step
        assert (later - day).days >= max(1, (bases[following] - bases[step]).days)
    assert all(day >= bases[step] for step, day in sent)


@quick
@given(ref_steps(), st.integers(0, 120))
def test_catching_up_sends_one_step_at_most(steps: list[RefStep], late: int) -> None:
    made = invoice(due=START, issue=START - timedelta(days=30))
    today = START + timedelta(days=late)
    assert len(sent_by([made] * 3, made_of(steps), [today, today, today])) <= 1


def sent_by(states: list[Invoice], steps: Program, run_days: list[date]) -> list[tuple[int, date]]:
    """The steps (from 0) that runs on these days send, the invoice being in the state given for each."""
    history, sent = History(), []
    for state, day in zip(states, run_days, strict=True):
        found = outcome(state, steps, day, history=history)
        sent += [(one.step - 1, day) for message in found.messages for one in message.decisions]
        history = applied(found, history, day)
    return sent


@st.composite
def reference_cases(draw: st.DrawFn) -> RefInvoice:
    steps = draw(ref_steps())
    due = draw(days)
    paid = st.one_of(st.none(), st.integers(-5, 80).map(lambda n: due + timedelta(days=n)))
    instalments, on = [], due
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        instalments.append((on, Decimal(draw(st.sampled_from([40, 60]))), draw(paid)))
        on += timedelta(days=draw(st.integers(5, 40)))
    numbers = st.sampled_from(range(len(steps)))
    by_hand = draw(st.booleans())
    return RefInvoice(
        issue=due - timedelta(days=draw(st.integers(0, 45))),
        instalments=instalments,
        steps=steps,
        dropped=draw(st.frozensets(numbers, max_size=2)) if by_hand else frozenset(),
        hand_dates=draw(st.dictionaries(numbers, days, max_size=2)) if by_hand else {},
        messages=sorted(draw(st.sets(days, max_size=2))) if by_hand else [],
        after_manual=draw(st.sampled_from([0, 3, 7])),
        french=draw(st.booleans()),
    )


@quick
@given(reference_cases(), st.sets(st.integers(0, 110), max_size=40), st.booleans())
def test_a_run_a_day_sends_what_the_contract_says(case: RefInvoice, missed: set[int], every_day: bool) -> None:
    run_days = [START + timedelta(days=n) for n in range(-10, 110) if every_day or n not in missed]
    sent = simulated(case, run_days)
    assert sent == case.run(run_days)


def simulated(case: RefInvoice, run_days: list[date]) -> list[tuple[date, int, int, Decimal]]:
    """The same as the reference's own ``run``, by the package."""
    steps = made_of(case.steps, after_manual=case.after_manual, calendar="FR" if case.french else None)
    names = [one.name for one in steps.steps]
    plan = adapted(
        " ".join(names[number] for number in case.dropped),
        changes={names[number]: StepChange(date=HandDate(on)) for number, on in case.hand_dates.items()},
    )
    history, sent = History(adaptations={"17": plan}), []
    messages = list(case.messages)
    for today in run_days:
        while messages and messages[0] <= today:
            by_hand = Reminder(messages.pop(0), "", "", 0, 0, "", "manual")
            reminders = tuple(sorted((*history.reminders.get("17", ()), by_hand)))
            history = replace(history, reminders={"17": reminders})
        left = [money(0) if paid and paid <= today else amount for _, amount, paid in case.instalments]
        parts = [(on, amount, rest) for (on, amount, _), rest in zip(case.instalments, left, strict=True)]
        made = invoice(
            due=case.instalments[0][0],
            issue=case.issue,
            residual=sum(left),
            instalments=parts if len(parts) > 1 else (),
        )
        found = outcome(made, steps, today, history=history)
        sent += [
            (today, one.instalment, one.step - 1, one.residual)
            for message in found.messages
            for one in message.decisions
        ]
        history = applied(found, history, today)
    return sent


@quick
@given(st.lists(st.tuples(st.sampled_from("123"), st.integers(0, 20)), min_size=2, max_size=8), days)
def test_a_client_gets_one_message_a_run_with_group_client_and_one_sender(
    rows: list[tuple[str, int]], today: date
) -> None:
    made = [
        invoice(str(number), due=START + timedelta(days=late), client=of) for number, (of, late) in enumerate(rows, 1)
    ]
    found = outcome(made, program("D+0", group="client"), today)
    assume(found.messages)
    assert len({message.client.id for message in found.messages}) == len(found.messages)
