"""200 invoices that several hosts can be given: made of a seed, by pure code.

::

    books = make(date(2026, 11, 26))
    books.bills[0].residual, books.credits, books.clients["C01"].email

Everything that is paid was paid before the day. What not every host can say (a hold, two due dates, a credit) is said
of clients who are there for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Final, Literal, NamedTuple

Kind = Literal["draft", "open", "cancelled", "blocked", "disputed"]
"""``blocked``: the accountant keeps it from being reminded of; ``disputed`` is what some hosts make of that."""

SALESPERSON: Final = "admin@acme.example"
"""Who makes all of the invoices."""
_CENT: Final = Decimal("0.01")
_DAY: Final = timedelta(days=1)


class Person(NamedTuple):
    """Somebody at a client's, who gets the invoices (``billing``) or does not."""

    name: str
    email: str
    billing: bool


@dataclass(frozen=True)
class Client:
    """Who owes. ``held``: nothing is to be reminded of."""

    ref: str
    name: str
    email: str
    language: str
    country: str
    tags: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    held: bool = False


class Payment(NamedTuple):
    """Some of an invoice's money, in its currency."""

    on: date
    amount: Decimal


class Due(NamedTuple):
    """What of an invoice is due on a day."""

    on: date
    amount: Decimal


@dataclass(frozen=True)
class Bill:
    """An invoice: what is due when, and what of it was paid. ``ref`` is our own name of it on every host."""

    ref: str
    client: str
    issued: date
    due: tuple[Due, ...]
    currency: str = "EUR"
    kind: Kind = "open"
    paid: tuple[Payment, ...] = ()

    @property
    def total(self) -> Decimal:
        """What is due in all."""
        return sum((one.amount for one in self.due), Decimal())

    @property
    def residual(self) -> Decimal:
        """What is still owed."""
        return self.total - sum((one.amount for one in self.paid), Decimal())

    @property
    def left(self) -> tuple[Decimal, ...]:
        """What is still owed of each due date: what was paid counts for the earliest ones first."""
        paid, found = self.total - self.residual, []
        for one in self.due:
            found.append(max(one.amount - paid, Decimal()))
            paid = max(paid - one.amount, Decimal())
        return tuple(found)


class Credit(NamedTuple):
    """Money of a client's that is for no invoice yet: a credit note, or a payment."""

    ref: str
    client: str
    kind: Literal["note", "payment"]
    on: date
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Books:
    """All there is, by the references of ours; ``day`` is the one that it was made for."""

    day: date
    clients: Mapping[str, Client]
    bills: Sequence[Bill]
    credits: Sequence[Credit]


class _Sort(NamedTuple):
    """So many invoices, due so many days before the day (later: below zero), of which some percent are paid."""

    count: int
    late: tuple[int, int]
    paid: tuple[int, int] = (0, 0)
    whose: str = "anybody"
    kind: Kind = "open"
    currency: str = "EUR"
    shares: tuple[tuple[int, ...], ...] = ((100,),)


_HALVES: Final = ((50, 50), (30, 70))
_THIRDS: Final = ((40, 30, 30), (20, 30, 50))
_SORTS: Final = {
    "not due for long": _Sort(20, (-40, -6)),
    "due in a few days": _Sort(12, (-5, -1)),
    "due today": _Sort(8, (0, 0)),
    "overdue by little": _Sort(22, (1, 6)),
    "overdue by much": _Sort(40, (7, 200)),
    "part-paid": _Sort(16, (-10, 60), paid=(5, 90)),
    "paid": _Sort(16, (-10, 90), paid=(100, 100)),
    "draft": _Sort(8, (-40, -5), kind="draft"),
    "cancelled": _Sort(6, (-10, 60), kind="cancelled"),
    "in dollars": _Sort(6, (-10, 60), currency="USD"),
    "in dollars, part-paid": _Sort(6, (1, 60), paid=(5, 90), currency="USD"),
    "in two instalments": _Sort(8, (-20, 20), whose="in instalments", shares=_HALVES),
    "in three instalments": _Sort(5, (-20, 50), whose="in instalments", shares=_THIRDS),
    "in instalments, part-paid": _Sort(7, (10, 70), paid=(10, 90), whose="in instalments", shares=_HALVES + _THIRDS),
    "in instalments, paid": _Sort(2, (40, 70), paid=(100, 100), whose="in instalments", shares=_THIRDS),
    "of clients with credits": _Sort(8, (-10, 60), whose="credited"),
    "blocked": _Sort(3, (5, 60), kind="blocked"),
    "of a client on hold": _Sort(3, (5, 60), whose="held"),
    "of clients without an address of their own": _Sort(2, (5, 60), whose="person"),
    "small": _Sort(2, (5, 60), whose="small"),
}
_CREDITED: Final = (
    # kind, percent of what is owed, currency
    (("note", 120, "EUR"),),
    (("payment", 100, "EUR"),),
    (("note", 60, "EUR"), ("payment", 50, "EUR")),
    (("payment", 40, "EUR"),),
    (("note", 500, "USD"),),
)
"""Of each client with credits, those."""
_COUNTRIES: Final = ("FR", "FR", "DE", "BE", "US", "GB")
_LANGUAGES: Final = {"FR": "fr", "DE": "de", "BE": "fr", "US": "en", "GB": "en"}
_NAMES: Final = (
    "Aubert & Fils",
    "L'Étoile",
    "Müller",
    "O'Neill",
    "Peeters",
    "Dubois-Né",
    "Smith",
    "Weiß",
    "Roux",
    "Noël",
)
_FORMS: Final = {"FR": "SARL", "DE": "GmbH", "BE": "NV", "US": "Inc.", "GB": "Ltd"}
_CLIENTS: Final = {"anybody": 34, "in instalments": 7, "credited": 5, "held": 1, "person": 1, "small": 1}


