"""Notes on invoices: what is kept of each reminder, and the claim that makes it the only one.

A note is written before the mail leaves, with the message's key in its last line. Nothing in Tryton refuses a second
one, so whoever has written a note looks for others of the same key, and sends only where there is none. Of two at the
same moment at least one sees the other's, for each looks after its own was committed; the later one gives way.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, Literal

from relance_addon.connectors.tryton.records import Record, Records
from relance_addon.connectors.tryton.rpc import Rpc
from relance_addon.core.errors import HostError
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Mark, Outgoing
from relance_addon.hosts.traces import Taken, Trace

State = Literal["under_way", "done", "given_up"]

NOTE: Final = "ir.note"
MAIL: Final = "ir.email"
_MARK: Final = re.compile(r"relance:([^\s:]+):(under_way|done|given_up)")
_HIDDEN: Final = re.compile(r"<!-- relance:([^\s:]+):(\d+) -->")
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"to": "To", "cc": "Cc", "bcc": "Bcc", "files": "Files", "with": "Together with", "by": "To do by",
           "for": "for", "given_up": "Not sent", "under_way": "Being sent"},
    "fr": {"to": "À", "cc": "Cc", "bcc": "Cci", "files": "Fichiers", "with": "Avec", "by": "À faire le",
           "for": "pour", "given_up": "Non envoyé", "under_way": "Envoi en cours"},
}  # fmt: skip
_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Seconds between looks, while others give way."""
_BEST: Final = ("done", "under_way", "given_up")


