"""A ledger of open invoices as a company of some size has it, for the engine alone.

Per 100 invoices, a quarter as many clients (a few have many invoices), and, on a Friday:

* 76 not yet three days late, due within 180 days; 24 late, up to 180 days, more of them recently;
* two programs of three steps, the default and one for a segment (15 % of the clients); French working days;
* 20 with reminders in their history, as a run each day would have sent them: 1 to 2 are due today;
* 2 disputed, 1 draft, 1 held and as many of held clients, 3 paid by instalments, 1 with a plan adapted by hand;
* 3 % of the clients with credits, 1 % without address, 1 % with a program of their own, 10 % with a billing contact.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from relance_addon.core.decide import Policy
from relance_addon.core.model import (
    Adaptation,
    Address,
    Attempt,
    Client,
    Contact,
    HandDate,
    History,
    Instalment,
    Invoice,
    Reminder,
    Status,
    StepChange,
    natural,
)
from relance_addon.core.program import Book, Program

TODAY = date(2026, 11, 20)
POLICY = Policy({"accounting": Address("Comptabilité", "compta@acme.example")}, "fr", frozenset({"fr", "en"}), None)
_SALES = [Address(f"Vendeur {number}", f"vendeur{number}@acme.example") for number in range(20)]
_STEPS = ("Premier rappel", "Relance", "Dernier rappel")
_DATES = {"standard": (3, 15, 30), "public": (30, 51, 72)}
"""Days late on which a run each day sends the steps."""


class Mix(NamedTuple):
    """The arguments of ``decide``."""

    invoices: list[Invoice]
    clients: dict[str, Client]
    book: Book
    history: History


def made(size: int, seed: int = 1) -> Mix:
    """A ledger of ``size`` invoices; the same for the same seed."""
    random = Random(seed)
    clients = {one.id: one for one in (_client(number, random) for number in range(1, max(2, size // 4)))}
    invoices, reminders, adaptations = [], {}, {}
    attempts: dict[str, tuple[Attempt, ...]] = {}
    for number in range(1, size + 1):
        client = clients[str(1 + int((len(clients) - 1) * random.random() ** 1.5))]
        late = -random.randint(-2, 180) if random.random() < 0.76 else 3 + int(177 * random.random() ** 1.6)
        one = _invoice(number, client, late, random)
        invoices.append(one)
        program = "public" if "public" in client.tags else "standard"
        if one.status == "open" and not one.instalments:
            sent = _sent(one, program, late, random)
            if sent:
                reminders[one.id] = sent
                if random.random() < 0.002:
                    attempts[one.id] = (Attempt(sent[-1].cycle, _STEPS[-1], 1, "0" * 24),)
        if random.random() < 0.01:
            adaptations[one.id] = _adapted(random)
    ids = [one.id for one in invoices]
    history = History(
        reminders,
        adaptations,
        attempts,
        frozenset(random.sample(ids, size // 1000)),
        dict.fromkeys(random.sample(ids, size // 200), TODAY + timedelta(days=9)),
        dict.fromkeys(random.sample(sorted(clients), len(clients) // 200), date.max),
        dict.fromkeys(random.sample(sorted(clients), len(clients) // 100), "public"),
        {},
        frozenset(f"compta@client{number}.example" for number in range(0, len(clients), 500)),
    )
    # as operations give them
    rank = {key: position for position, key in enumerate(sorted(clients, key=natural))}
    invoices.sort(key=lambda one: (rank[one.client], natural(one.id)))
    return Mix(invoices, clients, book(), history)


def book() -> Book:
    """The two programs, as the journal gives them."""
    return Book(
        [
            _program(
                "standard", [{"after_due": 3}, {"after_previous": 12}, {"after_previous": 15}], "step"
            ).at(1, True),
            _program(
                "public", [{"after_due": 30}, {"after_previous": "3 weeks"}, {"after_previous": "3 weeks"}], "client",
                when={"tag": ["public"]}, minimum="50.00",
            ).at(1, False),
        ]
    )  # fmt: skip


def _program(name: str, triggers: list[dict[str, object]], group: str, **keys: object) -> Program:
    steps = [
        {"name": step, "trigger": trigger, "sender": "salesperson"}
        for step, trigger in zip(_STEPS, triggers, strict=True)
    ]
    return Program.model_validate({"name": name, "group": group, "calendar": "FR", "steps": steps, **keys})


def _client(number: int, random: Random) -> Client:
    billing = (Contact(f"Personne {number}", f"facture@client{number}.example", ("billing",)),)
    return Client(
        str(number),
        f"Client {number} SARL",
        f"compta@client{number}.example" if random.random() < 0.99 else "",
        random.choice(("fr", "fr", "fr", "en", "de")),
        random.choice(("FR", "FR", "FR", "BE", "DE")),
        ("public",) if random.random() < 0.15 else (),
        held_until=TODAY + timedelta(days=3) if random.random() < 0.005 else None,
        credits={"EUR": Decimal(random.randint(1000, 900000)).scaleb(-2)} if random.random() < 0.03 else {},
        contacts=billing if random.random() < 0.1 else (),
    )


def _invoice(number: int, client: Client, late: int, random: Random) -> Invoice:
    due = TODAY - timedelta(days=late)
    total = Decimal(random.randint(1000, 900000)).scaleb(-2)
    status: Status = "open"
    drawn = random.random()
    if drawn < 0.03:
        status = "disputed" if drawn < 0.02 else "draft"
    parts: tuple[Instalment, ...] = ()
    if random.random() < 0.03:
        third = (total / 3).quantize(Decimal("0.01"))
        parts = tuple(
            Instalment(due + timedelta(days=30 * rank), third, third if rank or late < 3 else Decimal())
            for rank in range(3)
        )
    return Invoice(
        str(number),
        f"FA-{number:07}",
        client.id,
        status,
        due - timedelta(days=30),
        due,
        total,
        sum((part.residual for part in parts), Decimal()) if parts else total,
        "EUR" if random.random() < 0.97 else "USD",
        random.choice(_SALES),
        f"https://pay.acme.example/{number}",
        f"pdf/FA-{number:07}.pdf",
        held_until=TODAY + timedelta(days=5) if random.random() < 0.005 else None,
        instalments=parts,
    )


def _sent(one: Invoice, program: str, late: int, random: Random) -> tuple[Reminder, ...]:
    """What left for an invoice so many days late; one in seven was sent by hand or late, and shifts the rest."""
    assert one.due_date is not None
    shift = 2 if late > 5 and random.random() < 0.15 else 0
    return tuple(
        Reminder(
            one.due_date + timedelta(days=day + shift), step, program, 1, 0, f"0.1.0.{program}",
            "manual" if shift else "automatic", f"<relance.{one.id}.{day}@acme.example>",
        )
        for step, day in zip(_STEPS, _DATES[program], strict=True)
        if late > day + shift
    )  # fmt: skip


def _adapted(random: Random) -> Adaptation:
    if random.random() < 0.5:
        return Adaptation(dropped=frozenset({_STEPS[1]}))
    return Adaptation(changes={_STEPS[0]: StepChange(HandDate(TODAY + timedelta(days=7)), cc=("chef@acme.example",))})
