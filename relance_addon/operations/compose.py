"""A decided message becomes one that is ready to leave: text, attachments, keys, the exact MIME message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from relance_addon.core import keys
from relance_addon.core.errors import RelanceError
from relance_addon.core.group import Message
from relance_addon.core.model import Origin
from relance_addon.core.names import pdf_name
from relance_addon.core.outgoing import Claim, Document, Outgoing
from relance_addon.hosts.port import Connector
from relance_addon.mail import mime
from relance_addon.mail.render import Rendered
from relance_addon.operations.ahead import Ahead
from relance_addon.operations.desk import Desk
from relance_addon.operations.simulate import State, payment_links


def compose(
    desk: Desk,
    host: str,
    connector: Connector,
    state: State,
    messages: Sequence[Message],
    ahead: Ahead | None = None,
    origin: Origin = "automatic",
    reason: str = "",
) -> list[tuple[Outgoing, str]]:
    """Each message ready to leave, and what keeps it from leaving (empty: nothing); its claims then fail.

    ``ahead`` may have the texts of some. ``reason`` says why they leave in spite of a hold.
    """
    links = payment_links(connector, messages)
    documents = _pdfs(connector, messages)
    at = desk.now()

    def rendered(message: Message) -> Rendered:
        made = ahead.text(message) if ahead else None
        return made or desk.renderer.render(message, desk.today, links)

    made = [_compose(desk, host, state, message, rendered, documents, at, origin) for message in messages]
    return [(replace(outgoing, reason=reason), error) for outgoing, error in made] if reason else made


def _compose(
    desk: Desk,
    host: str,
    state: State,
    message: Message,
    render: Callable[[Message], Rendered],
    documents: Mapping[str, Document],
    at: datetime,
    origin: Origin,
) -> tuple[Outgoing, str]:
    claims = tuple(_claim(host, state, message, index) for index in range(len(message.decisions)))
    key = keys.message_key(claim.key for claim in claims)
    people = message.people
    message_id = keys.message_id(key, people.sender.email)
    redirect = desk.config.file.mail.redirect_to or ""
    subject = text = html = ""
    attached: tuple[Document, ...] = ()
    content = b""
    error = ""
    try:
        rendered = render(message)
        subject, text, html = rendered.subject, rendered.text, rendered.html
        attached = _attachments(desk, message, documents)
    except RelanceError as wrong:
        error = str(wrong)
    outgoing = Outgoing(
        key, claims, message.step.channel, origin, message.client.id, message_id, desk.today, at, people.sender,
        people.to, people.cc, people.bcc, subject, text, html, attached, content, redirect,
    )  # fmt: skip
    if error:
        return outgoing, error
    try:
        return sealed(outgoing, _references(state, message)), ""
    except ValueError as wrong:
        return outgoing, str(wrong)


def sealed(message: Outgoing, references: Sequence[str] = ()) -> Outgoing:
    """The same message with its exact bytes. Raises ValueError for what cannot be written in a mail."""
    to, cc, _ = message.recipients
    content = mime.build(
        sender=message.sender,
        to=to,
        cc=cc,
        reply_to=message.sender,
        subject=message.subject,
        text=message.text,
        html=message.html,
        message_id=message.message_id,
        references=references,
        date=message.sent_at,
        attachments=message.attachments,
    )
    return replace(message, mime=content)


def _claim(host: str, state: State, message: Message, index: int) -> Claim:
    one = message.decisions[index]
    # what is no step (0) is made of a program of one step, and neither has a name
    invoice, adaptation = one.invoice, state.history.adaptations.get(one.invoice.id)
    name = message.program.steps[one.step - 1].name
    return Claim(
        keys.claim_key(host, invoice.id, one.cycle, name),
        invoice.id,
        invoice.number,
        message.client.id,
        message.client.name,
        message.program.name,
        message.program.version,
        one.step,
        name,
        one.instalment,
        adaptation.restart if adaptation else 0,
        one.cycle,
        one.residual,
        invoice.currency,
    )


def _references(state: State, message: Message) -> list[str]:
    """The Message-IDs of the earlier reminders of its invoices, the oldest first, each once."""
    earlier = sorted(
        (reminder for one in message.decisions for reminder in state.history.reminders.get(one.invoice.id, ())),
        key=lambda reminder: reminder.day,
    )
    return list(dict.fromkeys(reminder.message_id for reminder in earlier if reminder.message_id))


def _pdfs(connector: Connector, messages: Sequence[Message]) -> Mapping[str, Document]:
    wanted = {
        one.invoice.id: one.invoice
        for message in messages
        if any(item.startswith("invoice") for item in message.step.attach)
        for one in message.decisions
    }
    return connector.pdfs(list(wanted.values())) if wanted else {}


def _attachments(desk: Desk, message: Message, documents: Mapping[str, Document]) -> tuple[Document, ...]:
    attached = []
    for item in message.step.attach:
        for one in message.decisions:
            if item.startswith("schedule"):
                if item == "schedule" or one.invoice.instalments:
                    attached.append(Document(*desk.renderer.schedule(one, message.language, desk.today)))
            elif one.invoice.id in documents:
                attached.append(documents[one.invoice.id]._replace(name=pdf_name(one.invoice.number)))
            elif item == "invoice":
                raise RelanceError(f'the PDF of {one.invoice.number} cannot be had; write "invoice?" to go without')
    return tuple(attached)
