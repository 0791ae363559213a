"""Claims: committed before a message leaves, settled after. What no outcome was recorded for is unsettled."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from email import policy
from email.parser import BytesParser
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from relance_addon.core.model import Address, State, written_address
from relance_addon.core.outgoing import Claim, Document, Mark, Outgoing
from relance_addon.core.records import Settled, Stored
from relance_addon.journal import models

UNCERTAIN: tuple[State, ...] = ("claimed", "in_doubt")


def begin(host: str, day: date, at: datetime) -> int:
    """Record that a run begins; its number."""
    return int(models.Run.objects.create(host=host, day=day, started_at=at).pk)


def end(run: int, at: datetime, totals: Mapping[str, Any]) -> None:
    """Record that a run ended, and its totals."""
    models.Run.objects.filter(pk=run).update(ended_at=at, totals=dict(totals))


def claim(host: str, run: int | None, messages: Sequence[Outgoing]) -> set[str]:
    """Commit the claims of a batch, all or none of each message; the keys of those that somebody else has claimed."""
    try:
        with transaction.atomic():
            return _claim(host, run, messages)
    except IntegrityError:
        if len(messages) == 1:
            return {messages[0].key}
        return set().union(*(claim(host, run, [message]) for message in messages))


def _claim(host: str, run: int | None, messages: Sequence[Outgoing]) -> set[str]:
    keys = [one.key for message in messages for one in message.claims]
    before = {
        row.key: row
        for row in models.Reminder.objects.select_related("message").select_for_update().filter(host=host, key__in=keys)
    }
    lost = {
        message.key
        for message in messages
        if any(one.key in before and before[one.key].message.state != "failed" for one in message.claims)
    }
    mine = [message for message in messages if message.key not in lost]
    again = {row.key: row for row in models.Message.objects.filter(host=host, key__in=[one.key for one in mine])}
    rows: dict[str, models.Message] = {}
    for message in mine:
        row = _row(host, run, message)
        if message.key in again:
            row.pk = again[message.key].pk
            row.save(force_update=True)
        rows[message.key] = row
    models.Message.objects.bulk_create([row for row in rows.values() if row.pk is None])
    fresh = []
    for message in mine:
        for one in message.claims:
            if one.key in before:
                models.Reminder.objects.filter(pk=before[one.key].pk).update(
                    message=rows[message.key], **_facts(one, message)
                )
            else:
                fresh.append(models.Reminder(message=rows[message.key], host=host, **_facts(one, message)))
    models.Reminder.objects.bulk_create(fresh)
    _drop_emptied({row.message_id for row in before.values()})
    return lost


def _drop_emptied(messages: Collection[int]) -> None:
    """Failed messages are done with once others have all their claims; one with a claim left still counts for it."""
    models.Message.objects.filter(pk__in=messages, state="failed", reminders=None).update(state="dropped")


def _row(host: str, run: int | None, message: Outgoing) -> models.Message:
    return models.Message(
        host=host,
        key=message.key,
        run_id=run,
        origin=message.origin,
        state="claimed",
        channel=message.channel,
        client=message.client,
        day=message.day,
        sent_at=message.sent_at,
        message_id=message.message_id,
        subject=message.subject,
        sender=str(message.sender),
        to=_texts(message.to),
        cc=_texts(message.cc),
        bcc=_texts(message.bcc),
        redirected_to=message.redirected_to,
        attachments=[_described(one) for one in message.attachments],
        mime=message.mime,
        sha256=sha256(message.mime).hexdigest(),
        reason=message.reason,
        # until an outcome is recorded, nobody can know
        last_event="in_doubt",
        last_event_at=message.sent_at,
    )


def _texts(addresses: Sequence[Address]) -> list[str]:
    return [str(address) for address in addresses]


def _described(document: Document) -> dict[str, Any]:
    return {
        "name": document.name,
        "mime": document.mime,
        "size": len(document.content),
        "sha256": sha256(document.content).hexdigest(),
    }


def _facts(one: Claim, message: Outgoing) -> dict[str, Any]:
    return {**one._asdict(), "residual": str(one.residual), "origin": message.origin, "day": message.day}


def claim_again(host: str, key: str, day: date, at: datetime, reason: str = "") -> bool:
    """Claim a stored message once more, to leave today; false where an invoice of it has a reminder today already.

    ``reason`` says why it leaves in spite of a hold.
    """
    try:
        with transaction.atomic():
            models.Reminder.objects.filter(message__host=host, message__key=key).update(day=day)
            _named(host, [key]).update(
                state="claimed", day=day, sent_at=at, reason=reason, last_event="in_doubt", last_event_at=at
            )
    except IntegrityError:
        return False
    return True


def settle(host: str, outcomes: Sequence[Settled], at: datetime) -> None:
    """Record what became of claimed messages, in one transaction.

    A failure is counted for each of their claims, unless they were made by hand: a run has its attempts to itself.
    """
    with transaction.atomic():
        rows = {row.key: row.pk for row in _named(host, [one.key for one in outcomes]).only("pk", "key")}
        by_outcome: dict[tuple[State, str, bool], list[int]] = {}
        for one in outcomes:
            by_outcome.setdefault((one.state, one.error, one.counted), []).append(rows[one.key])
        for (state, error, counted), ids in by_outcome.items():
            models.Message.objects.filter(pk__in=ids).update(
                state=state, error=error, last_event=state, last_event_at=at
            )
            if state == "failed" and counted:
                models.Reminder.objects.filter(message__in=ids, origin="automatic").update(failures=F("failures") + 1)
        models.Event.objects.bulk_create(
            [models.Event(message_id=rows[one.key], event=one.state, at=at, detail=one.error) for one in outcomes],
            ignore_conflicts=True,
        )


def uncertain(host: str, states: Sequence[State] = UNCERTAIN) -> list[Stored]:
    """The messages that were claimed and whose outcome is not known, the oldest first."""
    rows = models.Message.objects.filter(host=host, state__in=states).defer("mime").order_by("sent_at", "pk")
    return [_stored(row) for row in rows.prefetch_related("reminders", "events")]


def mime(host: str, key: str) -> bytes | None:
    """The exact message; None when there is none of that key."""
    content = _named(host, [key]).values_list("mime", flat=True).first()
    return None if content is None else bytes(content)


def outgoing(host: str, key: str) -> Outgoing:
    """A stored message as it was ready to leave."""
    row = _named(host, [key]).prefetch_related("reminders").get()
    text, html, attachments = _parts(bytes(row.mime))
    return Outgoing(
        row.key,
        tuple(_claim_of(one) for one in row.reminders.all()),
        row.channel,
        row.origin,
        row.client,
        row.message_id,
        row.day,
        row.sent_at,
        written_address(row.sender),
        tuple(map(written_address, row.to)),
        tuple(map(written_address, row.cc)),
        tuple(map(written_address, row.bcc)),
        row.subject,
        text,
        html,
        attachments,
        bytes(row.mime),
        row.redirected_to,
        row.reason,
    )


def _parts(mime: bytes) -> tuple[str, str, tuple[Document, ...]]:
    """The text, the HTML and the attachments of a message as it left."""
    texts, attachments = {"text/plain": "", "text/html": ""}, []
    for part in BytesParser(policy=policy.default).parsebytes(mime).walk():
        kind, content = part.get_content_type(), part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if part.get_content_disposition() == "attachment":
            attachments.append(Document(part.get_filename() or "", kind, content))
        elif kind in texts:
            texts[kind] = content.decode("utf-8", "replace").replace("\r\n", "\n")
    return texts["text/plain"], texts["text/html"], tuple(attachments)


def _claim_of(row: models.Reminder) -> Claim:
    fields = {name: getattr(row, name) for name in Claim._fields}
    return Claim(**{**fields, "residual": Decimal(row.residual)})


def _named(host: str, keys: Sequence[str]) -> Any:
    return models.Message.objects.filter(host=host, key__in=keys)


def _stored(row: models.Message) -> Stored:
    reminders = list(row.reminders.all())
    mark = Mark(row.key, row.message_id, row.channel, tuple(one.invoice for one in reminders))
    name = reminders[0].client_name if reminders else ""
    numbers = tuple(one.number for one in reminders)
    return Stored(
        mark, row.state, row.error, row.day, row.sent_at, row.client, name, numbers, row.subject, tuple(row.to),
        any(one.event == "failed" and not one.reported for one in row.events.all()),
        "" if row.origin == "automatic" else "step" if reminders and reminders[0].step_name else "message",
    )  # fmt: skip
