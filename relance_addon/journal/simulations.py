"""Saved simulations: the messages that were decided, kept as they were until somebody runs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from relance_addon.core.decide import Decision
from relance_addon.core.group import Message, People
from relance_addon.core.model import Client, Invoice, written_address
from relance_addon.core.program import Program
from relance_addon.core.records import Saved
from relance_addon.journal import models, programs


def save(host: str, day: date, at: datetime, messages: Sequence[Message], texts: Mapping[int, str]) -> int:
    """Keep the messages of a simulation, and the fingerprints of their texts by message number; its number."""
    rows = [{**_written(message), "text": texts[message.number]} for message in messages]
    content = json.dumps(rows, ensure_ascii=False)
    return int(models.Simulation.objects.create(host=host, day=day, made_at=at, content=content).pk)


def one(number: int) -> Saved | None:
    """A saved simulation, of whatever host; None when there is none of that number."""
    row = models.Simulation.objects.select_related("run").filter(pk=number).first()
    if row is None:
        return None
    ran = (row.run.pk, row.run.started_at) if row.run else (None, None)
    rows = json.loads(row.content)
    texts = {one["number"]: one["text"] for one in rows if "text" in one}
    return Saved(row.pk, row.host, row.day, tuple(_messages(rows)), texts, *ran)


def ran(number: int, run: int) -> None:
    """Record which run sent a simulation."""
    models.Simulation.objects.filter(pk=number).update(run=run)


def _written(message: Message) -> dict[str, Any]:
    return {
        "number": message.number,
        "client": message.client.id,
        "client_name": message.client.name,
        "program": message.program.name,
        "version": message.program.version,
        "step": message.step_number,
        "language": message.language,
        "sender": str(message.people.sender),
        **{name: [str(one) for one in getattr(message.people, name)] for name in ("to", "cc", "bcc")},
        "retry": message.retry,
        "invoices": [_part(one) for one in message.decisions],
    }


def _part(one: Decision) -> dict[str, Any]:
    return {
        "invoice": one.invoice.id,
        "number": one.invoice.number,
        "due": one.due.isoformat() if one.due else None,
        "date": one.date.isoformat() if one.date else None,
        "residual": str(one.residual),
        "currency": one.invoice.currency,
        "step": one.step,
        "cycle": one.cycle,
        "instalment": one.instalment,
    }


def _messages(rows: Sequence[dict[str, Any]]) -> list[Message]:
    wanted = {(row["program"], row["version"]) for row in rows}
    versions = {key: programs.version(*key) for key in wanted}
    return [_message(row, versions[row["program"], row["version"]]) for row in rows]


def _message(row: dict[str, Any], program: Program) -> Message:
    client = Client(row["client"], row["client_name"])
    people = People(
        written_address(row["sender"]), *(tuple(map(written_address, row[name])) for name in ("to", "cc", "bcc"))
    )
    decisions = tuple(_decision(part, client, program) for part in row["invoices"])
    return Message(row["number"], client, program, row["step"], row["language"], people, decisions, row["retry"])


def _decision(part: dict[str, Any], client: Client, program: Program) -> Decision:
    """The decision as it was made; of its invoice, what was approved."""
    due, residual = _day(part["due"]), Decimal(part["residual"])
    invoice = Invoice(
        part["invoice"], part["number"], client.id, "open", due, due, residual, residual, part["currency"]
    )  # fmt: skip
    cycle, instalment = part["cycle"], part["instalment"]
    day = _day(part["date"])
    return Decision(invoice, client, due, residual, "due", program, part["step"], day, cycle, instalment)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
