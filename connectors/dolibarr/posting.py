"""A batch of messages on its way. Each mail by itself: claimed in the agenda, its invoices looked at, sent, noted.

So a process that dies leaves at most one mail of which nobody knows whether it left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from relance_addon.connectors.dolibarr.agenda import Agenda, Taken, Trace
from relance_addon.connectors.dolibarr.rest import Denied
from relance_addon.core.errors import HostError, Unreachable
from relance_addon.core.model import Invoice, Problem
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.faults import NotDone
from relance_addon.hosts.port import Mailer

_STANDING: Final = {"open", "disputed"}
"""What may be reminded of, by hand at least."""
Look = Callable[[Sequence[str]], Sequence[Invoice]]
"""Reads invoices as they are now, in one call. Raises HostError."""


class Unnoted(NamedTuple):
    """A mail of which Dolibarr could not be told what became."""

    event: str
    message: Outgoing
    failure: str


class Desk:
    """Posts messages, and keeps what is still to be noted of them."""

    def __init__(self, agenda: Agenda, mailer: Mailer | None, look: Look) -> None:
        self._agenda, self._mailer, self._look = agenda, mailer, look
        self._left: list[Unnoted] = []
        self._problems: list[Problem] = []

    def mails(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Send mails: one outcome each, in order."""
        return _in_turn(messages, self._mail)

    def to_dos(self, messages: Sequence[Outgoing], kind: str, users: Mapping[str, int]) -> list[Posted]:
        """Make to-dos of the type ``kind`` for the ``users`` (ids, by address in lower case) who are their senders."""
        return _in_turn(messages, lambda message: self._to_do(message, kind, users))

    def finish(self) -> list[Problem]:
        """Note what could not be noted before; what still cannot."""
        for one in self._left:
            try:
                self._note(one)
            except HostError as error:
                text = f"the event {one.event} in Dolibarr does not say what became of the reminder: {error}"
                self._problems.append(Problem(one.message.claims[0].number, "", text))
        self._left = []
        found, self._problems = self._problems, []
        return found

    def _mail(self, message: Outgoing) -> Posted:
        """Raises HostError where nothing was sent."""
        if self._mailer is None:
            return Posted(message.key, "failed", "no mail server: set mail.smtp", tried=False)
        try:
            # Where no answer comes, the event may have been written: whoever comes next finds it, in doubt.
            event = self._agenda.reserve(message)
        except Taken:
            return self._taken(message)
        changed = self._changed(event, message)
        if changed:
            self._settle(Unnoted(event, message, changed))
            return Posted(message.key, "failed", changed, tried=False)
        (posted,) = self._mailer.send([message])
        if posted.state == "failed":
            self._settle(Unnoted(event, message, posted.error))
            if not posted.tried:
                raise Unreachable(posted.error)
        elif posted.state != "in_doubt":
            self._settle(Unnoted(event, message, ""))
            self._mention(message)
        return posted

    def _to_do(self, message: Outgoing, kind: str, users: Mapping[str, int]) -> Posted:
        owner = users.get(message.sender.email.lower(), 0)
        note = "" if owner else f"no user of Dolibarr that we may see has the address {message.sender.email}"
        try:
            try:
                self._agenda.to_do(message, kind, owner)
            except Denied:
                self._agenda.to_do(message, kind, 0)
                note = "made for the robot itself: it lacks the right to make events for others"
        except Taken:
            return Posted(message.key, "sent")
        except NotDone:
            raise
        except Unreachable as error:
            return Posted(message.key, "in_doubt", str(error))
        self._mention(message)
        return Posted(message.key, "sent", note)

    def _taken(self, message: Outgoing) -> Posted:
        trace: Trace | None = self._agenda.find([message.message_id]).get(message.message_id)
        if trace is not None and trace.state == "done":
            return Posted(message.key, "sent")
        return Posted(message.key, "in_doubt", "another run left an event of it in Dolibarr that says nothing yet")

    def _changed(self, event: str, message: Outgoing) -> str:
        """Why a message must not leave any more; empty: it may. Gives the event up where that cannot be known."""
        try:
            now = {one.id: one for one in self._look(message.invoices)}
        except HostError as error:
            self._settle(Unnoted(event, message, str(error)))
            raise
        for claim in message.claims:
            one = now.get(claim.invoice)
            if one is None or one.status not in _STANDING:
                return f"changed meanwhile: {claim.number}: {one.status if one else 'gone'}"
            if one.residual != claim.residual:
                return f"changed meanwhile: {claim.number}: {one.residual} {one.currency} remain"
        return ""

    def _settle(self, one: Unnoted) -> None:
        try:
            self._note(one)
        except HostError:
            self._left.append(one)

    def _note(self, one: Unnoted) -> None:
        if one.failure:
            self._agenda.give_up(one.event, one.message, one.failure)
        else:
            self._agenda.done(one.event, one.message)

    def _mention(self, message: Outgoing) -> None:
        try:
            self._agenda.mention(message)
        except HostError as error:
            text = f"the reminder is not noted on every invoice that it is about: {error}"
            self._problems.append(Problem(message.claims[0].number, "", text))


def _in_turn(messages: Sequence[Outgoing], attempt: Callable[[Outgoing], Posted]) -> list[Posted]:
    """One after the other. Once Dolibarr or the mail server is out of reach, what is left is not tried."""
    outcomes: list[Posted] = []
    broken = ""
    for message in messages:
        if broken:
            outcomes.append(Posted(message.key, "failed", broken, tried=False))
            continue
        try:
            outcomes.append(attempt(message))
            if outcomes[-1].state == "in_doubt" and message.channel != "mail":
                # Dolibarr gave no answer, and the next one would wait for it as long.
                broken = f"not tried, because another message met: {outcomes[-1].error}"
        except Unreachable as error:
            outcomes.append(Posted(message.key, "failed", str(error), tried=False))
            broken = f"not tried, because another message met: {str(error).removeprefix('not tried: ')}"
        except HostError as error:
            outcomes.append(Posted(message.key, "failed", str(error)))
    return outcomes
