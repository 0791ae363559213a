"""What holds of any host, whatever it has: the simulation is the run, a second run does nothing, nothing goes twice."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from company import FAKE, PROGRAMS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relance_addon.core.adapt import Change
from relance_addon.core.errors import HostError, InputError, Unreachable
from relance_addon.core.model import Client, Instalment, Invoice
from relance_addon.hosts import loading
from relance_addon.hosts.fake import ALL, FakeHost, client, invoice
from relance_addon.operations import plan, programs, report, send, simulate, switch
from relance_addon.operations.by_hand import Request
from relance_addon.operations.desk import Desk, open_desk
from relance_addon.operations.run import run

START = date(2026, 11, 1)
few = settings(
    derandomize=True,
    deadline=None,
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
days = st.integers(-40, 40).map(lambda distance: START + timedelta(days=distance))


@st.composite
def invoices(draw: st.DrawFn, number: int) -> Invoice:
    residual = draw(st.sampled_from(["100.00", "0.01", "0.00", "-5.00", "2500.50"]))
    due = draw(days)
    halves = (
        Instalment(due, Decimal(50), Decimal(draw(st.sampled_from([0, 50])))),
        Instalment(due + timedelta(days=20), Decimal(50), Decimal(50)),
    )
    return invoice(
        str(number),
        client=draw(st.sampled_from("1234")),
        residual=residual,
        currency=draw(st.sampled_from(["EUR", "EUR", "USD", "JPY"])),
        status=draw(st.sampled_from(["open", "open", "open", "draft", "disputed"])),
        issued=due - timedelta(days=draw(st.sampled_from([0, 30]))),
        due=due,
        instalments=draw(st.sampled_from([(), (), halves])),
        program=draw(st.sampled_from(["", "", "", "none", "unknown"])),
    )


@st.composite
def clients(draw: st.DrawFn, number: str) -> Client:
    credit = draw(st.sampled_from([{}, {}, {"EUR": Decimal(100)}]))
    email = draw(st.sampled_from([f"c{number}@x.example", f"c{number}@x.example", ""]))
    return client(number, email=email, credits=credit, language=draw(st.sampled_from(["fr", "en", "de", ""])))


hosts = st.tuples(
    st.integers(1, 9).flatmap(lambda count: st.tuples(*(invoices(number) for number in range(1, count + 1)))),
    st.tuples(*(clients(number) for number in "1234")),
)
texts = st.tuples(
    st.sampled_from(["invoice", "step", "client"]), st.sampled_from(["", "calendar = 'FR'\n", "minimum = '50.00'\n"]),
    st.sampled_from(["", "quiet_days = 3\n"]), st.booleans(),
).map(lambda drawn: PROGRAMS.replace(
    "default = true\n", f"default = true\ngroup = '{drawn[0]}'\n{drawn[1]}{drawn[2]}pin = {str(drawn[3]).lower()}\n"
))  # fmt: skip


class Scene:
    """A folder, a journal and a host of its own for one example."""

    def __init__(self, folder: Path, journal: Path, host: FakeHost, text: str, limits: str) -> None:
        self.folder, self.host = folder, host
        shutil.copy(journal, folder / "relance.sqlite3")
        (folder / "relance.toml").write_text(FAKE + limits, "utf-8")
        (folder / "programs.toml").write_text(text, "utf-8")
        programs.apply(self.desk(START), folder / "programs.toml")
        switch.switch(self.desk(START), "acme", True)

    def desk(self, day: date) -> Desk:
        return open_desk(self.folder / "relance.toml", day)

    def simulate(self, day: date) -> dict[str, Any]:
        desk = self.desk(day)
        return report.simulation(desk, "acme", simulate.simulate(desk, "acme"))

    def run(self, day: date) -> dict[str, Any]:
        desk = self.desk(day)
        return report.run(desk, "acme", run(desk, "acme"))


@pytest.fixture
def scene(empty_journal: Path, known_connectors: Callable[[str, type], None]) -> Callable[..., Any]:
    """Make a scene: a context that ends with its folder."""
    current: list[FakeHost] = []

    class Same(FakeHost):
        def __new__(cls, *_: Any) -> Any:
            return current[-1]

    known_connectors("fake", Same)
    assert "fake" in loading.known()

    def make(records: tuple[tuple[Invoice, ...], tuple[Client, ...]], text: str = PROGRAMS, limits: str = "") -> Any:
        folder = tempfile.TemporaryDirectory()
        host = FakeHost()
        host.put(*records[0], *records[1])
        current.append(host)
        made = Scene(Path(folder.name), empty_journal, host, text, limits)
        made.close = folder.cleanup  # type: ignore[attr-defined]
        return closing(made)  # type: ignore[type-var]

    return make


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what only a run has."""
    extra = {"key", "state", "error"}
    messages = [{key: value for key, value in one.items() if key not in extra} for one in document["messages"]]
    return {**document, "schema": "", "id": None, "messages": messages}


