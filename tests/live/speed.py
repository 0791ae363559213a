"""``RELANCE_LIVE_ODOO=… python -m tests.live.speed [PART…]``: our figures on a running Odoo beside the least it takes.

Parts: ``sync`` (as many open invoices as there are), ``run`` (one message per client), ``mails`` (posting alone,
beside Odoo's own queue where the user may read it), ``changes`` (a pull after ten invoices were written to).
"""

from __future__ import annotations

import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any
from zoneinfo import ZoneInfo

from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.core.model import Address, Client, Invoice
from relance_addon.core.outgoing import Claim, Outgoing
from relance_addon.hosts.port import BATCH, Surroundings

from .books import Books, bare

_FIELDS = [
    "name", "state", "payment_state", "invoice_date", "invoice_date_due", "amount_total", "amount_residual",
    "currency_id", "commercial_partner_id", "partner_id", "invoice_user_id", "invoice_pdf_report_id",
]  # fmt: skip
_LINE = ["move_id", "date_maturity", "amount_currency", "amount_residual_currency", "reconciled"]
_PARTNER = ["name", "email", "lang", "country_id", "category_id", "type", "commercial_partner_id", "active"]
_OPEN = [
    ["move_type", "in", ["out_invoice", "out_receipt"]], ["state", "=", "posted"],
    ["payment_state", "in", ["not_paid", "partial", "blocked"]], ["amount_residual", ">", 0],
]  # fmt: skip
_BODY = (
    "<html><body><p>Bonjour,</p><table>"
    + '<tr><td style="padding: 8px 10px 8px 0;border-bottom: 1px solid #ccd2dc">Facture</td><td>120,00</td></tr>' * 50
    + "</table></body></html>"
)
"""As long as one of our reminders about three invoices."""
_PROGRAM = """
[[programs]]
name = "standard"
default = true
group = "client"
[[programs.steps]]
name = "Rappel"
trigger = { after_due = 1 }
template = "statement"
"""


def main() -> None:
    """Measure what is asked for, everything by default."""
    parts = {"sync": sync, "changes": changes, "run": run, "mails": mails}
    for name in sys.argv[1:] or parts:
        print(f"### {name}")
        parts[name]()


def sync() -> None:
    """A pull from an empty journal beside the bare paged search_read of the same fields."""
    call = bare()
    with TemporaryDirectory() as folder:
        for number in range(3):
            start = perf_counter()
            count = len(rows := _paged(call))
            moves = perf_counter() - start
            for begin in range(0, count, 1000):
                ids = [row["id"] for row in rows[begin : begin + 1000]]
                terms = [["display_type", "=", "payment_term"], ["move_id", "in", ids]]
                call("account.move.line", "search_read", terms, _LINE)
            owing = sorted({row["commercial_partner_id"][0] for row in rows})
            below = ["|", ["id", "in", owing], ["commercial_partner_id", "in", owing]]
            call("res.partner", "search_read", below, _PARTNER)
            alone = perf_counter() - start
            books = Books(Path(folder) / str(number), f"s{number}", _PROGRAM)
            pulled = _pulled(books)
            print(
                f"{count} open: bare {alone:.2f} s ({moves:.2f} s without lines and partners), pull {pulled:.2f} s: "
                f"{pulled / alone:.2f} times"
            )


def changes() -> None:
    """A pull after ten invoices were written to."""
    call = bare()
    ids = call("account.move", "search", _OPEN, limit=10)
    with TemporaryDirectory() as folder:
        books = Books(Path(folder) / "c", "c", _PROGRAM)
        books("sync", "c")
        cursor = [page.cursor for page in _connector(books).pull("", date.today()).pages][-1]
        for number in range(3):
            call("account.move", "write", ids, {"ref": f"changed {number}"})
            whole = books("sync", "c").seconds
            print(f"ten changed: the command {whole:.2f} s, log-in and pull {_pulled(books, cursor):.2f} s")


def run() -> None:
    """A whole run, one message per client, beside the floor: read, write in hundreds, send."""
    call = bare()
    with TemporaryDirectory() as folder:
        for _ in range(3):
            host = f"r{int(time())}"
            books = Books(Path(folder) / host, host, _PROGRAM)
            ran = books("run", host, "--format", "json", allowed=(0, 1))
            messages = ran.json["messages"]
            sent = sum(one["state"] == "sent" for one in messages)
            left = [["message_id", "=", books.items("log", host)[0]["message_id"]]]
            (ours,) = call("mail.mail", "search_read", left, ["body_html"], limit=1)
            floor, mails_sent = _floor(call, ours["body_html"])
            short, _ = _floor(call, "<p>Bonjour</p>")
            print(
                f"run: {sent} of {len(messages)} sent in {ran.seconds:.1f} s; floor with the same text, {mails_sent} "
                f"mails: {floor:.1f} s ({ran.seconds / floor:.2f} times); with a word: {short:.1f} s"
            )