def make(day: date, seed: int = 1) -> Books:
    """The books that a day finds: the same for the same seed."""
    random = Random(seed)
    groups, clients = _clients()
    bills = []
    for sort in _SORTS.values():
        for at in range(sort.count):
            group = groups[sort.whose]
            # Clients with credits take turns, so that none of them owes nothing.
            whose = group[at % len(group)] if sort.whose != "anybody" else random.choice(group)
            bills.append(_bill(f"R{len(bills) + 1:03}", whose, sort, day, random))
    return Books(day, clients, bills, _credits(groups["credited"], bills, day))


def _clients() -> tuple[dict[str, list[str]], dict[str, Client]]:
    groups: dict[str, list[str]] = defaultdict(list)
    clients = {}
    for group, count in _CLIENTS.items():
        for _ in range(count):
            made = _client(len(clients) + 1, group)
            clients[made.ref] = made
            groups[group].append(made.ref)
    return groups, clients


def _client(number: int, group: str) -> Client:
    ref, country = f"C{number:02}", _COUNTRIES[number % len(_COUNTRIES)]
    mail = f"{ref.lower()}.example"
    people = []
    if number % 4 == 0 and group != "person":
        people.append(Person(f"Compta {ref}", f"billing@{mail}", True))
    if number % 5 == 0 or group == "person":
        people.append(Person(f"Direction {ref}", f"boss@{mail}", False))
    # Some without an address are reached by the people for invoices, others are not.
    mute = group == "person" or (group == "anybody" and number % 7 == 0 and number % 5 != 0)
    return Client(
        ref,
        f"{_NAMES[number % len(_NAMES)]} {_FORMS[country]} {ref}",
        "" if mute else f"office@{mail}",
        _LANGUAGES[country],
        country,
        ("public",) if number % 6 == 0 else ("vip", "public") if number % 17 == 0 else (),
        tuple(people),
        group == "held",
    )


def _bill(ref: str, client: str, sort: _Sort, day: date, random: Random) -> Bill:
    first = day - random.randint(*sort.late) * _DAY
    issued = min(first - random.choice((15, 30, 30, 45, 60)) * _DAY, day - random.randint(1, 9) * _DAY)
    shares = random.choice(sort.shares)
    # A share of it is a whole number of cents.
    total = random.randint(40, 4000) if len(shares) > 1 else Decimal(random.randint(20_00, 5000_00)) * _CENT
    if sort.whose == "small":
        total = Decimal(random.randint(1_00, 7_00)) * _CENT
    due = tuple(
        Due(first + 30 * at * _DAY, (total * share / Decimal(100)).quantize(_CENT)) for at, share in enumerate(shares)
    )
    bill = Bill(ref, client, issued, due, sort.currency, sort.kind)
    percent = random.randint(*sort.paid)
    if not percent:
        return bill
    amount = bill.total if percent == 100 else (bill.total * percent / 100).quantize(_CENT)
    if sort.currency != "EUR" and percent < 100:
        # At 1.25 no whole cents of a euro are as much.
        amount += Decimal("0.03") - amount % Decimal("0.10")
    on = issued + random.randint(0, (day - issued).days - 1) * _DAY
    return replace(bill, paid=(Payment(on, amount),))


def _credits(credited: Sequence[str], bills: Sequence[Bill], day: date) -> list[Credit]:
    """What each of these clients has, measured by what is overdue of theirs."""
    found = []
    for client, had in zip(credited, _CREDITED, strict=True):
        owed = sum((one.residual for one in bills if one.client == client and one.due[0].on < day), Decimal())
        for kind, percent, currency in had:
            amount = (max(owed, Decimal(100)) * percent / 100).quantize(_CENT)
            found.append(Credit(f"A{len(found) + 1:02}", client, kind, day - 20 * _DAY, amount, currency))
    return found
