"""The books of a Dolibarr, exported by the plainest calls there are: one for each invoice, client and contact."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .books import rest
from .csvs import write

_ZONE = ZoneInfo("Europe/Paris")
_CENT = Decimal("0.01")


def export(folder: Path) -> None:
    """The books as CSV files."""
    folder.mkdir(parents=True)
    call = rest()
    everything = call("invoices", limit=0, properties="id,statut,type")
    moves = [call(f"invoices/{row['id']}") for row in everything if row["statut"] in ("0", "1")]
    listed = {row["id"]: row["contacts_ids"] or [] for row in call("invoices", limit=0, properties="id,contacts_ids")}
    owed = [row for row in moves if row["type"] in ("0", "1", "3", "5") and _owed(row) > 0]
    parties = {number: call(f"thirdparties/{number}") for number in sorted({int(row["socid"]) for row in owed})}
    people = [row for row in call("contacts", limit=0, includeroles=1) if row["statut"] == "1" and row["email"]]
    by_id = {row["id"]: row for row in people}
    credits: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in moves:
        if row["type"] == "2" and row["statut"] == "1" and _remain(row) < 0:
            credits[row["socid"]][row["multicurrency_code"] or "EUR"] -= _owed(row)
    for number, party in parties.items():
        left = Decimal(str(party["absolute_discount"] or 0)) + Decimal(str(party["absolute_creditnote"] or 0))
        if left:
            credits[str(number)]["EUR"] += left
    write(
        folder / "invoices.csv",
        ("id", "number", "client", "issue_date", "due_date", "total", "residual", "currency", "status"),
        (
            (row["id"], row["ref"], row["socid"], _day(row["date"]), _day(row["date_lim_reglement"]), _total(row),
             _owed(row), row["multicurrency_code"] or "EUR", "draft" if row["statut"] == "0" else "open")
            for row in owed
        ),
    )  # fmt: skip
    write(
        folder / "clients.csv",
        ("id", "name", "email", "language", "country", "credit"),
        (
            (number, row["name"], row["email"] or "", row["default_lang"] or "", row["country_code"] or "",
             "; ".join(f"{amount} {currency}" for currency, amount in credits[str(number)].items()))
            for number, row in parties.items()
        ),
    )  # fmt: skip
    named = {(row["socid"], one) for row in owed for one in listed[row["id"]] if str(one) in by_id}
    write(
        folder / "contacts.csv",
        ("client", "name", "email", "roles"),
        (
            (row["socid"], f"{row['firstname']} {row['lastname']}", row["email"],
             "billing" if _bills(row) or any(str(one) == row["id"] for _, one in named) else "")
            for row in people
        ),
    )  # fmt: skip


def _remain(row: dict[str, Any]) -> Decimal:
    return Decimal(str(row["remaintopay"] or 0))


def _total(row: dict[str, Any]) -> Decimal:
    own = row["multicurrency_total_ttc"] if Decimal(row["multicurrency_tx"] or 1) != 1 else row["total_ttc"]
    return Decimal(own).quantize(_CENT)


def _owed(row: dict[str, Any]) -> Decimal:
    paid = Decimal(row["total_ttc"]) - _remain(row)
    if not _remain(row):
        return Decimal()
    return _total(row) - (paid * Decimal(row["multicurrency_tx"] or 1)).quantize(_CENT)


def _bills(row: dict[str, Any]) -> bool:
    roles = row["roles"].values() if isinstance(row["roles"], dict) else ()
    return any(one["code"] == "BILLING" and one["element"] == "facture" for one in roles)


def _day(seconds: Any) -> str:
    return datetime.fromtimestamp(int(seconds), _ZONE).date().isoformat() if re.fullmatch(r"\d+", str(seconds)) else ""
