"""Records as nested dictionaries, read along dotted paths: one call for each relation, however many records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from relance_addon.connectors.odoo.transport import Transport
from relance_addon.hosts.paths import Tree, tree_of

Record = dict[str, Any]

SETTLED: Final = frozenset(
    {
        "account.incoterms", "account.journal", "account.payment.term", "crm.team", "res.company", "res.country",
        "res.country.state", "res.currency", "res.lang", "res.partner.category", "res.users",
    }
)  # fmt: skip
"""What accounts are set up with: such records are read once in a session."""
_LINES_WITH_NAMES: Final = 16
"""Until this version lines of entries cannot be searched and read without the names of what they lead to."""


class FieldType(NamedTuple):
    """What Odoo says of a field; ``relation`` is the model that it leads to, or empty."""

    type: str
    relation: str


_TEXT: Final = FieldType("char", "")
_EVERYWHERE: Final[Mapping[str, Mapping[str, FieldType]]] = {
    "res.country": {"code": _TEXT},
    "res.currency": {"name": _TEXT},
    "res.partner.category": {"name": _TEXT},
    "res.users": {"name": _TEXT, "email": _TEXT},
}
"""What every Odoo has, and every session would ask for."""


class Schema:
    """What is known of an Odoo for a whole session: the fields of its models, and records that hardly change."""

    def __init__(self, transport: Transport) -> None:
        self.settled: dict[tuple[str, str], dict[int, Record]] = {}
        self._transport = transport
        self._fields: dict[str, dict[str, FieldType | None]] = {
            model: {**fields} for model, fields in _EVERYWHERE.items()
        }

    def existing(self, model: str, paths: Iterable[str]) -> set[str]:
        """Those of the paths that lead somewhere from ``model``."""
        wanted = list(paths)
        tree = tree_of(wanted)
        self.learn(model, tree)
        return {path for path in wanted if self._leads(model, path.split("."))}

    def learn(self, model: str, tree: Tree, by: Transport | None = None) -> None:
        """Ask for the fields of ``tree``, and of the models that it leads to, that are not known yet."""
        known = self._fields.setdefault(model, {})
        unknown = [name for name in tree if name not in known]
        if unknown:
            found = (by or self._transport).call(
                model, "fields_get", allfields=unknown, attributes=["type", "relation"]
            )
            for name in unknown:
                told = found.get(name)
                known[name] = FieldType(told["type"], told.get("relation") or "") if told else None
        for name, below in tree.items():
            field = known[name]
            if below and field is not None and field.relation:
                self.learn(field.relation, below, by)

    def field(self, model: str, name: str) -> FieldType | None:
        """A field that was learnt, or None where there is no such field."""
        return self._fields.get(model, {}).get(name)

    def _leads(self, model: str, parts: Sequence[str]) -> bool:
        field = self.field(model, parts[0])
        if field is None or len(parts) == 1:
            return field is not None
        return bool(field.relation) and self._leads(field.relation, parts[1:])


class Records:
    """Reads records. Related ones are read once and kept: a Records lasts for one reading of the host.

    Those of SETTLED models are kept by the schema, for as long as that lasts.
    """

    def __init__(self, transport: Transport, schema: Schema) -> None:
        self._transport = transport
        self._schema = schema
        self._kept: dict[tuple[str, str], dict[int, Record]] = {}

    def exist(self, model: str, *paths: str) -> bool:
        """Whether all of these paths lead somewhere from ``model``."""
        return len(self._schema.existing(model, paths)) == len(paths)

    def ids(self, model: str, domain: Sequence[Any]) -> list[int]:
        """The ids of the records of ``model`` in ``domain``, in order: the cheapest one for Odoo."""
        found: list[int] = self._transport.call(model, "search", domain=list(domain), order="id")
        return found

    def search(self, model: str, domain: Sequence[Any], paths: Iterable[str], **named: Any) -> list[Record]:
        """The records of ``model`` in ``domain``, with what lies at these (existing) paths."""
        tree = tree_of(paths)
        if not (model == "account.move.line" and self._transport.version <= _LINES_WITH_NAMES):
            named["load"] = ""
        rows: list[Record] = self._transport.call(model, "search_read", domain=list(domain), fields=list(tree), **named)
        return self._nest(model, rows, tree)

    def _nest(self, model: str, rows: list[Record], tree: Tree) -> list[Record]:
        self._schema.learn(model, tree, self._transport)
        for name, below in tree.items():
            field = self._schema.field(model, name)
            if field is None:
                continue
            if field.type != "boolean":
                # Odoo says False for nothing.
                for row in rows:
                    if row[name] is False:
                        row[name] = None
            if field.type == "many2one":
                for row in rows:
                    if isinstance(row[name], list):
                        row[name] = row[name][0]
            if below and field.relation:
                related = self._related(field.relation, below, (row[name] for row in rows))
                for row in rows:
                    row[name] = _join(row[name], related)
        return rows

    def _related(self, model: str, tree: Tree, values: Iterable[Any]) -> Mapping[int, Record]:
        keeper = self._schema.settled if model in SETTLED else self._kept
        kept = keeper.setdefault((model, repr(tree)), {})
        wanted = {one for value in values for one in (value if isinstance(value, list) else [value]) if one}
        unread = sorted(wanted - kept.keys())
        if unread:
            rows = self._transport.call(model, "read", unread, fields=list(tree), load="")
            kept.update((row["id"], row) for row in self._nest(model, rows, tree))
        return kept


def _join(value: Any, related: Mapping[int, Record]) -> Any:
    if isinstance(value, list):
        return [related[one] for one in value if one in related]
    return related.get(value)
