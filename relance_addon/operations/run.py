"""The automatic run: pull, decide, claim, post, record. Safe to run twice, late, or two at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, NamedTuple

from relance_addon.core.decide import Decision
from relance_addon.core.errors import HostError, InputError, RelanceError
from relance_addon.core.group import Message, Outcome
from relance_addon.core.model import State
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.core.records import Saved, Settled
from relance_addon.hosts.port import BATCH, READ, Connector
from relance_addon.operations import compose, promises, saved, simulate, sync
from relance_addon.operations.ahead import Ahead
from relance_addon.operations.desk import Desk
from relance_addon.operations.memory import paused_collection
from relance_addon.operations.post import outcomes_of, recover, say, settle
from relance_addon.operations.reread import Again, reread

_LANES: Final = 2
"""Batches on their way at the same time, where the host takes them: one is read again while the other is posted."""
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
    """A run: its number, the decisions as they ended by invoice id, a result per message, what broke it off.

    ``simulation`` is the saved one whose messages alone are sent.
    """

    number: int
    state: simulate.State
    decided: dict[str, Decision]
    results: list[Result] = field(default_factory=list)
    broken: RelanceError | None = None
    planned: int = 0
    simulation: int | None = None

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


def run(desk: Desk, host: str, progress: Progress = _quiet, simulation: int | None = None) -> Ran:
    """Send what is due today, or what of it a saved simulation has.

    Raises Busy, InputError or HostError when nothing was sent.
    """
    desk.open_journal()
    from relance_addon.journal import claims, database, hosts, simulations

    with closing(desk.connector(host)) as connector, database.run_lock(host), database.journal_errors():
        sync.refuse_earlier(desk, host)
        approved = None if simulation is None else saved.find(desk, host, simulation)
        recover(desk, host, connector)
        _, owed = sync.pull(desk, host, connector)
        simulate.collect(desk, host, connector)
        with paused_collection():
            state = simulate.load(desk, host, owed)
            if approved is None:
                outcome = simulate.decide(desk, host, state, connector, active=state.activated)
            else:
                state, (outcome, dropped) = saved.narrow(desk, host, connector, state, approved)
        promises.look(desk, host, state.owed, state.clients)
        simulate.pin(host, state, outcome.decisions)
        hosts.ran(host, desk.today)
        decided = {one.invoice.id: one for one in outcome.decisions}
        ran = Ran(claims.begin(host, desk.today, desk.now()), state, decided, planned=len(outcome.messages))
        if approved is not None:
            _take_up(desk, ran, approved, outcome.messages, dropped)
        _send(desk, host, connector, ran, outcome, progress)
        for problem in connector.finish():
            desk.report(problem)
        claims.end(ran.number, desk.now(), Counter(result.state for result in ran.results))
        if approved is not None:
            ran.results.sort(key=lambda result: result.message.number)
            if not state.activated or any(one.reason == "inactive" for one in ran.decisions):
                again = f"simulation {approved.number} can still be run once they are on"
                desk.say(f"automatic reminders are off: {again}")
            elif ran.broken is None:
                simulations.ran(approved.number, ran.number)
        return ran


def _take_up(desk: Desk, ran: Ran, approved: Saved, leaving: Sequence[Message], dropped: Mapping[str, str]) -> None:
    """Number a run's messages as they were approved, and say what of those does not leave."""
    ran.simulation = approved.number
    ran.planned = max((one.number for one in (*approved.messages, *leaving)), default=0)
    if not ran.state.activated:
        return
    numbers = {message.number for message in leaving}
    for message in approved.messages:
        gone = tuple(one for one in message.decisions if one.invoice.id in dropped)
        told = [f"{one.invoice.number}: {dropped[one.invoice.id]}" for one in gone]
        for line in told:
            desk.say(f"changed since simulation {approved.number}: {line}")
        if gone:
            number = ran.spare_number() if message.number in numbers else message.number
            part = message._replace(number=number, decisions=gone)
            ran.results.append(Result(part, "", "dropped", error="; ".join(told)))


class _Flight(NamedTuple):
    """A batch on its way: its place, its messages before and after the second look, what is ready and whose it is.

    ``failed`` could not be composed; ``going`` posts ``mine``, the others.
    """

    place: int
    batch: Sequence[Message]
    again: Again
    ready: Sequence[tuple[Outgoing, str]]
    mine: Sequence[Outgoing]
    failed: Sequence[Settled]
    going: Future[list[Posted]]


