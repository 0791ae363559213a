"""Mails one by one on hosts that cannot send and keep a mail in one go: a trace first, then the mail.

Each is claimed by its trace on the host, its invoices are looked at, it is sent, and what became of it is noted. So a
process that dies leaves at most one mail of which nobody knows whether it left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, Protocol

from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Invoice, Problem
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.core.schedule import parts
from relance_addon.hosts.faults import NotDone
from relance_addon.hosts.port import Mailer

_STANDING: Final = {"open", "disputed"}
"""What may be reminded of, by hand at least."""
Look = Callable[[Sequence[str]], Sequence[Invoice]]
"""Reads invoices as they are now, in one call. Raises HostError."""
Send = Callable[[Outgoing, str], Posted]
"""Sends a mail that has a trace (its id). Raises HostError where it certainly did not leave."""


class Taken(Refused):
    """Another trace claims this message."""


class Trace(NamedTuple):
    """What the host keeps of a message: whether it is still under way, or done, or was given up."""

    id: str
    state: Literal["under_way", "done", "given_up"]


class Book(Protocol):
    """Where a host keeps its traces. Every method raises HostError."""

    def reserve(self, message: Outgoing) -> str:
        """The id of the trace of a mail that is about to leave; Taken where there is one."""
        ...

    def to_do(self, message: Outgoing) -> str:
        """Make an activity; what there is to say of it. Taken where there is one."""
        ...

    def trace(self, message: Outgoing) -> Trace | None:
        """What there is of a message."""
        ...

    def done(self, trace: str, message: Outgoing) -> None:
        """Note that the mail left. May be repeated."""
        ...

    def give_up(self, trace: str, message: Outgoing, why: str) -> None:
        """Note that the mail did not leave, and let it be claimed again. May be repeated."""
        ...

    def mention(self, message: Outgoing) -> None:
        """Note on the other invoices of a message that it was about them too."""
        ...


class Unnoted(NamedTuple):
    """A mail of which the host could not be told what became."""

    trace: str
    message: Outgoing
    failure: str


class Dispatch:
    """Posts messages, and keeps what is still to be noted of them."""

    def __init__(self, book: Book, send: Send | None, look: Look, software: str) -> None:
        """``software``: the host's, for people."""
        self._book, self._send, self._look, self._software = book, send, look, software
        self._left: list[Unnoted] = []
        self._problems: list[Problem] = []

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Send mails and make activities: one outcome each, in order."""
        mails = _in_turn([one for one in messages if one.channel == "mail"], self._mail)
        others = _in_turn([one for one in messages if one.channel != "mail"], self._to_do)
        outcomes = {one.key: one for one in (*mails, *others)}
        return [outcomes[message.key] for message in messages]

    def finish(self) -> list[Problem]:
        """Note what could not be noted before; what still cannot."""
        for one in self._left:
            try:
                self._note(one)
            except HostError as error:
                text = f"{self._software} does not say what became of the reminder, in {one.trace}: {error}"
                self._problems.append(Problem(one.message.claims[0].number, "", text))
        self._left = []
        found, self._problems = self._problems, []
        return found

    def _mail(self, message: Outgoing) -> Posted:
        """Raises HostError where nothing was sent."""
        if self._send is None:
            return Posted(message.key, "failed", "no mail server: set mail.smtp", tried=False)
        try:
            # Where no answer comes, the trace may have been written: whoever comes next finds it, in doubt.
            trace = self._book.reserve(message)
        except Taken:
            return self._taken(message)
        changed = self._changed(trace, message)
        if changed:
            self._settle(Unnoted(trace, message, changed))
            return Posted(message.key, "failed", changed, tried=False)
        try:
            posted = self._send(message, trace)
        except HostError as error:
            self._settle(Unnoted(trace, message, str(error)))
            raise
        if posted.state == "failed":
            self._settle(Unnoted(trace, message, posted.error))
            if not posted.tried:
                raise Unreachable(posted.error)
        elif posted.state != "in_doubt":
            self._settle(Unnoted(trace, message, ""))
            self._mention(message)
        return posted

    def _to_do(self, message: Outgoing) -> Posted:
        try:
            note = self._book.to_do(message)
        except Taken:
            return Posted(message.key, "sent")
        except NotDone:
            raise
        except Unreachable as error:
            return Posted(message.key, "in_doubt", str(error))
        self._mention(message)
        return Posted(message.key, "sent", note)

    def _taken(self, message: Outgoing) -> Posted:
        trace = self._book.trace(message)
        if trace is not None and trace.state == "done":
            return Posted(message.key, "sent")
        why = f"another run left a trace of it in {self._software} that says nothing yet"
        return Posted(message.key, "in_doubt", why)

    def _changed(self, trace: str, message: Outgoing) -> str:
        """Why a message must not leave any more; empty: it may. Gives the trace up where that cannot be known."""
        try:
            now = {one.id: one for one in self._look(message.invoices)}
        except HostError as error:
            self._settle(Unnoted(trace, message, str(error)))
            raise
        for claim in message.claims:
            one = now.get(claim.invoice)
            if one is None or one.status not in _STANDING:
                return f"changed meanwhile: {claim.number}: {one.status if one else 'gone'}"
            asked = {part.rank: part.asked for part in parts(one, message.day)}
            if asked.get(claim.instalment) != claim.residual:
                return f"changed meanwhile: {claim.number}: {one.residual} {one.currency} remain"
        return ""

    def _settle(self, one: Unnoted) -> None:
        try:
            self._note(one)
        except HostError:
            self._left.append(one)

    def _note(self, one: Unnoted) -> None:
        if one.failure:
            self._book.give_up(one.trace, one.message, one.failure)
        else:
            self._book.done(one.trace, one.message)

    def _mention(self, message: Outgoing) -> None:
        if len(message.claims) == 1:
            return
        try:
            self._book.mention(message)
        except HostError as error:
            text = f"the reminder is not noted on every invoice that it is about: {error}"
            self._problems.append(Problem(message.claims[0].number, "", text))


def by(mailer: Mailer | None) -> Send | None:
    """Sending by our own mail server."""
    return None if mailer is None else lambda message, _: mailer.send([message])[0]


def _in_turn(messages: Sequence[Outgoing], attempt: Callable[[Outgoing], Posted]) -> list[Posted]:
    """One after the other. Once the host or the mail server is out of reach, what is left is not tried."""
    outcomes: list[Posted] = []
    broken = ""
    for message in messages:
        if broken:
            outcomes.append(Posted(message.key, "failed", broken, tried=False))
            continue
        try:
            outcomes.append(attempt(message))
            if outcomes[-1].state == "in_doubt" and message.channel != "mail":
                # The host gave no answer, and the next one would wait for it as long.
                broken = f"not tried, because another message met: {outcomes[-1].error}"
        except Unreachable as error:
            outcomes.append(Posted(message.key, "failed", str(error), tried=False))
            broken = f"not tried, because another message met: {str(error).removeprefix('not tried: ')}"
        except HostError as error:
            outcomes.append(Posted(message.key, "failed", str(error)))
    return outcomes
