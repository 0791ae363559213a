"""What Odoo has of our messages, by Message-ID: whether it sent them, keeps them to send, or could not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from relance_addon.connectors.odoo.transport import Transport

_PAGE: Final = 1000
_ASIDE: Final = ("email_outgoing", "email")
"""How Odoo marks a message that it mails by itself, notifying nobody: from 17 on, and in 16."""

State = Literal["sent", "queued", "failed", "bounced", "cancelled"]
"""``cancelled``: a person did so in Odoo, and alone knows whether it had left."""


class Copy(NamedTuple):
    """What became of the copy for one person; ``recipient`` is an address, or empty where it is not known."""

    recipient: str
    state: State
    error: str = ""
    unseen: bool = False


class Trace(NamedTuple):
    """A message that Odoo has, on ``ids`` (mail.message), since ``at``, and its copies."""

    ids: frozenset[int]
    at: datetime
    copies: tuple[Copy, ...]

    @property
    def state(self) -> Literal["sent", "queued", "failed", "cancelled", "silent"]:
        """The best that is said of a copy (one that bounced has left); ``silent``: it was made out to nobody."""
        states = {copy.state for copy in self.copies}
        if states & {"sent", "bounced"}:
            return "sent"
        if "queued" in states:
            return "queued"
        if "cancelled" in states:
            return "cancelled"
        return "failed" if states else "silent"

    @property
    def unseen(self) -> bool:
        """Whether Odoo keeps it, and does not show this user what became of it."""
        return any(copy.unseen for copy in self.copies)

    @property
    def error(self) -> str:
        """Who did not get it, and why."""
        return "; ".join(f"{one.recipient}: {one.error}" for one in self.copies if one.error)


def look_up(
    transport: Transport, message_ids: Sequence[str], mails: bool, besides: Collection[int] = ()
) -> dict[str, Trace]:
    """What Odoo has of these Message-IDs, by page and not one by one; one that it does not have is left out.

    ``mails``: the user may read the mails themselves. ``besides`` are messages of earlier attempts. Raises HostError.
    """
    found: dict[str, Trace] = {}
    for start in range(0, len(message_ids), _PAGE):
        found.update(_look_up(transport, message_ids[start : start + _PAGE], mails, besides))
    return found


def _look_up(
    transport: Transport, message_ids: Sequence[str], mails: bool, besides: Collection[int]
) -> dict[str, Trace]:
    rows = [
        row
        for row in transport.call(
            "mail.message",
            "search_read",
            domain=[("message_id", "in", list(message_ids))],
            fields=["message_id", "message_type", "date"],
            order="id",
        )
        if row["id"] not in besides
    ]
    if not rows:
        return {}
    ids = [row["id"] for row in rows]
    copies: dict[int, list[Copy]] = defaultdict(list)
    aside = [row["id"] for row in rows if row["message_type"] in _ASIDE]
    if len(aside) < len(ids):
        _add_notified(transport, ids, copies)
    if aside and mails:
        _add_mailed(transport, aside, copies)
    for one in aside:
        # Odoo keeps it, but does not let this user see whether it has gone; or it has gone and was cleared away.
        copies[one] = copies[one] or [Copy("", "sent" if mails else "queued", unseen=not mails)]
    traces: dict[str, Trace] = {}
    for row in rows:
        _add(traces, row, row["id"], copies[row["id"]])
    return traces


def _add(traces: dict[str, Trace], row: Mapping[str, Any], number: int, copies: Iterable[Copy]) -> None:
    """Add the copies of one mail.message, whose id is ``number``: several may have one Message-ID."""
    at = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
    known = traces.get(row["message_id"], Trace(frozenset(), at, ()))
    traces[row["message_id"]] = Trace(known.ids | {number}, known.at, (*known.copies, *copies))


def _add_notified(transport: Transport, ids: Sequence[int], copies: Mapping[int, list[Copy]]) -> None:
    rows = transport.call(
        "mail.notification",
        "search_read",
        domain=[("mail_message_id", "in", list(ids))],
        fields=["mail_message_id", "res_partner_id", "notification_status", "failure_type", "failure_reason"],
        order="id",
    )
    addresses = _addresses(transport, rows)
    for row in rows:
        partner = row["res_partner_id"]
        name = (addresses.get(partner[0]) or partner[1]) if partner else ""
        state, status = _NOTIFIED.get(row["notification_status"], "queued"), row["notification_status"]
        bad = state in ("failed", "bounced")
        reason = " ".join(str(row["failure_reason"] or row["failure_type"] or status).split()) if bad else ""
        copies[row["mail_message_id"][0]].append(Copy(name, state, reason))


_NOTIFIED: Final[Mapping[str, State]] = {
    "sent": "sent",
    "bounce": "bounced",
    "exception": "failed",
    "canceled": "cancelled",
}


def _addresses(transport: Transport, rows: Iterable[Mapping[str, Any]]) -> dict[int, str]:
    wanted = sorted({row["res_partner_id"][0] for row in rows if row["res_partner_id"]})
    if not wanted:
        return {}
    partners = transport.call("res.partner", "read", wanted, fields=["email_normalized"], load="")
    return {row["id"]: row["email_normalized"] or "" for row in partners}


def look_at(transport: Transport, mails: Sequence[int]) -> dict[str, Trace]:
    """What became of these mails (mail.mail), by Message-ID. Raises HostError."""
    fields = ["mail_message_id", "message_id", "date", *_COPY]
    traces: dict[str, Trace] = {}
    for row in transport.call("mail.mail", "read", list(mails), fields=fields):
        _add(traces, row, row["mail_message_id"][0], [_copy(row)])
    return traces


def _add_mailed(transport: Transport, ids: Sequence[int], copies: Mapping[int, list[Copy]]) -> None:
    domain = [("mail_message_id", "in", list(ids))]
    for row in transport.call(
        "mail.mail", "search_read", domain=domain, fields=["mail_message_id", *_COPY], order="id"
    ):
        copies[row["mail_message_id"][0]].append(_copy(row))


def _copy(row: Mapping[str, Any]) -> Copy:
    state = _MAILED.get(row["state"], "queued")
    reason = " ".join(str(row["failure_reason"] or row["state"]).split()) if state == "failed" else ""
    return Copy(bare(row["email_to"] or row["email_cc"] or ""), state, reason)


_COPY: Final = ("state", "failure_reason", "email_to", "email_cc")
_MAILED: Final[Mapping[str, State]] = {"sent": "sent", "received": "sent", "exception": "failed", "cancel": "cancelled"}


def bare(address: str) -> str:
    """The address in ``"Name" <address>``, in lower case."""
    return address.rpartition("<")[2].rstrip("> ").strip().lower()
