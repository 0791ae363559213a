"""What was sent, planned by hand and held, as the engine needs it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Max

from relance_addon.core.model import LEFT, Adaptation, Attempt, HandDate, History, Reminder, StepChange, written_address
from relance_addon.journal import holds, models, programs

_STATUS = re.compile(r"(?<![\w.])([245])(?:\.\d{1,3}\.\d{1,3}|\d\d)(?![\w]|\.\d)")
_ENHANCED = re.compile(r"(?<![\w.])[245]\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)")
_ELSEWHERE = re.compile(r"5\.(?:2\.[23]|3\.\d+|7\.\d+)\Z")
_QUERY = """
    SELECT r.invoice, r.day, r.step_name, r.program, r.instalment, r.restart, r.cycle, r.origin, m.message_id,
           m.state, r.failures, m.key
    FROM journal_reminder r JOIN journal_message m ON m.id = r.message_id
    WHERE r.host = %s AND m.state <> 'dropped'
    ORDER BY r.day, r.id
"""


def history(host: str, today: date) -> History:
    """The history of a host as of today."""
    reminders: dict[str, list[Reminder]] = defaultdict(list)
    attempts: dict[str, list[Attempt]] = defaultdict(list)
    in_doubt = set()
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [host])
        for invoice, day, step, program, rank, restart, cycle, origin, mid, state, failures, key in cursor.fetchall():
            if state == "failed":
                attempts[invoice].append(Attempt(cycle, step, failures, key))
                continue
            if state in ("in_doubt", "claimed"):
                in_doubt.add(invoice)
            reminders[invoice].append(Reminder(_day(day), step, program, rank, restart, cycle, origin, mid))
    return with_holds(
        History(
            {invoice: tuple(found) for invoice, found in reminders.items()},
            adaptations(host),
            {invoice: tuple(found) for invoice, found in attempts.items()},
            frozenset(in_doubt),
            client_programs=programs.of_clients(host),
            messaged=_messaged(host),
            bounced=bounced(host),
        ),
        host,
        today,
    )


def with_holds(known: History, host: str, today: date) -> History:
    """The same history with the holds in force now; the very same one where they have not changed."""
    held = holds.in_force(host, today)
    invoices = {one.invoice: one.until or date.max for one in held if one.invoice}
    clients = {one.client: one.until or date.max for one in held if one.client}
    if (known.invoice_holds, known.client_holds) == (invoices, clients):
        return known
    return replace(known, invoice_holds=invoices, client_holds=clients)


def bounced(host: str) -> frozenset[str]:
    """The addresses that bounced for good, not for now and not for what was sent to them."""
    rows = models.Event.objects.filter(message__host=host, event="bounced").values_list(
        "recipient", "detail", "message__to", "message__redirected_to"
    )
    return frozenset(
        address.casefold()
        for recipient, detail, to, redirected in rows
        if not _passing(detail) and not _of_message(detail)
        for address in ([recipient] if recipient else [redirected] if redirected else _emails(to))
    )


def _passing(detail: str) -> bool:
    """Whether the first status in it is 4.x.x or 4xx: further ones are in quoted words of other servers."""
    status = _STATUS.search(detail)
    return status is not None and status[1] == "4"


def _of_message(detail: str) -> bool:
    """Whether the first status in it blames something other than the address.

    RFC 3463, 3: a full mailbox, a message too large, the system, or security and policy (a sender without SPF, say,
    is refused by every address there is).
    """
    status = _ENHANCED.search(detail)
    return status is not None and _ELSEWHERE.match(status[0]) is not None


def _emails(addresses: Iterable[str]) -> list[str]:
    return [written_address(text).email for text in addresses]


def _messaged(host: str) -> dict[str, date]:
    rows: Iterable[Any] = (
        models.Message.objects.filter(host=host, origin="automatic", state__in=LEFT)
        .values_list("client")
        .annotate(last=Max("day"))
    )
    return dict(rows)


def adaptation(host: str, invoice: str) -> Adaptation | None:
    """The hand-made part of one invoice's plan; None where there is none."""
    row = models.Plan.objects.filter(host=host, invoice=invoice).first()
    return _adaptation(row) if row else None


def adaptations(host: str) -> dict[str, Adaptation]:
    """What was made by hand of the plans of a host, and the versions they are pinned to, by invoice id."""
    return {row.invoice: _adaptation(row) for row in models.Plan.objects.filter(host=host)}


def _adaptation(row: models.Plan) -> Adaptation:
    changes = {name: _change(data) for name, data in row.changes.items()}
    return Adaptation(row.program, row.version, row.restart, row.instalment, frozenset(row.dropped), changes)


def _change(data: dict[str, Any]) -> StepChange:
    on = data.get("on")
    issued = data.get("issued")
    return StepChange(
        HandDate(date.fromisoformat(on), date.fromisoformat(issued) if issued else None) if on else None,
        data.get("sender"),
        *(tuple(data[key]) if key in data else None for key in ("to", "cc", "bcc")),
    )


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
