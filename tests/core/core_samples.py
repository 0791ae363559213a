"""Invoices, clients and programs made in one line, for tests that read as tables.

Steps are written ``D+3`` (three days after the due date), ``I+30`` (after the issue date), ``P+10`` (after the
previous reminder), with ``w`` for weeks and ``m`` for months: ``D+1m``. They are called a, b, c … in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import settings

from relance_addon.core.decide import Decision, Policy
from relance_addon.core.group import Outcome, decide
from relance_addon.core.model import (
    Adaptation,
    Address,
    Client,
    HandDate,
    History,
    Instalment,
    Invoice,
    Reminder,
    StepChange,
)
from relance_addon.core.program import Book, Program

KINDS = {"D": "after_due", "I": "after_issue", "P": "after_previous"}
UNITS = {"w": " weeks", "m": " months"}
ACCOUNTING = Address("Comptabilité", "compta@acme.example")
POLICY = Policy(roles={"accounting": ACCOUNTING}, languages=frozenset({"fr", "en"}))
quick = settings(derandomize=True, deadline=None, max_examples=120)


def on(text: str | date) -> date:
    """``"03-04"`` is 4 March 2026; a whole ISO date is itself."""
    if isinstance(text, date):
        return text
    return date.fromisoformat(text if len(text) == 10 else f"2026-{text}")


def money(text: str | int) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


def trigger(text: str) -> dict[str, Any]:
    amount = text[1:].lstrip("+")
    unit = UNITS.get(amount[-1])
    return {KINDS[text[0]]: f"{amount[:-1]}{unit}" if unit else int(amount)}


def program(steps: str = "D+3 D+15 D+30", name: str = "standard", version: int = 1, **keys: Any) -> Program:
    """A program; ``step`` gives keys to every step, ``names`` their names."""
    names = keys.pop("names", "abcdefghij")
    common = keys.pop("step", {})
    each = keys.pop("each", {})
    default = keys.pop("default", True)
    made = Program.model_validate(
        {
            "name": name,
            "steps": [
                {"name": called, "trigger": trigger(text), **common, **each.get(called, {})}
                for called, text in zip(names, steps.split(), strict=False)
            ],
            **{key: value for key, value in keys.items() if value is not None},
        }
    )
    return made.at(version, default)


def client(id: str = "1", **keys: Any) -> Client:
    credit = keys.pop("credit", None)
    if credit is not None:
        keys["credits"] = {currency: money(amount) for currency, amount in credit.items()}
    return Client(id, **{"name": f"Client {id}", "email": f"client{id}@x.example", "country": "FR", **keys})


def invoice(id: str = "17", due: str | date | None = "03-01", **keys: Any) -> Invoice:
    """An open invoice of client 1, 100 EUR issued on 1 February and due on 1 March 2026."""
    parts_of = keys.pop("instalments", ())
    issue = keys.pop("issue", "02-01")
    residual = money(keys.pop("residual", 100))
    return Invoice(
        id=id,
        number=keys.pop("number", f"FA-{id}"),
        client=keys.pop("client", "1"),
        status=keys.pop("status", "open"),
        issue_date=None if issue is None else on(issue),
        due_date=None if due is None else on(due),
        total=money(keys.pop("total", residual)),
        residual=residual,
        currency=keys.pop("currency", "EUR"),
        instalments=tuple(Instalment(on(day), money(amount), money(left)) for day, amount, left in parts_of),
        held_until=on(held) if (held := keys.pop("held_until", None)) else None,
        **keys,
    )


def reminded(
    *steps: str, program: str = "standard", rank: int = 1, restart: int = 0, cycle: str = "", origin: str = "automatic"
) -> tuple[Reminder, ...]:
    """Reminders written ``"a 03-04"``, or ``"- 03-04"`` for a message by hand that is no step."""
    made = []
    for text in steps:
        name, day = text.split()
        if name == "-":
            made.append(Reminder(on(day), "", "", 0, restart, "", "manual"))
        else:
            called = cycle or f"{restart}.{rank}.0.{program}"
            made.append(Reminder(on(day), name, program, rank, restart, called, origin))  # type: ignore[arg-type]
    return tuple(made)


def adapted(
    dropped: str = "", dates: Mapping[str, str] | None = None, issued: str | None = None, **keys: Any
) -> Adaptation:
    """A plan adapted by hand: names of dropped steps separated by blanks, dates by step."""
    changes = dict(keys.pop("changes", {}))
    for name, day in (dates or {}).items():
        changes[name] = StepChange(date=HandDate(on(day), on(issued) if issued else None))
    return Adaptation(dropped=frozenset(dropped.split()), changes=changes, **keys)


def outcome(
    invoices: Invoice | Iterable[Invoice],
    programs: Program | Sequence[Program],
    today: str | date,
    clients: Iterable[Client] = (),
    history: History | None = None,
    policy: Policy = POLICY,
    active: bool = True,
    kept: Iterable[Program] = (),
) -> Outcome:
    """Decide, with a plain client for every one that is not given."""
    made = [invoices] if isinstance(invoices, Invoice) else list(invoices)
    known = {one.client: client(one.client) for one in made} | {one.id: one for one in clients}
    book = Book([programs] if isinstance(programs, Program) else programs, kept)
    return decide(made, known, book, history or History(), on(today), policy, active)


def decision(invoice: Invoice, programs: Program | Sequence[Program], today: str | date, **keys: Any) -> Decision:
    """The decision on one invoice; ``sent`` and ``plan`` are its reminders and its adaptation."""
    sent, plan = keys.pop("sent", ()), keys.pop("plan", None)
    history = keys.pop("history", History())
    if sent:
        history = replace(history, reminders={**history.reminders, invoice.id: sent})
    if plan is not None:
        history = replace(history, adaptations={**history.adaptations, invoice.id: plan})
    return outcome(invoice, programs, today, history=history, **keys).decisions[0]


def next_step(*args: Any, **keys: Any) -> str:
    """The next step and its date as ``"b 2026-03-16"``, or the reason when there is none."""
    found = decision(*args, **keys)
    if found.program is None or found.date is None:
        return found.reason
    return f"{found.program.steps[found.step - 1].name} {found.date}"


def reasons(found: Outcome) -> dict[str, str]:
    """The reason of each invoice, by id."""
    return {one.invoice.id: one.reason for one in found.decisions}


def contents(found: Outcome) -> list[str]:
    """The invoices of each message, as ``"17 18"``."""
    return [" ".join(one.invoice.id for one in message.decisions) for message in found.messages]


def applied(found: Outcome, history: History, day: date) -> History:
    """The history after every message of an outcome left on ``day``."""
    reminders, messaged = dict(history.reminders), dict(history.messaged)
    for message in found.messages:
        messaged[message.client.id] = day
        for one in message.decisions:
            assert one.program is not None
            plan = history.adaptations.get(one.invoice.id, Adaptation())
            name = one.program.steps[one.step - 1].name
            reminder = Reminder(
                day, name, one.program.name, one.instalment, plan.restart, one.cycle, "automatic", f"<{day}>"
            )
            reminders[one.invoice.id] = (*reminders.get(one.invoice.id, ()), reminder)
    return replace(history, reminders=reminders, messaged=messaged)
