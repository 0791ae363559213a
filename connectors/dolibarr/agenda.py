"""Events of the agenda: what is kept of each reminder on its invoice, and the claim that makes it the only one.

An event is written before the mail leaves, at 0 % and with the message's key in a field that Dolibarr keeps unique
(``relance_uid``, an extra field of events): whoever comes second is refused. What became of the mail is noted
afterwards: 100 % when it left; when it certainly did not, the event says so and gives the key back. An event that
stays at 0 % is a mail of which nobody knows whether it left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from relance_addon.connectors.dolibarr.rest import Denied, Rest, Row, rows, saying
from relance_addon.connectors.dolibarr.values import identifier
from relance_addon.core.errors import HostError, Refused
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Outgoing
from relance_addon.hosts.traces import Taken, Trace

UID: Final = "relance_uid"
"""The extra field of events, varchar(64) and unique, that an administrator makes once."""
SENT: Final = "AC_BILL_SENTBYMAIL"
"""Dolibarr's own code of a mail that was sent from an invoice."""
_MAIL: Final = "AC_EMAIL"
_DONE: Final = 100
_NOT_APPLICABLE: Final = -1
_LONGEST: Final = 128
"""Dolibarr cuts a label after so many characters."""
_DUPLICATE: Final = ("Duplicate entry", "duplicate key")
_NOT_SENT: Final = {"fr": "Non envoyé : ", "en": "Not sent: "}


class Unchanged(Refused):
    """An event is as it was, and Dolibarr does not say why."""


class Agenda:
    """Writes and finds events as one user."""

    def __init__(self, rest: Rest, owner: int, zone: ZoneInfo, language: str, kind: str = "") -> None:
        """``owner``: the user's id. ``language``: of the few words of ours. ``kind``: the code of a to-do's type."""
        self._rest, self._owner, self._zone, self._kind = rest, owner, zone, kind
        self._users: dict[str, int] = {}
        self._unique: bool | None = None
        self._not_sent = _NOT_SENT.get(language, _NOT_SENT["en"])

    @property
    def unique(self) -> bool | None:
        """Whether Dolibarr keeps our keys unique; None as long as that cannot be known."""
        if self._unique is None:
            try:
                self.events(f"(ef.{UID}:=:'-')", limit=1)
                self._unique = True
            except Refused:
                # There is no such field, or this version cannot look for one: what was written will tell.
                pass
        return self._unique

    @property
    def repeats(self) -> bool:
        """Whether Dolibarr is known to take a key twice."""
        return self._unique is False

    def reserve(self, message: Outgoing) -> str:
        """The id of the event of a mail that is about to leave. Raises Taken where there is one, and HostError."""
        to, cc, bcc = message.recipients
        return self._write(
            message,
            {
                "type_code": _MAIL,
                "code": SENT,
                "datep": int(message.sent_at.timestamp()),
                "percentage": 0,
                "userownerid": self._owner,
                # Dolibarr empties what stands in angle brackets.
                "email_from": _plain([message.sender]),
                "email_to": _plain(to),
                "email_tocc": _plain(cc),
                "email_tobcc": _plain(bcc),
                "email_subject": message.subject,
            },
        )

    def to_do(self, message: Outgoing) -> str:
        """Make a to-do for the user whose address is the message's sender; what there is to say of it.

        Raises Taken, and HostError.
        """
        owner = self._user(message.sender.email)
        try:
            self._write_to_do(message, owner)
        except Denied:
            self._write_to_do(message, 0)
            return "made for the robot itself: it lacks the right to make events for others"
        return "" if owner else f"no user of Dolibarr that we may see has the address {message.sender.email}"

    def trace(self, message: Outgoing) -> Trace | None:
        """What there is of a message."""
        return self.find([message.message_id]).get(message.message_id)

    def done(self, event: str, message: Outgoing) -> None:
        """Note that the mail left. May be repeated. Raises HostError."""
        self._change(event, {"percentage": _DONE, "label": _label(message.subject)})

    def give_up(self, event: str, message: Outgoing, why: str) -> None:
        """Note that the mail did not leave, and give its key back. May be repeated. Raises HostError."""
        values: dict[str, Any] = {
            "percentage": _NOT_APPLICABLE,
            "label": _label(self._not_sent + message.subject),
            "note_private": f"<p>{escape(why)}</p>{_note(message)}",
        }
        key = {} if self._unique is False else {"array_options": {f"options_{UID}": f"{message.key}:{event}"}}
        try:
            self._change(event, {**values, **key})
        except Unchanged:
            # Where there is no such field, Dolibarr changes nothing at all.
            if self._unique is not None:
                raise
            self._change(event, values)

    def mention(self, message: Outgoing) -> None:
        """Note on the other invoices of a message that it was about them too. Raises HostError."""
        first = message.claims[0]
        for claim in message.claims[1:]:
            body = {
                "type_code": _MAIL if message.channel == "mail" else "AC_OTH",
                "code": SENT if message.channel == "mail" else "AC_OTH",
                "label": _label(message.subject),
                "note_private": f"<p>{escape(first.number)}</p>{_note(message)}",
                "datep": int(message.sent_at.timestamp()),
                "percentage": _NOT_APPLICABLE,
                "userownerid": self._owner,
                "socid": message.client,
                "fk_element": int(claim.invoice),
                "elementtype": "invoice",
            }
            self._rest.write("POST", "agendaevents", body)

    def find(self, message_ids: Sequence[str]) -> dict[str, Trace]:
        """What there is of these Message-IDs: the best of the events of each, whatever its attempts came to."""
        found: dict[str, Trace] = {}
        wanted = {_bare(one): one for one in message_ids}
        for where in saying("t.email_msgid", [*wanted]):
            for row in self.events(where):
                message_id = wanted.get(str(row.get("email_msgid")))
                if message_id is not None:
                    found[message_id] = _best(found.get(message_id), _trace(row))
        return found

    def events(self, where: str, limit: int = 0, order: str = "ASC") -> list[Row]:
        """The events that ``where`` (sqlfilters) holds for, in order of id."""
        named = "id,label,percentage,email_msgid,datep,array_options"
        return rows(
            self._rest, "agendaevents", sortfield="t.id", sortorder=order, limit=limit, sqlfilters=where,
            properties=named,
        )  # fmt: skip

    def _write(self, message: Outgoing, values: Mapping[str, Any]) -> str:
        if not self.unique:
            trace = self.find([message.message_id]).get(message.message_id)
            if trace is not None and trace.state != "given_up":
                raise Taken(f"there is an event of it already: {trace.id}")
        body = {
            "label": _label(message.subject),
            "note_private": _note(message),
            "socid": message.client,
            "fk_element": int(message.invoices[0]),
            "elementtype": "invoice",
            "ref_ext": f"relance:{message.key}",
            "email_msgid": _bare(message.message_id),
            "array_options": {f"options_{UID}": message.key},
            **values,
        }
        try:
            event = str(self._rest.write("POST", "agendaevents", body))
        except Refused as error:
            if any(words in str(error) for words in _DUPLICATE):
                raise Taken(str(error)) from error
            raise
        if self._unique is None:
            self._learn(event)
        return event

    def _learn(self, event: str) -> None:
        """Look at an event that was just written: it is there, whether or not this can be read."""
        with suppress(HostError):
            self._unique = keeps_uid(self._rest.get(f"agendaevents/{event}"))

    def _write_to_do(self, message: Outgoing, owner: int) -> None:
        noon = datetime(message.day.year, message.day.month, message.day.day, 12, tzinfo=self._zone)
        self._write(
            message,
            {
                "type_code": self._kind,
                "code": self._kind,
                "datep": int(noon.timestamp()),
                "fulldayevent": 1,
                "percentage": 0,
                "userownerid": owner or self._owner,
            },
        )

    def _user(self, email: str) -> int:
        """The id of the user who has an address; 0 where none is seen."""
        if email.lower() not in self._users:
            self._users[email.lower()] = 0
            with suppress(Denied):
                for where in saying("t.email", [email]):
                    for row in rows(self._rest, "users", sqlfilters=where, properties="id,email"):
                        self._users[str(row.get("email")).lower()] = identifier(row["id"])
        return self._users[email.lower()]

    def _change(self, event: str, values: Mapping[str, Any]) -> None:
        if self._rest.write("PUT", f"agendaevents/{event}", {"userownerid": self._owner, **values}) is False:
            raise Unchanged(f"Dolibarr did not change the event {event}, and does not say why")


