"""What a received mail says of a message of ours: bounced, delivered, complained about. Bytes in, events out.

Reports are read by their standards: RFC 3464 (delivery status, in a multipart/report of RFC 6522) and RFC 5965
(complaints). What older servers write as they please is left to flufl.bounce.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.parser import BytesParser, HeaderParser
from email.utils import getaddresses, parseaddr, parsedate_to_datetime
from typing import Final, NamedTuple

from flufl.bounce import all_failures

from relance_addon.core.records import Happened

HEADERS: Final = ("From", "Content-Type", "X-Failed-Recipients")
"""The headers that ``looks_like_one`` goes by."""
LONGEST: Final = 200
"""Characters of a server's reason that are kept."""

_DAEMON: Final = re.compile(r"(?:mailer|mail)[-_.]?(?:daemon|delivery)|mdaemon|postmaster|microsoftexchange", re.I)
_EVENTS: Final = {
    **dict.fromkeys(("failed", "error"), "bounced"),  # "error" is opensmtpd's
    **dict.fromkeys(("delivered", "relayed", "expanded"), "delivered"),
    "delayed": "",
}
"""Actions of RFC 3464, 2.3.3, by what they mean here; a delay is no event, for it is tried again."""
_BY_CLASS: Final = {"5": "bounced", "2": "delivered"}
_COMPLAINTS: Final = frozenset({"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list"})
"""Feedback types of RFC 5965 that a person gave; not-spam, auth-failure and dmarc are no complaints."""
_STATUS: Final = re.compile(r"(?<![\w.])[245]\.\d{1,3}\.\d{1,3}(?![\w]|\.\d)")
_CODE: Final = re.compile(r"(?<![\w.])[45]\d\d(?=[ -]|$)")
_ID: Final = re.compile(r"<[^<>\s@]+@[^<>\s@]+>")
_FIELD: Final = re.compile(r"[!-9;-~]+:")
_OWN_ID: Final = re.compile(r"^Message-ID:", re.I | re.M)
_BLANK_LINE: Final = re.compile(r"\r?\n[ \t]*\r?\n")
_RETURNED: Final = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_STATUSES: Final = ("message/delivery-status", "message/global-delivery-status")


class Reading(NamedTuple):
    """What a mail says: nothing, for one that is not about ours. ``problem``: why one about ours says nothing."""

    events: Sequence[Happened] = ()
    problem: str = ""


class _Fate(NamedTuple):
    """What a report says of one recipient, who may be known by several addresses."""

    event: str
    addresses: tuple[str, ...] = ()
    detail: str = ""


class _Letter(NamedTuple):
    """A mail taken apart: its parts, what it says in words, and the headers of the message that it returns."""

    mail: Message
    parts: Sequence[Message]
    words: str
    original: Message | None


def looks_like_one(mail: Message) -> bool:
    """Whether the headers are those of a report or of a mail server's letter. Answers of people and robots are not."""
    if mail.get_content_type() == "multipart/report":
        return str(mail.get_param("report-type", "")).lower() != "disposition-notification"
    local = parseaddr(str(mail.get("From", "")))[1].partition("@")[0]
    return "X-Failed-Recipients" in mail or _DAEMON.match(local) is not None


def read(raw: bytes, ours: AbstractSet[str], arrived: datetime) -> Reading:
    """The events of a received mail about the messages ``ours`` (Message-IDs, in brackets). Never raises.

    ``arrived`` (aware) stands in for a date that is missing or absurd.
    """
    try:
        mail = BytesParser().parsebytes(raw)
        return _read(_taken_apart(mail), ours, arrived) if looks_like_one(mail) else Reading()
    except Exception as error:  # noqa: BLE001 - what strangers write makes parsers stumble in ways of their own
        mentioned = ours & set(_ID.findall(raw.decode("latin-1")))
        return Reading(problem=f"cannot be read: {type(error).__name__}" if mentioned else "")


def _read(letter: _Letter, ours: AbstractSet[str], arrived: datetime) -> Reading:
    message_id = _message_id(letter, ours)
    if not message_id:
        return Reading()
    fates = _complaint(letter) or list(_reported(letter)) or list(_guessed(letter))
    if not fates:
        return Reading(problem="says nothing that can be used") if letter.original else Reading()
    at = _when(letter.mail, arrived)
    people = _people(letter.original)
    events = []
    for fate in fates:
        recipient = _recipient(fate.addresses, people, letter.words)
        if fate.event and not recipient and fate.event != "complained":
            return Reading(problem="does not say whose address it is about")
        if fate.event:
            events.append(Happened(message_id, fate.event, at, recipient, fate.detail))
    return Reading(events)


# Its parts


def _taken_apart(mail: Message) -> _Letter:
    parts = list(_parts(mail))
    written = [part for part in parts if part.get_content_maintype() == "text"]
    text = "\n\n".join(_decoded(part) for part in written if part.get_content_type() not in _RETURNED)
    for part in parts:
        if part.get_content_type() in _RETURNED:
            content = part.get_payload()
            inner = content[0] if isinstance(content, list) and content else None
            if isinstance(inner, Message):
                return _Letter(mail, parts, text, inner)
            return _Letter(mail, parts, text, HeaderParser().parsestr(_decoded(part).lstrip()))
    # A letter that is all text: the message that it returns follows its own words.
    paragraphs = _BLANK_LINE.split(text)
    for index, paragraph in enumerate(paragraphs):
        if _OWN_ID.search(paragraph):
            lines = paragraph.splitlines(keepends=True)
            first = next(number for number, line in enumerate(lines) if _FIELD.match(line))
            words = "\n\n".join([*paragraphs[:index], "".join(lines[:first])])
            return _Letter(mail, parts, words, HeaderParser().parsestr("".join(lines[first:])))
    return _Letter(mail, parts, text, None)


