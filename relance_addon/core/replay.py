"""What a program would have sent over past days, had it been switched on for every invoice on the first of them.

Each day is decided by ``group.decide`` itself. What the past does not tell is left out: holds and disputes, credits and
payments in part, what really was sent. An invoice is owed in full from its issue date until the day it was settled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from relance_addon.core.decide import Decision, Policy
from relance_addon.core.group import Message, decide
from relance_addon.core.model import Client, History, Invoice, Reminder, natural
from relance_addon.core.program import Book, Program

DAY: Final = timedelta(days=1)


class Sent(NamedTuple):
    """One message that would have left. ``step`` counts from 1; ``residual`` is what it asked for, per currency."""

    day: date
    client: Client
    step: int
    step_name: str
    channel: str
    invoices: tuple[Invoice, ...]
    residual: Mapping[str, Decimal]


def replay(
    invoices: Iterable[Invoice],
    settled: Mapping[str, date],
    clients: Mapping[str, Client],
    program: Program,
    first: date,
    last: date,
    policy: Policy,
) -> Iterator[Sent]:
    """The messages of a run each day from ``first`` to ``last``, in order.

    ``settled`` is the first day on which an invoice (its id) was owed no more; one without is still owed, drafts are
    left out.
    """
    ended = {key: day for key, day in settled.items() if day <= last}
    owed = sorted(map(_as_it_was, _issued(invoices)), key=lambda one: (natural(one.client), natural(one.id)))
    everyone = {key: replace(one, credits={}, held_until=None, program="") for key, one in clients.items()}
    # segments and ``since`` say whom the program is for from now on
    book = Book([program.model_copy(update={"default": True, "when": None, "since": None})])
    reminders: dict[str, tuple[Reminder, ...]] = {}
    messaged: dict[str, date] = {}
    history = History(reminders, messaged=messaged)
    waking = _Waking(owed, first)
    today = first
    while today <= last:
        awake = [owed[index] for index in waking.on(today) if ended.get(owed[index].id, date.max) > today]
        if awake:
            outcome = decide(awake, everyone, book, history, today, policy)
            for message in outcome.messages:
                _remember(message, today, reminders, messaged)
                yield _sent(message, today)
            for one in outcome.decisions:
                waking.again(one, today)
        today += DAY


def _issued(invoices: Iterable[Invoice]) -> Iterator[Invoice]:
    return (one for one in invoices if one.status != "draft" and one.issue_date is not None)


def _as_it_was(one: Invoice) -> Invoice:
    """Owed in full, held by nobody, and of no program of its own."""
    parts = tuple([replace(part, residual=part.amount) for part in one.instalments if part.amount > 0])
    return replace(one, status="open", residual=one.total, instalments=parts, program="", held_until=None)


class _Waking:
    """The invoices (their places in order) that have to be looked at each day: a decision says until when it holds."""

    def __init__(self, owed: Iterable[Invoice], first: date) -> None:
        self._days: dict[date, list[int]] = defaultdict(list)
        self._places: dict[str, int] = {}
        for place, one in enumerate(owed):
            self._places[one.id] = place
            self._days[max(one.issue_date or first, first)].append(place)

    def on(self, today: date) -> list[int]:
        """Those of today, in order."""
        return sorted(self._days.pop(today, ()))

    def again(self, one: Decision, today: date) -> None:
        """Look at an invoice again when its decision may be another one."""
        tomorrow = today + DAY
        lapses = one.due if one.due is not None and one.due > today else date.max
        if one.reason == "not_due_yet" and one.date is not None:
            day = max(tomorrow, min(one.date, lapses))
        elif one.reason == "no_recipient":
            day = lapses
        elif one.verdict == "skip" and one.reason != "below_minimum":
            return
        else:
            day = tomorrow
        self._days[day].append(self._places[one.invoice.id])


def _remember(
    message: Message, today: date, reminders: dict[str, tuple[Reminder, ...]], messaged: dict[str, date]
) -> None:
    messaged[message.client.id] = today
    for one in message.decisions:
        name = message.program.steps[one.step - 1].name
        reminder = Reminder(today, name, message.program.name, one.instalment, 0, one.cycle, "automatic")
        reminders[one.invoice.id] = (*reminders.get(one.invoice.id, ()), reminder)


def _sent(message: Message, today: date) -> Sent:
    step, invoices = message.step, tuple([one.invoice for one in message.decisions])
    return Sent(today, message.client, message.step_number, step.name, step.channel, invoices, message.totals)
