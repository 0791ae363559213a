"""The hand-made part of plans, as the history gives it back."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from relance_addon.core.model import Adaptation, StepChange
from relance_addon.core.schedule import NOTHING
from relance_addon.journal import history, models


def save(host: str, invoice: str, plan: Adaptation, made_from: Adaptation) -> bool:
    """Keep an invoice's adaptation, unless the one that it was ``made_from`` is there no more; whether it was kept.

    One that says nothing leaves no row.
    """
    with transaction.atomic():
        models.Plan.objects.select_for_update().filter(host=host, invoice=invoice).first()
        if (history.adaptation(host, invoice) or NOTHING) != made_from:
            return False
        _save(host, invoice, plan)
        return True


def _save(host: str, invoice: str, plan: Adaptation) -> None:
    if not (plan.program or plan.restart or plan.dropped or plan.changes):
        models.Plan.objects.filter(host=host, invoice=invoice).delete()
        return
    facts = {
        "program": plan.program,
        "version": plan.version,
        "restart": plan.restart,
        "instalment": plan.instalment,
        "dropped": sorted(plan.dropped),
        "changes": {name: _data(change) for name, change in plan.changes.items()},
    }
    models.Plan.objects.update_or_create(host=host, invoice=invoice, defaults=facts)


def _data(change: StepChange) -> dict[str, Any]:
    data: dict[str, Any] = {"sender": change.sender, "to": change.to, "cc": change.cc, "bcc": change.bcc}
    if change.date is not None:
        on, issued = change.date
        data |= {"on": on.isoformat(), "issued": issued.isoformat() if issued else None}
    return {key: value for key, value in data.items() if value is not None}
