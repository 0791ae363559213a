"""``RELANCE_LIVE_ODOO=… python -m tests.live.whole --sink DIR``: every command on a running Odoo, journal empty.

What the sink received must be what the simulation said; what is decided must be what the connector ``files`` decides
on the same books, exported here by calls of their own.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from email.utils import getaddresses
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .books import Books, bare, received

_TYPES = ["out_invoice", "out_receipt"]
_PROGRAM = """
[[programs]]
name = "standard"
default = true
group = "step"
calendar = "client"
[[programs.steps]]
name = "Premier rappel"
trigger = { after_due = 3 }
template = "first"
payment_link = true
attach = ["schedule?"]
cc = ["manager"]
bcc = ["archive"]
[[programs.steps]]
name = "Second rappel"
trigger = { after_previous = 10 }
template = "second"
"""
_MORE = """
[roles]
manager = "manager@acme.example"
archive = "archive@acme.example"
"""


def main() -> None:
    """Run everything; the first difference ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.live.whole")
    parser.add_argument("--sink", type=Path, required=True)
    parser.add_argument("--day", default="2026-11-20", help="the day to decide for (a working day)")
    parser.add_argument(
        "--no-copies", action="store_true", help="no cc and bcc: who posts notes needs contacts for them"
    )
    given = parser.parse_args()
    date = ("--date", given.day)
    program = _PROGRAM
    if given.no_copies:
        program = program.replace('cc = ["manager"]\n', "").replace('bcc = ["archive"]\n', "")
    with TemporaryDirectory() as folder:
        host = f"w{time.time_ns()}"
        books = Books(Path(folder) / host, host, program, more=_MORE)
        for command in (("check", host), ("mapping", host), ("sync", host, *date)):
            print(books(*command, allowed=(0, 1)).output.rstrip(), end="\n\n")
        simulated = books("simulate", host, *date, "--format", "json", allowed=(0, 1)).json
        _compare(_files(Path(folder) / "files", program, date), simulated["decisions"])
        ran = books("run", host, *date, "--format", "json", allowed=(0, 1))
        print(ran.errors.rstrip())
        done = ran.json
        states = defaultdict(int)
        for one in done["messages"]:
            states[one["state"]] += 1
        print(f"run: {len(done['messages'])} messages in {ran.seconds:.1f} s, {dict(states)}")
        _same_messages(simulated["messages"], done["messages"])
        for command in (("events", host), ("log", host)):
            print(*books(*command).output.splitlines()[:3], sep="\n")
        log = books.items("log", host)
        _reached(simulated["messages"], log, received(given.sink))
        print("\n".join(books("explain", host, log[0]["number"]).output.splitlines()[:12]))
        again = books("run", host, *date, "--format", "json", allowed=(0, 1)).json
        assert again["messages"] == [], "a second run sent something"


def _same_messages(simulated: list[dict[str, Any]], done: list[dict[str, Any]]) -> None:
    wanted = [(one["invoices"], one["to"], one["cc"], one["bcc"], one["subject"]) for one in simulated]
    assert wanted == [(one["invoices"], one["to"], one["cc"], one["bcc"], one["subject"]) for one in done]
    print(f"the run sent the {len(wanted)} messages that were simulated")


def _reached(simulated: list[dict[str, Any]], log: list[dict[str, Any]], mails: Any) -> None:
    """Each person of each simulated message was reached once under its Message-ID, and nobody else."""
    ids = {(one["invoice"], one["subject"]): one["message_id"] for one in log}
    wanted = set()
    for one in simulated:
        message_id = ids[one["invoices"][0], one["subject"]]
        for _, address in getaddresses([*one["to"], *one["cc"], *one["bcc"]]):
            wanted.add((message_id, address))
    ours = {key: times for key, times in mails.items() if key[0] in {one["message_id"] for one in log}}
    assert set(ours) == wanted, f"missing: {wanted - set(ours)}; too many: {set(ours) - wanted}"
    assert set(ours.values()) <= {1}, "received twice"
    print(f"the sink received {len(ours)} mails, those that were simulated and no other")


def _compare(files: list[dict[str, Any]], odoo: list[dict[str, Any]]) -> None:
    keys = ("decision", "reason", "step", "date", "due_date", "residual", "currency")
    wanted, found = ({one["invoice"]: tuple(one[key] for key in keys) for one in each} for each in (files, odoo))
    differing = {key: (wanted.get(key), found.get(key)) for key in wanted | found if wanted.get(key) != found.get(key)}
    assert not differing, f"files against Odoo: {json.dumps(differing, indent=1)}"
    reasons: dict[str, int] = defaultdict(int)
    for one in odoo:
        reasons[one["reason"]] += 1
    print(f"files decide the same of all {len(found)} invoices: {dict(reasons)}")


def _files(folder: Path, program: str, date: tuple[str, str]) -> list[dict[str, Any]]:
    _export(folder / "data")
    config = f'[mail]\nsender = "compta@acme.example"\n{_MORE}\n[hosts.f]\nconnector = "files"\npath = "data"\n'
    (folder / "relance.toml").write_text(config, "utf-8")
    (folder / "programs.toml").write_text(program, "utf-8")
    run = Books.__call__
    place = _Folder(folder)
    run(place, "programs", "apply", "programs.toml")  # type: ignore[arg-type]  # all that it takes is a path
    simulated = run(place, "simulate", "f", *date, "--format", "json", allowed=(0, 1))  # type: ignore[arg-type]
    decisions: list[dict[str, Any]] = simulated.json["decisions"]
    return decisions


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path


def _export(folder: Path) -> None:
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
    _write(
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
    _write(
        folder / "instalments.csv",
        ("invoice", "due_date", "amount", "residual"),
        (
            (number, one["date_maturity"], _money(one["amount_currency"]), _money(one["amount_residual_currency"]))
            for number, parts in terms.items()
            if len(parts) > 1
            for one in parts
        ),
    )
    _write(
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
    _write(
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


def _write(path: Path, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
