"""Decisions to messages: who is written to, what goes together, and what a message as a whole speaks against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from relance_addon.core.decide import Decision, Policy, decide_each
from relance_addon.core.model import Address, Client, History, Invoice, natural
from relance_addon.core.program import Book, Program, Step, resolve_people


class People(NamedTuple):
    """From whom and to whom: each address once, in the first place it stands in."""

    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]


class Message(NamedTuple):
    """One message: the invoices it is about (their decisions, in order), its text's step, and its people.

    ``step_number`` counts from 1 in the program's version. ``retry`` is the key of the failed message it repeats.
    """

    number: int
    client: Client
    program: Program
    step_number: int
    language: str
    people: People
    decisions: tuple[Decision, ...]
    retry: str = ""

    @property
    def step(self) -> Step:
        """The step whose text, sender and recipients the message has."""
        return self.program.steps[self.step_number - 1]

    @property
    def oldest_due(self) -> date:
        """The oldest due date in it."""
        return min(one.due for one in self.decisions if one.due is not None)

    @property
    def totals(self) -> dict[str, Decimal]:
        """What is asked for, per currency, in the order of the invoices."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for one in self.decisions:
            sums[one.invoice.currency] += one.residual
        return dict(sums)


class Outcome(NamedTuple):
    """What would be done today: a decision per invoice, in the order given, and the messages of those that send."""

    decisions: list[Decision]
    messages: list[Message]


def decide(
    invoices: Iterable[Invoice],
    clients: Mapping[str, Client],
    book: Book,
    history: History,
    today: date,
    policy: Policy,
    active: bool = True,
    only: Container[str] | None = None,
) -> Outcome:
    """Decide on every invoice and group what is due into messages. Pure: the same arguments, the same outcome.

    With ``active`` false, what would leave is skipped as ``inactive``: the host is not switched on. With ``only``,
    messages are made of those invoices (ids) alone; the others count for credits, and stay ``due`` where they are.
    """
    decisions, due = decide_each(invoices, clients, book, history, today)
    people: dict[int, People] = {}
    shared: dict[tuple[object, ...], People] = {}
    for index in due:
        one = decisions[index]
        if only is not None and one.invoice.id not in only:
            continue
        found = _people_shared(one, history, policy, shared)
        if not found.to and _step(one).channel == "mail":
            decisions[index] = one._replace(reason="no_recipient")
        else:
            people[index] = found
    candidates = _together({index: decisions[index] for index in people}, people, history, policy)
    reasons = _speak_against(candidates, history, today, policy, active)
    messages: list[Message] = []
    for candidate, reason in zip(candidates, reasons, strict=True):
        if reason == "due":
            messages.append(candidate.message._replace(number=len(messages) + 1))
        else:
            for index in candidate.indexes:
                decisions[index] = decisions[index]._replace(reason=reason)
    return Outcome(decisions, messages)


def people_of(one: Decision, step_number: int, history: History, policy: Policy) -> People:
    """Sender and recipients of a step for one invoice, hand-made changes applied, bounced addresses left out."""
    assert one.program is not None and one.client is not None
    step, client = one.program.steps[step_number - 1], one.client
    adaptation = history.adaptations.get(one.invoice.id)
    change = adaptation.changes.get(step.name) if adaptation and adaptation.instalment in (0, one.instalment) else None
    sender, to, cc, bcc = step.sender, step.to, step.cc, step.bcc
    if change is not None:
        sender = sender if change.sender is None else change.sender
        to = to if change.to is None else change.to
        cc = cc if change.cc is None else change.cc
        bcc = bcc if change.bcc is None else change.bcc
    seen: set[str] = set()
    lists = []
    for names in (to, cc, bcc):
        kept = []
        for address in resolve_people(names, policy.roles, client, one.invoice) if names else ():
            email = address.email.casefold()
            if email not in seen and email not in history.bounced:
                seen.add(email)
                kept.append(address)
        lists.append(tuple(kept))
    return People(resolve_people((sender,), policy.roles, client, one.invoice)[0], *lists)


def _people_shared(one: Decision, history: History, policy: Policy, shared: dict[tuple[object, ...], People]) -> People:
    """The people of a decision's own step, worked out once for all invoices of a client that nothing sets apart.

    Equal people are one object, so that they compare and hash by identity below.
    """
    invoice = one.invoice
    if invoice.id in history.adaptations:
        found = people_of(one, one.step, history, policy)
    else:
        key = (id(one.program), one.step, invoice.client, invoice.salesperson, invoice.contacts)
        known = shared.get(key)
        if known is not None:
            return known
        found = shared[key] = people_of(one, one.step, history, policy)
    return shared.setdefault(found, found)


