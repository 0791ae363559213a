"""A simulation as a page: written to a file, or mailed to oneself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from relance_addon.core.errors import InputError
from relance_addon.core.model import parse_address
from relance_addon.operations.desk import Desk


def page(desk: Desk, document: Mapping[str, Any]) -> str:
    """The HTML of a ``relance.simulation/1``, in the configuration's language; everything escaped."""
    from relance_addon.core.words import REASONS

    clients = [
        (name, list(decisions))
        for (_, name), decisions in groupby(
            document["decisions"], key=lambda one: (one["client"], one["client_name"] or one["client"])
        )
    ]
    messages = {message["message"]: message for message in document["messages"]}
    language = _language(desk)
    return _render(
        "simulation", language, document=document, clients=clients, messages=messages, words=REASONS[language]
    )


def timeline(desk: Desk, document: Mapping[str, Any]) -> str:
    """The HTML of a ``relance.archive/1``."""
    return _render("timeline", _language(desk), document=document)


def _language(desk: Desk) -> str:
    return "en" if desk.config.file.relance.language == "en" else "fr"


def _render(name: str, language: str, **values: Any) -> str:
    from babel.dates import format_date, format_datetime
    from babel.numbers import format_currency
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("relance_addon", "templates"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["day"] = lambda day: format_date(date.fromisoformat(day), "medium", language) if day else ""
    environment.filters["time"] = lambda at: format_datetime(
        moment := datetime.fromisoformat(at), "medium", moment.tzinfo, language
    )
    environment.filters["money"] = lambda amount, currency: format_currency(Decimal(amount), currency, locale=language)
    return environment.get_template(f"page/{name}.html").render(language=language, fr=language == "fr", **values)


def save(desk: Desk, document: Mapping[str, Any], path: Path) -> None:
    """Write the page. Raises InputError when the file cannot be written."""
    try:
        path.write_text(page(desk, document), "utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _text(document: Mapping[str, Any], title: str) -> Iterator[str]:
    """What a mail program shows that shows no pages: each message, and how to send them."""
    yield title
    numbers = {one["invoice"]: one["number"] for one in document["decisions"]}
    names = {one["client"]: one["client_name"] or one["client"] for one in document["decisions"]}
    for one in document["messages"]:
        invoices = ", ".join(numbers[key] for key in one["invoices"])
        yield f"{names[one['client']]}: {invoices}: {one['subject']} -> {', '.join(one['to']) or one['channel']}"
    if document["id"] is not None:
        yield f"relance run {document['host']} --simulation {document['id']}"


def mail(desk: Desk, document: Mapping[str, Any], address: str) -> None:
    """Mail the page to ``address`` through [mail].smtp. Raises InputError or HostError."""
    from relance_addon.core import keys
    from relance_addon.mail import mime
    from relance_addon.operations import servers

    try:
        to = parse_address(address)
    except ValueError as error:
        raise InputError(f"--mail-to: {error}") from None
    sender = desk.config.roles["accounting"]
    totals = document["totals"]
    title = f"{document['host']}, {document['date']}: {totals['messages']} messages, {totals['send']} invoices"
    at = desk.now()
    key = keys.claim_key(document["host"], "simulation", at.isoformat(), str(to))
    content = mime.build(
        sender=sender,
        to=(to,),
        reply_to=sender,
        subject=title,
        text="\n".join(_text(document, title)),
        html=page(desk, document),
        message_id=keys.message_id(key, sender.email),
        date=at,
    )
    with servers.smtp(desk.config) as connection:
        connection.send(sender.email, [to.email], content)
