"""The books of a Tryton, exported by the plainest calls there are: no dotted path, and Tryton's own amounts to pay."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from .books import tryton
from .csvs import write

Row = dict[str, Any]


def export(folder: Path) -> None:
    """The books as CSV files."""
    folder.mkdir(parents=True)
    client = tryton()

    def read(model: str, fields: list[str], *domain: list[Any]) -> dict[int, Row]:
        if not client.call("model.ir.model.access.get_access", [model])[model]["read"]:
            return {}
        return {row["id"]: row for row in client.rows(model, fields, *domain)}

    codes = {number: row["code"] for number, row in read("currency.currency", ["code"]).items()}
    moves = read(
        "account.invoice",
        [
            "number",
            "state",
            "invoice_date",
            "total_amount",
            "amount_to_pay",
            "currency",
            "party",
            "lines_to_pay",
            "payment_term",
            "payment_term_date",
        ],
        ["type", "=", "out"],
        ["state", "in", ["draft", "validated", "posted"]],
    )
    for row in moves.values():
        row["residual"] = row["amount_to_pay"] if row["state"] == "posted" else row["total_amount"]
    owed = [row for row in moves.values() if row["residual"] > 0]
    lines = read(
        "account.move.line",
        ["maturity_date", "debit", "credit", "amount_second_currency", "second_currency", "reconciliation"],
        ["id", "in", [line for row in owed for line in row["lines_to_pay"]]],
    )
    blocked = {row["line"] for row in read("account.dunning", ["line"], ["blocked", "=", True]).values()}
    for row in owed:
        row["parts"] = sorted((lines[one] for one in row["lines_to_pay"]), key=lambda one: one["maturity_date"])
    procedures = {one for one, row in read("account.dunning.procedure", ["levels"]).items() if not row["levels"]}
    parties = read(
        "party.party",
        ["name", "lang", *["dunning_procedure"] * bool(procedures)],
        ["id", "in", [row["party"] for row in owed]],
    )
    languages = {number: row["code"] for number, row in read("ir.lang", ["code"]).items()}
    countries = {number: row["code"] for number, row in read("country.country", ["code"]).items()}
    homes = {
        row["party"]: countries.get(row["country"], "") for row in read("party.address", ["party", "country"]).values()
    }
    people = read("party.contact_mechanism", ["party", "name", "value", "invoice"], ["type", "=", "email"])
    first: dict[int, str] = {}
    for row in people.values():
        first.setdefault(row["party"], row["value"])
    credits = _credits(client, codes)
    write(
        folder / "invoices.csv",
        ("id", "number", "client", "issue_date", "due_date", "total", "residual", "currency", "status", "hold_until"),
        (
            (row["id"], row["number"] or "", row["party"], row["invoice_date"] or "",
             row["parts"][-1]["maturity_date"] if row["parts"] else _undated(row), row["total_amount"], row["residual"],
             codes[row["currency"]], "open" if row["state"] == "posted" else "draft",
             "always" if any(one["id"] in blocked and not one["reconciliation"] for one in row["parts"]) else "")
            for row in owed
        ),
    )  # fmt: skip
    write(
        folder / "instalments.csv",
        ("invoice", "due_date", "amount", "residual"),
        (part for row in owed if len(row["parts"]) > 1 for part in _instalments(row)),
    )
    write(
        folder / "clients.csv",
        ("id", "name", "email", "language", "country", "hold_until", "credit"),
        (
            (number, row["name"], first.get(number, ""), languages.get(row["lang"], ""), homes.get(number, ""),
             "always" if row.get("dunning_procedure") in procedures else "",
             "; ".join(f"{amount} {currency}" for currency, amount in credits[number].items()))
            for number, row in parties.items()
        ),
    )  # fmt: skip
    write(
        folder / "contacts.csv",
        ("client", "name", "email", "roles"),
        (
            (row["party"], row["name"] or "", row["value"], "billing" if row["invoice"] else "")
            for row in people.values()
            if row["party"] in parties
        ),
    )


def _undated(row: Row) -> Any:
    """When a draft will be due: known unless a payment term makes it."""
    return (None if row["payment_term"] else row["payment_term_date"]) or ""


def _instalments(row: Row) -> list[tuple[Any, ...]]:
    """What was paid counts for the earliest ones first: Tryton ties it to the invoice alone."""
    open_ = sum((_amount(one) for one in row["parts"] if not one["reconciliation"]), Decimal())
    paid = open_ - row["residual"]
    found = []
    for one in row["parts"]:
        left = Decimal() if one["reconciliation"] else max(_amount(one) - paid, Decimal())
        paid -= Decimal() if one["reconciliation"] else _amount(one) - left
        found.append((row["id"], one["maturity_date"], _amount(one), left))
    return found


def _amount(line: Row) -> Decimal:
    amount: Decimal = line["amount_second_currency"] if line["second_currency"] else line["debit"] - line["credit"]
    return amount


def _credits(client: Any, codes: dict[int, str]) -> dict[int, dict[str, Decimal]]:
    """Open lines of receivable accounts that clients are owed by, and that no invoice has taken up."""
    found: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    accounts = client.ids("account.account", ["type.receivable", "=", True])
    taken = {one for row in client.rows("account.invoice", ["payment_lines"]) for one in row["payment_lines"]}
    fields = ["party", "debit", "credit", "amount_second_currency", "second_currency"]
    for line in client.rows(
        "account.move.line", fields, ["account", "in", accounts], ["reconciliation", "=", None], ["credit", ">", 0]
    ):
        if line["id"] not in taken:
            found[line["party"]][codes.get(line["second_currency"], "EUR")] -= _amount(line)
    return found