class Notes:
    """Writes and finds notes as one user."""

    def __init__(self, rpc: Rpc, records: Records, language: str, sleep: Callable[[float], None] = time.sleep) -> None:
        """``language``: of the few words of ours."""
        self._rpc, self._records, self._sleep = rpc, records, sleep
        self._words = _WORDS.get(language, _WORDS["en"])

    def reserve(self, message: Outgoing) -> str:
        """The id of the note of a mail that is about to leave. Raises Taken where there is one, and HostError."""
        return self._claim(message, f"{self._words['under_way']} : {self._text(message)}")

    def to_do(self, message: Outgoing) -> str:
        """Write a note that says by when, for Tryton has no to-dos. Raises Taken where there is one, and HostError."""
        words = self._words
        told = (
            f"{words['by']} {message.day} {words['for']} {message.sender} : {message.subject}\n\n{message.text}".strip()
        )
        self._replace(self._claim(message, told), message, f"{told}\n{_mark(message.key, 'done')}")
        return ""

    def trace(self, message: Outgoing) -> Trace | None:
        """What there is of a message."""
        return self.find([message.mark]).get(message.key)

    def done(self, trace: str, message: Outgoing) -> None:
        """Note that the mail left. May be repeated. Raises HostError."""
        self._replace(trace, message, f"{self._text(message)}\n{_mark(message.key, 'done')}")

    def give_up(self, trace: str, message: Outgoing, why: str) -> None:
        """Note that the mail did not leave, and let it be claimed again. May be repeated. Raises HostError."""
        told = f"{self._words['given_up']} : {message.subject}"
        self._replace(trace, message, "\n".join((told, why, _mark(message.key, "given_up"))))

    def mention(self, message: Outgoing) -> None:
        """Note on the other invoices of a message that it was about them too. Raises HostError."""
        text = f"{self._words['with']} {message.claims[0].number} : {self._text(message)}"
        self._write([(invoice, text) for invoice in message.invoices[1:]])

    def find(self, marks: Iterable[Mark]) -> dict[str, Trace]:
        """What there is of these messages, by key: the best of the notes of each, whatever its attempts came to.

        Of one whose note says nothing yet, the mail that Tryton keeps says that it left.
        """
        wanted = {mark.key: mark for mark in marks}
        found: dict[str, Trace] = {}
        for key, one in self._all(wanted.values()):
            found[key] = _best(found.get(key), one)
        silent = {key: one for key, one in found.items() if one.state == "under_way"}
        if silent:
            kept = self._mailed([_resource(wanted[key].invoices[0]) for key in silent])
            found.update((key, one._replace(state="done")) for key, one in silent.items() if (key, one.id) in kept)
        return found

    def standing(self, marks: Iterable[Mark]) -> Iterator[tuple[str, str]]:
        """The key and id of every note of these messages that was not given up."""
        return ((key, one.id) for key, one in self._all([*marks]) if one.state != "given_up")

    def _all(self, marks: Collection[Mark]) -> Iterator[tuple[str, Trace]]:
        keys, resources = {mark.key for mark in marks}, [_resource(mark.invoices[0]) for mark in marks]
        for row in self._records.search(NOTE, _marked("message", resources), ("message",)):
            for key, state in _marks(row):
                if key in keys:
                    yield key, Trace(str(row["id"]), state)

    def mailed(self, message: Outgoing, note: str) -> bool:
        """Whether Tryton keeps a mail of this message that was sent under that note. Raises HostError."""
        return (message.key, note) in self._mailed([_resource(message.invoices[0])])

    def _mailed(self, resources: Sequence[str]) -> set[tuple[str, str]]:
        rows = self._records.search(MAIL, _marked("body", resources), ("body",))
        return {match for row in rows for match in _HIDDEN.findall(row["body"] or "")}

    def _claim(self, message: Outgoing, text: str) -> str:
        (note,) = self._write([(message.invoices[0], f"{text}\n{_mark(message.key, 'under_way')}")])
        try:
            alone = self._alone(message, note)
        except HostError:
            # Nothing will leave under this note; where it cannot be taken back, it is in doubt all the same.
            with suppress(HostError):
                self._delete(str(note))
            raise
        if not alone:
            self._delete(str(note))
            raise Taken(f"there is a note of it already on {message.claims[0].number}")
        return str(note)

    def _alone(self, message: Outgoing, note: int) -> bool:
        """Whether no other note claims a message. The first of several waits for the others, who give theirs up."""
        for pause in (*_PAUSES, 0.0):
            rivals = self._rivals(message, note)
            if not rivals:
                return True
            if min(rivals) < note or "done" in rivals.values():
                return False
            self._sleep(pause)
        return False

    def _rivals(self, message: Outgoing, note: int) -> dict[int, State]:
        """The other notes of a message that were not given up."""
        found = {int(one.id): one.state for _, one in self._all([message.mark]) if one.state != "given_up"}
        return {other: state for other, state in found.items() if other != note}

    def _write(self, notes: Sequence[tuple[str, str]]) -> list[int]:
        made = [{"resource": _resource(invoice), "message": text} for invoice, text in notes]
        found: list[int] = self._rpc.write(f"model.{NOTE}.create", made)
        return found

    def _replace(self, note: str, message: Outgoing, text: str) -> None:
        """From 8.2 on nobody changes a note: another is written, and then the first one goes."""
        self._write([(message.invoices[0], text)])
        self._delete(note)

    def _delete(self, note: str) -> None:
        self._rpc.write(f"model.{NOTE}.delete", [int(note)])

    def _text(self, message: Outgoing) -> str:
        words, lines = self._words, [message.subject]
        for word, people in zip(("to", "cc", "bcc"), message.recipients, strict=True):
            if people:
                lines.append(f"{words[word]} : {_people(people)}")
        if message.attachments:
            lines.append(f"{words['files']} : {', '.join(one.name for one in message.attachments)}")
        return "\n".join((*lines, "", message.text.strip(), ""))


def hidden_mark(key: str, note: str) -> str:
    """What stands in a mail's text so that the mail can be found by its key and note, and that nobody is shown."""
    return f"<!-- relance:{key}:{note} -->"


def _mark(key: str, state: State) -> str:
    return f"relance:{key}:{state}"


def _marks(row: Record) -> Iterator[tuple[str, State]]:
    """Our own last line alone: a text may quote another's."""
    last = (row["message"] or "").rstrip().rpartition("\n")[2]
    match = _MARK.fullmatch(last)
    if match:
        yield match[1], match[2]  # type: ignore[misc]  # the expression knows three states


def _marked(field: str, resources: Sequence[str]) -> list[object]:
    return [["resource", "in", sorted(set(resources))], [field, "like", "%relance:%"]]


def _resource(invoice: str) -> str:
    return f"account.invoice,{int(invoice)}"


def _best(one: Trace | None, other: Trace) -> Trace:
    return other if one is None else min(one, other, key=lambda trace: _BEST.index(trace.state))


def _people(people: Sequence[Address]) -> str:
    return ", ".join(one.email for one in people)
