"""Messages that a person approved: what of them may still leave as it was approved, and why the rest may not."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import NamedTuple

from relance_addon.core.amounts import amount
from relance_addon.core.decide import Decision
from relance_addon.core.group import Message, Outcome
from relance_addon.core.model import History

Only = Container[str] | None
Decide = Callable[[Only], Outcome]
"""``group.decide`` of everything but ``only``."""


class Kept(NamedTuple):
    """What is left of approved messages, and why each invoice (by id) that left them did.

    The outcome's messages are theirs alone. What else is due waits: the run is limited to what was approved.
    """

    outcome: Outcome
    dropped: dict[str, str]


def keep(
    approved: Sequence[Message],
    history: History,
    decide: Decide,
    others: str,
    refused: Mapping[int, str] = MappingProxyType({}),
) -> Kept:
    """Decide anew, and keep of ``approved`` what comes out as it was: step, program, people, language, number, due
    date and amounts.

    ``others`` is said of what is due and was not approved; ``refused`` are the messages (by number) that do not
    leave whatever comes out, and why.
    """
    before = {one.invoice.id: (message, one) for message in approved for one in message.decisions}
    whole, alone = decide(None), {one.invoice.id: one for one in decide(()).decisions}
    dropped = {
        key: why
        for key, (message, one) in before.items()
        if (why := changed(one, alone.get(key), history) or refused.get(message.number, ""))
    }
    while True:
        outcome = decide([key for key in before if key not in dropped])
        others_now = [
            (one.invoice.id, why)
            for message in outcome.messages
            for one in message.decisions
            if (why := differs(before[one.invoice.id][0], message))
        ]
        if not others_now:
            break
        dropped.update(others_now)
    leaving = {one.invoice.id for message in outcome.messages for one in message.decisions}
    decisions = []
    for one, otherwise in zip(outcome.decisions, whole.decisions, strict=True):
        key = one.invoice.id
        if one.reason == "due" and key not in leaving:
            one = otherwise
            if one.reason == "due":
                one = one._replace(reason="limit_reached", detail=dropped.get(key, others))
        if key in before and key not in leaving:
            dropped.setdefault(key, one.reason)
        decisions.append(one)
    return Kept(Outcome(decisions, _numbered(outcome.messages, before)), dropped)


def changed(before: Decision, now: Decision | None, history: History) -> str:
    """What became of one invoice since it was approved that keeps it from leaving; empty for nothing."""
    if now is None:
        return "gone"
    assert before.program is not None
    step = before.program.steps[before.step - 1].name
    sent = [
        one.day for one in history.reminders.get(now.invoice.id, ()) if (one.cycle, one.step) == (before.cycle, step)
    ]
    if sent and now.reason != "in_doubt":
        return f"sent already, on {sent[0]}"
    if now.reason != "due":
        return now.reason
    assert now.program is not None
    facts = (
        ("program", _program(before), _program(now)),
        ("step", f"{before.step} {step}", f"{now.step} {now.program.steps[now.step - 1].name}"),
        ("cycle", before.cycle, now.cycle),
        ("number", before.invoice.number, now.invoice.number),
        ("due date", str(before.due), str(now.due)),
        ("residual", _residual(before), _residual(now)),
    )
    return _first_change(facts)


def differs(before: Message, now: Message) -> str:
    """What of a message's text or people is not as it was approved; empty for nothing."""
    old, new = before.people, now.people
    facts = (
        ("text", f"step {before.step_number}", f"step {now.step_number}"),
        ("language", before.language, now.language),
        ("sender", str(old.sender), str(new.sender)),
        *(
            (name, ", ".join(map(str, was)) or "nobody", ", ".join(map(str, is_now)) or "nobody")
            for name, was, is_now in zip(("to", "cc", "bcc"), old[1:], new[1:], strict=True)
        ),
    )
    return _first_change(facts)


def _first_change(facts: Sequence[tuple[str, str, str]]) -> str:
    return next((f"{name} changed from {was} to {now}" for name, was, now in facts if was != now), "")


def _program(one: Decision) -> str:
    assert one.program is not None
    return f"{one.program.name} version {one.program.version}"


def _residual(one: Decision) -> str:
    return f"{amount(one.residual, one.invoice.currency)} {one.invoice.currency}"


def _numbered(messages: Sequence[Message], before: Mapping[str, tuple[Message, Decision]]) -> list[Message]:
    """Each with the number it was approved under; of one that fell apart, the first part only."""
    free = {message.number for message, _ in before.values()}
    spare = count(max(free, default=0) + 1)
    numbered = []
    for message in messages:
        number = before[message.decisions[0].invoice.id][0].number
        numbered.append(message._replace(number=number if number in free else next(spare)))
        free.discard(number)
    return numbered