@few
@given(records=hosts, text=texts, limit=st.sampled_from(["", "\n[limits]\nper_run = 2\n"]))
def test_the_simulation_is_the_run(scene: Any, records: Any, text: str, limit: str) -> None:
    with scene(records, text, limit) as made:
        for day in range(0, 40, 9):
            today = START + timedelta(days=day)
            simulated = made.simulate(today)
            assert plain(made.run(today)) == plain(simulated)


@few
@given(records=hosts, text=texts)
def test_a_second_run_the_same_day_sends_nothing(scene: Any, records: Any, text: str) -> None:
    with scene(records, text) as made:
        for day in range(0, 40, 13):
            today = START + timedelta(days=day)
            made.run(today)
            left = len(made.host.posted)
            again = made.run(today)
            assert len(made.host.posted) == left
            assert {one["state"] for one in again["messages"]} <= {"failed"}


faults = st.lists(
    st.tuples(
        st.sampled_from(["pull", "read", "post", "post", "find", "events"]),
        st.sampled_from([0, 1, 3, ALL]),
        st.sampled_from([Unreachable("gone"), KeyError("x"), KeyboardInterrupt()]),
    ),
    max_size=6,
)


@few
@given(records=hosts, faults=faults, proves=st.booleans())
def test_whatever_breaks_no_step_of_an_invoice_leaves_twice(
    scene: Any, records: Any, faults: Any, proves: bool
) -> None:
    with scene(records) as made:
        host: FakeHost = made.host
        host.capabilities = replace(host.capabilities, proves_absence=proves, unique_marks=False)
        for day, (method, after, error) in enumerate(faults):
            host.fail(method, error, after=after)
            try:
                made.run(START + timedelta(days=day))
            except (HostError, KeyError, KeyboardInterrupt):
                host.mend()
        host.mend()
        for day in range(len(faults), len(faults) + 2):
            made.run(START + timedelta(days=day))
        left = Counter(claim.key for message in host.posted for claim in message.claims)
        assert set(left.values()) <= {1}
        if proves:
            states = {one["reason"] for one in made.simulate(START + timedelta(days=len(faults) + 2))["decisions"]}
            assert "in_doubt" not in states


changes = st.sampled_from(
    [
        Change("standard"),
        Change("strict"),
        Change("none"),
        Change(reset=True),
        Change(restart=True),
        Change(drop=("1",)),
        Change(drop=("2",)),
        Change(restore=("2",)),
        Change(step="1", cc=("manager",)),
        *(Change(step=step, on=START + timedelta(days=day)) for step in "123" for day in (0, 5, 12, 30)),
    ]
)
doings = st.lists(
    st.one_of(
        st.tuples(st.just("change"), st.sampled_from("123"), changes),
        st.tuples(st.just("change"), st.sampled_from("123"), changes),
        st.tuples(st.just("wait"), st.sampled_from([1, 1, 6, 11]), st.none()),
        st.tuples(st.just("pay"), st.sampled_from("123"), st.none()),
        st.tuples(st.just("fail"), st.sampled_from("123"), st.sampled_from(["failed", "in_doubt"])),
    ),
    max_size=12,
)
OTHER = PROGRAMS.replace("standard", "strict").replace("default = true\n", "").replace("= 3", "= 1")


