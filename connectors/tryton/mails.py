"""Mails that Tryton sends by its own mail server and keeps on the invoice (``ir.email.send``).

Tryton commits the mail it keeps before it hands it over, and does not tell whom its mail server refuses then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from relance_addon.connectors.tryton.notes import MAIL, Notes, hidden_mark
from relance_addon.connectors.tryton.rpc import Broken, Rpc
from relance_addon.core.errors import HostError, Unreachable
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.faults import NotDone

_BODY: Final = re.compile(r"<body[^>]*>(.*)</body>", re.DOTALL | re.IGNORECASE)


class Mails:
    """Sends mails as one user, from that user's address."""

    def __init__(self, rpc: Rpc, notes: Notes, sender: str) -> None:
        """``sender``: the address of the user, empty for none."""
        self._rpc, self._notes, self._sender = rpc, notes, sender

    def unable(self, message: Outgoing) -> str:
        """Why Tryton cannot send this one; empty: it can."""
        if message.sender.email.lower() == self._sender.lower():
            return ""
        whose = f"Tryton sends from the user's address, {self._sender or 'which is empty'}"
        return f'{whose}, not from {message.sender.email}: set that address, or mail = "smtp"'

    def send(self, message: Outgoing, note: str) -> Posted:
        """Have Tryton send a mail that has a note (its id). Raises HostError where it certainly did not."""
        to, cc, bcc = message.recipients
        files = [[one.name, one.content] for one in message.attachments]
        record = ["account.invoice", int(message.invoices[0])]
        try:
            self._rpc.write(
                f"model.{MAIL}.send", _people(to), _people(cc), _people(bcc), message.subject, _body(message, note),
                files, record, [], [],
            )  # fmt: skip
        except Broken as error:
            return self._broken(message, note, error)
        except NotDone:
            raise
        except Unreachable as error:
            return Posted(message.key, "in_doubt", str(error))
        return Posted(message.key, "sent")

    def _broken(self, message: Outgoing, note: str, error: Broken) -> Posted:
        """Where Tryton keeps the mail all the same, it failed after that: in handing it over."""
        try:
            kept = self._notes.mailed(message, note)
        except HostError:
            kept = True
        if kept:
            return Posted(message.key, "in_doubt", str(error))
        raise Unreachable(f"nothing was sent: {error}") from error


def _people(people: Iterable[Address]) -> str:
    return ", ".join(map(str, people))


def _body(message: Outgoing, note: str) -> str:
    """What is within the page: Tryton puts it into one of its own."""
    found = _BODY.search(message.html)
    return (found[1].strip() if found else message.html) + hidden_mark(message.key, note)