def mails(count: int = 500) -> None:
    """Posting by batches, one at a time and as a run does, beside Odoo's own queue; nothing is read or claimed."""
    call = bare()
    rows = call(
        "account.move", "search_read", [*_OPEN, ["commercial_partner_id.email", "!=", False]],
        ["name", "commercial_partner_id"], limit=count,
    )  # fmt: skip
    partners = {row["commercial_partner_id"][0] for row in rows}
    known = {row["id"]: row["email"] for row in call("res.partner", "read", sorted(partners), ["email"])}
    rows = [{**row, "to": known[row["commercial_partner_id"][0]]} for row in rows]
    with TemporaryDirectory() as folder:
        books = Books(Path(folder) / "m", "m", _PROGRAM)
        connector = _connector(books)
        try:
            made = call("mail.mail", "create", [_mail(row, f"queue{time()}") for row in rows])
            start = perf_counter()
            call("mail.mail", "process_email_queue", made)
            queue = len(made) / (perf_counter() - start)
            print(f"Odoo's own queue: {queue:.1f} a second")
        except odoorpc_errors():
            print("Odoo's own queue: not for this user")
        for lanes in sorted({1, connector.lanes(2)}):
            messages = [_outgoing(row, f"{time():.0f}-{lanes}-{row['id']}") for row in rows]
            batches = [messages[begin : begin + BATCH] for begin in range(0, len(messages), BATCH)]
            start = perf_counter()
            with ThreadPoolExecutor(lanes) as pool:
                states = [one.state for posted in pool.map(connector.post, batches) for one in posted]
            rate = len(states) / (perf_counter() - start)
            print(f"ours, {lanes} batches at a time: {rate:.1f} a second; {dict(Counter(states))}")


def odoorpc_errors() -> type[Exception]:
    """What odoorpc raises for a refusal."""
    from odoorpc.error import RPCError

    return RPCError  # type: ignore[no-any-return]  # odoorpc has no types


def _pulled(books: Books, cursor: str = "") -> float:
    start = perf_counter()
    for page in _connector(books).pull(cursor, date.today()).pages:
        assert page is not None
    return perf_counter() - start


def _connector(books: Books) -> OdooConnector:
    import tomllib

    table = tomllib.loads((books.path / "relance.toml").read_text())["hosts"][books.host]
    around = Surroundings(books.path, ZoneInfo("Europe/Paris"), "EUR", "fr")
    return OdooConnector(books.host, OdooConnector.Settings.model_validate(table), around)


def _paged(call: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        last = rows[-1]["id"] if rows else 0
        page = call("account.move", "search_read", [*_OPEN, ["id", ">", last]], _FIELDS, limit=1000, order="id")
        rows += page
        if len(page) < 1000:
            return rows


def _floor(call: Any, body: str) -> tuple[float, int]:
    start = perf_counter()
    today = date.today().isoformat()
    rows = [row for row in _paged(call) if row["invoice_date_due"] < today]
    first = {row["commercial_partner_id"][0]: row for row in rows}
    made = [{**_mail(row, f"floor{start}"), "body_html": body} for row in first.values()]
    for begin in range(0, len(made), 100):
        ids = call("mail.mail", "create", made[begin : begin + 100])
        call("mail.mail", "send", ids)
    return perf_counter() - start, len(made)


def _mail(row: dict[str, Any], tag: str) -> dict[str, Any]:
    return {
        "subject": f"Rappel {row['name']}", "body_html": _BODY, "email_from": "compta@acme.example",
        "email_to": f"c{row['commercial_partner_id'][0]}@x.example", "model": "account.move", "res_id": row["id"],
        "message_id": f"<{tag}-{row['id']}@x.example>", "auto_delete": False,
    }  # fmt: skip


def _outgoing(row: dict[str, Any], key: str) -> Outgoing:
    partner, name = row["commercial_partner_id"]
    zero = Invoice(str(row["id"]), row["name"], str(partner), "open", None, None, 0, 0, "EUR")  # type: ignore[arg-type]  # amounts are not looked at
    client = Client(str(partner), name)
    claim = Claim(key, zero.id, zero.number, client.id, name, "p", 1, 1, "Rappel", 1, 0, "c", zero.residual, "EUR")
    sender = Address("Comptabilité", "compta@acme.example")
    to = Address("", row.get("to") or f"c{partner}@x.example")
    return Outgoing(
        key, (claim,), "mail", "automatic", client.id, f"<{key}@acme.example>", date.today(), datetime.now(UTC), sender,
        (to,), (), (), f"Rappel {row['name']}", "Bonjour", _BODY, (), b"",
    )  # fmt: skip


if __name__ == "__main__":
    main()
