"""One decision and one reason per invoice. Simulation, run, explain and replay all call ``decide``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from relance_addon.core.model import NO_PROGRAM, Adaptation, Address, Client, History, Invoice
from relance_addon.core.program import Book, Program
from relance_addon.core.schedule import NOTHING, Cycle, Next, Part, Timetable, cycle_of, parts, plan_for

Verdict = Literal["send", "wait", "skip"]

REASONS: Final[dict[str, Verdict]] = {
    "invalid": "skip",
    "draft": "skip",
    "disputed": "skip",
    "paid": "skip",
    "cancelled": "skip",
    "written_off": "skip",
    "no_program": "skip",
    "invoice_held": "skip",
    "client_held": "skip",
    "in_doubt": "skip",
    "failed": "skip",
    "completed": "skip",
    "not_due_yet": "wait",
    "non_working_day": "wait",
    "covered_by_credit": "skip",
    "no_recipient": "skip",
    "below_minimum": "skip",
    "quiet_period": "wait",
    "limit_reached": "wait",
    "inactive": "skip",
    "due": "send",
}
"""Every reason in the order in which the first that holds is given, and what it decides."""

SETTLED: Final = frozenset({"paid", "cancelled", "written_off"})
"""Reasons that only a re-read or explain meets: nothing is decided for what is not owed."""
ATTEMPTS: Final = 3
"""Failed attempts at one step after which it is left to a person."""


class Decision(NamedTuple):
    """What becomes of one invoice today. ``step`` counts from 1 (0: none), ``retry`` is a failed message's key."""

    invoice: Invoice
    client: Client | None
    due: date | None
    residual: Decimal
    reason: str
    program: Program | None = None
    step: int = 0
    date: date | None = None
    cycle: str = ""
    instalment: int = 1
    retry: str = ""
    detail: str = ""

    @property
    def verdict(self) -> Verdict:
        """send, wait or skip."""
        return REASONS[self.reason]


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says about deciding.

    ``roles`` maps ``accounting`` and the names of [roles] to addresses; ``languages`` are those that texts exist in;
    ``per_run`` is the number of messages a run may send, None for any.
    """

    roles: Mapping[str, Address]
    language: str = "fr"
    languages: frozenset[str] = field(default_factory=frozenset)
    per_run: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """The programs open to an invoice in order of precedence, beside the rule that names each.

    Rules: ``invoice`` and ``client`` (the host says so), ``applied`` and ``chosen`` (set here for the invoice, for
    the client), ``segment``, ``default``. ``none`` is the rule that says "no program", ``unknown`` what is wrong
    with the name that comes next.
    """

    programs: tuple[Program, ...] = ()
    rules: tuple[str, ...] = ()
    none: str = ""
    unknown: str = ""


class Decider:
    """The rules bound to one set of clients, programs, history and day. Keeps what invoices share."""

    def __init__(self, clients: Mapping[str, Client], book: Book, history: History, today: date) -> None:
        self.clients = clients
        self.book = book
        self.history = history
        self.today = today
        self._choices: dict[str, Choice] = {}
        self._held: dict[str, bool] = {}
        self._tables: dict[tuple[int, str], Timetable] = {}

    def __call__(self, invoice: Invoice) -> Decision:
        """The decision on one invoice by itself, up to ``non_working_day``; ``due`` when nothing speaks against it."""
        client = self.clients.get(invoice.client)
        if client is None or client.invalid or invoice.invalid:
            return self._invalid(invoice, client, _unusable(invoice, client))
        adaptation = self.history.adaptations.get(invoice.id, NOTHING)
        program, unknown = self._program(invoice, client, adaptation)
        if unknown:
            return self._invalid(invoice, client, unknown)
        if program is None:
            part = parts(invoice, self.today)[0]
            return Decision(invoice, client, part.due, part.asked, standing(invoice) or "no_program")
        table = self._table(program, client)
        part, cycle, following = self._current(invoice, table, adaptation)
        step, on = (following.position, following.date) if following else (-1, None)
        failures, retry = self._failures(invoice, cycle, table, step)
        reason = standing(invoice) or self._reason(invoice, client, table, following, failures)
        if reason == "completed" or following is None:
            return Decision(invoice, client, part.due, part.asked, reason, instalment=part.rank)
        return Decision(
            invoice, client, part.due, part.asked, reason, program, step + 1, on, cycle.name, part.rank, retry
        )

    def _invalid(self, invoice: Invoice, client: Client | None, why: str) -> Decision:
        """What cannot be used; its due date is said where it is the client or the program that is wrong."""
        if invoice.invalid:
            return Decision(invoice, client, None, invoice.residual, "invalid", detail=why)
        part = parts(invoice, self.today)[0]
        return Decision(invoice, client, part.due, part.asked, "invalid", detail=why)

    def following(self, invoice: Invoice, client: Client) -> tuple[Timetable, Part, Cycle, Next | None] | None:
        """The timetable, instalment, cycle and next step of an invoice; None when no program applies."""
        adaptation = self.history.adaptations.get(invoice.id, NOTHING)
        program, _ = self._program(invoice, client, adaptation)
        if program is None:
            return None
        table = self._table(program, client)
        return (table, *self._current(invoice, table, adaptation))

    def _reason(self, invoice: Invoice, client: Client, table: Timetable, following: Next | None, failures: int) -> str:
        history, today = self.history, self.today
        if _lasts(invoice.held_until, today) or _lasts(history.invoice_holds.get(invoice.id), today):
            return "invoice_held"
        held = self._held.get(client.id)
        if held is None:
            held = _lasts(client.held_until, today) or _lasts(history.client_holds.get(client.id), today)
            self._held[client.id] = held
        if held:
            return "client_held"
        if invoice.id in history.in_doubt:
            return "in_doubt"
        if failures >= ATTEMPTS:
            return "failed"
        if following is None:
            return "completed"
        if following.date > today:
            return "not_due_yet"
        if table.calendar is not None and not table.calendar.is_working(today):
            return "non_working_day"
        return "due"

    def choice(self, invoice: Invoice, client: Client, adaptation: Adaptation) -> Choice:
        """The invoice's own program, else its client's, else its segments', else the default."""
        own = invoice.program or adaptation.program
        if not own:
            return self._choice_of(client)
        rule = "invoice" if invoice.program else "applied"
        if own == NO_PROGRAM:
            return Choice(none=rule)
        program = self.book.get(own, adaptation.version if adaptation.program == own else 0)
        if program is None:
            return Choice(unknown=self.book.unknown(own))
        rest = self._choice_of(client)
        return Choice((program, *rest.programs), (rule, *rest.rules), rest.none, rest.unknown)

    def _choice_of(self, client: Client) -> Choice:
        found = self._choices.get(client.id)
        if found is None:
            found = self._choices[client.id] = self._choose(client)
        return found

    def _program(self, invoice: Invoice, client: Client, adaptation: Adaptation) -> tuple[Program | None, str]:
        """The first program that reaches back to the invoice's issue date, or what is wrong with a name."""
        choice = self.choice(invoice, client, adaptation)
        for program in choice.programs:
            if program.since is None or program.since <= (invoice.issue_date or self.today):
                return program, ""
        return None, choice.unknown

    def _choose(self, client: Client) -> Choice:
        name = client.program or self.history.client_programs.get(client.id, "")
        rule = "client" if client.program else "chosen"
        if name == NO_PROGRAM:
            return Choice(none=rule)
        own = self.book.get(name) if name else None
        if name and own is None:
            return Choice(unknown=self.book.unknown(name))
        ranked = [(rule, own)]
        ranked += [("segment", one) for one in self.book.programs if one.when is not None and one.when.holds(client)]
        ranked.append(("default", self.book.default))
        found = [(rule, program) for rule, program in ranked if program is not None]
        return Choice(tuple(program for _, program in found), tuple(rule for rule, _ in found))

    def _table(self, program: Program, client: Client) -> Timetable:
        country = client.country if program.calendar == "client" else ""
        key = (id(program), country)
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = Timetable(program, country)
        return table

    def _current(self, invoice: Invoice, table: Timetable, plan: Adaptation) -> tuple[Part, Cycle, Next | None]:
        """The oldest instalment whose steps are not all sent, its cycle and its next step."""
        reminders = self.history.reminders.get(invoice.id, ())
        if not reminders and plan is NOTHING and not invoice.instalments:
            issue = invoice.issue_date or self.today
            part = Part(1, issue, invoice.due_date or issue, invoice.residual)
            return part, table.untouched, table.first(part, self.today)
        for part in parts(invoice, self.today):  # there is always one
            cycle = cycle_of(reminders, table.program.name, part.rank, plan.restart)
            following = table.next(part, cycle, plan_for(plan, part), self.today)
            if following is not None:
                break
        return part, cycle, following

    def _failures(self, invoice: Invoice, cycle: Cycle, table: Timetable, step: int) -> tuple[int, str]:
        attempts = self.history.attempts.get(invoice.id)
        if not attempts or step < 0:
            return 0, ""
        name = table.steps[step].name
        return next(
            ((one.failures, one.message) for one in attempts if one.cycle == cycle.name and one.step == name), (0, "")
        )