def _send(desk: Desk, host: str, connector: Connector, ran: Ran, outcome: Outcome, progress: Progress) -> None:
    """Send batch by batch, as many at a time as the host has lanes. What breaks it off lets go what is on its way."""
    parts = list(batches(outcome.messages))
    lanes = connector.lanes(_LANES) if len(parts) > 1 else 1
    landed: dict[int, list[Result]] = {}
    flying: dict[Future[list[Posted]], _Flight] = {}

    def land(count: int) -> None:
        """Wait until no more than ``count`` batches are on their way."""
        while len(flying) > count:
            for going in wait(flying, return_when=FIRST_COMPLETED).done:
                one = flying.pop(going)
                landed[one.place] = _land(desk, host, connector, ran, one)
                progress(sum(len(parts[place]) for place in landed), len(outcome.messages))

    begun = 0
    with (
        ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool,
        Ahead(lambda message: desk.renderer.render(message, desk.today, {})) as ahead,
    ):
        try:
            for batch, coming in zip_longest(parts, parts[1:], fillvalue=()):
                land(lanes - 1)
                one = _take_off(desk, host, connector, ran, begun, batch, pool, ahead, coming)
                flying[one.going] = one
                begun += 1
        except (HostError, InputError) as error:
            if not begun and isinstance(error, InputError):
                raise
            ran.broken = error
        finally:
            land(0)
            ran.results += [result for place in sorted(landed) for result in landed[place]]
    if ran.broken is not None:
        rest = [message for batch in parts[begun:] for message in batch]
        ran.results += [Result(one, "", "dropped", error=f"not tried: {ran.broken}") for one in rest]


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


def _take_off(
    desk: Desk,
    host: str,
    connector: Connector,
    ran: Ran,
    place: int,
    batch: Sequence[Message],
    pool: Executor,
    ahead: Ahead,
    coming: Sequence[Message],
) -> _Flight:
    """Read again, claim, and begin to post. Meanwhile the texts of those ``coming`` are made ahead."""
    from relance_addon.journal import claims

    again = reread(desk, host, connector, ran.state, batch, approved=ran.simulation is not None)
    ran.decided.update(again.decisions)
    ready = compose.compose(desk, host, connector, ran.state, [message for _, message in again.kept], ahead)
    lost = claims.claim(host, ran.number, [outgoing for outgoing, _ in ready])
    claimed = [(outgoing, error) for outgoing, error in ready if outgoing.key not in lost]
    failed = [Settled(outgoing.key, "failed", error) for outgoing, error in claimed if error]
    mine = [outgoing for outgoing, error in claimed if not error]
    # a batch of which nothing is left is not posted: the host is asked for nothing
    going = pool.submit(connector.post, mine) if mine else pool.submit(list)
    ahead.begin(coming)
    return _Flight(place, batch, again, ready, mine, failed, going)


def _land(desk: Desk, host: str, connector: Connector, ran: Ran, one: _Flight) -> list[Result]:
    """Record what became of a batch. A message that fell apart has a result for each part."""
    outcomes = [*one.failed, *outcomes_of(connector, one.mine, one.going.result)]
    settle(desk, host, outcomes)
    settled = {outcome.key: outcome for outcome in outcomes}
    results = {message.number: [Result(message, "", "dropped", error=why)] for message, why in one.again.dropped}
    for (planned, message), (outgoing, _) in zip(one.again.kept, one.ready, strict=True):
        parts = results.setdefault(planned.number, [])
        number = planned.number if not parts else ran.spare_number()
        became = settled.get(outgoing.key, Settled(outgoing.key, "dropped", "claimed already today"))
        names = [document.name for document in outgoing.attachments]
        parts.append(
            Result(
                message._replace(number=number), became.key, became.state, outgoing.subject, names, became.error
            )
        )  # fmt: skip
    made = [result for message in one.batch for result in results[message.number]]
    for result in made:
        if result.state != "dropped":
            numbers = [decided.invoice.number for decided in result.message.decisions]
            say(desk, numbers, Settled(result.key, result.state, result.error))
    return made