def language_of(client: Client, policy: Policy) -> str:
    """The client's language when there are texts in it, else the company's."""
    language = client.language.replace("-", "_").split("_")[0].lower()
    return language if language and (not policy.languages or language in policy.languages) else policy.language


class _Candidate(NamedTuple):
    message: Message
    indexes: tuple[int, ...]


def _step(one: Decision) -> Step:
    assert one.program is not None
    return one.program.steps[one.step - 1]


def _together(
    due: Mapping[int, Decision], people: Mapping[int, People], history: History, policy: Policy
) -> list[_Candidate]:
    """Messages in order of client id, then invoice id. A failed message is repeated whole, apart from the others."""
    clients = sorted({one.invoice.client for one in due.values()}, key=natural)
    rank = {client: position for position, client in enumerate(clients)}
    order = {index: (rank[one.invoice.client], natural(one.invoice.id)) for index, one in due.items()}
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index in sorted(due, key=order.__getitem__):
        one = due[index]
        assert one.program is not None
        key: tuple[object, ...] = (one.invoice.client, id(one.program), _step(one).channel, one.retry)
        if one.program.group == "invoice" and not one.retry:
            key += (index,)
        elif one.program.group == "step" and not one.retry:
            key += (one.step, id(people[index]))
        groups[key].append(index)
    candidates = []
    for indexes in groups.values():
        while indexes:
            together, rest = indexes, list[int]()
            if len(indexes) > 1 and _differ(due[indexes[0]]):
                together, rest = _split(indexes, due, people, history, policy)
            candidates.append(_candidate(together, due, people, policy))
            indexes = rest
    return sorted(candidates, key=lambda one: order[one.indexes[0]])


def _differ(one: Decision) -> bool:
    """Whether the invoices that stand with ``one`` may have other steps or people than it."""
    return bool(one.retry) or (one.program is not None and one.program.group == "client")


def _split(
    indexes: Sequence[int],
    due: Mapping[int, Decision],
    people: Mapping[int, People],
    history: History,
    policy: Policy,
) -> tuple[list[int], list[int]]:
    """Those that share the people of the furthest step among them, and the rest."""
    furthest = max(indexes, key=lambda index: due[index].step)
    number = due[furthest].step
    if all(due[index].step == number for index in indexes):
        together = [index for index in indexes if people[index] == people[furthest]]
        return together, [index for index in indexes if people[index] != people[furthest]]
    together = [index for index in indexes if people_of(due[index], number, history, policy) == people[furthest]]
    return together, [index for index in indexes if index not in together]


def _candidate(
    indexes: Sequence[int],
    due: Mapping[int, Decision],
    people: Mapping[int, People],
    policy: Policy,
) -> _Candidate:
    furthest = indexes[0] if len(indexes) == 1 else max(indexes, key=lambda index: due[index].step)
    one = due[furthest]
    assert one.program is not None and one.client is not None
    decisions = tuple(due[index] for index in indexes)
    language = language_of(one.client, policy)
    message = Message(0, one.client, one.program, one.step, language, people[furthest], decisions, one.retry)
    return _Candidate(message, tuple(indexes))


def _speak_against(
    candidates: Sequence[_Candidate], history: History, today: date, policy: Policy, active: bool
) -> list[str]:
    """The reason of each candidate message, considered from the oldest due date on, then by client id."""
    reasons = ["due"] * len(candidates)
    written: set[str] = set()
    count = 0
    ranked = sorted(range(len(candidates)), key=lambda index: candidates[index].message.oldest_due)
    for index in ranked:
        message = candidates[index].message
        program, client = message.program, message.client.id
        if program.minimum is not None and not any(total >= program.minimum for total in message.totals.values()):
            reasons[index] = "below_minimum"
        elif program.quiet_days and (client in written or _quiet(history.messaged.get(client), today, program)):
            reasons[index] = "quiet_period"
        elif policy.per_run is not None and count >= policy.per_run:
            reasons[index] = "limit_reached"
        else:
            count += 1
            written.add(client)
            reasons[index] = "due" if active else "inactive"
    return reasons


def _quiet(last: date | None, today: date, program: Program) -> bool:
    return last is not None and 0 <= (today - last).days <= program.quiet_days
