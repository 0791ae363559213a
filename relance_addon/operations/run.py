"""The automatic run: pull, decide, claim, post, record. Safe to run twice, late, or two at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from relance_addon.core import group
from relance_addon.core.decide import Decision, Policy
from relance_addon.core.errors import HostError
from relance_addon.core.group import Message, Outcome
from relance_addon.core.model import Client, Invoice, State
from relance_addon.core.outgoing import Outgoing
from relance_addon.core.records import Settled
from relance_addon.hosts.port import BATCH, Connector, Page
from relance_addon.operations import compose, simulate, sync
from relance_addon.operations.desk import Desk
from relance_addon.operations.memory import paused_collection

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a message: ``dropped`` means that it changed on the host and was never claimed."""

    message: Message
    key: str
    state: State
    subject: str = ""
    attachments: Sequence[str] = ()
    error: str = ""


@dataclass(slots=True)
class Ran:
    """A run: its number, the decisions as they ended by invoice id, a result per message, what broke it off."""

    number: int
    state: simulate.State
    decided: dict[str, Decision]
    results: list[Result] = field(default_factory=list)
    broken: HostError | None = None

    @property
    def decisions(self) -> list[Decision]:
        """The decisions as they ended, in order of client id, then invoice id."""
        return list(self.decided.values())


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""


def run(desk: Desk, host: str, progress: Progress = _quiet) -> Ran:
    """Send what is due today. Raises Busy, InputError or HostError when nothing was sent."""
    desk.open_journal()
    from relance_addon.journal import claims, database, hosts

    with closing(desk.connector(host)) as connector, database.run_lock(host), database.journal_errors():
        sync.refuse_earlier(desk, host)
        recover(desk, host, connector)
        sync.pull(desk, host, connector)
        simulate.collect(desk, host, connector)
        with paused_collection():
            state = simulate.load(desk, host)
            outcome = simulate.decide(desk, host, state, connector, active=state.activated)
        simulate.pin(host, state, outcome.decisions)
        hosts.ran(host, desk.today)
        decided = {one.invoice.id: one for one in outcome.decisions}
        ran = Ran(claims.begin(host, desk.today, desk.now()), state, decided)
        _send(desk, host, connector, ran, outcome, progress)
        claims.end(ran.number, desk.now(), Counter(result.state for result in ran.results))
        return ran


def _send(desk: Desk, host: str, connector: Connector, ran: Ran, outcome: Outcome, progress: Progress) -> None:
    done = 0
    for batch in batches(outcome.messages):
        try:
            ran.results += _post_batch(desk, host, connector, ran, batch)
        except HostError as error:
            ran.broken = error
            rest = outcome.messages[done:]
            ran.results += [Result(one, "", "dropped", error=f"not tried: {error}") for one in rest]
            return
        done += len(batch)
        progress(done, len(outcome.messages))


def batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages in order, by at most BATCH messages or invoices; one with more invoices goes alone."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        if batch and (size + len(message.decisions) > BATCH):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.decisions)
    if batch:
        yield batch


def _post_batch(desk: Desk, host: str, connector: Connector, ran: Ran, batch: Sequence[Message]) -> list[Result]:
    """Read again, claim, post, record."""
    from relance_addon.journal import claims

    kept, results = reread(desk, connector, ran, batch)
    ready = compose.compose(desk, host, connector, ran.state, [message for _, message in kept])
    lost = claims.claim(host, ran.number, [outgoing for outgoing, _ in ready])
    mine = [
        (number, message, outgoing, error)
        for (number, message), (outgoing, error) in zip(kept, ready, strict=True)
        if outgoing.key not in lost
    ]
    outcomes = [Settled(outgoing.key, "failed", error) for *_, outgoing, error in mine if error]
    outcomes += post(connector, [outgoing for *_, outgoing, error in mine if not error])
    claims.settle(host, outcomes, desk.now())
    settled = {one.key: one for one in outcomes}
    for (number, message), (outgoing, _) in zip(kept, ready, strict=True):
        if outgoing.key in lost:
            results[number] = Result(message, outgoing.key, "dropped", outgoing.subject, error="already claimed")
            continue
        one = settled[outgoing.key]
        names = [document.name for document in outgoing.attachments]
        results[number] = Result(message, one.key, one.state, outgoing.subject, names, one.error)
    for result in results.values():
        if result.state in ("failed", "in_doubt"):
            numbers = ", ".join(one.invoice.number for one in result.message.decisions)
            desk.report(f"{numbers}: {result.state}: {result.error} ({result.key})")
    return [results[message.number] for message in batch]


def post(connector: Connector, messages: Sequence[Outgoing]) -> list[Settled]:
    """Post claimed messages. Where the call as a whole goes wrong, what the host has no mark of is in doubt."""
    if not messages:
        return []
    try:
        posted = {one.key: one for one in connector.post(messages)}
    except Exception as error:  # noqa: BLE001 - whatever happened, these messages may have left
        return _after_uncertain_call(connector, messages, error)
    return [
        Settled(*posted[message.key])
        if message.key in posted
        else Settled(message.key, "in_doubt", "the host gave no answer for it")
        for message in messages
    ]


