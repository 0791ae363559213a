"""Simulate: pull, and say who would be reminded today, who would not, and why. The run decides by this code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta

from relance_addon.core import group
from relance_addon.core.decide import SETTLED, Decision
from relance_addon.core.errors import InputError
from relance_addon.core.model import Client, History, Invoice, natural
from relance_addon.core.names import pdf_name
from relance_addon.core.program import Book
from relance_addon.core.records import Happened
from relance_addon.core.schedule import NOTHING
from relance_addon.hosts.port import Connector, Kind
from relance_addon.operations import promises, sync
from relance_addon.operations.bounces import bounces
from relance_addon.operations.desk import Desk
from relance_addon.operations.memory import paused_collection


@dataclass(frozen=True, slots=True)
class State:
    """All that a decision is made of, as the journal has it. ``owed`` are the invoices by client, in order of ids."""

    owed: Mapping[str, Sequence[Invoice]]
    clients: Mapping[str, Client]
    book: Book
    history: History
    activated: bool

    @property
    def invoices(self) -> list[Invoice]:
        """All invoices, in order of client id, then invoice id."""
        return [invoice for invoices in self.owed.values() for invoice in invoices]

    def with_clients(self, clients: Iterable[Client]) -> State:
        """The same with these clients as they are now."""
        return replace(self, clients={**self.clients, **{client.id: client for client in clients}})


@dataclass(frozen=True, slots=True)
class Simulation:
    """An outcome with what it was made of, and the subject and attachments' names of each message.

    ``number`` is what it was saved under, None for one that was not.
    """

    state: State
    outcome: group.Outcome
    subjects: Sequence[str]
    attachments: Sequence[Sequence[str]]
    number: int | None = None


def simulate(desk: Desk, host: str, pulls: bool = True, save: bool = False) -> Simulation:
    """Decide for one host today, after a pull unless told otherwise; ``save`` keeps it to be run. Nothing leaves."""
    desk.open_journal()
    from relance_addon.journal import database, simulations
    from relance_addon.mail.fingerprint import fingerprints

    lock = database.run_lock(host) if pulls else nullcontext()
    with closing(desk.connector(host)) as connector, lock, database.journal_errors():
        sync.refuse_earlier(desk, host)
        owed = None
        if pulls:
            _, owed = sync.pull(desk, host, connector)
            collect(desk, host, connector)
        with paused_collection():
            state = load(desk, host, owed)
            outcome = decide(desk, host, state, connector, active=True)
        if pulls:
            promises.look(desk, host, state.owed, state.clients)
            pin(host, state, outcome.decisions)
        subjects, attachments = describe(desk, connector, outcome.messages)
        number = None
        if save:
            texts = fingerprints(desk.renderer, outcome.messages)
            number = simulations.save(host, desk.today, desk.now(), outcome.messages, texts)
        return Simulation(state, outcome, subjects, attachments, number)


def load(desk: Desk, host: str, owed: Sequence[Invoice] | None = None) -> State:
    """The state of a host in the journal; ``owed`` are its invoices where they were just pulled, all of them."""
    from relance_addon.journal import history, hosts, ledger, programs

    by_client = owed_by_client(ledger.invoices(host) if owed is None else owed)
    clients, past = ledger.clients(host), history.history(host, desk.today)
    return State(by_client, clients, programs.book(), past, hosts.state(host).activated)


def owed_by_client(invoices: Iterable[Invoice]) -> dict[str, list[Invoice]]:
    """Invoices by client, in order of client id, then invoice id."""
    found: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        found.setdefault(invoice.client, []).append(invoice)
    return {key: sorted(found[key], key=lambda invoice: natural(invoice.id)) for key in sorted(found, key=natural)}


def decide(desk: Desk, host: str, state: State, connector: Connector, active: bool) -> group.Outcome:
    """Decide, and say what is unusable, failed for good or in doubt."""
    outcome = group.decide(state.invoices, state.clients, state.book, state.history, desk.today, desk.policy, active)
    outcome.decisions[:] = [one for one in outcome.decisions if one.reason not in SETTLED]
    say_problems(desk, host, connector, outcome.decisions)
    return outcome


def say_problems(desk: Desk, host: str, connector: Connector, decisions: Sequence[Decision]) -> None:
    """Say what is unusable, failed for good or in doubt."""
    say_unusable(desk, connector, decisions)
    for one in decisions:
        if one.reason == "failed":
            desk.report(f"{one.invoice.number}: three attempts at step {one.step} failed; it is left to a person")
        elif one.reason == "in_doubt":
            desk.report(f"{one.invoice.number}: in doubt; settle it with 'relance doubt {host}'")


def say_unusable(desk: Desk, connector: Connector, decisions: Sequence[Decision]) -> None:
    """One line per invoice or client that cannot be used; what the pull has said already is not said again."""
    wrong: dict[Kind, dict[str, str]] = {"invoice": {}, "client": {}}
    for one in decisions:
        if one.reason == "invalid":
            own = one.client is None or one.invoice.invalid or (one.invoice.program and not one.client.invalid)
            kind: Kind
            kind, key = ("invoice", one.invoice.id) if own else ("client", one.invoice.client)
            wrong[kind].setdefault(key, one.detail)
    for kind, details in wrong.items():
        places = connector.locate(kind, list(details)) if details else {}
        for key, detail in details.items():
            desk.report(f"{places.get(key, f'{kind} {key}')}: {detail}")


def pin(host: str, state: State, decisions: Sequence[Decision]) -> None:
    """Where a program says so, its invoices keep the version they first met."""
    from relance_addon.journal import programs

    met = {
        one.invoice.id: (one.program.name, one.program.version)
        for one in decisions
        if one.program is not None
        and one.program.pin
        and not state.history.adaptations.get(one.invoice.id, NOTHING).program
    }
    if met:
        programs.pin(host, met, state.history.adaptations)


def collect(desk: Desk, host: str, connector: Connector) -> int:
    """Ask what became of the messages of the 90 days before the host's last run; how many events are new.

    The host is asked where it knows, and our own mailbox about what left by our own SMTP.
    """
    from relance_addon.journal import hosts, log

    own = not connector.capabilities.send_mail and desk.config.file.mail.bounces is not None
    if not (connector.capabilities.events or own):
        return 0
    last = min(desk.today, hosts.state(host).last_run or desk.today)
    marks = log.watched(host, last - timedelta(days=90))
    events: list[Happened] = []
    if connector.capabilities.events:
        events += [Happened(*event) for event in connector.events(marks)]
        for problem in connector.problems:
            desk.report(problem)
    if own:
        events += bounces(desk, marks, last)
    return log.record(host, events) if events else 0


def describe(desk: Desk, connector: Connector, messages: Sequence[group.Message]) -> tuple[list[str], list[list[str]]]:
    """The subject and the attachments' names of each message, as they will leave."""
    links = payment_links(connector, messages)
    subjects, names = [], []
    for message in messages:
        try:
            subjects.append(desk.renderer.subject(message, desk.today, links))
        except InputError as error:
            # in a run this message fails, and the others go
            desk.report(f"{', '.join(one.invoice.number for one in message.decisions)}: {error}")
            subjects.append("")
        names.append(attachment_names(desk, message))
    return subjects, names


def payment_links(connector: Connector, messages: Sequence[group.Message]) -> dict[str, str]:
    """The payment links that the messages need, by invoice id: asked for at once."""
    wanted = [one.invoice for message in messages if message.step.payment_link for one in message.decisions]
    return {**connector.links(wanted)} if wanted else {}


def attachment_names(desk: Desk, message: group.Message) -> list[str]:
    """What will be attached: a PDF named ``invoice?`` only where the host says that it has one."""
    names = []
    for item in message.step.attach:
        for one in message.decisions:
            if item == "invoice" or (item == "invoice?" and one.invoice.pdf):
                names.append(pdf_name(one.invoice.number))
            elif item.startswith("schedule") and (one.invoice.instalments or item == "schedule"):
                names.append(desk.renderer.schedule_name(one, message.language, desk.today))
    return names
