"""Replay: what a program would have sent over the past days, of what the host knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from relance_addon.core import replay as past
from relance_addon.core.amounts import amount
from relance_addon.core.decide import SETTLED, status_reason
from relance_addon.core.errors import Busy
from relance_addon.core.model import Client
from relance_addon.core.program import Program
from relance_addon.core.replay import Sent
from relance_addon.operations import sync
from relance_addon.operations.desk import Desk
from relance_addon.operations.memory import paused_collection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many messages and reminders (invoices in messages) belong to something, and what they asked for."""

    messages: int
    reminders: int
    residual: Mapping[str, Decimal]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        residual = {key: amount(value, key) for key, value in sorted(self.residual.items())}
        return {"messages": self.messages, "reminders": self.reminders, "residual": residual}


@dataclass(frozen=True, slots=True)
class Replay:
    """The messages of a run each day from ``first`` to ``last``, and how many invoices were looked at.

    ``settled``: whether the host knows when invoices were settled; without, only what is owed now was looked at.
    """

    program: Program
    first: date
    last: date
    invoices: int
    settled: bool
    sent: Sequence[Sent]

    @property
    def days(self) -> dict[str, Tally]:
        """The days (ISO) on which something would have left, in order."""
        return {day: tally(found) for day, found in _by(self.sent, lambda one: one.day.isoformat()).items()}

    @property
    def months(self) -> dict[str, Tally]:
        """The same by months, such as ``2026-11``."""
        return {month: tally(found) for month, found in _by(self.sent, lambda one: one.day.isoformat()[:7]).items()}

    @property
    def busiest(self) -> str | None:
        """The day with the most messages, the first of several; None when nothing would have left."""
        days = self.days
        return max(days, key=lambda day: days[day].messages, default=None)

    @property
    def steps(self) -> list[tuple[str, Tally]]:
        """Every step of the program."""
        found = _by(self.sent, lambda one: one.step)
        return [(step.name, tally(found.get(number, ()))) for number, step in enumerate(self.program.steps, 1)]

    @property
    def clients(self) -> list[tuple[Client, Tally]]:
        """Who would have been written to, those with the most messages first."""
        found = _by(self.sent, lambda one: one.client.id)
        return sorted(
            ((some[0].client, tally(some)) for some in found.values()),
            key=lambda row: (-row[1].messages, -row[1].reminders),
        )

    def summary(self) -> dict[str, Any]:
        """Plain data beside the messages."""
        days, busiest = self.days, self.busiest
        return {
            "program": self.program.name,
            "version": self.program.version,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "settled": self.settled,
            "invoices": self.invoices,
            **tally(self.sent).as_dict(),
            "busiest": {"date": busiest, **days[busiest].as_dict()} if busiest else None,
            "days": [{"date": day, **found.as_dict()} for day, found in days.items()],
            "steps": [
                {"step": number, "step_name": name, **found.as_dict()}
                for number, (name, found) in enumerate(self.steps, 1)
            ],
            "clients": [
                {"client": client.id, "client_name": client.name, **found.as_dict()} for client, found in self.clients
            ],
        }


def replay(desk: Desk, host: str, name: str, days: int) -> Replay:
    """What a program would have sent on each of the ``days`` before today, beginning with nothing sent.

    What is owed is pulled, what was settled since is read for this alone and kept nowhere. Raises InputError for an
    unknown program, HostError.
    """
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import ledger, programs

    program = programs.one(name)
    first, last = desk.today - timedelta(days=days), desk.today - timedelta(days=1)
    _pull(desk, host)
    with paused_collection():
        clients = ledger.clients(host)
        invoices = {one.id: one for one in ledger.invoices(host) if status_reason(one) not in SETTLED}
        settled: dict[str, date] = {}
        with closing(desk.connector(host)) as connector:
            for page in connector.past(first, desk.today):
                invoices.update((one.id, one) for one in page.invoices)
                clients.update((one.id, one) for one in page.clients)
                settled.update(page.settled)
            knows = connector.capabilities.settled
        sent = list(past.replay(invoices.values(), settled, clients, program, first, last, desk.policy))
    return Replay(program, first, last, len(invoices), knows, sent)


def _pull(desk: Desk, host: str) -> None:
    """Pull what is owed, where nothing speaks against it: what was sent is not looked at, so any day will do."""
    from relance_addon.journal import hosts

    last = hosts.state(host).last_run
    if last is not None and desk.today < last:
        desk.say(f"{host}: as last pulled, since a run is dated {last}")
        return
    try:
        sync.sync(desk, host)
    except Busy as busy:
        desk.say(f"{busy}: as last pulled")


def item(one: Sent) -> dict[str, Any]:
    """A message as plain data."""
    return {
        "date": one.day.isoformat(),
        "client": one.client.id,
        "client_name": one.client.name,
        "step": one.step,
        "step_name": one.step_name,
        "channel": one.channel,
        "invoices": [invoice.id for invoice in one.invoices],
        "numbers": [invoice.number for invoice in one.invoices],
        "residual": {key: amount(value, key) for key, value in sorted(one.residual.items())},
    }


def _by(sent: Iterable[Sent], what: Callable[[Sent], T]) -> dict[T, list[Sent]]:
    found: dict[T, list[Sent]] = defaultdict(list)
    for one in sent:
        found[what(one)].append(one)
    return found


def tally(sent: Iterable[Sent]) -> Tally:
    """The totals of some messages."""
    messages = reminders = 0
    residual: dict[str, Decimal] = {}
    for one in sent:
        messages += 1
        reminders += len(one.invoices)
        for currency, value in one.residual.items():
            residual[currency] = residual.get(currency, Decimal()) + value
    return Tally(messages, reminders, residual)