def _after_uncertain_call(connector: Connector, messages: Sequence[Outgoing], error: Exception) -> list[Settled]:
    try:
        found = connector.find([message.mark for message in messages])
    except HostError:
        found = {}
    return [
        Settled(message.key, found[message.key].state)
        if message.key in found and found[message.key].presence == "present"
        else Settled(message.key, "in_doubt", f"{type(error).__name__}: {error}")
        for message in messages
    ]


def recover(desk: Desk, host: str, connector: Connector) -> None:
    """Ask the host for the messages whose outcome is not known, those of a run that died among them.

    A mark found means that it left. One that is proved absent never did: it failed, and is tried again. What cannot
    be known is in doubt, and left to a person.
    """
    from relance_addon.journal import claims

    unknown = claims.uncertain(host)
    outcomes = []
    for start in range(0, len(unknown), BATCH):
        some = unknown[start : start + BATCH]
        found = connector.find([one.mark for one in some])
        for one in some:
            answer = found.get(one.mark.key)
            if answer is not None and answer.presence == "present":
                outcomes.append(Settled(one.mark.key, answer.state))
            elif answer is not None and answer.presence == "absent" and connector.capabilities.proves_absence:
                counted = one.state != "claimed"  # a process that died is no attempt that failed
                outcomes.append(Settled(one.mark.key, "failed", "interrupted before it left", counted))
            elif one.state == "claimed":
                outcomes.append(Settled(one.mark.key, "in_doubt", "interrupted; the host has no trace of it"))
    if outcomes:
        claims.settle(host, outcomes, desk.now())


def reread(
    desk: Desk, connector: Connector, ran: Ran, batch: Sequence[Message]
) -> tuple[list[tuple[int, Message]], dict[int, Result]]:
    """Read a batch's invoices again; the messages still to send, by number, and the results of those dropped.

    What is no longer due leaves its message; the run's decisions are brought up to date.
    """
    ids = [one.invoice.id for message in batch for one in message.decisions]
    page = _read(connector, ids, desk)
    fresh = {invoice.id: invoice for invoice in page.invoices}
    clients = {client.id: client for client in page.clients}
    kept, dropped = [], {}
    for message in batch:
        if _unchanged(ran.state, message, fresh, clients):
            kept.append((message.number, message))
            continue
        now, why = _reconsider(desk, ran, message, fresh, clients)
        if now is None:
            dropped[message.number] = Result(message, "", "dropped", error=why)
        else:
            kept.append((message.number, now))
        if why:
            desk.say(f"changed on the host: {why}")
    return kept, dropped


def _read(connector: Connector, ids: Sequence[str], desk: Desk) -> Page:
    pages = [connector.read(ids[start : start + BATCH], desk.today) for start in range(0, len(ids), BATCH)]
    return Page(
        [invoice for page in pages for invoice in page.invoices], [client for page in pages for client in page.clients]
    )


def _unchanged(
    state: simulate.State, message: Message, fresh: Mapping[str, Invoice], clients: Mapping[str, Client]
) -> bool:
    client = message.client
    return clients.get(client.id, client) == client and all(
        fresh.get(one.invoice.id) == one.invoice for one in message.decisions
    )


def _reconsider(
    desk: Desk, ran: Ran, message: Message, fresh: Mapping[str, Invoice], clients: Mapping[str, Client]
) -> tuple[Message | None, str]:
    """Decide again for the message's client with what the host says now; what is left of the message, and why."""
    state, client = ran.state, message.client.id
    mine = {one.invoice.id for one in message.decisions}
    invoices = [
        fresh.get(one.id) or (replace(one, status="cancelled") if one.id in mine else one) for one in state.owed[client]
    ]
    policy: Policy = replace(desk.policy, per_run=None)
    known = {**state.clients, **clients}
    again = group.decide(invoices, known, state.book, state.history, desk.today, policy)
    before = {one.invoice.id: one for one in message.decisions}
    now = {one.invoice.id: one for one in again.decisions if one.invoice.id in mine}
    same = {key for key, one in now.items() if one.verdict == "send" and _same_step(one, before[key])}
    gone = [f"{before[key].invoice.number}: {_words(now.get(key))}" for key in before if key not in same]
    rest = next((one for one in again.messages if any(part.invoice.id in same for part in one.decisions)), None)
    ran.decided.update(now)
    if rest is None:
        return None, "; ".join(gone) or "its recipients changed"
    kept = tuple(one for one in rest.decisions if one.invoice.id in same)
    apart = same.difference(one.invoice.id for one in kept)
    gone += [f"{before[key].invoice.number}: goes with the next run, apart" for key in before if key in apart]
    return rest._replace(number=message.number, decisions=kept, retry=message.retry), "; ".join(gone)


def _same_step(one: Decision, other: Decision) -> bool:
    return (one.program, one.step, one.cycle) == (other.program, other.step, other.cycle)


def _words(one: Decision | None) -> str:
    return one.reason if one is not None else "no longer there"
