"""The company of every test server: Acme of Paris, with users, currencies, accounts, years and a bank; it sold nothing.

It is founded by remote calls, like those of a person who sets Tryton up.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from tryton_rpc import Client, Row

YEARS: Final = range(2024, 2030)
CURRENCIES: Final = {"EUR": ("Euro", "€", "1"), "USD": ("US dollar", "$", "1.25"), "CHF": ("Swiss franc", "Fr", "0.95")}
"""Name, symbol, and how many are a euro, always."""
COUNTRIES: Final = ("FR", "BE", "CH", "DE", "GB", "US")
INVOICE: Final = "account.invoice"
READ: Final = (
    INVOICE,
    "account.invoice.line",
    "account.move",
    "account.move.line",
    "account.move.reconciliation",
    "account.dunning",
    "account.dunning.level",
    "account.dunning.procedure",
)
"""What one has to be allowed to read for reminders; parties, notes, mails and all else are open to every user."""


def password(user: str) -> str:
    """A user's password: Tryton takes none that is the name."""
    return f"{user}-hunter2"


def found(admin: Client) -> None:
    """Found the company in an empty database."""
    countries = admin.create("country.country", *({"code": code, "name": code} for code in COUNTRIES))
    euro, *_ = admin.create("currency.currency", *map(_currency, CURRENCIES))
    address = {"city": "Paris", "country": countries[0]}
    party = admin.one("party.party", name="Acme", addresses=[["create", [address]]])
    company = admin.one("company.company", party=party, currency=euro, timezone="Europe/Paris", cancel_invoice_out=True)
    member = {"companies": [["add", [company]]], "company": company}
    admin.call("model.res.user.write", [admin.user], member)
    admin.refresh()
    _accounts(admin, company)
    for year in YEARS:
        _year(admin, company, year)
    _users(admin, member)
    # Each invoice is printed when it is posted; Tryton's own print takes twice the time of all the rest.
    printed = admin.ids("ir.action.report", ["report_name", "=", INVOICE])
    report = {"report_content_custom": b"Invoice ${invoice.number}", "template_extension": "txt"}
    admin.call("model.ir.action.report.write", printed, report)


def _currency(code: str) -> Row:
    name, symbol, rate = CURRENCIES[code]
    rates = [["create", [{"date": date(2000, 1, 1), "rate": Decimal(rate)}]]]
    return {"code": code, "name": name, "symbol": symbol, "rates": rates}


def _accounts(admin: Client, company: int) -> None:
    """Tryton's own chart of accounts, and a bank's journal, by which invoices are paid."""

    def account(*clauses: list[Any]) -> int:
        return admin.ids("account.account", ["closed", "!=", True], ["type", "!=", None], *clauses)[0]

    (chart,) = admin.ids("account.account.template", ["parent", "=", None])
    with admin.wizard("account.create_chart") as go:
        go("account")
        go("create_account", account={"account_template": chart, "company": company})
        properties = {
            "company": company,
            "account_receivable": account(["type.receivable", "=", True]),
            "account_payable": account(["type.payable", "=", True]),
            "category_account_revenue": account(["type.revenue", "=", True]),
            "category_account_expense": account(["type.expense", "=", True]),
        }
        go("create_properties", properties=properties)
    journal = admin.one("account.journal", name="Bank", code="BNK", type="cash")
    cash = dict.fromkeys(("debit_account", "credit_account"), account(["name", "ilike", "%cash%"]))
    admin.one("account.invoice.payment.method", name="Bank", company=company, journal=journal, **cash)


def _year(admin: Client, company: int, year: int) -> None:
    def sequence(model: str, kind: str) -> int:
        (of_kind,) = admin.ids("ir.sequence.type", ["name", "=", kind])
        return admin.one(model, name=f"{kind} {year}", sequence_type=of_kind, company=company)

    # Up to 7.0 moves may lack numbers.
    moves = ("post_move_sequence", "ir.sequence") if admin.series == "7.0" else ("move_sequence", "ir.sequence.strict")
    kinds = ("out_invoice_sequence", "out_credit_note_sequence", "in_invoice_sequence", "in_credit_note_sequence")
    invoices = dict.fromkeys(kinds, sequence("ir.sequence.strict", "Invoice"))
    values = {
        "name": str(year),
        "company": company,
        "start_date": date(year, 1, 1),
        "end_date": date(year, 12, 31),
        moves[0]: sequence(moves[1], "Account Move"),
        "invoice_sequences": [["create", [{"company": company, **invoices}]]],
    }
    made = admin.one("account.fiscalyear", **values)
    admin.call("model.account.fiscalyear.create_period", [made])
    # Tryton makes these when a journal is first used in a period, and then begins anew what it was about to do.
    periods = admin.ids("account.period", ["fiscalyear", "=", made])
    journals = admin.ids("account.journal", ["type", "in", ["revenue", "cash"]])
    used = [{"journal": journal, "period": period} for journal in journals for period in periods]
    admin.create("account.journal.period", *used)


def _users(admin: Client, member: Row) -> None:
    """``robot``, who may do what reminders need and no more; ``blind``, who may do what everybody may."""
    # Up to 7.0 models are named by number.
    models: dict[str, Any] = {name: name for name in READ}
    if admin.series == "7.0":
        models = {row["model"]: row["id"] for row in admin.rows("ir.model", ["model"], ["model", "in", [*READ]])}
    access = [
        # Who adds a note to an invoice has to be allowed to change it.
        {"model": model, "perm_read": True, "perm_write": name == INVOICE, "perm_create": False, "perm_delete": False}
        for name, model in models.items()
    ]
    group = admin.one("res.group", name="Reminders", model_access=[["create", access]])
    for login, groups in (("robot", [group]), ("blind", [])):
        admin.one(
            "res.user",
            login=login,
            name=login.title(),
            email=f"{login}@acme.example",
            password=password(login),
            groups=[["add", groups]],
            **member,
        )