def decide_each(
    invoices: Iterable[Invoice], clients: Mapping[str, Client], book: Book, history: History, today: date
) -> tuple[list[Decision], list[int]]:
    """One decision per invoice, before recipients and what belongs to whole messages; and where those ``due`` stand.

    What the clients' credits cover is ``covered_by_credit`` already: for that, ``invoices`` are all of theirs.
    """
    # in one pass: with a million invoices, going through them again costs more than looking at each
    decide = Decider(clients, book, history, today)
    decisions: list[Decision] = []
    due: list[int] = []
    credited: list[Decision] = []
    for index, invoice in enumerate(invoices):
        one = decide(invoice)
        decisions.append(one)
        if one.reason == "due":
            due.append(index)
        client = one.client
        if client is not None and client.credits:
            credited.append(one)
    owed = overdue(credited, today)
    covered = {index for index in due if _covered(decisions[index], owed, today)}
    for index in covered:
        decisions[index] = decisions[index]._replace(reason="covered_by_credit")
    return decisions, [index for index in due if index not in covered]


def overdue(decisions: Iterable[Decision], today: date) -> dict[tuple[str, str], Decimal]:
    """What the clients that have a credit owe of invoices due before today, by client id and currency."""
    owed: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in decisions:
        client = one.client
        if client is not None and client.credits and one.due is not None and one.due < today and _counts(one):
            owed[client.id, one.invoice.currency] += one.residual
    return owed


def _covered(one: Decision, owed: Mapping[tuple[str, str], Decimal], today: date) -> bool:
    client = one.client
    if client is None or not client.credits:
        return False
    currency = one.invoice.currency
    credit = client.credits.get(currency, Decimal())
    if credit <= 0:
        return False
    total = owed.get((client.id, currency), Decimal())
    if one.due is None or one.due >= today:
        total += one.residual
    return credit >= total


def _counts(one: Decision) -> bool:
    return one.invoice.status == "open" and one.reason not in SETTLED and one.reason != "invalid"


def standing(invoice: Invoice) -> str:
    """The reason that the invoice's status gives by itself, or nothing. No residual counts as paid."""
    if invoice.status != "open":
        return invoice.status
    if invoice.residual <= 0:
        return "paid"
    if invoice.instalments and sum(max(one.residual, Decimal()) for one in invoice.instalments) <= 0:
        return "paid"
    return ""


def _unusable(invoice: Invoice, client: Client | None) -> str:
    if invoice.invalid:
        return invoice.invalid
    return client.invalid if client else f"client: no client {invoice.client!r}"


def _lasts(until: date | None, today: date) -> bool:
    return until is not None and today <= until
