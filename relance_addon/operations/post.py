"""Posting claimed messages, and what became of them: of those just posted, and of those a dead run left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.core.records import Settled, Stored
from relance_addon.hosts.port import BATCH, Connector
from relance_addon.operations.desk import Desk


def deliver(desk: Desk, host: str, connector: Connector, message: Outgoing) -> Settled:
    """Post one claimed message now, and record what became of it."""
    (outcome,) = post(connector, [message])
    settle(desk, host, [outcome])
    for problem in connector.finish():
        desk.report(problem)
    say(desk, [claim.number for claim in message.claims], outcome)
    return outcome


def say(desk: Desk, numbers: Sequence[str], one: Settled) -> None:
    """Report a message that did not go well: one that left may have been refused by some of its recipients."""
    if one.state in ("failed", "in_doubt") or one.error:
        desk.report(f"{', '.join(numbers)}: {one.state}: {one.error} ({one.key})")


def settle(desk: Desk, host: str, outcomes: Sequence[Settled]) -> None:
    """Record what became of messages, and whom our own mail server refused of those that left."""
    from relance_addon.journal import claims, log

    claims.settle(host, outcomes, desk.now())
    refused = desk.mailer.refusals()
    if refused:
        log.record(host, refused)


def post(connector: Connector, messages: Sequence[Outgoing]) -> list[Settled]:
    """Post claimed messages, and wait."""
    return outcomes_of(connector, messages, partial(connector.post, messages))


def outcomes_of(
    connector: Connector, messages: Sequence[Outgoing], posted: Callable[[], Sequence[Posted]]
) -> list[Settled]:
    """What became of messages that ``posted`` tells of.

    Where the call as a whole went wrong, what the host has no mark of is in doubt.
    """
    if not messages:
        return []
    try:
        found = {one.key: one for one in posted()}
    except Exception as error:  # noqa: BLE001 - whatever happened, these messages may have left
        return _after_uncertain_call(connector, messages, error)
    return [
        Settled(*found[message.key])
        if message.key in found
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
                if one.by_hand:
                    _tell(desk, host, one)
            elif one.state == "claimed":
                outcomes.append(Settled(one.mark.key, "in_doubt", "interrupted; the host has no trace of it"))
    if outcomes:
        claims.settle(host, outcomes, desk.now())


def _tell(desk: Desk, host: str, one: Stored) -> None:
    """Say once that something by hand did not leave: no run repeats it by itself, but for a step when that is due."""
    told = f"{', '.join(one.numbers)}: the {one.by_hand} by hand of {one.day} did not leave"
    again = f"'relance doubt {host} --resend {one.mark.key}'"
    if one.by_hand == "step":
        desk.say(f"{told}; the program sends it when it is due, or {again} now")
    else:
        desk.report(f"{told}; send it again, or {again}")


def _proves(connector: Connector, one: Stored) -> bool:
    """Whether the absence of its mark proves that a message never left; a person may have tidied away one in doubt."""
    able = connector.capabilities
    return able.proves_absence and (one.state == "claimed" or not able.removable_marks)
