"""The log: every reminder with what became of it, and the events that hosts report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from relance_addon.core.model import ascii_address, written_address
from relance_addon.core.outgoing import Mark
from relance_addon.core.records import SEVERITY, Entry, Exact, Happened
from relance_addon.journal import models

_CHUNK = 500
_GOOD = SEVERITY[:5]
_NEWS = ("delivered", "opened", "clicked", "complained", "bounced")


def entries(
    host: str, search: str = "", event: str = "", since: date | None = None, invoice: str = "", message: str = ""
) -> list[Entry]:
    """Reminders, the newest first. ``search`` looks in numbers, client names, recipients' names and addresses."""
    rows = models.Reminder.objects.filter(host=host).exclude(message__state="dropped").select_related("message")
    rows = rows.defer("message__mime")
    if event:
        rows = rows.filter(message__last_event=event)
    if since:
        rows = rows.filter(message__day__gte=since)
    if invoice:
        rows = rows.filter(Q(invoice=invoice.removeprefix("id:")) if invoice.startswith("id:") else Q(number=invoice))
    if message:
        rows = rows.filter(message__key=message)
    found = [_entry(row) for row in rows.order_by("-message__sent_at", "-message_id", "pk")]
    wanted = search.casefold()
    return [one for one in found if wanted in _searched(one)] if wanted else found


def exact(host: str, keys: Sequence[str]) -> dict[str, Exact]:
    """Messages as they left and what became of them, by key."""
    rows = models.Message.objects.filter(host=host, key__in=keys).prefetch_related("reminders", "events")
    return {
        row.key: Exact(
            bytes(row.mime),
            row.sha256,
            row.attachments,
            [
                Happened(row.message_id, one.event, one.at, one.recipient, one.detail)
                for one in sorted(row.events.all(), key=lambda one: (one.at, one.pk))
            ],
            {one.invoice: (Decimal(one.residual), one.currency) for one in row.reminders.all()},
            row.reason,
        )
        for row in rows
    }


def _searched(one: Entry) -> str:
    people = (*one.to, *one.cc, *one.bcc, one.redirected_to)
    return "\n".join((one.number, one.client_name, *people)).casefold()


def _entry(row: models.Reminder) -> Entry:
    message = row.message
    return Entry(
        row.key,
        message.key,
        message.message_id,
        row.invoice,
        row.number,
        row.client,
        row.client_name,
        row.program or None,
        row.step or None,
        row.step_name or None,
        row.origin,
        message.channel,
        message.day,
        message.sent_at,
        message.subject,
        message.sender,
        message.to,
        message.cc,
        message.bcc,
        message.redirected_to,
        message.last_event,
        message.last_event_at,
        message.error,
        message.reason,
    )


def watched(host: str, since: date) -> list[Mark]:
    """The messages that left and whose fate may still change: those dated ``since`` or later."""
    rows = models.Message.objects.filter(host=host, day__gte=since, state__in=("sent", "queued", "in_doubt"))
    return [
        Mark(row.key, row.message_id, row.channel, tuple(one.invoice for one in row.reminders.all()))
        for row in rows.defer("mime").prefetch_related("reminders")
    ]


def record(host: str, events: Sequence[Happened]) -> int:
    """Add what hosts report, each event once; how many are new. A queued message that went is sent."""
    messages = _messages(host, sorted({event.message_id for event in events}))
    before: set[tuple[Any, ...]] = set()
    ids = [message.pk for message in messages.values()]
    for start in range(0, len(ids), _CHUNK):
        rows = models.Event.objects.filter(message__in=ids[start : start + _CHUNK], reported=True)
        before.update(rows.values_list("message_id", "event", "at", "recipient"))
    fresh: dict[tuple[Any, ...], models.Event] = {}
    for event in events:
        message = messages.get(event.message_id)
        recipient = _addresses(message).get(_same(event.recipient)) if message and event.recipient else ""
        # What an earlier attempt met at an address that has been corrected since says nothing of this one.
        if message is not None and recipient is not None:
            row = models.Event(
                message=message, event=event.event, at=event.at, recipient=recipient, detail=event.detail, reported=True
            )
            fresh.setdefault((message.pk, row.event, row.at, row.recipient), row)
    new = [row for key, row in fresh.items() if key not in before]
    with transaction.atomic():
        models.Event.objects.bulk_create(new, ignore_conflicts=True)
        for message in {row.message_id: row.message for row in new}.values():
            _summarise(message)
    return len(new)


def _messages(host: str, message_ids: Sequence[str]) -> dict[str, models.Message]:
    found: dict[str, models.Message] = {}
    for start in range(0, len(message_ids), _CHUNK):
        rows = models.Message.objects.filter(host=host, message_id__in=message_ids[start : start + _CHUNK])
        found.update((row.message_id, row) for row in rows.exclude(state="dropped").defer("mime"))
    return found


def _summarise(message: models.Message) -> None:
    """The last event of a message: the worst of the last ones of its recipients.

    What the host reports comes after our own outcome, whatever their clocks say; news of a message proves that it left.
    """
    latest: dict[str, models.Event] = {}
    left = False
    for event in message.events.filter(reported=True).order_by("at", "pk"):
        latest[event.recipient] = event
        left = left or event.event in _NEWS
    state = "sent" if left and message.state in ("queued", "in_doubt") else message.state
    last = [event for recipient, event in latest.items() if recipient]
    if len(last) < _recipients(message):
        own = message.events.filter(reported=False).order_by("at", "pk").last()
        at = own.at if own else message.sent_at
        last.append(latest.get("") or models.Event(event=state, at=at))
    worst = max(last, key=lambda event: (SEVERITY.index(event.event) if event.event not in _GOOD else -1, event.at))
    if all(event.event in _GOOD for event in last):
        worst = min(last, key=lambda event: SEVERITY.index(event.event))
    if state == "queued" and worst.event == "sent":
        state = "sent"
    models.Message.objects.filter(pk=message.pk).update(last_event=worst.event, last_event_at=worst.at, state=state)


def _addresses(message: models.Message) -> dict[str, str]:
    """The addresses it went to, as it spells them: others write them in lower case, or domains without accents."""
    people = [message.redirected_to] if message.redirected_to else [*message.to, *message.cc, *message.bcc]
    return {_same(email): email for email in (written_address(one).email for one in people)}


def _same(email: str) -> str:
    try:
        return ascii_address(email).casefold()
    except ValueError:
        return email.casefold()


def _recipients(message: models.Message) -> int:
    return 1 if message.redirected_to else len(message.to) + len(message.cc) + len(message.bcc)
