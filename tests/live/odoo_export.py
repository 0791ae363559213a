"""The books of an Odoo, exported by the plainest calls there are."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from .books import bare
from .csvs import write

_TYPES = ["out_invoice", "out_receipt"]


def export(folder: Path) -> None:
    """The books as CSV files, by the plainest calls there are."""
    folder.mkdir(parents=True)
    call = bare()

    def read(model: str, domain: list[Any], fields: list[str]) -> list[dict[str, Any]]:
        known = call(model, "fields_get", fields, attributes=["type"])
        rows: list[dict[str, Any]] = call(
            model, "search_read", domain, [one for one in fields if one in known], context={"active_test": False}
        )
        return [{**dict.fromkeys(fields, False), **row} for row in rows]

    moves = read(
        "account.move",
        [["move_type", "in", _TYPES], ["state", "!=", "cancel"]],
        ["name", "state", "payment_state", "invoice_date", "invoice_date_due", "amount_total", "amount_residual",
         "currency_id", "commercial_partner_id"],
    )  # fmt: skip
    owed = [
        row
        for row in moves
        if row["state"] == "draft"
        or (row["payment_state"] in ("not_paid", "partial", "blocked") and row["amount_residual"] > 0)
    ]
    lines = read(
        "account.move.line",
        [["display_type", "=", "payment_term"], ["move_id", "in", [row["id"] for row in owed]]],
        [
            "move_id",
            "date_maturity",
            "amount_currency",
            "amount_residual_currency",
            "blocked",
            "no_followup",
            "reconciled",
        ],
    )
    terms = defaultdict(list)
    for line in lines:
        terms[line["move_id"][0]].append(line)
    held = {row["id"] for row in owed if _blocked(terms[row["id"]])}
    ids = sorted({row["commercial_partner_id"][0] for row in owed})
    partners = read(
        "res.partner",
        ["|", ["id", "in", ids], ["commercial_partner_id", "in", ids]],
        ["name", "email", "lang", "country_id", "type", "commercial_partner_id", "active"],
    )
    countries = {
        row["id"]: row["code"]
        for row in read(
            "res.country", [["id", "in", [p["country_id"][0] for p in partners if p["country_id"]]]], ["code"]
        )
    }
    credits: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    belongs = {row["id"]: row["commercial_partner_id"][0] for row in partners}
    for line in read(
        "account.move.line",
        [["account_type", "=", "asset_receivable"], ["parent_state", "=", "posted"], ["reconciled", "=", False],
         ["amount_residual_currency", "<", 0], ["partner_id", "in", list(belongs)]],
        ["partner_id", "currency_id", "amount_residual_currency"],
    ):  # fmt: skip
        credits[belongs[line["partner_id"][0]]][line["currency_id"][1]] -= _money(line["amount_residual_currency"])
    write(
        folder / "invoices.csv",
        ("id", "number", "client", "issue_date", "due_date", "total", "residual", "currency", "status", "hold_until"),
        (
            (row["id"], row["name"] if row["name"] not in (False, "/") else "", row["commercial_partner_id"][0],
             row["invoice_date"] or "", row["invoice_date_due"] or "", _money(row["amount_total"]),
             _money(row["amount_residual"]), row["currency_id"][1],
             "draft" if row["state"] == "draft" else "disputed" if row["payment_state"] == "blocked" else "open",
             "always" if row["id"] in held else "")
            for row in owed
        ),
    )  # fmt: skip
    write(
        folder / "instalments.csv",
        ("invoice", "due_date", "amount", "residual"),
        (
            (number, one["date_maturity"], _money(one["amount_currency"]), _money(one["amount_residual_currency"]))
            for number, parts in terms.items()
            if len(parts) > 1
            for one in parts
        ),
    )
    write(
        folder / "clients.csv",
        ("id", "name", "email", "language", "country", "credit"),
        (
            (row["id"], row["name"], row["email"] or "", row["lang"] or "",
             countries.get(row["country_id"][0], "") if row["country_id"] else "",
             "; ".join(f"{amount} {currency}" for currency, amount in credits[row["id"]].items()))
            for row in partners
            if row["id"] in ids
        ),
    )  # fmt: skip
    write(
        folder / "contacts.csv",
        ("client", "name", "email", "roles"),
        (
            (belongs[row["id"]], row["name"] or "", row["email"], "billing" if row["type"] == "invoice" else "")
            for row in partners
            if row["id"] not in ids and row["email"] and row["active"]
        ),
    )


def _blocked(lines: list[dict[str, Any]]) -> bool:
    left = [one for one in lines if not one["reconciled"]]
    return bool(left) and all(one["blocked"] or one["no_followup"] for one in left)


def _money(value: float) -> Decimal:
    return Decimal(repr(round(value, 6)))
