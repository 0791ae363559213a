"""Records as nested dictionaries, read along dotted paths: Tryton follows them itself, in one call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from relance_addon.connectors.tryton.rpc import Rpc
from relance_addon.core.errors import Refused
from relance_addon.hosts.chunks import chunks
from relance_addon.hosts.paths import Tree, tree_of

PAGE: Final = 500
"""How many records a page has: more cost Tryton out of proportion."""

_AGAIN: Final = 2
"""How often what Tryton refuses to read is searched anew."""

Record = dict[str, Any]
Domain = Sequence[Any]


_EVERYWHERE: Final[Mapping[str, Mapping[str, str]]] = {
    "account.invoice": {
        "alternative_payees": "party.party", "company": "company.company", "create_uid": "res.user",
        "currency": "currency.currency", "invoice_address": "party.address", "invoice_date": "",
        "lines_to_pay": "account.move.line", "number": "", "party": "party.party", "payment_lines": "account.move.line",
        "payment_term": "account.invoice.payment_term", "payment_term_date": "", "state": "", "total_amount": "",
    },
    "account.move.line": {
        "amount_second_currency": "", "credit": "", "debit": "", "maturity_date": "",
        "reconciliation": "account.move.reconciliation", "second_currency": "currency.currency",
    },
    "country.country": {"code": ""},
    "currency.currency": {"code": ""},
    "ir.lang": {"code": ""},
    "party.address": {"country": "country.country", "invoice": "", "sequence": ""},
    "party.category": {"name": ""},
    "party.contact_mechanism": {
        "address": "party.address", "invoice": "", "name": "", "party": "party.party", "sequence": "", "value": "",
    },
    "party.party": {
        "addresses": "party.address", "categories": "party.category", "email": "", "lang": "ir.lang", "rec_name": "",
    },
    "res.user": {"email": "", "name": ""},
}  # fmt: skip
"""What every Tryton has, and every session would ask for: fields by model, with the model that each leads to."""


class Records:
    """Reads one Tryton; what its models have is asked once."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._fields: dict[str, dict[str, str | None]] = {model: {**known} for model, known in _EVERYWHERE.items()}
        self._readable: dict[str, bool] = dict.fromkeys(_EVERYWHERE, True)

    def existing(self, model: str, paths: Iterable[str]) -> set[str]:
        """Those of the paths that lead somewhere from ``model``, and that this user may follow."""
        wanted = list(paths)
        self._learn(model, tree_of(wanted))
        return {path for path in wanted if self._leads(model, path.split("."))}

    def search(self, model: str, domain: Domain, paths: Iterable[str], limit: int | None = None) -> list[Record]:
        """The first records in ``domain``, in order of id, with what lies at these (existing) paths."""
        return self._search(model, domain, paths, limit, "ASC")

    def newest(self, model: str, domain: Domain, paths: Iterable[str], limit: int) -> list[Record]:
        """The last records in ``domain``, the newest first."""
        return self._search(model, domain, paths, limit, "DESC")

    def pages(self, model: str, domain: Domain, paths: Iterable[str]) -> Iterator[list[Record]]:
        """All records in ``domain``, by pages in order of id.

        What changes while they are read shifts no page: each begins above the last id of the one before.
        """
        last, size, wanted = 0, PAGE, list(paths)
        while size == PAGE:
            page = self.search(model, [*domain, ["id", ">", last]], wanted, PAGE)
            size = len(page)
            if page:
                last = page[-1]["id"]
                yield page

    def among(
        self, model: str, ids: Collection[int], paths: Iterable[str], domain: Domain = (), column: str = "id"
    ) -> Iterator[Record]:
        """The records in ``domain`` whose ``column`` is one of ``ids``."""
        wanted = list(paths)
        for some in chunks(sorted(ids), PAGE):
            yield from self.search(model, [*domain, [column, "in", some]], wanted)

    def _search(self, model: str, domain: Domain, paths: Iterable[str], limit: int | None, order: str) -> list[Record]:
        fields = ["id", *sorted(set(paths) - {"id"})]
        arguments = (list(domain), 0, limit, [["id", order]], fields)
        rows = self._found(f"model.{model}.search_read", arguments)
        if not isinstance(rows, list):
            raise TypeError(f"{model}.search_read gives no list")
        return [nested(row) for row in rows]

    def _found(self, method: str, arguments: Sequence[Any]) -> Any:
        """Search anew where Tryton refuses: on SQLite what it found may be gone before it is read."""
        for _ in range(_AGAIN):
            with suppress(Refused):
                return self._rpc.read(method, *arguments)
        return self._rpc.read(method, *arguments)

    def _learn(self, model: str, tree: Tree) -> None:
        known = self._fields.setdefault(model, {})
        if any(name not in known for name in tree):
            # Asked for a name that is not there, Tryton fails; without names everything comes.
            found = self._rpc.read(f"model.{model}.fields_get", [])
            known.update((name, one.get("relation") or "") for name, one in found.items())
            known.update((name, None) for name in tree if name not in known)
        for name, below in tree.items():
            relation = known[name]
            if below and relation and self._may_read(relation):
                self._learn(relation, below)

    def _may_read(self, model: str) -> bool:
        if model not in self._readable:
            access = self._rpc.read("model.ir.model.access.get_access", [model])
            self._readable[model] = bool(access[model]["read"])
        return self._readable[model]

    def _leads(self, model: str, parts: Sequence[str]) -> bool:
        relation = self._fields.get(model, {}).get(parts[0])
        if relation is None or len(parts) == 1:
            return relation is not None
        return bool(relation) and self._may_read(relation) and self._leads(relation, parts[1:])


def nested(row: Mapping[str, Any]) -> Record:
    """What Tryton tells as ``{"party": 7, "party.": {…}}``, as ``{"party": {…}}``."""
    made = {name: value for name, value in row.items() if not name.endswith(".")}
    for name, value in row.items():
        if name.endswith("."):
            made[name[:-1]] = (
                [nested(one) for one in value] if isinstance(value, list | tuple) else value and nested(value)
            )
    return made


def id_of(value: Any) -> Any:
    """The id of a record, however much of it was read."""
    return value["id"] if isinstance(value, Mapping) else value