def who_am_i(rest: Rest) -> int:
    """The id of the user whose key this is; 0 where Dolibarr does not say it. Nothing is written. Raises HostError.

    A user may not see itself without a right of its own; what it may not do for another, Dolibarr refuses by its id.
    """
    try:
        return int(rest.get("users/info")["id"])
    except (Refused, KeyError, TypeError, ValueError):
        pass
    try:
        rest.write("POST", "agendaevents", {"userownerid": -1})
    except Refused as error:
        said = str(error).rpartition("Your id is ")
        return int(said[2]) if said[1] and said[2].strip().isdecimal() else 0
    return 0


def keeps_uid(event: Row) -> bool:
    """Whether an event that was read has the extra field of our key."""
    options = event.get("array_options")
    return isinstance(options, Mapping) and f"options_{UID}" in options


def _trace(row: Row) -> Trace:
    number, options = str(row["id"]), row.get("array_options")
    if str(row.get("percentage")) == str(_DONE):
        return Trace(number, "done")
    # A person may set an event to anything: only we give a key back, and say so.
    key = str(options.get(f"options_{UID}")) if isinstance(options, Mapping) else ""
    ours = key.endswith(f":{number}") or str(row.get("label")).startswith(tuple(_NOT_SENT.values()))
    return Trace(number, "given_up" if ours else "under_way")


_BEST: Final = ("done", "under_way", "given_up")


def _best(one: Trace | None, other: Trace) -> Trace:
    return other if one is None else min(one, other, key=lambda trace: _BEST.index(trace.state))


def _bare(message_id: str) -> str:
    return message_id.strip("<>")


def _plain(people: Iterable[Address]) -> str:
    return ", ".join(one.email for one in people)


def _label(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _note(message: Outgoing) -> str:
    """The text as the simplest HTML, with the names of the files."""
    files = "".join(f"<li>{escape(one.name)}</li>" for one in message.attachments)
    text = escape(message.text.strip()).replace("\n", "<br>")
    return f"<p>{text}</p>" + (f"<ul>{files}</ul>" if files else "")
