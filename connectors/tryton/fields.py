"""The mapping bound to one Tryton: what to read there, and the value of each field of ours in what was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from relance_addon.connectors.tryton.records import Records
from relance_addon.core.model import Problem
from relance_addon.hosts import mapping
from relance_addon.hosts.bound import Bound, along, lacking
from relance_addon.hosts.mapping import Source
from relance_addon.hosts.port import Kind

MODELS: Final[Mapping[Kind, str]] = {
    "invoice": "account.invoice",
    "client": "party.party",
    "contact": "party.contact_mechanism",
}
_USED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "invoice": (
        "number", "client", "status", "issue_date", "due_date", "total", "residual", "currency", "salesperson",
        "payment_link", "program", "hold_until",
    ),
    "client": ("name", "email", "language", "country", "tags", "program", "hold_until"),
    "contact": ("name", "email", "roles"),
}  # fmt: skip
"""The fields that are taken from the mapping."""
_REQUIRED: Final[Mapping[Kind, frozenset[str]]] = {
    "invoice": frozenset({"client", "status", "issue_date", "due_date", "total", "residual", "currency"}),
    "client": frozenset({"name"}),
    "contact": frozenset({"email", "roles"}),
}
_MADE: Final[Mapping[Kind, Mapping[str, str]]] = {
    "invoice": {"remain": "", "due": "", "payee": "party", "blocked": ""},
    "client": {"address": "addresses", "exempt": ""},
    "contact": {},
}
"""What a record is given besides by us (see mapping.toml), and the field that it is one of."""
_LINE: Final = (
    "maturity_date", "debit", "credit", "amount_second_currency", "second_currency", "reconciliation",
)  # fmt: skip
_ALWAYS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "invoice": (
        "number", "state", "party", "alternative_payees", "currency", "total_amount", "invoice_address", "payment_term",
        "payment_term_date",
        *(f"lines_to_pay.{name}" for name in _LINE), "lines_to_pay.dunnings.blocked",
        *(f"payment_lines.{name}" for name in _LINE),
    ),
    "client": ("addresses.invoice", "addresses.sequence", "dunning_procedures.dunning_procedure.levels", "rec_name"),
    "contact": ("party", "address", "invoice", "sequence"),
}  # fmt: skip
"""What is read whatever the mapping says, where it exists."""


class Sources:
    """The mapping as it is written: shipped, and replaced key by key by the user's."""

    def __init__(self, overrides: Mapping[str, Any], key: str) -> None:
        """``key`` is where the overrides stand. Raises InputError for those that mean nothing here."""
        defaults = mapping.shipped(__package__ or "")
        self.key = key
        self.by_kind = mapping.used(mapping.read(defaults, overrides, key), _USED, key, "Tryton")
        self.own_status = mapping.read(defaults, {})["invoice"]["status"]

    def lacking(self, records: Records) -> list[Problem]:
        """The fields that this Tryton cannot fill, with the path that it does not have."""
        return lacking(
            self.by_kind,
            _REQUIRED,
            lambda kind, path: _exists(records, kind, path),
            lambda kind, path: f"Tryton has no {path!r} on {MODELS[kind]}",
            self.key,
        )


class Fields(Bound):
    """The fields of one kind: the paths to read, and each field's value in what was read."""

    def __init__(self, kind: Kind, sources: Mapping[str, Source], records: Records) -> None:
        wanted = {path for path in mapping.needed(sources) if _exists(records, kind, path)}
        told = {_told(kind, path) for path in wanted} - {""}
        self.paths = tuple(sorted(told | records.existing(MODELS[kind], _ALWAYS[kind])))
        super().__init__(along(sources, wanted))


def _told(kind: Kind, path: str) -> str:
    """The path of Tryton's own that a path of ours needs; empty where it is worked out of what is read anyway."""
    first, dot, rest = path.partition(".")
    own = _MADE[kind].get(first)
    return path if own is None else f"{own}{dot}{rest}" * bool(own and rest)


def _exists(records: Records, kind: Kind, path: str) -> bool:
    own = _told(kind, path)
    return not own or bool(records.existing(MODELS[kind], [own]))
