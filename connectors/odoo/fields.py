"""The mapping bound to one Odoo: which of our fields can be read there, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from relance_addon.connectors.odoo.records import Schema
from relance_addon.core.model import Problem
from relance_addon.hosts import mapping
from relance_addon.hosts.bound import Bound, along, lacking
from relance_addon.hosts.mapping import Source
from relance_addon.hosts.port import Kind

MODELS: Final[Mapping[Kind, str]] = {
    "invoice": "account.move",
    "client": "res.partner",
    "contact": "res.partner",
    "instalment": "account.move.line",
}
_USED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "invoice": (
        "number", "client", "status", "issue_date", "due_date", "total", "residual", "currency", "salesperson",
        "payment_link", "pdf", "program", "hold_until",
    ),
    "client": ("name", "email", "language", "country", "tags", "program", "hold_until"),
    "contact": ("name", "email", "roles"),
    "instalment": ("due_date", "amount", "residual"),
}  # fmt: skip
"""The fields that are taken from the mapping; what else a record of ours has is read in Odoo's own way."""
_REQUIRED: Final[Mapping[Kind, frozenset[str]]] = {
    "invoice": frozenset({"client", "status", "issue_date", "due_date", "total", "residual", "currency"}),
    "client": frozenset({"name"}),
    "contact": frozenset({"email", "roles"}),
    "instalment": frozenset({"due_date", "amount", "residual"}),
}
BLOCKED: Final = ("blocked", "no_followup")
"""The field of a line that takes it out of follow-up: of Odoo 16 and 17, of Odoo 19. Odoo 18 has none."""
_ALWAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "account.move": ("state", "payment_state", "partner_id"),
    "res.partner": ("commercial_partner_id", "active"),
    "account.move.line": (
        "move_id", "partner_id", "currency_id.name", "amount_residual_currency", "date_maturity", "reconciled",
        *BLOCKED,
    ),
    "account.payment": ("invoice_ids", "partner_id", "currency_id.name", "amount"),
}  # fmt: skip
"""What is read whatever the mapping says, by model, where it exists."""


class Sources:
    """The mapping as it is written: shipped, and replaced key by key by the user's."""

    def __init__(self, overrides: Mapping[str, Any], key: str) -> None:
        """``key`` is where the overrides stand. Raises InputError for those that mean nothing here."""
        defaults = mapping.shipped(__package__ or "")
        read = mapping.read(defaults, overrides, key)
        self.key = key
        self.by_kind = mapping.used(read, _USED, key, "Odoo")
        self.own_status = mapping.read(defaults, {})["invoice"]["status"]

    def lacking(self, schema: Schema) -> list[Problem]:
        """The fields that this Odoo cannot fill, with the path that it does not have."""
        wanted = {model: set(paths) for model, paths in _ALWAYS.items()}
        for kind, sources in self.by_kind.items():
            wanted[MODELS[kind]].update(mapping.needed(sources))
        existing = {model: schema.existing(model, paths) for model, paths in wanted.items()}
        return lacking(
            self.by_kind,
            _REQUIRED,
            lambda kind, path: path in existing[MODELS[kind]],
            lambda kind, path: f"Odoo has no {path!r} on {MODELS[kind]}",
            self.key,
        )


class Fields(Bound):
    """The fields of one kind: the paths to read, and each field's value in what was read."""

    def __init__(self, kind: Kind, sources: Mapping[str, Source], schema: Schema) -> None:
        existing = schema.existing(MODELS[kind], mapping.needed(sources))
        self.paths = tuple(sorted(existing))
        super().__init__(along(sources, existing))
