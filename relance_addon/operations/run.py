"""The automatic run: pull, decide, claim, post, record. Safe to run twice, late, or two at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import zip_longest

from relance_addon.core.decide import Decision
from relance_addon.core.errors import HostError, InputError, RelanceError
from relance_addon.core.group import Message, Outcome
from relance_addon.core.model import State
from relance_addon.core.outgoing import Outgoing
from relance_addon.core.records import Settled, Stored
from relance_addon.hosts.port import BATCH, READ, Connector
from relance_addon.operations import compose, simulate, sync
from relance_addon.operations.ahead import Ahead
from relance_addon.operations.desk import Desk
from relance_addon.operations.memory import paused_collection
from relance_addon.operations.reread import reread

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
    broken: RelanceError | None = None
    planned: int = 0

    @property
    def decisions(self) -> list[Decision]:
        """The decisions as they ended, in order of client id, then invoice id."""
        return list(self.decided.values())

    def spare_number(self) -> int:
        """A number for a message that was not planned."""
        self.planned += 1
        return self.planned


def _quiet(done: int, total: int) -> None:
    """Nobody watches."""


def run(desk: Desk, host: str, progress: Progress = _quiet) -> Ran:
    """Send what is due today. Raises Busy, InputError or HostError when nothing was sent."""
    desk.open_journal()
    from relance_addon.journal import claims, database, hosts

    with closing(desk.connector(host)) as connector, database.run_lock(host), database.journal_errors():
        sync.refuse_earlier(desk, host)
        recover(desk, host, connector)
        _, owed = sync.pull(desk, host, connector)
        simulate.collect(desk, host, connector)
        with paused_collection():
            state = simulate.load(desk, host, owed)
            outcome = simulate.decide(desk, host, state, connector, active=state.activated)
        simulate.pin(host, state, outcome.decisions)
        hosts.ran(host, desk.today)
        decided = {one.invoice.id: one for one in outcome.decisions}
        ran = Ran(claims.begin(host, desk.today, desk.now()), state, decided, planned=len(outcome.messages))
        _send(desk, host, connector, ran, outcome, progress)
        for problem in connector.finish():
            desk.report(problem)
        claims.end(ran.number, desk.now(), Counter(result.state for result in ran.results))
        return ran


def _send(desk: Desk, host: str, connector: Connector, ran: Ran, outcome: Outcome, progress: Progress) -> None:
    done = 0
    parts = list(batches(outcome.messages))
    with Ahead(lambda message: desk.renderer.render(message, desk.today, {})) as ahead:
        for batch, coming in zip_longest(parts, parts[1:], fillvalue=()):
            try:
                ran.results += _post_batch(desk, host, connector, ran, batch, ahead, coming)
            except (HostError, InputError) as error:
                if not done and isinstance(error, InputError):
                    raise
                ran.broken = error
                rest = outcome.messages[done:]
                ran.results += [Result(one, "", "dropped", error=f"not tried: {error}") for one in rest]
                return
            done += len(batch)
            progress(done, len(outcome.messages))


def batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Messages in order, by at most BATCH messages and READ invoices; one with more invoices goes alone."""
    batch: list[Message] = []
    size = 0
    for message in messages:
        if batch and (len(batch) == BATCH or size + len(message.decisions) > READ):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.decisions)
    if batch:
        yield batch


def _post_batch(
    desk: Desk,
    host: str,
    connector: Connector,
    ran: Ran,
    batch: Sequence[Message],
    ahead: Ahead,
    coming: Sequence[Message],
) -> list[Result]:
    """Read again, claim, post, record. A message that fell apart has a result for each part.

    While the host posts these, the texts of those ``coming`` are made ahead.
    """
    from relance_addon.journal import claims

    again = reread(desk, host, connector, ran.state, batch)
    ran.decided.update(again.decisions)
    results = {message.number: [Result(message, "", "dropped", error=why)] for message, why in again.dropped}
    ready = compose.compose(desk, host, connector, ran.state, [message for _, message in again.kept], ahead)
    lost = claims.claim(host, ran.number, [outgoing for outgoing, _ in ready])
    mine = [(outgoing, error) for outgoing, error in ready if outgoing.key not in lost]
    outcomes = [Settled(outgoing.key, "failed", error) for outgoing, error in mine if error]
    ahead.begin(coming)
    outcomes += post(connector, [outgoing for outgoing, error in mine if not error])
    settle(desk, host, outcomes)
    settled = {one.key: one for one in outcomes}
    for (planned, message), (outgoing, _) in zip(again.kept, ready, strict=True):
        parts = results.setdefault(planned.number, [])
        number = planned.number if not parts else ran.spare_number()
        one = settled.get(outgoing.key, Settled(outgoing.key, "dropped", "claimed already today"))
        names = [document.name for document in outgoing.attachments]
        parts.append(Result(message._replace(number=number), one.key, one.state, outgoing.subject, names, one.error))
    made = [result for message in batch for result in results[message.number]]
    for result in made:
        if result.state != "dropped":
            say(desk, [one.invoice.number for one in result.message.decisions], result)
    return made


def say(desk: Desk, numbers: Sequence[str], one: Result | Settled) -> None:
    """Report a message that did not go well: one that left may have been refused by some of its recipients."""
    if one.state in ("failed", "in_doubt") or one.error:
        desk.report(f"{', '.join(numbers)}: {one.state}: {one.error} ({one.key})")


def deliver(desk: Desk, host: str, connector: Connector, message: Outgoing) -> Settled:
    """Post one claimed message now, and record what became of it."""
    (outcome,) = post(connector, [message])
    settle(desk, host, [outcome])
    for problem in connector.finish():
        desk.report(problem)
    say(desk, [claim.number for claim in message.claims], outcome)
    return outcome


def settle(desk: Desk, host: str, outcomes: Sequence[Settled]) -> None:
    """Record what became of messages, and whom our own mail server refused of those that left."""
    from relance_addon.journal import claims, log

    claims.settle(host, outcomes, desk.now())
    refused = desk.mailer.refusals()
    if refused:
        log.record(host, refused)


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
    except Exception:  # noqa: BLE001 - whatever the host answers, nobody knows then
        found = {}
    # A failure that the host tells of may be that of an earlier attempt.
    return [
        Settled(message.key, found[message.key].state)
        if message.key in found and found[message.key].presence == "present" and found[message.key].state != "failed"
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
            if answer is not None and answer.presence == "present" and not (answer.state == "failed" and one.tried):
                outcomes.append(Settled(one.mark.key, answer.state))
            elif answer is not None and answer.presence == "absent" and _proves(connector, one):
                counted = one.state != "claimed"  # a process that died is no attempt that failed
                outcomes.append(Settled(one.mark.key, "failed", "interrupted before it left", counted))
            elif one.state == "claimed":
                outcomes.append(Settled(one.mark.key, "in_doubt", "interrupted; the host has no trace of it"))
    if outcomes:
        claims.settle(host, outcomes, desk.now())


def _proves(connector: Connector, one: Stored) -> bool:
    """Whether the absence of its mark proves that a message never left; a person may have tidied away one in doubt."""
    able = connector.capabilities
    return able.proves_absence and (one.state == "claimed" or not able.removable_marks)