@few
@given(
    dues=st.tuples(days, days, days),
    status=st.sampled_from(["open", "open", "draft"]),
    group=st.sampled_from(["client", "step"]),
    head=st.sampled_from(["", "calendar = 'FR'\n", "pin = true\n"]),
    doings=doings,
)
def test_whatever_a_person_changes_plans_hold_and_nothing_goes_twice(
    scene: Any, dues: Any, status: Any, group: str, head: str, doings: Any
) -> None:
    """Three invoices of one client: changed, run, paid, failing, in any order; then every plan comes true."""
    made_of = [
        invoice(str(number), status=status if number == 1 else "open", issued=due - timedelta(days=30), due=due)
        for number, due in enumerate(dues, 1)
    ]
    text = PROGRAMS.replace("default = true\n", f"default = true\ngroup = '{group}'\n{head}") + OTHER
    with scene((tuple(made_of), (client("1"),)), text) as made:
        host: FakeHost = made.host
        today, seen = START, 0

        def run_on(day: date) -> None:
            nonlocal seen
            made.run(day)
            for message in host.posted[seen:]:
                assert all(host.invoices[claim.invoice].status == "open" for claim in message.claims)
            seen = len(host.posted)

        for what, on, change in doings:
            if what == "wait":
                run_on(today)
                today += timedelta(days=on)
            elif what == "pay":
                host.settle(on)
            elif what == "fail":
                host.answer(on, change)
            else:
                with suppress(InputError):
                    plan.plan(made.desk(today), "acme", f"id:{on}", change)
        if host.invoices["1"].status == "draft":
            host.put(replace(host.invoices["1"], status="open"))
        shown = {}
        for number in "123":
            panel = plan.plan(made.desk(today), "acme", f"id:{number}")
            if not panel.plan.blocked:
                shown[number] = [(row.leaves, row.step.name) for row in panel.plan.rows if row.state == "planned"]
        host.mend()
        before = len(host.posted)
        expected = {day for rows in shown.values() for day, _ in rows if day is not None}
        for day in sorted({today, *expected, *(max(today, day - timedelta(days=1)) for day in expected)}):
            run_on(day)
        left = {number: list[tuple[date, str]]() for number in shown}
        for message in host.posted[before:]:
            for claim in message.claims:
                left.setdefault(claim.invoice, []).append((message.day, claim.step_name))
        assert {number: left[number] for number in shown} == shown
        claims = [(claim.invoice, claim.key, message.day) for message in host.posted for claim in message.claims]
        assert set(Counter(key for _, key, _ in claims).values()) <= {1}
        assert set(Counter((invoice, day) for invoice, _, day in claims).values()) <= {1}


moves = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 4, 9]),
        st.sampled_from(["run", "step", "step", "text", "paid while looking", "failed", "lost"]),
        st.integers(1, 9),
        st.integers(1, 3),
    ),
    min_size=6,
    max_size=14,
)
late = st.lists(st.tuples(st.sampled_from("12"), days), min_size=1, max_size=4).map(
    lambda drawn: (
        tuple(
            invoice(str(number), client=of, issued=due, due=due - timedelta(days=20))
            for number, (of, due) in enumerate(drawn, 1)
        ),
        (client("1"), client("2")),
    )
)


@settings(few, max_examples=12)
@given(records=late, moves=moves, text=texts)
def test_by_hand_and_by_itself_no_step_of_a_cycle_leaves_twice_and_nothing_for_what_is_paid(
    scene: Any, records: Any, moves: Any, text: str
) -> None:
    with scene(records, text) as made:
        host: FakeHost = made.host
        host.capabilities = replace(host.capabilities, proves_absence=False, unique_marks=False)
        today = START
        for gap, move, which, step in moves:
            today += timedelta(days=gap)
            left = len(host.posted)
            if move == "run":
                made.run(today)
            else:
                _by_hand(made, today, move, sorted(host.invoices)[which % len(host.invoices)], str(step))
            for message in host.posted[left:]:
                assert all(_owed(host.invoices[one]) for one in message.invoices)
            host.mend()
        claims = [claim for message in host.posted for claim in message.claims]
        assert len({claim.key for claim in claims}) == len(claims)
        steps = [(claim.invoice, claim.cycle, claim.step_name) for claim in claims if claim.step]
        assert len(set(steps)) == len(steps)


def _by_hand(made: Scene, today: date, move: str, which: str, step: str) -> None:
    host = made.host
    what: dict[str, Any] = {"template": "second"} if move == "text" else {"step": step}
    desk = made.desk(today)
    try:
        ready = send.prepare(desk, "acme", Request(invoices=(f"id:{which}",), **what))
        if move == "paid while looking":
            host.settle(which)
        elif move == "failed":
            host.answer(which, "failed", "452 later")
        elif move == "lost":
            host.fail("post", Unreachable("timed out"), after=int(step) % 2)
        send.send(desk, "acme", ready)
    except InputError:
        return
    assert move != "paid while looking"


def _owed(one: Invoice) -> bool:
    return one.status == "open" and one.residual > 0