def _parts(mail: Message) -> Iterator[Message]:
    """The parts in order, without looking into messages that it carries."""
    content = mail.get_payload()
    if mail.get_content_maintype() == "multipart" and isinstance(content, list):
        for part in content:
            if isinstance(part, Message):
                yield from _parts(part)
    else:
        yield mail


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _groups(part: Message) -> Iterator[Message]:
    """The groups of fields of a report, one after the other, however deep the parser has put them."""
    content = part.get_payload()
    for group in content if isinstance(content, list) else ():
        if isinstance(group, Message):
            yield group
            rest = group.get_payload()
            if isinstance(rest, str):
                yield from (HeaderParser().parsestr(one) for one in _BLANK_LINE.split(rest) if one.strip())


# Which message and whose address it is about


def _message_id(letter: _Letter, ours: AbstractSet[str]) -> str:
    """That of ours which it is about, or nothing.

    A returned message counts by its own id alone: an answer to ours that bounced names ours among its references.
    """
    for place, header in ((letter.original, "Message-ID"), (letter.mail, "In-Reply-To"), (letter.mail, "References")):
        named = _ID.findall(str(place.get(header, ""))) if place is not None else []
        if named:
            return named[-1] if named[-1] in ours else ""
    found = ours & set(_ID.findall(letter.words))
    return next(iter(found)) if len(found) == 1 else ""


def _people(original: Message | None) -> dict[str, str]:
    """The addresses that the returned message was written to, by their lower case."""
    if original is None:
        return {}
    headers = [str(value) for name in ("To", "Cc") for value in original.get_all(name, [])]
    return {email.casefold(): email for _, email in getaddresses(headers) if "@" in email}


def _recipient(addresses: Sequence[str], people: dict[str, str], words: str) -> str:
    """Whom it is about, as we wrote to them. Blind copies are not among the people: their addresses stand for them.

    Where mail was forwarded to an address that we do not know, the words tell ("generated from …") whose it was.
    """
    for one in addresses:
        if one.casefold() in people:
            return people[one.casefold()]
    folded = words.casefold()
    named = [email for key, email in people.items() if not addresses or key in folded]
    if len(named) == 1:
        return named[0]
    return addresses[0] if addresses else ""


def _when(mail: Message, arrived: datetime) -> datetime:
    """The mail's own date, unless it is none, or far from its arrival."""
    try:
        at = parsedate_to_datetime(str(mail["Date"]))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at if timedelta(days=-30) < at - arrived < timedelta(days=1) else arrived
    except (ValueError, TypeError, OverflowError):
        return arrived


# What it says


def _reported(letter: _Letter) -> Iterator[_Fate]:
    """RFC 3464: a group of fields for each recipient."""
    for part in letter.parts:
        if part.get_content_type() in _STATUSES:
            for group in _groups(part):
                first, last = _address(group, "Original-Recipient"), _address(group, "Final-Recipient")
                status = _STATUS.search(str(group.get("Status", "")))
                action = re.match(r"[a-z]*", str(group.get("Action", "")).strip().lower())
                said = action[0] if action else ""
                event = _EVENTS.get(said, _BY_CLASS.get(status[0][0], "") if status else "")
                if (first or last) and (said or status):
                    kind, mark, reason = str(group.get("Diagnostic-Code", "")).partition(";")
                    detail = _detail(status[0] if status else "", reason if mark else kind)
                    yield _Fate(event, tuple(one for one in (first, _plain(first), last) if one), detail)


def _address(group: Message, field: str) -> str:
    """The address in ``rfc822; a@b``."""
    kind, mark, text = str(group.get(field, "")).partition(";")
    address = (text if mark else kind).strip().strip("<>").strip()
    return address if "@" in address else ""


def _plain(address: str) -> str:
    """An original recipient some of whose characters stand in hexadecimal (RFC 3461, 4)."""
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), address)


def _guessed(letter: _Letter) -> Iterator[_Fate]:
    """The letters of servers that keep to no standard."""
    temporary, permanent = all_failures(letter.mail)
    for address in sorted(permanent):
        email = address.decode("ascii", "replace")
        yield _Fate("bounced", (email,), _reason(letter.words, email))
    yield from (_Fate("") for _ in temporary)


def _reason(words: str, email: str) -> str:
    """The first line with a status or an SMTP code after the address stands there."""
    _, _, after = words.partition(email)
    lines = (line for line in after.splitlines() if _STATUS.search(line) or _CODE.search(line))
    return _detail("", next(lines, ""))


def _complaint(letter: _Letter) -> list[_Fate]:
    """RFC 5965: someone has pressed "this is spam"."""
    for part in letter.parts:
        if part.get_content_type() == "message/feedback-report":
            group = next(_groups(part), Message())
            kind = str(group.get("Feedback-Type", "")).strip().lower()
            whose = str(group.get("Original-Rcpt-To", "")).strip().strip("<>")
            teller = parseaddr(str(letter.mail.get("From", "")))[1]
            event = "complained" if kind in _COMPLAINTS else ""
            return [_Fate(event, (whose,) if "@" in whose else (), _detail("", f"{kind}, says {teller}"))]
    return []


def _detail(status: str, reason: str) -> str:
    """The reason in one line, not too long; the status before it, where it says none or another."""
    words = " ".join("".join(one if one.isprintable() else " " for one in reason).split())
    found = [match for match in (_STATUS.search(words), _CODE.search(words)) if match]
    first = min(found, key=lambda match: match.start())[0] if found else ""
    told = first and (status.endswith(".0.0") or (status in words and first[0] == status[:1]))
    return (f"{status} {words}" if status and not told else words).strip()[:LONGEST]
