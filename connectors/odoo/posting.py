"""A batch of messages on its way: what is there already is left alone, the rest is posted, and then looked for.

What became of a message is said by what Odoo has of it, never by what a call answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final, Literal, NamedTuple

from relance_addon.connectors.odoo import activities, mails, notes
from relance_addon.connectors.odoo.letters import Try, header, named
from relance_addon.connectors.odoo.settings import TO_DO
from relance_addon.connectors.odoo.traces import Trace, look_up
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import HostError, Refused
from relance_addon.core.outgoing import Outgoing, Posted

Way = Literal["mail", "template", "note"]
_LEFT: Final = ("sent", "queued")
_CANCELLED: Final = "cancelled in Odoo: whoever did that knows whether it had left"
_THERE: Final = (*_LEFT, "cancelled")


class Office(NamedTuple):
    """How messages leave; ``template`` is the id of an empty mail template, ``activity`` the XML id of a to-do type."""

    way: Way
    template: int = 0
    activity: str = TO_DO

    @property
    def reads_mails(self) -> bool:
        """Whether the user may see Odoo's outgoing mails, and so what became of them."""
        return self.way == "mail"


def office(transport: Transport, send: Way | Literal["auto"], template: int | None, activity: str) -> Office:
    """The way that is asked for, or the best that the user has the rights for. Raises HostError."""
    way: Way
    if send != "auto":
        way = send
    elif may_send_mails(transport):
        way = "mail"
    else:
        way = "template" if template else "note"
    return Office(way, template or 0, activity)


def may_send_mails(transport: Transport) -> bool:
    """Whether the user may see, and so write, outgoing mails."""
    try:
        transport.call("mail.mail", "search_count", domain=[("id", "=", 0)])
    except Refused:
        return False
    return True


def post(transport: Transport, office: Office, messages: Sequence[Outgoing]) -> tuple[list[Posted], str]:
    """Send messages and make activities: one outcome each, in order, and what kept them from being noted everywhere.

    A message of several invoices stands on the first; on the others it is noted.
    """
    outcomes: dict[str, Posted] = {}
    trouble = ""
    letters = [message for message in messages if message.channel == "mail"]
    others = [message for message in messages if message.channel != "mail"]
    if letters:
        posted, fresh = _post_letters(transport, office, letters)
        outcomes.update((one.key, one) for one in posted)
        trouble = _note(transport, [one for one in fresh if outcomes[one.key].state in _LEFT])
    if others:
        outcomes.update((one.key, one) for one in activities.post(transport, others, office.activity))
    return [outcomes[message.key] for message in messages], trouble


def _post_letters(
    transport: Transport, office: Office, messages: Sequence[Outgoing]
) -> tuple[list[Posted], list[Outgoing]]:
    """The outcomes, and the messages that Odoo had not already."""
    try:
        before = look_up(transport, [one.message_id for one in messages], office.reads_mails)
    except HostError as error:
        return [Posted(message.key, "failed", str(error), tried=False) for message in messages], []
    fresh = [message for message in messages if not _is_there(before.get(message.message_id))]
    try:
        made = _attempt(transport, office, fresh, before)
        tries = {message.key: one for message, one in zip(fresh, made, strict=True)}
    except HostError as error:
        tries = {message.key: Try(str(error), asked=False, skipped=True) for message in fresh}
    asked = [one.message_id for one in fresh if tries[one.key].asked and tries[one.key].trace is None]
    besides = {number for trace in before.values() for number in trace.ids}
    after: Mapping[str, Trace] | None
    try:
        after = look_up(transport, asked, office.reads_mails, besides) if asked else {}
    except HostError:
        after = None
    outcomes = [
        _settle(message, tries[message.key], after)
        if message.key in tries
        else _there(office, message, before[message.message_id])
        for message in messages
    ]
    return outcomes, fresh


def _attempt(
    transport: Transport,
    office: Office,
    messages: Sequence[Outgoing],
    before: Mapping[str, Trace],
) -> list[Try]:
    if not messages:
        return []
    if office.way == "note":
        return notes.post(transport, messages)
    if office.way == "template":
        return mails.post_by_template(transport, messages, office.template)
    earlier = {message.key: len(before[message.message_id].ids) for message in messages if message.message_id in before}
    return mails.post(transport, messages, earlier)


def _is_there(trace: Trace | None) -> bool:
    return trace is not None and trace.state in _THERE


def _there(office: Office, message: Outgoing, trace: Trace) -> Posted:
    """A message that Odoo had already: whoever posted it, it is not posted again."""
    if trace.state == "cancelled":
        return Posted(message.key, "in_doubt", _CANCELLED)
    if trace.unseen and office.way == "note":
        return Posted(message.key, "in_doubt", "Odoo has a mail of it, and does not say to this user what became of it")
    return Posted(message.key, "sent" if trace.state == "sent" else "queued", trace.error)


def _settle(message: Outgoing, attempt: Try, traces: Mapping[str, Trace] | None) -> Posted:
    if not attempt.asked:
        return Posted(message.key, "failed", attempt.error, tried=not attempt.skipped)
    trace = attempt.trace
    if trace is None and traces is None:
        return Posted(message.key, "in_doubt", attempt.error or "posted, but Odoo did not say what became of it")
    trace = trace or (traces or {}).get(message.message_id)
    if trace is None:
        # After a broken connection Odoo may still be at work on it.
        error = attempt.error or "Odoo has no trace of it"
        return Posted(message.key, "failed" if attempt.certain else "in_doubt", error)
    if trace.state == "cancelled":
        return Posted(message.key, "in_doubt", _CANCELLED)
    if trace.state == "silent":
        return Posted(message.key, "failed", attempt.error or "Odoo wrote to nobody")
    return Posted(message.key, trace.state, trace.error or (attempt.error if trace.state == "queued" else ""))


def _note(transport: Transport, messages: Sequence[Outgoing]) -> str:
    """Note messages that left on their other invoices; what kept them from it, if anything."""
    notes = [note for message in messages for note in _on_others(message, transport.version)]
    try:
        if notes:
            transport.call("mail.message", "create", vals_list=notes)
    except HostError as error:
        return str(error)
    return ""


def _on_others(message: Outgoing, version: int) -> list[dict[str, Any]]:
    """What to note on the other invoices of a message: what, to whom, and where all of it stands."""
    sender = header(message.sender)
    return [
        {
            "model": "account.move",
            "res_id": int(claim.invoice),
            "message_type": "notification",
            "subject": message.subject,
            "body": _brief(message),
            "email_from": sender,
            # What is given here, Odoo does not work out: most of the time that a note takes.
            "reply_to": sender,
            "message_id": message.message_id.replace("<", f"<note.{claim.invoice}.", 1),
            **named(claim.number, version),
        }
        for claim in message.claims[1:]
    ]


def _brief(message: Outgoing) -> str:
    to, cc, _ = message.recipients
    people = ", ".join(escape(address.email) for address in (*to, *cc))
    first = message.claims[0]
    place = f'<a href="#" data-oe-model="account.move" data-oe-id="{first.invoice}">{escape(first.number)}</a>'
    return f"<p>{escape(message.subject)}<br>{people}<br>{place}</p>"
