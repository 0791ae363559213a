"""What a replay sends is what a run each day would have sent, to invoices owed in full until they were settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from core_samples import POLICY, applied, client, invoice, money, on, outcome, program, quick
from hypothesis import given
from hypothesis import strategies as st
from reference import RefInvoice
from test_properties import START, clients, days, made_of, ref_steps

from relance_addon.core.model import Client, History, Invoice
from relance_addon.core.program import Program
from relance_addon.core.replay import Sent, replay


def sent(
    invoices: Invoice | Sequence[Invoice],
    steps: Program,
    first: str | date = "02-15",
    last: str | date = "04-30",
    settled: Mapping[str, str] | None = None,
    known: Sequence[Client] = (),
    per_run: int | None = None,
) -> list[Sent]:
    """The messages of a replay, with a plain client for every one that is not given."""
    made = [invoices] if isinstance(invoices, Invoice) else list(invoices)
    everyone = {one.client: client(one.client) for one in made} | {one.id: one for one in known}
    ended = {key: on(day) for key, day in (settled or {}).items()}
    policy = replace(POLICY, per_run=per_run)
    return list(replay(made, ended, everyone, steps, on(first), on(last), policy))


def told(found: Sequence[Sent]) -> list[str]:
    """``"03-04 a 17 18"`` for a message of 4 March with the step a about two invoices."""
    return [f"{one.day:%m-%d} {one.step_name} {' '.join(made.id for made in one.invoices)}" for one in found]


CASES: list[tuple[str, list[str], dict[str, object]]] = [
    ("every step, none when settled", ["03-04 a 17", "03-16 b 17"], {"settled": {"17": "03-31"}}),
    ("not on the day it was settled", [], {"settled": {"17": "03-04"}}),
    ("the day before is in time", ["03-04 a 17"], {"settled": {"17": "03-05"}}),
    ("settled after the last day is owed", ["03-04 a 17", "03-16 b 17", "03-31 c 17"], {"settled": {"17": "06-01"}}),
    ("what is late already begins on the first day", ["03-20 a 17", "04-01 b 17", "04-16 c 17"], {"first": "03-20"}),
    ("the last day counts", ["03-04 a 17"], {"last": "03-04"}),
    ("nothing before it is issued", [], {"last": "03-03"}),
]


@pytest.mark.parametrize(("expected", "keys"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_run_each_day_until_it_was_settled(expected: list[str], keys: dict[str, object]) -> None:
    assert told(sent(invoice(), program(), **keys)) == expected  # type: ignore[arg-type]


def test_an_invoice_is_not_there_before_its_issue_date() -> None:
    made = invoice(issue="03-10", due="03-01")
    assert told(sent(made, program("D+3"))) == ["03-10 a 17"]
    early = invoice(issue="03-10", due="04-10")
    assert told(sent(early, program("D-40"))) == ["03-10 a 17"], "its date came before it did"


def test_a_step_that_can_leave_earlier_once_a_courtesy_note_has_lapsed_does() -> None:
    made = invoice(issue="03-22", due="03-31")
    found = told(sent(made, program("I+0 D-1m D-1 I+6"), "03-22", "05-30"))
    assert found == ["03-22 a 17", "03-23 b 17", "04-20 d 17"], "c, of 22 April, lapses on 31 March"


def test_amounts_are_totals_whatever_was_paid_since() -> None:
    made = invoice(residual=0, total="120.50", status="paid")
    (one,) = sent(made, program("D+3"), settled={"17": "03-06"})
    assert one.residual == {"EUR": Decimal("120.50")}
    halves = invoice(total=100, residual=50, instalments=[("03-01", 40, 0), ("03-21", 60, 50)])
    assert [one.residual["EUR"] for one in sent(halves, program("D+3"))] == [40, 100]
    unknown = invoice(total=100, residual=0, instalments=[("03-01", 0, 0), ("03-21", 0, 0)])
    assert [one.residual["EUR"] for one in sent(unknown, program("D+3"))] == [100], "instalments without amounts"


def test_what_is_so_today_and_may_not_have_been_is_left_out() -> None:
    made = [
        invoice("1", client="1", held_until="12-31"),
        invoice("2", client="2", status="disputed"),
        invoice("3", client="3", program="none"),
        invoice("4", client="4", status="draft"),
        invoice("5", client="5", status="written_off"),
    ]
    known = [client("1", held_until=date.max), client("2", credit={"EUR": 900}), client("5", program="none")]
    assert told(sent(made, program("D+3"), known=known, settled={"5": "04-01"})) == [
        "03-04 a 1",
        "03-04 a 2",
        "03-04 a 3",
        "03-04 a 5",
    ]


def test_the_program_is_for_every_invoice_whoever_it_is_meant_for() -> None:
    meant = program("D+3", default=False, when={"tag": ["vip"]}, since="2027-01-01")
    assert told(sent(invoice(), meant)) == ["03-04 a 17"]


def test_what_cannot_be_used_or_written_to_is_left_out() -> None:
    made = [invoice("1", invalid="total: wrong"), invoice("2", client="2"), invoice("3", client="3", residual=-5)]
    known = [client("2", email="")]
    assert told(sent(made, program("D-5 D+3"), known=known)) == []
    assert told(sent(made, program("D-5 D+3", each={"b": {"channel": "activity"}}), known=known)) == ["03-04 b 2"]


def test_limits_quiet_days_and_groups_are_those_of_a_run() -> None:
    made = [invoice(str(number), client="12"[number % 2]) for number in range(1, 5)]
    assert told(sent(made, program("D+3"))) == ["03-04 a 2 4", "03-04 a 1 3"]
    assert told(sent(made, program("D+3"), per_run=1)) == ["03-04 a 2 4", "03-05 a 1 3"]
    assert told(sent(made[:3:2], program("D+3", group="invoice", quiet_days=4))) == ["03-04 a 1", "03-09 a 3"]
    assert told(sent(made, program("D+3", minimum="250"))) == []


STATES = st.sampled_from([None, None, 5, 20, 45])


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[list[Invoice], dict[str, date]]:
    made, settled = [], {}
    for number in range(1, draw(st.integers(1, 8)) + 1):
        due = draw(days)
        parts = draw(st.sampled_from([(), (), (), [(due, 40, 40), (due + timedelta(days=15), 60, 60)]]))
        issue = due - timedelta(days=draw(st.integers(0, 45)))
        one = invoice(str(number), due, issue=issue, client=draw(st.sampled_from("123")), instalments=parts)
        made.append(one)
        after = draw(STATES)
        if after is not None:
            settled[one.id] = due + timedelta(days=after - 10)
    return made, settled


@quick
@given(
    ledgers(),
    ref_steps(),
    clients,
    st.fixed_dictionaries(
        {
            "group": st.sampled_from(["invoice", "step", "client"]),
            "minimum": st.sampled_from([None, None, "150"]),
            "quiet_days": st.sampled_from([0, 0, 4]),
            "calendar": st.sampled_from([None, "FR"]),
        }
    ),
    st.sampled_from([None, None, 1]),
    st.integers(-10, 40),
)
def test_a_replay_is_a_run_each_day(
    ledger: tuple[list[Invoice], dict[str, date]],
    steps: object,
    known: list[Client],
    keys: dict[str, object],
    limit: int | None,
    begins: int,
) -> None:
    """Every invoice is decided on every day here; the replay looks at those that may be due."""
    made, settled = ledger
    known = [replace(one, credits={}) for one in known]
    program_ = made_of(steps, **keys)  # type: ignore[arg-type]
    first, last = START + timedelta(days=begins), START + timedelta(days=150)
    expected, history, today = [], History(), first
    while today <= last:
        owed = [
            one
            for one in sorted(made, key=lambda one: (one.client, one.id))
            if one.issue_date is not None and one.issue_date <= today < settled.get(one.id, date.max)
        ]
        ran = outcome(owed, program_, today, known, history, replace(POLICY, per_run=limit))
        history = applied(ran, history, today)
        expected += [
            (today, one.client.id, one.step_number, [d.invoice.id for d in one.decisions], one.totals)
            for one in ran.messages
        ]
        today += timedelta(days=1)
    found = replay(made, settled, {one.id: one for one in known}, program_, first, last, replace(POLICY, per_run=limit))
    assert [
        (one.day, one.client.id, one.step, [made.id for made in one.invoices], one.residual) for one in found
    ] == expected


@quick
@given(ref_steps(), days, st.integers(0, 45), st.sampled_from([None, -3, 9, 30]), st.booleans(), st.integers(1, 2))
def test_a_replay_is_what_the_contract_says(
    steps: list, due: date, term: int, paid: int | None, french: bool, parts: int
) -> None:
    settled = None if paid is None else due + timedelta(days=paid)
    instalments = [(due + timedelta(days=20 * number), money(50), settled) for number in range(parts)]
    case = RefInvoice(due - timedelta(days=term), instalments, steps, french=french)
    first = max(START - timedelta(days=10), case.issue)
    run_days = [first + timedelta(days=number) for number in range(200)]
    made = invoice(
        due=due,
        issue=case.issue,
        residual=50 * parts,
        instalments=[(day, amount, amount) for day, amount, _ in instalments] if parts > 1 else (),
    )
    found = sent(
        made,
        made_of(steps, calendar="FR" if french else None),
        first,
        run_days[-1],
        {"17": settled.isoformat()} if settled else None,
    )
    assert [(one.day, one.step - 1, one.residual["EUR"]) for one in found] == [
        (day, number, asked) for day, _, number, asked in case.run(run_days)
    ]
