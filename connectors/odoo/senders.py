"""What ``relance check`` says of how mails leave Odoo, and of whoever else reminds clients from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from relance_addon.connectors.odoo import posting
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import Refused
from relance_addon.hosts.port import Finding

_ALIAS_DOMAINS: Final = 17
"""From this version on the address for notifications belongs to a domain; before, it is a parameter of the system."""
_OTHERS: Final = {
    "account_followup": "Payment Follow-up (Enterprise)",
    "account_credit_control": "Credit Control (OCA)",
    "account_invoice_overdue_reminder": "Overdue Invoice Reminder (OCA)",
    "account_invoice_reminder": "Invoice Reminder",
    "om_account_followup": "Customer Follow Up",
}
"""Modules that remind clients too."""
_RECIPIENTS: Final = ("use_default_to", "email_to", "email_cc", "partner_to")
_WHERE: Final = "Settings > Technical > Outgoing Mail Servers"


def seen(transport: Transport, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
    """What a call answers, None where the user may not make it. Raises Unreachable."""
    try:
        return transport.call(model, method, ids, **named)
    except Refused:
        return None


def sending(transport: Transport, settings: Settings) -> Finding:
    """Which way messages will go, and whether they can."""
    way = posting.office(transport, settings.send, settings.template, settings.activity_type).way
    if way == "template":
        return _template(transport, settings)
    if way == "note":
        mend = "for any address, have an administrator make an empty mail template, and write its id as template"
        return Finding("ok", "sending", "as notes on invoices, which Odoo mails to people it knows and no others", mend)
    if settings.send == "mail" and not posting.may_send_mails(transport):
        mend = "give the user Administration: Settings, or set send to auto"
        return Finding("error", "sending", "the user may not write outgoing mails", mend)
    return Finding("ok", "sending", "as Odoo's own outgoing mails, for the user has system rights")


def _template(transport: Transport, settings: Settings) -> Finding:
    if settings.template is None:
        return Finding("error", "template", "send is template, and none is named", "write its id as template")
    named: dict[str, Any] = {"domain": [("id", "=", settings.template)], "fields": ["name", "model", *_RECIPIENTS]}
    rows = seen(transport, "mail.template", "search_read", **named)
    if not rows:
        mend = "write the id of one for invoices as template"
        return Finding("error", "template", f"the user sees no mail template {settings.template}", mend)
    row = rows[0]
    filled = [field for field in _RECIPIENTS if row[field]]
    if row["model"] != "account.move":
        return Finding("error", "template", f"{row['name']!r} is not for invoices", "make one for account.move")
    if filled:
        text = f"{row['name']!r} names recipients of its own, who would get every reminder"
        return Finding("error", "template", text, f"empty {', '.join(filled)} of the template")
    return Finding("ok", "sending", f"through the mail template {row['name']!r}; Odoo's mail queue sends them")


def mail_servers(transport: Transport) -> Finding:
    """Whether a sender stays as it is: Odoo puts its own address for one that no server is for."""
    rows = seen(transport, "ir.mail_server", "search_read", domain=[], fields=["name", "from_filter"])
    if rows is None:
        text = "not visible to this user: ask an administrator whether Odoo replaces senders by an address of its own"
        return Finding("ok", "mail servers", text)
    if not rows:
        text = "none in Odoo's settings: mails leave by the one in its configuration file, if any"
        return Finding("warning", "mail servers", text, f"if they do not leave: {_WHERE}")
    kept = ", ".join(row["from_filter"] for row in rows if row["from_filter"])
    address = _notifications(transport)
    if not address:
        return Finding("ok", "mail servers", "Odoo leaves senders as they are, as far as its settings say")
    if kept:
        text = f"senders of {kept} are kept; for any other Odoo writes {address} (answers go to the sender)"
        return Finding("ok", "mail servers", text)
    text = f"Odoo writes {address} for every sender; answers still go to the sender"
    return Finding("warning", "mail servers", text, f"{_WHERE}: set the sender's domain as From filter")


def _notifications(transport: Transport) -> str:
    """The address that Odoo puts for others, as far as it can be seen."""
    if transport.version >= _ALIAS_DOMAINS:
        rows = seen(transport, "res.company", "search_read", domain=[], fields=["default_from_email"]) or []
        return ", ".join(sorted({row["default_from_email"] for row in rows if row["default_from_email"]}))
    keys = ["mail.default.from", "mail.catchall.domain"]
    named: dict[str, Any] = {"domain": [("key", "in", keys)], "fields": ["key", "value"]}
    rows = seen(transport, "ir.config_parameter", "search_read", **named) or []
    values: dict[str, str] = {row["key"]: row["value"] for row in rows if row["value"]}
    name, domain = (values.get(key, "") for key in keys)
    if "@" in name:
        return name
    return f"{name}@{domain}" if name and domain else ""


def others(transport: Transport) -> Iterator[Finding]:
    """Modules that send reminders as well, and whether they do so by themselves."""
    domain = [("name", "in", list(_OTHERS)), ("state", "=", "installed")]
    modules = seen(transport, "ir.module.module", "search_read", domain=domain, fields=["name"], order="name")
    if modules is None:
        yield Finding("ok", "other reminders", "modules are not visible to this user")
        return
    if not modules:
        yield Finding("ok", "other reminders", "no other module for reminders that we know of")
        return
    names = [row["name"] for row in modules]
    jobs = _jobs(transport, names)
    for name in names:
        yield _other(name, None if jobs is None else jobs.get(name, []))


def _other(name: str, jobs: list[str] | None) -> Finding:
    what = f"{_OTHERS[name]} ({name}) is installed"
    if jobs is None:
        mend = "ask an administrator whether its scheduled job runs: clients would be reminded twice"
        return Finding("warning", "other reminders", what, mend)
    if jobs:
        mend = "switch the job off (Settings > Technical > Scheduled Actions): clients would be reminded twice"
        return Finding("warning", "other reminders", f"{what}, and its job runs: {', '.join(jobs)}", mend)
    return Finding("ok", "other reminders", f"{what}; no job of its own runs")


def _jobs(transport: Transport, modules: list[str]) -> dict[str, list[str]] | None:
    """The active scheduled jobs of each module; None if they are not for this user to see."""
    domain = [("model", "=", "ir.cron"), ("module", "in", modules)]
    owners = seen(transport, "ir.model.data", "search_read", domain=domain, fields=["module", "res_id"])
    if owners is None:
        return None
    wanted = [("id", "in", [row["res_id"] for row in owners]), ("active", "=", True)]
    running = seen(transport, "ir.cron", "search_read", domain=wanted, fields=["name"])
    if running is None:
        return None
    names = {row["id"]: row["name"] for row in running}
    found: dict[str, list[str]] = {}
    for row in owners:
        if row["res_id"] in names:
            found.setdefault(row["module"], []).append(names[row["res_id"]])
    return found
