"""Simulations and runs as plain data: the contract's JSON, and the rows of tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from relance_addon.core.amounts import amount
from relance_addon.core.decide import Decision
from relance_addon.core.group import Message
from relance_addon.operations.desk import Desk
from relance_addon.operations.run import Ran
from relance_addon.operations.simulate import Simulation


def simulation(desk: Desk, host: str, made: Simulation) -> dict[str, Any]:
    """The contract's ``relance.simulation/1``."""
    outcome = made.outcome
    messages = [
        _message(message, subject, names)
        for message, subject, names in zip(outcome.messages, made.subjects, made.attachments, strict=True)
    ]
    return _document(
        "simulation", desk, host, made.state.activated, made.number, outcome.decisions, outcome.messages, messages
    )


def run(desk: Desk, host: str, ran: Ran) -> dict[str, Any]:
    """The contract's ``relance.run/1``."""
    messages = []
    for result in ran.results:
        row = _message(result.message, result.subject, result.attachments)
        row |= {"key": result.key or None, "state": result.state, "error": result.error or None}
        messages.append(row)
    planned = [result.message for result in ran.results]
    document = _document("run", desk, host, ran.state.activated, ran.number, ran.decisions, planned, messages)
    return document if ran.simulation is None else {**document, "simulation": ran.simulation}


def _document(
    kind: str,
    desk: Desk,
    host: str,
    activated: bool,
    number: int | None,
    decisions: Sequence[Decision],
    planned: Sequence[Message],
    messages: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    numbers = {one.invoice.id: message.number for message in planned for one in message.decisions}
    counts = {"send": 0, "wait": 0, "skip": 0}
    residual: dict[str, Decimal] = {}
    rows = []
    for one in decisions:
        verdict = one.verdict
        counts[verdict] += 1
        if verdict == "send":
            currency = one.invoice.currency
            residual[currency] = residual.get(currency, Decimal()) + one.residual
        rows.append(decision(one, desk.today, numbers.get(one.invoice.id) if verdict == "send" else None))
    totals = {
        **counts,
        "messages": len(messages),
        "residual": {key: amount(residual[key], key) for key in sorted(residual)},
    }
    return {
        "schema": f"relance.{kind}/1",
        "host": host,
        "date": desk.today.isoformat(),
        "activated": activated,
        "id": number,
        "decisions": rows,
        "messages": list(messages),
        "totals": totals,
    }


def decision(one: Decision, today: date, message: int | None = None) -> dict[str, Any]:
    """One decision as the contract's JSON has it."""
    invoice, program, due = one.invoice, one.program, one.due
    return {
        "invoice": invoice.id,
        "number": invoice.number,
        "client": invoice.client,
        "client_name": one.client.name if one.client else None,
        "status": invoice.status,
        "due_date": due.isoformat() if due else None,
        "days_late": (today - due).days if due else None,
        "residual": amount(one.residual, invoice.currency),
        "currency": invoice.currency,
        "program": program.name if program else None,
        "version": program.version if program else None,
        "step": one.step or None,
        "step_name": program.steps[one.step - 1].name if program and one.step else None,
        "date": one.date.isoformat() if one.date else None,
        "decision": one.verdict,
        "reason": one.reason,
        "message": message,
    }


def _message(message: Message, subject: str, attachments: Sequence[str]) -> dict[str, Any]:
    people = message.people
    return {
        "message": message.number,
        "client": message.client.id,
        "step": message.step_number,
        "invoices": [one.invoice.id for one in message.decisions],
        "channel": message.step.channel,
        "language": message.language,
        "sender": str(people.sender),
        "to": [str(one) for one in people.to],
        "cc": [str(one) for one in people.cc],
        "bcc": [str(one) for one in people.bcc],
        "subject": subject,
        "attachments": list(attachments),
    }


_CHUNK = 1000


def write(document: Mapping[str, Any]) -> Iterator[str]:
    """The JSON text of a document, one element of its lists a line: quick to write, and to read with line tools."""
    yield "{"
    for index, (key, value) in enumerate(document.items()):
        yield f"{',' if index else ''}\n {json.dumps(key)}: "
        if isinstance(value, list) and value:
            yield "[\n  "
            yield from _joined(value)
            yield "\n ]"
        else:
            yield json.dumps(value, ensure_ascii=False, default=str)
    yield "\n}\n"


def _joined(items: Sequence[Any]) -> Iterator[str]:
    encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
    for start in range(0, len(items), _CHUNK):
        text = encode(items[start : start + _CHUNK])[1:-1]
        if isinstance(items[start], dict) and items[start]:
            # between two items only: within a text, a quotation mark would be escaped
            opening = "{" + json.dumps(next(iter(items[start])), ensure_ascii=False) + ": "
            text = text.replace("}, " + opening, "},\n  " + opening)
        yield f",\n  {text}" if start else text


def items(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``{"schema": "relance.NAME/1", "items": […]}``."""
    return {"schema": f"relance.{name}/1", "items": list(rows)}
