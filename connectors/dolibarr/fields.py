"""The mapping bound to Dolibarr: what to ask its lists for, and the value of each field of ours in what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from relance_addon.hosts import mapping
from relance_addon.hosts.bound import Bound
from relance_addon.hosts.mapping import Source
from relance_addon.hosts.port import Kind

USED: Final[Mapping[Kind, tuple[str, ...]]] = {
    "invoice": (
        "number", "client", "status", "issue_date", "due_date", "total", "residual", "currency", "salesperson",
        "payment_link", "pdf", "program", "hold_until",
    ),
    "client": ("name", "email", "language", "country", "tags", "program", "hold_until"),
    "contact": ("name", "email", "roles"),
}  # fmt: skip
"""The fields that are taken from the mapping."""
_READ: Final[Mapping[Kind, tuple[str, ...]]] = {
    "invoice": (
        "id", "ref", "socid", "type", "statut", "paye", "close_code", "total_ttc", "remaintopay", "multicurrency_code",
        "multicurrency_tx", "multicurrency_total_ttc", "contacts_ids", "fk_user_author", "online_payment_url",
    ),
    "client": ("id", "name", "code_client"),
    "contact": ("id", "socid", "statut", "roles"),
}  # fmt: skip
"""What is read whatever the mapping says."""
MADE: Final[Mapping[Kind, frozenset[str]]] = {
    "invoice": frozenset({"state", "amount", "remain", "currency", "author"}),
    "client": frozenset({"categories"}),
    "contact": frozenset({"default_roles"}),
}
"""What a record is given besides by us: see mapping.toml."""


class Fields(Bound):
    """The fields of one kind."""

    def __init__(self, kind: Kind, sources: Mapping[str, Source]) -> None:
        self.kind = kind
        self.sources = sources
        super().__init__(mapping.records(sources))

    @property
    def properties(self) -> str:
        """The names of what is to be read, as the lists of Dolibarr 17 and after want them; 16 gives everything."""
        first = (path.partition(".")[0] for path in mapping.needed(self.sources))
        wanted = dict.fromkeys((*_READ[self.kind], *first))
        return ",".join(name for name in wanted if name not in MADE[self.kind])

    def value(self, field: str, record: Mapping[str, Any]) -> Any:
        """The value of a field of ours; None for nothing, which Dolibarr also writes as empty text or list."""
        found = super().value(field, record)
        return None if found in ("", []) else found

    def unseen(self, records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """The fields that the user mapped to a path that none of these whole records has, with that path."""
        return {
            field: path
            for field, source in self.sources.items()
            if source.given
            for path in source.paths
            if not any(_leads(record, path.split(".")) for record in records)
        }


def read(overrides: Mapping[str, Any], key: str) -> dict[Kind, Fields]:
    """The fields of every kind that Dolibarr has; ``key`` is where the overrides stand. Raises InputError."""
    sources = mapping.used(mapping.read(mapping.shipped(__package__ or ""), overrides, key), USED, key, "Dolibarr")
    return {kind: Fields(kind, fields) for kind, fields in sources.items()}


def _leads(record: Any, parts: Sequence[str]) -> bool:
    if not parts:
        return True
    return isinstance(record, Mapping) and parts[0] in record and _leads(record[parts[0]], parts[1:])
